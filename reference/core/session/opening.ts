/** From a connection to a session: the handshake's steps, and who gets in. Spec: SES-005 to SES-024, SES-040 to SES-043. */
import type { Address } from '../../../proto/gen/carillon/v1/common_pb.ts';
import { invariant } from '../errors.ts';
import type { NodeInput } from '../machine.ts';
import type { LinkId, Now, PeerId } from '../types.ts';
import { KEY_TYPE_ED25519 } from '../wire/envelope.ts';
import { derivePeerId } from '../wire/peer-id.ts';
import { admit, release } from './admission.ts';
import { intersectCapabilities } from './capabilities.ts';
import { type DialTarget, rememberAnswer, settleDial } from './dial.ts';
import { chooseSession } from './duplicate.ts';
import { createInitiator, createResponder } from './handshake.ts';
import { type Fault, judgePeer } from './hello.ts';
import { createOutbox } from './outbox.ts';
import { createPings } from './ping.ts';
import { createQuestions } from './questions.ts';
import { createRates } from './rates.ts';
import { endSession, sayGoodbye } from './sending.ts';
import type { Ciphers, HalfOpen, Session, SessionState } from './state.ts';

type LinkOpened = Extract<NodeInput, { readonly type: 'linkOpened' }>;
type LinkEstablished = Extract<NodeInput, { readonly type: 'linkEstablished' }>;

/** A peer that has proved its identity and asks for a session. */
interface Candidate extends Pick<Session, 'link' | 'direction' | 'address' | 'dialled'> {
  readonly peer: PeerId;
  readonly publicKey: Uint8Array;
  readonly offered: readonly string[];
  readonly roles: number;
  readonly listenAddresses: readonly Address[];
  /** Whom this node dialled, if it cared. */
  readonly expected: PeerId | undefined;
  readonly ciphers: Ciphers | undefined;
}

const NO_TARGET: DialTarget = { address: '', expected: undefined };

/** The dial that a connection answers: none for those that nobody dialled here, undefined for one that is no longer under way. */
function targetOf(state: SessionState, input: LinkOpened | LinkEstablished): DialTarget | undefined {
  if (input.direction === 'inbound' || input.dial === undefined || input.dial === 0) return NO_TARGET;
  return settleDial(state.dials, input.dial);
}

/** Where this node dialled to, if it did. */
function addressOf(target: DialTarget): string | undefined {
  return target === NO_TARGET ? undefined : target.address;
}

/** Whether a new connection may go on; closes it otherwise. */
function isWelcome(state: SessionState, link: LinkId, target: DialTarget | undefined): target is DialTarget {
  invariant(!state.halfOpen.has(link) && !state.sessions.has(link), 'a link id is never used twice');
  if (state.stopped) state.out.push({ type: 'close', link, code: 'E_SHUTDOWN' });
  // Whom the operator meant is forgotten, and nobody else may take the place.
  else if (target === undefined) state.out.push({ type: 'close', link, code: undefined });
  return !state.stopped && target !== undefined;
}

/** A connection appears. Spec: SES-002, SES-010, SES-011, SES-018 */
export function openLink(state: SessionState, input: LinkOpened, now: Now): void {
  const { link, direction, address } = input;
  const target = targetOf(state, input);
  if (!isWelcome(state, link, target)) return;
  const inbound = direction === 'inbound';
  if (inbound && admit(state.params, state.admission, address) !== undefined) {
    state.out.push({ type: 'close', link, code: 'E_HALF_OPEN' });
    return;
  }
  const handshake = inbound ? createResponder(state.kit) : createInitiator(state.kit, target.expected);
  const dialled = addressOf(target);
  const deadlineMs = now.monoMs + state.params['session.handshake_timeout_ms'];
  state.halfOpen.set(link, { link, direction, address, dialled, expected: target.expected, deadlineMs, handshake });
  if (handshake.opening !== undefined) state.out.push({ type: 'message', link, data: handshake.opening });
}

/** A connection whose handshake somebody else took care of. Spec: SES-017, SES-018, SES-022, IDN-070 */
export function openEstablished(state: SessionState, input: LinkEstablished, now: Now): void {
  const { link, direction, address } = input;
  const target = targetOf(state, input);
  if (!isWelcome(state, link, target)) return;
  const peer = derivePeerId(state.crypto, KEY_TYPE_ED25519, input.publicKey);
  const fault = judgePeer(state.crypto, state.params, state.identity.self, peer, target.expected);
  const dialled = addressOf(target);
  const { expected } = target;
  if (fault !== undefined) {
    endDial(state, dialled, expected, undefined);
    refuse(state, link, fault);
    return;
  }
  const { publicKey, capabilities: offered, roles = 1, listenAddresses = [] } = input;
  establish(
    state,
    { link, direction, address, dialled, expected, peer, publicKey, offered, roles, listenAddresses, ciphers: undefined },
    now,
  );
}

