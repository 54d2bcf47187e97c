/** Announcing, asking and answering. Spec: GSP-046, GSP-050 to GSP-059, GSP-068. */
import type { Finding } from '../runner/check.ts';
import { scoreBounds } from './gossip-score-bounds.ts';
import { knownBefore, short } from './gossip-verdict.ts';
import type { GossipView, Mention, Message } from './gossip-view.ts';
import type { Rule } from './rule.ts';

/** Each taken message is announced, once, on every gossip link that was open and may not have it (GSP-050, GSP-051, GSP-046). */
export const announcesToTheRest: Rule<GossipView> = {
  clauses: ['GSP-046', 'GSP-050'],
  judge(view) {
    const findings: Finding[] = [];
    let exercised = false;
    const withinMs = 2 * view.number('gossip.heartbeat_ms') + view.slackMs;
    for (const message of view.messages.values()) {
      const untilMs = message.atMs + withinMs;
      if (untilMs > view.trace.endMs) continue;
      for (const span of view.spans) {
        if (!span.gossip || span.fromEvent > message.event || span.toEvent < message.event || span.toMs <= untilMs) continue;
        if (
          scoreBounds(view, span.peerId, message.atMs).low < view.number('score.gossip_min') ||
          scoreBounds(view, span.peerId, untilMs).low < view.number('score.gossip_min')
        )
          continue;
        const told = view.mentions.some(
          (mention) => mention.by === 'node' && mention.kind === 'Ihave' && mention.link === span.link && mention.ids.includes(message.id),
        );
        const pushed = view.departures.some(
          (departure) => departure.link === span.link && departure.envelope.id === message.id && departure.atMs <= untilMs,
        );
        const sentIt = view.arrivals.some(
          (arrival) => arrival.link === span.link && arrival.envelope.id === message.id && arrival.atMs <= untilMs,
        );
        const mentioned = view.mentions.some(
          (mention) => mention.link === span.link && mention.by === 'kit' && mention.atMs <= untilMs && mention.ids.includes(message.id),
        );
        if (told || !(pushed || sentIt || mentioned)) exercised = true;
        if (!told && !pushed && !sentIt && !mentioned) {
          const atLimit = message.hops !== undefined && message.hops >= view.number('gossip.hops_max');
          findings.push({
            clause: atLimit ? 'GSP-046' : 'GSP-050',
            expected: `${short(message.id)} is announced on link ${span.link} by ${untilMs} ms`,
            observed: 'it was neither pushed nor announced there',
            at: message.event,
          });
        }
      }
    }
    return { findings, exercised };
  },
};

/** No id twice in Ihaves on one link (GSP-051). */
export const announcesOnce: Rule<GossipView> = {
  clauses: ['GSP-051'],
  judge(view) {
    const findings: Finding[] = [];
    const seen = new Set<string>();
    const told = view.mentions.filter((mention) => mention.by === 'node' && mention.kind === 'Ihave');
    for (const mention of told) {
      for (const id of mention.ids) {
        const key = `${spanKey(view, mention)} ${id}`;
        if (seen.has(key))
          findings.push({
            clause: 'GSP-051',
            expected: `${short(id)} is announced once on link ${mention.link}`,
            observed: `again at ${mention.atMs} ms`,
            at: mention.event,
          });
        seen.add(key);
      }
    }
    return { findings, exercised: told.length > 0 };
  },
};

function spanKey(view: GossipView, mention: Mention): string {
  return `${mention.link}/${view.spanAt(mention.link, mention.event)?.fromEvent ?? -1}`;
}

