/** Which link is known to have which message. Spec: GSP-040, GSP-041, GSP-102 */
import type { Params } from '../params.ts';
import type { LinkId, MessageId, MonoMs } from '../types.ts';

/** Ids per link below which no parameters push the bound. */
const PER_LINK_MIN = 8192;

/**
 * Knowledge in two tiers, because a message is pushed and announced only around the moment when it
 * is accepted. Before, each link has its own list of ids, which live for `gossip.seen_ttl_ms` and of
 * which the oldest go first when there are more than a bound. From acceptance until the announcement
 * is done, the message has a set of links. Afterwards nobody asks, and nothing is held.
 */
export class KnownLinks {
  readonly #ttlMs: number;
  readonly perLinkMax: number;
  readonly #early = new Map<LinkId, Map<MessageId, MonoMs>>();
  readonly #settled = new Map<MessageId, Set<LinkId>>();

  constructor(params: Params) {
    this.#ttlMs = params['gossip.seen_ttl_ms'];
    this.perLinkMax = Math.max(PER_LINK_MIN, 2 * (params['gossip.wanted_per_link_max'] + params['gossip.idontwant_ids_per_heartbeat']));
  }

  /** Messages between acceptance and announcement. */
  get settledCount(): number {
    return this.#settled.size;
  }

  /** The largest number of ids held for one link. */
  get largestLinkSize(): number {
    let largest = 0;
    for (const ids of this.#early.values()) largest = Math.max(largest, ids.size);
    return largest;
  }

  /** The link has the message, which may still be on its way to being accepted. */
  learn(link: LinkId, id: MessageId, nowMs: MonoMs): void {
    const settled = this.#settled.get(id);
    if (settled !== undefined) {
      settled.add(link);
      return;
    }
    let ids = this.#early.get(link);
    if (ids === undefined) {
      ids = new Map();
      this.#early.set(link, ids);
    }
    // A renewed id goes to the back, so that the front stays the oldest.
    ids.delete(id);
    ids.set(id, nowMs + this.#ttlMs);
    trim(ids, this.perLinkMax, nowMs);
  }

  /** The link has a message that was accepted before; without meaning once the message is announced. */
  confirm(link: LinkId, id: MessageId): void {
    this.#settled.get(id)?.add(link);
  }

  /** Whether a message between acceptance and announcement is not known to be on the link. */
  lacks(link: LinkId, id: MessageId): boolean {
    return this.#settled.get(id)?.has(link) === false;
  }

  /** Whether the link is known to have the message. */
  has(link: LinkId, id: MessageId, nowMs: MonoMs): boolean {
    const settled = this.#settled.get(id);
    if (settled !== undefined) return settled.has(link);
    const untilMs = this.#early.get(link)?.get(id);
    return untilMs !== undefined && nowMs <= untilMs;
  }

  /** The message is accepted or published: from here on its links stand together. */
  settle(id: MessageId, nowMs: MonoMs): void {
    const links = new Set<LinkId>();
    for (const [link, ids] of this.#early) {
      const untilMs = ids.get(id);
      if (untilMs === undefined) continue;
      ids.delete(id);
      if (nowMs <= untilMs) links.add(link);
    }
    this.#settled.set(id, links);
  }

  /** The message is announced everywhere: nobody will ask again. */
  release(id: MessageId): void {
    this.#settled.delete(id);
  }

  forgetLink(link: LinkId): void {
    this.#early.delete(link);
    for (const links of this.#settled.values()) links.delete(link);
  }

  expire(nowMs: MonoMs): void {
    for (const ids of this.#early.values()) trim(ids, this.perLinkMax, nowMs);
  }
}

/** Takes out of the front what has expired or is too much. */
function trim(ids: Map<MessageId, MonoMs>, countMax: number, nowMs: MonoMs): void {
  for (const [id, untilMs] of ids) {
    if (ids.size <= countMax && untilMs >= nowMs) break;
    ids.delete(id);
  }
}
