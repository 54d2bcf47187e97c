/** The messages that can be asked for. Spec: GSP-052 */
import type { Params } from '../params.ts';
import type { MessageId, MonoMs } from '../types.ts';
import { ExpiryQueue } from './expiry-queue.ts';
import type { GossipMessage } from './message.ts';

/**
 * Accepted and published messages of the last `gossip.message_cache_ms`, as long as their envelopes
 * together are among the last `gossip.message_cache_bytes_max` bytes.
 * Invariant: `bytes` is the sum of the envelopes held and never above its bound.
 */
export class MessageCache {
  readonly #lifetimeMs: number;
  readonly #bytesMax: number;
  readonly #messages = new Map<MessageId, GossipMessage>();
  readonly #order = new ExpiryQueue<GossipMessage>();
  #bytes = 0;

  constructor(params: Params) {
    this.#lifetimeMs = params['gossip.message_cache_ms'];
    this.#bytesMax = params['gossip.message_cache_bytes_max'];
  }

  get size(): number {
    return this.#messages.size;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** The message, or undefined when it cannot be asked for any more. */
  get(id: MessageId, nowMs: MonoMs): GossipMessage | undefined {
    const oldest = this.#order.peek();
    // Nothing is older than the front: most look-ups need no second time.
    if (oldest !== undefined && oldest.untilMs < nowMs) this.expire(nowMs);
    return this.#messages.get(id);
  }

  /** Whether the message is still held, expired or not. */
  holds(id: MessageId): boolean {
    return this.#messages.has(id);
  }

  /** Adds a message; older ones go until the bytes fit. */
  add(message: GossipMessage, nowMs: MonoMs): void {
    this.expire(nowMs);
    if (this.#messages.has(message.id)) return;
    this.#messages.set(message.id, message);
    this.#order.push(nowMs + this.#lifetimeMs, message);
    this.#bytes += message.envelope.length;
    while (this.#bytes > this.#bytesMax) this.#forgetOldest();
  }

  expire(nowMs: MonoMs): void {
    for (let oldest = this.#order.peek(); oldest !== undefined && oldest.untilMs < nowMs; oldest = this.#order.peek()) {
      this.#forgetOldest();
    }
  }

  /** The last moment of the oldest message, or undefined. */
  get nextExpiryMs(): MonoMs | undefined {
    return this.#order.peek()?.untilMs;
  }

  #forgetOldest(): void {
    const oldest = this.#order.shift();
    if (oldest === undefined) return;
    this.#messages.delete(oldest.value.id);
    this.#bytes -= oldest.value.envelope.length;
  }
}