/** An Iwant is answered while the message is in the cache (GSP-052), at most so many times (GSP-053), and only within the window's cap (GSP-054). */
export const answersIwants: Rule<GossipView> = {
  clauses: ['GSP-052', 'GSP-053', 'GSP-054'],
  judge(view) {
    const findings: Finding[] = [];
    let exercised = false;
    const reactionMs = view.number('session.reaction_ms_max') + view.slackMs;
    const sendsMax = view.number('gossip.iwant_sends_max');
    const requests = view.mentions.filter((mention) => mention.by === 'kit' && mention.kind === 'Iwant');
    const asked = new Map<string, number>();
    const answeredMust = new Map<string, number>();
    for (const request of requests) {
      const span = view.spanAt(request.link, request.event);
      for (const id of request.ids) {
        const key = `${request.link} ${id}`;
        const counted = request.counted.includes(id);
        if (!counted) continue;
        const times = (asked.get(key) ?? 0) + 1;
        asked.set(key, times);
        const message = view.messages.get(id);
        if (message === undefined || span === undefined || request.atMs + reactionMs > Math.min(view.trace.endMs, span.toMs)) continue;
        if (message.event > request.event || message.atMs + view.raceMs > request.atMs) continue;
        if (request.atMs - message.atMs > view.number('gossip.message_cache_ms')) continue;
        if (cachedBytesSince(view, message, request.event) > view.number('gossip.message_cache_bytes_max')) continue;
        if (scoreBounds(view, span.peerId, request.atMs).low < view.number('score.gossip_min')) continue;
        if (times > sendsMax) continue;
        exercised = true;
        answeredMust.set(key, (answeredMust.get(key) ?? 0) + 1);
        const answers = view.departures.filter(
          (departure) =>
            departure.link === request.link &&
            departure.envelope.id === id &&
            departure.event > request.event &&
            departure.atMs <= request.atMs + reactionMs,
        );
        if (answers.length === 0) {
          findings.push({
            clause: 'GSP-052',
            expected: `the Iwant for ${short(id)} on link ${request.link} is answered within ${reactionMs} ms`,
            observed: 'no Push carries it',
            at: request.event,
          });
        }
      }
    }
    for (const [key, times] of asked) {
      const [link, id] = key.split(' ');
      const sent = view.departures.filter(
        (departure) => departure.link === Number(link) && departure.envelope.id === id && departure.asked,
      ).length;
      if (times > sendsMax) exercised = true;
      const unasked = view.departures.filter(
        (departure) => departure.link === Number(link) && departure.envelope.id === id && !departure.asked,
      ).length;
      if (sent > sendsMax || (times > 0 && sent + Math.max(0, unasked - 1) > sendsMax)) {
        findings.push({
          clause: 'GSP-053',
          expected: `${short(id ?? '')} is sent at most ${sendsMax} times on link ${link} in answer to Iwants`,
          observed: `${sent + Math.max(0, unasked - 1)} times`,
        });
      }
    }
    for (const request of requests) {
      const beyond = request.ids.filter((id) => !request.counted.includes(id) && view.messages.has(id));
      if (beyond.length === 0) continue;
      exercised = true;
      for (const id of beyond) {
        const answered = view.departures.find(
          (departure) =>
            departure.link === request.link &&
            departure.envelope.id === id &&
            departure.event > request.event &&
            departure.atMs <= request.atMs + reactionMs,
        );
        const otherwise =
          requests.some((other) => other.link === request.link && other.counted.includes(id)) ||
          view.messages.get(id)?.atMs === request.atMs;
        if (answered !== undefined && !otherwise && certainlyAnnouncedOnly(view, request.link, id, request.event)) {
          findings.push({
            clause: 'GSP-054',
            expected: `ids beyond the first ${view.number('gossip.iwant_ids_per_heartbeat')} of a window are ignored`,
            observed: `${short(id)} was sent at ${answered.atMs} ms`,
            at: request.event,
          });
        }
      }
    }
    return { findings, exercised };
  },
};

/** The node could not have pushed it unasked: the link had sent it or been told of it. */
function certainlyAnnouncedOnly(view: GossipView, link: number, id: string, event: number): boolean {
  return knownBefore(view, link, id, event);
}

function cachedBytesSince(view: GossipView, message: Message, event: number): number {
  let bytes = 0;
  for (const other of view.messages.values())
    if (other.event >= message.event && other.event <= event) bytes += other.envelope.bytes.length / 2;
  return bytes;
}

