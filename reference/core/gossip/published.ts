/** The ids of the node's own messages, which it neither wants nor takes back. */
import type { MessageId, MonoMs } from '../types.ts';
import { ExpiryQueue } from './expiry-queue.ts';

/**
 * Own ids within a lifetime. Apart from the accepted ids, because only those make a copy a duplicate
 * before its signature is looked at (GSP-015, GSP-019). Invariant: at most `capacity` ids.
 */
export class PublishedIds {
  readonly #ttlMs: number;
  readonly #capacity: number;
  readonly #ids = new Set<MessageId>();
  readonly #order = new ExpiryQueue<MessageId>();

  constructor(ttlMs: number, capacity: number) {
    this.#ttlMs = ttlMs;
    this.#capacity = capacity;
  }

  get size(): number {
    return this.#ids.size;
  }

  has(id: MessageId): boolean {
    return this.#ids.has(id);
  }

  add(id: MessageId, nowMs: MonoMs): void {
    this.expire(nowMs);
    while (this.#order.size >= this.#capacity) this.#forgetOldest();
    this.#order.push(nowMs + this.#ttlMs, id);
    this.#ids.add(id);
  }

  expire(nowMs: MonoMs): void {
    for (let oldest = this.#order.peek(); oldest !== undefined && oldest.untilMs < nowMs; oldest = this.#order.peek()) {
      this.#forgetOldest();
    }
  }

  get nextExpiryMs(): MonoMs | undefined {
    return this.#order.peek()?.untilMs;
  }

  #forgetOldest(): void {
    const oldest = this.#order.shift();
    if (oldest !== undefined) this.#ids.delete(oldest.value);
  }
}
