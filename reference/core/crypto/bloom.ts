/**
 * Bloom filters: a set in few bits that may say yes too often and no only when it is so. Sizes and
 * indices follow BIP 37; the hash is an argument, because a filter over what peers choose needs a key.
 */
import { invariant } from '../errors.ts';
import { murmur3 } from './murmur3.ts';
import { siphash24 } from './siphash.ts';

/** The `index`-th hash of the data, 0 to 2^32 − 1. */
export type IndexedHash = (index: number, data: Uint8Array) => number;

/** The hashes of BIP 37: murmur3 under a seed made of the index and the filter's tweak. */
export function bip37Hash(tweak: number): IndexedHash {
  return (index, data) => murmur3(data, (Math.imul(index, 0xfba4c795) + tweak) >>> 0);
}

/** Hashes under a 16-byte secret: one SipHash per item, whose halves give all indices by double hashing. */
export function keyedHash(key: Uint8Array): IndexedHash {
  let lastData: Uint8Array | undefined;
  let first = 0;
  let step = 0;
  return (index, data) => {
    // Indices of one item are asked one after the other, from 0.
    if (index === 0 || data !== lastData) {
      const view = new DataView(siphash24(key, data).buffer);
      first = view.getUint32(0, true);
      step = view.getUint32(4, true) | 1;
      lastData = data;
    }
    return (first + Math.imul(index, step)) >>> 0;
  };
}

/** Bytes that BIP 37 lets a filter have at most. */
const BIP37_BYTES_MAX = 36000;
const BIP37_HASHES_MAX = 50;

/** How many bytes and hashes a filter has. */
export interface BloomSize {
  readonly bytes: number;
  readonly hashes: number;
}

/** The size for a number of items and a rate of false yeses between 0 and 1, within the bounds given. */
export function bloomSize(items: number, falseRate: number, bytesMax: number = BIP37_BYTES_MAX): BloomSize {
  invariant(items >= 1 && falseRate > 0 && falseRate < 1, 'a filter is for at least one item and a rate between 0 and 1');
  const bits = (-1 / Math.LN2 ** 2) * items * Math.log(falseRate);
  const bytes = Math.max(1, Math.floor(Math.min(bits, bytesMax * 8) / 8));
  const hashes = Math.max(1, Math.floor(Math.min(((bytes * 8) / items) * Math.LN2, BIP37_HASHES_MAX)));
  return { bytes, hashes };
}

/** A set of byte strings in a fixed number of bits. */
export class BloomFilter {
  /** Empty until something is added: an unused filter takes no memory. */
  #bits: Uint8Array = new Uint8Array(0);
  readonly #bytes: number;
  readonly #hashes: number;
  readonly #hash: IndexedHash;

  constructor(size: BloomSize, hash: IndexedHash) {
    this.#bytes = size.bytes;
    this.#hashes = size.hashes;
    this.#hash = hash;
  }

  add(data: Uint8Array): void {
    if (this.#bits.length === 0) this.#bits = new Uint8Array(this.#bytes);
    for (let index = 0; index < this.#hashes; index++) {
      const bit = this.#hash(index, data) % (this.#bits.length * 8);
      this.#bits[bit >>> 3] = (this.#bits[bit >>> 3] ?? 0) | (1 << (bit & 7));
    }
  }

  /** False only if the data was never added. */
  mightHave(data: Uint8Array): boolean {
    if (this.#bits.length === 0) return false;
    for (let index = 0; index < this.#hashes; index++) {
      const bit = this.#hash(index, data) % (this.#bits.length * 8);
      if (((this.#bits[bit >>> 3] ?? 0) & (1 << (bit & 7))) === 0) return false;
    }
    return true;
  }

  clear(): void {
    this.#bits.fill(0);
  }

  /** A copy of the bits, the lowest index in the lowest bit of the first byte. */
  bits(): Uint8Array {
    return this.#bits.length === 0 ? new Uint8Array(this.#bytes) : Uint8Array.from(this.#bits);
  }
}

/** What a filter of two generations is made for. */
export interface TwoGenerationOptions {
  /** Items of one generation, at least 1. */
  readonly capacity: number;
  /** An item is remembered for at least this long. */
  readonly ttlMs: number;
  /** Rate of false yeses of a full generation. */
  readonly falseRate: number;
  /** 16 secret bytes. */
  readonly key: Uint8Array;
}

interface Generation {
  readonly filter: BloomFilter;
  count: number;
  startedMs: number;
  lastAddedMs: number;
}

/**
 * A filter that forgets: a generation is closed when it is full or `ttlMs` old, and dropped when the
 * next one is closed. It never says no about an item added within `ttlMs`: if fullness made it drop
 * such items, it says yes to everything until they would have expired. So it can spare an exact
 * look-up but not replace it (GSP-029).
 */
export class TwoGenerationFilter {
  readonly #capacity: number;
  readonly #ttlMs: number;
  #current: Generation;
  #previous: Generation;
  #blindUntilMs = Number.NEGATIVE_INFINITY;

  constructor(options: TwoGenerationOptions, nowMs: number) {
    const size = bloomSize(options.capacity, options.falseRate, Number.MAX_SAFE_INTEGER / 8);
    const hash = keyedHash(Uint8Array.from(options.key));
    this.#capacity = options.capacity;
    this.#ttlMs = options.ttlMs;
    const empty = (): Generation => ({ filter: new BloomFilter(size, hash), count: 0, startedMs: nowMs, lastAddedMs: nowMs });
    this.#current = empty();
    this.#previous = empty();
  }

  add(item: Uint8Array, nowMs: number): void {
    this.#rotateIfDue(nowMs);
    this.#current.filter.add(item);
    this.#current.count += 1;
    this.#current.lastAddedMs = nowMs;
  }

  /** False only if the item was not added within `ttlMs`. */
  mightHave(item: Uint8Array, nowMs: number): boolean {
    this.#rotateIfDue(nowMs);
    if (nowMs < this.#blindUntilMs) return true;
    return this.#current.filter.mightHave(item) || this.#previous.filter.mightHave(item);
  }

  #rotateIfDue(nowMs: number): void {
    const isFull = this.#current.count >= this.#capacity;
    if (!isFull && nowMs - this.#current.startedMs < this.#ttlMs) return;
    const dropped = this.#previous;
    if (dropped.count > 0) {
      // The moment of expiry itself still belongs to the item.
      this.#blindUntilMs = Math.max(this.#blindUntilMs, dropped.lastAddedMs + this.#ttlMs + 1);
    }
    if (dropped.count > 0) dropped.filter.clear();
    dropped.count = 0;
    dropped.startedMs = nowMs;
    dropped.lastAddedMs = nowMs;
    this.#previous = this.#current;
    this.#current = dropped;
  }
}
