/** Evaluate: every function of chapter 23 by its name, answered by the core itself. */
import { create, type Message } from '@bufbuild/protobuf';
import { ProviderRecordSchema, ValueRecordSchema } from '../../proto/gen/carillon/v1/dht_pb.ts';
import { type AppPayload, AppPayloadSchema } from '../../proto/gen/carillon/v1/gossip_pb.ts';
import { EnvelopeSchema } from '../../proto/gen/carillon/v1/identity_pb.ts';
import { TransactionSchema } from '../../proto/gen/carillon/v1/mempool_pb.ts';
import { SendPayloadSchema } from '../../proto/gen/carillon/v1/overlay_pb.ts';
import { RecordSchema } from '../../proto/gen/carillon/v1/records_pb.ts';
import { HandshakeHelloSchema } from '../../proto/gen/carillon/v1/session_pb.ts';
import { copyBytes, decodeUtf8, encodeUtf8, fromHex, toHex } from '../core/bytes.ts';
import { verifyStrict } from '../core/crypto/ed25519.ts';
import { hkdf } from '../core/crypto/hkdf.ts';
import type { CryptoProvider } from '../core/crypto/provider.ts';
import { activeSize } from '../core/gossip/active-set.ts';
import { judgeItem, NOTHING_REMEMBERED } from '../core/gossip/verdict.ts';
import { PRESETS } from '../core/params.ts';
import { agreeMinor, intersectCapabilities } from '../core/session/capabilities.ts';
import { sessionPrologue } from '../core/session/handshake.ts';
import type { ErrorName, PeerId } from '../core/types.ts';
import { areCapabilitiesInOrder } from '../core/wire/claims.ts';
import { datagramTag } from '../core/wire/datagram.ts';
import {
  envelopeId,
  hashEnvelope,
  type OpenedEnvelope,
  openEnvelope,
  PAYLOAD_VERSION,
  sealEnvelope,
  signingBytes,
  verifyEnvelope,
} from '../core/wire/envelope.ts';
import { encodeFrame, PLAINTEXT_BYTES_MAX, readFrame } from '../core/wire/frame.ts';
import { type CipherState, createHandshake, type Handshake, NOISE_MESSAGE_BYTES_MAX } from '../core/wire/noise.ts';
import { derivePeerId, formatPeerId, parsePeerId } from '../core/wire/peer-id.ts';
import { createBucket, take } from '../core/wire/rate.ts';
import { decodeStrict, encodeStrict } from '../core/wire/strict.ts';
import { encodeUvarint, readUvarint } from '../core/wire/uvarint.ts';
import { Arguments, RefusedArguments, u64 } from './arguments.ts';
import { takeDatagramApart, writeDatagram } from './evaluate-datagram.ts';
import { DHT_FUNCTIONS } from './evaluate-dht.ts';
import { admitTransactions, orderTransactions } from './evaluate-mempool.ts';
import { OVERLAY_FUNCTIONS } from './evaluate-overlay.ts';
import { RECONCILIATION_FUNCTIONS } from './evaluate-reconciliation.ts';
import { compareRecords, decodeRecord, encodeRecord, judgeOver, judgeRecordAlone } from './evaluate-records.ts';
import { TOPOLOGY_FUNCTIONS } from './evaluate-topology.ts';

/** What a function answers. */
export type Outcome =
  | { readonly type: 'values'; readonly values: readonly Uint8Array[] }
  | { readonly type: 'error'; readonly error: ErrorName }
  | { readonly type: 'refused'; readonly reason: string };

type Answer = readonly Uint8Array[] | { readonly error: ErrorName };
type PureFunction = (crypto: CryptoProvider, args: Arguments) => Answer;

/** Fixed number of arguments, or undefined for a function that counts them itself. */
interface Entry {
  readonly arity: number | undefined;
  readonly run: PureFunction;
}

const UINT32_MAX = 2 ** 32 - 1;
const HKDF_BYTES_MAX = 255 * 32;
const PARAMS = PRESETS.conformance;

