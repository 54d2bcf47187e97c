/** What the node does on its own: checks, hints, refreshes, publications (DHT-026, DHT-027, DHT-030, DHT-100 to DHT-105). */
import { envelopesIn, messageIn, messagesIn, textIn } from '../driver/seen.ts';
import { hex, unhex } from '../model/bytes.ts';
import { bucketIndex, byDistance, distance, networkSize, type SizeSample } from '../model/dht.ts';
import { readListText } from '../model/dht-address.ts';
import { activeSize } from '../model/gossip.ts';
import type { Finding } from '../runner/check.ts';
import { bucketOf, type DhtRule, type DhtView, type Exchange, hostIn, short } from './dht-view.ts';

function pingsOf(view: DhtView): readonly (Exchange & { readonly isContact: boolean })[] {
  return view.exchanges
    .filter(({ by, message }) => by === 'node' && message === 'DhtPing')
    .map((ping) => {
      const table = view.tableAt(ping.event);
      const isContact = table.some(({ entries }) => entries.some((id) => hex(id) === ping.peerId));
      return { ...ping, isContact };
    });
}

/** One check at a time, of the head of a bucket, whoever comes (DHT-026, DHT-027). */
export const checksAtItsOwnPace: DhtRule = {
  clauses: ['DHT-026', 'DHT-027'],
  judge(view) {
    const findings: Finding[] = [];
    const pings = pingsOf(view);
    const paceOf = (isContact: boolean): number => view.number(isContact ? 'dht.check_ms' : 'dht.candidate_ms');
    for (const isContact of [true, false]) {
      const ours = pings.filter((ping) => ping.isContact === isContact);
      ours.forEach((ping, index) => {
        const before = ours[index - 1];
        if (before !== undefined && ping.atMs - before.atMs < paceOf(isContact) - view.slackMs - 1)
          findings.push({
            clause: 'DHT-027',
            expected: `${paceOf(isContact)} ms between checks`,
            observed: `${ping.atMs - before.atMs} ms`,
            at: ping.event,
          });
      });
    }
    for (const ping of pings.filter(({ isContact }) => isContact)) {
      const bucket = view.tableAt(ping.event).find(({ index }) => index === bucketOf(view, ping.peerId ?? ''));
      const [head] = bucket?.entries ?? [];
      if (head !== undefined && hex(head) !== ping.peerId)
        findings.push({
          clause: 'DHT-026',
          expected: `the head of the bucket, ${short(hex(head))}`,
          observed: short(ping.peerId ?? ''),
          at: ping.event,
        });
    }
    const [first] = view.spans.filter(({ listens, host }) => listens.some((text) => hostIn(text) === host));
    const last = view.spans.every(({ toMs }) => toMs >= view.trace.endMs);
    const periods = first === undefined || !last ? 0 : Math.floor((view.trace.endMs - first.atMs) / view.number('dht.check_ms')) - 1;
    const count = pings.filter(({ isContact }) => isContact).length;
    if (count < periods)
      findings.push({
        clause: 'DHT-026',
        expected: `${periods} checks of contacts`,
        observed: `${count}`,
        at: view.trace.events.length - 1,
      });
    // The buckets in turn: none waits while another is checked twice.
    const buckets = pings.filter(({ isContact }) => isContact).map(({ peerId = '' }) => bucketOf(view, peerId));
    const table = view.tableAt(view.trace.events.length);
    const allThere = view.spans.every(({ event }) => event < (pings[0]?.event ?? 0));
    if (allThere && table.length > 1 && buckets.slice(0, table.length).some((bucket, index, all) => all.indexOf(bucket) !== index))
      findings.push({ clause: 'DHT-026', expected: 'the buckets in turn', observed: 'one twice', at: pings[0]?.event ?? 0 });
    return { findings, exercised: periods > 0 || pings.length > 0 };
  },
};

/** An asker by datagram is checked before it is named (DHT-030). */
export const checksAskers: DhtRule = {
  clauses: ['DHT-030'],
  judge(view) {
    const findings: Finding[] = [];
    let exercised = false;
    for (const exchange of view.exchanges) {
      const asker = messageIn(exchange.fields, 'asker') ?? {};
      const id = textIn(asker, 'peerId');
      if (exchange.by !== 'kit' || exchange.endpoint === undefined || exchange.answer === undefined || id === '') continue;
      const waitMs = 3 * view.number('dht.candidate_ms') + view.reactionMs;
      if (exchange.atMs + waitMs > view.trace.endMs) continue;
      exercised = true;
      const isChecked = view.exchanges.some(
        (other) =>
          other.by === 'node' &&
          other.endpoint === exchange.endpoint &&
          other.event > exchange.event &&
          other.atMs <= exchange.atMs + waitMs,
      );
      if (!isChecked)
        findings.push({ clause: 'DHT-030', expected: `a question to ${exchange.endpoint}`, observed: 'none', at: exchange.event });
    }
    return { findings, exercised };
  },
};

