/** Who is pushed what: active links, hops, bytes, no echo. Spec: GSP-002 to GSP-004, GSP-030 to GSP-046, IDN-042. */
import type { Finding } from '../runner/check.ts';
import { endedBy, heldBack } from './gossip-prune-state.ts';
import { scoreBounds } from './gossip-score-bounds.ts';
import { knownBefore, short } from './gossip-verdict.ts';
import { type Departure, type GossipView, type Message, payloadOf, publishedData, type Span } from './gossip-view.ts';
import type { Rule } from './rule.ts';

/** Gossip sessions that were open when the message was taken and stayed open for `forMs` after. */
export function steadySpans(view: GossipView, message: Message, forMs: number): Span[] {
  return view.spans.filter(
    (span) => span.gossip && span.fromEvent < message.event && span.toEvent > message.event && span.toMs > message.atMs + forMs,
  );
}

/** Links whose peers certainly have a score that lets them be active. */
function eligible(view: GossipView, spans: readonly Span[], atMs: number): Span[] {
  return spans.filter((span) => scoreBounds(view, span.peerId, atMs).low >= view.number('score.gossip_min'));
}

/** The pushes of a message that nobody asked for, within the time for passing it on. */
function pushesOf(view: GossipView, message: Message, withinMs: number): Departure[] {
  return view.departures.filter(
    (departure) =>
      departure.via === 'Push' &&
      !departure.asked &&
      departure.envelope.id === message.id &&
      departure.event > message.event &&
      departure.atMs <= message.atMs + withinMs,
  );
}

/** A taken message goes at once to every active link that may not have it (GSP-040), with as many links active as the spec wants (GSP-031). */
export const pushesToActiveLinks: Rule<GossipView> = {
  clauses: ['GSP-031', 'GSP-040', 'GSP-061', 'GSP-062', 'GSP-064', 'GSP-065', 'GSP-066'],
  judge(view) {
    const findings: Finding[] = [];
    let exercised = false;
    const withinMs = view.number('gossip.forward_ms_max') + view.slackMs;
    for (const message of view.messages.values()) {
      if (message.atMs + withinMs > view.trace.endMs) continue;
      if (message.hops !== undefined && message.hops >= view.number('gossip.hops_max')) continue;
      const steady = steadySpans(view, message, withinMs);
      const all = view.spans.filter((span) => span.gossip && span.fromMs <= message.atMs + withinMs && span.toMs >= message.atMs);
      const pushed = new Set(pushesOf(view, message, withinMs).map((departure) => departure.link));
      const mustHave = eligible(view, steady, message.atMs).filter(
        (span) => !maybeKnownElsewhere(view, span.link, message) && !heldBack(view, span.link, message, withinMs),
      );
      if (mustHave.length === 0) continue;
      exercised = true;
      // With no more links than the active size every one is active; with more, all but the surplus are.
      const surplus = Math.max(0, all.length - view.activeSize);
      const missing = mustHave.filter((span) => !pushed.has(span.link));
      if (missing.length > surplus) {
        const ended = missing.map((span) => endedBy(view, span.link, message)).find((clause) => clause !== undefined);
        findings.push({
          // With more links than are active, a push on some of them says that too few are active.
          clause: ended ?? (surplus > 0 && pushed.size > 0 ? 'GSP-031' : 'GSP-040'),
          expected: `${message.own ? 'its own' : 'the accepted'} message ${short(message.id)} is pushed within ${withinMs} ms on at least ${mustHave.length - surplus} of ${mustHave.length} links`,
          observed: `it was pushed on ${mustHave.length - missing.length}; not on link ${missing.map((span) => span.link).join(', ')}`,
          at: message.event,
        });
      }
    }
    return { findings, exercised };
  },
};