function text(value: string): Uint8Array {
  return encodeUtf8(value);
}

function fail(error: ErrorName): Answer {
  return { error };
}

/** Every function, in the order of the chapter. */
const FUNCTIONS: Readonly<Record<string, Entry>> = {
  sha256: { arity: 1, run: (crypto, args) => [crypto.sha256(args.bytes(0))] },
  x25519: {
    arity: 2,
    run: (crypto, args) => {
      const shared = crypto.x25519(args.bytes(0, 32), args.bytes(1, 32));
      return shared === undefined ? fail('E_ZERO_SECRET') : [shared];
    },
  },
  'chacha20poly1305.seal': {
    arity: 4,
    run: (crypto, args) => [crypto.chachaSeal(args.bytes(0, 32), args.bytes(1, 12), args.bytes(2), args.bytes(3))],
  },
  'chacha20poly1305.open': {
    arity: 4,
    run: (crypto, args) => {
      const plaintext = crypto.chachaOpen(args.bytes(0, 32), args.bytes(1, 12), args.bytes(2), args.bytes(3));
      return plaintext === undefined ? fail('E_DECRYPT') : [plaintext];
    },
  },
  'hkdf.sha256': {
    arity: 4,
    run: (crypto, args) => {
      const size = args.number(3, HKDF_BYTES_MAX);
      if (size === 0) throw new RefusedArguments('an output key has at least one byte');
      return [hkdf(crypto, args.bytes(0), args.bytes(1), args.bytes(2), size)];
    },
  },
  'ed25519.public_key': { arity: 1, run: (crypto, args) => [crypto.ed25519PublicKey(args.bytes(0, 32))] },
  'ed25519.sign': { arity: 2, run: (crypto, args) => [crypto.ed25519Sign(args.bytes(0, 32), args.bytes(1))] },
  'ed25519.verify': {
    arity: 3,
    run: (crypto, args) => [u64(verifyStrict(crypto, args.bytes(0), args.bytes(1), args.bytes(2)) ? 1 : 0)],
  },
  'uvarint.encode': { arity: 1, run: (_, args) => [encodeUvarint(args.u64(0))] },
  'uvarint.decode': {
    arity: 1,
    run: (_, args) => {
      const read = readUvarint(args.bytes(0), 0);
      return read === undefined ? fail('E_VARINT') : [u64(read.value), u64(read.next)];
    },
  },
  'frame.encode': { arity: 3, run: (_, args) => [frameOf(args)] },
  'frame.decode': { arity: 1, run: (_, args) => splitPlaintext(args.bytes(0)) },
  'datagram.tag': { arity: 1, run: (crypto, args) => [datagramTag(crypto, args.networkId(0))] },
  'datagram.encode': { arity: 5, run: writeDatagram },
  'datagram.decode': { arity: 2, run: takeDatagramApart },
  ...RECONCILIATION_FUNCTIONS,
  ...TOPOLOGY_FUNCTIONS,
  ...DHT_FUNCTIONS,
  ...OVERLAY_FUNCTIONS,
  'strict.check': { arity: 2, run: (_, args) => checkStrict(args.text(0), args.bytes(1)) },
  'app.encode': { arity: 4, run: (_, args) => [encodeStrict(AppPayloadSchema, appPayloadOf(args))] },
  'app.decode': { arity: 1, run: (_, args) => readAppPayload(args.bytes(0)) },
  'peer_id.derive': { arity: 2, run: (crypto, args) => [bytesOfHex(derivePeerId(crypto, args.number(0, 255), args.bytes(1)))] },
  'peer_id.format': { arity: 1, run: (_, args) => [text(formatPeerId(toHex(args.bytes(0, 32)) as PeerId))] },
  'peer_id.parse': {
    arity: 1,
    run: (_, args) => {
      const written = decodeUtf8(args.bytes(0));
      const peer = written === undefined ? undefined : parsePeerId(written);
      return peer === undefined ? fail('E_STRUCTURE') : [bytesOfHex(peer)];
    },
  },
  'envelope.signing_bytes': { arity: 3, run: (_, args) => [signingBytes(args.networkId(0), args.text(1), args.bytes(2))] },
  'envelope.id': { arity: 5, run: (crypto, args) => [idOf(crypto, args)] },
  'envelope.seal': {
    arity: 4,
    run: (crypto, args) => [sealEnvelope(crypto, args.networkId(0), args.text(1), args.bytes(2, 32), args.bytes(3))],
  },
  'envelope.judge': { arity: 3, run: (crypto, args) => judgeEnvelope(crypto, args.networkId(0), args.text(1), args.bytes(2)) },
  'session.prologue': { arity: 1, run: (_, args) => [sessionPrologue(args.networkId(0))] },
  'session.minor': {
    arity: 4,
    run: (_, args) => {
      const [one, other] = [0, 2].map((at) => ({ min: args.number(at, UINT32_MAX), max: args.number(at + 1, UINT32_MAX) }));
      const minor = one === undefined || other === undefined ? undefined : agreeMinor(one, other);
      return minor === undefined ? fail('E_VERSION') : [u64(minor)];
    },
  },
  'session.capabilities': {
    arity: 2,
    run: (_, args) => {
      const [one, other] = [args.lines(0), args.lines(1)];
      const countMax = PARAMS['session.capabilities_max'];
      if (!areCapabilitiesInOrder(one, countMax) || !areCapabilitiesInOrder(other, countMax)) return fail('E_CAPABILITIES');
      return [text(intersectCapabilities(one, other).join('\n'))];
    },
  },
  'noise.xx': { arity: undefined, run: runNoise },
  'rate.admit': { arity: undefined, run: (_, args) => [admitFrames(args)] },
  'gossip.active_size': { arity: 1, run: (_, args) => [u64(activeSize(args.u64(0), 6))] },
  'gossip.judge': { arity: 5, run: judgeGossip },
  'record.encode': { arity: 7, run: (_, args) => encodeRecord(args) },
  'record.decode': { arity: 1, run: (_, args) => decodeRecord(args) },
  'record.newer': { arity: 3, run: (crypto, args) => compareRecords(crypto, args) },
  'record.over': { arity: 4, run: (_, args) => judgeOver(args) },
  'record.judge': { arity: 5, run: (crypto, args) => judgeRecordAlone(crypto, args) },
  'mempool.admit': { arity: undefined, run: (_, args) => admitTransactions(args) },
  'mempool.order': { arity: undefined, run: (_, args) => orderTransactions(args) },
};

