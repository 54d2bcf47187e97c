/** One handshake, from either end: three Noise messages, of which the last two carry a hello. Spec: SES-001 to SES-024. */
import { concatBytes, encodeUtf8, equalBytes } from '../bytes.ts';
import type { CryptoProvider } from '../crypto/provider.ts';
import { invariant } from '../errors.ts';
import type { Params } from '../params.ts';
import type { PeerId } from '../types.ts';
import { type CipherState, createHandshake, type Handshake, type NoiseFailure } from '../wire/noise.ts';
import { lengthPrefixed } from '../wire/uvarint.ts';
import { type Fault, type Identity, type Introduced, judgeHello, sealHello } from './hello.ts';

/** A message 1 is an ephemeral key and nothing else. Spec: SES-002, SES-003 */
const MESSAGE_1_BYTES = 32;
const EMPTY = new Uint8Array(0);

/** What every handshake of one node shares. */
export interface HandshakeKit {
  readonly crypto: CryptoProvider;
  readonly params: Params;
  readonly identity: Identity;
  readonly prologue: Uint8Array;
  readonly staticSecret: Uint8Array;
  /** The node's own hello as initiator and as responder; signed once, for the static key stays. */
  readonly helloAsInitiator: Uint8Array;
  readonly helloAsResponder: Uint8Array;
  /** 32 bytes of chance that no other handshake gets. Spec: SES-004 */
  readonly freshSecret: () => Uint8Array;
}

/** A peer that has proved itself, and the keys to talk to it. */
export interface Completed extends Introduced {
  readonly send: CipherState;
  readonly receive: CipherState;
}

/** What a message leads to: an answer, the end of the handshake (with message 3 on the initiator's side), or a fault. */
export type HandshakeStep =
  | { readonly outcome: 'answer'; readonly reply: Uint8Array }
  | { readonly outcome: 'complete'; readonly reply: Uint8Array | undefined; readonly peer: Completed }
  | { readonly outcome: 'fault'; readonly fault: Fault };

/** One side of one handshake; after `complete` or `fault` it is not used again. */
export interface SessionHandshake {
  /** What this side says before it hears anything: message 1 of an initiator. */
  readonly opening: Uint8Array | undefined;
  read(message: Uint8Array): HandshakeStep;
}

/** What both sides mix in before the first message. Spec: SES-001 */
export function sessionPrologue(networkId: Uint8Array): Uint8Array {
  return concatBytes(encodeUtf8('carillon.v1\0'), ...lengthPrefixed(networkId));
}

/** Prepares what the handshakes of a node share; throws when the node's own hello would not fit a handshake message. */
export function createHandshakeKit(
  crypto: CryptoProvider,
  params: Params,
  identity: Identity,
  staticSecret: Uint8Array,
  freshSecret: () => Uint8Array,
): HandshakeKit {
  const staticKey = crypto.x25519PublicKey(staticSecret);
  const helloAsInitiator = sealHello(crypto, identity, staticKey, true);
  const helloAsResponder = sealHello(crypto, identity, staticKey, false);
  // Message 2 is the longer one: ephemeral key, static key and two tags around the hello.
  invariant(helloAsResponder.length + 96 <= params['session.handshake_bytes_max'], 'the own hello fits a handshake message');
  const prologue = sessionPrologue(identity.networkId);
  return { crypto, params, identity, prologue, staticSecret, helloAsInitiator, helloAsResponder, freshSecret };
}

function fault(code: Fault['code'], clause: Fault['clause']): HandshakeStep {
  return { outcome: 'fault', fault: { code, clause } };
}

function isFailure(result: Uint8Array | NoiseFailure): result is NoiseFailure {
  return 'error' in result;
}

function failed(failure: NoiseFailure): HandshakeStep {
  return fault(failure.error, failure.error === 'E_ZERO_SECRET' ? 'SES-005' : 'SES-006');
}

function startNoise(kit: HandshakeKit, initiator: boolean): Handshake {
  const { crypto, prologue, staticSecret } = kit;
  return createHandshake({ crypto, initiator, prologue, staticSecret, ephemeralSecret: kit.freshSecret() });
}

/** Judges the hello in a Noise payload. */
function meet(
  kit: HandshakeKit,
  noise: Handshake,
  payload: Uint8Array,
  initiator: boolean,
  expected: PeerId | undefined,
): Introduced | Fault {
  const { remoteStatic } = noise;
  invariant(remoteStatic !== undefined, 'messages 2 and 3 carry the static key of the peer');
  return judgeHello(kit.crypto, kit.params, kit.identity, payload, { remoteStatic, peerIsInitiator: !initiator, expected });
}

function isTooLong(kit: HandshakeKit, message: Uint8Array): boolean {
  return message.length > kit.params['session.handshake_bytes_max'];
}

/** The side that dialled; `expected` is the only PeerId that will do, if not any. */
export function createInitiator(kit: HandshakeKit, expected: PeerId | undefined): SessionHandshake {
  const noise = startNoise(kit, true);
  const opening = noise.writeMessage(EMPTY);
  invariant(!isFailure(opening), 'message 1 depends on nobody else');

  function read(message: Uint8Array): HandshakeStep {
    if (isTooLong(kit, message)) return fault('E_HANDSHAKE_SIZE', 'SES-007');
    // Our own key coming back: somebody holds up a mirror.
    if (equalBytes(message.subarray(0, MESSAGE_1_BYTES), opening as Uint8Array)) return fault('E_SELF', 'SES-017');
    const payload = noise.readMessage(message);
    if (isFailure(payload)) return failed(payload);
    const introduced = meet(kit, noise, payload, true, expected);
    if ('code' in introduced) return { outcome: 'fault', fault: introduced };
    const reply = noise.writeMessage(kit.helloAsInitiator);
    if (isFailure(reply)) return failed(reply);
    return { outcome: 'complete', reply, peer: { ...introduced, ...noise.split() } };
  }

  return { opening, read };
}

/** The side that was dialled. Nothing is computed before message 1 has come. */
export function createResponder(kit: HandshakeKit): SessionHandshake {
  let noise: Handshake | undefined;

  function readFirst(message: Uint8Array): HandshakeStep {
    if (message.length !== MESSAGE_1_BYTES) return fault('E_HANDSHAKE', 'SES-003');
    noise = startNoise(kit, false);
    const payload = noise.readMessage(message);
    if (isFailure(payload)) return failed(payload);
    const reply = noise.writeMessage(kit.helloAsResponder);
    return isFailure(reply) ? failed(reply) : { outcome: 'answer', reply };
  }

  function readThird(started: Handshake, message: Uint8Array): HandshakeStep {
    const payload = started.readMessage(message);
    if (isFailure(payload)) return failed(payload);
    const introduced = meet(kit, started, payload, false, undefined);
    if ('code' in introduced) return { outcome: 'fault', fault: introduced };
    return { outcome: 'complete', reply: undefined, peer: { ...introduced, ...started.split() } };
  }

  function read(message: Uint8Array): HandshakeStep {
    if (isTooLong(kit, message)) return fault('E_HANDSHAKE_SIZE', 'SES-007');
    return noise === undefined ? readFirst(message) : readThird(noise, message);
  }

  return { opening: undefined, read };
}
