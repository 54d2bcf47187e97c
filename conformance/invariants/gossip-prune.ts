/** Prunes that the node receives and sends. Spec: GSP-060 to GSP-076. */

import { hex, unhex } from '../model/bytes.ts';
import { keptLinks } from '../model/gossip.ts';
import type { Finding } from '../runner/check.ts';
import { certainlyHeld, clauseOfHold } from './gossip-prune-state.ts';
import { short } from './gossip-verdict.ts';
import { type GossipView, type Message, type Span, ZERO_ORIGIN } from './gossip-view.ts';
import type { Rule } from './rule.ts';

/** No unasked push of an origin on a link while its Prune lasts (GSP-060). */
export const prunedOriginIsHeldBack: Rule<GossipView> = {
  clauses: ['GSP-060', 'GSP-061', 'GSP-062'],
  judge(view) {
    const findings: Finding[] = [];
    const exercised = [...view.messages.values()].some((message) =>
      view.spans.some((span) => span.gossip && certainlyHeld(view, span.link, message, message.event, message.atMs)),
    );
    for (const departure of view.departures) {
      const message = view.messages.get(departure.envelope.id ?? '');
      if (departure.via !== 'Push' || departure.asked || message === undefined) continue;
      if (certainlyHeld(view, departure.link, message, departure.event, departure.atMs)) {
        findings.push({
          clause: clauseOfHold(view, departure.link, message, departure.atMs),
          expected: `no push of ${short(message.id)} on link ${departure.link}: its origin is pruned there`,
          observed: `it was pushed at ${departure.atMs} ms`,
          at: departure.event,
        });
      }
    }
    return { findings, exercised };
  },
};

/** Copies of one origin's messages as the keep rule counts them, up to an event. */
interface Count {
  readonly messages: readonly Message[];
  readonly credits: ReadonlyMap<number, number>;
}

/** The group that a message is counted in: its origin with stake, or all without. */
export function groupOf(view: GossipView, origin: string): string {
  return (view.trace.stakes[origin] ?? 0) > 0 ? origin : ZERO_ORIGIN;
}

function countOf(view: GossipView, group: string, until: number): Count {
  const messages = [...view.messages.values()].filter(
    (message) => !message.own && message.event < until && groupOf(view, message.origin) === group,
  );
  const credits = new Map<number, number>();
  for (const message of messages) {
    const order: number[] = [];
    for (const arrival of view.arrivals) {
      if (arrival.envelope.id !== message.id || arrival.event >= until || arrival.via !== 'Push' || arrival.event < message.event) continue;
      if (arrival.verdict !== 'accept' && arrival.code !== 'E_DUPLICATE') continue;
      if (!order.includes(arrival.link)) order.push(arrival.link);
    }
    order.forEach((link, rank) => {
      credits.set(link, (credits.get(link) ?? 0) + (rank < 2 ? 1 : 0));
    });
  }
  return { messages, credits };
}

/**
 * Who is pruned and who is not (GSP-070, GSP-072, GSP-073). Judged where the trace leaves no doubt
 * about what was counted: exactly the number of messages that a count needs, then nothing more of the
 * origin until two heartbeats have passed.
 */
