/**
 * One lookup: paths with candidates, and whom to ask next. It asks nobody itself; its owner puts the
 * questions and says what became of them. Spec: DHT-070 to DHT-086
 */
import type { PeerId } from '../types.ts';
import { addressText } from '../wire/contact.ts';
import type { Contact } from './contact.ts';
import { compareDistance, distanceNumber } from './distance.ts';

/** What bounds a lookup. */
export interface LookupBounds {
  readonly bucketSize: number;
  readonly alpha: number;
  readonly paths: number;
  readonly shortlistMax: number;
  readonly queriesMax: number;
  /** Distances below it belong to the region; 0 when the region does not count. */
  readonly radius: bigint;
  /** Whether all contacts with which it begins are asked, also when nearer ones have been named meanwhile. */
  readonly asksAllOfStart: boolean;
}

type CandidateState = 'new' | 'asked' | 'answered' | 'failed';

interface Candidate {
  readonly contact: Contact;
  readonly depth: number;
  readonly isInRegion: boolean;
  state: CandidateState;
}

interface Path {
  /** Nearest first. */
  readonly candidates: Candidate[];
  readonly byPeer: Map<PeerId, Candidate>;
  asked: number;
  unanswered: number;
}

/** Somebody who is to be asked. */
export interface Turn {
  readonly contact: Contact;
  readonly path: number;
}

/** How a lookup went. */
export interface LookupResult {
  /** The nearest that answered, up to k. */
  readonly contacts: readonly Contact[];
  /** All that answered in the region, and the nearest k: where something is published. */
  readonly writers: readonly Contact[];
  readonly hops: number;
  readonly depth: number;
  readonly queries: number;
}

/** A peer at its addresses, as a text to compare. */
function placeOf({ peer, addresses }: Contact): string {
  return `${peer} ${addresses.map(addressText).join(' ')}`;
}

/** Invariants: a peer is asked on one path only; `byPeer` and `candidates` of a path hold the same. */
export class Lookup {
  readonly target: Uint8Array;
  readonly #bounds: LookupBounds;
  readonly #self: PeerId;
  readonly #paths: readonly Path[];
  /** Who was asked and has not failed. */
  readonly #claims = new Set<PeerId>();
  /** Who failed, with the addresses at which it was asked. */
  readonly #failed = new Set<string>();

  /** `start` are the nearest contacts of the table, nearest first. Spec: DHT-070 */
  constructor(self: PeerId, target: Uint8Array, start: readonly Contact[], bounds: LookupBounds) {
    this.target = target;
    this.#self = self;
    this.#bounds = bounds;
    this.#paths = Array.from({ length: bounds.paths }, () => ({ candidates: [], byPeer: new Map(), asked: 0, unanswered: 0 }));
    start.forEach((contact, index) => {
      const path = this.#paths[index % bounds.paths];
      if (path !== undefined) this.#add(path, contact, 0);
    });
  }

