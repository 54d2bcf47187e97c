/** Routes that come: delivered, or passed on once. Spec: OVL-048 to OVL-055 */
import type { LinkId, MessageId, MonoMs, Now, PeerId } from '../types.ts';
import { hashEnvelope } from '../wire/envelope.ts';
import { KIND_ROUTE } from '../wire/frame.ts';
import { encodeRoute, type Route } from '../wire/overlay-body.ts';
import { type Hop, nextHop } from './next-hop.ts';
import { judgeRoute } from './route-verdict.ts';
import { type OverlayLink, type OverlayState, overlayLinks } from './state.ts';

/** Takes a Route from a link. */
export function receiveRoute(state: OverlayState, from: OverlayLink, route: Route, now: Now): void {
  const { crypto, self, params } = state.options;
  const judgement = judgeRoute(state.options, memoryOf(state, now.monoMs), route, now);
  const envelopeHash = hashEnvelope(crypto, route.envelope);
  if (judgement.verdict !== 'accept') {
    const { verdict, code, clause } = judgement;
    state.effects.push({ type: 'verdict', link: from.link, envelopeHash, verdict, code, clause });
    if (verdict === 'reject') state.effects.push({ type: 'envelopeRejected', peer: from.peer });
    return;
  }
  const { id, origin, topic, data } = judgement.message;
  state.effects.push({ type: 'verdict', link: from.link, envelopeHash, verdict: 'accept', code: undefined, clause: undefined });
  rememberRoute(state, id, now.monoMs);
  if (route.target === self) {
    state.effects.push({ type: 'notice', notice: { type: 'overlay.received', from: origin, topic, data } });
    return;
  }
  if (route.hops >= params['overlay.route_hops_max']) return;
  const hop = findHop(state, route.target, from.link);
  if (hop === undefined) return;
  state.routed += 1;
  sendRoute(state, hop.link, { ...route, hops: route.hops + 1 });
}

function memoryOf(state: OverlayState, nowMs: MonoMs) {
  const { params, self } = state.options;
  expireRoutes(state, nowMs);
  return {
    hasTaken: (id: MessageId) => state.routes.has(id),
    isSelf: (origin: PeerId) => origin === self,
    hasRoom: () => state.routes.size < params['overlay.route_seen_max'],
  };
}

/** Remembers an id for `gossip.seen_ttl_ms`. */
export function rememberRoute(state: OverlayState, id: MessageId, nowMs: MonoMs): void {
  state.routes.set(id, nowMs + state.options.params['gossip.seen_ttl_ms']);
}

/** Forgets the ids whose time is over; the oldest stand first. */
export function expireRoutes(state: OverlayState, nowMs: MonoMs): void {
  for (const [id, untilMs] of state.routes) {
    if (untilMs >= nowMs) return;
    state.routes.delete(id);
  }
}

/** The next hop towards a peer, but not back to where the Route came from. Spec: OVL-051 */
export function findHop(state: OverlayState, target: PeerId, from: LinkId | undefined): Hop | undefined {
  const supernodes = [...state.attachments.values()].filter(({ ask }) => ask === undefined).map(({ peer }) => peer);
  return nextHop({
    self: state.options.self,
    target,
    sessions: overlayLinks(state).filter(({ link }) => link !== from),
    via: state.options.contactOf(target)?.via ?? [],
    supernodes,
  });
}

export function sendRoute(state: OverlayState, link: LinkId, route: Route): void {
  state.effects.push({ type: 'sendFrame', link, kind: KIND_ROUTE, body: encodeRoute(route) });
}
