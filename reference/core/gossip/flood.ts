/** Flood buckets: how fast an origin's messages are taken, whatever links bring them. Spec: GSP-020, GSP-085, GSP-086 */
import type { Params } from '../params.ts';
import type { MonoMs, PeerId } from '../types.ts';
import { canTake, createBucket, type TokenBucket, take } from '../wire/rate.ts';

/** Units of one message, the bound of a bucket in units per rate, and both as in chapter 04. */
const MESSAGE_UNITS = 1000;
const FULL_UNITS_PER_RATE = 2000;

/**
 * One bucket per origin, one for all origins without stake.
 * Invariant: a bucket that is full is not held, and whoever charges the bucket of an origin without
 * stake charges the common one too, so the buckets held are at most those of the stake table plus
 * what the common bucket lets pass while one bucket fills.
 */
export class FloodBuckets {
  readonly #originPerS: number;
  readonly #common: TokenBucket;
  readonly #origins = new Map<PeerId, TokenBucket>();
  readonly #stakeOf: (peer: PeerId) => bigint;
  readonly #sweepFrom: number;
  #nextSweepSize: number;

  constructor(params: Params, stakeOf: (peer: PeerId) => bigint) {
    this.#originPerS = params['gossip.origin_per_s'];
    this.#common = createBucket(params['gossip.unstaked_per_s'], 0);
    this.#stakeOf = stakeOf;
    this.#sweepFrom = 4 * params['gossip.unstaked_per_s'];
    this.#nextSweepSize = this.#sweepFrom;
  }

  /** Buckets held. */
  get size(): number {
    return this.#origins.size;
  }

  /** Whether every bucket that a message of the origin is charged to holds its cost; charges nothing. */
  allows(origin: PeerId, nowMs: MonoMs): boolean {
    const own = this.#origins.get(origin);
    if (own !== undefined && !canTake(own, 1, nowMs)) return false;
    return this.#stakeOf(origin) > 0n || canTake(this.#common, 1, nowMs);
  }

  /** Charges one message; to be called only when `allows` said yes. */
  charge(origin: PeerId, nowMs: MonoMs): void {
    let own = this.#origins.get(origin);
    if (own === undefined) {
      if (this.#origins.size >= this.#nextSweepSize) this.sweep(nowMs);
      own = createBucket(this.#originPerS, nowMs);
      this.#origins.set(origin, own);
    }
    take(own, 1, nowMs);
    if (this.#stakeOf(origin) === 0n) take(this.#common, 1, nowMs);
  }

  /** Gives back what a message was charged that was not accepted in the end. */
  refund(origin: PeerId, nowMs: MonoMs): void {
    const own = this.#origins.get(origin);
    if (own !== undefined) restore(own, nowMs);
    if (this.#stakeOf(origin) === 0n) restore(this.#common, nowMs);
  }

  /** Forgets the buckets that are full again. */
  sweep(nowMs: MonoMs): void {
    for (const [origin, bucket] of this.#origins) {
      if (canTake(bucket, 2 * this.#originPerS, nowMs)) this.#origins.delete(origin);
    }
    this.#nextSweepSize = Math.max(this.#sweepFrom, 2 * this.#origins.size);
  }
}

function restore(bucket: TokenBucket, nowMs: MonoMs): void {
  // Asking brings the bucket up to date first.
  canTake(bucket, 0, nowMs);
  bucket.units = Math.min(bucket.units + MESSAGE_UNITS, FULL_UNITS_PER_RATE * bucket.ratePerS);
}
