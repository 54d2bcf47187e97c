/** Bytes made wrong: the mutations that know nothing of what they change. */
import { concatBytes } from '../core/bytes.ts';
import type { Rng } from '../core/rng.ts';

/** Whether something happens that happens once in `odds`. */
export function oneIn(rng: Rng, odds: number): boolean {
  return rng.below(odds) === 0;
}

/** One of the items. Throws when there is none. */
export function pick<T>(rng: Rng, items: readonly T[]): T {
  const item = items[rng.below(items.length)];
  if (item === undefined) throw new Error('nothing to choose from');
  return item;
}

/** A size from 0 to `max`, small ones as likely as large ones. */
export function sizeUpTo(rng: Rng, max: number): number {
  const bits = rng.below(Math.ceil(Math.log2(max + 1)) + 1);
  return Math.min(max, rng.below(2 ** bits));
}

/** Bytes that parsers have stumbled over before. */
const TELLING_BYTES = [0x00, 0x01, 0x7f, 0x80, 0xff, 0x08, 0x0a, 0x0b, 0x0c, 0x12, 0x1a, 0xfe] as const;

function flipBit(rng: Rng, bytes: Uint8Array): Uint8Array {
  const index = rng.below(Math.max(1, bytes.length));
  const flipped = Uint8Array.from(bytes);
  if (index < flipped.length) flipped[index] = (flipped[index] ?? 0) ^ (1 << rng.below(8));
  return flipped;
}

function overwrite(rng: Rng, bytes: Uint8Array): Uint8Array {
  const changed = Uint8Array.from(bytes);
  if (changed.length > 0) changed[rng.below(changed.length)] = pick(rng, TELLING_BYTES);
  return changed;
}

function cut(rng: Rng, bytes: Uint8Array): Uint8Array {
  return bytes.slice(0, rng.below(bytes.length + 1));
}

function remove(rng: Rng, bytes: Uint8Array): Uint8Array {
  const start = rng.below(bytes.length + 1);
  return concatBytes(bytes.subarray(0, start), bytes.subarray(start + sizeUpTo(rng, 16)));
}

function repeat(rng: Rng, bytes: Uint8Array): Uint8Array {
  const start = rng.below(bytes.length + 1);
  const piece = bytes.subarray(start, start + sizeUpTo(rng, 64));
  const times = 1 + sizeUpTo(rng, 32);
  return concatBytes(bytes.subarray(0, start), ...Array.from({ length: times }, () => piece), bytes.subarray(start));
}

function insert(rng: Rng, bytes: Uint8Array): Uint8Array {
  const start = rng.below(bytes.length + 1);
  return concatBytes(bytes.subarray(0, start), rng.bytes(1 + sizeUpTo(rng, 16)), bytes.subarray(start));
}

function append(rng: Rng, bytes: Uint8Array): Uint8Array {
  return concatBytes(bytes, rng.bytes(1 + sizeUpTo(rng, 64)));
}

const MUTATIONS = [flipBit, flipBit, overwrite, overwrite, cut, remove, repeat, insert, append] as const;

/** The bytes with one to four changes, at most `bytesMax` of them. */
export function mutateBytes(rng: Rng, bytes: Uint8Array, bytesMax = 65_519): Uint8Array {
  let changed = bytes;
  for (let left = 1 + rng.below(4); left > 0; left--) changed = pick(rng, MUTATIONS)(rng, changed);
  return changed.slice(0, bytesMax);
}
