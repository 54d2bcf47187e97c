/** The table of chapter 06 as the model keeps it while it reads a trace: verdicts with memory, room, buckets. */

import type { SeenEnvelope, Trace } from '../driver/trace.ts';
import { unhex, utf8 } from '../model/bytes.ts';
import { readEnvelope } from '../model/envelope.ts';
import { compareRecords, isOver, judgeRecord, type RecordBounds, type RecordRead, readRecord } from '../model/records.ts';

/** A record that the node holds, as far as the model can tell. */
export interface Held {
  readonly envelope: SeenEnvelope;
  readonly record: RecordRead;
  readonly origin: string;
  readonly id: string;
  /** Order of acceptance. */
  readonly turn: number;
}

/** What becomes of an arrival; `newer` is the held record that stood against it (REC-020). */
export interface Decision {
  readonly verdict: 'accept' | 'ignore' | 'reject';
  readonly code: string;
  readonly clause: string;
  readonly record: RecordRead | undefined;
  readonly newer?: Held;
  readonly evicted?: readonly Held[];
}

/** Labels that every node publishes from its start: contact, health, version. */
const OWN_LABELS = ['1/0', '4/0', '5/0'];

/** A label in words. */
export function labelKey(record: { readonly kind: number; readonly index: number }): string {
  return `${record.kind}/${record.index}`;
}

export class TableModel {
  readonly #trace: Trace;
  readonly #held = new Map<string, Held>();
  readonly #buckets = new Map<string, { units: number; atMs: number }>();
  readonly #bounds: RecordBounds;
  #turn = 0;
  /** The largest numbers that the node itself has been seen to use. */
  #made: { instance: bigint; sequence: bigint; id: Uint8Array } | undefined;

