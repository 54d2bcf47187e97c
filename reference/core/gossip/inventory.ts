/** What was announced and has not come: whom to ask for it, when, and who was asked and has not answered. Spec: GSP-055 to GSP-058, GSP-078, GSP-095 */
import type { Params } from '../params.ts';
import type { LinkId, MessageId, MonoMs, PeerId } from '../types.ts';
import { TimerHeap } from './timer-heap.ts';

/** A message that was announced and not accepted. */
interface Wanted {
  readonly id: MessageId;
  /** Announcers that were not asked yet, in the order of their announcements. */
  readonly sources: LinkId[];
  /** Links that were asked, newest last. */
  readonly asked: LinkId[];
  /** When the next source may be asked; undefined while the application decides about a copy. */
  dueMs: MonoMs | undefined;
}

interface Timer {
  readonly id: MessageId;
  readonly dueMs: MonoMs;
}

interface Pledge {
  readonly peer: PeerId;
  readonly link: LinkId;
  readonly id: MessageId;
  kept: boolean;
}

/** A message whose next source is to be asked. */
export interface Question {
  readonly id: MessageId;
  readonly sources: readonly LinkId[];
}

/**
 * Invariants: a message has at most `gossip.sources_max` sources and one Iwant at a time that is younger
 * than `gossip.iwant_timeout_ms`; a link stands in at most `gossip.wanted_per_link_max` messages; all
 * messages together are at most what full links of full sessions can announce; a promise lives for
 * `gossip.iwant_timeout_ms`, one is made per Iwant id sent, and there are at most as many as messages:
 * peers that come and go faster than their promises run out are not held to those beyond.
 */
export class Inventory {
  readonly #waitMs: number;
  readonly #timeoutMs: number;
  readonly #sourcesMax: number;
  readonly #perLinkMax: number;
  readonly #wantedMax: number;
  readonly #wanted = new Map<MessageId, Wanted>();
  readonly #announcedBy = new Map<LinkId, Set<MessageId>>();
  readonly #timers = new TimerHeap<Timer>();
  readonly #promises = new Map<LinkId, Map<MessageId, Pledge[]>>();
  readonly #promiseTimers = new TimerHeap<Pledge>();

  constructor(params: Params) {
    this.#waitMs = params['gossip.ihave_wait_ms'];
    this.#timeoutMs = params['gossip.iwant_timeout_ms'];
    this.#sourcesMax = params['gossip.sources_max'];
    this.#perLinkMax = params['gossip.wanted_per_link_max'];
    this.#wantedMax = params['session.sessions_max'] * params['gossip.wanted_per_link_max'];
  }

  get wantedCount(): number {
    return this.#wanted.size;
  }

  get promiseCount(): number {
    return this.#promiseTimers.size;
  }

  /** Announced ids of a link that wait for their messages. */
  wantedOf(link: LinkId): number {
    return this.#announcedBy.get(link)?.size ?? 0;
  }

