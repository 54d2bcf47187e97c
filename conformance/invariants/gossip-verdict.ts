/** What becomes of an envelope: delivery, silence, and whether others hear of it. Spec: GSP-010 to GSP-029. */
import type { Finding } from '../runner/check.ts';
import { type Arrival, dataOf, type GossipView, type Message } from './gossip-view.ts';
import type { Rule, RuleResult } from './rule.ts';

/**
 * Every message that had to be accepted reaches the application exactly once, in time. Where
 * deliveries cannot be seen, a push or announcement on another link stands for it.
 */
export const acceptedIsTaken: Rule<GossipView> = {
  clauses: ['GSP-021', 'GSP-022', 'GSP-024', 'GSP-025', 'GSP-029', 'IDN-031'],
  judge(view) {
    const findings: Finding[] = [];
    let exercised = false;
    const restarts = view.trace.events.some((event) => event.type === 'restarted');
    const reactionMs = view.number('session.reaction_ms_max') + view.slackMs;
    for (const message of view.messages.values()) {
      if (message.own) continue;
      if (view.trace.observes.deliver) {
        if (message.atMs + reactionMs > view.trace.endMs) continue;
        exercised = true;
        const times = view.trace.events.filter((event) => event.type === 'deliver' && event.id === message.id);
        const inTime = times.filter((event) => event.atMs >= message.atMs && event.atMs <= message.atMs + reactionMs);
        if (times.length > 1 && !restarts) {
          findings.push({
            clause: 'GSP-022',
            expected: `the message ${short(message.id)} is delivered once`,
            observed: `it was delivered ${times.length} times`,
            at: message.event,
          });
        }
        if (inTime.length === 0) {
          findings.push({
            clause: deliveredUnderAnotherId(view, message, reactionMs) ? 'IDN-031' : clauseOfAcceptance(view, message.id, message.event),
            expected: `the message ${short(message.id)} is accepted and delivered within ${reactionMs} ms`,
            observed:
              times.length === 0 ? 'it was never delivered' : `it was delivered at ${times[0]?.atMs} ms, it came at ${message.atMs} ms`,
            at: message.event,
          });
        }
        continue;
      }
      // With no more links than the active size all are pushed to; else, and at the limit of hops, some are only told, at a heartbeat.
      const fits =
        view.spans.filter((span) => span.gossip).length <= view.activeSize && (message.hops ?? 0) < view.number('gossip.hops_max');
      const heardMs = message.atMs + (fits ? view.number('gossip.forward_ms_max') : 2 * view.number('gossip.heartbeat_ms')) + view.slackMs;
      const witnesses = view.spans.filter(
        (span) =>
          span.gossip &&
          span.link !== message.from &&
          span.fromEvent < message.event &&
          span.toMs > heardMs &&
          !maybeKnownByKit(view, span.link, message.id, heardMs),
      );
      if (witnesses.length === 0 || heardMs > view.trace.endMs) continue;
      exercised = true;
      const heard =
        view.departures.some((departure) => departure.envelope.id === message.id) ||
        view.mentions.some((mention) => mention.by === 'node' && mention.kind === 'Ihave' && mention.ids.includes(message.id));
      if (!heard) {
        findings.push({
          clause: clauseOfAcceptance(view, message.id, message.event),
          expected: `the message ${short(message.id)} is accepted and passed on`,
          observed: 'no other link was sent or told of it',
          at: message.event,
        });
      }
    }
    return { findings, exercised };
  },
};

/** Whether the message's data was delivered in time with an id that no message of the trace has. */
function deliveredUnderAnotherId(view: GossipView, message: Message, withinMs: number): boolean {
  const data = dataOf(message.envelope);
  return view.trace.events.some(
    (event) =>
      event.type === 'deliver' &&
      event.origin === message.origin &&
      event.data === data &&
      !view.messages.has(event.id) &&
      event.atMs >= message.atMs &&
      event.atMs <= message.atMs + withinMs,
  );
}

/** The clause that a missing acceptance breaks: a special one when an earlier copy was refused, else GSP-021. */
function clauseOfAcceptance(view: GossipView, id: string, event: number): string {
  const before = view.arrivals.filter((arrival) => arrival.envelope.id === id && arrival.event < event);
  if (before.some((arrival) => arrival.verdict === 'reject')) return 'GSP-024';
  if (before.some((arrival) => arrival.verdict === 'ignore' && arrival.code !== 'E_DUPLICATE')) return 'GSP-025';
  return 'GSP-021';
}

