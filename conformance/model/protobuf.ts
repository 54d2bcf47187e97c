/**
 * The protobuf wire format, as far as chapters 02 and 03 look at it: fields in the order in which they stand, nothing
 * interpreted. Bodies (WIR-040 to WIR-050) and signed bytes (IDN-050 to IDN-059) are judged on top of this.
 */
import { concat, utf8 } from './bytes.ts';
import { encodeUvarint } from './uvarint.ts';

/** One field occurrence. A group's `bytes` are what stands between its tags. */
export interface WireField {
  readonly number: number;
  readonly wireType: 0 | 1 | 2 | 3 | 5;
  /** Of wire type 0, modulo 2^64; 0 otherwise. */
  readonly value: bigint;
  /** Of wire types 1, 2, 3 and 5; empty otherwise. */
  readonly bytes: Uint8Array;
  /** Whether tag, length and value are minimal uvarints. */
  readonly minimal: boolean;
}

/** Why bytes are not fields, with the clause of chapter 03 that says so; the same bytes break a clause of chapter 02 as signed bytes. */
export interface WireFault {
  readonly body: 'WIR-040' | 'WIR-041' | 'WIR-042' | 'WIR-043';
  readonly signed: 'IDN-053' | 'IDN-055' | 'IDN-056' | 'IDN-051';
}

const CUT_SHORT: WireFault = { body: 'WIR-040', signed: 'IDN-055' };
const BAD_NUMBER: WireFault = { body: 'WIR-041', signed: 'IDN-051' };
const BAD_TYPE: WireFault = { body: 'WIR-042', signed: 'IDN-056' };
const LONG_VARINT: WireFault = { body: 'WIR-043', signed: 'IDN-053' };
/** A tag below 2^32 in more than five bytes: a body may be read or refused, signed bytes are not minimal. */
const LONG_TAG: WireFault = { body: 'WIR-041', signed: 'IDN-053' };

/** How deep groups may stand in each other before the reader gives up; the node may close on any group (WIR-049). */
const GROUP_DEPTH_MAX = 32;

class Fault extends Error {
  readonly fault: WireFault;
  constructor(fault: WireFault) {
    super(fault.body);
    this.fault = fault;
  }
}

/** All fields of a message, or the fault of the first place that is none. */
export function readFields(
  bytes: Uint8Array,
): { readonly fields: readonly WireField[]; readonly fault: undefined } | { readonly fields: undefined; readonly fault: WireFault } {
  try {
    const { fields } = readUntil(bytes, 0, undefined, 0);
    return { fields, fault: undefined };
  } catch (error) {
    if (error instanceof Fault) return { fields: undefined, fault: error.fault };
    throw error;
  }
}

/** Reads fields up to the end of the bytes, or up to the end-group tag of `group`. */
function readUntil(
  bytes: Uint8Array,
  start: number,
  group: number | undefined,
  depth: number,
): { fields: WireField[]; end: number; contentEnd: number } {
  const fields: WireField[] = [];
  let offset = start;
  while (offset < bytes.length) {
    const tagStart = offset;
    const tag = readVarint(bytes, offset);
    if (tag.value >> 32n !== 0n) throw new Fault(BAD_NUMBER);
    if (tag.end - tagStart > 5) throw new Fault(LONG_TAG);
    const number = Number(tag.value >> 3n);
    const wireType = Number(tag.value & 7n);
    if (number === 0) throw new Fault(BAD_NUMBER);
    offset = tag.end;
    switch (wireType) {
      case 0: {
        const value = readVarint(bytes, offset);
        fields.push({ number, wireType, value: value.value, bytes: new Uint8Array(), minimal: tag.minimal && value.minimal });
        offset = value.end;
        break;
      }
      case 1:
      case 5: {
        const content = take(bytes, offset, wireType === 1 ? 8 : 4);
        fields.push({ number, wireType, value: 0n, bytes: content, minimal: tag.minimal });
        offset += content.length;
        break;
      }
      case 2: {
        const length = readVarint(bytes, offset);
        if (length.value > BigInt(bytes.length)) throw new Fault(CUT_SHORT);
        const content = take(bytes, length.end, Number(length.value));
        fields.push({ number, wireType, value: 0n, bytes: content, minimal: tag.minimal && length.minimal });
        offset = length.end + content.length;
        break;
      }
      case 3: {
        if (depth >= GROUP_DEPTH_MAX) throw new Fault(BAD_TYPE);
        const inner = readUntil(bytes, offset, number, depth + 1);
        fields.push({ number, wireType, value: 0n, bytes: bytes.slice(offset, inner.contentEnd), minimal: tag.minimal });
        offset = inner.end;
        break;
      }
      case 4:
        if (group !== number) throw new Fault(BAD_TYPE);
        return { fields, end: offset, contentEnd: tagStart };
      default:
        throw new Fault(BAD_TYPE);
    }
  }
  if (group !== undefined) throw new Fault(CUT_SHORT);
  return { fields, end: offset, contentEnd: offset };
}

