/** Token buckets in integers. Spec: chapter 04, Rates (SES-060 to SES-062). */

/** What one message or one byte costs, in units. */
const UNITS = 1_000n;

/** One bucket: holds at most 2·rate·1000 units, starts full, gains `rate` units in each millisecond. */
export class Bucket {
  readonly #rate: bigint;
  #units: bigint;
  #atMs: bigint;

  /** `ratePerS` in messages or bytes per second. */
  constructor(ratePerS: bigint | number, nowMs: bigint | number) {
    this.#rate = BigInt(ratePerS);
    this.#units = this.#capacity;
    this.#atMs = BigInt(nowMs);
  }

  get #capacity(): bigint {
    return 2n * this.#rate * UNITS;
  }

  /** Whether the bucket holds the cost of `count` messages or bytes. Time does not go back. */
  holds(nowMs: bigint | number, count: bigint | number): boolean {
    this.#refill(BigInt(nowMs));
    return this.#units >= BigInt(count) * UNITS;
  }

  /** Takes the cost, which the bucket must hold. */
  charge(nowMs: bigint | number, count: bigint | number): void {
    if (!this.holds(nowMs, count)) throw new RangeError('the bucket does not hold the cost');
    this.#units -= BigInt(count) * UNITS;
  }

  #refill(nowMs: bigint): void {
    if (nowMs < this.#atMs) throw new RangeError('time went back');
    this.#units += (nowMs - this.#atMs) * this.#rate;
    if (this.#units > this.#capacity) this.#units = this.#capacity;
    this.#atMs = nowMs;
  }
}

/** One result for each frame of one bucket, which starts full at 0: true when it passes. */
export function admit(
  ratePerS: bigint | number,
  frames: readonly { readonly atMs: bigint | number; readonly cost: bigint | number }[],
): readonly boolean[] {
  const bucket = new Bucket(ratePerS, 0);
  return frames.map(({ atMs, cost }) => {
    const passes = bucket.holds(atMs, cost);
    if (passes) bucket.charge(atMs, cost);
    return passes;
  });
}

/** Both buckets of one class of one session: a frame passes when both hold its cost, else neither is charged. */
export class ClassBuckets {
  readonly #messages: Bucket;
  readonly #bytes: Bucket;

  constructor(messagesPerS: number, bytesPerS: number, nowMs: number) {
    this.#messages = new Bucket(messagesPerS, nowMs);
    this.#bytes = new Bucket(bytesPerS, nowMs);
  }

  /** Whether both hold the cost of one frame of `size` bytes. */
  holds(nowMs: number, size: number): boolean {
    return this.#messages.holds(nowMs, 1) && this.#bytes.holds(nowMs, size);
  }

  /** Charges a frame of `size` bytes, its length field included; false for an overrun. */
  pass(nowMs: number, size: number): boolean {
    const holds = this.holds(nowMs, size);
    if (holds) {
      this.#messages.charge(nowMs, 1);
      this.#bytes.charge(nowMs, size);
    }
    return holds;
  }
}
