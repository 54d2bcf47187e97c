/** The state of an overlay machine as plain data. */
import { observedScore } from './observation.ts';
import { ownStanding } from './roles.ts';
import type { OverlayState } from './state.ts';

/** One link in a state view. */
export interface OverlayLinkView {
  readonly link: number;
  readonly peer: string;
  readonly role: string;
  readonly isTaken: boolean;
  readonly observedScore: number;
  readonly isLeaf: boolean;
  readonly isAttached: boolean;
}

/** Who is what, and how much of everything is held. */
export interface OverlayView {
  readonly strategy: string;
  readonly role: string;
  readonly score: number;
  readonly links: readonly OverlayLinkView[];
  readonly leaves: number;
  readonly attachments: number;
  readonly aside: number;
  readonly alternatives: number;
  readonly routes: number;
  readonly sends: number;
}

export function describeState(state: OverlayState): OverlayView {
  const links = [...state.links.values()]
    .sort((a, b) => a.link - b.link)
    .map((link) => ({
      link: link.link,
      peer: link.peer,
      role: link.role,
      isTaken: link.isTaken,
      observedScore: observedScore(state, link, state.nowMs),
      isLeaf: state.leaves.has(link.link),
      isAttached: state.attachments.get(link.link)?.ask === undefined && state.attachments.has(link.link),
    }));
  return {
    strategy: state.strategy,
    role: state.role,
    score: ownStanding(state, state.nowMs).score,
    links,
    leaves: state.leaves.size,
    attachments: links.filter(({ isAttached }) => isAttached).length,
    aside: state.aside.size,
    alternatives: state.alternatives.size,
    routes: state.routes.size,
    sends: state.sends.length,
  };
}
