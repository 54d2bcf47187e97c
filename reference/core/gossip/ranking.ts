/** Peers by score, so that the best is found without looking at all of them each time. */
import type { PeerId } from '../types.ts';

/** A peer and the score that it had when it was ranked. */
export interface Ranked {
  readonly peer: PeerId;
  readonly score: number;
}

/**
 * A ranking of one beat, during which scores change by nothing but counts. A row is never taken back:
 * its owner knows when it is stale. Invariant: rows ascend by score, among equals the oldest stands last.
 */
export class Ranking {
  readonly beat: number;
  readonly #rows: Ranked[];

  /** Takes the peers in the order of their coming. */
  constructor(beat: number, peers: readonly Ranked[]) {
    this.beat = beat;
    this.#rows = [...peers].reverse().sort((a, b) => a.score - b.score);
  }

  get size(): number {
    return this.#rows.length;
  }

  /** Adds a row before those of the same score. */
  add(row: Ranked): void {
    let low = 0;
    let high = this.#rows.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#rows[middle]?.score ?? Number.POSITIVE_INFINITY) < row.score) low = middle + 1;
      else high = middle;
    }
    this.#rows.splice(low, 0, row);
  }

  /** Takes out the row of the best score, the oldest of them, or undefined when none is left. */
  takeBest(): Ranked | undefined {
    return this.#rows.pop();
  }
}
