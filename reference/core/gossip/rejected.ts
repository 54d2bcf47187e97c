/** Envelopes whose signature failed, by the hash of all their bytes, so that a good copy with the same id is not shadowed. Spec: GSP-024, WIR-051 */
import type { EnvelopeHash } from '../types.ts';

/**
 * Spares the signature check of an envelope that failed it before: the predicate is a function of the
 * bytes, so its answer does not age. Invariant: at most `capacity` hashes, the oldest goes first.
 */
export class RejectedEnvelopes {
  readonly #hashes = new Set<EnvelopeHash>();
  readonly #capacity: number;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  get size(): number {
    return this.#hashes.size;
  }

  has(hash: EnvelopeHash): boolean {
    return this.#hashes.has(hash);
  }

  add(hash: EnvelopeHash): void {
    if (this.#hashes.has(hash)) return;
    for (const oldest of this.#hashes) {
      if (this.#hashes.size < this.#capacity) break;
      this.#hashes.delete(oldest);
    }
    this.#hashes.add(hash);
  }
}
