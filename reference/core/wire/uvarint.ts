/** Base-128 integers of the wire, in their one minimal form. Spec: CNV-001 to CNV-004. */
import { invariant } from '../errors.ts';

const UINT64_MAX = 2n ** 64n - 1n;

/** The fewest bytes that hold the value, 0 to 2^64 − 1. Spec: CNV-001 */
export function encodeUvarint(value: bigint | number): Uint8Array {
  if (typeof value === 'number' && value < 2 ** 31) return encodeSmall(value);
  let rest = BigInt(value);
  invariant(rest >= 0n && rest <= UINT64_MAX, 'a uvarint holds 0 to 2^64 - 1');
  const bytes: number[] = [];
  while (rest >= 0x80n) {
    bytes.push(Number(rest & 0x7fn) | 0x80);
    rest >>= 7n;
  }
  bytes.push(Number(rest));
  return Uint8Array.from(bytes);
}

function encodeSmall(value: number): Uint8Array {
  invariant(Number.isInteger(value) && value >= 0, 'a uvarint holds 0 to 2^64 - 1');
  if (value < 0x80) return Uint8Array.of(value);
  if (value < 0x4000) return Uint8Array.of((value & 0x7f) | 0x80, value >>> 7);
  const bytes: number[] = [];
  let rest = value;
  while (rest >= 0x80) {
    bytes.push((rest & 0x7f) | 0x80);
    rest >>>= 7;
  }
  bytes.push(rest);
  return Uint8Array.from(bytes);
}

/**
 * Reads the uvarint at `offset`; `next` is the offset behind it. Undefined when it is malformed, or
 * when no byte is there. Spec: CNV-002 to CNV-004
 */
export function readUvarint(bytes: Uint8Array, offset: number): { readonly value: bigint; readonly next: number } | undefined {
  let value = 0n;
  for (let index = 0; index < 10; index++) {
    const byte = bytes[offset + index];
    if (byte === undefined) return undefined;
    value |= BigInt(byte & 0x7f) << BigInt(7 * index);
    if (byte < 0x80) {
      const minimal = byte !== 0 || index === 0;
      return minimal && value <= UINT64_MAX ? { value, next: offset + index + 1 } : undefined;
    }
  }
  return undefined;
}

/**
 * Like `readUvarint`, as a number: exact up to 2^53, which covers every value that a caller goes on
 * with; larger ones read as at least 2^53. Spec: CNV-002 to CNV-004
 */
export function readUvarintNumber(bytes: Uint8Array, offset: number): { readonly value: number; readonly next: number } | undefined {
  const first = bytes[offset];
  if (first === undefined) return undefined;
  if (first < 0x80) return { value: first, next: offset + 1 };
  let value = first & 0x7f;
  let weight = 0x80;
  for (let index = 1; index < 10; index++) {
    const byte = bytes[offset + index];
    if (byte === undefined) return undefined;
    value += (byte & 0x7f) * weight;
    weight *= 0x80;
    if (byte < 0x80) {
      // The tenth byte stands for bit 63 alone.
      const fits = index < 9 || byte === 1;
      return byte !== 0 && fits ? { value, next: offset + index + 1 } : undefined;
    }
  }
  return undefined;
}

/** `uvarint(length of bytes) ‖ bytes`, the `lp` of chapter 01, as two parts to be joined. */
export function lengthPrefixed(bytes: Uint8Array): readonly [Uint8Array, Uint8Array] {
  return [encodeUvarint(bytes.length), bytes];
}
