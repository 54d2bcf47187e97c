/** Pruning: which links bring an origin's messages in time, which of them are kept, and what was pruned. Spec: GSP-060 to GSP-077 */
import type { Params } from '../params.ts';
import type { LinkId, MessageId, MonoMs, PeerId } from '../types.ts';

/**
 * Origins pruned on one link in one direction, with the end of each Prune. A Prune is over when its
 * time has passed. Invariant: at most `countMax` origins; those that end soonest go first.
 */
export class PruneTable {
  readonly #countMax: number;
  readonly #until = new Map<PeerId, MonoMs>();

  constructor(countMax: number) {
    this.#countMax = countMax;
  }

  get size(): number {
    return this.#until.size;
  }

  /** Notes a Prune; one that lasts longer already goes on. */
  set(origin: PeerId, untilMs: MonoMs, nowMs: MonoMs): void {
    if (untilMs <= nowMs) return;
    const before = this.#until.get(origin);
    if (before !== undefined && before >= untilMs) return;
    if (before === undefined && this.#until.size >= this.#countMax) this.#makeRoom(nowMs);
    this.#until.set(origin, untilMs);
  }

  /** Whether a Prune for the origin lasts. */
  lasts(origin: PeerId, nowMs: MonoMs): boolean {
    const untilMs = this.#until.get(origin);
    return untilMs !== undefined && nowMs < untilMs;
  }

  /** Ends the Prune of an origin, if there is one. */
  end(origin: PeerId): void {
    this.#until.delete(origin);
  }

  expire(nowMs: MonoMs): void {
    for (const [origin, untilMs] of this.#until) {
      if (untilMs <= nowMs) this.#until.delete(origin);
    }
  }

  #makeRoom(nowMs: MonoMs): void {
    this.expire(nowMs);
    while (this.#until.size >= this.#countMax) {
      let soonest: PeerId | undefined;
      let soonestMs = Number.POSITIVE_INFINITY;
      for (const [origin, untilMs] of this.#until) {
        if (untilMs < soonestMs) {
          soonest = origin;
          soonestMs = untilMs;
        }
      }
      if (soonest === undefined) return;
      this.#until.delete(soonest);
    }
  }
}

/** A link that pushed a copy of an origin's message. */
export interface PruneCandidate {
  readonly link: LinkId;
  readonly peer: PeerId;
  readonly credits: number;
  readonly stake: bigint;
}

/** What the kept links have to reach together. */
export interface KeepRule {
  readonly linksMin: number;
  readonly stakePercent: number;
  readonly ownStake: bigint;
  readonly originStake: bigint;
}

/** By credits, then stake, both descending, then PeerId ascending. */
function compareCandidates(a: PruneCandidate, b: PruneCandidate): number {
  if (a.credits !== b.credits) return b.credits - a.credits;
  if (a.stake !== b.stake) return a.stake > b.stake ? -1 : 1;
  return a.peer < b.peer ? -1 : a.peer > b.peer ? 1 : 0;
}

/** Divides the links into those that are kept and those that are pruned, each in order. Spec: chapter 05, "Pruning" */
export function divideLinks(
  candidates: readonly PruneCandidate[],
  rule: KeepRule,
): { readonly kept: readonly PruneCandidate[]; readonly pruned: readonly PruneCandidate[] } {
  const order = [...candidates].sort(compareCandidates);
  const needed = BigInt(rule.stakePercent) * smallerStake(rule.ownStake, rule.originStake);
  let count = 0;
  let stake = 0n;
  for (const candidate of order) {
    if (count >= rule.linksMin && 100n * stake >= needed) break;
    count += 1;
    stake += candidate.stake;
  }
  return { kept: order.slice(0, count), pruned: order.slice(count) };
}

function smallerStake(a: bigint, b: bigint): bigint {
  if (a < b) return a;
  return b;
}

