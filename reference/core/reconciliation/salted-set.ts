/** A set as one sketch sees it: the short id and the checksum of every item under the asker's salt. */
import { type SipKey, sipHashWords, sipKey, type Word } from '../crypto/siphash-words.ts';

/** Bytes of a short id, RCN-002. */
export const SHORT_ID_BYTES = 8;

/** Short ids and checksums as halves of 64 bits, by position in the list that they were made from. */
export interface SaltedSet {
  readonly size: number;
  readonly shortLow: Uint32Array;
  readonly shortHigh: Uint32Array;
  readonly checkLow: Uint32Array;
  readonly checkHigh: Uint32Array;
}

/** Makes short ids and checksums under one salt. */
export class Salter {
  readonly #key: SipKey;
  readonly #words: Int32Array = new Int32Array(8);
  readonly #out: Word = { low: 0, high: 0 };

  /** The salt is 16 bytes. */
  constructor(salt: Uint8Array) {
    this.#key = sipKey(salt);
  }

  /** The checksum of a short id: SipHash-2-4 of its 8 bytes; the result is reused by the next call. Spec: RCN-003 */
  checksum(low: number, high: number): Readonly<Word> {
    this.#words[0] = low;
    this.#words[1] = high;
    sipHashWords(this.#key, this.#words, 0, 1, this.#out);
    return this.#out;
  }

  /** The salted set of ids of 32 bytes, in their order. Spec: RCN-002, RCN-003 */
  saltAll(ids: readonly Uint8Array[]): SaltedSet {
    const size = ids.length;
    const set: SaltedSet = {
      size,
      shortLow: new Uint32Array(size),
      shortHigh: new Uint32Array(size),
      checkLow: new Uint32Array(size),
      checkHigh: new Uint32Array(size),
    };
    const words = this.#words;
    ids.forEach((id, at) => {
      for (let word = 0; word < 8; word++) {
        const from = 4 * word;
        words[word] =
          (id[from] as number) | ((id[from + 1] as number) << 8) | ((id[from + 2] as number) << 16) | ((id[from + 3] as number) << 24);
      }
      sipHashWords(this.#key, words, 0, 4, this.#out);
      const { low, high } = this.#out;
      set.shortLow[at] = low;
      set.shortHigh[at] = high;
      const check = this.checksum(low, high);
      set.checkLow[at] = check.low;
      set.checkHigh[at] = check.high;
    });
    return set;
  }
}

/** Keys a map by a short id: 16 hexadecimal digits, high half first. */
export function shortKey(low: number, high: number): string {
  return high.toString(16).padStart(8, '0') + low.toString(16).padStart(8, '0');
}

/** The 8 bytes of a short id from its halves, as SipHash gives them: little-endian. */
export function shortIdBytes(low: number, high: number): Uint8Array {
  const bytes = new Uint8Array(SHORT_ID_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, low, true);
  view.setUint32(4, high, true);
  return bytes;
}

/** Finds short ids of a set. */
export class ShortIdIndex {
  readonly #set: SaltedSet;
  readonly #mask: number;
  /** Positions plus one by the low half of the short id; 0 is free. */
  readonly #slots: Int32Array;

  constructor(set: SaltedSet) {
    let room = 16;
    while (room < 2 * set.size) room *= 2;
    this.#set = set;
    this.#mask = room - 1;
    this.#slots = new Int32Array(room);
    for (let at = 0; at < set.size; at++) {
      let slot = (set.shortLow[at] as number) & this.#mask;
      while (this.#slots[slot] !== 0) slot = (slot + 1) & this.#mask;
      this.#slots[slot] = at + 1;
    }
  }

  /** The position of a short id in the set's list, or undefined. */
  find(low: number, high: number): number | undefined {
    for (let slot = low & this.#mask; ; slot = (slot + 1) & this.#mask) {
      const at = (this.#slots[slot] as number) - 1;
      if (at < 0) return undefined;
      if (this.#set.shortLow[at] === low && this.#set.shortHigh[at] === high) return at;
    }
  }
}
