/** Datagrams: written, read, and judged as far as their bytes decide. Spec: chapter 03, Datagrams. */
import { concat, equal, sha256, u8, utf8 } from './bytes.ts';
import { signingBytes } from './envelope.ts';
import { type FrameRule, frameNamed, frameRule, type SplitFrame, splitPlaintext } from './frame.ts';
import { peerId } from './peer-id.ts';
import { publicKey, sign, verifyStrict } from './quick.ts';
import { decodeUvarint, lp } from './uvarint.ts';

/** Longest datagram, in bytes. Spec: WIR-101, `datagram.bytes_max`. */
export const DATAGRAM_BYTES_MAX = 1_232;

/** Tag, cookie and token. */
const HEADER_BYTES = 20;

/** Public key and signature. */
export const PROOF_BYTES = 96;

/** The context of the signature in a proof; no envelope has it. */
const PROOF_CONTEXT = 'datagram';

/** What stands in a datagram before its proof. */
export interface DatagramFields {
  /** 8 bytes; other sizes can be written too, so that faults can be made. */
  readonly cookie: Uint8Array;
  /** 8 bytes; zeros for none. */
  readonly token: Uint8Array;
  /** One whole frame, its length field included. */
  readonly frame: Uint8Array;
}

/** First four bytes of `H("carillon/v1/datagram" ‖ 0x00 ‖ lp(network id))`. */
export function datagramTag(networkId: Uint8Array): Uint8Array {
  return sha256(utf8('carillon/v1/datagram'), u8(0), lp(networkId)).slice(0, 4);
}

/** `tag ‖ cookie ‖ token ‖ frame ‖ proof`, the proof being 0 or 96 bytes. Spec: WIR-100. */
export function encodeDatagram(networkId: Uint8Array, fields: DatagramFields, proof: Uint8Array = new Uint8Array()): Uint8Array {
  return concat(datagramTag(networkId), fields.cookie, fields.token, fields.frame, proof);
}

/** The proof of an answer: the answerer's key and its signature over cookie and frame. Spec: WIR-100. */
export function makeProof(networkId: Uint8Array, seed: Uint8Array, cookie: Uint8Array, frame: Uint8Array): Uint8Array {
  return concat(publicKey(seed), sign(seed, signingBytes(networkId, PROOF_CONTEXT, concat(cookie, frame))));
}

/** A proof taken apart. */
export interface ReadProof {
  readonly publicKey: Uint8Array;
  readonly peerId: Uint8Array;
  /** Whether the predicate takes the signature. */
  readonly valid: boolean;
}

/** A datagram taken apart without asking whether its kind may travel. */
export interface ReadDatagram {
  /** Whether the tag is the network's. */
  readonly tagged: boolean;
  readonly cookie: Uint8Array;
  readonly token: Uint8Array;
  readonly frame: SplitFrame;
  /** What stands behind the frame. */
  readonly rest: Uint8Array;
  /** Of a rest of 96 bytes. */
  readonly proof: ReadProof | undefined;
}

/** What a datagram holds, whatever its tag, size and rest; undefined when it has no whole header or no whole frame. */
export function readDatagram(networkId: Uint8Array, bytes: Uint8Array): ReadDatagram | undefined {
  if (bytes.length <= HEADER_BYTES) return undefined;
  const behindHeader = bytes.subarray(HEADER_BYTES);
  const length = decodeUvarint(behindHeader);
  if (length.fault !== undefined || length.value > BigInt(behindHeader.length - length.end)) return undefined;
  const end = length.end + Number(length.value);
  const [frame] = splitPlaintext(behindHeader.subarray(0, end)).frames;
  if (frame === undefined) return undefined;
  const cookie = bytes.slice(4, 12);
  const rest = behindHeader.slice(end);
  return {
    tagged: equal(bytes.subarray(0, 4), datagramTag(networkId)),
    cookie,
    token: bytes.slice(12, 20),
    frame,
    rest,
    proof: rest.length === PROOF_BYTES ? readProof(networkId, cookie, frame.raw, rest) : undefined,
  };
}

function readProof(networkId: Uint8Array, cookie: Uint8Array, frame: Uint8Array, proof: Uint8Array): ReadProof {
  const key = proof.slice(0, 32);
  const message = signingBytes(networkId, PROOF_CONTEXT, concat(cookie, frame));
  return { publicKey: key, peerId: peerId(1, key), valid: verifyStrict(key, message, proof.slice(32)) };
}

/** Why a datagram is dropped. */
export interface DatagramFault {
  readonly code: 'E_DATAGRAM_SIZE' | 'E_DATAGRAM_TAG' | 'E_DATAGRAM_FORM' | 'E_DATAGRAM_KIND' | 'E_DATAGRAM_PROOF';
  readonly clause: string;
}

/**
 * The first of WIR-101 to WIR-107 and WIR-110 that drops the bytes; undefined when they are in order. What needs memory
 * (questions, tokens, buckets) and the body are not judged here.
 */
export function datagramFault(networkId: Uint8Array, bytes: Uint8Array): DatagramFault | undefined {
  if (bytes.length > DATAGRAM_BYTES_MAX) return { code: 'E_DATAGRAM_SIZE', clause: 'WIR-101' };
  if (bytes.length <= HEADER_BYTES) return { code: 'E_DATAGRAM_SIZE', clause: 'WIR-102' };
  if (!equal(bytes.subarray(0, 4), datagramTag(networkId))) return { code: 'E_DATAGRAM_TAG', clause: 'WIR-103' };
  const datagram = readDatagram(networkId, bytes);
  if (datagram === undefined) return { code: 'E_DATAGRAM_FORM', clause: 'WIR-104' };
  const { frame, rest, proof } = datagram;
  const rule = frameRule(frame.kind);
  if (rule?.datagram === undefined) return { code: 'E_DATAGRAM_KIND', clause: 'WIR-105' };
  if (contentLength(frame) > rule.lengthMax || frame.requestId === 0) return { code: 'E_DATAGRAM_FORM', clause: 'WIR-106' };
  if (rest.length !== proofBytes(rule)) return { code: 'E_DATAGRAM_FORM', clause: 'WIR-107' };
  if (proof?.valid === false) return { code: 'E_DATAGRAM_PROOF', clause: 'WIR-110' };
  return undefined;
}

/** Bytes of proof behind a frame of this kind: none behind a question or a Retry. */
export function proofBytes(rule: FrameRule): 0 | 96 {
  return rule.requestId === 'reply' && rule.name !== 'Retry' ? PROOF_BYTES : 0;
}

/** The value of a frame's length field. */
function contentLength(frame: SplitFrame): number {
  return frame.raw.length - decodeUvarint(frame.raw).end;
}

/** Kind of the reply that may come in place of an answer. */
export const RETRY_KIND: number = frameNamed('Retry').kind;
