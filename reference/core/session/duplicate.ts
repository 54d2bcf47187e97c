/** Which of two sessions with one peer stays. Spec: SES-040 to SES-042. */
import type { ClauseId, Direction, MonoMs, PeerId } from '../types.ts';

/** What the choice depends on. */
export interface Rivals {
  readonly self: PeerId;
  readonly peer: PeerId;
  readonly first: { readonly direction: Direction; readonly establishedMs: MonoMs };
  readonly second: { readonly direction: Direction };
  readonly nowMs: MonoMs;
  /** `session.handshake_timeout_ms`: while the first session is younger, both sides may have dialled at once. */
  readonly youngMs: number;
}

/** Says which session stays, and by which clause; both ends of the two sessions come to the same answer. */
export function chooseSession(rivals: Rivals): { readonly keep: 'first' | 'second'; readonly clause: ClauseId } {
  const { self, peer, first, second, nowMs, youngMs } = rivals;
  if (first.direction === second.direction) return { keep: 'second', clause: 'SES-040' };
  if (nowMs - first.establishedMs >= youngMs) return { keep: 'second', clause: 'SES-042' };
  // Hexadecimal text of equal length sorts as its bytes do.
  const [initiatorOfFirst, other] = first.direction === 'outbound' ? [self, peer] : [peer, self];
  return { keep: initiatorOfFirst < other ? 'first' : 'second', clause: 'SES-041' };
}
