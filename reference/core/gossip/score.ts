/** Peer scores: what a peer gave and cost, kept beyond its sessions. Spec: GSP-090 to GSP-096 */
import type { Params } from '../params.ts';
import type { MonoMs, PeerId } from '../types.ts';
import { type Ranked, Ranking } from './ranking.ts';
import { cappedLinear, DecayingCounter, squaredAbove } from './score-components.ts';

/** Overruns that count as one broken promise. Spec: chapter 05, "Flood control and score" */
const OVERRUNS_PER_COUNT = 50;

interface PeerRecord {
  /** F, I and B of the formula. */
  readonly first: DecayingCounter;
  readonly invalid: DecayingCounter;
  readonly broken: DecayingCounter;
  overruns: number;
  /** Up to which beat the counters have decayed. */
  beat: number;
  /** Hosts of the sessions that are open, in the order of their coming. */
  readonly hosts: string[];
  closedAtMs: MonoMs;
}

/** The IP address of a textual address with or without a port; IPv6 with a port stands in brackets. */
export function hostOf(address: string): string {
  const text = address.toLowerCase();
  const bracketed = /^\[([^\]]*)\]/.exec(text);
  const host = bracketed?.[1] ?? (text.split(':').length === 2 ? text.slice(0, text.indexOf(':')) : text);
  // An IPv4 peer of a dual-stack listener is the same host as without the prefix.
  return host.startsWith('::ffff:') && host.includes('.') ? host.slice('::ffff:'.length) : host;
}

/**
 * Counts of all peers with a session, and of those whose last one ended within `score.retain_ms`.
 * Counters decay at the multiples of `score.decay_interval_ms` of the clock, when they are looked at.
 * Invariant: at most `score.retained_max` peers without a session, of which the best go first; a peer
 * whose counts are all 0 is not retained.
 */
export class PeerScores {
  readonly #params: Params;
  readonly #intervalMs: number;
  readonly #records = new Map<PeerId, PeerRecord>();
  readonly #sessionsByHost = new Map<string, number>();
  /** Peers without a session, by the time when the last one ended. */
  readonly #retained = new Set<PeerId>();
  /** Who goes first when too many are retained; made when that happens, and anew when a beat has passed. */
  #ranking: Ranking | undefined;

  constructor(params: Params) {
    this.#params = params;
    this.#intervalMs = params['score.decay_interval_ms'];
  }

  get size(): number {
    return this.#records.size;
  }

  get retainedCount(): number {
    return this.#retained.size;
  }

  /** A session of the peer begins. */
  open(peer: PeerId, address: string, nowMs: MonoMs): void {
    const host = hostOf(address);
    this.#recordOf(peer, nowMs).hosts.push(host);
    this.#retained.delete(peer);
    this.#sessionsByHost.set(host, (this.#sessionsByHost.get(host) ?? 0) + 1);
  }

  /** A session of the peer ends; its counts stay if there are any. */
  close(peer: PeerId, address: string, nowMs: MonoMs): void {
    const host = hostOf(address);
    const sessions = (this.#sessionsByHost.get(host) ?? 0) - 1;
    if (sessions > 0) this.#sessionsByHost.set(host, sessions);
    else this.#sessionsByHost.delete(host);
    const record = this.#records.get(peer);
    if (record === undefined) return;
    const index = record.hosts.indexOf(host);
    if (index >= 0) record.hosts.splice(index, 1);
    if (record.hosts.length > 0) return;
    record.closedAtMs = nowMs;
    this.#decay(record, nowMs);
    this.#retained.add(peer);
    if (isEmpty(record)) this.#forget(peer);
    else this.#rank(peer, nowMs);
    while (this.#retained.size > this.#params['score.retained_max']) this.#forgetBest(nowMs);
  }

  /** The peer pushed a message first that the node accepted. */
  countFirst(peer: PeerId, nowMs: MonoMs): void {
    this.#count(peer, nowMs, (record) => record.first.add(1));
  }

  /** An envelope of the peer was rejected. */
  countInvalid(peer: PeerId, nowMs: MonoMs): void {
    this.#count(peer, nowMs, (record) => record.invalid.add(1));
  }

  /** The peer did not push in time what it had announced and was asked for, `count` messages. Spec: GSP-095 */
  countBroken(peer: PeerId, nowMs: MonoMs, count = 1): void {
    this.#count(peer, nowMs, (record) => record.broken.add(count));
  }

  /** A frame of the peer found its buckets empty. */
  countOverrun(peer: PeerId, nowMs: MonoMs): void {
    this.#count(peer, nowMs, (record) => {
      record.overruns += 1;
      if (record.overruns < OVERRUNS_PER_COUNT) return;
      record.overruns = 0;
      record.broken.add(1);
    });
  }