  /** Takes an announced id that is not accepted; says whether it was taken. */
  hear(link: LinkId, id: MessageId, nowMs: MonoMs): boolean {
    if (this.wantedOf(link) >= this.#perLinkMax) return false;
    let wanted = this.#wanted.get(id);
    if (wanted === undefined) {
      if (this.#wanted.size >= this.#wantedMax) return false;
      wanted = { id, sources: [], asked: [], dueMs: undefined };
      this.#wanted.set(id, wanted);
      this.#schedule(wanted, nowMs + this.#waitMs);
    }
    if (wanted.sources.includes(link) || wanted.asked.includes(link)) return true;
    if (wanted.sources.length >= this.#sourcesMax) return true;
    wanted.sources.push(link);
    this.#index(link).add(id);
    return true;
  }

  /** When a message is to be asked for or a promise breaks, or undefined. */
  get nextMs(): MonoMs | undefined {
    this.#dropStale();
    const question = this.#timers.nextMs;
    const promise = this.#promiseTimers.nextMs;
    if (question === undefined || promise === undefined) return question ?? promise;
    return Math.min(question, promise);
  }

  /** The next message whose waiting time or Iwant has run out at `nowMs`; it has to be asked, postponed, held or dropped. */
  takeDue(nowMs: MonoMs): Question | undefined {
    for (let timer = this.#timers.popDue(nowMs); timer !== undefined; timer = this.#timers.popDue(nowMs)) {
      const wanted = this.#wanted.get(timer.id);
      if (wanted === undefined || wanted.dueMs !== timer.dueMs) continue;
      wanted.dueMs = undefined;
      return wanted;
    }
    return undefined;
  }

  /** An Iwant goes to `link`, which promised the message by announcing it. */
  ask(id: MessageId, link: LinkId, peer: PeerId, nowMs: MonoMs): void {
    const wanted = this.#wanted.get(id);
    if (wanted === undefined) return;
    const index = wanted.sources.indexOf(link);
    if (index >= 0) wanted.sources.splice(index, 1);
    wanted.asked.push(link);
    if (wanted.asked.length > this.#sourcesMax) this.#unindex(wanted.asked.shift(), id);
    this.#schedule(wanted, nowMs + this.#timeoutMs);
    if (this.#promiseTimers.size >= this.#wantedMax) return;
    const promise = { peer, link, id, kept: false };
    let promises = this.#promises.get(link);
    if (promises === undefined) {
      promises = new Map();
      this.#promises.set(link, promises);
    }
    const sameId = promises.get(id);
    if (sameId === undefined) promises.set(id, [promise]);
    else sameId.push(promise);
    this.#promiseTimers.push(nowMs + this.#timeoutMs, promise);
  }

  /** No source may be asked before `untilMs`. */
  postpone(id: MessageId, untilMs: MonoMs): void {
    const wanted = this.#wanted.get(id);
    if (wanted !== undefined) this.#schedule(wanted, untilMs);
  }

  /** The application is done with a copy and did not accept it: whoever waited for that is due now. */
  wake(id: MessageId, nowMs: MonoMs): void {
    const wanted = this.#wanted.get(id);
    if (wanted !== undefined && wanted.dueMs === undefined) this.#schedule(wanted, nowMs);
  }

  /** Whether the link was asked for the message and the message is still wanted. */
  wasAsked(id: MessageId, link: LinkId): boolean {
    return this.#wanted.get(id)?.asked.includes(link) ?? false;
  }

  /** The message came, or nobody is left to ask: it is wanted no more. Promises stand. */
  drop(id: MessageId): void {
    const wanted = this.#wanted.get(id);
    if (wanted === undefined) return;
    this.#wanted.delete(id);
    for (const link of wanted.sources) this.#unindex(link, id);
    for (const link of wanted.asked) this.#unindex(link, id);
  }

  /** The link pushed the message. */
  keepPromise(link: LinkId, id: MessageId): void {
    const promises = this.#promises.get(link);
    for (const promise of promises?.get(id) ?? []) promise.kept = true;
    promises?.delete(id);
    if (promises?.size === 0) this.#promises.delete(link);
  }

  /** The peer of the next promise that ran out unkept at `nowMs`. */
  takeBroken(nowMs: MonoMs): PeerId | undefined {
    for (let promise = this.#promiseTimers.popDue(nowMs); promise !== undefined; promise = this.#promiseTimers.popDue(nowMs)) {
      if (promise.kept) continue;
      this.#removePromise(promise);
      return promise.peer;
    }
    return undefined;
  }

  /** The link's session ended: it is no source any more; what it promised it still owes. */
  forgetLink(link: LinkId): void {
    for (const id of this.#announcedBy.get(link) ?? []) {
      const wanted = this.#wanted.get(id);
      if (wanted === undefined) continue;
      const index = wanted.sources.indexOf(link);
      if (index >= 0) wanted.sources.splice(index, 1);
      if (wanted.sources.length === 0 && wanted.asked.length === 0) this.#wanted.delete(id);
    }
    this.#announcedBy.delete(link);
  }

  #schedule(wanted: Wanted, dueMs: MonoMs): void {
    wanted.dueMs = dueMs;
    this.#timers.push(dueMs, { id: wanted.id, dueMs });
  }

  #index(link: LinkId): Set<MessageId> {
    let ids = this.#announcedBy.get(link);
    if (ids === undefined) {
      ids = new Set();
      this.#announcedBy.set(link, ids);
    }
    return ids;
  }

  #unindex(link: LinkId | undefined, id: MessageId): void {
    if (link === undefined) return;
    const ids = this.#announcedBy.get(link);
    ids?.delete(id);
    if (ids?.size === 0) this.#announcedBy.delete(link);
  }

  #removePromise(promise: Pledge): void {
    const promises = this.#promises.get(promise.link);
    const rest = promises?.get(promise.id)?.filter((other) => other !== promise) ?? [];
    if (rest.length > 0) promises?.set(promise.id, rest);
    else promises?.delete(promise.id);
    if (promises?.size === 0) this.#promises.delete(promise.link);
  }

  /** Timers of messages that came in the meantime would wake the node for nothing. */
  #dropStale(): void {
    for (let timer = this.#timers.peek(); timer !== undefined; timer = this.#timers.peek()) {
      const wanted = this.#wanted.get(timer.id);
      if (wanted !== undefined && wanted.dueMs === timer.dueMs) break;
      this.#timers.popDue(timer.dueMs);
    }
    for (let promise = this.#promiseTimers.peek(); promise?.kept === true; promise = this.#promiseTimers.peek()) {
      this.#promiseTimers.popDue(Number.POSITIVE_INFINITY);
    }
  }
}
