/** The records that a node holds: one for each label, bounded, and nobody without stake displaces somebody with it. Spec: REC-080 to REC-084 */
import { equalBytes } from '../bytes.ts';
import type { Params } from '../params.ts';
import type { MessageId, PeerId } from '../types.ts';
import { KIND_CONTACT, KIND_VERSION, lastMs, type ReadRecord, type Slot, ttlLimitMs } from './record.ts';

/** The last six bytes, which belong to the signature, as a number: different records hardly ever share them, and bytes are compared in the end. */
function tailOf(bytes: Uint8Array): number {
  let tail = 0;
  for (let at = Math.max(0, bytes.length - 6); at < bytes.length; at++) tail = tail * 256 + (bytes[at] ?? 0);
  return tail;
}

/** A record that is held. */
export interface HeldRecord extends ReadRecord {
  /** The last millisecond of the wall clock at which it is not over. */
  readonly lastMs: bigint;
}

interface Origin {
  readonly hasStake: boolean;
  readonly records: Map<Slot, HeldRecord>;
}

/** What the table asks of the rest of the node. */
export interface TableOptions {
  readonly params: Params;
  readonly self: PeerId;
  readonly stakeOf: (peer: PeerId) => bigint;
  /** Whether there is a session with the peer, so that its contact record is protected. */
  readonly hasSession: (peer: PeerId) => boolean;
}

/**
 * Invariants: an origin is held exactly while it has a record; `#byId` and `#byTail` hold the same records;
 * `#unstaked` and `#weak` hold the origins and the records of origins without stake, those accepted
 * longest ago first; `#nextLastMs` is at most the smallest `lastMs` of any record.
 */
export class RecordTable {
  readonly #options: TableOptions;
  readonly #origins = new Map<PeerId, Origin>();
  readonly #byId = new Map<MessageId, HeldRecord>();
  readonly #byTail = new Map<number, HeldRecord>();
  readonly #unstaked = new Map<PeerId, Origin>();
  readonly #weak: readonly Map<MessageId, HeldRecord>[] = Array.from({ length: KIND_VERSION + 1 }, () => new Map());
  #contacts = 0;
  #nextLastMs: bigint | undefined;
  #sortedIds: readonly MessageId[] | undefined;

  constructor(options: TableOptions) {
    this.#options = options;
  }

  /** Records held, including those that are over and not cleared away yet. */
  get size(): number {
    return this.#byId.size;
  }

  /** Origins held, likewise. */
  get originCount(): number {
    return this.#origins.size;
  }

  /** Origins with a contact record, likewise. */
  get contactCount(): number {
    return this.#contacts;
  }

  /** The record of a label, unless it is over. */
  get(origin: PeerId, slot: Slot, wallMs: bigint): HeldRecord | undefined {
    const record = this.#origins.get(origin)?.records.get(slot);
    return record === undefined || record.lastMs < wallMs ? undefined : record;
  }

  /** The record with that id, unless it is over. */
  byId(id: MessageId, wallMs: bigint): HeldRecord | undefined {
    const record = this.#byId.get(id);
    return record === undefined || record.lastMs < wallMs ? undefined : record;
  }

  /** The record that came in exactly these bytes, unless it is over: a copy of it need not be read again. */
  byBytes(bytes: Uint8Array, wallMs: bigint): HeldRecord | undefined {
    const record = this.#byTail.get(tailOf(bytes));
    return record === undefined || record.lastMs < wallMs || !equalBytes(record.envelope, bytes) ? undefined : record;
  }

