/**
 * The session machine: connections become sessions, sessions carry frames, and each ends in one of
 * the ways that chapters 03 and 04 name. This file takes inputs apart and keeps the timers; what
 * they lead to stands in the files beside it.
 */
import { assertNever, invariant } from '../errors.ts';
import type { Machine, NodeInput, SessionCommand } from '../machine.ts';
import type { LinkId, MonoMs, Now, PeerId } from '../types.ts';
import { encodeFrame, FRAME_KINDS } from '../wire/frame.ts';
import { abandonDials, dialDeadlineMs, requestDial, restUntil, settleDial, takeDueDials } from './dial.ts';
import type { Fault } from './hello.ts';
import { continueHandshake, endDial, failHandshake, leaveHandshake, openEstablished, openLink } from './opening.ts';
import { pongDeadlineMs } from './ping.ts';
import { addQuestion, questionsDeadlineMs } from './questions.ts';
import { readUnread, receivePlaintext } from './receiving.ts';
import { endForFault, endSession, flushSession, sayUnanswered, sendFrame, sendPing } from './sending.ts';
import {
  createSessionState,
  type Session,
  type SessionInput,
  type SessionOptions,
  type SessionOutput,
  type SessionState,
} from './state.ts';
import { type PeerView, type SessionsView, viewPeers, viewSessions } from './view.ts';

/** The session machine, with what it shows of itself. */
export interface SessionMachine extends Machine<SessionInput, SessionOutput> {
  /** The session with a peer, if there is one. */
  sessionOf(peer: PeerId): LinkId | undefined;
  /** When a session last carried a frame of a class other than control; undefined for a link without one. */
  usedMsOf(link: LinkId): MonoMs | undefined;
  /** Until when a peer, or whoever is at an address, has asked not to be dialled; 0 for no rest. Spec: SES-071 */
  restUntilMs(address: string, peer: PeerId): MonoMs;
  peers(): readonly PeerView[];
  view(): SessionsView;
}

type Message = Extract<NodeInput, { readonly type: 'message' }>;
type Connect = Extract<NodeInput, { readonly type: 'connect' }>;

/** What is wrong with a WebSocket message before anybody looks into it. */
function faultOfMessage(state: SessionState, input: Message): Fault | undefined {
  if (input.text) return { code: 'E_TRANSPORT', clause: 'WIR-007' };
  if (input.data.length > state.params['wire.noise_message_bytes_max']) return { code: 'E_TRANSPORT', clause: 'WIR-008' };
  if (input.data.length === 0) return { code: 'E_TRANSPORT', clause: 'WIR-010' };
  return undefined;
}

function onMessage(state: SessionState, input: Message, now: Now): void {
  const fault = faultOfMessage(state, input);
  const halfOpen = state.halfOpen.get(input.link);
  if (halfOpen !== undefined) {
    if (fault !== undefined) failHandshake(state, halfOpen, fault);
    else continueHandshake(state, halfOpen, input.data, now);
    return;
  }
  const session = state.sessions.get(input.link);
  if (session === undefined) return;
  if (fault !== undefined) {
    endForFault(state, session, fault);
    return;
  }
  const plaintext = session.ciphers?.receive.open(input.data);
  if (plaintext !== undefined) receivePlaintext(state, session, plaintext);
  else endForFault(state, session, { code: 'E_DECRYPT', clause: 'SES-030' });
}

function onPlaintext(state: SessionState, link: LinkId, plaintext: Uint8Array): void {
  const session = state.sessions.get(link);
  // On an encrypted session nothing but its own cipher opens a way in.
  if (session !== undefined && session.ciphers === undefined) receivePlaintext(state, session, plaintext);
}

function onLinkClosed(state: SessionState, link: LinkId): void {
  const halfOpen = state.halfOpen.get(link);
  if (halfOpen !== undefined) {
    leaveHandshake(state, halfOpen);
    endDial(state, halfOpen.dialled, halfOpen.expected, undefined);
  }
  const session = state.sessions.get(link);
  if (session !== undefined) endSession(state, session, { code: undefined, gone: true });
}

function onDialFailed(state: SessionState, dial: number): void {
  const target = settleDial(state.dials, dial);
  if (target !== undefined) endDial(state, target.address, target.expected, undefined);
}

function onConnect(state: SessionState, input: Connect, now: Now): void {
  if (state.stopped) return;
  const { address, expected } = input;
  const dial = requestDial(state.dials, { address, expected }, now.monoMs);
  if (dial !== undefined) state.out.push({ type: 'dial', dial, address });
}

function onShutdown(state: SessionState): void {
  state.stopped = true;
  abandonDials(state.dials);
  for (const halfOpen of [...state.halfOpen.values()]) {
    leaveHandshake(state, halfOpen);
    state.out.push({ type: 'close', link: halfOpen.link, code: 'E_SHUTDOWN' });
  }
  for (const session of [...state.sessions.values()]) endSession(state, session, { code: 'E_SHUTDOWN' });
}

type Ask = Extract<SessionCommand, { readonly type: 'ask' }>;

/** Puts a question, or says at once that there will be no answer. */
function onAsk(state: SessionState, session: Session | undefined, command: Ask, now: Now): void {
  const { ask, kind, body, timeoutMs } = command;
  const replyKind = FRAME_KINDS.get(kind)?.reply;
  invariant(replyKind !== undefined, 'only requests are asked');
  const question = { ask, kind, replyKind, deadlineMs: now.monoMs + timeoutMs };
  const requestId = session && addQuestion(session.questions, question, state.params['session.questions_max']);
  if (session === undefined || requestId === undefined) state.out.push({ type: 'unanswered', ask, kind });
  else {
    touchSession(session, kind, now);
    sendFrame(state, session, kind, { bytes: encodeFrame(kind, requestId, body) });
  }
}

