/** Many points in time of which only the next one matters: a binary heap. */
import type { MonoMs } from '../types.ts';

interface Timer<T> {
  readonly dueMs: MonoMs;
  readonly order: number;
  readonly value: T;
}

/** Timers in the order of their time, those of one time in the order of their coming. A timer is never taken back: its owner knows when it is stale. */
export class TimerHeap<T> {
  readonly #heap: Timer<T>[] = [];
  #count = 0;

  get size(): number {
    return this.#heap.length;
  }

  /** When the first timer is due, or undefined when there is none. */
  get nextMs(): MonoMs | undefined {
    return this.#heap[0]?.dueMs;
  }

  /** The value of the first timer, which stays. */
  peek(): T | undefined {
    return this.#heap[0]?.value;
  }

  push(dueMs: MonoMs, value: T): void {
    const timer = { dueMs, order: this.#count++, value };
    let index = this.#heap.length;
    while (index > 0) {
      const above = (index - 1) >> 1;
      const parent = this.#heap[above];
      if (parent === undefined || !isBefore(timer, parent)) break;
      this.#heap[index] = parent;
      index = above;
    }
    this.#heap[index] = timer;
  }

  /** Takes out the first timer if it is due at `nowMs`. */
  popDue(nowMs: MonoMs): T | undefined {
    const first = this.#heap[0];
    if (first === undefined || first.dueMs > nowMs) return undefined;
    this.#removeFirst();
    return first.value;
  }

  #removeFirst(): void {
    const last = this.#heap.pop();
    if (last === undefined || this.#heap.length === 0) return;
    let index = 0;
    for (;;) {
      const left = this.#heap[2 * index + 1];
      const right = this.#heap[2 * index + 2];
      if (left === undefined) break;
      const isRight = right !== undefined && isBefore(right, left);
      const child = isRight ? right : left;
      if (!isBefore(child, last)) break;
      this.#heap[index] = child;
      index = 2 * index + (isRight ? 2 : 1);
    }
    this.#heap[index] = last;
  }
}

function isBefore<T>(a: Timer<T>, b: Timer<T>): boolean {
  return a.dueMs < b.dueMs || (a.dueMs === b.dueMs && a.order < b.order);
}
