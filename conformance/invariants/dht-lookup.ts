/** The node's own lookups: whom it asks, when it ends, what it gives (DHT-070 to DHT-087). */
import { envelopesIn, messagesIn, textIn } from '../driver/seen.ts';
import { hex, readU64be, unhex, utf8 } from '../model/bytes.ts';
import { byDistance } from '../model/dht.ts';
import { judgeProvider, judgeValue } from '../model/dht-values.ts';
import { readEnvelope } from '../model/envelope.ts';
import { peerId } from '../model/peer-id.ts';
import type { Finding } from '../runner/check.ts';
import { givenProviders } from './dht-store.ts';
import {
  contactsIn,
  type DhtRule,
  type DhtView,
  type Exchange,
  hostIn,
  isAdmissibleHost,
  nearestOf,
  short,
  timeoutOf,
} from './dht-view.ts';

/** A lookup that a command asked for. */
interface SeenLookup {
  readonly command: string;
  readonly target: string;
  readonly event: number;
  readonly endEvent: number;
  readonly endMs: number;
  readonly error: string;
  readonly values: readonly string[];
  readonly isOver: boolean;
  /** Questions for the target in its time, in order. */
  readonly asked: readonly Exchange[];
}

function lookupsOf(view: DhtView): readonly SeenLookup[] {
  return view.trace.events.flatMap((event, index): SeenLookup[] => {
    if (event.type !== 'sentCommand' || !['dht.lookup', 'dht.providers', 'dht.get'].includes(event.command)) return [];
    const target = event.args[0] ?? '';
    const at = view.trace.events.findIndex((other, after) => after > index && other.type === 'outcome' && other.label === event.label);
    const outcome = view.trace.events[at];
    const endEvent = at < 0 ? view.trace.events.length : at;
    const asked = view.exchanges.filter(
      (exchange) =>
        exchange.by === 'node' &&
        exchange.event > index &&
        exchange.event < endEvent &&
        (textIn(exchange.fields, 'target') || textIn(exchange.fields, 'key')) === target,
    );
    return [
      {
        command: event.command,
        target,
        event: index,
        endEvent,
        endMs: outcome?.atMs ?? view.trace.endMs,
        error: outcome?.type === 'outcome' ? outcome.error : '',
        values: outcome?.type === 'outcome' ? outcome.values : [],
        isOver: outcome !== undefined,
        asked,
      },
    ];
  });
}

const FIRST: Readonly<Record<string, string>> = { 'dht.lookup': 'FindNode', 'dht.providers': 'GetProviders', 'dht.get': 'GetValue' };

