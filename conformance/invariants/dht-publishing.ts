/** What the node publishes: to whom, when, and again while nobody takes it (DHT-090 to DHT-097). */
import { bigIn, envelopeIn, textIn } from '../driver/seen.ts';
import { hex, unhex, utf8 } from '../model/bytes.ts';
import { byDistance, distance } from '../model/dht.ts';
import { judgeProvider } from '../model/dht-values.ts';
import type { Finding } from '../runner/check.ts';
import { type DhtRule, type DhtView, type Exchange, envelopeBytes, short } from './dht-view.ts';

/** Publishes what the application provides, to whom and when it has to (DHT-090 to DHT-094). */
export const publishesInTime: DhtRule = {
  clauses: ['DHT-090', 'DHT-091', 'DHT-092', 'DHT-093', 'DHT-094'],
  judge(view) {
    const findings: Finding[] = [];
    let exercised = false;
    view.trace.events.forEach((event, at) => {
      if (event.type !== 'sentCommand' || event.command !== 'dht.provide') return;
      const key = event.args[0] ?? '';
      const isShort = event.args[1] === '0000000000000001';
      const withdrawn = view.trace.events.find(
        (other, index) => index > at && other.type === 'sentCommand' && other.command === 'dht.unprovide' && other.args[0] === key,
      );
      const ttlMs = view.number(isShort ? 'dht.short_ttl_ms' : 'dht.provider_ttl_ms');
      const written = view.exchanges.filter(
        ({ by, message, event: index, fields }) => by === 'node' && message === 'AddProvider' && index > at && keyOf(fields) === key,
      );
      const rounds = roundsOf(written);
      const mean = (ttlMs * view.number('dht.republish_percent')) / 100;
      const spread = (mean * view.number('dht.republish_jitter_percent')) / 100;
      const endMs = withdrawn?.atMs ?? view.trace.endMs;
      if (endMs - event.atMs > mean + spread + 10_000) exercised = true;
      const answered = view.exchanges.filter(
        ({ by, message, fields, answer }) =>
          by === 'node' && message === 'FindNode' && textIn(fields, 'target') === key && answer !== undefined,
      );
      rounds.forEach((round, index) => {
        exercised = true;
        const [first] = round;
        if (first === undefined) return;
        const known = new Set(
          answered
            .filter((one) => one.event < first.event && one.event > (rounds[index - 1]?.[0]?.event ?? at))
            .map(({ peerId = '' }) => peerId),
        );
        const radius = regionAtLeast(view, first.event);
        const due = byDistance(unhex(key), [...known].map(unhex))
          .filter((id, rank) => rank < view.number('dht.bucket_size') || distance(unhex(key), id) < radius)
          .map(hex);
        const wrote = new Set(round.map(({ peerId }) => peerId));
        for (const id of due)
          if (!wrote.has(id)) findings.push({ clause: 'DHT-090', expected: `a record to ${short(id)}`, observed: 'none', at: first.event });
        judgeRecord(view, first, ttlMs, findings);
        const before = rounds[index - 1]?.[0];
        if (before === undefined) return;
        const pauseMs = first.atMs - before.atMs;
        if (pauseMs < mean - spread - 2_000 || pauseMs > mean + spread + 2_000)
          findings.push({
            clause: 'DHT-091',
            expected: `${mean} ms ± ${spread} ms between publications`,
            observed: `${pauseMs} ms`,
            at: first.event,
          });
        if (envelopeBytes(first.fields, 'provider') === envelopeBytes(before.fields, 'provider'))
          findings.push({ clause: 'DHT-092', expected: 'a new record', observed: 'the same again', at: first.event });
        if (withdrawn !== undefined && first.atMs > withdrawn.atMs)
          findings.push({ clause: 'DHT-093', expected: 'no record after it was withdrawn', observed: 'one more', at: first.event });
      });
      const expected = rounds.length === 0 ? 0 : Math.floor((endMs - (rounds[0]?.[0]?.atMs ?? 0) - 10_000) / (mean + spread));
      if (rounds.length > 0 && rounds.filter((round) => (round[0]?.atMs ?? 0) <= endMs).length < 1 + expected)
        findings.push({ clause: 'DHT-091', expected: `${1 + expected} publications`, observed: `${rounds.length}`, at });
      if (rounds.length === 0 && view.verifiedAt(at).size > 0 && endMs - event.atMs > 2 * view.number('dht.query_timeout_ms'))
        findings.push({ clause: 'DHT-090', expected: 'records to those who answered', observed: 'none', at });
    });
    return { findings, exercised };
  },
};

/**
 * How far the region of DHT-077 reaches at least, whichever of its samples the node counts: by the largest estimate that any of them gives.
 * Of a target, all who ever answered stand for those of one lookup, which lie no nearer.
 */