/** An announced message that does not come is asked for, in time (GSP-055), from the next announcer if need be (GSP-058), one Iwant at a time (GSP-057), never once it is there (GSP-056). */
export const asksForAnnounced: Rule<GossipView> = {
  clauses: ['GSP-055', 'GSP-056', 'GSP-057', 'GSP-058'],
  judge(view) {
    const findings: Finding[] = [];
    const reactionMs = view.number('session.reaction_ms_max') + view.slackMs;
    const waitMs = view.number('gossip.ihave_wait_ms');
    const timeoutMs = view.number('gossip.iwant_timeout_ms');
    const announcements = view.mentions.filter((mention) => mention.by === 'kit' && mention.kind === 'Ihave');
    const wants = view.mentions.filter((mention) => mention.by === 'node' && mention.kind === 'Iwant');
    let exercised = false;
    const firstHeard = new Map<string, Mention>();
    for (const mention of announcements) {
      const span = view.spanAt(mention.link, mention.event);
      if (span === undefined || scoreBounds(view, span.peerId, mention.atMs).low < view.number('score.gossip_min')) continue;
      for (const id of mention.counted) if (!firstHeard.has(id)) firstHeard.set(id, mention);
    }
    for (const [id, heard] of firstHeard) {
      const acceptedMs = view.messages.get(id)?.atMs ?? Number.POSITIVE_INFINITY;
      const span = view.spanAt(heard.link, heard.event);
      const dueMs = heard.atMs + waitMs + reactionMs;
      if (
        span === undefined ||
        dueMs > Math.min(view.trace.endMs, span.toMs) ||
        acceptedMs <= dueMs ||
        waiting(view, heard) ||
        applicationHas(view, id, dueMs) ||
        scoreBounds(view, span.peerId, dueMs).low < view.number('score.gossip_min')
      )
        continue;
      exercised = true;
      const asked = wants.filter((want) => want.ids.includes(id) && want.event > heard.event);
      if (!asked.some((want) => want.atMs <= dueMs)) {
        findings.push({
          clause: 'GSP-055',
          expected: `an Iwant for ${short(id)} by ${dueMs} ms`,
          observed: asked.length === 0 ? 'none was sent' : `the first was sent at ${asked[0]?.atMs} ms`,
          at: heard.event,
        });
        continue;
      }
      followUp(view, id, asked, announcements, { acceptedMs, timeoutMs, reactionMs }, findings);
    }
    const lastAsked = new Map<string, Mention>();
    for (const want of wants) {
      for (const id of want.ids) {
        exercised = true;
        const accepted = view.messages.get(id);
        const before =
          view.slackMs === 0
            ? accepted !== undefined && accepted.event < want.event
            : accepted !== undefined && accepted.atMs + view.slackMs < want.atMs;
        if (before && want.atMs - (accepted?.atMs ?? 0) <= view.number('gossip.seen_ttl_ms')) {
          findings.push({
            clause: 'GSP-056',
            expected: `no Iwant for ${short(id)}, which was accepted at ${accepted?.atMs} ms`,
            observed: `one was sent at ${want.atMs} ms`,
            at: want.event,
          });
        }
        const last = lastAsked.get(id);
        const ended = last === undefined ? undefined : view.spans.find((span) => span.link === last.link && span.toMs <= want.atMs);
        if (last !== undefined && ended === undefined && want.atMs - last.atMs < timeoutMs - view.slackMs) {
          findings.push({
            clause: 'GSP-057',
            expected: `no second Iwant for ${short(id)} within ${timeoutMs} ms`,
            observed: `one at ${last.atMs} ms on link ${last.link}, one at ${want.atMs} ms on link ${want.link}`,
            at: want.event,
          });
        }
        lastAsked.set(id, want);
      }
    }
    return { findings, exercised };
  },
};

/** More ids of the link wait than a node need hold (GSP-078). */
function waiting(view: GossipView, heard: Mention): boolean {
  const counted = view.mentions
    .filter((mention) => mention.by === 'kit' && mention.kind === 'Ihave' && mention.link === heard.link && mention.event <= heard.event)
    .reduce((sum, mention) => sum + mention.ids.length, 0);
  return counted > view.number('gossip.wanted_per_link_max');
}

/** The message came and waits for the application: whether a node asks for it meanwhile is its choice. A rejected copy changes nothing. */
function applicationHas(view: GossipView, id: string, untilMs: number): boolean {
  return view.arrivals.some((arrival) => arrival.envelope.id === id && arrival.atMs <= untilMs && arrival.verdict !== 'reject');
}

function followUp(
  view: GossipView,
  id: string,
  asked: readonly Mention[],
  announcements: readonly Mention[],
  times: { readonly acceptedMs: number; readonly timeoutMs: number; readonly reactionMs: number },
  findings: Finding[],
): void {
  asked.forEach((want, index) => {
    const overMs = want.atMs + times.timeoutMs;
    const dueMs = overMs + times.reactionMs;
    const came = view.arrivals.some(
      (arrival) => arrival.envelope.id === id && arrival.event > want.event && arrival.atMs <= dueMs && arrival.verdict !== 'reject',
    );
    if (came || times.acceptedMs <= dueMs || dueMs > view.trace.endMs) return;
    const askedLinks = new Set(asked.slice(0, index + 1).map((earlier) => earlier.link));
    const sources = new Set(
      announcements
        .filter(
          (mention) =>
            mention.counted.includes(id) &&
            mention.atMs + view.slackMs <= overMs &&
            mention.event < (asked[index + 1]?.event ?? Number.POSITIVE_INFINITY),
        )
        .map(({ link }) => link),
    );
    const first = [...sources].slice(0, view.number('gossip.sources_max'));
    const others = first.filter((link) => {
      const span = view.spans.find((candidate) => candidate.link === link && candidate.toMs > dueMs);
      return !askedLinks.has(link) && span !== undefined && scoreBounds(view, span.peerId, dueMs).low >= view.number('score.gossip_min');
    });
    if (others.length === 0) return;
    const next = asked[index + 1];
    if (next === undefined || next.atMs > dueMs || askedLinks.has(next.link)) {
      findings.push({
        clause: 'GSP-058',
        expected: `after ${overMs} ms another announcer of ${short(id)} is asked by ${dueMs} ms (link ${others.join(' or ')})`,
        observed: next === undefined ? 'nobody was asked' : `link ${next.link} was asked at ${next.atMs} ms`,
        at: want.event,
      });
    }
  });
}

