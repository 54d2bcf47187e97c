/** How fast an origin's records are taken, whatever links bring them. Spec: REC-024, REC-085, REC-086 */
import type { Params } from '../params.ts';
import type { MonoMs, PeerId } from '../types.ts';
import { canTake, createBucket, type TokenBucket, take } from '../wire/rate.ts';

/** Buckets held before those that are full again are looked for. */
const SWEEP_FROM = 1024;

/**
 * One bucket per origin, one for all origins without stake. Invariant: a bucket that is not held is
 * full; whoever charges the bucket of an origin without stake charges the common one too, so the
 * buckets held are bounded by the stake table and by what the common bucket lets pass.
 */
export class OriginBuckets {
  readonly #originPerS: number;
  readonly #common: TokenBucket;
  readonly #origins = new Map<PeerId, TokenBucket>();
  readonly #stakeOf: (peer: PeerId) => bigint;
  #nextSweepSize = SWEEP_FROM;

  constructor(params: Params, stakeOf: (peer: PeerId) => bigint) {
    this.#originPerS = params['records.origin_per_s'];
    this.#common = createBucket(params['records.unstaked_per_s'], 0);
    this.#stakeOf = stakeOf;
  }

  /** Whether every bucket that a record of the origin is charged to holds its cost; charges nothing. */
  allows(origin: PeerId, nowMs: MonoMs): boolean {
    const own = this.#origins.get(origin);
    if (own !== undefined && !canTake(own, 1, nowMs)) return false;
    return this.#stakeOf(origin) > 0n || canTake(this.#common, 1, nowMs);
  }

  /** Charges one accepted record. */
  charge(origin: PeerId, nowMs: MonoMs): void {
    let own = this.#origins.get(origin);
    if (own === undefined) {
      if (this.#origins.size >= this.#nextSweepSize) this.#sweep(nowMs);
      own = createBucket(this.#originPerS, nowMs);
      this.#origins.set(origin, own);
    }
    take(own, 1, nowMs);
    if (this.#stakeOf(origin) === 0n) take(this.#common, 1, nowMs);
  }

  #sweep(nowMs: MonoMs): void {
    for (const [origin, bucket] of this.#origins) {
      if (canTake(bucket, 2 * this.#originPerS, nowMs)) this.#origins.delete(origin);
    }
    this.#nextSweepSize = Math.max(SWEEP_FROM, 2 * this.#origins.size);
  }
}
