/** The hello of a handshake: what a node says of itself, and how a peer's is judged. Spec: SES-014 to SES-024, IDN-070. */
import { create } from '@bufbuild/protobuf';
import type { Address } from '../../../proto/gen/carillon/v1/common_pb.ts';
import { type HandshakeHello, HandshakeHelloSchema, HandshakeSide } from '../../../proto/gen/carillon/v1/session_pb.ts';
import { copyBytes, equalBytes, fromHex } from '../bytes.ts';
import type { CryptoProvider } from '../crypto/provider.ts';
import { invariant } from '../errors.ts';
import type { Params } from '../params.ts';
import type { ClauseId, ErrorName, PeerId } from '../types.ts';
import { areCapabilitiesInOrder, isAddressInOrder } from '../wire/claims.ts';
import { envelopeOrigin, openEnvelope, PAYLOAD_VERSION, sealEnvelope, verifyEnvelope } from '../wire/envelope.ts';
import { encodeStrict } from '../wire/strict.ts';
import { agreeMinor, type MinorRange } from './capabilities.ts';

const CONTEXT = 'handshake';

/** Who a node is: everything that its hello is made of. */
export interface Identity {
  readonly self: PeerId;
  readonly networkId: Uint8Array;
  /** 32 bytes, the Ed25519 secret seed. */
  readonly seed: Uint8Array;
  readonly minor: MinorRange;
  readonly capabilities: readonly string[];
  /** Bits: 1 app, 2 full, 4 validator, 8 relay. */
  readonly roles: number;
  readonly listenAddresses: readonly Address[];
}

/** What a handshake already knows when the peer's hello comes. */
export interface HelloContext {
  /** The static key that the Noise message carried. */
  readonly remoteStatic: Uint8Array;
  readonly peerIsInitiator: boolean;
  /** The only PeerId that will do, or undefined when any will. */
  readonly expected: PeerId | undefined;
}

/** A peer whose hello is in order. */
export interface Introduced {
  readonly peer: PeerId;
  /** What the peer offers; a session uses the intersection. */
  readonly offered: readonly string[];
  readonly publicKey: Uint8Array;
  /** What the peer claims to be, and where it says that it listens. */
  readonly roles: number;
  readonly listenAddresses: readonly Address[];
  readonly minor: number;
}

/** Why a session or a handshake ends: the code, and the clause that asks for it. */
export interface Fault {
  readonly code: ErrorName;
  readonly clause: ClauseId;
}

function sideOf(initiator: boolean): HandshakeSide {
  return initiator ? HandshakeSide.INITIATOR : HandshakeSide.RESPONDER;
}

/** The envelope that a node sends as the Noise payload of its second message. */
export function sealHello(crypto: CryptoProvider, identity: Identity, staticKey: Uint8Array, initiator: boolean): Uint8Array {
  invariant(identity.listenAddresses.every(isAddressInOrder), 'listen addresses have the form that common.proto gives');
  const hello = create(HandshakeHelloSchema, {
    version: PAYLOAD_VERSION,
    staticKey: copyBytes(staticKey),
    side: sideOf(initiator),
    minorMin: identity.minor.min,
    minorMax: identity.minor.max,
    capabilities: [...identity.capabilities],
    roles: identity.roles,
    listenAddresses: [...identity.listenAddresses],
  });
  return sealEnvelope(crypto, identity.networkId, CONTEXT, identity.seed, encodeStrict(HandshakeHelloSchema, hello));
}

/** Whether `H(PeerId)` begins with that many zero bits. Spec: IDN-070 */
export function solvesPuzzle(crypto: CryptoProvider, peer: PeerId, bits: number): boolean {
  if (bits === 0) return true;
  const hash = crypto.sha256(fromHex(peer) ?? new Uint8Array(0));
  const first = new DataView(hash.buffer, hash.byteOffset).getUint32(0);
  return Math.clz32(first) >= bits;
}

/** What is asked of a peer however its identity was proved: not this node itself, the one that was dialled, the puzzle solved. */
export function judgePeer(
  crypto: CryptoProvider,
  params: Params,
  self: PeerId,
  peer: PeerId,
  expected: PeerId | undefined,
): Fault | undefined {
  if (peer === self) return { code: 'E_SELF', clause: 'SES-017' };
  if (expected !== undefined && peer !== expected) return { code: 'E_PEER_MISMATCH', clause: 'SES-018' };
  if (!solvesPuzzle(crypto, peer, params['identity.puzzle_bits'])) return { code: 'E_PUZZLE', clause: 'IDN-070' };
  return undefined;
}

function judgeContent(params: Params, identity: Identity, hello: HandshakeHello): Fault | { readonly minor: number } {
  const minor = agreeMinor(identity.minor, { min: hello.minorMin, max: hello.minorMax });
  if (minor === undefined) return { code: 'E_VERSION', clause: 'SES-019' };
  if (!areCapabilitiesInOrder(hello.capabilities, params['session.capabilities_max'])) {
    return { code: 'E_CAPABILITIES', clause: 'SES-021' };
  }
  const { listenAddresses } = hello;
  const fits = listenAddresses.length <= params['session.listen_addresses_max'];
  return fits && listenAddresses.every(isAddressInOrder) ? { minor } : { code: 'E_STRUCTURE', clause: 'SES-024' };
}

/** Judges a peer's hello as it came in the Noise payload; the first clause that applies decides. */
export function judgeHello(
  crypto: CryptoProvider,
  params: Params,
  identity: Identity,
  bytes: Uint8Array,
  context: HelloContext,
): Introduced | Fault {
  const opened = openEnvelope(bytes, CONTEXT, HandshakeHelloSchema);
  if (opened.verdict !== 'ok' || !verifyEnvelope(crypto, identity.networkId, opened.envelope)) {
    return { code: 'E_HANDSHAKE', clause: 'SES-014' };
  }
  const hello = opened.payload;
  if (!equalBytes(hello.staticKey, context.remoteStatic)) return { code: 'E_STATIC_KEY', clause: 'SES-015' };
  if (hello.side !== sideOf(context.peerIsInitiator)) return { code: 'E_ROLE', clause: 'SES-016' };
  const peer = envelopeOrigin(crypto, opened.envelope);
  // The puzzle stands at the end of the handshake, but a wrong peer is wrong whatever else it says.
  const fault = judgePeer(crypto, params, identity.self, peer, context.expected);
  if (fault !== undefined && fault.code !== 'E_PUZZLE') return fault;
  const content = judgeContent(params, identity, hello);
  if ('code' in content) return content;
  if (fault !== undefined) return fault;
  const { capabilities: offered, roles, listenAddresses } = hello;
  return { peer, publicKey: copyBytes(opened.envelope.publicKey), offered, roles, listenAddresses, minor: content.minor };
}
