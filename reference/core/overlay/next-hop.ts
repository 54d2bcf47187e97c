/** Through whom a Route goes on. Spec: OVL-051 */
import type { LinkId, PeerId } from '../types.ts';
import { compareWords, exclusiveOr, type Words, wordsOf } from './distance.ts';

/** An overlay session on which a Route may be sent. */
export interface Hop {
  readonly link: LinkId;
  readonly peer: PeerId;
}

/** What decides the next hop. */
export interface HopQuestion {
  readonly self: PeerId;
  readonly target: PeerId;
  /** Overlay sessions without the one on which the Route came. */
  readonly sessions: readonly Hop[];
  /** Supernodes that the target's contact record names, in their order. */
  readonly via: readonly PeerId[];
  /** Peers of the attached supernodes of a leaf or candidate; none for others. */
  readonly supernodes: readonly PeerId[];
}

/** The next hop, or undefined when there is none. */
export function nextHop({ self, target, sessions, via, supernodes }: HopQuestion): Hop | undefined {
  const named = [target, ...via].map((peer) => sessions.find((hop) => hop.peer === peer)).find((hop) => hop !== undefined);
  if (named !== undefined) return named;
  const aim = wordsOf(target);
  const nearest = nearestTo(aim, sessions);
  if (nearest !== undefined && compareWords(nearest.distance, exclusiveOr(wordsOf(self), aim)) < 0) return nearest.hop;
  return nearestTo(
    aim,
    sessions.filter(({ peer }) => supernodes.includes(peer)),
  )?.hop;
}

function nearestTo(aim: Words, hops: readonly Hop[]): { readonly hop: Hop; readonly distance: Words } | undefined {
  let nearest: { readonly hop: Hop; readonly distance: Words } | undefined;
  for (const hop of hops) {
    const distance = exclusiveOr(wordsOf(hop.peer), aim);
    if (nearest === undefined || compareWords(distance, nearest.distance) < 0) nearest = { hop, distance };
  }
  return nearest;
}
