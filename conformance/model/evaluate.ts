/** The model's own Evaluate: every function of chapter 23, from which the vectors are written. */
import { hkdf } from '@noble/hashes/hkdf.js';
import { sha256 as nobleSha256 } from '@noble/hashes/sha2.js';
import { readU64be, sha256, text, u64be, utf8 } from './bytes.ts';
import { evaluateDecode, evaluateEncode, evaluateTag } from './datagram-evaluate.ts';
import { DHT_FUNCTIONS } from './dht-evaluate.ts';
import { publicKey, refusal, sign } from './ed25519.ts';
import { envelopeId, type Judged, judgeEnvelope, makeAppPayload, makeEnvelope, readAppPayload, signingBytes } from './envelope.ts';
import { encodeFrame, splitPlaintext } from './frame.ts';
import { activeSize, judgeMessage } from './gossip.ts';
import { areCapabilities, intersectCapabilities, sessionMinor } from './hello.ts';
import { evaluateAdmit, evaluateOrder } from './mempool-evaluate.ts';
import { chachaOpen, chachaSeal, NoiseFailure, noisePrologue, runXx, x25519Shared } from './noise.ts';
import { OVERLAY_FUNCTIONS } from './overlay-evaluate.ts';
import { formatPeerId, parsePeerId, peerId } from './peer-id.ts';
import { admit } from './rate.ts';
import {
  evaluateFingerprint,
  evaluateIndices,
  evaluateOpen,
  evaluateReact,
  evaluateShortId,
  evaluateSketchDecode,
  evaluateSketchEncode,
  evaluateTableDecode,
  evaluateTableEncode,
} from './reconciliation-evaluate.ts';
import { decodeRecord, encodeRecord, isNewer, isOver, judgeRecord } from './records.ts';
import { isMessageName, strictFault } from './strict.ts';
import { evaluateAdmission, evaluateBackoff, evaluatePrune, evaluateRegion, evaluateScore, evaluateShare } from './topology-evaluate.ts';
import { decodeUvarint, encodeUvarint } from './uvarint.ts';

/** What Evaluate answers. `clause` says which clause the model decided by, where one did. */
export type Evaluated =
  | { readonly values: readonly Uint8Array[]; readonly clause?: string }
  | { readonly error: string; readonly clause?: string }
  | { readonly refused: string }
  | { readonly unsupported: string };

class WrongArguments extends Error {}

type Args = readonly Uint8Array[];

