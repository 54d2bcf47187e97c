/** Envelopes: what is signed, what the id covers, and the verdict. Spec: chapter 02, Envelopes. */
import type { SeenEnvelope } from '../driver/trace.ts';
import { concat, hex, sha256, text, u8, utf8 } from './bytes.ts';
import { decodeMessage } from './message.ts';
import { peerId } from './peer-id.ts';
import { lastBytes, lastNumber, readFields, writeBytes, writeNumber, writeText } from './protobuf.ts';
import { publicKey, sign, verifyStrict } from './quick.ts';
import { PAYLOADS } from './schemas.ts';
import { strictFault } from './strict.ts';
import { decodeUvarint, lp } from './uvarint.ts';

/** An envelope's fields; absent ones have their defaults. */
export interface EnvelopeFields {
  readonly context: string;
  readonly keyType: number;
  readonly publicKey: Uint8Array;
  readonly payload: Uint8Array;
  readonly signature: Uint8Array;
}

/** An AppPayload's fields but the version. */
export interface AppPayloadFields {
  readonly createdMs: bigint | number;
  readonly topic: string;
  readonly sequence: bigint | number;
  readonly data: Uint8Array;
}

/** A verdict with its code and the clause that decided; accept has neither. */
export interface Judged {
  readonly verdict: 'accept' | 'ignore' | 'reject';
  readonly code: string;
  readonly clause: string;
}

/** `"carillon/v1" ‖ 0x00 ‖ lp(network id) ‖ lp(context) ‖ lp(payload)`. Spec: IDN-030. */
export function signingBytes(networkId: Uint8Array, context: string, payload: Uint8Array): Uint8Array {
  return concat(utf8('carillon/v1'), u8(0), lp(networkId), lp(utf8(context)), lp(payload));
}

/** The id, 32 bytes; the signature is no part of it. Spec: IDN-031. */
export function envelopeId(networkId: Uint8Array, context: string, keyType: number, key: Uint8Array, payload: Uint8Array): Uint8Array {
  return sha256(utf8('carillon/v1/id'), u8(0), lp(networkId), lp(utf8(context)), u8(keyType), lp(key), lp(payload));
}

/** The strict encoding of an envelope's fields, whatever they hold. */
export function encodeEnvelope(fields: EnvelopeFields): Uint8Array {
  return concat(
    writeText(1, fields.context),
    writeNumber(2, fields.keyType),
    writeBytes(3, fields.publicKey),
    writeBytes(4, fields.payload),
    writeBytes(5, fields.signature),
  );
}

/** A sealed envelope of key type 1. Spec: IDN-018, IDN-030. */
export function makeEnvelope(networkId: Uint8Array, context: string, seed: Uint8Array, payload: Uint8Array): Uint8Array {
  const signature = sign(seed, signingBytes(networkId, context, payload));
  return encodeEnvelope({ context, keyType: 1, publicKey: publicKey(seed), payload, signature });
}

/** Payload version 1 of context `app`, strictly encoded. */
export function makeAppPayload(fields: AppPayloadFields): Uint8Array {
  return concat(
    writeNumber(1, 1),
    writeNumber(2, fields.createdMs),
    writeText(3, fields.topic),
    writeNumber(4, fields.sequence),
    writeBytes(5, fields.data),
  );
}

/** An envelope's fields, read as protobuf without asking for strictness; undefined when the bytes are not well-formed. */
export function readEnvelope(bytes: Uint8Array): EnvelopeFields | undefined {
  const { fields } = readFields(bytes);
  if (fields === undefined) return undefined;
  const context = text(lastBytes(fields, 1));
  const keyType = lastNumber(fields, 2);
  if (context === undefined || keyType >> 32n !== 0n) return undefined;
  return {
    context,
    keyType: Number(keyType),
    publicKey: lastBytes(fields, 3),
    payload: lastBytes(fields, 4),
    signature: lastBytes(fields, 5),
  };
}

/** An AppPayload's fields, or undefined when the bytes are not its strict encoding in version 1. */
export function readAppPayload(
  bytes: Uint8Array,
): { readonly createdMs: bigint; readonly topic: string; readonly sequence: bigint; readonly data: Uint8Array } | undefined {
  if (strictFault('AppPayload', bytes) !== undefined) return undefined;
  const { fields } = readFields(bytes);
  if (fields === undefined || lastNumber(fields, 1) !== 1n) return undefined;
  const topic = text(lastBytes(fields, 3));
  if (topic === undefined) return undefined;
  return { createdMs: lastNumber(fields, 2), topic, sequence: lastNumber(fields, 4), data: lastBytes(fields, 5) };
}