/** Any sign of the id on the link that is not the node's own push of it. */
function maybeKnownElsewhere(view: GossipView, link: number, message: Message): boolean {
  const untilMs = message.atMs + view.number('gossip.forward_ms_max') + view.slackMs;
  return (
    view.arrivals.some(
      (arrival) =>
        arrival.link === link &&
        arrival.envelope.id === message.id &&
        arrival.atMs <= untilMs &&
        // A rejected copy makes nothing known, where it certainly came before the good one.
        !(arrival.verdict === 'reject' && arrival.event < message.event && arrival.atMs + view.slackMs <= message.atMs),
    ) ||
    view.mentions.some(
      (mention) =>
        mention.link === link &&
        mention.by === 'kit' &&
        mention.kind !== 'Iwant' &&
        mention.atMs <= untilMs &&
        mention.ids.includes(message.id),
    ) ||
    view.mentions.some(
      (mention) =>
        mention.link === link &&
        mention.by === 'node' &&
        mention.kind === 'Ihave' &&
        mention.event < message.event &&
        mention.ids.includes(message.id),
    )
  );
}

/** No message goes unasked to a link that has it, and never back to where it came from (GSP-041). */
export const noEcho: Rule<GossipView> = {
  clauses: ['GSP-041', 'GSP-102'],
  judge(view) {
    const findings: Finding[] = [];
    let exercised = false;
    for (const message of view.messages.values()) if (message.from !== undefined) exercised = true;
    for (const departure of view.departures) {
      const { id } = departure.envelope;
      if (departure.asked || id === undefined) continue;
      const before = view.slackMs === 0 ? departure.event : eventBefore(view, departure.event, departure.atMs - view.slackMs);
      if (knownBefore(view, departure.link, id, before)) {
        findings.push({
          clause: departure.via === 'Push' ? 'GSP-041' : 'GSP-102',
          expected: `${short(id)} is not sent on link ${departure.link}, which is known to have it`,
          observed: `it was sent in a ${departure.via} at ${departure.atMs} ms`,
          at: departure.event,
        });
      }
    }
    return { findings, exercised };
  },
};

/** On a wall clock: the first event that is certainly earlier than what the node did at `atMs`. */
function eventBefore(view: GossipView, event: number, atMs: number): number {
  let index = Math.min(event, view.trace.events.length);
  while (index > 0 && (view.trace.events[index - 1]?.atMs ?? 0) > atMs) index--;
  return index;
}

/** Never more unasked pushes of one message than the active size (GSP-042). */
export const pushesAreBounded: Rule<GossipView> = {
  clauses: ['GSP-042'],
  judge(view) {
    const findings: Finding[] = [];
    let exercised = false;
    for (const message of view.messages.values()) {
      const links = new Set(
        view.departures
          .filter((departure) => departure.via === 'Push' && !departure.asked && departure.envelope.id === message.id)
          .map(({ link }) => link),
      );
      const open = view.spans.filter((span) => span.gossip && span.fromEvent < message.event && span.toEvent > message.event);
      exercised ||= open.length > view.activeSize + 1;
      if (links.size > view.activeSize) {
        findings.push({
          clause: 'GSP-042',
          expected: `${short(message.id)} is pushed on at most ${view.activeSize} links`,
          observed: `it was pushed on ${links.size}`,
          at: message.event,
        });
      }
    }
    return { findings, exercised };
  },
};

/** Hops are counted (GSP-043), and a message at the limit is not pushed on (GSP-044). */
export const hopsAreCounted: Rule<GossipView> = {
  clauses: ['GSP-043', 'GSP-044', 'GSP-103'],
  judge(view) {
    const findings: Finding[] = [];
    let exercised = false;
    const max = view.number('gossip.hops_max');
    for (const departure of view.departures) {
      if (departure.via !== 'Push') continue;
      const message = view.messages.get(departure.envelope.id ?? '');
      if (message === undefined) continue;
      exercised = true;
      // Copies of one message may have come with different hops; any of them may be counted on.
      const came = view.arrivals
        .filter((arrival) => arrival.envelope.id === message.id && arrival.event < departure.event)
        .map((arrival) => Math.min(arrival.hops + 1, max));
      const allowed = message.own ? [0] : came;
      if (!allowed.includes(departure.hops)) {
        findings.push({
          clause: cameDirectly(view, message) ? 'GSP-103' : 'GSP-043',
          expected: `${short(message.id)} leaves with ${allowed.join(' or ')} hops`,
          observed: `it left with ${departure.hops}`,
          at: departure.event,
        });
      }
    }
    for (const message of view.messages.values()) {
      if (message.hops === undefined || message.hops < max) continue;
      exercised = true;
      if (view.arrivals.some((arrival) => arrival.envelope.id === message.id && arrival.hops < max)) continue;
      const pushed = view.departures.find(
        (departure) => departure.via === 'Push' && !departure.asked && departure.envelope.id === message.id,
      );
      if (pushed !== undefined) {
        findings.push({
          clause: 'GSP-044',
          expected: `${short(message.id)}, which came with ${message.hops} hops, is not pushed unasked`,
          observed: `it was pushed on link ${pushed.link} at ${pushed.atMs} ms`,
          at: pushed.event,
        });
      }
    }
    return { findings, exercised };
  },
};

