/**
 * The receiver's token buckets of one session as an observer knows them: exact in virtual time, and
 * between two bounds when arrival times are known only to within a slack. Spec: SES-060 to SES-064.
 */

/** What the buckets make of a frame: `unsure` when the slack leaves both possible. */
export type Admission = 'pass' | 'overrun' | 'unsure';

interface Level {
  low: number;
  high: number;
  atMs: number;
}

/** A parameter's value by name. */
export type ParameterReader = (name: string) => number;

/** Overruns of one class: fewest and most that the node can have counted. */
interface Overruns {
  low: number;
  high: number;
  atMs: number;
}

/** One session's buckets of every class. */
export class SessionBuckets {
  readonly #number: ParameterReader;
  readonly #slackMs: number;
  readonly #levels = new Map<string, Level>();
  readonly #overruns = new Map<string, Overruns>();

  /** `slackMs` is 0 in virtual time. */
  constructor(number: ParameterReader, slackMs: number) {
    this.#number = number;
    this.#slackMs = slackMs;
  }

  /** Charges a frame of `size` bytes that arrives at `atMs`; both buckets of its class or neither. */
  admit(frameClass: string, size: number, atMs: number): Admission {
    const buckets = [
      { name: `${frameClass} messages`, rate: this.#number(`rate.${frameClass}.messages_per_s`), cost: 1_000 },
      { name: `${frameClass} bytes`, rate: this.#number(`rate.${frameClass}.bytes_per_s`), cost: 1_000 * size },
    ].map((bucket) => ({ ...bucket, level: this.#refill(bucket.name, bucket.rate, atMs) }));
    const passes = buckets.every(({ level, cost }) => level.low >= cost);
    const cannot = buckets.some(({ level, cost }) => level.high < cost);
    const doubtful = buckets.filter(({ level, cost }) => level.low < cost);
    for (const bucket of buckets) {
      const { level, cost } = bucket;
      if (!cannot) level.low = Math.max(0, level.low - cost);
      if (passes) level.high -= cost;
      // Either it was charged, or it did not hold the cost: if no other bucket can be the reason, it holds less now.
      else if (!cannot && doubtful.length === 1 && doubtful[0] === bucket)
        level.high = Math.max(level.high - cost, Math.min(level.high, cost - 1));
    }
    if (passes) return 'pass';
    return cannot ? 'overrun' : 'unsure';
  }

  /** Counts an overrun, or a frame that may be one; says whether the class has exceeded what is tolerated. */
  overrun(frameClass: string, admission: 'overrun' | 'unsure', atMs: number): 'tolerated' | 'exceeded' | 'unsure' {
    const max = this.#number('session.rate_overrun_max');
    const resetMs = this.#number('session.rate_overrun_reset_ms');
    let count = this.#overruns.get(frameClass);
    if (count === undefined) {
      count = { low: 0, high: 0, atMs };
      this.#overruns.set(frameClass, count);
    }
    if (atMs - count.atMs >= resetMs - this.#slackMs) count.low = 0;
    if (atMs - count.atMs >= resetMs + this.#slackMs) count.high = 0;
    count.atMs = atMs;
    if (admission === 'overrun') count.low += 1;
    count.high += 1;
    if (count.low > max) return 'exceeded';
    return count.high > max ? 'unsure' : 'tolerated';
  }

  #refill(name: string, rate: number, atMs: number): Level {
    const full = 2 * rate * 1_000;
    const slack = rate * this.#slackMs;
    let level = this.#levels.get(name);
    if (level === undefined) {
      level = { low: full - slack, high: full + slack, atMs };
      this.#levels.set(name, level);
      return level;
    }
    const gained = rate * (atMs - level.atMs);
    level.low = Math.min(full - slack, level.low + gained);
    level.high = Math.min(full + slack, level.high + gained);
    level.atMs = atMs;
    return level;
  }
}
