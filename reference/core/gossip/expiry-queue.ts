/** First in, first out, where each item also has a time until which it counts. */
import type { MonoMs } from '../types.ts';

/** An item and the last moment at which it still counts. */
export interface Expiring<T> {
  readonly untilMs: MonoMs;
  readonly value: T;
}

/** Items that went are dropped from the array once they are this many and half of it. */
const COMPACT_FROM = 64;

/**
 * A queue of items of one lifetime: whoever comes later expires later, so only the front is looked
 * at. Invariant: `untilMs` never falls from front to back. All operations take constant time on average.
 */
export class ExpiryQueue<T> {
  #items: Expiring<T>[] = [];
  #head = 0;

  get size(): number {
    return this.#items.length - this.#head;
  }

  /** Puts an item at the back; a time before that of the last item counts as the last item's. */
  push(untilMs: MonoMs, value: T): void {
    const last = this.#items.at(-1);
    this.#items.push({ untilMs: last === undefined || this.size === 0 ? untilMs : Math.max(untilMs, last.untilMs), value });
  }

  /** The oldest item, or undefined when the queue is empty. */
  peek(): Expiring<T> | undefined {
    return this.#items[this.#head];
  }

  /** Takes the oldest item out. */
  shift(): Expiring<T> | undefined {
    const item = this.#items[this.#head];
    if (item === undefined) return undefined;
    this.#head += 1;
    if (this.#head >= COMPACT_FROM && this.#head * 2 >= this.#items.length) {
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    }
    return item;
  }

  /** Takes out the oldest item if its last moment lies before `nowMs`. */
  shiftExpired(nowMs: MonoMs): Expiring<T> | undefined {
    const item = this.peek();
    return item !== undefined && item.untilMs < nowMs ? this.shift() : undefined;
  }
}
