/** The memory of accepted ids: exact, and divided by origin so that no origin can push out another's. Spec: GSP-015, GSP-029 */
import { fromHex } from '../bytes.ts';
import { TwoGenerationFilter } from '../crypto/bloom.ts';
import { invariant } from '../errors.ts';
import type { Params } from '../params.ts';
import type { Rng } from '../rng.ts';
import type { MessageId, MonoMs, PeerId } from '../types.ts';
import { ExpiryQueue } from './expiry-queue.ts';
import { originKey, UNSTAKED_ORIGINS } from './message.ts';

/** How often the filter may say yes to an id that nobody accepted. */
const FALSE_RATE = 0.01;

/** Ids that one generation of the filter is made for, at most; beyond, it only spares less. */
const FILTER_CAPACITY_MAX = 131_072;

/** The ids of one origin with stake, or of all origins without, oldest first. */
interface Division {
  readonly capacity: number;
  readonly order: ExpiryQueue<MessageId>;
}

/**
 * All accepted ids. Invariants: `#until` holds exactly the ids of the divisions, each in one of them;
 * no division holds more than its capacity, at any time. A division fills only when the relation of
 * chapter 19 between flood buckets and capacities is broken, which building the parameters refuses.
 */
export class SeenMemory {
  readonly #until = new Map<MessageId, MonoMs>();
  readonly #divisions = new Map<PeerId, Division>();
  readonly #filter: TwoGenerationFilter;
  readonly #params: Params;
  readonly #stakeOf: (peer: PeerId) => bigint;

  constructor(params: Params, stakeOf: (peer: PeerId) => bigint, rng: Rng) {
    this.#params = params;
    this.#stakeOf = stakeOf;
    this.#filter = new TwoGenerationFilter(
      {
        capacity: Math.min(params['gossip.seen_unstaked_capacity'], FILTER_CAPACITY_MAX),
        ttlMs: params['gossip.seen_ttl_ms'],
        falseRate: FALSE_RATE,
        key: rng.bytes(16),
      },
      0,
    );
  }

  /** Ids held, in all divisions. */
  get size(): number {
    return this.#until.size;
  }

  /** Ids held of the origins that share the division of this one. */
  sizeFor(origin: PeerId): number {
    return this.#divisions.get(originKey(origin, this.#stakeOf))?.order.size ?? 0;
  }

  /** Whether the id was accepted within `gossip.seen_ttl_ms`. */
  has(id: MessageId, nowMs: MonoMs): boolean {
    if (!this.#filter.mightHave(bytesOf(id), nowMs)) return false;
    const untilMs = this.#until.get(id);
    return untilMs !== undefined && nowMs <= untilMs;
  }

  /** Remembers an accepted id; when its division is full, the oldest of the division goes. */
  add(id: MessageId, origin: PeerId, nowMs: MonoMs): void {
    // An expired entry may lie in another division, where its origin was when it had other stake.
    if (this.#until.has(id)) this.expire(nowMs);
    if (this.#until.has(id)) return;
    const division = this.#divisionOf(originKey(origin, this.#stakeOf));
    this.#expireDivision(division, nowMs);
    while (division.order.size >= division.capacity) this.#forgetOldest(division);
    const untilMs = nowMs + this.#params['gossip.seen_ttl_ms'];
    division.order.push(untilMs, id);
    this.#until.set(id, untilMs);
    this.#filter.add(bytesOf(id), nowMs);
  }

  /** Forgets what has expired, and divisions that hold nothing. */
  expire(nowMs: MonoMs): void {
    for (const [key, division] of this.#divisions) {
      this.#expireDivision(division, nowMs);
      if (division.order.size === 0) this.#divisions.delete(key);
    }
  }

  /** The last moment of the id that expires first, or undefined when there is none. */
  get nextExpiryMs(): MonoMs | undefined {
    let next: MonoMs | undefined;
    for (const { order } of this.#divisions.values()) {
      const untilMs = order.peek()?.untilMs;
      if (untilMs !== undefined && (next === undefined || untilMs < next)) next = untilMs;
    }
    return next;
  }

  #divisionOf(key: PeerId): Division {
    let division = this.#divisions.get(key);
    if (division === undefined) {
      const capacity =
        key === UNSTAKED_ORIGINS ? this.#params['gossip.seen_unstaked_capacity'] : this.#params['gossip.seen_origin_capacity'];
      division = { capacity, order: new ExpiryQueue() };
      this.#divisions.set(key, division);
    }
    return division;
  }

  #expireDivision(division: Division, nowMs: MonoMs): void {
    for (let oldest = division.order.peek(); oldest !== undefined && oldest.untilMs < nowMs; oldest = division.order.peek()) {
      this.#forgetOldest(division);
    }
  }

  #forgetOldest(division: Division): void {
    const oldest = division.order.shift();
    if (oldest !== undefined) this.#until.delete(oldest.value);
  }
}

function bytesOf(id: MessageId): Uint8Array {
  const bytes = fromHex(id);
  invariant(bytes !== undefined, 'an id is hexadecimal');
  return bytes;
}