  /** All records of an origin that are not over, in ascending order of kind and index. */
  ofOrigin(origin: PeerId, wallMs: bigint): readonly HeldRecord[] {
    const records = [...(this.#origins.get(origin)?.records.values() ?? [])];
    return records.filter((record) => record.lastMs >= wallMs).sort((a, b) => a.slot - b.slot);
  }

  /** Every origin in ascending order. */
  origins(): readonly PeerId[] {
    return [...this.#origins.keys()].sort();
  }

  /** Every id in ascending order. */
  ids(): readonly MessageId[] {
    this.#sortedIds ??= [...this.#byId.keys()].sort();
    return this.#sortedIds;
  }

  /** Holds a record instead of the one of its label, making room if it must; undefined when there is none. */
  put(record: ReadRecord, wallMs: bigint): HeldRecord | undefined {
    const { params, stakeOf } = this.#options;
    const hasStake = stakeOf(record.origin) > 0n;
    const held: HeldRecord = { ...record, lastMs: lastMs(record.payload, ttlLimitMs(params, hasStake)) };
    const replaced = this.#origins.get(record.origin)?.records.get(record.slot);
    if (replaced === undefined && !this.#makeRoom(record, wallMs)) return undefined;
    if (replaced !== undefined) this.#remove(replaced);
    this.#add(held, hasStake);
    return held;
  }

  /** Clears away what is over. */
  sweep(wallMs: bigint): void {
    if (this.#nextLastMs === undefined || this.#nextLastMs >= wallMs) return;
    let next: bigint | undefined;
    for (const record of this.#byId.values()) {
      if (record.lastMs < wallMs) this.#remove(record);
      else if (next === undefined || record.lastMs < next) next = record.lastMs;
    }
    this.#nextLastMs = next;
  }

  #add(held: HeldRecord, hasStake: boolean): void {
    const { origin: peer, slot, id } = held;
    const origin = this.#origins.get(peer) ?? { hasStake, records: new Map() };
    origin.records.set(slot, held);
    this.#origins.set(peer, origin);
    this.#byId.set(id, held);
    this.#byTail.set(tailOf(held.envelope), held);
    if (held.payload.kind === KIND_CONTACT) this.#contacts += 1;
    if (this.#nextLastMs === undefined || held.lastMs < this.#nextLastMs) this.#nextLastMs = held.lastMs;
    this.#sortedIds = undefined;
    if (hasStake) return;
    this.#unstaked.delete(peer);
    this.#unstaked.set(peer, origin);
    this.#weak[held.payload.kind]?.set(id, held);
  }

  #remove(held: HeldRecord): void {
    const { origin: peer, slot, id } = held;
    const origin = this.#origins.get(peer);
    if (origin === undefined) return;
    origin.records.delete(slot);
    this.#byId.delete(id);
    if (this.#byTail.get(tailOf(held.envelope)) === held) this.#byTail.delete(tailOf(held.envelope));
    this.#weak[held.payload.kind]?.delete(id);
    if (held.payload.kind === KIND_CONTACT) this.#contacts -= 1;
    this.#sortedIds = undefined;
    if (origin.records.size > 0) return;
    this.#origins.delete(peer);
    this.#unstaked.delete(peer);
  }

  /** Room for a label that is not held yet; false, and nothing changed but what was over, when there is none. */
  #makeRoom(record: ReadRecord, wallMs: bigint): boolean {
    if (!this.#isFull(record)) return true;
    this.#nextLastMs = this.#nextLastMs === undefined ? undefined : -1n;
    this.sweep(wallMs);
    const { params } = this.#options;
    const needsOrigin = (): boolean => !this.#origins.has(record.origin) && this.#origins.size >= params['records.origins_max'];
    if (needsOrigin() && this.#oldestOrigin() === undefined) return false;
    if (this.#byId.size >= params['records.records_max']) {
      const weakest = this.#weakest(record.payload.kind);
      if (weakest === undefined) return false;
      this.#remove(weakest);
    }
    if (!needsOrigin()) return true;
    for (const held of [...(this.#oldestOrigin()?.records.values() ?? [])]) this.#remove(held);
    return true;
  }

  #isFull(record: ReadRecord): boolean {
    const { params } = this.#options;
    const isNewOrigin = !this.#origins.has(record.origin);
    return this.#byId.size >= params['records.records_max'] || (isNewOrigin && this.#origins.size >= params['records.origins_max']);
  }

  /** Of the records that may go for one of this kind, the least and then the oldest. Spec: REC-084 */
  #weakest(kind: number): HeldRecord | undefined {
    for (let worth = KIND_VERSION; worth >= kind; worth--) {
      for (const held of this.#weak[worth]?.values() ?? []) if (!this.#isProtected(held)) return held;
    }
    return undefined;
  }

  /** Of the origins that may go, the one that was heard of longest ago. Spec: REC-083 */
  #oldestOrigin(): Origin | undefined {
    for (const origin of this.#unstaked.values()) {
      if (![...origin.records.values()].some((held) => this.#isProtected(held))) return origin;
    }
    return undefined;
  }

  /** Spec: REC-082 */
  #isProtected({ origin, payload }: HeldRecord): boolean {
    const { self, hasSession } = this.#options;
    return origin === self || (payload.kind === KIND_CONTACT && hasSession(origin));
  }
}
