/** Messages that wait for the application's verdict, with everybody who sent a copy. Spec: GSP-026 to GSP-028 */
import type { Params } from '../params.ts';
import type { EnvelopeHash, LinkId, MessageId, MonoMs, PeerId } from '../types.ts';
import type { GossipMessage } from './message.ts';
import { TimerHeap } from './timer-heap.ts';

/** One arrival of an envelope. */
export interface Arrival {
  readonly link: LinkId;
  readonly peer: PeerId;
  readonly hash: EnvelopeHash;
  /** Whether it came in a Push; else in a Direct. */
  readonly pushed: boolean;
}

/** A message without a verdict. */
export interface PendingMessage {
  readonly token: number;
  readonly message: GossipMessage;
  /** The copy that came first, then the others, one per link, in the order of their coming. */
  readonly arrivals: Arrival[];
  /** The first to come was asked for by an Iwant on its link. */
  readonly wasAsked: boolean;
  readonly dueMs: MonoMs;
}

/** Invariants: at most `gossip.pending_max` messages, one per id; per message one copy of a link and at most `session.sessions_max`. */
export class PendingMessages {
  readonly #countMax: number;
  readonly #copiesMax: number;
  readonly #timeoutMs: number;
  readonly #byId = new Map<MessageId, PendingMessage>();
  readonly #byToken = new Map<number, PendingMessage>();
  readonly #timers = new TimerHeap<number>();
  #nextToken = 1;

  constructor(params: Params) {
    this.#countMax = params['gossip.pending_max'];
    this.#copiesMax = params['session.sessions_max'];
    this.#timeoutMs = params['gossip.validation_timeout_ms'];
  }

  get size(): number {
    return this.#byId.size;
  }

  get isFull(): boolean {
    return this.#byId.size >= this.#countMax;
  }

  get(id: MessageId): PendingMessage | undefined {
    return this.#byId.get(id);
  }

  /** Starts to wait; not to be called when full. */
  add(message: GossipMessage, first: Arrival, wasAsked: boolean, nowMs: MonoMs): PendingMessage {
    const pending = {
      token: this.#nextToken++,
      message,
      arrivals: [first],
      wasAsked,
      dueMs: nowMs + this.#timeoutMs,
    };
    this.#byId.set(message.id, pending);
    this.#byToken.set(pending.token, pending);
    this.#timers.push(pending.dueMs, pending.token);
    return pending;
  }

  /** Notes another copy, which gets the message's verdict; false when the link's copy is noted already or there is no room. */
  addCopy(pending: PendingMessage, arrival: Arrival): boolean {
    if (pending.arrivals.length >= this.#copiesMax) return false;
    if (pending.arrivals.some(({ link }) => link === arrival.link)) return false;
    pending.arrivals.push(arrival);
    return true;
  }

  /** Takes out the message of a token; undefined when its verdict was given before. */
  take(token: number): PendingMessage | undefined {
    const pending = this.#byToken.get(token);
    if (pending === undefined) return undefined;
    this.#byToken.delete(token);
    this.#byId.delete(pending.message.id);
    return pending;
  }

  /** Takes out the next message whose time is up at `nowMs`. */
  takeDue(nowMs: MonoMs): PendingMessage | undefined {
    for (let token = this.#timers.popDue(nowMs); token !== undefined; token = this.#timers.popDue(nowMs)) {
      const pending = this.take(token);
      if (pending !== undefined) return pending;
    }
    return undefined;
  }

  /** When the next message's time is up, or undefined. */
  get nextMs(): MonoMs | undefined {
    for (let token = this.#timers.peek(); token !== undefined && !this.#byToken.has(token); token = this.#timers.peek()) {
      this.#timers.popDue(Number.POSITIVE_INFINITY);
    }
    return this.#timers.nextMs;
  }
}
