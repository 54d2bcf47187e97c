/** Peers without gossip, and the node between both kinds. Spec: GSP-100 to GSP-104. */
import type { Finding } from '../runner/check.ts';
import { knownBefore, short } from './gossip-verdict.ts';
import type { GossipView } from './gossip-view.ts';
import type { Rule } from './rule.ts';

/** Every direct link that has not had the message gets it (GSP-101), once (GSP-102). */
export const servesDirectLinks: Rule<GossipView> = {
  clauses: ['GSP-101', 'GSP-102', 'GSP-103'],
  judge(view) {
    const findings: Finding[] = [];
    let exercised = false;
    const withinMs = view.number('gossip.forward_ms_max') + view.slackMs;
    for (const message of view.messages.values()) {
      for (const span of view.spans) {
        if (!span.direct || span.fromEvent > message.event || span.toEvent < message.event || span.toMs <= message.atMs + withinMs)
          continue;
        const sentIt = view.arrivals.some(
          (arrival) => arrival.link === span.link && arrival.envelope.id === message.id && arrival.atMs <= message.atMs + withinMs,
        );
        const got = view.departures.filter(
          (departure) => departure.link === span.link && departure.via === 'Direct' && departure.envelope.id === message.id,
        );
        if (message.atMs + withinMs <= view.trace.endMs && !sentIt) {
          exercised = true;
          if (!got.some((departure) => departure.atMs <= message.atMs + withinMs)) {
            const fromDirect = view.arrivals.some(
              (arrival) => arrival.envelope.id === message.id && arrival.via === 'Direct' && arrival.event === message.event,
            );
            findings.push({
              clause: fromDirect ? 'GSP-103' : 'GSP-101',
              expected: `${short(message.id)} is sent in a Direct on link ${span.link} by ${message.atMs + withinMs} ms`,
              observed: 'it was not',
              at: message.event,
            });
          }
        }
        const twice = got.find((departure) =>
          knownBefore(view, span.link, message.id, view.slackMs === 0 ? departure.event : Math.min(departure.event, message.event)),
        );
        if (got.length > 1 || twice !== undefined) {
          exercised = true;
          findings.push({
            clause: 'GSP-102',
            expected: `${short(message.id)} is sent at most once on link ${span.link}, and not if it came from there`,
            observed: `${got.length} Directs carry it`,
            at: (twice ?? got[1])?.event ?? message.event,
          });
        }
        if (sentIt) exercised = true;
      }
    }
    return { findings, exercised };
  },
};

/** Only frames of the session's own capabilities are sent (GSP-104). */
export const keepsToCapabilities: Rule<GossipView> = {
  clauses: ['GSP-104'],
  judge(view) {
    const findings: Finding[] = [];
    let exercised = false;
    view.trace.events.forEach((event, index) => {
      if (event.type !== 'frame') return;
      const span = view.spanAt(event.link, index);
      if (span === undefined) return;
      const gossipKind = event.frame.kind >= 32 && event.frame.kind <= 44;
      if (gossipKind && !span.gossip)
        findings.push({
          clause: 'GSP-104',
          expected: 'no gossip frame on a session without gossip/1',
          observed: `kind ${event.frame.kind} at ${event.atMs} ms`,
          at: index,
        });
      if (event.frame.kind === 48 && !span.direct)
        findings.push({
          clause: 'GSP-104',
          expected: 'no Direct on a session without direct/1',
          observed: `one at ${event.atMs} ms`,
          at: index,
        });
    });
    for (const span of view.spans) if (!(span.gossip && span.direct) && view.messages.size > 0) exercised = true;
    return { findings, exercised };
  },
};

/** The capabilities that the node offers, by mode (GSP-100): seen where the kit offers both. */
export const offersByMode: Rule<GossipView> = {
  clauses: ['GSP-100'],
  judge(view) {
    const findings: Finding[] = [];
    let exercised = false;
    const mode = String(view.trace.parameters['gossip.mode']);
    for (const span of view.spans) {
      const up = view.trace.events[span.fromEvent];
      const offered = view.trace.events.find((event) => event.type === 'linkUp' && event.link === span.link);
      if (up?.type !== 'sessionUp' || offered?.type !== 'linkUp') continue;
      const kit = new Set(offered.capabilities);
      // direct/1 leaves an intersection that also has gossip/1.
      const wantsGossip = mode !== 'off' && kit.has('gossip/1');
      const wantsDirect = mode !== 'only' && kit.has('direct/1') && !wantsGossip;
      exercised = true;
      if (span.gossip !== wantsGossip || span.direct !== wantsDirect) {
        findings.push({
          clause: 'GSP-100',
          expected: `in mode ${mode} the session has ${wantsGossip ? 'gossip/1' : wantsDirect ? 'direct/1' : 'neither gossip/1 nor direct/1'}`,
          observed: `it has ${up.capabilities.join(', ') || 'neither'}`,
          at: span.fromEvent,
        });
      }
    }
    return { findings, exercised };
  },
};
