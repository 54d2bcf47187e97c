/** What a node says of itself: its labels, when each is published anew, and the numbers that order them. Spec: REC-040 to REC-052 */
import { create } from '@bufbuild/protobuf';
import { RecordSchema as PAYLOAD, type RecordKind } from '../../../proto/gen/carillon/v1/records_pb.ts';
import type { CryptoProvider } from '../crypto/provider.ts';
import type { Params } from '../params.ts';
import type { Rng } from '../rng.ts';
import type { MonoMs, Now, PeerId } from '../types.ts';
import { openEnvelope, PAYLOAD_VERSION, sealEnvelope } from '../wire/envelope.ts';
import { encodeStrict } from '../wire/strict.ts';
import {
  comparePrecedence,
  KIND_HEALTH,
  type Precedence,
  RECORD_CONTEXT,
  type ReadRecord,
  type RecordPayload,
  RecordSchema,
  readRecord,
  type Slot,
  slotOf,
  ttlLimitMs,
} from './record.ts';

/** What a label says; asked anew whenever it is published. */
export type BodySource = (now: Now) => RecordPayload['body'];

interface OwnLabel {
  readonly kind: number;
  readonly index: number;
  source: BodySource;
  /** When it was published last, by this instance. */
  madeMs: MonoMs | undefined;
  /** When it is to be published next. */
  dueMs: MonoMs;
}

/** What own records are made with. */
export interface OwnOptions {
  readonly params: Params;
  readonly crypto: CryptoProvider;
  readonly rng: Rng;
  readonly networkId: Uint8Array;
  readonly identitySeed: Uint8Array;
  readonly self: PeerId;
  readonly hasStake: boolean;
}

/** Sequences of an instance begin by chance below this: a restart in the same millisecond meets other numbers (REC-047). */
const SEQUENCE_STARTS = 2 ** 32;

/**
 * Invariant: while `winner` is undefined, `instance` and `sequence` are above those of all records
 * made so far; while it is there, nothing is made.
 */
export class OwnRecords {
  readonly #options: OwnOptions;
  readonly #labels = new Map<Slot, OwnLabel>();
  /** When labels that are said no more were published last. */
  readonly #clearedMs = new Map<Slot, MonoMs>();
  #instance = 0n;
  #sequence = 0n;
  /** The numbers of the newest record made. */
  #made: Precedence | undefined;
  #winner: Precedence | undefined;

  constructor(options: OwnOptions) {
    this.#options = options;
  }

  /** Whether another copy of this node has taken over. */
  get isSuperseded(): boolean {
    return this.#winner !== undefined;
  }

  /** The newest record of the winner, while there is one. */
  get winner(): Precedence | undefined {
    return this.#winner;
  }

  /** The number under which this run publishes. */
  get instance(): bigint {
    return this.#instance;
  }

  /** Begins an instance: every label is due at once. Spec: REC-042, REC-052 */
  begin(now: Now): void {
    this.#instance = BigInt(now.wallMs);
    this.#sequence = BigInt(this.#options.rng.below(SEQUENCE_STARTS));
    this.#winner = undefined;
    this.#clearedMs.clear();
    for (const label of this.#labels.values()) {
      label.madeMs = undefined;
      label.dueMs = now.monoMs;
    }
  }