function cameDirectly(view: GossipView, message: Message): boolean {
  return view.arrivals.some((arrival) => arrival.event === message.event && arrival.via === 'Direct' && arrival.envelope.id === message.id);
}

/** What is passed on is byte for byte what came (IDN-042). */
export const bytesAreUnchanged: Rule<GossipView> = {
  clauses: ['IDN-042'],
  judge(view) {
    const findings: Finding[] = [];
    let exercised = false;
    for (const departure of view.departures) {
      const message = view.messages.get(departure.envelope.id ?? '');
      if (message?.own === true) continue;
      exercised = true;
      const came = view.arrivals.some((arrival) => arrival.envelope.hash === departure.envelope.hash && arrival.event < departure.event);
      if (!came) {
        findings.push({
          clause: 'IDN-042',
          expected: 'the node sends the bytes that it received',
          observed: `on link ${departure.link} at ${departure.atMs} ms it sent an envelope that nobody had sent it`,
          at: departure.event,
        });
      }
    }
    return { findings, exercised };
  },
};

/** What the node publishes: its own key, topic, data, clock, and a new id each time (GSP-002 to GSP-004). */
export const publishesProperly: Rule<GossipView> = {
  clauses: ['GSP-002', 'GSP-003', 'GSP-004', 'GSP-040'],
  judge(view) {
    const findings: Finding[] = [];
    let exercised = false;
    const withinMs = view.number('gossip.forward_ms_max') + view.slackMs;
    const publishes = view.trace.events.flatMap((event, index) =>
      event.type === 'step' && event.value.op === 'publish' ? [{ event, index, step: event.value }] : [],
    );
    const ids = new Map<string, Set<string>>();
    const heard = new Map<string, number>();
    for (const { event, index, step } of publishes) {
      const data = publishedData(step.data);
      const listeners = view.spans.filter(
        (span) => (span.gossip || span.direct) && span.fromEvent < index && span.toMs > event.atMs + withinMs,
      );
      const crash = view.trace.events.findIndex((other, at) => at > index && other.type === 'crashed');
      const endEvent = crash === -1 ? Number.POSITIVE_INFINITY : crash;
      const sent = view.departures.filter(
        (departure) =>
          departure.event > index &&
          departure.event < endEvent &&
          departure.atMs <= event.atMs + withinMs &&
          departure.topic === step.topic &&
          publishedMatches(departure, data),
      );
      const isDue = listeners.length > 0 && event.atMs + withinMs <= view.trace.endMs;
      if (!isDue && sent.length === 0) continue;
      exercised = true;
      if (sent.length === 0) {
        findings.push({
          clause: 'GSP-040',
          expected: `what is published on ${step.topic} leaves the node within ${withinMs} ms`,
          observed: 'no Push or Direct carries it',
          at: index,
        });
        continue;
      }
      const key = `${step.topic} ${data}`;
      heard.set(key, (heard.get(key) ?? 0) + 1);
      for (const departure of sent) {
        const payload = payloadOf(departure.envelope);
        // Equal data may have been published several times before it left.
        const wallMs = publishes
          .filter((other) => other.index < departure.event && other.step.topic === step.topic && publishedData(other.step.data) === data)
          .map((other) => BigInt(Math.round(view.trace.wallStartMs + other.event.atMs)));
        ids.set(key, (ids.get(key) ?? new Set()).add(departure.envelope.id ?? ''));
        if (departure.envelope.origin !== view.trace.nodePeerId || payload?.topic !== step.topic) {
          findings.push({
            clause: 'GSP-004',
            expected: 'the envelope carries the node’s own key and the topic',
            observed: `origin ${short(departure.envelope.origin ?? '')}, topic ${payload?.topic}`,
            at: departure.event,
          });
        } else if (view.slackMs === 0 && !wallMs.includes(payload.createdMs)) {
          findings.push({
            clause: 'GSP-002',
            expected: `created_ms is ${wallMs.join(' or ')}`,
            observed: `it is ${payload.createdMs}`,
            at: departure.event,
          });
        }
      }
    }
    for (const [key, made] of ids) {
      const times = heard.get(key) ?? 0;
      if (times > 1 && made.size < times) {
        findings.push({ clause: 'GSP-003', expected: `${times} publications have ${times} ids`, observed: `they have ${made.size}` });
      }
    }
    return { findings, exercised };
  },
};

