/** The overlay machine: which input goes to which part, and when the next beat is due. Spec: chapter 09 */
import { assertNever } from '../errors.ts';
import type { Machine, SessionEvent } from '../machine.ts';
import type { EagerLinks } from '../ports.ts';
import { CAPABILITY_OVERLAY, type LinkId, type MonoMs, type Now, type PeerId } from '../types.ts';
import type { Decoded } from '../wire/body.ts';
import { KIND_ATTACH, KIND_ATTACHED, KIND_DETACH, KIND_ROLE, KIND_ROUTE } from '../wire/frame.ts';
import { decodeAttach, decodeAttached, decodeDetach, decodeRole, decodeRoute, type RoleName } from '../wire/overlay-body.ts';
import { rememberAlternatives } from './alternatives.ts';
import { detach, detachAll, dropSilent, giveUp, seekSupernodes, takeAnswer, takeSilence } from './attachment.ts';
import type { OverlayInput, OverlayOptions, OverlayOutput } from './contract.ts';
import { exclusiveOr, wordsOf } from './distance.ts';
import { answerAttach, releaseLeaves } from './leaves.ts';
import { BestRate, WindowedMeasures } from './measures.ts';
import { observe } from './observation.ts';
import { measureSelf, reviewRole, sayRole, takeRole } from './roles.ts';
import { receiveRoute } from './routing.ts';
import { broadcast, expireSends, nextSendExpiryMs, retrySends, send, takeDialEnded, takeFound } from './sending.ts';
import { createState, type OverlayLink, type OverlayState, type Strategy, selfWords } from './state.ts';
import { chooseEagerLinks } from './strategy.ts';
import { describeState } from './view.ts';

export type { OverlayInput, OverlayOptions, OverlayOutput } from './contract.ts';

/** What a node says of its place in the overlay, for its contact record. */
export interface OverlayPlace {
  readonly role: RoleName;
  /** Supernodes by which the node can be reached, at most 3. */
  readonly via: readonly PeerId[];
}

/** The machine, with its read-only ports. */
export interface OverlayMachine extends Machine<OverlayInput, OverlayOutput> {
  readonly eagerLinks: EagerLinks;
  place(): OverlayPlace;
  /** The state as plain data, for people and tests; no secrets. */
  view(): unknown;
}

/** As many as a contact record holds. */
const VIA_MAX = 3;

/** Starts a node's overlay without sessions. */
export function createOverlay(options: OverlayOptions): OverlayMachine {
  const state = createState(options);
  /** The place that was told last, as text. */
  let told = placeText(state);
  return {
    handle(input, now) {
      state.nowMs = now.monoMs;
      take(state, input, now);
      if (state.sends.length > 0) {
        retrySends(state, now.monoMs);
        expireSends(state, now.monoMs);
      }
      beat(state, now.monoMs);
      const place = placeText(state);
      if (place !== told) state.effects.push({ type: 'placeChanged' });
      told = place;
      return state.effects.splice(0);
    },
    deadline: () => nextDeadline(state),
    eagerLinks: (message, links) => chooseEagerLinks(state, message, links),
    place: () => placeOf(state),
    view: () => describeState(state),
  };
}

function take(state: OverlayState, input: OverlayInput, now: Now): void {
  const nowMs = now.monoMs;
  switch (input.type) {
    case 'sessionUp':
      addLink(state, input, nowMs);
      return;
    case 'sessionDown':
      removeLink(state, input.link, nowMs);
      return;
    case 'frame': {
      const link = state.links.get(input.link);
      if (link?.isOverlay === true) receiveFrame(state, link, input.kind, input.requestId, input.body, now);
      return;
    }
    case 'answered': {
      const link = state.links.get(input.link);
      if (link === undefined || input.kind !== KIND_ATTACHED) return;
      withBody(state, link, decodeAttached(input.body), (answer) => takeAnswer(state, input.ask, link.link, answer, nowMs));
      return;
    }
    case 'unanswered':
      takeSilence(state, input.ask, nowMs);
      return;
    case 'contactFound':
      takeFound(state, input.peer, input.addresses);
      return;
    case 'dialEnded':
      takeDialEnded(state, input.address, input.expected, input.peer !== undefined);
      return;
    case 'local':
      if (input.request.type === 'overlay.broadcast') broadcast(state, input.token, input.request.topic, input.request.data);
      else if (input.request.type === 'overlay.send') {
        const { to, topic, data } = input.request;
        send(state, input.token, to, topic, data, now);
      }
      return;
    case 'rtt':
    case 'overrun':
    case 'tick':
      return;
    default:
      assertNever(input);
  }
}

function addLink(state: OverlayState, event: Extract<SessionEvent, { readonly type: 'sessionUp' }>, nowMs: MonoMs): void {
  const { link, peer, capabilities, listenAddresses } = event;
  if (state.links.has(link)) return;
  if (state.startMs === undefined) {
    state.startMs = nowMs;
    state.ownRate = new BestRate(nowMs);
    state.own = new WindowedMeasures(state.options.params['overlay.window_ms'], nowMs);
    followSize(state, nowMs);
  }
  const added: OverlayLink = {
    link,
    peer,
    distance: exclusiveOr(selfWords(state.options), wordsOf(peer)),
    isOverlay: capabilities.has(CAPABILITY_OVERLAY),
    sinceMs: nowMs,
    addresses: listenAddresses,
    role: 'none',
    isTaken: false,
    rate: new BestRate(nowMs),
    unanswered: 0,
  };
  state.links.set(link, added);
  if (added.isOverlay && state.strategy === 'supernode') sayRole(state, link);
  // A phase of chance keeps the nodes of a network from looking all at once.
  if (hasBeats(state)) state.beatAtMs ??= nowMs + 1 + state.chance.below(state.options.params['overlay.beat_ms']);
}

