/** Messages between their acceptance and the heartbeat that announces them. Spec: GSP-046, GSP-050, GSP-051 */
import type { Params } from '../params.ts';
import type { LinkId, MessageId, MonoMs } from '../types.ts';
import type { KnownLinks } from './known.ts';

/** A message that some link may not have heard of. */
interface Announcement {
  readonly id: MessageId;
  readonly topic: string;
  readonly sinceMs: MonoMs;
}

/** One entry of an Ihave. */
export interface Announced {
  readonly link: LinkId;
  readonly topic: string;
  readonly id: MessageId;
}

/**
 * What waits to be announced, oldest first. Two beats may fall into one window of a receiver
 * (GSP-059), so a beat takes half of what a window lets pass, and more only for messages that
 * waited for a beat already. Invariant: a message leaves when every link has heard of it, and at
 * the latest when it cannot be asked for any more; the known links of a message are held as long as
 * it waits here.
 */
export class Announcements {
  readonly #waiting = new Map<MessageId, Announcement>();
  readonly #heartbeatMs: number;
  readonly #lifetimeMs: number;
  readonly #idsMax: number;
  readonly #framesMax: number;

  constructor(params: Params) {
    this.#heartbeatMs = params['gossip.heartbeat_ms'];
    this.#lifetimeMs = params['gossip.message_cache_ms'];
    this.#idsMax = params['gossip.ihave_ids_per_heartbeat'];
    this.#framesMax = params['gossip.ihave_frames_per_heartbeat'];
  }

  get size(): number {
    return this.#waiting.size;
  }

  add(id: MessageId, topic: string, nowMs: MonoMs): void {
    this.#waiting.set(id, { id, topic, sinceMs: nowMs });
  }

  /** What to announce on the links that take its topic at this beat; afterwards they are known to have it. */
  beat(
    links: readonly LinkId[],
    known: KnownLinks,
    canAsk: (id: MessageId) => boolean,
    nowMs: MonoMs,
    takes: (link: LinkId, topic: string) => boolean = () => true,
  ): readonly Announced[] {
    const announced: Announced[] = [];
    const missed = new Set<MessageId>();
    for (const link of links) {
      const topics = new Set<string>();
      let count = 0;
      for (const { id, topic, sinceMs } of this.#waiting.values()) {
        if (known.has(link, id, nowMs) || !takes(link, topic)) continue;
        const isLate = nowMs - sinceMs > this.#heartbeatMs;
        const isNewTopic = !topics.has(topic);
        if (count >= part(this.#idsMax, isLate) || (isNewTopic && topics.size >= part(this.#framesMax, isLate))) {
          missed.add(id);
          continue;
        }
        count += 1;
        topics.add(topic);
        announced.push({ link, topic, id });
        known.learn(link, id, nowMs);
      }
    }
    for (const { id, sinceMs } of this.#waiting.values()) {
      if (missed.has(id) && canAsk(id) && nowMs - sinceMs <= this.#lifetimeMs) continue;
      this.#waiting.delete(id);
      known.release(id);
    }
    return announced;
  }
}

/** How much of a window's room a beat uses. */
function part(windowMax: number, isLate: boolean): number {
  return isLate ? windowMax : Math.max(1, Math.floor(windowMax / 2));
}
