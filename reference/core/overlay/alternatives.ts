/** Supernodes that a node names to others, and those that others named. Spec: OVL-023, OVL-024, OVL-029 */
import type { Address } from '../../../proto/gen/carillon/v1/common_pb.ts';
import type { KnownContact, MonoMs, PeerId } from '../types.ts';
import { addressText } from '../wire/contact.ts';
import { ALTERNATIVES_MAX } from '../wire/overlay-body.ts';
import { type OverlayState, overlayLinks } from './state.ts';

/** Schemes that a session can be dialled by. */
const SESSION_ADDRESS = /^wss?:/;

/** The texts of the addresses at which a session may be had. */
export function sessionAddresses(addresses: readonly Address[]): readonly string[] {
  return addresses.map(addressText).filter((text) => text !== undefined && SESSION_ADDRESS.test(text)) as string[];
}

/** Up to 8 peers that the node takes as supernodes and knows addresses of, by chance; never the one who asks. */
export function chooseAlternatives(state: OverlayState, asker: PeerId): readonly KnownContact[] {
  const taken = overlayLinks(state).flatMap(({ peer, isTaken, addresses }) => {
    const known = addresses.length > 0 ? addresses : (state.options.contactOf(peer)?.addresses ?? []);
    return isTaken && peer !== asker && known.length > 0 ? [{ peer, addresses: known }] : [];
  });
  return state.chance.shuffle(taken).slice(0, ALTERNATIVES_MAX);
}

/** Remembers what somebody named, newest last; the oldest goes when there are too many. */
export function rememberAlternatives(state: OverlayState, contacts: readonly KnownContact[], nowMs: MonoMs): void {
  const countMax = state.options.params['overlay.contacts_max'];
  for (const contact of contacts) {
    if (contact.peer === state.options.self || sessionAddresses(contact.addresses).length === 0) continue;
    state.alternatives.delete(contact.peer);
    state.alternatives.set(contact.peer, { contact, namedAtMs: nowMs });
    if (state.alternatives.size <= countMax) continue;
    for (const oldest of state.alternatives.keys()) {
      state.alternatives.delete(oldest);
      break;
    }
  }
}

/** Dials up to `countMax` alternatives that are fresh, not set aside and without a session. Spec: OVL-029 */
export function dialAlternatives(state: OverlayState, countMax: number, nowMs: MonoMs): void {
  const retryMs = state.options.params['overlay.retry_ms'];
  const linked = new Set([...state.links.values()].map(({ peer }) => peer));
  let dialled = 0;
  for (const [peer, { contact, namedAtMs }] of [...state.alternatives]) {
    if (nowMs - namedAtMs > retryMs) {
      state.alternatives.delete(peer);
      continue;
    }
    if (dialled >= countMax || linked.has(peer) || isAside(state, peer, nowMs)) continue;
    const address = sessionAddresses(contact.addresses)[0];
    if (address === undefined) continue;
    // Whatever comes of it, the same contact is not dialled again at once.
    state.alternatives.delete(peer);
    state.effects.push({ type: 'connect', address, expected: peer });
    dialled += 1;
  }
}

/** Whether a peer is not to be asked yet. */
export function isAside(state: OverlayState, peer: PeerId, nowMs: MonoMs): boolean {
  const untilMs = state.aside.get(peer);
  return untilMs !== undefined && nowMs < untilMs;
}

/** Leaves a peer alone for `overlay.retry_ms` to twice that. Spec: OVL-028 */
export function setAside(state: OverlayState, peer: PeerId, nowMs: MonoMs): void {
  const retryMs = state.options.params['overlay.retry_ms'];
  for (const [other, untilMs] of state.aside) if (untilMs <= nowMs) state.aside.delete(other);
  state.aside.set(peer, nowMs + retryMs + state.chance.below(retryMs));
}