  constructor(trace: Trace) {
    this.#trace = trace;
    this.#bounds = {
      recordBytesMax: this.#number('records.record_bytes_max'),
      pushWindowMs: BigInt(this.#number('records.push_window_ms')),
      stakedTtlMs: BigInt(this.#number('records.staked_ttl_ms')),
      unstakedTtlMs: BigInt(this.#number('records.unstaked_ttl_ms')),
    };
  }

  #number(name: string): number {
    return Number(this.#trace.parameters[name] ?? 0);
  }

  hasStake(origin: string): boolean {
    return (this.#trace.stakes[origin] ?? 0) > 0;
  }

  wallMs(atMs: number): bigint {
    return BigInt(Math.round(this.#trace.wallStartMs + atMs));
  }

  isOver(record: RecordRead, origin: string, atMs: number): boolean {
    return isOver(record, this.wallMs(atMs), this.hasStake(origin), this.#bounds);
  }

  /** A process that ended remembers nothing. */
  forget(): void {
    this.#held.clear();
    this.#buckets.clear();
    this.#made = undefined;
  }

  get(origin: string, kind: number, index: number, atMs: number): Held | undefined {
    const held = this.#held.get(`${origin}/${kind}/${index}`);
    return held === undefined || this.isOver(held.record, origin, atMs) ? undefined : held;
  }

  /** Everything held of an origin, in ascending order of kind and index. */
  ofOrigin(origin: string, atMs: number): readonly Held[] {
    return [...this.#held.values()]
      .filter((held) => held.origin === origin && !this.isOver(held.record, origin, atMs))
      .sort((a, b) => a.record.kind - b.record.kind || a.record.index - b.record.index);
  }

  /** The node was seen to push a record of its own that nobody else brought. */
  made(envelope: SeenEnvelope): void {
    const record = recordOf(envelope);
    if (record === undefined || envelope.id === undefined || envelope.origin === undefined) return;
    const numbers = { instance: record.instance, sequence: record.sequence, id: unhex(envelope.id) };
    if (this.#made === undefined || compareRecords(this.#made, numbers) < 0) this.#made = numbers;
    const held = this.#held.get(`${envelope.origin}/${labelKey(record)}`);
    if (held === undefined || compareRecords(named(held), numbers) < 0) this.#put(envelope, record, envelope.origin, envelope.id);
  }

  /** REC-010 to REC-028 for one envelope. */
  judge(
    envelope: SeenEnvelope,
    way: { readonly peerId: string | undefined; readonly isPushed: boolean },
    atMs: number,
    hasSession: (peer: string) => boolean,
  ): Decision {
    const { origin, id } = envelope;
    const isOwn = origin === this.#trace.nodePeerId;
    const isFirstHand = origin !== undefined && (origin === way.peerId || isOwn);
    const hasStake = origin !== undefined && this.hasStake(origin);
    const alone = judgeRecord(
      utf8(this.#trace.networkId),
      this.wallMs(atMs),
      { isPushed: way.isPushed && !isFirstHand, hasStake },
      unhex(envelope.bytes),
      this.#bounds,
    );
    const record = recordOf(envelope);
    const decided = (verdict: 'ignore' | 'reject', code: string, clause: string): Decision => ({ verdict, code, clause, record });
    if (alone.verdict !== 'accept' && alone.clause < 'REC-020') return { ...alone, verdict: alone.verdict, record };
    if (record === undefined || origin === undefined || id === undefined) throw new Error('a record in form can be read');
    const numbers = { instance: record.instance, sequence: record.sequence, id: unhex(id) };
    if (isOwn && this.#made !== undefined && compareRecords(this.#made, { ...numbers, id: this.#made.id }) >= 0) {
      return decided('ignore', 'E_RECORD_OLD', 'REC-020');
    }
    const held = this.get(origin, record.kind, record.index, atMs);
    if (held !== undefined && compareRecords(named(held), numbers) >= 0) {
      return { ...decided('ignore', 'E_RECORD_OLD', 'REC-020'), newer: held };
    }
    if (alone.verdict !== 'accept' && alone.clause < 'REC-024') return { ...alone, record };
    if (!isOwn && !this.#allows(origin, hasStake, atMs)) return decided('ignore', 'E_ORIGIN_RATE', 'REC-024');
    const others = this.ofOrigin(origin, atMs).filter((other) => other.record.kind !== 1);
    if (record.kind !== 1 && held === undefined && others.length >= this.#number('records.labels_max')) {
      return decided('ignore', 'E_RECORD_ROOM', 'REC-025');
    }
    if (alone.verdict !== 'accept') return { ...alone, record };
    const evicted = this.#makeRoom(record, origin, atMs, hasSession);
    if (evicted === undefined) return decided('ignore', 'E_RECORD_ROOM', 'REC-027');
    if (!isOwn) this.#charge(origin, hasStake, atMs);
    this.#put(envelope, record, origin, id);
    return { verdict: 'accept', code: '', clause: 'REC-028', record, evicted };
  }

  #put(envelope: SeenEnvelope, record: RecordRead, origin: string, id: string): void {
    this.#turn += 1;
    this.#held.set(`${origin}/${labelKey(record)}`, { envelope, record, origin, id, turn: this.#turn });
  }

  /** What goes to make room for a label, or undefined when there is none. Spec: REC-080 to REC-084 */
  #makeRoom(record: RecordRead, origin: string, atMs: number, hasSession: (peer: string) => boolean): readonly Held[] | undefined {
    for (const [key, held] of this.#held) if (this.isOver(held.record, held.origin, atMs)) this.#held.delete(key);
    if (this.#held.has(`${origin}/${labelKey(record)}`)) return [];
    const evicted: Held[] = [];
    const isProtected = (held: Held): boolean =>
      held.origin === this.#trace.nodePeerId || (held.record.kind === 1 && hasSession(held.origin));
    const isFree = (held: Held): boolean => !this.hasStake(held.origin) && !isProtected(held);
    const drop = (held: Held): void => {
      evicted.push(held);
      this.#held.delete(`${held.origin}/${labelKey(held.record)}`);
    };
    if (this.#count() >= this.#number('records.records_max')) {
      const weakest = [...this.#held.values()]
        .filter((held) => isFree(held) && held.record.kind >= record.kind)
        .sort((a, b) => b.record.kind - a.record.kind || a.turn - b.turn)[0];
      if (weakest === undefined) return undefined;
      drop(weakest);
    }
    const origins = new Set([...this.#held.values()].map((held) => held.origin));
    origins.add(this.#trace.nodePeerId);
    if (origins.has(origin) || origins.size < this.#number('records.origins_max')) return evicted;
    const candidates = [...origins]
      .map((other) => [...this.#held.values()].filter((held) => held.origin === other))
      .filter((records) => records.length > 0 && records.every(isFree))
      .map((records) => ({ records, turn: Math.max(...records.map((held) => held.turn)) }))
      .sort((a, b) => a.turn - b.turn);
    if (candidates[0] === undefined) return undefined;
    for (const held of candidates[0].records) drop(held);
    return evicted;
  }

  /** Records held, those among them that the node makes without being seen. */
  #count(): number {
    const unseen = OWN_LABELS.filter((label) => !this.#held.has(`${this.#trace.nodePeerId}/${label}`));
    return this.#held.size + unseen.length;
  }

  #rates(origin: string, hasStake: boolean): readonly (readonly [string, number])[] {
    const own = [origin, this.#number('records.origin_per_s')] as const;
    return hasStake ? [own] : [own, ['unstaked', this.#number('records.unstaked_per_s')]];
  }

  #level(name: string, rate: number, atMs: number): number {
    const bucket = this.#buckets.get(name);
    return bucket === undefined ? 2_000 * rate : Math.min(2_000 * rate, bucket.units + rate * (atMs - bucket.atMs));
  }

  #allows(origin: string, hasStake: boolean, atMs: number): boolean {
    return this.#rates(origin, hasStake).every(([name, rate]) => this.#level(name, rate, atMs) >= 1_000);
  }

  #charge(origin: string, hasStake: boolean, atMs: number): void {
    for (const [name, rate] of this.#rates(origin, hasStake)) {
      this.#buckets.set(name, { units: this.#level(name, rate, atMs) - 1_000, atMs });
    }
  }
}

function named(held: Held): { instance: bigint; sequence: bigint; id: Uint8Array } {
  return { instance: held.record.instance, sequence: held.record.sequence, id: unhex(held.id) };
}

/** The record in an envelope, or undefined when it holds none in version 1. */
export function recordOf(envelope: SeenEnvelope): RecordRead | undefined {
  if (envelope.context !== 'record') return undefined;
  const payload = readEnvelope(unhex(envelope.bytes))?.payload;
  return payload === undefined ? undefined : readRecord(payload);
}
