/**
 * SipHash-2-4 of whole 64-bit words without allocating: a sketch hashes thousands of ids at a time,
 * all with one key. `siphash.ts` is the general one; a test holds this to it.
 */
import { invariant } from '../errors.ts';

/** A key taken apart once: four 32-bit words, k0 low, k0 high, k1 low, k1 high. */
export type SipKey = readonly [number, number, number, number];

/** Low and high half of a 64-bit result; reused between calls, so read it before the next one. */
export interface Word {
  low: number;
  high: number;
}

/** Takes a key of 16 bytes apart. */
export function sipKey(key: Uint8Array): SipKey {
  invariant(key.length === 16, 'a SipHash key is 16 bytes');
  const view = new DataView(key.buffer, key.byteOffset, 16);
  return [view.getInt32(0, true), view.getInt32(4, true), view.getInt32(8, true), view.getInt32(12, true)];
}

/**
 * The hash of `count` little-endian words, given as pairs of 32-bit halves from `words[at]` on.
 * Spec: RCN-002, RCN-003
 */
export function sipHashWords(key: SipKey, words: Int32Array, at: number, count: number, out: Word): void {
  const [k0l, k0h, k1l, k1h] = key;
  let v0l = k0l ^ 0x70736575;
  let v0h = k0h ^ 0x736f6d65;
  let v1l = k1l ^ 0x6e646f6d;
  let v1h = k1h ^ 0x646f7261;
  let v2l = k0l ^ 0x6e657261;
  let v2h = k0h ^ 0x6c796765;
  let v3l = k1l ^ 0x79746573;
  let v3h = k1h ^ 0x74656462;
  // The last block holds the length in its top byte and nothing else, since all words are whole.
  const blocks = count + 1;
  for (let block = 0; block <= blocks; block++) {
    let ml = 0;
    let mh = 0;
    let rounds = 2;
    if (block < count) {
      ml = words[at + 2 * block] as number;
      mh = words[at + 2 * block + 1] as number;
    } else if (block === count) {
      mh = (count * 8) << 24;
    } else {
      v2l ^= 0xff;
      rounds = 4;
    }
    v3l ^= ml;
    v3h ^= mh;
    for (let round = 0; round < rounds; round++) {
      let low = (v0l >>> 0) + (v1l >>> 0);
      v0h = (v0h + v1h + (low > 0xffffffff ? 1 : 0)) | 0;
      v0l = low | 0;
      let kept = v1l;
      v1l = ((v1l << 13) | (v1h >>> 19)) ^ v0l;
      v1h = ((v1h << 13) | (kept >>> 19)) ^ v0h;
      kept = v0l;
      v0l = v0h;
      v0h = kept;
      low = (v2l >>> 0) + (v3l >>> 0);
      v2h = (v2h + v3h + (low > 0xffffffff ? 1 : 0)) | 0;
      v2l = low | 0;
      kept = v3l;
      v3l = ((v3l << 16) | (v3h >>> 16)) ^ v2l;
      v3h = ((v3h << 16) | (kept >>> 16)) ^ v2h;
      low = (v0l >>> 0) + (v3l >>> 0);
      v0h = (v0h + v3h + (low > 0xffffffff ? 1 : 0)) | 0;
      v0l = low | 0;
      kept = v3l;
      v3l = ((v3l << 21) | (v3h >>> 11)) ^ v0l;
      v3h = ((v3h << 21) | (kept >>> 11)) ^ v0h;
      low = (v2l >>> 0) + (v1l >>> 0);
      v2h = (v2h + v1h + (low > 0xffffffff ? 1 : 0)) | 0;
      v2l = low | 0;
      kept = v1l;
      v1l = ((v1l << 17) | (v1h >>> 15)) ^ v2l;
      v1h = ((v1h << 17) | (kept >>> 15)) ^ v2h;
      kept = v2l;
      v2l = v2h;
      v2h = kept;
    }
    v0l ^= ml;
    v0h ^= mh;
  }
  out.low = (v0l ^ v1l ^ v2l ^ v3l) >>> 0;
  out.high = (v0h ^ v1h ^ v2h ^ v3h) >>> 0;
}
