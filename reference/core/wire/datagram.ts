/**
 * Datagrams in both directions, and the rules that need nothing but the bytes. What needs memory
 * (questions, tokens, buckets) is the datagram machine's. Spec: chapter 03, "Datagrams"
 */
import { concatBytes, encodeUtf8, equalBytes } from '../bytes.ts';
import { verifyStrict } from '../crypto/ed25519.ts';
import type { CryptoProvider } from '../crypto/provider.ts';
import { invariant } from '../errors.ts';
import type { ClauseId, ErrorName } from '../types.ts';
import { signingBytes } from './envelope.ts';
import { FRAME_KINDS, type FrameKind, KIND_RETRY, readFrame } from './frame.ts';
import { lengthPrefixed } from './uvarint.ts';

export const TAG_BYTES = 4;
export const COOKIE_BYTES = 8;
export const TOKEN_BYTES = 8;
export const PUBLIC_KEY_BYTES = 32;
/** Public key and signature. */
export const PROOF_BYTES = 96;

const HEADER_BYTES = TAG_BYTES + COOKIE_BYTES + TOKEN_BYTES;
const TAG_DOMAIN = encodeUtf8('carillon/v1/datagram\0');
const PROOF_CONTEXT = 'datagram';

/** Eight zeros: no token. */
export const NO_TOKEN: Uint8Array = new Uint8Array(TOKEN_BYTES);

/** The four bytes with which every datagram of a network begins. */
export function datagramTag(crypto: CryptoProvider, networkId: Uint8Array): Uint8Array {
  return crypto.sha256(concatBytes(TAG_DOMAIN, ...lengthPrefixed(networkId))).slice(0, TAG_BYTES);
}

/** What stands in a datagram. */
export interface DatagramParts {
  readonly tag: Uint8Array;
  readonly cookie: Uint8Array;
  /** Eight zeros for none. */
  readonly token: Uint8Array;
  /** One whole frame. */
  readonly frame: Uint8Array;
  /** Behind an answer, and only there. */
  readonly proof?: Uint8Array;
}

/** The bytes of a datagram; nothing is judged. Spec: WIR-100 */
export function encodeDatagram(parts: DatagramParts): Uint8Array {
  const { tag, cookie, token, frame, proof } = parts;
  invariant(cookie.length === COOKIE_BYTES && token.length === TOKEN_BYTES, 'cookie and token have 8 bytes');
  return concatBytes(tag, cookie, token, frame, ...(proof === undefined ? [] : [proof]));
}

/** Who signs, and for which network. */
export interface ProofKey {
  readonly networkId: Uint8Array;
  /** 32 bytes, the Ed25519 secret. */
  readonly seed: Uint8Array;
  readonly publicKey: Uint8Array;
}

/** The 96 bytes that show who answers. Spec: WIR-132 */
export function makeProof(crypto: CryptoProvider, key: ProofKey, cookie: Uint8Array, frame: Uint8Array): Uint8Array {
  const signed = signingBytes(key.networkId, PROOF_CONTEXT, concatBytes(cookie, frame));
  return concatBytes(key.publicKey, crypto.ed25519Sign(key.seed, signed));
}

/** Bytes of a whole question or Retry around a frame of so many. */
export function questionBytes(frameBytes: number): number {
  return HEADER_BYTES + frameBytes;
}

/** Bytes of a whole answer around a frame of so many. */
export function answerBytes(frameBytes: number): number {
  return questionBytes(frameBytes) + PROOF_BYTES;
}

/** Largest body of a reply that fits a datagram of `bytesMax` and the limit of its kind; `headerBytes` are those of kind and request id. */
export function bodyBytesMax(bytesMax: number, row: FrameKind, headerBytes: number): number {
  // The length field of the largest frame that fits has two bytes.
  return Math.min(bytesMax - HEADER_BYTES - PROOF_BYTES - 2, row.lengthMax) - headerBytes;
}

/** A datagram of a kind that travels, or the rule that drops it. Everything in it is a view. */
export type DatagramReading =
  | {
      readonly ok: true;
      readonly row: FrameKind;
      readonly requestId: number;
      readonly body: Uint8Array;
      readonly cookie: Uint8Array;
      readonly token: Uint8Array;
      /** The whole frame, as the proof covers it. */
      readonly frame: Uint8Array;
      /** Of an answer. */
      readonly proof: Uint8Array | undefined;
    }
  | { readonly ok: false; readonly code: ErrorName; readonly clause: ClauseId };

function drop(code: ErrorName, clause: ClauseId): DatagramReading {
  return { ok: false, code, clause };
}

/** Bytes that stand behind the frame: a proof behind an answer, nothing behind a question or Retry. */
function proofBytesOf(row: FrameKind): number {
  return row.exchange === 'reply' && row.kind !== KIND_RETRY ? PROOF_BYTES : 0;
}

/** Takes a datagram apart. Spec: WIR-101 to WIR-107, whatever the node offers */
export function readDatagram(tag: Uint8Array, data: Uint8Array, bytesMax: number): DatagramReading {
  if (data.length > bytesMax) return drop('E_DATAGRAM_SIZE', 'WIR-101');
  if (data.length <= HEADER_BYTES) return drop('E_DATAGRAM_SIZE', 'WIR-102');
  if (!equalBytes(data.subarray(0, TAG_BYTES), tag)) return drop('E_DATAGRAM_TAG', 'WIR-103');
  const reading = readFrame(data, HEADER_BYTES);
  if (!reading.ok) return drop('E_DATAGRAM_FORM', 'WIR-104');
  const row = FRAME_KINDS.get(reading.kind);
  if (row?.datagram === undefined) return drop('E_DATAGRAM_KIND', 'WIR-105');
  if (reading.length > row.lengthMax || reading.requestId === 0) return drop('E_DATAGRAM_FORM', 'WIR-106');
  const rest = data.subarray(reading.next);
  if (rest.length !== proofBytesOf(row)) return drop('E_DATAGRAM_FORM', 'WIR-107');
  return {
    ok: true,
    row,
    requestId: reading.requestId,
    body: reading.body,
    cookie: data.subarray(TAG_BYTES, TAG_BYTES + COOKIE_BYTES),
    token: data.subarray(TAG_BYTES + COOKIE_BYTES, HEADER_BYTES),
    frame: data.subarray(HEADER_BYTES, reading.next),
    proof: rest.length === 0 ? undefined : rest,
  };
}

/** The key whose signature stands in a proof, or undefined when the predicate refuses it. Spec: WIR-110 */
export function verifyProof(
  crypto: CryptoProvider,
  networkId: Uint8Array,
  cookie: Uint8Array,
  frame: Uint8Array,
  proof: Uint8Array,
): Uint8Array | undefined {
  const publicKey = proof.slice(0, PUBLIC_KEY_BYTES);
  const message = signingBytes(networkId, PROOF_CONTEXT, concatBytes(cookie, frame));
  return verifyStrict(crypto, publicKey, message, proof.subarray(PUBLIC_KEY_BYTES)) ? publicKey : undefined;
}