/** A protobuf varint: at most ten bytes, longer forms and a tenth byte above 1 read modulo 2^64. */
function readVarint(bytes: Uint8Array, offset: number): { value: bigint; end: number; minimal: boolean } {
  let value = 0n;
  for (let size = 1; size <= 10; size++) {
    const byte = bytes[offset + size - 1];
    if (byte === undefined) throw new Fault(CUT_SHORT);
    value += BigInt(byte & 127) << BigInt(7 * (size - 1));
    if (byte < 128) {
      const minimal = (byte !== 0 || size === 1) && value >> 64n === 0n;
      return { value: value & 0xffff_ffff_ffff_ffffn, end: offset + size, minimal };
    }
  }
  throw new Fault(LONG_VARINT);
}

function take(bytes: Uint8Array, offset: number, size: number): Uint8Array {
  if (offset + size > bytes.length) throw new Fault(CUT_SHORT);
  return bytes.slice(offset, offset + size);
}

/** A tag: field number and wire type, minimal. */
export function writeTag(number: number, wireType: number): Uint8Array {
  return encodeUvarint((BigInt(number) << 3n) | BigInt(wireType));
}

/** A varint field, whatever its value. */
export function writeVarintField(number: number, value: bigint | number): Uint8Array {
  return concat(writeTag(number, 0), encodeUvarint(value));
}

/** A length-delimited field, whatever its content. */
export function writeBytesField(number: number, content: Uint8Array): Uint8Array {
  return concat(writeTag(number, 2), encodeUvarint(content.length), content);
}

/** A singular number: nothing when it is 0. */
export function writeNumber(number: number, value: bigint | number): Uint8Array {
  return BigInt(value) === 0n ? new Uint8Array() : writeVarintField(number, value);
}

/** Singular bytes: nothing when they are empty. */
export function writeBytes(number: number, content: Uint8Array): Uint8Array {
  return content.length === 0 ? content : writeBytesField(number, content);
}

/** A singular text: nothing when it is empty. */
export function writeText(number: number, content: string): Uint8Array {
  return writeBytes(number, utf8(content));
}

/** The last value of a singular number field; 0 when it is absent. Spec: WIR-048, WIR-050. */
export function lastNumber(fields: readonly WireField[], number: number): bigint {
  return fields.findLast((field) => field.number === number && field.wireType === 0)?.value ?? 0n;
}

/** The last value of a singular bytes field; empty when it is absent. Spec: WIR-048, WIR-050. */
export function lastBytes(fields: readonly WireField[], number: number): Uint8Array {
  return fields.findLast((field) => field.number === number && field.wireType === 2)?.bytes ?? new Uint8Array();
}

/** All elements of a repeated length-delimited field, in their order. */
export function allBytes(fields: readonly WireField[], number: number): readonly Uint8Array[] {
  return fields.filter((field) => field.number === number && field.wireType === 2).map((field) => field.bytes);
}
