/** Records as the node holds them: labels, which of two is newer, and when one is over. Spec: REC-002, REC-003 */

import type { Envelope } from '../../../proto/gen/carillon/v1/identity_pb.ts';
import { type Record as RecordPayload, RecordSchema } from '../../../proto/gen/carillon/v1/records_pb.ts';
import type { CryptoProvider } from '../crypto/provider.ts';
import type { Params } from '../params.ts';
import type { EnvelopeHash, MessageId, PeerId } from '../types.ts';
import { envelopeId, envelopeOrigin, hashEnvelope } from '../wire/envelope.ts';

export type { RecordPayload };
export { RecordSchema };

/** The context of envelopes that hold records. */
export const RECORD_CONTEXT = 'record';

/** Kinds in the order of their value: a lower number is worth more. */
export const KIND_CONTACT = 1;
export const KIND_SNAPSHOT_HASHES = 2;
export const KIND_LEDGER_RANGE = 3;
export const KIND_HEALTH = 4;
export const KIND_VERSION = 5;

/** Kind and index of a label in one number: what an origin's records are ordered by. */
export type Slot = number & { readonly brand: 'Slot' };

/** Both are as the form of a record allows: kinds to 5, indexes to 15; others name nothing. */
export function slotOf(kind: number, index: number): Slot {
  return (kind * 2 ** 32 + index) as Slot;
}

/** One record that was read; the envelope is the bytes as they came. */
export interface ReadRecord {
  readonly id: MessageId;
  readonly origin: PeerId;
  readonly slot: Slot;
  readonly payload: RecordPayload;
  readonly envelope: Uint8Array;
  /** SHA-256 of the envelope's bytes. */
  readonly hash: EnvelopeHash;
  /** Whether this very node made it, not another copy of it. */
  readonly isMade: boolean;
}

/** Names a record whose structure is in order. */
export function readRecord(
  crypto: CryptoProvider,
  networkId: Uint8Array,
  envelope: Envelope,
  payload: RecordPayload,
  bytes: Uint8Array,
): ReadRecord {
  return {
    id: envelopeId(crypto, networkId, envelope),
    origin: envelopeOrigin(crypto, envelope),
    slot: slotOf(payload.kind, payload.index),
    payload,
    envelope: bytes,
    hash: hashEnvelope(crypto, bytes),
    isMade: false,
  };
}

/** What decides between two records before their ids do. */
export interface Precedence {
  readonly instance: bigint;
  readonly sequence: bigint;
}

/** Below 0 when the first was made before the second, 0 when their numbers are equal. */
export function comparePrecedence(one: Precedence, other: Precedence): number {
  if (one.instance !== other.instance) return one.instance < other.instance ? -1 : 1;
  if (one.sequence !== other.sequence) return one.sequence < other.sequence ? -1 : 1;
  return 0;
}

/** Whether `other` is the newer of two records of one label. Ids are hexadecimal, so their order is that of the bytes. Spec: REC-002 */
export function isNewer(held: ReadRecord, other: ReadRecord): boolean {
  const order = comparePrecedence(held.payload, other.payload);
  return order < 0 || (order === 0 && held.id < other.id);
}

/** The longest time that counts for an origin, in milliseconds. Spec: REC-003 */
export function ttlLimitMs(params: Params, hasStake: boolean): number {
  return hasStake ? params['records.staked_ttl_ms'] : params['records.unstaked_ttl_ms'];
}

/** The last millisecond of the wall clock at which a record is not over; exact, as times of records are judged as integers. Spec: REC-003 */
export function lastMs(payload: RecordPayload, limitMs: number): bigint {
  const limit = BigInt(limitMs);
  return payload.wallclockMs + (payload.ttlMs < limit ? payload.ttlMs : limit);
}
