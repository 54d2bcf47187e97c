/** What places in the pool and in blocks are given out by: fee per byte, exactly. Spec: chapter 05, "Mempool" */
import type { MessageId } from '../types.ts';

/** What a price is made of; `bytes` is the length of the envelope. */
export interface Priced {
  readonly id: MessageId;
  readonly fee: bigint;
  readonly bytes: number;
}

/** Whether a is dearer than b: more fee per byte, or the smaller id. No two transactions are equal. */
export function isDearer(a: Priced, b: Priced): boolean {
  const left = a.fee * BigInt(b.bytes);
  const right = b.fee * BigInt(a.bytes);
  return left === right ? a.id < b.id : left > right;
}

/** A heap with the cheapest item, or the dearest, on top. */
export class PriceHeap<T extends Priced> {
  readonly #items: T[] = [];
  readonly #isAbove: (a: T, b: T) => boolean;

  constructor(top: 'cheapest' | 'dearest') {
    this.#isAbove = top === 'dearest' ? isDearer : (a, b) => isDearer(b, a);
  }

  get size(): number {
    return this.#items.length;
  }

  peek(): T | undefined {
    return this.#items[0];
  }

  push(item: T): void {
    const items = this.#items;
    let index = items.length;
    items.push(item);
    while (index > 0) {
      const parent = (index - 1) >> 1;
      const above = items[parent];
      if (above === undefined || !this.#isAbove(item, above)) break;
      items[index] = above;
      index = parent;
    }
    items[index] = item;
  }

  pop(): T | undefined {
    const items = this.#items;
    const top = items[0];
    const last = items.pop();
    if (last === undefined || items.length === 0) return top;
    let index = 0;
    for (;;) {
      let child = 2 * index + 1;
      const [left, right] = [items[child], items[child + 1]];
      if (left === undefined) break;
      let above = left;
      if (right !== undefined && this.#isAbove(right, left)) {
        above = right;
        child += 1;
      }
      if (!this.#isAbove(above, last)) break;
      items[index] = above;
      index = child;
    }
    items[index] = last;
    return top;
  }

  /** Keeps only what the condition holds for. */
  filter(keep: (item: T) => boolean): void {
    const kept = this.#items.filter(keep);
    this.#items.length = 0;
    for (const item of kept) this.push(item);
  }
}