/** Nothing that had to be ignored or rejected is delivered, pushed, sent directly, announced or named in an Idontwant. */
export const refusedIsSilent: Rule<GossipView> = {
  clauses: [
    'GSP-010',
    'GSP-011',
    'GSP-012',
    'GSP-013',
    'GSP-014',
    'GSP-015',
    'GSP-016',
    'GSP-017',
    'GSP-018',
    'GSP-019',
    'GSP-020',
    'GSP-022',
    'GSP-023',
    'GSP-027',
    'GSP-029',
    'GSP-085',
    'IDN-019',
    'IDN-041',
  ],
  judge(view) {
    const findings: Finding[] = [];
    let exercised = false;
    for (const arrival of view.arrivals) {
      if (arrival.verdict === 'accept' || arrival.verdict === 'pending') continue;
      exercised = true;
      const { id, hash } = arrival.envelope;
      const allowed = id === undefined ? undefined : view.messages.get(id);
      const delivered = view.trace.events.filter((event) => event.type === 'deliver' && event.id === id);
      if (allowed === undefined) {
        const first = delivered[0] ?? view.trace.events.find((event, index) => index > arrival.event && sentToOthers(event, id, hash));
        if (first !== undefined) {
          findings.push({
            clause: arrival.clause === 'GSP-020' && isSpreadOverLinks(view, arrival) ? 'GSP-085' : arrival.clause,
            expected: `the envelope ${short(id ?? hash)} gets the verdict ${arrival.verdict} (${arrival.code}) and nobody hears of it`,
            observed: first.type === 'deliver' ? `it was delivered at ${first.atMs} ms` : `it left the node at ${first.atMs} ms`,
            at: arrival.event,
          });
        }
        continue;
      }
      if (delivered.length > 1) {
        findings.push({
          clause: arrival.code === 'E_DUPLICATE' ? 'GSP-015' : arrival.clause,
          expected: `the message ${short(allowed.id)} is delivered once`,
          observed: `it was delivered ${delivered.length} times`,
          at: arrival.event,
        });
      }
      // A bad copy of a good message must not travel: its bytes are not those that were accepted.
      const badCopy = view.departures.find((departure) => departure.envelope.hash === hash && hash !== allowed.envelope.hash);
      if (badCopy !== undefined) {
        findings.push({
          clause: arrival.clause,
          expected: 'only the accepted bytes are passed on',
          observed: `other bytes with the same id left the node at ${badCopy.atMs} ms`,
          at: badCopy.event,
        });
      }
    }
    return { findings: unique(findings), exercised };
  },
};

/** Whether the link of a message that found its origin's bucket empty has not used up a bucket by itself. */
function isSpreadOverLinks(view: GossipView, arrival: Arrival): boolean {
  const { origin } = arrival.envelope;
  const before = view.arrivals.filter((other) => other.event <= arrival.event && other.envelope.origin === origin);
  const burst = 2 * view.number('gossip.origin_per_s');
  const fromLink = before.filter((other) => other.link === arrival.link);
  return before.filter((other) => other.verdict === 'accept').length >= burst && fromLink.length <= burst;
}

function sentToOthers(event: GossipView['trace']['events'][number], id: string | undefined, hash: string): boolean {
  if (event.type !== 'frame') return false;
  const body = event.frame.body;
  switch (body?.type) {
    case 'Push':
      return body.items.some((item) => item.envelope.hash === hash || (id !== undefined && item.envelope.id === id));
    case 'Direct':
      return body.envelopes.some((envelope) => envelope.hash === hash || (id !== undefined && envelope.id === id));
    case 'Ihave':
    case 'Idontwant':
      return id !== undefined && body.ids.includes(id);
    default:
      return false;
  }
}

/** Nobody hears of a message before it is accepted: pending ones above all (GSP-023, GSP-026). */
export const silentUntilAccepted: Rule<GossipView> = {
  clauses: ['GSP-023', 'GSP-026', 'GSP-028'],
  judge(view) {
    const findings: Finding[] = [];
    const pending = view.arrivals.filter((arrival) => arrival.verdict === 'pending');
    for (const arrival of pending) {
      const { id, hash } = arrival.envelope;
      const acceptedEvent = id === undefined ? undefined : view.messages.get(id)?.event;
      view.trace.events.forEach((event, index) => {
        if (index <= arrival.event || (acceptedEvent !== undefined && index >= acceptedEvent)) return;
        if (sentToOthers(event, id, hash) || (event.type === 'deliver' && event.id === id)) {
          findings.push({
            clause: 'GSP-023',
            expected: `nobody hears of ${short(id ?? hash)} before the application accepts it`,
            observed: `${event.type} at ${event.atMs} ms`,
            at: index,
          });
        }
      });
    }
    return { findings: unique(findings), exercised: pending.length > 0 };
  },
};

/** One question to the application for each pending message (GSP-027), and one for each that must be pending. */
export const asksApplicationOnce: Rule<GossipView> = {
  clauses: ['GSP-026', 'GSP-027'],
  judge(view) {
    const findings: Finding[] = [];
    let exercised = false;
    for (const arrival of view.arrivals.filter(({ verdict }) => verdict === 'pending')) {
      const timeoutMs = view.number('gossip.validation_timeout_ms');
      const asked = view.trace.events.filter(
        (event) =>
          event.type === 'validate' &&
          event.id === arrival.envelope.id &&
          event.atMs >= arrival.atMs &&
          event.atMs < arrival.atMs + timeoutMs,
      );
      if (arrival.atMs + view.number('session.reaction_ms_max') > view.trace.endMs) continue;
      exercised = true;
      if (asked.length !== 1) {
        findings.push({
          clause: asked.length === 0 ? 'GSP-026' : 'GSP-027',
          expected: `the application is asked once for ${short(arrival.envelope.id ?? '')}`,
          observed: `it was asked ${asked.length} times`,
          at: arrival.event,
        });
      }
    }
    return { findings, exercised };
  },
};

