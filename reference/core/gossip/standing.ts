/** Links come and go, and what their peers' scores allow them. Spec: GSP-031, GSP-090 to GSP-096 */
import type { SessionEvent } from '../machine.ts';
import { CAPABILITY_MEMPOOL, type ClauseId, type ErrorName, type LinkId, type MonoMs, type PeerId } from '../types.ts';
import { linkKindOf } from './direct.ts';
import { hostOf } from './score.ts';
import { createLink, type GossipLink, type GossipState, linksOfKind } from './state.ts';

/** Takes a new session, or closes it at once when its peer's score is too low still. */
export function addLink(state: GossipState, event: Extract<SessionEvent, { readonly type: 'sessionUp' }>, nowMs: MonoMs): void {
  const { params, rng } = state.options;
  const { link, peer, address } = event;
  if (state.links.has(link)) return;
  state.scores.open(peer, address, nowMs);
  if (state.scores.scoreOf(peer, nowMs) < params['score.graylist_min']) {
    const retryAfterMs = state.scores.retryAfterMs(peer, nowMs);
    state.scores.close(peer, address, nowMs);
    state.effects.push({ type: 'closeSession', link, code: 'E_SCORE', clause: 'GSP-092', retryAfterMs });
    return;
  }
  const { capabilities } = event;
  const takesTransactions = capabilities.has(CAPABILITY_MEMPOOL);
  state.links.set(link, createLink(state.options, { link, peer, address, kind: linkKindOf(capabilities), takesTransactions }));
  state.service.open(link);
  const links = state.linksOf.get(peer) ?? new Set();
  state.linksOf.set(peer, links.add(link));
  // A phase of chance keeps the nodes of a network from announcing all at once to each other.
  state.heartbeatAtMs ??= nowMs + 1 + rng.below(params['gossip.heartbeat_ms']);
  state.isMembershipStale = true;
  touchHost(state, address);
}

/** The session is over: what belonged to the link alone goes, what belongs to the peer stays. */
export function removeLink(state: GossipState, link: LinkId, nowMs: MonoMs): GossipLink | undefined {
  const gone = state.links.get(link);
  if (gone === undefined) return undefined;
  state.links.delete(link);
  const links = state.linksOf.get(gone.peer);
  links?.delete(link);
  if (links?.size === 0) {
    state.linksOf.delete(gone.peer);
    state.burdened.delete(gone.peer);
  }
  state.outbox.discard(link);
  state.inventory.forgetLink(link);
  state.counts.forgetLink(link);
  state.known.forgetLink(link);
  state.service.forgetLink(link);
  state.scores.close(gone.peer, gone.address, nowMs);
  state.isMembershipStale = true;
  touchHost(state, gone.address);
  if (state.links.size === 0) {
    state.heartbeatAtMs = undefined;
    // Nobody is left who could be told.
    state.announcements.beat([], state.known, () => false, nowMs);
  }
  return gone;
}

/** Asks for the end of a session; from here on nothing is sent on the link or taken from it. */
export function closeLink(state: GossipState, link: LinkId, code: ErrorName, clause: ClauseId, nowMs: MonoMs, retryAfterMs?: number): void {
  if (removeLink(state, link, nowMs) === undefined) return;
  const command = { type: 'closeSession', link, code, clause } as const;
  state.effects.push(retryAfterMs === undefined ? command : { ...command, retryAfterMs });
}

/** The counts of a peer changed. */
export function touch(state: GossipState, peer: PeerId): void {
  state.touched.add(peer);
}

/** How many sessions an address has counts for every peer with a session from there. */
function touchHost(state: GossipState, address: string): void {
  const host = hostOf(address);
  for (const other of state.links.values()) {
    if (hostOf(other.address) === host) state.touched.add(other.peer);
  }
}

/** A beat has passed: whoever's score may have changed is looked at again. */
export function touchBurdened(state: GossipState, nowMs: MonoMs): void {
  if (state.decayAtMs === undefined || nowMs < state.decayAtMs) return;
  state.decayAtMs = undefined;
  for (const peer of state.burdened) state.touched.add(peer);
}

/** Draws the consequences of changed scores, newest link first, and chooses the active links anew if need be. */
export function review(state: GossipState, nowMs: MonoMs): void {
  const { params } = state.options;
  const links = [...state.touched].flatMap((peer) => [...(state.linksOf.get(peer) ?? [])]).sort((a, b) => b - a);
  state.touched.clear();
  for (const id of links) {
    const link = state.links.get(id);
    if (link === undefined) continue;
    const score = state.scores.scoreOf(link.peer, nowMs);
    if (score < params['score.graylist_min']) {
      closeLink(state, id, 'E_SCORE', 'GSP-090', nowMs, state.scores.retryAfterMs(link.peer, nowMs));
      continue;
    }
    const isEligible = score >= params['score.gossip_min'];
    if (isEligible !== link.isEligible) state.isMembershipStale = true;
    link.isEligible = isEligible;
    if (state.scores.isBurdened(link.peer, nowMs)) state.burdened.add(link.peer);
    else state.burdened.delete(link.peer);
  }
  if (state.burdened.size === 0) state.decayAtMs = undefined;
  else state.decayAtMs ??= state.scores.nextBeatMs(nowMs);
  chooseActive(state, nowMs);
}

function chooseActive(state: GossipState, nowMs: MonoMs): void {
  if (!state.isMembershipStale) return;
  state.isMembershipStale = false;
  const eligible = linksOfKind(state, 'gossip').filter((link) => link.isEligible);
  state.active.update(
    eligible.map((link) => link.link),
    nowMs,
  );
}