/** What a trace says of an envelope's bytes. The network id goes into the id. */
export function seeEnvelope(networkId: Uint8Array, bytes: Uint8Array): SeenEnvelope {
  const fields = readEnvelope(bytes);
  const seen = { bytes: hex(bytes), hash: hex(sha256(bytes)), name: undefined };
  if (fields === undefined || fields.keyType > 255) return { ...seen, id: undefined, origin: undefined, createdMs: undefined };
  const { context, keyType, publicKey: key, payload } = fields;
  return {
    ...seen,
    id: hex(envelopeId(networkId, context, keyType, key, payload)),
    origin: hex(peerId(keyType, key)),
    createdMs: context === 'app' ? readAppPayload(payload)?.createdMs : undefined,
    context,
    ...(context === 'app' ? {} : seePayload(networkId, context, payload)),
  };
}

/** The fields of a signed payload in version 1, strictly encoded. */
function seePayload(networkId: Uint8Array, context: string, payload: Uint8Array): Pick<SeenEnvelope, 'payload'> {
  const message = PAYLOADS.get(context);
  if (message === undefined || payloadVersion(payload) !== 1n || strictFault(message, payload) !== undefined) return {};
  const fields = decodeMessage(message, payload, (inner) => seeEnvelope(networkId, inner));
  return fields === undefined ? {} : { payload: { message, fields } };
}

const ACCEPT: Judged = { verdict: 'accept', code: '', clause: '' };

/** The verdict on an envelope where `expectedContext` belongs, by IDN-032 to IDN-041 in their order. */
export function judgeEnvelope(networkId: Uint8Array, expectedContext: string, bytes: Uint8Array): Judged {
  const before = judgeUnsigned(expectedContext, bytes);
  return before.verdict === 'accept' ? judgeSignature(networkId, bytes) : before;
}

/** IDN-032 to IDN-040: everything but the signature. */
export function judgeUnsigned(expectedContext: string, bytes: Uint8Array): Judged {
  const envelope = strictFault('Envelope', bytes) === undefined ? readEnvelope(bytes) : undefined;
  if (envelope === undefined) return { verdict: 'reject', code: 'E_STRUCTURE', clause: 'IDN-032' };
  const { context, keyType, payload } = envelope;
  if (!/^[a-z0-9-]{1,64}$/.test(context)) return { verdict: 'reject', code: 'E_STRUCTURE', clause: 'IDN-033' };
  if (context !== expectedContext) return { verdict: 'reject', code: 'E_CONTEXT', clause: 'IDN-034' };
  if (keyType === 0) return { verdict: 'reject', code: 'E_KEY_TYPE', clause: 'IDN-035' };
  if (keyType >= 2) return { verdict: 'ignore', code: 'E_KEY_TYPE', clause: 'IDN-036' };
  if (envelope.publicKey.length !== 32 || envelope.signature.length !== 64) {
    return { verdict: 'reject', code: 'E_STRUCTURE', clause: 'IDN-037' };
  }
  const version = payloadVersion(payload);
  if (version === undefined) return { verdict: 'reject', code: 'E_STRUCTURE', clause: 'IDN-038' };
  const message = PAYLOADS.get(context);
  if (version !== 1n || message === undefined) return { verdict: 'ignore', code: 'E_PAYLOAD_VERSION', clause: 'IDN-039' };
  if (strictFault(message, payload) !== undefined) return { verdict: 'reject', code: 'E_STRUCTURE', clause: 'IDN-040' };
  return ACCEPT;
}

/** IDN-041 alone, for an envelope that passed all before. */
export function judgeSignature(networkId: Uint8Array, bytes: Uint8Array): Judged {
  const envelope = readEnvelope(bytes);
  if (envelope === undefined) return { verdict: 'reject', code: 'E_STRUCTURE', clause: 'IDN-032' };
  const { context, publicKey: key, payload, signature } = envelope;
  return verifyStrict(key, signingBytes(networkId, context, payload), signature)
    ? ACCEPT
    : { verdict: 'reject', code: 'E_SIGNATURE', clause: 'IDN-041' };
}

/** The version with which a payload begins, or undefined. Spec: IDN-038. */
function payloadVersion(payload: Uint8Array): bigint | undefined {
  if (payload[0] !== 0x08) return undefined;
  const version = decodeUvarint(payload, 1);
  if (version.fault !== undefined || version.value === 0n || version.value >> 32n !== 0n) return undefined;
  return version.value;
}
