/** `uvarint(x)` and `lp(x)`. Spec: CNV-001 to CNV-004. */
import { concat } from './bytes.ts';

/** The fewest base-128 bytes that hold the value, least significant group first. Throws a RangeError outside 0 to 2^64 − 1. Spec: CNV-001. */
export function encodeUvarint(value: bigint | number): Uint8Array {
  let rest = BigInt(value);
  if (rest < 0n || rest >> 64n !== 0n) throw new RangeError(`${rest} is not an unsigned 64-bit number`);
  const bytes: number[] = [];
  while (rest >= 128n) {
    bytes.push(Number(rest & 127n) | 128);
    rest >>= 7n;
  }
  bytes.push(Number(rest));
  return Uint8Array.from(bytes);
}

/** What stands at an offset: a value and the offset behind it, or the clause that it breaks. */
export type UvarintRead =
  | { readonly value: bigint; readonly end: number; readonly fault: undefined }
  | { readonly value: undefined; readonly end: number; readonly fault: 'CNV-002' | 'CNV-003' | 'CNV-004' };

/**
 * Reads one uvarint at `offset` (0 if absent); bytes behind it are left alone. No byte at all reads as cut short.
 * Spec: CNV-002 to CNV-004; every fault goes with E_VARINT.
 */
export function decodeUvarint(bytes: Uint8Array, offset = 0): UvarintRead {
  let value = 0n;
  for (let size = 1; size <= 10; size++) {
    const end = offset + size;
    const byte = bytes[end - 1];
    if (byte === undefined) return { value: undefined, end: end - 1, fault: 'CNV-004' };
    value += BigInt(byte & 127) << BigInt(7 * (size - 1));
    if (byte >= 128) continue;
    if (byte === 0 && size > 1) return { value: undefined, end, fault: 'CNV-002' };
    if (value >> 64n !== 0n) return { value: undefined, end, fault: 'CNV-003' };
    return { value, end, fault: undefined };
  }
  return { value: undefined, end: offset + 10, fault: 'CNV-003' };
}

/** `lp(x) = uvarint(length of x in bytes) ‖ x`. */
export function lp(bytes: Uint8Array): Uint8Array {
  return concat(encodeUvarint(bytes.length), bytes);
}
