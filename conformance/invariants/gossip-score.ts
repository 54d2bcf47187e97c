/** What a score does: closing, keeping, forgiving, silence. Spec: GSP-090 to GSP-096. */
import type { Finding } from '../runner/check.ts';
import { scoreBounds } from './gossip-score-bounds.ts';
import { short } from './gossip-verdict.ts';
import type { GossipView } from './gossip-view.ts';
import type { Rule } from './rule.ts';

/** A peer that is certainly below the limit loses its session (GSP-090), also one that it just opened (GSP-092). */
export const closesBelowLimit: Rule<GossipView> = {
  clauses: ['GSP-090', 'GSP-092'],
  judge(view) {
    const findings: Finding[] = [];
    let exercised = false;
    const limit = view.number('score.graylist_min');
    const reactionMs = view.number('session.reaction_ms_max') + view.slackMs;
    for (const span of view.spans) {
      // Only what the peer did on a session before can stand against it from the start.
      const hasPast = view.spans.some((other) => other.peerId === span.peerId && other.fromEvent < span.fromEvent);
      const moments = [
        ...(hasPast ? [{ atMs: span.fromMs, clause: 'GSP-092' }] : []),
        ...view.arrivals
          .filter((arrival) => arrival.link === span.link && arrival.verdict === 'reject')
          .map((arrival) => ({ atMs: arrival.atMs, clause: 'GSP-090' })),
        ...view.mentions
          .filter((mention) => mention.by === 'node' && mention.kind === 'Iwant' && mention.link === span.link)
          .map((mention) => ({ atMs: mention.atMs + view.number('gossip.iwant_timeout_ms'), clause: 'GSP-090' })),
      ];
      for (const { atMs, clause } of moments) {
        if (atMs + reactionMs > view.trace.endMs || atMs > span.toMs) continue;
        // The score only rises while nothing new comes, so judge it at the end of the reaction time.
        if (scoreBounds(view, span.peerId, atMs).high >= limit || scoreBounds(view, span.peerId, atMs + reactionMs).high >= limit) continue;
        exercised = true;
        if (span.toMs > atMs + reactionMs) {
          findings.push({
            clause,
            expected: `link ${span.link} is closed by ${atMs + reactionMs} ms: its peer's score is below ${limit}`,
            observed: span.closedBy === 'node' ? `it was closed at ${span.toMs} ms` : 'it stayed open',
            at: span.fromEvent,
          });
          break;
        }
      }
    }
    return { findings, exercised };
  },
};

/** A peer that is certainly at or above the limit keeps its session, whatever it was rejected for (GSP-091, GSP-096). */
export const keepsAboveLimit: Rule<GossipView> = {
  clauses: ['GSP-091', 'GSP-093', 'GSP-096'],
  judge(view) {
    const findings: Finding[] = [];
    let exercised = false;
    const limit = view.number('score.graylist_min');
    for (const span of view.spans) {
      const rejected = view.arrivals.some(
        (arrival) =>
          view.spans.some((other) => other.peerId === span.peerId && other.link === arrival.link) &&
          arrival.verdict === 'reject' &&
          arrival.event < span.toEvent,
      );
      if (!rejected) continue;
      const low = scoreBounds(view, span.peerId, Math.min(span.toMs, view.trace.endMs)).low;
      const atOpen = scoreBounds(view, span.peerId, span.fromMs).low;
      if (low < limit || atOpen < limit) continue;
      exercised = true;
      if (span.closedBy === 'node' && onlyGossip(view, span.link, span.fromEvent, span.toEvent)) {
        const earlier = view.spans.some((other) => other.peerId === span.peerId && other.fromEvent < span.fromEvent);
        findings.push({
          clause: earlier ? 'GSP-096' : 'GSP-091',
          expected: `link ${span.link} stays open: its peer's score is at least ${limit}`,
          observed: `the node closed it at ${span.toMs} ms`,
          at: span.toEvent,
        });
      }
    }
    for (const refused of refusedConnections(view)) {
      if (scoreBounds(view, refused.peerId, refused.atMs).low < limit) continue;
      exercised = true;
      findings.push({
        clause: 'GSP-096',
        expected: `link ${refused.link} gets a session: the score of its peer, which was closed before, is at least ${limit} again`,
        observed: `the node closed it at ${refused.atMs} ms`,
        at: refused.event,
      });
    }
    return { findings, exercised };
  },
};