/** Who is asked when (DHT-070 to DHT-073, DHT-078, DHT-079). */
export const asksInOrder: DhtRule = {
  clauses: ['DHT-070', 'DHT-071', 'DHT-072', 'DHT-073', 'DHT-078', 'DHT-079'],
  judge(view) {
    const findings: Finding[] = [];
    let exercised = false;
    for (const lookup of lookupsOf(view)) {
      const first = lookup.asked.filter(({ message }) => message === FIRST[lookup.command]);
      const start = nearestOf(view.tableAt(lookup.event), lookup.target, undefined).slice(0, view.number('dht.bucket_size'));
      exercised ||= first.length > 0;
      if (start.length > 0 && first.length === 0 && lookup.isOver)
        findings.push({ clause: 'DHT-070', expected: 'the nearest of the table are asked', observed: 'nobody is', at: lookup.event });
      const perPath = view.number('dht.alpha');
      const paths = lookup.command === 'dht.lookup' ? 1 : view.number('dht.paths');
      const seen = new Set<string>();
      for (const question of first) {
        const { peerId = '', event, atMs } = question;
        const key = `${peerId} ${question.endpoint ?? ''}`;
        if (seen.has(key)) findings.push({ clause: 'DHT-071', expected: 'each node once', observed: `${short(peerId)} twice`, at: event });
        seen.add(key);
        const open = first.filter(
          (other) =>
            other.event <= event &&
            (other.answer === undefined ? other.atMs + timeoutOf(other, view.number) > atMs : other.answer.event > event),
        );
        if (open.length > perPath * paths)
          findings.push({ clause: 'DHT-072', expected: `${perPath * paths} at a time`, observed: `${open.length}`, at: event });
        const heard = heardBefore(view, lookup, start, event);
        if (!heard.has(peerId))
          findings.push({
            clause: 'DHT-070',
            expected: 'a contact of the table or of a reply',
            observed: `${short(peerId)}, of whom nobody spoke`,
            at: event,
          });
        if (paths > 1) continue;
        // What came in the same millisecond the node may not have read yet.
        const asked = new Set(first.filter((other) => other.event < event).map((other) => other.peerId));
        const before = heardBefore(view, lookup, start, event, atMs);
        const candidates = [...before.keys(), peerId].filter((id) => id !== '' && (id === peerId || !asked.has(id)));
        const [next] = byDistance(unhex(lookup.target), candidates.map(unhex)).map(hex);
        if (next !== undefined && next !== peerId)
          findings.push({
            clause: 'DHT-073',
            expected: `${short(next)} is asked next, the nearest new one`,
            observed: short(peerId),
            at: event,
          });
      }
      const most = view.number('dht.lookup_queries_max');
      if (seen.size > most)
        findings.push({ clause: 'DHT-078', expected: `at most ${most} nodes`, observed: `${seen.size}`, at: lookup.event });
      if (lookup.command === 'dht.lookup' || !lookup.isOver) continue;
      for (const question of first) {
        const has = question.answer?.fields !== undefined && contactsIn(question.answer).length === 0 && hasItems(question);
        const followed = lookup.asked.some(
          (other) => other.message === 'FindNode' && other.peerId === question.peerId && other.event > question.event,
        );
        if (has && !followed)
          findings.push({
            clause: 'DHT-079',
            expected: `a FindNode to ${short(question.peerId ?? '')}`,
            observed: 'none',
            at: question.event,
          });
      }
    }
    return { findings, exercised };
  },
};

function hasItems({ answer }: Exchange): boolean {
  if (answer?.fields === undefined) return false;
  return envelopesIn(answer.fields, 'providers').length + messagesIn(answer.fields, 'values').length > 0;
}

/** Everybody of whom the lookup has heard before an event, and before a time, who may be asked. */
function heardBefore(
  view: DhtView,
  lookup: SeenLookup,
  start: readonly string[],
  event: number,
  beforeMs: number = Number.POSITIVE_INFINITY,
): ReadonlyMap<string, boolean> {
  const heard = new Map(start.map((id) => [id, true]));
  for (const { answer } of lookup.asked) {
    if (answer === undefined || answer.event > event || answer.atMs >= beforeMs) continue;
    for (const { peerId, addresses } of contactsIn(answer)) {
      const isUsable = addresses.some((text) => isAdmissibleHost(view.policy, hostIn(text)));
      if (isUsable && peerId !== view.trace.nodePeerId) heard.set(peerId, true);
    }
  }
  return heard;
}

/** No lookup ends before its time (DHT-074, DHT-075, DHT-077, DHT-087). */
export const endsInTime: DhtRule = {
  clauses: ['DHT-074', 'DHT-075', 'DHT-077', 'DHT-087'],
  judge(view) {
    const findings: Finding[] = [];
    let exercised = false;
    for (const lookup of lookupsOf(view)) {
      const first = lookup.asked.filter(({ message }) => message === FIRST[lookup.command]);
      if (!lookup.isOver) {
        const last = Math.max(lookup.event, ...lookup.asked.map(({ atMs }) => atMs));
        if (view.trace.endMs - last > 2 * view.number('dht.query_timeout_ms') + view.reactionMs)
          findings.push({ clause: 'DHT-087', expected: 'the lookup goes on or ends', observed: 'it stands still', at: lookup.event });
        continue;
      }
      const start = nearestOf(view.tableAt(lookup.event), lookup.target, undefined).slice(0, view.number('dht.bucket_size'));
      const heard = [...heardBefore(view, lookup, start, lookup.endEvent).keys()];
      const failed = new Set(first.filter(({ answer }) => answer === undefined).map(({ peerId }) => peerId));
      const nearest = byDistance(unhex(lookup.target), heard.filter((id) => !failed.has(id)).map(unhex)).map(hex);
      const isRegional = lookup.command !== 'dht.lookup';
      // The plans that look for providers keep the whole network within the region.
      const due = isRegional && view.number('dht.region_nodes') >= 100 ? nearest : nearest.slice(0, view.number('dht.bucket_size'));
      const asked = new Set(first.map(({ peerId }) => peerId));
      const isOpen = first.some(
        (one) =>
          (one.answer === undefined || one.answer.event > lookup.endEvent) &&
          one.atMs + timeoutOf(one, view.number) > lookup.endMs + view.slackMs,
      );
      if (isOpen && first.some(hasItems))
        findings.push({
          clause: 'DHT-075',
          expected: 'the lookup goes on after something was found',
          observed: 'it ended with questions unanswered',
          at: lookup.endEvent,
        });
      exercised ||= heard.length > start.length;
      if (asked.size >= view.number('dht.lookup_queries_max')) continue;
      const left = due.filter((id) => !asked.has(id));
      if (left.length === 0) continue;
      const hasFound = first.some(hasItems);
      const isFar = nearest.indexOf(left[0] ?? '') >= view.number('dht.bucket_size');
      const clauses = isFar ? ['DHT-077'] : hasFound ? ['DHT-074', 'DHT-075'] : ['DHT-074'];
      for (const clause of clauses)
        findings.push({ clause, expected: `${short(left[0] ?? '')} is asked first`, observed: 'the lookup ended', at: lookup.endEvent });
    }
    return { findings, exercised };
  },
};

