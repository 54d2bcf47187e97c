/**
 * Chance with a seed: a ChaCha20 stream, so that the same seed gives the same run, and forks that
 * depend on nothing but the seed and their label, so that one part drawing more moves no other.
 */
import { chacha20 } from '@noble/ciphers/chacha.js';
import { hmac } from '@noble/hashes/hmac.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { encodeUtf8 } from './bytes.ts';
import { invariant } from './errors.ts';

/** A stream of choices; what was drawn before decides what comes next, but not what a fork gives. */
export interface Rng {
  /** A stream of its own that depends on this stream's seed and the label only. */
  fork(label: string): Rng;
  /** `size` fresh bytes. */
  bytes(size: number): Uint8Array;
  /** An integer from 0 to `bound` − 1, each as likely; `bound` is 1 to 2^32. */
  below(bound: number): number;
  /** A fresh list with the same items in an order of chance. */
  shuffle<T>(items: readonly T[]): T[];
  /** One of the items, or undefined when there is none. */
  pick<T>(items: readonly T[]): T | undefined;
}

/** Bytes made at a time: eight ChaCha20 blocks. */
const CHUNK_BYTES = 512;
const CHUNK_BLOCKS = CHUNK_BYTES / 64;

/** Starts a stream; seeds of any length give different streams. */
export function createRng(seed: Uint8Array): Rng {
  const key = hmac(sha256, encodeUtf8('carillon/v1/rng/stream'), seed);
  const zeros = new Uint8Array(CHUNK_BYTES);
  let chunk = new Uint8Array(0);
  let used = 0;
  let chunks = 0;

  /** The nonce carries what the 32-bit block counter cannot, so the stream does not end. */
  function refill(): void {
    const block = chunks * CHUNK_BLOCKS;
    const nonce = new Uint8Array(12);
    new DataView(nonce.buffer).setBigUint64(4, BigInt(Math.floor(block / 2 ** 31)));
    chunk = Uint8Array.from(chacha20(key, nonce, zeros, undefined, block % 2 ** 31));
    chunks += 1;
    used = 0;
  }

  function bytes(size: number): Uint8Array {
    const drawn = new Uint8Array(size);
    let filled = 0;
    while (filled < size) {
      if (used === chunk.length) refill();
      const take = Math.min(size - filled, chunk.length - used);
      drawn.set(chunk.subarray(used, used + take), filled);
      used += take;
      filled += take;
    }
    return drawn;
  }

  function uint32(): number {
    const drawn = bytes(4);
    return new DataView(drawn.buffer).getUint32(0);
  }

  function below(bound: number): number {
    invariant(Number.isInteger(bound) && bound >= 1 && bound <= 2 ** 32, 'a bound of chance is 1 to 2^32');
    const limit = 2 ** 32 - (2 ** 32 % bound);
    // Each draw passes with a chance above one half.
    for (;;) {
      const drawn = uint32();
      if (drawn < limit) return drawn % bound;
    }
  }

  function shuffle<T>(items: readonly T[]): T[] {
    const order = [...items];
    for (let last = order.length - 1; last > 0; last--) {
      const other = below(last + 1);
      const kept = order[last] as T;
      order[last] = order[other] as T;
      order[other] = kept;
    }
    return order;
  }

  return {
    fork: (label) => createRng(hmac(sha256, hmac(sha256, encodeUtf8('carillon/v1/rng/fork'), seed), encodeUtf8(label))),
    bytes,
    below,
    shuffle,
    pick: (items) => (items.length === 0 ? undefined : items[below(items.length)]),
  };
}