function regionAtLeast(view: DhtView, event: number): bigint {
  const k = view.number('dht.bucket_size');
  const answered = view.exchanges.filter(
    (one) => one.by === 'node' && one.message === 'FindNode' && one.event < event && one.answer !== undefined,
  );
  let most = 0n;
  for (const target of new Set(answered.map(({ fields }) => textIn(fields, 'target')))) {
    const ids = [...new Set(answered.filter(({ fields }) => textIn(fields, 'target') === target).map(({ peerId = '' }) => peerId))];
    const nearest = byDistance(unhex(target), ids.map(unhex)).slice(0, k);
    const farthest = distance(unhex(target), nearest.at(-1) ?? unhex(target));
    const size = nearest.length < k || farthest === 0n ? BigInt(1 + nearest.length) : 1n + (2n ** 256n * BigInt(k)) / farthest;
    if (size > most) most = size;
  }
  return (BigInt(view.number('dht.region_nodes')) * 2n ** 256n) / (most === 0n ? 1n : most);
}

function keyOf(fields: Exchange['fields']): string {
  const payload = envelopeIn(fields, 'provider')?.payload;
  return payload === undefined ? '' : textIn(payload.fields, 'key');
}

/** Records written one after the other without a pause are one publication. */
function roundsOf(written: readonly Exchange[]): readonly (readonly Exchange[])[] {
  const rounds: Exchange[][] = [];
  for (const one of written) {
    const last = rounds.at(-1)?.at(-1);
    if (last === undefined || one.atMs - last.atMs > 20_000) rounds.push([one]);
    else rounds.at(-1)?.push(one);
  }
  return rounds;
}

/** The record is one that any node takes, made now and for the right time. */
function judgeRecord(view: DhtView, { fields, atMs, event }: Exchange, ttlMs: number, findings: Finding[]): void {
  const wallMs = BigInt(view.trace.wallStartMs) + BigInt(Math.floor(atMs));
  const judged = judgeProvider(
    utf8(view.trace.networkId),
    view.policy,
    wallMs,
    { peerId: unhex(view.trace.nodePeerId) },
    unhex(envelopeBytes(fields, 'provider')),
  );
  if ('error' in judged) {
    findings.push({ clause: 'DHT-090', expected: 'a record in order', observed: judged.error, at: event });
    return;
  }
  if (judged.createdMs < wallMs - 20_000n || judged.createdMs > wallMs)
    findings.push({ clause: 'DHT-092', expected: 'a record made now', observed: `made at ${judged.createdMs}`, at: event });
  if (judged.ttlMs !== BigInt(ttlMs))
    findings.push({ clause: 'DHT-094', expected: `${ttlMs} ms`, observed: `${judged.ttlMs} ms`, at: event });
}

/** Puts values to those nearest who answered (DHT-095). */
export const putsToTheNearest: DhtRule = {
  clauses: ['DHT-095'],
  judge(view) {
    const findings: Finding[] = [];
    let exercised = false;
    view.trace.events.forEach((event, at) => {
      if (event.type !== 'outcome' || event.command !== 'dht.put' || event.error !== '') return;
      const key = event.values[0] ?? '';
      const asked = view.exchanges.filter(
        (one) => one.by === 'node' && one.event < at && one.message === 'FindNode' && textIn(one.fields, 'target') === key,
      );
      const answered = [...new Set(asked.filter(({ answer }) => answer !== undefined).map(({ peerId = '' }) => peerId))];
      const due = byDistance(unhex(key), answered.map(unhex)).map(hex).slice(0, view.number('dht.bucket_size'));
      const puts = view.exchanges.filter((one) => one.by === 'node' && one.message === 'PutValue' && one.event < at);
      exercised ||= due.length > 0;
      for (const id of due)
        if (!puts.some(({ peerId }) => peerId === id))
          findings.push({ clause: 'DHT-095', expected: `the value to ${short(id)}`, observed: 'it is not put', at });
    });
    return { findings, exercised };
  },
};

/** Something that the application had published, and each time that it went out. */
interface Published {
  readonly at: number;
  readonly atMs: number;
  /** When it was withdrawn, or the end of the trace. */
  readonly endMs: number;
  /** Mean and spread of the pause of DHT-091, in ms. */
  readonly meanMs: number;
  readonly spreadMs: number;
  /** Of a value: what it is said to replace. */
  readonly expectedNext: bigint;
  readonly rounds: readonly (readonly Exchange[])[];
}

