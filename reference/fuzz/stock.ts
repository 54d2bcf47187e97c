/**
 * What the fuzzer has at hand: identities, messages signed once, and encodings that no signer makes.
 * Everything follows from labels, so it is the same in every process.
 */
import { makeAppPayload } from '../../conformance/model/envelope.ts';
import { EnvelopeSchema } from '../../proto/gen/carillon/v1/identity_pb.ts';
import { concatBytes, encodeUtf8, fromHex, toHex } from '../core/bytes.ts';
import type { MessageId, PeerId } from '../core/types.ts';
import { envelopeId, sealEnvelope } from '../core/wire/envelope.ts';
import { derivePeerId } from '../core/wire/peer-id.ts';
import { decodeStrict } from '../core/wire/strict.ts';
import { nativeCrypto } from '../runtime/crypto-native.ts';

/** 32 bytes of a label. */
export function seedOf(label: string): Uint8Array {
  return nativeCrypto.sha256(encodeUtf8(`carillon fuzz ${label}`));
}

/** The Ed25519 public key of a label's identity. */
export function publicKeyOf(label: string): Uint8Array {
  return nativeCrypto.ed25519PublicKey(seedOf(label));
}

/** The network of every node under fuzz. */
export const NETWORK_ID: Uint8Array = encodeUtf8('fuzz');

/** Identity of every node under fuzz. */
export const NODE_SEED: Uint8Array = seedOf('node');

/** A message that is in order, with what a frame needs to speak of it. */
export interface StockMessage {
  readonly topic: string;
  readonly id: MessageId;
  readonly origin: PeerId;
  readonly envelope: Uint8Array;
}

/** Everything signed, and everything that cannot be. */
export interface Stock {
  readonly origins: readonly PeerId[];
  readonly messages: readonly StockMessage[];
  /** Ids that no message has. */
  readonly bogusIds: readonly Uint8Array[];
  /** Ids of messages among bogus ones. */
  readonly ids: readonly Uint8Array[];
}

const ORIGIN_COUNT = 24;
const MESSAGES_PER_ORIGIN = 12;
/** Mostly served ones: a message on another gets no further than that. */
const TOPICS = ['app/chat', 'app/x', 'app/chat', `app/${'a'.repeat(32)}`, 'app/chat', 'app/x', 'app/x', 'tx', 'app/not/served'] as const;

/** Sizes of the application's bytes: none, few, enough for an Idontwant, nearly the most. */
const DATA_SIZES = [0, 5, 5, 40, 1100, 1100, 32_000] as const;

/** Against the wall clock's start: most are in time at all moments, some are too old or too young at any. */
const AGES_MS = [0, -5_000, 15_000, 0, -120_000, 90_000] as const;

/** A signed message; `data` and times are the caller's. */
export function signMessage(seed: Uint8Array, topic: string, createdMs: number, sequence: number, data: Uint8Array): Uint8Array {
  const payload = makeAppPayload({ createdMs, topic, sequence, data });
  return sealEnvelope(nativeCrypto, NETWORK_ID, 'app', seed, payload);
}

/** The id of an envelope's bytes; of such as are not strict there is none. */
export function idOf(envelope: Uint8Array): MessageId | undefined {
  const opened = decodeStrict(EnvelopeSchema, envelope);
  return opened === undefined ? undefined : envelopeId(nativeCrypto, NETWORK_ID, opened);
}

/** Signs the stock around a wall clock; takes some 50 ms. */
export function makeStock(wallMs: number): Stock {
  const origins: PeerId[] = [];
  const messages: StockMessage[] = [];
  for (let number = 0; number < ORIGIN_COUNT; number++) {
    const seed = number === 0 ? NODE_SEED : seedOf(`origin ${number}`);
    const origin = derivePeerId(nativeCrypto, 1, nativeCrypto.ed25519PublicKey(seed));
    origins.push(origin);
    for (let index = 0; index < MESSAGES_PER_ORIGIN; index++) {
      const topic = TOPICS[(number * index) % TOPICS.length] ?? TOPICS[0];
      const size = DATA_SIZES[(number + index) % DATA_SIZES.length] ?? 0;
      const createdMs = wallMs + (AGES_MS[index % AGES_MS.length] ?? 0);
      const envelope = signMessage(seed, topic, createdMs, index, new Uint8Array(size).fill(index));
      const id = idOf(envelope);
      if (id !== undefined) messages.push({ topic, id, origin, envelope });
    }
  }
  const bogusIds = Array.from({ length: 2048 }, (_, index) => seedOf(`bogus id ${index}`));
  const ids = bogusIds.flatMap((bogus, index) => {
    const id = fromHex(messages[index % messages.length]?.id ?? '');
    return index % 3 === 0 && id !== undefined ? [id, bogus] : [bogus];
  });
  return { origins, messages, bogusIds, ids };
}

/** p and L of chapter 02, little-endian arithmetic below needs both. */
const P = 2n ** 255n - 19n;
const L = 2n ** 252n + 27742317777372353535851937790883648493n;
const Y_ORDER_8 = 0x7a03ac9277fdc74ec6cc392cfa53202a0f67100d760b3cba4fd84d3d706a17c7n;

function littleEndian(value: bigint): Uint8Array {
  return Uint8Array.from({ length: 32 }, (_, index) => Number((value >> BigInt(8 * index)) & 0xffn));
}

/** Encodings of points of small order, with either sign, canonical or not, and encodings of no point. */
export const HOSTILE_POINTS: readonly Uint8Array[] = [
  1n,
  P - 1n,
  0n,
  Y_ORDER_8,
  P - Y_ORDER_8,
  P,
  P + 1n,
  2n,
  P + 2n,
  2n ** 255n - 1n,
].flatMap((y) => [littleEndian(y), littleEndian(y + 2n ** 255n)]);

/** The signature with S + L for S, which an equation alone would take. */
export function malleate(signature: Uint8Array): Uint8Array {
  const s = BigInt(`0x${toHex(signature.slice(32).reverse())}`) + L;
  return concatBytes(signature.subarray(0, 32), littleEndian(s));
}