/** Messages whose verdict does not come in time cost nothing: whoever sent nothing else keeps the session (GSP-028). */
export const pendingIsHarmless: Rule<GossipView> = {
  clauses: ['GSP-028'],
  judge(view) {
    const findings: Finding[] = [];
    let exercised = false;
    const answered = view.trace.events.some((event) => event.type === 'step' && event.value.op === 'validated');
    const timeoutMs = view.number('gossip.validation_timeout_ms') + view.number('session.reaction_ms_max');
    for (const span of answered ? [] : view.spans) {
      const arrivals = view.arrivals.filter((arrival) => arrival.link === span.link);
      const pending = arrivals.filter((arrival) => arrival.verdict === 'pending' && arrival.atMs + timeoutMs <= view.trace.endMs);
      // As many rejected envelopes would bring the score below the limit.
      if (view.number('score.invalid_weight') * pending.length ** 2 <= -view.number('score.graylist_min')) continue;
      if (arrivals.some((arrival) => arrival.verdict === 'reject')) continue;
      exercised = true;
      if (span.closedBy === 'node' && onlyGossip(view, span.link, span.fromEvent, span.toEvent)) {
        findings.push({
          clause: 'GSP-028',
          expected: `link ${span.link} stays open: its ${pending.length} messages are ignored`,
          observed: `the node closed it at ${span.toMs} ms`,
          at: span.toEvent,
        });
      }
    }
    return { findings, exercised };
  },
};

/** Each peer that sent a copy of a message that the application rejects has sent a rejected envelope (GSP-026): enough of them end the session. */
export const rejectedCopiesCost: Rule<GossipView> = {
  clauses: ['GSP-026'],
  judge(view) {
    const findings: Finding[] = [];
    let exercised = false;
    const reactionMs = view.number('session.reaction_ms_max') + view.slackMs;
    const asked = view.trace.events.flatMap((event) => (event.type === 'validate' ? [event.id] : []));
    const rejected = view.trace.events.flatMap((event, index) => {
      if (event.type !== 'step' || event.value.op !== 'validated' || event.value.verdict !== 'reject') return [];
      const id = asked[event.value.index];
      return id === undefined ? [] : [{ id, event: index, atMs: event.atMs }];
    });
    const last = rejected.at(-1);
    if (last === undefined || rejected.some(({ atMs }) => atMs !== last.atMs)) return { findings, exercised };
    for (const span of view.spans) {
      const sent = (id: string, event: number): boolean =>
        view.arrivals.some((arrival) => arrival.link === span.link && arrival.envelope.id === id && arrival.event < event);
      const count = rejected.filter(({ id, event }) => sent(id, event)).length;
      const firsts = [...view.messages.values()].filter(({ from }) => from === span.link).length;
      // A beat may fall between the rejections and the look at the score.
      const score =
        view.number('score.first_weight') * firsts -
        view.number('score.invalid_weight') * (count * view.number('score.invalid_decay') ** 2) ** 2;
      if (score >= view.number('score.graylist_min') || last.atMs + reactionMs > view.trace.endMs) continue;
      exercised = true;
      if (span.toMs > last.atMs + reactionMs) {
        findings.push({
          clause: 'GSP-026',
          expected: `link ${span.link} is closed by ${last.atMs + reactionMs} ms: the application rejected ${count} messages of which it sent copies`,
          observed: 'it stayed open',
          at: last.event,
        });
      }
    }
    return { findings, exercised };
  },
};