/** Ids beyond the caps of Ihaves are not asked for (GSP-059). */
export const ihaveCaps: Rule<GossipView> = {
  clauses: ['GSP-059'],
  judge(view) {
    const findings: Finding[] = [];
    const announcements = view.mentions.filter((mention) => mention.by === 'kit' && mention.kind === 'Ihave');
    const counted = new Set(announcements.flatMap((mention) => mention.counted));
    const beyond = new Set(announcements.flatMap((mention) => mention.ids).filter((id) => !counted.has(id)));
    for (const want of view.mentions.filter((mention) => mention.by === 'node' && mention.kind === 'Iwant')) {
      const asked = want.ids.find((id) => beyond.has(id));
      if (asked !== undefined) {
        findings.push({
          clause: 'GSP-059',
          expected: 'ids beyond the window’s caps are ignored',
          observed: `an Iwant for ${short(asked)} was sent at ${want.atMs} ms`,
          at: want.event,
        });
      }
    }
    return { findings, exercised: beyond.size > 0 };
  },
};

/** Ids beyond the cap of Idontwants do not hold a push back (GSP-068): judged where all links are active. */
export const idontwantCaps: Rule<GossipView> = {
  clauses: ['GSP-068'],
  judge(view) {
    const findings: Finding[] = [];
    let exercised = false;
    const withinMs = view.number('gossip.forward_ms_max') + view.slackMs;
    for (const mention of view.mentions.filter(({ by, kind }) => by === 'kit' && kind === 'Idontwant')) {
      for (const id of mention.ids) {
        const message = view.messages.get(id);
        const span = view.spanAt(mention.link, mention.event);
        if (
          mention.counted.includes(id) ||
          message === undefined ||
          span === undefined ||
          message.event < mention.event ||
          message.from === mention.link
        )
          continue;
        if (
          message.atMs + withinMs > Math.min(view.trace.endMs, span.toMs) ||
          view.spans.filter((other) => other.gossip).length > view.activeSize
        )
          continue;
        if (knownBefore(view, mention.link, id, message.event)) continue;
        exercised = true;
        const pushed = view.departures.some(
          (departure) => departure.link === mention.link && departure.envelope.id === id && departure.atMs <= message.atMs + withinMs,
        );
        if (!pushed)
          findings.push({
            clause: 'GSP-068',
            expected: `${short(id)} was named beyond the cap, so it is pushed on link ${mention.link}`,
            observed: 'it was held back',
            at: mention.event,
          });
      }
    }
    return { findings, exercised };
  },
};

/** Large messages are declined on the other active links (GSP-069, a SHOULD). */
export const declinesLargeMessages: Rule<GossipView> = {
  clauses: ['GSP-069'],
  judge(view) {
    const findings: Finding[] = [];
    let exercised = false;
    for (const message of view.messages.values()) {
      if (message.own || message.envelope.bytes.length / 2 < view.number('gossip.idontwant_bytes_min')) continue;
      const others = view.spans.filter(
        (span) =>
          span.gossip &&
          span.link !== message.from &&
          span.fromEvent < message.event &&
          span.toMs > message.atMs + view.number('session.reaction_ms_max'),
      );
      if (others.length === 0) continue;
      exercised = true;
      const declined = view.mentions.some(
        (mention) => mention.by === 'node' && mention.kind === 'Idontwant' && mention.ids.includes(message.id),
      );
      if (!declined)
        findings.push({
          clause: 'GSP-069',
          expected: `an Idontwant for ${short(message.id)}, ${message.envelope.bytes.length / 2} bytes`,
          observed: 'none was sent',
          at: message.event,
        });
    }
    return { findings, exercised };
  },
};