/** The names that Hello declares. */
export const FUNCTION_NAMES: readonly string[] = Object.keys(FUNCTIONS);

/** Calls a function; undefined for a name that is not in the chapter. */
export function evaluate(crypto: CryptoProvider, name: string, values: readonly Uint8Array[]): Outcome | undefined {
  const entry = Object.hasOwn(FUNCTIONS, name) ? FUNCTIONS[name] : undefined;
  if (entry === undefined) return undefined;
  if (entry.arity !== undefined && values.length !== entry.arity) {
    return { type: 'refused', reason: `${name} takes ${entry.arity} arguments, not ${values.length}` };
  }
  try {
    const answer = entry.run(crypto, new Arguments(values));
    return 'error' in answer ? { type: 'error', error: answer.error } : { type: 'values', values: answer };
  } catch (error) {
    if (error instanceof RefusedArguments) return { type: 'refused', reason: `${name}: ${error.message}` };
    throw error;
  }
}

function bytesOfHex(hex: string): Uint8Array {
  return fromHex(hex) ?? new Uint8Array(0);
}

function frameOf(args: Arguments): Uint8Array {
  const [kind, requestId, body] = [args.number(0, UINT32_MAX), args.number(1, UINT32_MAX), args.bytes(2)];
  const length = encodeUvarint(kind).length + encodeUvarint(requestId).length + body.length;
  if (length > PLAINTEXT_BYTES_MAX - 3) throw new RefusedArguments(`a frame of length ${length} fits no plaintext`);
  return encodeFrame(kind, requestId, body);
}

