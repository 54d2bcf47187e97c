/** The way out of a session: frames into plaintexts, plaintexts into messages, and the end. Spec: WIR-009, SES-031, SES-065, CNV-011 to CNV-013. */
import { concatBytes } from '../bytes.ts';
import type { ErrorName, MonoMs, Now } from '../types.ts';
import { encodePing } from '../wire/body.ts';
import { encodeFrame, KIND_PING } from '../wire/frame.ts';
import { encodeGoAwayFrame } from './goaway.ts';
import type { Fault } from './hello.ts';
import { nextReleaseMs, type OutFrame, queueFrame, releaseFrames } from './outbox.ts';
import { makePing, markSent } from './ping.ts';
import { takeUnanswered } from './questions.ts';
import type { Session, SessionState } from './state.ts';

/** Which end a session finds. */
export interface Ending {
  /** Undefined when no clause of this node is behind it. */
  readonly code: ErrorName | undefined;
  /** What `sessionEnded` names instead, when the peer gave the reason. */
  readonly peerCode?: ErrorName | undefined;
  readonly retryAfterMs?: number | undefined;
  /** The connection is gone already: nothing can be sent, and nothing is to be closed. */
  readonly gone?: boolean;
}

/** Hands one plaintext to the runtime; false when the session's nonces are used up and nothing was sent. */
function sendPlaintext(state: SessionState, session: Pick<Session, 'link' | 'ciphers'>, plaintext: Uint8Array): boolean {
  const { link, ciphers } = session;
  if (ciphers === undefined) {
    state.out.push({ type: 'plaintext', link, data: plaintext });
    return true;
  }
  const data = ciphers.send.seal(plaintext);
  if (data === undefined) return false;
  state.out.push({ type: 'message', link, data });
  return true;
}

/** Sends the last frame, if the code is one that travels, and closes. Spec: CNV-011, CNV-013, ERR-001 */
export function sayGoodbye(
  state: SessionState,
  session: Pick<Session, 'link' | 'ciphers'>,
  code: ErrorName | undefined,
  retryAfterMs?: number,
): void {
  const frame = code === undefined ? undefined : encodeGoAwayFrame(code, retryAfterMs);
  if (frame !== undefined) sendPlaintext(state, session, frame);
  state.out.push({ type: 'close', link: session.link, code });
}

/**
 * Ends a session at once. What waits to be sent is dropped: after the decision at most a GoAway may
 * follow. Spec: CNV-011 to CNV-013, SES-070
 */
export function endSession(state: SessionState, session: Session, ending: Ending): void {
  const { link, peer } = session;
  state.sessions.delete(link);
  state.byPeer.delete(peer);
  state.unsent.delete(session);
  if (ending.gone !== true) sayGoodbye(state, session, ending.code, ending.retryAfterMs);
  state.out.push({ type: 'sessionEnded', link, peer, code: ending.peerCode ?? ending.code });
  sayUnanswered(state, session, () => true);
  state.out.push({ type: 'sessionDown', link, peer });
}

/** Tells the machines that asked which of their questions found no answer. */
export function sayUnanswered(state: SessionState, session: Session, isOver: (deadlineMs: MonoMs) => boolean): void {
  for (const { ask, kind } of takeUnanswered(session.questions, isOver)) state.out.push({ type: 'unanswered', ask, kind });
}

/** Ends a session because its peer broke a clause. */
export function endForFault(state: SessionState, session: Session, fault: Fault): void {
  state.out.push({ type: 'violation', link: session.link, peer: session.peer, ...fault });
  endSession(state, session, { code: fault.code });
}

/** Queues a frame; a session that has no room left for frames of class control ends. Spec: SES-065 */
export function sendFrame(state: SessionState, session: Session, kind: number, frame: OutFrame): void {
  if (queueFrame(session.outbox, kind, frame)) {
    state.unsent.add(session);
  } else {
    // It asked for more answers than it lets us send.
    endForFault(state, session, { code: 'E_RATE', clause: 'SES-065' });
  }
}

/** Asks for a sign of life. Spec: SES-052 */
export function sendPing(state: SessionState, session: Session, now: Now): void {
  const { requestId, nonce } = makePing(state.params, session.pings, state.nonces, now.monoMs);
  sendFrame(state, session, KIND_PING, { bytes: encodeFrame(KIND_PING, requestId, encodePing({ nonce })), ping: requestId });
}

/** Puts frames end to end into as few plaintexts as hold them. */
function packFrames(frames: readonly OutFrame[], bytesMax: number): readonly Uint8Array[] {
  const plaintexts: Uint8Array[] = [];
  let batch: Uint8Array[] = [];
  let size = 0;
  for (const { bytes } of frames) {
    if (batch.length > 0 && size + bytes.length > bytesMax) {
      plaintexts.push(concatBytes(...batch));
      batch = [];
      size = 0;
    }
    batch.push(bytes);
    size += bytes.length;
  }
  if (batch.length > 0) plaintexts.push(concatBytes(...batch));
  return plaintexts;
}

/** Sends what the peer's buckets have room for, sealed in the order in which it leaves. Spec: WIR-009, SES-065 */
export function flushSession(state: SessionState, session: Session, now: Now): void {
  const frames = releaseFrames(session.outbox, now.monoMs);
  for (const { ping } of frames) {
    if (ping !== undefined) markSent(session.pings, ping, now.monoMs);
  }
  session.releaseMs = nextReleaseMs(session.outbox, now.monoMs);
  for (const plaintext of packFrames(frames, state.params['wire.plaintext_bytes_max'])) {
    if (sendPlaintext(state, session, plaintext)) continue;
    endSession(state, session, { code: undefined });
    return;
  }
}