const FUNCTIONS: Readonly<Record<string, (args: Args) => Evaluated>> = {
  sha256: (args) => ({ values: [sha256(sized(args, 0))] }),
  x25519: (args) => {
    const shared = x25519Shared(sized(args, 0, 32), sized(args, 1, 32));
    return shared === undefined ? { error: 'E_ZERO_SECRET', clause: 'SES-005' } : { values: [shared] };
  },
  'chacha20poly1305.seal': (args) => ({
    values: [chachaSeal(sized(args, 0, 32), sized(args, 1, 12), sized(args, 2), sized(args, 3))],
  }),
  'chacha20poly1305.open': (args) => {
    const plaintext = chachaOpen(sized(args, 0, 32), sized(args, 1, 12), sized(args, 2), sized(args, 3));
    return plaintext === undefined ? { error: 'E_DECRYPT' } : { values: [plaintext] };
  },
  'hkdf.sha256': (args) => {
    const size = u64(args, 3);
    if (size === 0n || size > 255n * 32n) throw new WrongArguments('HKDF gives 1 to 8160 bytes');
    return { values: [hkdf(nobleSha256, sized(args, 0), sized(args, 1), sized(args, 2), Number(size))] };
  },
  'ed25519.public_key': (args) => ({ values: [publicKey(sized(args, 0, 32))] }),
  'ed25519.sign': (args) => ({ values: [sign(sized(args, 0, 32), sized(args, 1))] }),
  'ed25519.verify': (args) => {
    const clause = refusal(sized(args, 0), sized(args, 1), sized(args, 2));
    return { values: [u64be(clause === undefined ? 1 : 0)], clause: clause ?? 'IDN-017' };
  },
  'uvarint.encode': (args) => ({ values: [encodeUvarint(u64(args, 0))] }),
  'uvarint.decode': (args) => {
    const read = decodeUvarint(sized(args, 0));
    return read.fault === undefined ? { values: [u64be(read.value), u64be(read.end)] } : { error: 'E_VARINT', clause: read.fault };
  },
  'frame.encode': (args) => {
    const [kind, requestId] = [u64(args, 0), u64(args, 1)];
    if (kind >> 32n !== 0n || requestId >> 32n !== 0n) throw new WrongArguments('kind and request id are below 2^32');
    return { values: [encodeFrame(kind, requestId, sized(args, 2))] };
  },
  'frame.decode': (args) => {
    const { frames, error, clause } = splitPlaintext(sized(args, 0));
    if (error !== undefined) return clause === undefined ? { error } : { error, clause };
    return { values: frames.flatMap((frame) => [u64be(frame.kind), u64be(frame.requestId), frame.body]) };
  },
  'datagram.tag': (args) => inOrder(evaluateTag(args)),
  'datagram.encode': (args) => inOrder(evaluateEncode(args)),
  'datagram.decode': (args) => inOrder(evaluateDecode(args)),
  'sketch.short_id': (args) => inOrder(evaluateShortId(args)),
  'sketch.indices': (args) => inOrder(evaluateIndices(args)),
  'sketch.encode': (args) => inOrder(evaluateSketchEncode(args)),
  'sketch.decode': (args) => inOrder(evaluateSketchDecode(args)),
  'table.encode': (args) => inOrder(evaluateTableEncode(args)),
  'table.decode': (args) => inOrder(evaluateTableDecode(args)),
  'ranges.fingerprint': (args) => inOrder(evaluateFingerprint(args)),
  'ranges.open': (args) => inOrder(evaluateOpen(args)),
  'ranges.react': (args) => inOrder(evaluateReact(args)),
  'strict.check': (args) => {
    const name = string(args, 0);
    if (!isMessageName(name)) throw new WrongArguments(`no message is called ${name}`);
    const clause = strictFault(name, sized(args, 1));
    return clause === undefined ? { values: [] } : { error: 'E_STRUCTURE', clause };
  },
  'app.encode': (args) => ({
    values: [makeAppPayload({ createdMs: u64(args, 0), topic: string(args, 1), sequence: u64(args, 2), data: sized(args, 3) })],
  }),
  'app.decode': (args) => {
    const payload = readAppPayload(sized(args, 0));
    if (payload === undefined) return { error: 'E_STRUCTURE' };
    return { values: [u64be(payload.createdMs), utf8(payload.topic), u64be(payload.sequence), payload.data] };
  },
  'peer_id.derive': (args) => ({ values: [peerId(byte(args, 0), sized(args, 1))] }),
  'peer_id.format': (args) => ({ values: [utf8(formatPeerId(sized(args, 0, 32)))] }),
  'peer_id.parse': (args) => {
    const value = text(sized(args, 0));
    const id = value === undefined ? undefined : parsePeerId(value);
    return id === undefined ? { error: 'E_STRUCTURE', clause: 'IDN-003' } : { values: [id] };
  },
  'envelope.signing_bytes': (args) => ({ values: [signingBytes(networkId(args), string(args, 1), sized(args, 2))] }),
  'envelope.id': (args) => ({
    values: [envelopeId(networkId(args), string(args, 1), byte(args, 2), sized(args, 3), sized(args, 4))],
  }),
  'envelope.seal': (args) => ({ values: [makeEnvelope(networkId(args), string(args, 1), sized(args, 2, 32), sized(args, 3))] }),
  'envelope.judge': (args) => judged(judgeEnvelope(networkId(args), string(args, 1), sized(args, 2))),
  'session.prologue': (args) => ({ values: [noisePrologue(networkId(args))] }),
  'session.minor': (args) => {
    const minor = sessionMinor({ min: u64(args, 0), max: u64(args, 1) }, { min: u64(args, 2), max: u64(args, 3) });
    return minor === undefined ? { error: 'E_VERSION', clause: 'SES-019' } : { values: [u64be(minor)] };
  },
  'session.capabilities': (args) => {
    const [one, other] = [lines(args, 0), lines(args, 1)];
    if (!areCapabilities(one) || !areCapabilities(other)) return { error: 'E_CAPABILITIES', clause: 'SES-021' };
    return { values: [utf8(intersectCapabilities(one, other).join('\n'))] };
  },
  'noise.xx': (args) => {
    const payloads = args.slice(5);
    if (payloads.length < 3) throw new WrongArguments('a handshake has three messages');
    const initiator = { staticSecret: sized(args, 1, 32), ephemeralSecret: sized(args, 2, 32) };
    const responder = { staticSecret: sized(args, 3, 32), ephemeralSecret: sized(args, 4, 32) };
    try {
      const { handshakeHash, messages } = runXx(sized(args, 0), initiator, responder, payloads);
      return { values: [handshakeHash, ...messages] };
    } catch (error) {
      if (error instanceof NoiseFailure) return { error: error.code };
      throw error;
    }
  },
  'rate.admit': (args) => {
    if (args.length % 2 !== 1) throw new WrongArguments('each frame has a time and a cost');
    const frames = Array.from({ length: (args.length - 1) / 2 }, (_, i) => ({ atMs: u64(args, 1 + 2 * i), cost: u64(args, 2 + 2 * i) }));
    if (frames.some((frame, i) => frame.atMs < (frames[i - 1]?.atMs ?? 0n))) throw new WrongArguments('times ascend');
    return { values: [Uint8Array.from(admit(u64(args, 0), frames), Number)] };
  },
  'gossip.active_size': (args) => ({ values: [u64be(activeSize(u64(args, 0)))] }),
  'gossip.judge': (args) => judged(judgeMessage(networkId(args), string(args, 1), u64(args, 2), u64(args, 3), sized(args, 4))),
  'record.encode': (args) => {
    const [kind, index] = [u64(args, 0), u64(args, 1)];
    if (kind > 5n || index >> 32n !== 0n) throw new WrongArguments('a kind is 1 to 5, an index below 2^32');
    const label = { kind: Number(kind), index: Number(index), instance: u64(args, 2), sequence: u64(args, 3) };
    const record = encodeRecord(label, { wallclockMs: u64(args, 4), ttlMs: u64(args, 5) }, sized(args, 6));
    if (record === undefined) throw new WrongArguments('the body is the strict encoding of the message that the kind names');
    return { values: [record] };
  },
  'record.decode': (args) => decodeRecord(sized(args, 0)),
  'record.newer': (args) => {
    const newer = isNewer(networkId(args), sized(args, 1), sized(args, 2));
    if (newer === undefined) throw new WrongArguments('both envelopes hold records');
    return { values: [u64be(newer ? 1 : 0)], clause: 'REC-002' };
  },
  'record.over': (args) => {
    const over = isOver({ wallclockMs: u64(args, 0), ttlMs: u64(args, 1) }, u64(args, 3), u64(args, 2) !== 0n);
    return { values: [u64be(over ? 1 : 0)], clause: 'REC-003' };
  },
  'record.judge': (args) => {
    const way = { isPushed: u64(args, 2) !== 0n, hasStake: u64(args, 3) !== 0n };
    return judged(judgeRecord(networkId(args), u64(args, 1), way, sized(args, 4)));
  },
  ...DHT_FUNCTIONS,
  ...OVERLAY_FUNCTIONS,
  'mempool.admit': (args) => inOrder(evaluateAdmit(args)),
  'mempool.order': (args) => inOrder(evaluateOrder(args)),
  'topology.score': (args) => inOrder(evaluateScore(args)),
  'topology.region': (args) => inOrder(evaluateRegion(args)),
  'topology.share': (args) => inOrder(evaluateShare(args)),
  'topology.admit': (args) => inOrder(evaluateAdmission(args)),
  'topology.prune': (args) => inOrder(evaluatePrune(args)),
  'topology.backoff': (args) => inOrder(evaluateBackoff(args)),
};