function splitPlaintext(plaintext: Uint8Array): Answer {
  if (plaintext.length === 0) return fail('E_FRAME_LENGTH');
  const values: Uint8Array[] = [];
  for (let offset = 0; offset < plaintext.length; ) {
    const frame = readFrame(plaintext, offset);
    if (!frame.ok) return fail(frame.code);
    values.push(u64(frame.kind), u64(frame.requestId), copyBytes(frame.body));
    offset = frame.next;
  }
  return values;
}

function checkStrict(name: string, bytes: Uint8Array): Answer {
  switch (name) {
    case 'Envelope':
      return decodeStrict(EnvelopeSchema, bytes) === undefined ? fail('E_STRUCTURE') : [];
    case 'HandshakeHello':
      return decodeStrict(HandshakeHelloSchema, bytes) === undefined ? fail('E_STRUCTURE') : [];
    case 'SendPayload':
      return decodeStrict(SendPayloadSchema, bytes) === undefined ? fail('E_STRUCTURE') : [];
    case 'AppPayload':
      return decodeStrict(AppPayloadSchema, bytes) === undefined ? fail('E_STRUCTURE') : [];
    case 'ProviderRecord':
      return decodeStrict(ProviderRecordSchema, bytes) === undefined ? fail('E_STRUCTURE') : [];
    case 'ValueRecord':
      return decodeStrict(ValueRecordSchema, bytes) === undefined ? fail('E_STRUCTURE') : [];
    case 'Transaction':
      return decodeStrict(TransactionSchema, bytes) === undefined ? fail('E_STRUCTURE') : [];
    case 'Record':
      return decodeStrict(RecordSchema, bytes) === undefined ? fail('E_STRUCTURE') : [];
    default:
      throw new RefusedArguments(`argument 0 is ${JSON.stringify(name)}, not Envelope, HandshakeHello or a payload that is signed`);
  }
}

function appPayloadOf(args: Arguments): AppPayload {
  return create(AppPayloadSchema, {
    version: PAYLOAD_VERSION,
    createdMs: args.u64(0),
    topic: args.text(1),
    sequence: args.u64(2),
    data: copyBytes(args.bytes(3)),
  });
}

function readAppPayload(bytes: Uint8Array): Answer {
  const payload = decodeStrict(AppPayloadSchema, bytes);
  if (payload === undefined || payload.version !== PAYLOAD_VERSION) return fail('E_STRUCTURE');
  return [u64(payload.createdMs), text(payload.topic), u64(payload.sequence), payload.data];
}

function idOf(crypto: CryptoProvider, args: Arguments): Uint8Array {
  const envelope = create(EnvelopeSchema, {
    context: args.text(1),
    keyType: args.number(2, 255),
    publicKey: copyBytes(args.bytes(3)),
    payload: copyBytes(args.bytes(4)),
  });
  return bytesOfHex(envelopeId(crypto, args.networkId(0), envelope));
}

/** The contexts whose payloads this revision knows. */
const KNOWN_CONTEXTS: readonly string[] = ['handshake', 'app', 'record'];

function openAs(context: string, bytes: Uint8Array): OpenedEnvelope<Message> {
  switch (context) {
    case 'handshake':
      return openEnvelope(bytes, context, HandshakeHelloSchema);
    case 'record':
      return openEnvelope(bytes, context, RecordSchema);
    default:
      return openEnvelope(bytes, context, AppPayloadSchema);
  }
}