/** What lookups give (DHT-080, DHT-084 to DHT-086). */
export const givesWhatItFound: DhtRule = {
  clauses: ['DHT-080', 'DHT-084', 'DHT-085', 'DHT-086'],
  judge(view) {
    const findings: Finding[] = [];
    let exercised = false;
    for (const lookup of lookupsOf(view)) {
      if (!lookup.isOver || lookup.error !== '') continue;
      const at = lookup.endEvent;
      const answered = lookup.asked.filter(({ answer, peerId }) => answer?.fields !== undefined && peerId !== undefined);
      exercised ||= answered.length > 0;
      const [hops] = lookup.values.slice(0, 3).map((bytes) => readU64be(unhex(bytes)));
      if (lookup.command === 'dht.lookup') {
        const ids = [...new Set(answered.map(({ peerId = '' }) => peerId))].map(unhex);
        const expected = byDistance(unhex(lookup.target), ids).map(hex).slice(0, view.number('dht.bucket_size'));
        const given = lookup.values.slice(3).filter((_, index) => index % 2 === 0);
        for (const clause of given.some((id) => !expected.includes(id))
          ? ['DHT-080', 'DHT-086']
          : given.join() === expected.join()
            ? []
            : ['DHT-086'])
          findings.push({ clause, expected: `${expected.length} that answered, nearest first`, observed: given.map(short).join(' '), at });
        if (expected.length > 0 && (hops ?? 0n) < 1n)
          findings.push({ clause: 'DHT-086', expected: 'at least one hop', observed: String(hops), at });
        const reach = reachOf(view, lookup);
        const [, depth, queries] = lookup.values.slice(0, 3).map((bytes) => Number(readU64be(unhex(bytes))));
        if (reach !== undefined && given.length > 0) {
          const right = { hops: reach.hops, depth: reach.depths.get(given[0] ?? '') ?? 0, asked: reach.asked };
          const found = { hops: Number(hops ?? 0n), depth, asked: queries };
          for (const name of ['hops', 'depth', 'asked'] as const)
            if (found[name] !== right[name])
              findings.push({ clause: 'DHT-086', expected: `${right[name]} as ${name}`, observed: String(found[name]), at });
        }
      } else if (lookup.command === 'dht.providers') {
        const wall = BigInt(view.trace.wallStartMs) + BigInt(Math.floor(lookup.endMs));
        const good = new Set<string>();
        for (const { answer } of answered) {
          for (const bytes of givenProviders(answer?.fields ?? {})) {
            const signer = judgeFound(view, bytes, wall, lookup.target);
            if (signer !== undefined) good.add(signer);
          }
        }
        const given = lookup.values.slice(3).filter((_, index) => index % 3 === 0);
        for (const id of given)
          if (!good.has(id)) findings.push({ clause: 'DHT-084', expected: 'records in order', observed: `one of ${short(id)}`, at });
        for (const id of good)
          if (!given.includes(id))
            findings.push({ clause: 'DHT-086', expected: `the record of ${short(id)}`, observed: 'it is left out', at });
      } else judgeContents(view, lookup, answered, findings);
    }
    return { findings, exercised };
  },
};

