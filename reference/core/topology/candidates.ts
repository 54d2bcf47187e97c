/** Peers that may be worth a dial, and how they fared when they were dialled. Spec: TOP-045, TOP-050 to TOP-053 */
import type { Params } from '../params.ts';
import type { Rng } from '../rng.ts';
import type { MonoMs, PeerId } from '../types.ts';
import { backoffMs } from './backoff.ts';
import type { Region } from './region.ts';

/** Addresses that are kept of one candidate. */
const ADDRESSES_MAX = 8;

/** One peer that may be dialled. */
export interface Candidate {
  readonly peer: PeerId;
  /** `ws://` or `wss://`, the one that answered last first. */
  addresses: readonly string[];
  /** What somebody else than its record says of its region. */
  region: Region;
  /** It has answered at one of its addresses. */
  hasAnswered: boolean;
  failures: number;
  notBeforeMs: MonoMs;
}

/**
 * Invariant: at most `topology.candidates_max` entries but for those of protected peers; who has
 * answered is not displaced by who has not.
 */
export class Candidates {
  readonly #params: Params;
  readonly #rng: Rng;
  readonly #isKept: (peer: PeerId) => boolean;
  readonly #entries = new Map<PeerId, Candidate>();

  /** `isKept` says of whom an entry stays whatever else comes. */
  constructor(params: Params, rng: Rng, isKept: (peer: PeerId) => boolean) {
    this.#params = params;
    this.#rng = rng;
    this.#isKept = isKept;
  }

  get size(): number {
    return this.#entries.size;
  }

  get(peer: PeerId): Candidate | undefined {
    return this.#entries.get(peer);
  }

  values(): IterableIterator<Candidate> {
    return this.#entries.values();
  }

  /** Somebody says where a peer is. What is known already comes first. */
  add(peer: PeerId, addresses: readonly string[], region: Region = 'unknown'): void {
    if (addresses.length === 0) return;
    const known = this.#entries.get(peer);
    if (known !== undefined) {
      known.addresses = [...new Set([...known.addresses, ...addresses])].slice(0, ADDRESSES_MAX);
      if (region !== 'unknown') known.region = region;
      return;
    }
    if (this.#entries.size >= this.#params['topology.candidates_max'] && !this.#makeRoom() && !this.#isKept(peer)) return;
    const entry = { peer, addresses: addresses.slice(0, ADDRESSES_MAX), region, hasAnswered: false, failures: 0, notBeforeMs: 0 };
    this.#entries.set(peer, entry);
  }

  /** A lookup says where a peer is now: that goes before the address that did not answer. Spec: TOP-054 */
  found(peer: PeerId, addresses: readonly string[]): void {
    const entry = this.#entries.get(peer);
    if (entry === undefined) {
      this.add(peer, addresses);
      return;
    }
    const [first] = entry.addresses;
    entry.addresses = [...new Set([...addresses.filter((address) => address !== first), ...entry.addresses])].slice(0, ADDRESSES_MAX);
  }

  /** The peer has answered where it was dialled. */
  answered(peer: PeerId, address: string): void {
    const entry = this.#entries.get(peer);
    if (entry === undefined) {
      this.add(peer, [address]);
      const added = this.#entries.get(peer);
      if (added !== undefined) added.hasAnswered = true;
      return;
    }
    entry.hasAnswered = true;
    entry.addresses = [address, ...entry.addresses.filter((other) => other !== address)].slice(0, ADDRESSES_MAX);
  }

  /** A dial came to nothing, or a session ended early. Spec: TOP-050, TOP-053 */
  failed(peer: PeerId, nowMs: MonoMs): void {
    const entry = this.#entries.get(peer);
    if (entry === undefined) return;
    entry.failures += 1;
    if (entry.failures >= this.#params['topology.reconnect_attempts_max'] && !this.#isKept(peer)) {
      this.#entries.delete(peer);
      return;
    }
    // Another address may be the right one.
    const [first, ...others] = entry.addresses;
    if (first !== undefined && !entry.hasAnswered) entry.addresses = [...others, first];
    this.rest(peer, backoffMs(this.#params, entry.failures, this.#rng), nowMs);
  }

  /** A session that had lasted has ended: earlier failures are forgotten, and this counts as the first. */
  ended(peer: PeerId, nowMs: MonoMs): void {
    const entry = this.#entries.get(peer);
    if (entry === undefined) return;
    entry.failures = 0;
    this.failed(peer, nowMs);
  }

  /** Leaves a peer in peace for at least that long. */
  rest(peer: PeerId, ms: number, nowMs: MonoMs): void {
    const entry = this.#entries.get(peer);
    if (entry !== undefined) entry.notBeforeMs = Math.max(entry.notBeforeMs, nowMs + ms);
  }

  forget(peer: PeerId): void {
    this.#entries.delete(peer);
  }

  /** Takes out who was heard of first among those that never answered; false when there is none. Spec: TOP-045 */
  #makeRoom(): boolean {
    for (const { peer, hasAnswered } of this.#entries.values()) {
      if (hasAnswered || this.#isKept(peer)) continue;
      this.#entries.delete(peer);
      return true;
    }
    return false;
  }
}
