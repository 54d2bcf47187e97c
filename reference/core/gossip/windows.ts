/** Windows of one heartbeat: how much of a kind a link may bring, or be sent, before the rest is ignored. Spec: GSP-054, GSP-059, GSP-068 */
import type { MonoMs } from '../types.ts';

/** Counts what passes in the running window. The first to come after a pause starts a window, which ends `lengthMs` later. */
export class HeartbeatWindow {
  readonly #lengthMs: number;
  readonly #countMax: number;
  #startMs = Number.NEGATIVE_INFINITY;
  #count = 0;

  constructor(lengthMs: number, countMax: number) {
    this.#lengthMs = lengthMs;
    this.#countMax = countMax;
  }

  /** How many of `count` pass now; they are counted, and a new window starts with them if none runs. */
  admit(count: number, nowMs: MonoMs): number {
    if (count <= 0) return 0;
    if (!this.#isRunning(nowMs)) {
      this.#startMs = nowMs;
      this.#count = 0;
    }
    const admitted = Math.min(count, this.#countMax - this.#count);
    this.#count += admitted;
    return admitted;
  }

  /** How many would pass now. */
  room(nowMs: MonoMs): number {
    return this.#isRunning(nowMs) ? this.#countMax - this.#count : this.#countMax;
  }

  /** When the running window ends; a moment not after `nowMs` when none runs. */
  endMs(nowMs: MonoMs): MonoMs {
    return this.#isRunning(nowMs) ? this.#startMs + this.#lengthMs : nowMs;
  }

  #isRunning(nowMs: MonoMs): boolean {
    return nowMs < this.#startMs + this.#lengthMs;
  }
}