/**
 * Depths of all that the lookup heard of, its hops, and how many it asked. Undefined where the table holds more than a
 * lookup begins with, or answers came together, so that the order in which the node read them is its own affair.
 */
function reachOf(
  view: DhtView,
  lookup: SeenLookup,
): { readonly depths: ReadonlyMap<string, number>; readonly hops: number; readonly asked: number } | undefined {
  const start = nearestOf(view.tableAt(lookup.event), lookup.target, undefined);
  if (start.length > view.number('dht.bucket_size')) return undefined;
  const depths = new Map(start.map((id) => [id, 0]));
  const answers = lookup.asked
    .flatMap(({ answer, peerId }) => (answer === undefined || peerId === undefined ? [] : [{ answer, peerId }]))
    .filter(({ answer }) => answer.event < lookup.endEvent)
    .sort((a, b) => a.answer.event - b.answer.event);
  for (const { answer, peerId } of answers) {
    const depth = depths.get(peerId);
    if (depth === undefined) return undefined;
    for (const named of contactsIn(answer)) {
      const isUsable = named.addresses.some((text) => isAdmissibleHost(view.policy, hostIn(text)));
      if (isUsable && named.peerId !== view.trace.nodePeerId && !depths.has(named.peerId)) depths.set(named.peerId, depth + 1);
    }
  }
  const hops = answers.reduce((most, { peerId }) => Math.max(most, (depths.get(peerId) ?? 0) + 1), 0);
  return { depths, hops, asked: new Set(lookup.asked.map(({ peerId }) => peerId)).size };
}

/** The content that wins of all that came, and no other (DHT-085, DHT-086). */
function judgeContents(view: DhtView, lookup: SeenLookup, answered: readonly Exchange[], findings: Finding[]): void {
  const at = lookup.endEvent;
  const networkId = utf8(view.trace.networkId);
  const came = answered.flatMap(({ answer }) =>
    messagesIn(answer?.fields ?? {}, 'values').map((one) => ({ namespace: textIn(one, 'namespace'), content: textIn(one, 'content') })),
  );
  const good = came.flatMap(({ namespace, content }) => {
    const read = judgeValue(networkId, namespace, unhex(content));
    return 'error' in read || hex(read.key) !== lookup.target ? [] : [{ namespace, content, sequence: read.sequence }];
  });
  const given = lookup.values.slice(5);
  for (const content of given)
    if (!good.some((one) => one.content === content))
      findings.push({ clause: 'DHT-085', expected: 'contents of the key, in order', observed: `${short(content)}, which is not`, at });
  const mutable = good
    .filter(({ namespace }) => namespace === 'mutable')
    .sort((a, b) => (a.sequence < b.sequence ? 1 : a.sequence > b.sequence ? -1 : 0));
  const best = mutable[0]?.sequence;
  const [namespace = '', sequence = ''] = lookup.values.slice(3, 5);
  if (good.length === 0 && (namespace !== '' || /[^0]/.test(sequence)))
    findings.push({
      clause: 'DHT-086',
      expected: 'no namespace and sequence 0: nothing was found',
      observed: `${namespace} ${sequence}`,
      at,
    });
  const winners = best === undefined ? good : mutable.filter(({ sequence }) => sequence === best);
  if (winners.length > 0 && !winners.some(({ content }) => content === given[0]))
    findings.push({ clause: 'DHT-086', expected: 'the content that wins', observed: given.length === 0 ? 'none' : 'another', at });
}

/** The signer of a record of the key that is in order, whoever brings it. */
function judgeFound(view: DhtView, bytes: string, wallMs: bigint, key: string): string | undefined {
  const trial = judgeProvider(utf8(view.trace.networkId), view.policy, wallMs, { peerId: signerOf(bytes) }, unhex(bytes));
  return 'error' in trial || hex(trial.key) !== key ? undefined : hex(trial.signer);
}

function signerOf(bytes: string): Uint8Array {
  const envelope = readEnvelope(unhex(bytes));
  return envelope === undefined ? new Uint8Array(32) : peerId(envelope.keyType, envelope.publicKey);
}
