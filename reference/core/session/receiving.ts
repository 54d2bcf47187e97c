/** The way into a session: a plaintext is read frame by frame, each judged before the next is looked at. Spec: WIR-021 to WIR-036, SES-060. */
import type { Now } from '../types.ts';
import { decodeGoAway, decodePing, decodePong, encodePong } from '../wire/body.ts';
import { encodeFrame, KIND_GO_AWAY, KIND_PING, KIND_PONG, readFrame } from '../wire/frame.ts';
import { setPeerRest } from './dial.ts';
import { type ReadFrame, screenFrame } from './frames.ts';
import { errorNameOf, retryAfter } from './goaway.ts';
import { takePong } from './ping.ts';
import { isAwaited, takeAnswer } from './questions.ts';
import { chargeFrame } from './rates.ts';
import { endForFault, endSession, sendFrame } from './sending.ts';
import type { Session, SessionState, Unread } from './state.ts';

/** Spec: SES-050 */
function onPing(state: SessionState, session: Session, frame: ReadFrame): void {
  const decoded = decodePing(frame.body);
  if (!decoded.ok) {
    endForFault(state, session, { code: decoded.code, clause: decoded.clause });
    return;
  }
  sendFrame(state, session, KIND_PONG, { bytes: encodeFrame(KIND_PONG, frame.requestId, encodePong(decoded.value)) });
}

/** Spec: SES-055 */
function onPong(state: SessionState, session: Session, frame: ReadFrame, now: Now): void {
  const decoded = decodePong(frame.body);
  if (!decoded.ok) {
    endForFault(state, session, { code: decoded.code, clause: decoded.clause });
    return;
  }
  const ms = takePong(session.pings, frame.requestId, decoded.value.nonce, now.monoMs);
  if (ms !== undefined) state.out.push({ type: 'rtt', link: session.link, peer: session.peer, ms });
}

/** Spec: SES-070 to SES-073 */
function onGoAway(state: SessionState, session: Session, frame: ReadFrame, now: Now): void {
  const decoded = decodeGoAway(frame.body);
  if (!decoded.ok) {
    endForFault(state, session, { code: decoded.code, clause: decoded.clause });
    return;
  }
  const waitMs = retryAfter(decoded.value.retryAfterMs, state.params['session.goaway_retry_ms_max']);
  setPeerRest(state.dials, session.peer, session.dialled, now.monoMs + waitMs, now.monoMs);
  endSession(state, session, { code: undefined, peerCode: errorNameOf(decoded.value.code) });
}

/** A frame that is in order and paid for. */
function onFrame(state: SessionState, session: Session, frame: ReadFrame, now: Now): void {
  switch (frame.kind) {
    case KIND_PING:
      onPing(state, session, frame);
      return;
    case KIND_PONG:
      onPong(state, session, frame, now);
      return;
    default: {
      const { link, questions } = session;
      const ask = isAwaited(questions, frame.kind, frame.requestId) ? takeAnswer(questions, frame.requestId) : undefined;
      if (ask !== undefined) state.out.push({ type: 'answered', ask, link, kind: frame.kind, body: frame.body });
      else state.out.push({ type: 'frame', link, kind: frame.kind, requestId: frame.requestId, body: frame.body });
    }
  }
}

function readOne(state: SessionState, session: Session, frame: ReadFrame, now: Now): void {
  const waits = (kind: number, requestId: number): boolean =>
    kind === KIND_PONG ? session.pings.waiting.has(requestId) : isAwaited(session.questions, kind, requestId);
  const screening = screenFrame(frame, session.capabilities, waits);
  if (screening.outcome === 'close') {
    endForFault(state, session, { code: screening.code, clause: screening.clause });
    return;
  }
  // Never charged: the last word of a peer is always heard.
  if (frame.kind === KIND_GO_AWAY) {
    onGoAway(state, session, frame, now);
    return;
  }
  switch (chargeFrame(state.params, session.rates, screening.class, frame.size, now.monoMs)) {
    case 'passes':
      if (screening.class !== 'control') session.usedMs = now.monoMs;
      if (screening.outcome === 'use') onFrame(state, session, frame, now);
      return;
    case 'overrun':
      state.out.push({ type: 'overrun', link: session.link, peer: session.peer });
      return;
    case 'over':
      state.out.push({ type: 'overrun', link: session.link, peer: session.peer });
      endForFault(state, session, { code: 'E_RATE', clause: 'SES-063' });
  }
}

/** Reads on in one plaintext until something concerns somebody else; true when there is nothing left in it. */
function readSome(state: SessionState, unread: Unread, now: Now): boolean {
  while (state.out.length === 0) {
    // Looked up each time: the frame before may have been the session's last.
    const session = state.sessions.get(unread.link);
    if (session === undefined || unread.offset >= unread.plaintext.length) return true;
    const frame = readFrame(unread.plaintext, unread.offset);
    if (frame.ok) {
      unread.offset = frame.next;
      readOne(state, session, frame, now);
    } else {
      endForFault(state, session, { code: frame.code, clause: frame.clause });
    }
  }
  return false;
}

/**
 * Takes in the plaintext of one transport message; `readUnread` looks at its frames. Spec: WIR-008, WIR-021
 */
export function receivePlaintext(state: SessionState, session: Session, plaintext: Uint8Array): void {
  if (plaintext.length === 0) {
    endForFault(state, session, { code: 'E_FRAME_LENGTH', clause: 'WIR-021' });
  } else if (plaintext.length > state.params['wire.plaintext_bytes_max']) {
    endForFault(state, session, { code: 'E_TRANSPORT', clause: 'WIR-008' });
  } else {
    state.unread.push({ link: session.link, plaintext, offset: 0 });
  }
}

/**
 * Reads received frames in the order of their arrival and stops behind the first that another
 * machine has to act on: what that machine decides, perhaps to close, holds before the next frame
 * is looked at. Spec: WIR-035, WIR-036
 */
export function readUnread(state: SessionState, now: Now): void {
  let done = 0;
  for (const unread of state.unread) {
    if (!readSome(state, unread, now)) break;
    done += 1;
  }
  state.unread.splice(0, done);
}