export const prunesLateLinks: Rule<GossipView> = {
  clauses: ['GSP-070', 'GSP-072', 'GSP-073'],
  judge(view) {
    const findings: Finding[] = [];
    let exercised = false;
    const after = view.number('gossip.prune_after');
    const withinMs = 2 * view.number('gossip.heartbeat_ms') + view.slackMs;
    const groups = new Set([...view.messages.values()].filter((message) => !message.own).map((message) => groupOf(view, message.origin)));
    for (const group of groups) {
      const all = [...view.messages.values()]
        .filter((message) => !message.own && groupOf(view, message.origin) === group)
        .sort((a, b) => a.event - b.event);
      const last = all.at(-1);
      if (all.length !== after || last === undefined) continue;
      const copies = view.arrivals.filter((arrival) => all.some((message) => message.id === arrival.envelope.id));
      const lastCopyMs = Math.max(...copies.map((arrival) => arrival.atMs));
      // The count may be taken at any beat after the last message; copies must all be in by then.
      if (lastCopyMs > last.atMs || last.atMs + withinMs > view.trace.endMs) continue;
      const { credits } = countOf(view, group, Number.POSITIVE_INFINITY);
      const ranked = view.spans.filter((span) => credits.has(span.link));
      const spans = ranked.filter((span) => span.toMs > last.atMs + withinMs);
      if (ranked.length !== credits.size) continue;
      const stakeOf = (peerId: string): bigint => BigInt(view.trace.stakes[peerId] ?? 0);
      const keptOf = (among: readonly Span[]): ReadonlySet<string> => {
        const kept = keptLinks({
          links: among.map((span) => ({
            link: span.link,
            peerId: unhex(span.peerId),
            stake: stakeOf(span.peerId),
            credits: credits.get(span.link) ?? 0,
          })),
          keepMin: view.number('gossip.prune_keep_min'),
          stakePercent: view.number('gossip.prune_stake_percent'),
          ownStake: stakeOf(view.trace.nodePeerId),
          originStake: group === ZERO_ORIGIN ? 0n : stakeOf(group),
        });
        return new Set(kept.map((link) => hex(link.peerId)));
      };
      // A session that ended may take a place among the kept ones or not: only what both readings say is judged.
      const [keptPeers, keptOpen] = [keptOf(ranked), keptOf(spans)];
      exercised = true;
      for (const span of spans) {
        const pruned = view.prunes.find(
          (notice) =>
            notice.by === 'node' &&
            notice.kind === 'Prune' &&
            notice.link === span.link &&
            notice.origins.includes(group) &&
            notice.event > last.event,
        );
        if (keptPeers.has(span.peerId) && keptOpen.has(span.peerId) && pruned !== undefined) {
          findings.push({
            clause: 'GSP-072',
            expected: `link ${span.link} (${credits.get(span.link)} credits) is kept for ${short(group)}`,
            observed: `it was pruned at ${pruned.atMs} ms`,
            at: pruned.event,
          });
        }
        // The origin of a counted message is not pruned for it (GSP-074).
        if (
          !keptPeers.has(span.peerId) &&
          !keptOpen.has(span.peerId) &&
          !all.some(({ origin }) => origin === span.peerId) &&
          (pruned === undefined || pruned.atMs > last.atMs + withinMs)
        ) {
          findings.push({
            clause: 'GSP-070',
            expected: `link ${span.link} (${credits.get(span.link)} credits) is pruned for ${short(group)} by ${last.atMs + withinMs} ms`,
            observed: pruned === undefined ? 'it was not' : `it was pruned at ${pruned.atMs} ms`,
            at: last.event,
          });
        }
      }
    }
    return { findings, exercised };
  },
};

/** Of the messages of one group up to a Prune at `atMs`, those that no earlier count can have used up. */
function sinceCount(view: GossipView, messages: readonly Message[], atMs: number): readonly Message[] {
  const after = view.number('gossip.prune_after');
  const withinMs = 2 * view.number('gossip.heartbeat_ms') + view.slackMs;
  let left = [...messages].sort((a, b) => a.event - b.event);
  for (;;) {
    const last = left[after - 1];
    if (last === undefined || last.atMs + withinMs >= atMs) return left;
    // Counted by then; what came meanwhile may belong to this count or to the next.
    left = left.slice(after).filter((message) => message.atMs > last.atMs);
  }
}

