/**
 * Which coded symbols an item is part of: symbol 0, and from each symbol to the next by a step that
 * its own 64-bit state decides, so that symbol i holds each item with chance 2/(i + 2).
 */

/** State and index of one item's walk; `index` is Infinity when no further symbol that anybody asks for holds the item. */
export interface Walk {
  low: number;
  high: number;
  index: number;
}

/** Indices from here on are never asked for (RCN-005). */
export const INDEX_END: number = 2 ** 31;

/** 0xda942042e4dd58b5, the published multiplier, as 16-bit limbs from the lowest. */
const M0 = 0x58b5;
const M1 = 0xe4dd;
const M2 = 0x2042;
const M3 = 0xda94;

/** Multiplies the state by the multiplier, modulo 2^64. */
export function multiplyState(walk: Walk): void {
  const a0 = walk.low & 0xffff;
  const a1 = walk.low >>> 16;
  const a2 = walk.high & 0xffff;
  const a3 = walk.high >>> 16;
  let carry = a0 * M0;
  const r0 = carry & 0xffff;
  // A sum of limb products stays below 2^35: exact in a double, so the carry is divided, not shifted.
  carry = Math.floor(carry / 65536) + a0 * M1 + a1 * M0;
  const r1 = carry % 65536;
  carry = Math.floor(carry / 65536) + a0 * M2 + a1 * M1 + a2 * M0;
  const r2 = carry % 65536;
  carry = Math.floor(carry / 65536) + a0 * M3 + a1 * M2 + a2 * M1 + a3 * M0;
  const r3 = carry % 65536;
  walk.low = (r1 * 65536 + r0) >>> 0;
  walk.high = (r3 * 65536 + r2) >>> 0;
}

/**
 * The index after `index` for a state of `high`·2^32 + `low`: the smallest j above it with
 * (2j + 3)²·(r + 1) ≥ (2·index + 3)²·2^64. Infinity from `INDEX_END` on. Spec: RCN-005
 *
 * Departs from the integer text because bigint costs a hundred times more: a double gives the answer
 * unless it lies within 2^-18 of an edge, which is a hundred times its error, and there the integers decide.
 */
export function stepIndex(index: number, low: number, high: number): number {
  const exact = ((2 * index + 3) * 4294967296) / Math.sqrt(high * 4294967296 + low + 1);
  const edge = (exact - 3) / 2;
  if (edge >= INDEX_END) return Number.POSITIVE_INFINITY;
  const nearest = Math.round(edge);
  const next = Math.abs(edge - nearest) < 2 ** -18 ? stepExactly(index, low, high) : Math.ceil(edge);
  if (next >= INDEX_END) return Number.POSITIVE_INFINITY;
  return next > index ? next : index + 1;
}

/** The same by integers alone. */
export function stepExactly(index: number, low: number, high: number): number {
  const divisor = (BigInt(high) << 32n) + BigInt(low) + 1n;
  const base = BigInt(2 * index + 3);
  const quotient = (base * base * 2n ** 64n + divisor - 1n) / divisor;
  const root = ceilSqrt(quotient);
  const next = Number((root - 2n) / 2n);
  return next > index ? next : index + 1;
}

/** The smallest s with s² ≥ value; value is at least 1. */
function ceilSqrt(value: bigint): bigint {
  let low = 0n;
  let high = 1n << BigInt(Math.ceil(value.toString(2).length / 2) + 1);
  while (low < high) {
    const middle = (low + high) / 2n;
    if (middle * middle >= value) high = middle;
    else low = middle + 1n;
  }
  return low;
}

/** Starts a walk at symbol 0 with a seed of two halves. */
export function startWalk(low: number, high: number): Walk {
  return { low: low >>> 0, high: high >>> 0, index: 0 };
}

/** Goes to the next symbol that holds the item. */
export function advanceWalk(walk: Walk): void {
  multiplyState(walk);
  walk.index = stepIndex(walk.index, walk.low, walk.high);
}
