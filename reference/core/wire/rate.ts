/** Token buckets in exact integers. Spec: chapter 04, "Rates". */

/** Units that one message or one byte costs. */
const UNITS_PER_COUNT = 1000;

/** A bucket never holds more than it gains in this time. */
const FULL_AFTER_MS = 2000;

/** A bucket that gains `ratePerS` units in each millisecond and holds at most `2 · ratePerS · 1000`. */
export interface TokenBucket {
  readonly ratePerS: number;
  units: number;
  atMs: number;
}

/** A full bucket; `ratePerS` counts messages or bytes. */
export function createBucket(ratePerS: number, nowMs: number): TokenBucket {
  return { ratePerS, units: FULL_AFTER_MS * ratePerS, atMs: Math.floor(nowMs) };
}

/** Adds what the bucket gained since it was last looked at; time that runs backwards gains nothing. */
function refill(bucket: TokenBucket, nowMs: number): void {
  const now = Math.floor(nowMs);
  if (now <= bucket.atMs) return;
  // Capped before multiplying, so that the product stays an exact integer.
  const elapsed = Math.min(now - bucket.atMs, FULL_AFTER_MS);
  bucket.units = Math.min(bucket.units + elapsed * bucket.ratePerS, FULL_AFTER_MS * bucket.ratePerS);
  bucket.atMs = now;
}

/** Whether the bucket holds the cost of `count` messages or bytes; charges nothing. */
export function canTake(bucket: TokenBucket, count: number, nowMs: number): boolean {
  refill(bucket, nowMs);
  return bucket.units >= count * UNITS_PER_COUNT;
}

/** Charges the cost of `count` messages or bytes if the bucket holds it, else charges nothing; says which. */
export function take(bucket: TokenBucket, count: number, nowMs: number): boolean {
  if (!canTake(bucket, count, nowMs)) return false;
  bucket.units -= count * UNITS_PER_COUNT;
  return true;
}

/** How long until the bucket holds the cost of `count`, in whole milliseconds; undefined when it never can. */
export function waitMs(bucket: TokenBucket, count: number, nowMs: number): number | undefined {
  refill(bucket, nowMs);
  const cost = count * UNITS_PER_COUNT;
  if (cost > FULL_AFTER_MS * bucket.ratePerS) return undefined;
  return cost <= bucket.units ? 0 : Math.ceil((cost - bucket.units) / bucket.ratePerS);
}