/** What no Prune or Graft may do, whatever was counted (GSP-071, GSP-072, GSP-074, GSP-076). */
export const prunesWithinBounds: Rule<GossipView> = {
  clauses: ['GSP-071', 'GSP-072', 'GSP-074', 'GSP-076'],
  judge(view) {
    const findings: Finding[] = [];
    const sent = view.prunes.filter((notice) => notice.by === 'node');
    for (const notice of sent) {
      if (notice.origins.length < 1 || notice.origins.length > 32)
        findings.push({ clause: 'GSP-076', expected: '1 to 32 origins', observed: `${notice.origins.length}`, at: notice.event });
      if (notice.kind !== 'Prune') continue;
      const peerId = view.spanAt(notice.link, notice.event)?.peerId;
      for (const origin of notice.origins) {
        const previous = sent.findLast((other) => other.kind === 'Prune' && other.atMs < notice.atMs && other.origins.includes(origin));
        const { messages, credits } = countOf(view, origin, notice.event);
        const since = sinceCount(view, messages, notice.atMs).filter((message) => message.event > (previous?.event ?? -1));
        if (origin === peerId || since.some((message) => message.origin === peerId))
          findings.push({
            clause: 'GSP-074',
            expected: 'an origin is not pruned for its own messages',
            observed: `link ${notice.link} is the origin's own`,
            at: notice.event,
          });
        if (since.length < view.number('gossip.prune_after')) {
          findings.push({
            clause: 'GSP-071',
            expected: `${view.number('gossip.prune_after')} messages of ${short(origin)} before a Prune`,
            observed: `${since.length}`,
            at: notice.event,
          });
        }
        const prunedLinks = new Set(
          sent.filter((other) => other.kind === 'Prune' && other.origins.includes(origin)).map(({ link }) => link),
        );
        const left = [...credits.keys()].filter((link) => !prunedLinks.has(link));
        if (left.length < Math.min(view.number('gossip.prune_keep_min'), credits.size)) {
          findings.push({
            clause: 'GSP-072',
            expected: `${view.number('gossip.prune_keep_min')} links are kept for ${short(origin)}`,
            observed: `${left.length} are left`,
            at: notice.event,
          });
        }
      }
    }
    const enough = [...new Set([...view.messages.values()].map((message) => groupOf(view, message.origin)))].some(
      (group) => countOf(view, group, Number.POSITIVE_INFINITY).messages.length >= Math.min(10, view.number('gossip.prune_after')),
    );
    return { findings: dedupe(findings), exercised: sent.length > 0 || enough };
  },
};

/** A message of a pruned origin that had to be asked for brings a Graft (GSP-075). */
export const graftsWhenAsked: Rule<GossipView> = {
  clauses: ['GSP-075'],
  judge(view) {
    const findings: Finding[] = [];
    let exercised = false;
    const reactionMs = view.number('session.reaction_ms_max') + view.slackMs;
    for (const message of view.messages.values()) {
      if (message.own || message.from === undefined) continue;
      const group = groupOf(view, message.origin);
      const pruned = view.prunes.findLast(
        (notice) =>
          notice.by === 'node' &&
          notice.kind === 'Prune' &&
          notice.link === message.from &&
          notice.origins.includes(group) &&
          notice.event < message.event,
      );
      const lasts = pruned !== undefined && pruned.atMs + Number(pruned.backoffMs) > message.atMs + view.slackMs;
      const wanted = view.mentions.some(
        (mention) =>
          mention.by === 'node' &&
          mention.kind === 'Iwant' &&
          mention.link === message.from &&
          mention.event < message.event &&
          mention.ids.includes(message.id),
      );
      const regrafted = view.prunes.some(
        (notice) =>
          notice.by === 'node' &&
          notice.kind === 'Graft' &&
          notice.link === message.from &&
          notice.origins.includes(group) &&
          notice.event > (pruned?.event ?? 0) &&
          notice.event < message.event,
      );
      if (!lasts || !wanted || regrafted || message.atMs + reactionMs > view.trace.endMs) continue;
      exercised = true;
      const grafted = view.prunes.some(
        (notice) =>
          notice.by === 'node' &&
          notice.kind === 'Graft' &&
          notice.link === message.from &&
          notice.origins.includes(group) &&
          notice.event > message.event &&
          notice.atMs <= message.atMs + reactionMs,
      );
      if (!grafted)
        findings.push({
          clause: 'GSP-075',
          expected: `a Graft for ${short(group)} on link ${message.from}`,
          observed: 'none was sent',
          at: message.event,
        });
    }
    return { findings, exercised };
  },
};

function dedupe(findings: readonly Finding[]): Finding[] {
  const seen = new Set<string>();
  return findings.filter((finding) => {
    const key = `${finding.clause} ${finding.observed}`;
    if (seen.has(key)) return false;
    seen.add(key);
    return true;
  });
}
