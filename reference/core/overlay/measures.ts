/** What a node measures of itself and of its peers: rates by the beat, counts by the window. Spec: chapter 09, "Roles" */
import type { MonoMs } from '../types.ts';

/** Bytes per second of the best of some beats, from a count that only grows. */
export class BestRate {
  #total = 0;
  #atMs: MonoMs;
  #best = 0;

  constructor(nowMs: MonoMs) {
    this.#atMs = nowMs;
  }

  /** Ends a beat with the count so far, and gives the rate of this beat. */
  beat(total: number, nowMs: MonoMs): number {
    const elapsedMs = nowMs - this.#atMs;
    if (elapsedMs <= 0) return 0;
    const rate = Math.floor((1000 * (total - this.#total)) / elapsedMs);
    this.#total = total;
    this.#atMs = nowMs;
    this.#best = Math.max(this.#best, rate);
    return rate;
  }

  get best(): number {
    return this.#best;
  }
}

/** The numbers of one window. */
interface Numbers {
  bestRate: number;
  delivered: number;
  failed: number;
}

const NOTHING: Numbers = { bestRate: 0, delivered: 0, failed: 0 };

/** What a node did in the window that runs and in the one before: never less than one window, never more than two. */
export class WindowedMeasures {
  readonly #windowMs: number;
  #endMs: MonoMs;
  #current: Numbers = { ...NOTHING };
  #previous: Numbers = { ...NOTHING };

  constructor(windowMs: number, nowMs: MonoMs) {
    this.#windowMs = windowMs;
    this.#endMs = nowMs + windowMs;
  }

  /** Adds what a beat brought. */
  add(beat: { readonly rate: number; readonly delivered: number; readonly failed: number }, nowMs: MonoMs): void {
    this.#turn(nowMs);
    const current = this.#current;
    current.bestRate = Math.max(current.bestRate, beat.rate);
    current.delivered += beat.delivered;
    current.failed += beat.failed;
  }

  /** Both windows together. */
  sum(nowMs: MonoMs): Readonly<Numbers> {
    this.#turn(nowMs);
    const [a, b] = [this.#current, this.#previous];
    return { bestRate: Math.max(a.bestRate, b.bestRate), delivered: a.delivered + b.delivered, failed: a.failed + b.failed };
  }

  #turn(nowMs: MonoMs): void {
    if (nowMs < this.#endMs) return;
    // A pause of more than a window leaves nothing of what was before it.
    const isNext = nowMs < this.#endMs + this.#windowMs;
    this.#previous = isNext ? this.#current : { ...NOTHING };
    this.#current = { ...NOTHING };
    this.#endMs += this.#windowMs * (Math.floor((nowMs - this.#endMs) / this.#windowMs) + 1);
  }
}