/** Connections that the node closed before they became sessions, of peers that had lost a session before. */
function refusedConnections(
  view: GossipView,
): readonly { readonly link: number; readonly peerId: string; readonly atMs: number; readonly event: number }[] {
  return view.trace.events.flatMap((event, index) => {
    if (event.type !== 'closed' || event.by !== 'node') return [];
    const up = view.trace.events.findLast((other, at) => at < index && other.type === 'linkUp' && other.link === event.link);
    if (up?.type !== 'linkUp' || view.spans.some((span) => span.link === event.link && span.fromEvent < index)) return [];
    const lostOne = view.spans.some((span) => span.peerId === up.peerId && span.toEvent < index && span.closedBy === 'node');
    return lostOne ? [{ link: event.link, peerId: up.peerId, atMs: event.atMs, event: index }] : [];
  });
}

function onlyGossip(view: GossipView, link: number, from: number, to: number): boolean {
  return view.trace.events.every((event, index) => {
    if (index < from || index > to || !('link' in event) || event.link !== link) return true;
    if (event.type === 'sentRaw') return false;
    const type = event.type === 'sentFrame' ? event.frame.body?.type : 'Ping';
    return (
      type === 'Push' ||
      type === 'Direct' ||
      type === 'Ping' ||
      type === 'Pong' ||
      type === 'Ihave' ||
      type === 'Iwant' ||
      type === 'Idontwant'
    );
  });
}

/** A peer that is certainly below `score.gossip_min` is neither answered nor asked (GSP-094), and not pushed to or told anything (GSP-031, GSP-050). */
export const ignoresLowScore: Rule<GossipView> = {
  clauses: ['GSP-031', 'GSP-094'],
  judge(view) {
    const findings: Finding[] = [];
    let exercised = false;
    const limit = view.number('score.gossip_min');
    const reactionMs = view.number('session.reaction_ms_max') + view.slackMs;
    const low = (peerId: string, atMs: number): boolean => scoreBounds(view, peerId, atMs).high < limit;
    for (const request of view.mentions.filter((mention) => mention.by === 'kit')) {
      const span = view.spanAt(request.link, request.event);
      if (span === undefined || !low(span.peerId, request.atMs - view.raceMs) || !low(span.peerId, request.atMs + reactionMs)) continue;
      if (request.kind === 'Iwant') {
        exercised = true;
        for (const id of request.ids) {
          const answer = view.departures.find(
            (departure) =>
              departure.link === request.link && departure.envelope.id === id && departure.event > request.event && departure.asked,
          );
          if (answer !== undefined)
            findings.push({
              clause: 'GSP-094',
              expected: `no answer to the Iwant for ${short(id)} on link ${request.link}: its peer's score is below ${limit}`,
              observed: `it was sent at ${answer.atMs} ms`,
              at: request.event,
            });
        }
      }
      if (request.kind === 'Ihave') {
        exercised = true;
        const others = (id: string): boolean =>
          view.mentions.some(
            (mention) => mention.by === 'kit' && mention.kind === 'Ihave' && mention.link !== request.link && mention.ids.includes(id),
          );
        for (const id of request.ids) {
          const want = view.mentions.find(
            (mention) =>
              mention.by === 'node' &&
              mention.kind === 'Iwant' &&
              mention.link === request.link &&
              mention.ids.includes(id) &&
              mention.event > request.event,
          );
          if (want !== undefined && !others(id) && low(span.peerId, want.atMs))
            findings.push({
              clause: 'GSP-094',
              expected: `the Ihave of ${short(id)} is ignored: its peer's score is below ${limit}`,
              observed: `an Iwant was sent at ${want.atMs} ms`,
              at: request.event,
            });
        }
      }
    }
    for (const departure of view.departures) {
      const span = view.spanAt(departure.link, departure.event);
      const message = view.messages.get(departure.envelope.id ?? '');
      if (departure.via !== 'Push' || departure.asked || span === undefined || message === undefined) continue;
      if (!low(span.peerId, message.atMs - view.raceMs) || !low(span.peerId, departure.atMs)) continue;
      findings.push({
        clause: 'GSP-031',
        expected: `link ${span.link} is not active: its peer's score is below ${limit}`,
        observed: `${short(message.id)} was pushed on it at ${departure.atMs} ms`,
        at: departure.event,
      });
    }
    return { findings, exercised };
  },
};