/** Every provided key, and the value if it is the only one. */
function publishedIn(view: DhtView): readonly Published[] {
  const refused = new Set(view.trace.events.flatMap((event) => (event.type === 'outcome' && event.error !== '' ? [event.label] : [])));
  const sent = view.trace.events.flatMap((event, at) => (event.type === 'sentCommand' && !refused.has(event.label) ? [{ event, at }] : []));
  const puts = sent.filter(({ event }) => event.command === 'dht.put');
  const provided = sent.filter(({ event }) => event.command === 'dht.provide');
  return [...provided, ...(puts.length === 1 ? puts : [])].map(({ event, at }) => {
    const isValue = event.command === 'dht.put';
    const key = event.args[0] ?? '';
    const isShort = !isValue && event.args[1] === '0000000000000001';
    const meanMs = (view.number(isShort ? 'dht.short_ttl_ms' : 'dht.provider_ttl_ms') * view.number('dht.republish_percent')) / 100;
    const withdrawn = sent.find(
      (other) => other.at > at && other.event.command === 'dht.unprovide' && (isValue || other.event.args[0] === key),
    );
    const replaced = sent.find(
      (other) => other.at > at && other.event.command === event.command && (isValue || other.event.args[0] === key),
    );
    const written = view.exchanges.filter(
      ({ by, message, event: index, fields }) =>
        by === 'node' && index > at && (isValue ? message === 'PutValue' : message === 'AddProvider' && keyOf(fields) === key),
    );
    return {
      at,
      atMs: event.atMs,
      endMs: Math.min(withdrawn?.event.atMs ?? view.trace.endMs, replaced?.event.atMs ?? view.trace.endMs),
      meanMs,
      spreadMs: (meanMs * view.number('dht.republish_jitter_percent')) / 100,
      expectedNext: isValue ? BigInt(`0x${event.args[4] ?? '0'}`) : 0n,
      rounds: roundsOf(written),
    };
  });
}

function isTaken(round: readonly Exchange[]): boolean {
  return round.some(({ answer }) => answer?.fields !== undefined && bigIn(answer.fields, 'code') === 0n);
}

/** For a lookup that meets silent nodes. */
const LOOKUP_MS = 15_000;

/** What nobody took goes out again, after pauses that double (DHT-096). */
export const retriesUntaken: DhtRule = {
  clauses: ['DHT-096'],
  judge(view) {
    const findings: Finding[] = [];
    let exercised = false;
    for (const { at, atMs, endMs, meanMs, spreadMs, rounds } of publishedIn(view)) {
      const firstKnownMs = Math.min(
        ...view.exchanges.flatMap(({ by, answer }) => (by === 'node' && answer !== undefined ? [answer.atMs] : [])),
      );
      let pauseMs = view.number('dht.publish_retry_ms');
      /** When the next publication has to begin, if the one before was not taken. */
      let dueMs: number | undefined = atMs;
      const fail = (from: number, observed: string, index: number): void => {
        findings.push({ clause: 'DHT-096', expected: `a publication ${Math.round(from)} ms after the start`, observed, at: index });
      };
      // Those with nobody to ask end at once and cannot be seen.
      while (dueMs < endMs && dueMs < firstKnownMs + view.slackMs && (rounds[0]?.[0]?.atMs ?? endMs) > dueMs + LOOKUP_MS) {
        dueMs += Math.min(pauseMs, meanMs);
        pauseMs *= 2;
      }
      for (const round of rounds) {
        const [first] = round;
        if (first === undefined) break;
        if (dueMs !== undefined && dueMs > atMs) {
          exercised = true;
          if (first.atMs < dueMs - spreadMs - 1_000 || first.atMs > dueMs + LOOKUP_MS) fail(dueMs, `one at ${first.atMs} ms`, first.event);
        }
        if (isTaken(round)) {
          dueMs = undefined;
          pauseMs = view.number('dht.publish_retry_ms');
          continue;
        }
        const endedMs = Math.max(...round.map((one) => one.answer?.atMs ?? one.atMs + view.number('dht.query_timeout_ms')));
        dueMs = Math.min(endedMs + pauseMs, first.atMs + meanMs);
        pauseMs *= 2;
      }
      if (dueMs !== undefined && firstKnownMs < dueMs && dueMs + LOOKUP_MS < endMs) fail(dueMs, 'none', at);
    }
    return { findings, exercised };
  },
};

/** A value says what it replaces until it is taken, and nothing after that (DHT-097). */
export const expectsUntilTaken: DhtRule = {
  clauses: ['DHT-097'],
  judge(view) {
    const findings: Finding[] = [];
    let exercised = false;
    for (const { expectedNext, rounds } of publishedIn(view)) {
      if (expectedNext === 0n) continue;
      const firstTaken = rounds.findIndex(isTaken);
      rounds.forEach((round, index) => {
        const due = firstTaken >= 0 && index > firstTaken ? 0n : expectedNext;
        exercised ||= index > 0;
        for (const { fields, event } of round) {
          const found = bigIn(fields, 'expectedNext');
          if (found !== due) findings.push({ clause: 'DHT-097', expected: `expected_next ${due}`, observed: `${found}`, at: event });
        }
      });
    }
    return { findings, exercised };
  },
};