/** How many arguments each function takes, where the number is fixed. */
const ARITY: Readonly<Record<string, number>> = {
  sha256: 1,
  x25519: 2,
  'chacha20poly1305.seal': 4,
  'chacha20poly1305.open': 4,
  'hkdf.sha256': 4,
  'ed25519.public_key': 1,
  'ed25519.sign': 2,
  'ed25519.verify': 3,
  'uvarint.encode': 1,
  'uvarint.decode': 1,
  'frame.encode': 3,
  'frame.decode': 1,
  'datagram.tag': 1,
  'datagram.encode': 5,
  'datagram.decode': 2,
  'sketch.short_id': 2,
  'sketch.indices': 2,
  'strict.check': 2,
  'app.encode': 4,
  'app.decode': 1,
  'peer_id.derive': 2,
  'peer_id.format': 1,
  'peer_id.parse': 1,
  'envelope.signing_bytes': 3,
  'envelope.id': 5,
  'envelope.seal': 4,
  'envelope.judge': 3,
  'session.prologue': 1,
  'session.minor': 4,
  'session.capabilities': 2,
  'gossip.active_size': 1,
  'gossip.judge': 5,
  'record.encode': 7,
  'record.decode': 1,
  'record.newer': 3,
  'record.over': 4,
  'record.judge': 5,
  'topology.score': 5,
  'topology.region': 3,
  'topology.share': 2,
  'topology.backoff': 1,
};

