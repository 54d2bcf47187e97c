/** What the session machine shows of itself: plain data, and no secret or byte derived from one. Spec: SES-025. */
import type { Direction, LinkId, PeerId } from '../types.ts';
import { waitingFrames } from './outbox.ts';
import type { SessionState } from './state.ts';

/** One session as operators see it. */
export interface PeerView {
  readonly peer: PeerId;
  readonly link: LinkId;
  readonly address: string;
  readonly direction: Direction;
  readonly capabilities: readonly string[];
  readonly establishedMs: number;
  /** Smoothed round trip in milliseconds, or null before the first Pong. */
  readonly rttMs: number | null;
}

/** The machine's own bookkeeping. */
export interface SessionsView {
  readonly sessions: number;
  readonly halfOpenInbound: number;
  readonly halfOpenOutbound: number;
  readonly dialsPending: number;
  readonly dialsDeferred: number;
  /** Frames that the peers' buckets have no room for yet. */
  readonly framesWaiting: number;
  readonly stopped: boolean;
}

/** Sessions in the order of their PeerIds. */
export function viewPeers(state: SessionState): readonly PeerView[] {
  const rows = [...state.sessions.values()].map((session) => ({
    peer: session.peer,
    link: session.link,
    address: session.address,
    direction: session.direction,
    capabilities: [...session.capabilities],
    establishedMs: session.establishedMs,
    rttMs: session.pings.rttMs ?? null,
  }));
  return rows.sort((a, b) => (a.peer < b.peer ? -1 : 1));
}

export function viewSessions(state: SessionState): SessionsView {
  let framesWaiting = 0;
  for (const { outbox } of state.sessions.values()) framesWaiting += waitingFrames(outbox);
  return {
    sessions: state.sessions.size,
    halfOpenInbound: state.admission.total,
    halfOpenOutbound: state.halfOpen.size - state.admission.total,
    dialsPending: state.dials.pending.size,
    dialsDeferred: state.dials.deferred.size,
    framesWaiting,
    stopped: state.stopped,
  };
}