/** Frames of class control keep a session alive; use is what the others are. Spec: chapter 10, "Pruning" */
function touchSession(session: Session, kind: number, now: Now): void {
  if (FRAME_KINDS.get(kind)?.class !== 'control') session.usedMs = now.monoMs;
}

function onCommand(state: SessionState, command: SessionCommand, now: Now): void {
  const session = state.sessions.get(command.link);
  if (command.type === 'ask') {
    onAsk(state, session, command, now);
    return;
  }
  if (session === undefined) return;
  if (command.type === 'closeSession') {
    // Whoever closes has said why.
    endSession(state, session, { code: command.code, retryAfterMs: command.retryAfterMs });
    return;
  }
  invariant(FRAME_KINDS.has(command.kind), 'only kinds of the table are sent');
  const requestId = command.type === 'answer' ? command.requestId : 0;
  touchSession(session, command.kind, now);
  sendFrame(state, session, command.kind, { bytes: encodeFrame(command.kind, requestId, command.body) });
}

/** Reads on; when there is nothing to read, sends. */
function onSettled(state: SessionState, now: Now): void {
  readUnread(state, now);
  if (state.out.length > 0) return;
  const unsent = [...state.unsent];
  state.unsent.clear();
  for (const session of unsent) flushSession(state, session, now);
}

/** Does what is due. */
function onTime(state: SessionState, isDue: (at: MonoMs) => boolean, now: Now): void {
  const { params } = state;
  for (const halfOpen of [...state.halfOpen.values()]) {
    if (!isDue(halfOpen.deadlineMs)) continue;
    const clause = halfOpen.direction === 'inbound' ? 'SES-008' : 'SES-009';
    failHandshake(state, halfOpen, { code: 'E_HANDSHAKE_TIMEOUT', clause });
  }
  for (const session of [...state.sessions.values()]) {
    const pongMs = pongDeadlineMs(params, session.pings);
    if (pongMs !== undefined && isDue(pongMs)) {
      endForFault(state, session, { code: 'E_PING_TIMEOUT', clause: 'SES-054' });
      continue;
    }
    sayUnanswered(state, session, isDue);
    if (session.releaseMs !== undefined && isDue(session.releaseMs)) state.unsent.add(session);
    if (isDue(session.pings.nextMs)) sendPing(state, session, now);
  }
  if (state.stopped) return;
  for (const { dial, address } of takeDueDials(state.dials, now.monoMs)) state.out.push({ type: 'dial', dial, address });
}

function earliest(state: SessionState): MonoMs | undefined {
  let next = dialDeadlineMs(state.dials) ?? Number.POSITIVE_INFINITY;
  for (const { deadlineMs } of state.halfOpen.values()) next = Math.min(next, deadlineMs);
  for (const { pings, questions, releaseMs } of state.sessions.values()) {
    const waitsMs = [releaseMs, pongDeadlineMs(state.params, pings), questionsDeadlineMs(questions)];
    next = Math.min(next, pings.nextMs, ...waitsMs.map((at) => at ?? next));
  }
  return next === Number.POSITIVE_INFINITY ? undefined : next;
}

/** Everything that comes from outside the node. */
function onNodeInput(state: SessionState, input: Exclude<SessionInput, SessionCommand | { readonly type: 'settled' }>, now: Now): void {
  switch (input.type) {
    case 'linkOpened':
      openLink(state, input, now);
      break;
    case 'linkEstablished':
      openEstablished(state, input, now);
      break;
    case 'message':
      onMessage(state, input, now);
      break;
    case 'plaintext':
      onPlaintext(state, input.link, input.data);
      break;
    case 'linkClosed':
      onLinkClosed(state, input.link);
      break;
    case 'dialFailed':
      onDialFailed(state, input.dial);
      break;
    case 'connect':
      onConnect(state, input, now);
      break;
    case 'shutdown':
      onShutdown(state);
      break;
    case 'tick':
      onTime(state, (at) => at <= now.monoMs, now);
      break;
    default:
      assertNever(input);
  }
}

/**
 * Makes a session machine. After each input that is not `settled` its user gives it `settled` until
 * nothing comes back; what is due before an input is done before the input, even if no `tick` came.
 */
export function createSessions(options: SessionOptions): SessionMachine {
  const state = createSessionState(options);
  /** What `deadline` last found, until something may have changed it. */
  let known: { readonly at: MonoMs | undefined } | undefined;

  function deadline(): MonoMs | undefined {
    known ??= { at: earliest(state) };
    return known.at;
  }

  /** A timer that should have fired before this moment fires now, so that a late runtime changes no outcome. */
  function catchUp(now: Now): void {
    const due = deadline();
    if (due !== undefined && due < now.monoMs) onTime(state, (at) => at < now.monoMs, now);
  }

  function handle(input: SessionInput, now: Now): readonly SessionOutput[] {
    switch (input.type) {
      case 'sendFrame':
      case 'ask':
      case 'answer':
      case 'closeSession':
        onCommand(state, input, now);
        break;
      case 'settled':
        onSettled(state, now);
        break;
      default:
        catchUp(now);
        onNodeInput(state, input, now);
    }
    known = undefined;
    const { out } = state;
    state.out = [];
    return out;
  }

  return {
    handle,
    deadline,
    sessionOf: (peer) => state.byPeer.get(peer)?.link,
    usedMsOf: (link) => state.sessions.get(link)?.usedMs,
    restUntilMs: (address, peer) => restUntil(state.dials, { address, expected: peer }),
    peers: () => viewPeers(state),
    view: () => viewSessions(state),
  };
}