function refuse(state: SessionState, link: LinkId, fault: Fault): void {
  state.out.push({ type: 'violation', link, peer: undefined, ...fault });
  state.out.push({ type: 'close', link, code: fault.code });
}

/** Tells whoever wanted the dial what it came to. */
export function endDial(state: SessionState, dialled: string | undefined, expected: PeerId | undefined, peer: PeerId | undefined): void {
  if (dialled !== undefined) state.out.push({ type: 'dialEnded', address: dialled, expected, peer });
}

/** Takes a connection out of the handshake, whatever becomes of it. */
export function leaveHandshake(state: SessionState, halfOpen: HalfOpen): void {
  state.halfOpen.delete(halfOpen.link);
  if (halfOpen.direction === 'inbound') release(state.admission, halfOpen.address);
}

/** Ends a handshake without a word: there is nobody yet to whom a code could be told. */
export function failHandshake(state: SessionState, halfOpen: HalfOpen, fault: Fault): void {
  leaveHandshake(state, halfOpen);
  endDial(state, halfOpen.dialled, halfOpen.expected, undefined);
  refuse(state, halfOpen.link, fault);
}

/** The peer's next handshake message. */
export function continueHandshake(state: SessionState, halfOpen: HalfOpen, message: Uint8Array, now: Now): void {
  const step = halfOpen.handshake.read(message);
  const { link, direction, address, dialled, expected } = halfOpen;
  switch (step.outcome) {
    case 'fault':
      failHandshake(state, halfOpen, step.fault);
      return;
    case 'answer':
      state.out.push({ type: 'message', link, data: step.reply });
      return;
    case 'complete': {
      leaveHandshake(state, halfOpen);
      if (step.reply !== undefined) state.out.push({ type: 'message', link, data: step.reply });
      const { send, receive, ...introduced } = step.peer;
      establish(state, { link, direction, address, dialled, expected, ...introduced, ciphers: { send, receive } }, now);
    }
  }
}

/** Makes room for a candidate beside the session that its peer has; false when that one stays. Spec: SES-040 to SES-042 */
function replaceRival(state: SessionState, rival: Session, candidate: Candidate, now: Now): boolean {
  const { keep } = chooseSession({
    self: state.identity.self,
    peer: candidate.peer,
    first: rival,
    second: candidate,
    nowMs: now.monoMs,
    youngMs: state.params['session.handshake_timeout_ms'],
  });
  if (keep === 'first') sayGoodbye(state, candidate, 'E_DUPLICATE_SESSION');
  else endSession(state, rival, { code: 'E_DUPLICATE_SESSION' });
  return keep === 'second';
}

function establish(state: SessionState, candidate: Candidate, now: Now): void {
  const { params } = state;
  const { link, peer, direction, address, dialled, ciphers } = candidate;
  if (dialled !== undefined) rememberAnswer(state.dials, dialled, peer);
  const rival = state.byPeer.get(peer);
  if (rival !== undefined) {
    if (!replaceRival(state, rival, candidate, now)) {
      endDial(state, dialled, candidate.expected, peer);
      return;
    }
  } else if (state.sessions.size >= params['session.sessions_max']) {
    // Departs from SES-043 in that it holds for connections of our own as well: the bound is one on memory.
    sayGoodbye(state, candidate, 'E_BUSY');
    endDial(state, dialled, candidate.expected, undefined);
    return;
  }
  const session: Session = {
    link,
    peer,
    direction,
    address,
    dialled,
    capabilities: new Set(intersectCapabilities(state.identity.capabilities, candidate.offered)),
    establishedMs: now.monoMs,
    usedMs: now.monoMs,
    ciphers,
    rates: createRates(params, now.monoMs),
    outbox: createOutbox(params, now.monoMs),
    pings: createPings(params, now.monoMs),
    questions: createQuestions(),
    releaseMs: undefined,
  };
  state.sessions.set(link, session);
  state.byPeer.set(peer, session);
  state.out.push({ type: 'established', link, peer, capabilities: [...session.capabilities] });
  const { publicKey, roles, listenAddresses } = candidate;
  state.out.push({
    type: 'sessionUp',
    link,
    peer,
    publicKey,
    address,
    direction,
    capabilities: session.capabilities,
    roles,
    listenAddresses,
  });
  endDial(state, dialled, candidate.expected, peer);
}