/** Looks for its own neighbours, and into every bucket in time (DHT-101, DHT-102). */
export const looksAround: DhtRule = {
  clauses: ['DHT-101', 'DHT-102'],
  judge(view) {
    const findings: Finding[] = [];
    const [first] = view.spans.filter(({ listens, host }) => listens.some((text) => hostIn(text) === host));
    if (first === undefined || first.toMs < view.trace.endMs) return { findings, exercised: false };
    const targets = view.exchanges
      .filter(({ by, message, event }) => by === 'node' && message === 'FindNode' && event > first.event)
      .map(({ fields, atMs }) => ({ target: textIn(fields, 'target'), atMs }));
    if (first.atMs + view.reactionMs > view.trace.endMs) return { findings, exercised: false };
    if (!targets.some(({ target, atMs }) => target === view.trace.nodePeerId && atMs <= first.atMs + view.reactionMs))
      findings.push({ clause: 'DHT-101', expected: 'a FindNode for the node’s own id', observed: 'none', at: first.event });
    const refreshMs = view.number('dht.refresh_ms');
    const isLong = view.trace.endMs > first.atMs + 2 * refreshMs + 60_000;
    if (isLong) {
      const nearest = view.tableAt(view.trace.events.length)[0]?.index ?? 256;
      for (const from of [first.atMs, first.atMs + refreshMs + 60_000]) {
        const reached = new Set(
          targets
            .filter(({ atMs }) => atMs >= from && atMs <= from + refreshMs + 60_000)
            .map(({ target }) => bucketIndex(unhex(view.trace.nodePeerId), unhex(target))),
        );
        for (let bucket = nearest; bucket < 256; bucket++)
          if (!reached.has(bucket))
            findings.push({
              clause: 'DHT-102',
              expected: `a lookup in bucket ${bucket}`,
              observed: `none within ${refreshMs} ms`,
              at: first.event,
            });
      }
    }
    return { findings: findings.slice(0, 3), exercised: true };
  },
};

/** Tries hints until somebody answers, as many as it may, and no others (DHT-103, DHT-104). */
export const triesHints: DhtRule = {
  clauses: ['DHT-100', 'DHT-103', 'DHT-104'],
  judge(view) {
    const findings: Finding[] = [];
    const events = view.trace.events;
    const names = (view.trace.setup?.bootstrap ?? []).filter((text) => text.startsWith('dns:')).map((text) => text.slice(4));
    const retryMs = view.number('dht.bootstrap_retry_ms');
    const everVerified = view.verifiedAt(events.length).size > 0;
    for (const name of names) {
      const asked = events.filter((event) => event.type === 'resolve' && event.name === name);
      const expected = everVerified ? 1 : 1 + Math.floor((view.trace.endMs - view.reactionMs) / retryMs);
      if (asked.length < expected)
        findings.push({ clause: 'DHT-103', expected: `${expected} rounds`, observed: `${asked.length}`, at: events.length - 1 });
    }
    let exercised = names.length > 0;
    events.forEach((event, at) => {
      if (event.type !== 'step' || event.value.op !== 'resolved') return;
      const texts = event.value.texts.map((text) => ({ text, read: readListText(text) }));
      const touched = new Set(
        events
          .slice(at)
          .flatMap((other) => (other.type === 'dial' ? [other.address] : other.type === 'datagram' ? [`udp://${other.to}`] : [])),
      );
      exercised = true;
      texts.forEach(({ text, read }, index) => {
        const address = read?.address ?? /@(.*)$/.exec(text)?.[1] ?? '';
        const isTouched = touched.has(address);
        const isFirst = texts.findIndex((other) => other.read?.address === address) === index;
        if (read !== undefined && index >= view.number('dht.hints_max') && isFirst && isTouched)
          findings.push({
            clause: 'DHT-104',
            expected: `${view.number('dht.hints_max')} texts`,
            observed: `text ${index + 1} is used`,
            at,
          });
        if (read === undefined && isTouched)
          findings.push({ clause: 'DHT-100', expected: `"${text}" is left aside`, observed: 'it is used', at });
        if (read !== undefined && texts.length <= 4 && index < view.number('dht.hints_max') && !isTouched)
          findings.push({ clause: 'DHT-100', expected: `"${text}" is tried`, observed: 'it is not', at });
      });
    });
    return { findings, exercised };
  },
};

/** Tries its hints again when its table has become empty (DHT-103). */
export const triesHintsAgain: DhtRule = {
  clauses: ['DHT-103'],
  judge(view) {
    const { events, endMs } = view.trace;
    const waitMs = view.number('dht.bootstrap_retry_ms') + view.reactionMs;
    const isEmpty = (event: number): boolean => view.tableAt(event).every(({ entries }) => entries.length === 0);
    if (view.verifiedAt(events.length).size === 0 || !isEmpty(events.length)) return { findings: [], exercised: false };
    const lost = events.findIndex((_, index) => view.verifiedAt(index).size > 0 && isEmpty(index));
    const lostMs = events[lost]?.atMs ?? endMs;
    if (lost < 0 || lostMs + waitMs > endMs) return { findings: [], exercised: false };
    const tried = events.some((event, index) => index >= lost && event.type === 'resolve');
    const findings = tried
      ? []
      : [{ clause: 'DHT-103', expected: `the list is asked for within ${waitMs} ms`, observed: 'it is not', at: lost }];
    return { findings, exercised: true };
  },
};

