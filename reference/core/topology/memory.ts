/** What a node remembers of peers beyond their sessions: uptime, round trips, misbehaviour. Spec: TOP-032, TOP-084 */
import type { Params } from '../params.ts';
import type { MonoMs, PeerId } from '../types.ts';
import type { RoundTrip } from './score.ts';

interface Remembered {
  /** Of sessions that have ended. */
  uptimeMs: number;
  /** When the session that is open began; undefined without one. */
  sinceMs: MonoMs | undefined;
  endedMs: MonoMs;
  roundTrip: RoundTrip | undefined;
  leastRttMs: number | undefined;
  misbehavedMs: MonoMs[];
}

/**
 * Peers with a session, and those without one that are remembered. Invariant: at most
 * `topology.remembered_max` of the latter, of which the shortest uptime goes first, so that nobody is
 * pushed out by identities that have only just appeared.
 */
export class PeerMemory {
  readonly #params: Params;
  readonly #peers = new Map<PeerId, Remembered>();
  #retained = 0;

  constructor(params: Params) {
    this.#params = params;
  }

  /** Peers that are known, with and without a session. */
  get size(): number {
    return this.#peers.size;
  }

  /** A session with the peer begins; one that goes on is not counted twice. */
  open(peer: PeerId, nowMs: MonoMs): void {
    const entry = this.#fresh(peer, nowMs);
    if (entry.sinceMs !== undefined) return;
    if (this.#peers.has(peer)) this.#retained -= 1;
    entry.sinceMs = nowMs;
    this.#peers.set(peer, entry);
  }

  /** The session with the peer ends. */
  close(peer: PeerId, nowMs: MonoMs): void {
    const entry = this.#peers.get(peer);
    if (entry?.sinceMs === undefined) return;
    entry.uptimeMs += nowMs - entry.sinceMs;
    entry.sinceMs = undefined;
    entry.endedMs = nowMs;
    this.#retained += 1;
    if (entry.uptimeMs === 0 && entry.misbehavedMs.length === 0) this.#forget(peer);
    while (this.#retained > this.#params['topology.remembered_max']) this.#forgetShortest(nowMs);
  }

  /** A round trip was measured; true when it is the smallest so far. */
  measure(peer: PeerId, ms: number, nowMs: MonoMs): boolean {
    const entry = this.#peers.get(peer);
    if (entry === undefined) return false;
    entry.roundTrip = { ms, atMs: nowMs };
    if (entry.leastRttMs !== undefined && entry.leastRttMs <= ms) return false;
    entry.leastRttMs = ms;
    return true;
  }

  /** Counts one misbehaviour; true when the peer has misbehaved more often than is forgiven. Spec: TOP-084 */
  misbehaved(peer: PeerId, nowMs: MonoMs): boolean {
    const entry = this.#fresh(peer, nowMs);
    if (!this.#peers.has(peer)) {
      this.#peers.set(peer, entry);
      this.#retained += 1;
    }
    const oldestMs = nowMs - this.#params['topology.remember_ms'];
    entry.misbehavedMs = [...entry.misbehavedMs.filter((atMs) => atMs > oldestMs), nowMs];
    const isTooMuch = entry.misbehavedMs.length > this.#params['topology.misbehaviour_max'];
    if (isTooMuch) entry.misbehavedMs = [];
    while (this.#retained > this.#params['topology.remembered_max']) this.#forgetShortest(nowMs);
    return isTooMuch;
  }

  /** Milliseconds that sessions with the peer have lasted, the open one included. */
  uptimeMs(peer: PeerId, nowMs: MonoMs): number {
    const entry = this.#known(peer, nowMs);
    if (entry === undefined) return 0;
    return entry.uptimeMs + (entry.sinceMs === undefined ? 0 : nowMs - entry.sinceMs);
  }

  /** The latest round trip, of whatever age. */
  roundTrip(peer: PeerId, nowMs: MonoMs): RoundTrip | undefined {
    return this.#known(peer, nowMs)?.roundTrip;
  }

  /** The smallest round trip that was ever measured, in ms. */
  leastRttMs(peer: PeerId, nowMs: MonoMs): number | undefined {
    return this.#known(peer, nowMs)?.leastRttMs;
  }

  #isOver(entry: Remembered, nowMs: MonoMs): boolean {
    return entry.sinceMs === undefined && nowMs - entry.endedMs >= this.#params['topology.remember_ms'];
  }

  #known(peer: PeerId, nowMs: MonoMs): Remembered | undefined {
    const entry = this.#peers.get(peer);
    return entry === undefined || this.#isOver(entry, nowMs) ? undefined : entry;
  }

  /** The peer's entry, or one to begin with, which is not kept yet. */
  #fresh(peer: PeerId, nowMs: MonoMs): Remembered {
    const entry = this.#peers.get(peer);
    if (entry !== undefined && !this.#isOver(entry, nowMs)) return entry;
    if (entry !== undefined) this.#forget(peer);
    return { uptimeMs: 0, sinceMs: undefined, endedMs: nowMs, roundTrip: undefined, leastRttMs: undefined, misbehavedMs: [] };
  }

  #forget(peer: PeerId): void {
    const entry = this.#peers.get(peer);
    if (entry === undefined) return;
    this.#peers.delete(peer);
    if (entry.sinceMs === undefined) this.#retained -= 1;
  }

  /** What is out of date goes first, then the shortest uptime, then whoever was entered first. */
  #forgetShortest(nowMs: MonoMs): void {
    let shortest: { readonly peer: PeerId; readonly uptimeMs: number } | undefined;
    for (const [peer, entry] of this.#peers) {
      if (entry.sinceMs !== undefined) continue;
      const uptimeMs = this.#isOver(entry, nowMs) ? -1 : entry.uptimeMs;
      if (shortest === undefined || uptimeMs < shortest.uptimeMs) shortest = { peer, uptimeMs };
    }
    if (shortest !== undefined) this.#forget(shortest.peer);
  }
}