  /** Whom to ask now; they count as asked. Spec: DHT-072, DHT-073, DHT-078 */
  next(): readonly Turn[] {
    const turns: Turn[] = [];
    const share = Math.floor(this.#bounds.queriesMax / this.#bounds.paths);
    this.#paths.forEach((path, index) => {
      for (const candidate of this.#wanted(path)) {
        if (path.unanswered >= this.#bounds.alpha || path.asked >= share) break;
        if (candidate.state !== 'new' || this.#isTaken(candidate.contact)) continue;
        candidate.state = 'asked';
        path.asked += 1;
        path.unanswered += 1;
        this.#claims.add(candidate.contact.peer);
        turns.push({ contact: candidate.contact, path: index });
      }
    });
    return turns;
  }

  /** Takes the contacts that somebody named into its path. Spec: DHT-076 */
  named({ contact, path }: Turn, contacts: readonly Contact[]): void {
    const at = this.#paths[path];
    const depth = (at?.byPeer.get(contact.peer)?.depth ?? 0) + 1;
    if (at !== undefined) for (const other of contacts) this.#add(at, other, depth);
  }

  /** Ends a turn. Spec: DHT-087 */
  settle({ contact, path }: Turn, state: 'answered' | 'failed'): void {
    const at = this.#paths[path];
    const candidate = at?.byPeer.get(contact.peer);
    if (at === undefined || candidate?.state !== 'asked') return;
    candidate.state = state;
    at.unanswered -= 1;
    if (state === 'answered') return;
    // Somebody may have named it with a wrong address: another path may try others.
    this.#claims.delete(contact.peer);
    this.#failed.add(placeOf(candidate.contact));
  }

  /** Whether every path has ended. Spec: DHT-074, DHT-077, DHT-078 */
  get isOver(): boolean {
    const share = Math.floor(this.#bounds.queriesMax / this.#bounds.paths);
    return this.#paths.every((path) => {
      if (path.unanswered > 0) return false;
      if (path.asked >= share) return true;
      for (const candidate of this.#wanted(path)) {
        if (candidate.state === 'new' && !this.#isTaken(candidate.contact)) return false;
      }
      return true;
    });
  }

  /** Spec: DHT-086, DHT-090 */
  result(): LookupResult {
    const answered = this.#paths
      .flatMap((path) => path.candidates.filter((candidate) => candidate.state === 'answered'))
      .sort((a, b) => compareDistance(this.target, a.contact.id, b.contact.id));
    const nearest = answered.slice(0, this.#bounds.bucketSize);
    return {
      contacts: nearest.map(({ contact }) => contact),
      writers: answered.filter((candidate, index) => index < this.#bounds.bucketSize || candidate.isInRegion).map(({ contact }) => contact),
      hops: answered.reduce((most, { depth }) => Math.max(most, depth + 1), 0),
      depth: nearest[0]?.depth ?? 0,
      queries: this.#paths.reduce((sum, path) => sum + path.asked, 0),
    };
  }

  /** Whether the lookup has asked this peer already, or asked at these addresses in vain. Spec: DHT-071 */
  #isTaken(contact: Contact): boolean {
    return this.#claims.has(contact.peer) || this.#failed.has(placeOf(contact));
  }

  /**
   * The candidates that a path has to hear of: the k nearest that have not failed and all in the region,
   * and, on several paths, those with which it began: liars cannot push them out by naming nearer ones.
   */
  *#wanted(path: Path): Generator<Candidate> {
    let near = 0;
    for (const candidate of path.candidates) {
      if (candidate.state === 'failed') continue;
      near += 1;
      const isFar = near > this.#bounds.bucketSize && !candidate.isInRegion;
      if (!isFar || (this.#bounds.asksAllOfStart && candidate.depth === 0)) yield candidate;
    }
  }

  /** Puts a contact into its place, the first that is heard of it; beyond the shortlist the farthest goes. Spec: DHT-081, DHT-083 */
  #add(path: Path, contact: Contact, depth: number): void {
    if (contact.peer === this.#self || path.byPeer.has(contact.peer)) return;
    const { candidates } = path;
    let low = 0;
    let high = candidates.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const other = candidates[middle];
      if (other !== undefined && compareDistance(this.target, other.contact.id, contact.id) < 0) low = middle + 1;
      else high = middle;
    }
    if (low >= this.#bounds.shortlistMax) return;
    const isInRegion = this.#bounds.radius > 0n && distanceNumber(this.target, contact.id) < this.#bounds.radius;
    const candidate: Candidate = { contact, depth, isInRegion, state: 'new' };
    candidates.splice(low, 0, candidate);
    path.byPeer.set(contact.peer, candidate);
    while (candidates.length > this.#bounds.shortlistMax) {
      const last = candidates.at(-1);
      // Who was asked stays until there is an answer.
      if (last === undefined || last.state === 'asked') return;
      candidates.pop();
      path.byPeer.delete(last.contact.peer);
    }
  }
}