function publishedMatches(departure: Departure, data: string): boolean {
  const payload = payloadOf(departure.envelope);
  return payload !== undefined && Buffer.from(payload.data).toString('hex') === data;
}

/** A Push or Direct holds 1 to 64 items (GSP-045). */
export const pushSizes: Rule<GossipView> = {
  clauses: ['GSP-045'],
  judge(view) {
    const findings: Finding[] = [];
    let exercised = false;
    view.trace.events.forEach((event, index) => {
      if (event.type !== 'frame') return;
      const body = event.frame.body;
      const count = body?.type === 'Push' ? body.items.length : body?.type === 'Direct' ? body.envelopes.length : undefined;
      if (count === undefined) return;
      exercised = true;
      if (count < 1 || count > 64) findings.push({ clause: 'GSP-045', expected: '1 to 64 items', observed: `${count}`, at: index });
    });
    return { findings, exercised };
  },
};

/**
 * While links exceed the active size, the set changes in each rotation (GSP-032). Judged on the node's
 * own messages, which no link can have, over three rotations: a set that changes and changes back
 * between two samples is legal, one that never differs is not.
 */
export const activeSetRotates: Rule<GossipView> = {
  clauses: ['GSP-032'],
  judge(view) {
    const rotationMs = view.number('gossip.rotation_ms');
    const withinMs = view.number('gossip.forward_ms_max') + view.slackMs;
    const samples = [...view.messages.values()]
      .filter((message) => message.own)
      .sort((a, b) => a.event - b.event)
      .map((message) => ({ message, links: new Set(pushesOf(view, message, withinMs).map(({ link }) => link)) }));
    let exercised = false;
    for (const early of samples) {
      for (const late of samples) {
        if (late.message.atMs < early.message.atMs + 3 * rotationMs) continue;
        const between = samples.filter(({ message }) => message.atMs >= early.message.atMs && message.atMs <= late.message.atMs);
        const steady = view.spans.filter(
          (span) => span.gossip && span.fromEvent < early.message.event && span.toEvent > late.message.event,
        );
        const dense = between.every(
          ({ message }, index) => index === 0 || message.atMs - (between[index - 1]?.message.atMs ?? 0) <= rotationMs / 2,
        );
        if (steady.length < view.activeSize + 2 || !dense || early.links.size < view.activeSize) continue;
        exercised = true;
        const same = between.every(({ links }) => links.size === early.links.size && [...links].every((link) => early.links.has(link)));
        if (same) {
          return {
            findings: [
              {
                clause: 'GSP-032',
                expected: `at least one active link is replaced in each ${rotationMs} ms`,
                observed: `${between.length} messages in ${late.message.atMs - early.message.atMs} ms went to the same ${early.links.size} of ${steady.length} links`,
                at: late.message.event,
              },
            ],
            exercised,
          };
        }
      }
    }
    return { findings: [], exercised };
  },
};