/** What was counted for one origin since its last count. */
interface OriginCount {
  accepted: number;
  /** The links that pushed each message first and second. */
  readonly firstPushers: Map<MessageId, LinkId[]>;
  /** Credits per link that pushed a copy, least recently used first. */
  readonly credits: Map<LinkId, number>;
  /** Who published the messages: more than one only for the origins without stake. */
  readonly origins: Set<PeerId>;
}

/** The result of a count that is complete. */
export interface CompleteCount {
  readonly key: PeerId;
  readonly credits: ReadonlyMap<LinkId, number>;
  readonly origins: ReadonlySet<PeerId>;
}

/** How many links push a message early enough for a credit. */
const EARLY_PUSHERS = 2;

/**
 * Counts per origin with stake, and one for all others together.
 * Invariants: at most `gossip.prune_origins_tracked_max` origins and `gossip.prune_links_tracked_max`
 * links each, the least recently used go first (GSP-077); a complete count lives until the next
 * heartbeat, so it holds at most `gossip.prune_after` messages and those of one heartbeat, which the
 * flood buckets bound.
 */
export class OriginCounts {
  readonly #after: number;
  readonly #originsMax: number;
  readonly #linksMax: number;
  readonly #counts = new Map<PeerId, OriginCount>();

  constructor(params: Params) {
    this.#after = params['gossip.prune_after'];
    this.#originsMax = params['gossip.prune_origins_tracked_max'];
    this.#linksMax = params['gossip.prune_links_tracked_max'];
  }

  get size(): number {
    return this.#counts.size;
  }

  /** Links and messages held in the largest counts. */
  get largest(): { readonly links: number; readonly messages: number } {
    let links = 0;
    let messages = 0;
    for (const count of this.#counts.values()) {
      links = Math.max(links, count.credits.size);
      messages = Math.max(messages, count.firstPushers.size);
    }
    return { links, messages };
  }

  /** A message was accepted that these links have pushed, in this order. */
  addMessage(key: PeerId, origin: PeerId, id: MessageId, pushers: readonly LinkId[]): void {
    const count = this.#touch(key);
    count.accepted += 1;
    count.origins.add(origin);
    count.firstPushers.set(id, []);
    for (const link of pushers) this.#addPush(count, id, link);
  }

  /** Another copy of a message was pushed; late and repeated ones cost nothing (GSP-073). */
  addCopy(key: PeerId, id: MessageId, link: LinkId): void {
    if (this.#counts.get(key)?.firstPushers.has(id) !== true) return;
    this.#addPush(this.#touch(key), id, link);
  }

  /** Takes out the counts that have `gossip.prune_after` messages, in the order of their keys; they start anew. */
  takeComplete(): readonly CompleteCount[] {
    const complete: CompleteCount[] = [];
    for (const [key, count] of this.#counts) {
      if (count.accepted < this.#after) continue;
      complete.push({ key, credits: count.credits, origins: count.origins });
      this.#counts.delete(key);
    }
    return complete.sort((a, b) => (a.key < b.key ? -1 : 1));
  }

  forgetLink(link: LinkId): void {
    for (const count of this.#counts.values()) count.credits.delete(link);
  }

  #touch(key: PeerId): OriginCount {
    const count = this.#counts.get(key) ?? { accepted: 0, firstPushers: new Map(), credits: new Map(), origins: new Set() };
    this.#counts.delete(key);
    this.#counts.set(key, count);
    for (const oldest of this.#counts.keys()) {
      if (this.#counts.size <= this.#originsMax) break;
      this.#counts.delete(oldest);
    }
    return count;
  }

  #addPush(count: OriginCount, id: MessageId, link: LinkId): void {
    const credits = count.credits.get(link) ?? 0;
    const early = count.firstPushers.get(id);
    const isEarly = early !== undefined && early.length < EARLY_PUSHERS && !early.includes(link);
    if (isEarly) early.push(link);
    count.credits.delete(link);
    count.credits.set(link, credits + (isEarly ? 1 : 0));
    for (const oldest of count.credits.keys()) {
      if (count.credits.size <= this.#linksMax) break;
      count.credits.delete(oldest);
    }
  }
}