/** Names of the functions, as a HelloResponse would declare them. */
export const EVALUATE_FUNCTIONS: readonly string[] = Object.keys(FUNCTIONS);

/** One function on one input. Spec: chapter 23, Evaluate. */
export function evaluate(name: string, args: Args): Evaluated {
  const evaluated = Object.hasOwn(FUNCTIONS, name) ? FUNCTIONS[name] : undefined;
  if (evaluated === undefined) return { unsupported: name };
  const arity = ARITY[name];
  if (arity !== undefined && args.length !== arity) return { refused: `${name} takes ${arity} arguments, not ${args.length}` };
  try {
    return evaluated(args);
  } catch (error) {
    if (error instanceof WrongArguments) return { refused: error.message };
    throw error;
  }
}

/** An answer, unless the arguments were not in order. */
function inOrder(answer: Evaluated | undefined): Evaluated {
  if (answer === undefined) throw new WrongArguments('the arguments are not of the form of chapter 23');
  return answer;
}

function judged({ verdict, code, clause }: Judged): Evaluated {
  const values = [utf8(verdict), utf8(code)];
  return clause === '' ? { values } : { values, clause };
}

function sized(args: Args, index: number, size?: number): Uint8Array {
  const argument = args[index];
  if (argument === undefined) throw new WrongArguments(`argument ${index + 1} is missing`);
  if (size !== undefined && argument.length !== size) {
    throw new WrongArguments(`argument ${index + 1} has ${size} bytes, not ${argument.length}`);
  }
  return argument;
}

function u64(args: Args, index: number): bigint {
  return readU64be(sized(args, index, 8));
}

function byte(args: Args, index: number): number {
  const value = u64(args, index);
  if (value > 255n) throw new WrongArguments(`argument ${index + 1} is a byte`);
  return Number(value);
}

function string(args: Args, index: number): string {
  const value = text(sized(args, index));
  if (value === undefined) throw new WrongArguments(`argument ${index + 1} is UTF-8`);
  return value;
}

function lines(args: Args, index: number): readonly string[] {
  const joined = string(args, index);
  return joined === '' ? [] : joined.split('\n');
}

function networkId(args: Args): Uint8Array {
  const id = sized(args, 0);
  if (id.length < 1 || id.length > 32) throw new WrongArguments('a network id has 1 to 32 bytes');
  return id;
}