  /** Says something from now on; published at once, or as soon as the last of the label is old enough. Spec: REC-046, REC-049 */
  set(kind: number, index: number, source: BodySource, now: Now): void {
    const slot = slotOf(kind, index);
    const label = this.#labels.get(slot) ?? { kind, index, source, madeMs: this.#clearedMs.get(slot), dueMs: now.monoMs };
    label.source = source;
    label.dueMs = Math.max(now.monoMs, (label.madeMs ?? Number.NEGATIVE_INFINITY) + this.#options.params['records.update_ms_min']);
    this.#labels.set(slot, label);
    this.#clearedMs.delete(slot);
  }

  /** Says it no more; what was published lives out its time. */
  clear(kind: number, index: number): boolean {
    const slot = slotOf(kind, index);
    const madeMs = this.#labels.get(slot)?.madeMs;
    if (madeMs !== undefined) this.#clearedMs.set(slot, madeMs);
    return this.#labels.delete(slot);
  }

  /** Labels that the node publishes. */
  get size(): number {
    return this.#labels.size;
  }

  /** Whether the node publishes the label. */
  has(kind: number, index: number): boolean {
    return this.#labels.has(slotOf(kind, index));
  }

  /** Whether a record of the own key is above every one that this run has made. Spec: REC-020 */
  isAbove(numbers: Precedence): boolean {
    return this.#made === undefined || comparePrecedence(this.#made, numbers) < 0;
  }

  /** Another copy has made a record that was accepted; true if that ends this run's publishing. Spec: REC-050 */
  yieldTo({ instance, sequence }: Precedence): boolean {
    const wasSuperseded = this.isSuperseded;
    if (this.#winner === undefined || comparePrecedence(this.#winner, { instance, sequence }) < 0) this.#winner = { instance, sequence };
    return !wasSuperseded;
  }

  /** When the next label is due, or undefined while nothing is published. */
  get nextMs(): MonoMs | undefined {
    if (this.isSuperseded) return undefined;
    let next: MonoMs | undefined;
    for (const { dueMs } of this.#labels.values()) if (next === undefined || dueMs < next) next = dueMs;
    return next;
  }

  /** Makes the records that are due. Spec: REC-040, REC-044, REC-045 */
  makeDue(now: Now): readonly ReadRecord[] {
    if (this.isSuperseded) return [];
    const due = [...this.#labels].filter(([, { dueMs }]) => dueMs <= now.monoMs).sort(([a], [b]) => a - b);
    return due.map(([, label]) => this.#make(label, now));
  }

  #make(label: OwnLabel, now: Now): ReadRecord {
    const { params, rng, hasStake } = this.#options;
    const ttlMs = label.kind === KIND_HEALTH ? params['records.health_ttl_ms'] : params['records.ttl_ms'];
    this.#sequence += 1n;
    this.#made = { instance: this.#instance, sequence: this.#sequence };
    label.madeMs = now.monoMs;
    const livesMs = Math.min(ttlMs, ttlLimitMs(params, hasStake));
    // Between a third and just before a half of its time, by chance (REC-048).
    const third = Math.ceil(livesMs / 3);
    label.dueMs = now.monoMs + third + rng.below(Math.max(1, Math.floor(livesMs / 2) - third));
    const { kind, index, source } = label;
    return this.#seal({ kind, index, ttlMs, body: source(now) }, now);
  }

  /** Signs a record; a contact record that is too long loses addresses from its end. Spec: REC-040 */
  #seal(said: { kind: number; index: number; ttlMs: number; body: RecordPayload['body'] }, now: Now): ReadRecord {
    const { params, crypto, networkId, identitySeed } = this.#options;
    const { kind, index, ttlMs, body } = said;
    const wallMs = BigInt(now.wallMs);
    const payload = create(PAYLOAD, {
      version: PAYLOAD_VERSION,
      kind: kind as RecordKind,
      index,
      instance: this.#instance,
      sequence: this.#sequence,
      // A clock that was set back below the instance would make a record that everybody rejects (REC-014).
      wallclockMs: wallMs > this.#instance ? wallMs : this.#instance,
      ttlMs: BigInt(ttlMs),
      body,
    });
    const bytes = sealEnvelope(crypto, networkId, RECORD_CONTEXT, identitySeed, encodeStrict(PAYLOAD, payload));
    if (bytes.length > params['records.record_bytes_max'] && body.case === 'contact' && body.value.addresses.length > 0) {
      return this.#seal({ ...said, body: { ...body, value: { ...body.value, addresses: body.value.addresses.slice(0, -1) } } }, now);
    }
    const opened = openEnvelope(bytes, RECORD_CONTEXT, RecordSchema);
    if (opened.verdict !== 'ok') throw new Error('a node reads what it has signed');
    return { ...readRecord(crypto, networkId, opened.envelope, opened.payload, bytes), isMade: true };
  }
}
