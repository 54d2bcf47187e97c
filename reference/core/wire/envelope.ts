/**
 * Envelopes: what is signed, what the id is, and the steps of judging one, in two halves so that a
 * chapter can put its own checks between structure and signature. Spec: chapter 02, "Envelopes".
 */
import { create, type Message } from '@bufbuild/protobuf';
import type { GenMessage } from '@bufbuild/protobuf/codegenv2';
import { type Envelope, EnvelopeSchema } from '../../../proto/gen/carillon/v1/identity_pb.ts';
import { concatBytes, copyBytes, encodeUtf8, toHex } from '../bytes.ts';
import { verifyStrict } from '../crypto/ed25519.ts';
import type { CryptoProvider } from '../crypto/provider.ts';
import type { ClauseId, EnvelopeHash, ErrorName, MessageId, PeerId } from '../types.ts';
import { derivePeerId } from './peer-id.ts';
import { decodeStrict, encodeStrict } from './strict.ts';
import { lengthPrefixed, readUvarint } from './uvarint.ts';

/** The key type of Ed25519. */
export const KEY_TYPE_ED25519 = 1;

/** The payload version of every context of this revision. */
export const PAYLOAD_VERSION = 1;

const SIGNING_DOMAIN = encodeUtf8('carillon/v1\0');
const ID_DOMAIN = encodeUtf8('carillon/v1/id\0');
const CONTEXT_FORM = /^[a-z0-9-]{1,64}$/;
const PUBLIC_KEY_BYTES = 32;
const SIGNATURE_BYTES = 64;
const VERSION_TAG = 0x08;

/** The bytes that a signature covers; the payload as it stands in the envelope. Spec: IDN-030 */
export function signingBytes(networkId: Uint8Array, context: string, payload: Uint8Array): Uint8Array {
  return concatBytes(SIGNING_DOMAIN, ...lengthPrefixed(networkId), ...lengthPrefixed(encodeUtf8(context)), ...lengthPrefixed(payload));
}

/** The id of an envelope, to which the signature does not contribute. Spec: IDN-031 */
export function envelopeId(crypto: CryptoProvider, networkId: Uint8Array, envelope: Envelope): MessageId {
  const preimage = concatBytes(
    ID_DOMAIN,
    ...lengthPrefixed(networkId),
    ...lengthPrefixed(encodeUtf8(envelope.context)),
    Uint8Array.of(envelope.keyType),
    ...lengthPrefixed(envelope.publicKey),
    ...lengthPrefixed(envelope.payload),
  );
  return toHex(crypto.sha256(preimage)) as MessageId;
}

/** The PeerId of the key that an envelope carries. */
export function envelopeOrigin(crypto: CryptoProvider, envelope: Envelope): PeerId {
  return derivePeerId(crypto, envelope.keyType, envelope.publicKey);
}

/** SHA-256 of the envelope's own bytes, signature included: by it a rejected copy is remembered. */
export function hashEnvelope(crypto: CryptoProvider, bytes: Uint8Array): EnvelopeHash {
  return toHex(crypto.sha256(bytes)) as EnvelopeHash;
}

/** The bytes of a signed envelope around a strictly encoded payload; `seed` is the 32-byte Ed25519 secret. Spec: IDN-030 */
export function sealEnvelope(
  crypto: CryptoProvider,
  networkId: Uint8Array,
  context: string,
  seed: Uint8Array,
  payload: Uint8Array,
): Uint8Array {
  const envelope = create(EnvelopeSchema, {
    context,
    keyType: KEY_TYPE_ED25519,
    publicKey: crypto.ed25519PublicKey(seed),
    payload: copyBytes(payload),
    signature: crypto.ed25519Sign(seed, signingBytes(networkId, context, payload)),
  });
  return encodeStrict(EnvelopeSchema, envelope);
}

/** An envelope whose structure is in order, or the verdict that it gets. */
export type OpenedEnvelope<T> =
  | { readonly verdict: 'ok'; readonly envelope: Envelope; readonly payload: T }
  | { readonly verdict: 'ignore' | 'reject'; readonly code: ErrorName; readonly clause: ClauseId };

type Judgement = Extract<OpenedEnvelope<never>, { readonly clause: ClauseId }>;

function reject(code: ErrorName, clause: ClauseId): Judgement {
  return { verdict: 'reject', code, clause };
}

function ignore(code: ErrorName, clause: ClauseId): Judgement {
  return { verdict: 'ignore', code, clause };
}

/** Judges all that can be judged before the signature. Spec: IDN-032 to IDN-040 */
export function openEnvelope<T extends Message>(
  bytes: Uint8Array,
  expectedContext: string,
  payloadSchema: GenMessage<T>,
): OpenedEnvelope<T> {
  const envelope = decodeStrict(EnvelopeSchema, bytes);
  if (envelope === undefined) return reject('E_STRUCTURE', 'IDN-032');
  const fault = judgeFields(envelope, expectedContext) ?? judgeVersion(envelope.payload);
  if (fault !== undefined) return fault;
  const payload = decodeStrict(payloadSchema, envelope.payload);
  if (payload === undefined) return reject('E_STRUCTURE', 'IDN-040');
  return { verdict: 'ok', envelope, payload };
}

/** IDN-033 to IDN-037. */
function judgeFields(envelope: Envelope, expectedContext: string): Judgement | undefined {
  if (!CONTEXT_FORM.test(envelope.context)) return reject('E_STRUCTURE', 'IDN-033');
  if (envelope.context !== expectedContext) return reject('E_CONTEXT', 'IDN-034');
  if (envelope.keyType === 0) return reject('E_KEY_TYPE', 'IDN-035');
  if (envelope.keyType !== KEY_TYPE_ED25519) return ignore('E_KEY_TYPE', 'IDN-036');
  if (envelope.publicKey.length !== PUBLIC_KEY_BYTES) return reject('E_STRUCTURE', 'IDN-037');
  if (envelope.signature.length !== SIGNATURE_BYTES) return reject('E_STRUCTURE', 'IDN-037');
  return undefined;
}

/** IDN-038 and IDN-039: the version is read before the rest, whose form a later version may change. */
function judgeVersion(payload: Uint8Array): Judgement | undefined {
  const version = payload[0] === VERSION_TAG ? readUvarint(payload, 1) : undefined;
  if (version === undefined || version.value < 1n || version.value >= 2n ** 32n) return reject('E_STRUCTURE', 'IDN-038');
  return version.value === BigInt(PAYLOAD_VERSION) ? undefined : ignore('E_PAYLOAD_VERSION', 'IDN-039');
}

/** Whether the signature is valid for this network; to be asked of an opened envelope. Spec: IDN-041 */
export function verifyEnvelope(crypto: CryptoProvider, networkId: Uint8Array, envelope: Envelope): boolean {
  const message = signingBytes(networkId, envelope.context, envelope.payload);
  return verifyStrict(crypto, envelope.publicKey, message, envelope.signature);
}