function removeLink(state: OverlayState, id: LinkId, nowMs: MonoMs): void {
  if (!state.links.delete(id)) return;
  state.leaves.delete(id);
  if (state.links.size === 0) state.beatAtMs = undefined;
  if (state.attachments.delete(id)) seekSupernodes(state, nowMs);
}

function receiveFrame(state: OverlayState, link: OverlayLink, kind: number, requestId: number, body: Uint8Array, now: Now): void {
  const nowMs = now.monoMs;
  switch (kind) {
    case KIND_ROLE:
      withBody(state, link, decodeRole(body), ({ role }) => hearRole(state, link, role, nowMs));
      return;
    case KIND_ATTACH:
      withBody(state, link, decodeAttach(body), () => answerAttach(state, link, requestId, nowMs));
      return;
    case KIND_DETACH:
      withBody(state, link, decodeDetach(body), ({ alternatives }) => {
        state.leaves.delete(link.link);
        const attachment = state.attachments.get(link.link);
        if (attachment === undefined) return;
        rememberAlternatives(state, alternatives, nowMs);
        if (attachment.ask === undefined) giveUp(state, attachment, nowMs);
      });
      return;
    case KIND_ROUTE:
      withBody(state, link, decodeRoute(body), (route) => receiveRoute(state, link, route, now));
      return;
    default:
      return;
  }
}

/** Passes a well-formed body on; any other ends the session. */
function withBody<T>(state: OverlayState, { link, peer }: OverlayLink, decoded: Decoded<T>, receive: (body: T) => void): void {
  if (decoded.ok) {
    receive(decoded.value);
    return;
  }
  const { code, clause } = decoded;
  state.effects.push({ type: 'violation', link, peer, code, clause });
  removeLink(state, link, state.nowMs);
  state.effects.push({ type: 'closeSession', link, code, clause });
}

function hearRole(state: OverlayState, link: OverlayLink, role: RoleName, nowMs: MonoMs): void {
  const isNew = link.role !== role;
  link.role = role;
  if (role === 'supernode') {
    // Whoever has become one since is worth asking again.
    if (isNew) state.aside.delete(link.peer);
    seekSupernodes(state, nowMs);
    return;
  }
  link.isTaken = false;
  const attachment = state.attachments.get(link.link);
  if (attachment !== undefined) giveUp(state, attachment, nowMs);
}

/** Whether anything is to be done by the beat: only where the strategy may change or has roles. */
function hasBeats(state: OverlayState): boolean {
  const configured = state.options.params['overlay.strategy'];
  return configured === 'auto' || configured === 'supernode';
}

function beat(state: OverlayState, nowMs: MonoMs): void {
  if (state.beatAtMs === undefined || nowMs < state.beatAtMs) return;
  const beatMs = state.options.params['overlay.beat_ms'];
  state.beatAtMs = nowMs + beatMs - ((nowMs - state.beatAtMs) % beatMs);
  measureSelf(state, nowMs);
  const lost = observe(state, nowMs);
  followSize(state, nowMs);
  if (state.strategy !== 'supernode') return;
  for (const { link } of lost) {
    const attachment = state.attachments.get(link);
    if (attachment !== undefined) detach(state, attachment, nowMs);
  }
  reviewRole(state, nowMs);
  dropSilent(state, nowMs);
  seekSupernodes(state, nowMs);
}

/** Follows the size of the network in strategy `auto`. Spec: OVL-005, OVL-006 */
function followSize(state: OverlayState, nowMs: MonoMs): void {
  const { params, networkSize } = state.options;
  if (params['overlay.strategy'] !== 'auto') return;
  const estimate = networkSize();
  const strategy: Strategy = state.automatic.look(estimate > 0 ? estimate : params['gossip.network_size'], nowMs);
  if (strategy === state.strategy) return;
  if (state.strategy === 'supernode') {
    releaseLeaves(state);
    detachAll(state);
    takeRole(state, 'none');
  }
  state.strategy = strategy;
  state.effects.push({ type: 'notice', notice: { type: 'overlay.strategy', strategy } });
  if (strategy === 'supernode') takeRole(state, 'leaf');
}

function placeOf(state: OverlayState): OverlayPlace {
  const attached = [...state.attachments.values()].filter(({ ask }) => ask === undefined);
  return { role: state.role, via: attached.slice(0, VIA_MAX).map(({ peer }) => peer) };
}

function placeText(state: OverlayState): string {
  const { role, via } = placeOf(state);
  return `${role} ${via.join(' ')}`;
}

function nextDeadline(state: OverlayState): MonoMs | undefined {
  const moments = [state.beatAtMs, nextSendExpiryMs(state)].filter((moment) => moment !== undefined);
  return moments.length === 0 ? undefined : Math.min(...moments);
}
