/**
 * SipHash, a keyed hash of short inputs: whoever does not know the 16-byte key cannot make inputs
 * collide. Words of 64 bits are pairs of 32-bit halves, which is many times faster than bigint.
 */
import { invariant } from '../errors.ts';

/** Four 64-bit words as low and high halves: v0 low, v0 high, v1 low and so on. */
type State = Int32Array;

function initialState(key: Uint8Array): State {
  invariant(key.length === 16, 'a SipHash key is 16 bytes');
  const view = new DataView(key.buffer, key.byteOffset, 16);
  const [k0low, k0high, k1low, k1high] = [0, 4, 8, 12].map((offset) => view.getInt32(offset, true)) as [number, number, number, number];
  return Int32Array.of(
    k0low ^ 0x70736575,
    k0high ^ 0x736f6d65,
    k1low ^ 0x6e646f6d,
    k1high ^ 0x646f7261,
    k0low ^ 0x6e657261,
    k0high ^ 0x6c796765,
    k1low ^ 0x79746573,
    k1high ^ 0x74656462,
  );
}

function runRounds(state: State, rounds: number): void {
  let [v0l = 0, v0h = 0, v1l = 0, v1h = 0, v2l = 0, v2h = 0, v3l = 0, v3h = 0] = state;
  let low = 0;
  let kept = 0;
  for (let round = 0; round < rounds; round++) {
    // v0 += v1; v1 <<<= 13; v1 ^= v0; v0 <<<= 32
    low = (v0l >>> 0) + (v1l >>> 0);
    v0h = (v0h + v1h + (low > 0xffffffff ? 1 : 0)) | 0;
    v0l = low | 0;
    kept = v1l;
    v1l = ((v1l << 13) | (v1h >>> 19)) ^ v0l;
    v1h = ((v1h << 13) | (kept >>> 19)) ^ v0h;
    kept = v0l;
    v0l = v0h;
    v0h = kept;
    // v2 += v3; v3 <<<= 16; v3 ^= v2
    low = (v2l >>> 0) + (v3l >>> 0);
    v2h = (v2h + v3h + (low > 0xffffffff ? 1 : 0)) | 0;
    v2l = low | 0;
    kept = v3l;
    v3l = ((v3l << 16) | (v3h >>> 16)) ^ v2l;
    v3h = ((v3h << 16) | (kept >>> 16)) ^ v2h;
    // v0 += v3; v3 <<<= 21; v3 ^= v0
    low = (v0l >>> 0) + (v3l >>> 0);
    v0h = (v0h + v3h + (low > 0xffffffff ? 1 : 0)) | 0;
    v0l = low | 0;
    kept = v3l;
    v3l = ((v3l << 21) | (v3h >>> 11)) ^ v0l;
    v3h = ((v3h << 21) | (kept >>> 11)) ^ v0h;
    // v2 += v1; v1 <<<= 17; v1 ^= v2; v2 <<<= 32
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
  state.set([v0l, v0h, v1l, v1h, v2l, v2h, v3l, v3h]);
}

function flip(state: State, index: number, bits: number): void {
  state[index] = (state[index] ?? 0) ^ bits;
}

/** The state after all of the data, before the closing rounds. */
function absorb(state: State, data: Uint8Array, rounds: number): void {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const whole = data.length - (data.length % 8);
  const absorbWord = (low: number, high: number): void => {
    flip(state, 6, low);
    flip(state, 7, high);
    runRounds(state, rounds);
    flip(state, 0, low);
    flip(state, 1, high);
  };
  for (let offset = 0; offset < whole; offset += 8) absorbWord(view.getInt32(offset, true), view.getInt32(offset + 4, true));
  const last = new DataView(new ArrayBuffer(8));
  for (let offset = whole; offset < data.length; offset++) last.setUint8(offset - whole, view.getUint8(offset));
  last.setUint8(7, data.length & 0xff);
  absorbWord(last.getInt32(0, true), last.getInt32(4, true));
}

/** v0 ^ v1 ^ v2 ^ v3 as 8 little-endian bytes. */
function fold(state: State): Uint8Array {
  const out = new DataView(new ArrayBuffer(8));
  const [v0l = 0, v0h = 0, v1l = 0, v1h = 0, v2l = 0, v2h = 0, v3l = 0, v3h = 0] = state;
  out.setInt32(0, v0l ^ v1l ^ v2l ^ v3l, true);
  out.setInt32(4, v0h ^ v1h ^ v2h ^ v3h, true);
  return new Uint8Array(out.buffer);
}

function siphash64(compress: number, close: number, key: Uint8Array, data: Uint8Array): Uint8Array {
  const state = initialState(key);
  absorb(state, data, compress);
  flip(state, 4, 0xff);
  runRounds(state, close);
  return fold(state);
}

function siphash128(compress: number, close: number, key: Uint8Array, data: Uint8Array): Uint8Array {
  const state = initialState(key);
  flip(state, 2, 0xee);
  absorb(state, data, compress);
  flip(state, 4, 0xee);
  runRounds(state, close);
  const first = fold(state);
  flip(state, 2, 0xdd);
  runRounds(state, close);
  const out = new Uint8Array(16);
  out.set(first);
  out.set(fold(state), 8);
  return out;
}

/** SipHash-2-4: 8 little-endian bytes; the key is 16 bytes. */
export function siphash24(key: Uint8Array, data: Uint8Array): Uint8Array {
  return siphash64(2, 4, key, data);
}

/** SipHash-1-3: 8 little-endian bytes; the key is 16 bytes. */
export function siphash13(key: Uint8Array, data: Uint8Array): Uint8Array {
  return siphash64(1, 3, key, data);
}

/** SipHash-2-4 with 16 bytes of result. */
export function siphash24Wide(key: Uint8Array, data: Uint8Array): Uint8Array {
  return siphash128(2, 4, key, data);
}

/** SipHash-1-3 with 16 bytes of result. */
export function siphash13Wide(key: Uint8Array, data: Uint8Array): Uint8Array {
  return siphash128(1, 3, key, data);
}
