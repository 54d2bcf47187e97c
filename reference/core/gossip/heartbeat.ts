/** What happens at each heartbeat: announcing, pruning, forgetting. Spec: GSP-050, GSP-070 */
import type { MonoMs } from '../types.ts';
import { UNSTAKED_ORIGINS } from './message.ts';
import { type CompleteCount, divideLinks } from './prune.ts';
import { type GossipState, linksOfKind, takesTopic } from './state.ts';

/** Runs the heartbeat if it is due; beats that were missed are not made up for. */
export function beat(state: GossipState, nowMs: MonoMs): void {
  if (state.heartbeatAtMs === undefined) {
    forgetOld(state, nowMs);
    return;
  }
  if (nowMs < state.heartbeatAtMs) return;
  const intervalMs = state.options.params['gossip.heartbeat_ms'];
  state.heartbeatAtMs = nowMs + intervalMs - ((nowMs - state.heartbeatAtMs) % intervalMs);
  announce(state, nowMs);
  for (const complete of state.counts.takeComplete()) prune(state, complete, nowMs);
  forgetOld(state, nowMs);
}

function announce(state: GossipState, nowMs: MonoMs): void {
  const links = linksOfKind(state, 'gossip').filter((link) => link.isEligible);
  const announced = state.announcements.beat(
    links.map((link) => link.link),
    state.known,
    (id) => state.cache.holds(id),
    nowMs,
    (link, topic) => takesTopic(state.links.get(link), topic),
  );
  for (const { link, topic, id } of announced) state.outbox.ihave(link, topic, id);
}

function prune(state: GossipState, { key, credits, origins }: CompleteCount, nowMs: MonoMs): void {
  const { params, stakeOf, self } = state.options;
  const candidates = [...credits].flatMap(([id, count]) => {
    const link = state.links.get(id);
    return link === undefined ? [] : [{ link: id, peer: link.peer, credits: count, stake: stakeOf(link.peer) }];
  });
  const { pruned } = divideLinks(candidates, {
    linksMin: params['gossip.prune_keep_min'],
    stakePercent: params['gossip.prune_stake_percent'],
    ownStake: stakeOf(self),
    originStake: key === UNSTAKED_ORIGINS ? 0n : stakeOf(key),
  });
  for (const { link, peer } of pruned) {
    // One of the origins without stake is the origin itself when messages of its own were counted (GSP-074).
    if (peer === key || origins.has(peer)) continue;
    state.outbox.prune(link, key);
    state.links.get(link)?.prunesSent.set(key, nowMs + params['gossip.prune_ms'], nowMs);
  }
}

/** Lets go of what has expired; until then it is only never used. */
function forgetOld(state: GossipState, nowMs: MonoMs): void {
  state.seen.expire(nowMs);
  state.published.expire(nowMs);
  state.cache.expire(nowMs);
  state.known.expire(nowMs);
  state.flood.sweep(nowMs);
  state.scores.expire(nowMs);
  for (const link of state.links.values()) {
    link.prunesReceived.expire(nowMs);
    link.prunesSent.expire(nowMs);
    for (const id of link.answers.keys()) {
      if (!state.cache.holds(id)) link.answers.delete(id);
    }
  }
}

/** When a node without links has something to forget, or undefined. */
export function nextExpiryMs(state: GossipState): MonoMs | undefined {
  const lastMoments = [state.seen, state.published, state.cache, state.scores].flatMap((memory) => memory.nextExpiryMs ?? []);
  return lastMoments.length === 0 ? undefined : Math.min(...lastMoments) + 1;
}