/** Closes on replies out of order (DHT-082). */
export const closesOnBadReplies: DhtRule = {
  clauses: ['DHT-082'],
  judge(view) {
    const findings: Finding[] = [];
    let exercised = false;
    for (const { by, answer, link, message } of view.exchanges) {
      if (by !== 'node' || answer === undefined || link === undefined || answer.atMs + view.reactionMs > view.trace.endMs) continue;
      const most = message === 'GetProviders' ? 5 : message === 'GetValue' ? 2 : 0;
      const items =
        answer.fields === undefined ? 0 : messagesIn(answer.fields, 'values').length + envelopesIn(answer.fields, 'providers').length;
      const contacts = answer.fields === undefined ? 0 : messagesIn(answer.fields, 'contacts').length;
      const isBad = answer.fields === undefined || contacts > 20 || items > most;
      exercised ||= isBad;
      const closed = view.trace.events.find(
        (event, index) => index > answer.event && event.type === 'closed' && event.link === link && event.by === 'node',
      );
      const isClosed = closed !== undefined && closed.atMs <= answer.atMs + view.reactionMs;
      if (isBad && !isClosed)
        findings.push({ clause: 'DHT-082', expected: `link ${link} is closed`, observed: 'it stays open', at: answer.event });
    }
    return { findings, exercised };
  },
};

/** Dials for questions are bounded (DHT-088). */
export const dialsWithinBounds: DhtRule = {
  clauses: ['DHT-088'],
  judge(view) {
    const findings: Finding[] = [];
    const waitMs = view.number('dht.query_timeout_ms');
    const dials = view.trace.events.flatMap((event, at) =>
      event.type === 'dial' ? [{ address: event.address, atMs: event.atMs, at }] : [],
    );
    for (const dial of dials) {
      const open = dials.filter((other) => other.at <= dial.at && other.atMs + waitMs > dial.atMs);
      if (open.length > view.number('dht.dials_max'))
        findings.push({
          clause: 'DHT-088',
          expected: `${view.number('dht.dials_max')} dials at a time`,
          observed: `${open.length}`,
          at: dial.at,
        });
    }
    return { findings, exercised: dials.length > view.number('dht.dials_max') };
  },
};

/** The estimate stands for the size of the network where none is configured, from all samples that count (DHT-110, DHT-111). */
export const spreadsByTheEstimate: DhtRule = {
  clauses: ['DHT-110', 'DHT-111'],
  judge(view) {
    const findings: Finding[] = [];
    let exercised = false;
    view.trace.events.forEach((event, at) => {
      if (event.type !== 'step' || event.value.op !== 'publish') return;
      const samples = samplesBefore(view, at);
      if (samples.length === 0) return;
      const size = activeSize(networkSize(view.number('dht.bucket_size'), samples), view.number('gossip.active_min'));
      const links = view.spans.filter(({ event: from, toEvent }) => from < at && toEvent > at).length;
      const pushed = new Set(
        view.trace.events.flatMap((other, index) =>
          index > at &&
          other.type === 'frame' &&
          other.frame.kind === 32 &&
          other.atMs <= event.atMs + view.number('gossip.forward_ms_max') + view.slackMs
            ? [other.link]
            : [],
        ),
      );
      if (links <= size) return;
      exercised = true;
      if (pushed.size === size) return;
      for (const clause of samples.length > 1 ? ['DHT-110', 'DHT-111'] : ['DHT-111'])
        findings.push({ clause, expected: `a Push on ${size} links`, observed: `on ${pushed.size}`, at });
    });
    return { findings, exercised };
  },
};

/** What the node's lookups without a command have found before an event: all targets but those of commands. */
function samplesBefore(view: DhtView, event: number): readonly SizeSample[] {
  const targets = new Map<string, Set<string>>();
  for (const { by, message, fields, peerId = '', answer } of view.exchanges) {
    if (by !== 'node' || message !== 'FindNode' || answer === undefined || answer.event > event) continue;
    const target = textIn(fields, 'target');
    targets.set(target, (targets.get(target) ?? new Set()).add(peerId));
  }
  const samples = [...targets].map(([target, ids]) => {
    const nearest = byDistance(unhex(target), [...ids].map(unhex)).slice(0, view.number('dht.bucket_size'));
    return { count: nearest.length, farthest: distance(unhex(target), nearest.at(-1) ?? unhex(target)) };
  });
  return samples.filter(({ count }) => count > 0).slice(-view.number('dht.estimate_samples'));
}