/** No session is closed over an envelope that is ignored or accepted (GSP-093, GSP-021), nor a neighbour judged with it. */
export const harmlessStaysOpen: Rule<GossipView> = {
  clauses: ['GSP-021', 'GSP-093'],
  judge(view) {
    const findings: Finding[] = [];
    let exercised = false;
    for (const span of view.spans) {
      const arrivals = view.arrivals.filter(
        (arrival) => arrival.link === span.link && arrival.event >= span.fromEvent && arrival.event <= span.toEvent,
      );
      if (arrivals.length === 0 || arrivals.some((arrival) => arrival.verdict === 'reject')) continue;
      exercised ||= arrivals.some((arrival) => arrival.verdict === 'ignore');
      if (span.closedBy === 'node' && onlyGossipWasSent(view, span.link, span.fromEvent, span.toEvent)) {
        findings.push({
          clause: 'GSP-093',
          expected: 'ignored and accepted envelopes cost the sender nothing',
          observed: `the node closed link ${span.link} at ${span.toMs} ms`,
          at: span.toEvent,
        });
      }
    }
    return { findings, exercised };
  },
};

function onlyGossipWasSent(view: GossipView, link: number, from: number, to: number): boolean {
  return view.trace.events.every((event, index) => {
    if (index < from || index > to || !('link' in event) || event.link !== link) return true;
    if (event.type === 'sentRaw') return false;
    return (
      event.type !== 'sentFrame' ||
      event.frame.body?.type === 'Push' ||
      event.frame.body?.type === 'Direct' ||
      event.frame.body?.type === 'Pong' ||
      event.frame.body?.type === 'Ping'
    );
  });
}

/** Verdict effects, where a node reports them, agree with the clauses. */
export const reportedVerdicts: Rule<GossipView> = {
  clauses: ['GSP-010', 'GSP-012', 'GSP-013', 'GSP-014', 'GSP-015', 'GSP-016', 'GSP-017', 'GSP-018', 'GSP-020', 'GSP-021'],
  judge(view): RuleResult {
    const findings: Finding[] = [];
    if (!view.trace.observes.verdict) return { findings, exercised: false };
    const byHash = new Map<string, Arrival[]>();
    for (const arrival of view.arrivals) byHash.set(arrival.envelope.hash, [...(byHash.get(arrival.envelope.hash) ?? []), arrival]);
    view.trace.events.forEach((event, index) => {
      if (event.type !== 'verdict') return;
      const arrivals = (byHash.get(event.envelopeHash) ?? []).filter((arrival) => arrival.event < index);
      const wanted = arrivals.flatMap((arrival) => (arrival.verdict === 'pending' ? ['accept', 'ignore', 'reject'] : [arrival.verdict]));
      if (wanted.length > 0 && !wanted.includes(event.verdict)) {
        findings.push({
          clause: arrivals.at(-1)?.clause ?? 'GSP-021',
          expected: `verdict ${arrivals.at(-1)?.verdict}`,
          observed: `the node reports ${event.verdict} ${event.code}`,
          at: index,
        });
      }
    });
    return { findings, exercised: view.arrivals.length > 0 };
  },
};

/** Whether the link is, beyond doubt, known to have the message before event `event`: it pushed good bytes, was pushed or told of it, or declined it. */
export function knownBefore(view: GossipView, link: number, id: string, event: number): boolean {
  return (
    view.arrivals.some(
      (arrival) =>
        arrival.link === link &&
        arrival.envelope.id === id &&
        arrival.event < event &&
        (arrival.verdict === 'accept' || arrival.verdict === 'pending' || arrival.code === 'E_DUPLICATE'),
    ) ||
    view.departures.some((departure) => departure.link === link && departure.envelope.id === id && departure.event < event) ||
    view.mentions.some(
      (mention) =>
        mention.link === link &&
        mention.event < event &&
        mention.kind !== 'Iwant' &&
        (mention.by === 'kit' || mention.kind === 'Ihave') &&
        mention.counted.includes(id),
    )
  );
}

/** Whether the kit gave any sign of the id on the link before `untilMs`: then the node need not send it there. */
function maybeKnownByKit(view: GossipView, link: number, id: string, untilMs: number): boolean {
  return (
    view.arrivals.some((arrival) => arrival.link === link && arrival.envelope.id === id && arrival.atMs <= untilMs) ||
    view.mentions.some(
      (mention) =>
        mention.link === link && mention.by === 'kit' && mention.atMs <= untilMs && mention.kind !== 'Iwant' && mention.ids.includes(id),
    )
  );
}

/** First 12 digits: enough to find it in the trace. */
export function short(id: string): string {
  return `${id.slice(0, 12)}…`;
}

function unique(findings: readonly Finding[]): Finding[] {
  const seen = new Set<string>();
  return findings.filter((finding) => {
    const key = `${finding.clause} ${finding.at}`;
    if (seen.has(key)) return false;
    seen.add(key);
    return true;
  });
}