function judgeEnvelope(crypto: CryptoProvider, networkId: Uint8Array, context: string, bytes: Uint8Array): Answer {
  const opened = openAs(context, bytes);
  if (opened.verdict === 'ok' || opened.clause === 'IDN-040') {
    // No payload version of a context that belongs to a later chapter is known (IDN-039).
    if (!KNOWN_CONTEXTS.includes(context)) return [text('ignore'), text('E_PAYLOAD_VERSION')];
  }
  if (opened.verdict !== 'ok') return [text(opened.verdict), text(opened.code)];
  return verifyEnvelope(crypto, networkId, opened.envelope) ? [text('accept'), text('')] : [text('reject'), text('E_SIGNATURE')];
}

/** Both sides of a handshake and what they say afterwards, each message read by the other side. */
function runNoise(crypto: CryptoProvider, args: Arguments): Answer {
  const payloads = args.rest(5);
  if (payloads.length < 3) throw new RefusedArguments('a handshake has three messages');
  const side = (initiator: boolean, at: number): Handshake =>
    createHandshake({
      crypto,
      initiator,
      prologue: args.bytes(0),
      staticSecret: args.bytes(at, 32),
      ephemeralSecret: args.bytes(at + 1, 32),
    });
  const sides: readonly [Handshake, Handshake] = [side(true, 1), side(false, 3)];
  const messages: Uint8Array[] = [];
  let ciphers: readonly { readonly send: CipherState; readonly receive: CipherState }[] | undefined;
  for (const [index, payload] of payloads.entries()) {
    const overheadBytes = NOISE_OVERHEAD_BYTES[index] ?? 16;
    if (payload.length + overheadBytes > NOISE_MESSAGE_BYTES_MAX) throw new RefusedArguments(`payload ${index + 1} is too long`);
    const [writer, reader] = index % 2 === 0 ? sides : [sides[1], sides[0]];
    if (index < 3) {
      const message = writer.writeMessage(payload);
      if ('error' in message) return fail(message.error);
      const read = reader.readMessage(message);
      if ('error' in read) return fail(read.error);
      messages.push(message);
      continue;
    }
    ciphers ??= sides.map((handshake) => handshake.split());
    const sealed = ciphers[index % 2]?.send.seal(payload);
    const opened = sealed === undefined ? undefined : ciphers[1 - (index % 2)]?.receive.open(sealed);
    if (sealed === undefined || opened === undefined) return fail('E_DECRYPT');
    messages.push(sealed);
  }
  return [sides[0].hash, ...messages];
}

/** What the handshake messages add: an ephemeral key; that, a static key with its tag, and a tag; a static key with its tag, and a tag. Others add a tag. */
const NOISE_OVERHEAD_BYTES: readonly number[] = [32, 96, 64];

function admitFrames(args: Arguments): Uint8Array {
  if (args.count % 2 !== 1) throw new RefusedArguments('a rate, then a time and a cost for each frame');
  // Above it a full bucket is no exact integer any more.
  const rate = args.number(0, 2 ** 40);
  const bucket = createBucket(rate, 0);
  const passes: number[] = [];
  let lastMs = 0;
  for (let at = 1; at < args.count; at += 2) {
    const atMs = args.number(at, Number.MAX_SAFE_INTEGER);
    if (atMs < lastMs) throw new RefusedArguments(`argument ${at} is a time before the one before`);
    lastMs = atMs;
    passes.push(take(bucket, args.number(at + 1, 2 ** 42), atMs) ? 1 : 0);
  }
  return Uint8Array.from(passes);
}

function judgeGossip(crypto: CryptoProvider, args: Arguments): Answer {
  const context = { params: PARAMS, crypto, networkId: args.networkId(0) };
  const envelope = args.bytes(4);
  const item = {
    topic: args.text(1),
    hops: Number(args.u64(3)),
    envelope,
    hash: hashEnvelope(crypto, envelope),
  };
  const now = { monoMs: 0, wallMs: args.number(2, Number.MAX_SAFE_INTEGER) };
  const judgement = judgeItem(context, NOTHING_REMEMBERED, item, now);
  return 'code' in judgement ? [text(judgement.verdict), text(judgement.code)] : [text('accept'), text('')];
}