  /** The peer's score by the formula of chapter 05; 0 for a peer that nothing is known of. */
  scoreOf(peer: PeerId, nowMs: MonoMs): number {
    const record = this.#records.get(peer);
    if (record === undefined) return 0;
    this.#decay(record, nowMs);
    return this.#points(record, this.#colocated(record));
  }

  /** Whether the score falls short of something that the next beats may change; else nobody has to look. */
  isBurdened(peer: PeerId, nowMs: MonoMs): boolean {
    const record = this.#records.get(peer);
    if (record === undefined) return false;
    this.#decay(record, nowMs);
    const isFalling = this.#colocated(record) > this.#params['score.colocation_threshold'] && record.first.value > 0;
    return record.invalid.value > 0 || record.broken.value > 0 || isFalling;
  }

  /** The next beat after `nowMs`. */
  nextBeatMs(nowMs: MonoMs): MonoMs {
    return (Math.floor(nowMs / this.#intervalMs) + 1) * this.#intervalMs;
  }

  /**
   * After how many milliseconds a session of the peer will be taken again: when its counts have decayed
   * so far or are forgotten, but no later than a GoAway can say. Spec: GSP-096
   */
  retryAfterMs(peer: PeerId, nowMs: MonoMs): number {
    const longest = Math.min(this.#params['score.retain_ms'] + 1, this.#params['session.goaway_retry_ms_max']);
    const record = this.#records.get(peer);
    if (record === undefined) return 0;
    this.#decay(record, nowMs);
    const trial = { ...record, first: record.first.copy(), invalid: record.invalid.copy(), broken: record.broken.copy() };
    for (let atMs = this.nextBeatMs(nowMs); atMs - nowMs < longest; atMs += this.#intervalMs) {
      trial.first.decay();
      trial.invalid.decay();
      trial.broken.decay();
      // Neighbours at one address come and go, which no decay foretells.
      if (this.#points(trial, 0) >= this.#params['score.graylist_min']) return Math.ceil(atMs - nowMs);
    }
    return longest;
  }

  /** Forgets peers whose last session ended more than `score.retain_ms` ago. */
  expire(nowMs: MonoMs): void {
    for (const peer of this.#retained) {
      const record = this.#records.get(peer);
      if (record !== undefined && nowMs - record.closedAtMs <= this.#params['score.retain_ms']) break;
      this.#forget(peer);
    }
  }

  /** The last moment of the peer that is forgotten next, or undefined. */
  get nextExpiryMs(): MonoMs | undefined {
    for (const peer of this.#retained) {
      const record = this.#records.get(peer);
      if (record !== undefined) return record.closedAtMs + this.#params['score.retain_ms'];
    }
    return undefined;
  }

  /** What is held of a peer, for views. */
  countsOf(peer: PeerId): { readonly first: number; readonly invalid: number; readonly broken: number } | undefined {
    const record = this.#records.get(peer);
    if (record === undefined) return undefined;
    return { first: record.first.value, invalid: record.invalid.value, broken: record.broken.value };
  }

  #count(peer: PeerId, nowMs: MonoMs, change: (record: PeerRecord) => void): void {
    const isNew = !this.#records.has(peer);
    const record = this.#recordOf(peer, nowMs);
    change(record);
    // The session has ended meanwhile: the count belongs to what is retained.
    if (isNew) {
      record.closedAtMs = nowMs;
      this.#retained.add(peer);
    }
    if (!this.#retained.has(peer)) return;
    this.#rank(peer, nowMs);
    if (isNew) {
      while (this.#retained.size > this.#params['score.retained_max']) this.#forgetBest(nowMs);
    }
  }

  #recordOf(peer: PeerId, nowMs: MonoMs): PeerRecord {
    let record = this.#records.get(peer);
    if (record === undefined) {
      record = {
        first: new DecayingCounter({ decay: this.#params['score.first_decay'] }),
        invalid: new DecayingCounter({ decay: this.#params['score.invalid_decay'] }),
        broken: new DecayingCounter({ decay: this.#params['score.behaviour_decay'] }),
        overruns: 0,
        beat: this.#beatOf(nowMs),
        hosts: [],
        closedAtMs: nowMs,
      };
      this.#records.set(peer, record);
    }
    // A session may come before anybody noticed that the retained counts are too old.
    if (this.#retained.has(peer) && nowMs - record.closedAtMs > this.#params['score.retain_ms']) {
      this.#forget(peer);
      return this.#recordOf(peer, nowMs);
    }
    this.#decay(record, nowMs);
    return record;
  }

  #beatOf(nowMs: MonoMs): number {
    return Math.floor(nowMs / this.#intervalMs);
  }

  #decay(record: PeerRecord, nowMs: MonoMs): void {
    const beat = this.#beatOf(nowMs);
    const beats = beat - record.beat;
    if (beats <= 0) return;
    record.beat = beat;
    record.first.decay(beats);
    record.invalid.decay(beats);
    record.broken.decay(beats);
  }

  /** C of the formula: sessions from the address that the peer shares with most others. */
  #colocated(record: PeerRecord): number {
    return record.hosts.reduce((most, host) => Math.max(most, this.#sessionsByHost.get(host) ?? 0), 0);
  }

  #points(record: PeerRecord, colocated: number): number {
    const params = this.#params;
    return (
      cappedLinear(params['score.first_weight'], record.first.value, params['score.first_max']) -
      squaredAbove(params['score.invalid_weight'], record.invalid.value, 0) -
      squaredAbove(params['score.behaviour_weight'], record.broken.value, params['score.behaviour_threshold']) -
      squaredAbove(params['score.colocation_weight'], colocated, params['score.colocation_threshold'])
    );
  }

  #forget(peer: PeerId): void {
    this.#retained.delete(peer);
    this.#records.delete(peer);
  }

  /** The best score is the one that is missed least: a bad peer must not wash itself by filling the table. */
  #forgetBest(nowMs: MonoMs): void {
    const beat = this.#beatOf(nowMs);
    if (this.#ranking?.beat !== beat) this.#ranking = new Ranking(beat, this.#scoresOfRetained(nowMs));
    for (let best = this.#ranking.takeBest(); best !== undefined; best = this.#ranking.takeBest()) {
      // What was ranked may have come back, gone, or been counted again since; then another row stands for it.
      if (!this.#retained.has(best.peer) || this.scoreOf(best.peer, nowMs) !== best.score) continue;
      this.#forget(best.peer);
      return;
    }
    this.#ranking = undefined;
    for (const oldest of this.#retained) {
      this.#forget(oldest);
      return;
    }
  }

  #scoresOfRetained(nowMs: MonoMs): readonly Ranked[] {
    return [...this.#retained].map((peer) => ({ peer, score: this.scoreOf(peer, nowMs) }));
  }

  /** A peer without a session was counted, or has become one. */
  #rank(peer: PeerId, nowMs: MonoMs): void {
    if (this.#ranking?.beat !== this.#beatOf(nowMs)) return;
    if (this.#ranking.size > 2 * this.#params['score.retained_max']) this.#ranking = undefined;
    else this.#ranking.add({ peer, score: this.scoreOf(peer, nowMs) });
  }
}

function isEmpty(record: PeerRecord): boolean {
  return record.first.value === 0 && record.invalid.value === 0 && record.broken.value === 0 && record.overruns === 0;
}
