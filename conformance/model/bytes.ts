/** Byte strings as the chapters write them: hexadecimal, `‖`, `u8`, `u64be`, `H`. Spec: chapter 01, Notation. */
import { sha256 as nobleSha256 } from '@noble/hashes/sha2.js';

const PAIRS: readonly string[] = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

/** Lower-case hexadecimal, two digits a byte. */
export function hex(bytes: Uint8Array): string {
  let digits = '';
  for (const byte of bytes) digits += PAIRS[byte];
  return digits;
}

/** The bytes of a hexadecimal text of either case. Throws a RangeError on anything else. */
export function unhex(digits: string): Uint8Array {
  if (digits.length % 2 !== 0 || !/^[0-9a-fA-F]*$/.test(digits)) {
    throw new RangeError(`expected pairs of hexadecimal digits, found "${digits.slice(0, 40)}"`);
  }
  return Uint8Array.from({ length: digits.length / 2 }, (_, i) => Number.parseInt(digits.slice(2 * i, 2 * i + 2), 16));
}

/** `a ‖ b ‖ …`, in a fresh array. */
export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  const joined = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    joined.set(part, offset);
    offset += part.length;
  }
  return joined;
}

/** Order as unsigned bytes, a prefix before what it begins: negative, 0 or positive. */
export function compare(a: Uint8Array, b: Uint8Array): number {
  const shared = Math.min(a.length, b.length);
  for (let i = 0; i < shared; i++) {
    const difference = (a[i] ?? 0) - (b[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

/** Same length and same bytes. */
export function equal(a: Uint8Array, b: Uint8Array): boolean {
  return compare(a, b) === 0;
}

/** UTF-8 bytes of a text. */
export function utf8(value: string): Uint8Array {
  return new TextEncoder().encode(value);
}

/** The text of UTF-8 bytes, or undefined when they are not valid UTF-8. A byte order mark is kept. */
export function text(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

/** `u8(x)`: one byte. Throws a RangeError outside 0 to 255. */
export function u8(value: number): Uint8Array {
  if (!Number.isInteger(value) || value < 0 || value > 255) throw new RangeError(`${value} is not a byte`);
  return Uint8Array.of(value);
}

/** `u64be(x)`: 8 bytes, most significant first. Throws a RangeError outside 0 to 2^64 − 1. */
export function u64be(value: bigint | number): Uint8Array {
  const number = BigInt(value);
  if (number < 0n || number >> 64n !== 0n) throw new RangeError(`${number} does not fit 8 bytes`);
  return unhex(number.toString(16).padStart(16, '0'));
}

/** The number in 8 big-endian bytes. Throws a RangeError when they are not 8. */
export function readU64be(bytes: Uint8Array): bigint {
  if (bytes.length !== 8) throw new RangeError(`expected 8 bytes, found ${bytes.length}`);
  return BigInt(`0x${hex(bytes)}`);
}

/** The number in little-endian bytes of any length; 0 when there are none. */
export function readLe(bytes: Uint8Array): bigint {
  return bytes.length === 0 ? 0n : BigInt(`0x${hex(Uint8Array.from(bytes).reverse())}`);
}

/** A number in `size` little-endian bytes. Throws a RangeError when it does not fit. */
export function writeLe(value: bigint, size: number): Uint8Array {
  if (value < 0n || value >> BigInt(8 * size) !== 0n) throw new RangeError(`${value} does not fit ${size} bytes`);
  return unhex(value.toString(16).padStart(2 * size, '0')).reverse();
}

/** `H(x)`, 32 bytes. */
export function sha256(...parts: readonly Uint8Array[]): Uint8Array {
  return nobleSha256(concat(...parts));
}
