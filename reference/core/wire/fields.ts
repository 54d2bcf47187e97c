/**
 * Protobuf fields as they lie in the bytes, without a schema: a reader that refuses what no schema
 * could make well-formed, and the few writers that bodies need. Spec: WIR-040 to WIR-043, WIR-049
 */
import { encodeUvarint } from './uvarint.ts';

export const WIRE_VARINT = 0;
export const WIRE_FIXED64 = 1;
export const WIRE_LENGTH = 2;
export const WIRE_GROUP_START = 3;
export const WIRE_GROUP_END = 4;
export const WIRE_FIXED32 = 5;

/** Groups may lie inside each other this deep before the bytes are refused. */
const GROUP_DEPTH_MAX = 100;

/** Bytes that a tag takes at most: 2^32 − 1 in base 128. */
const TAG_BYTES_MAX = 5;

/** The rule of chapter 03 that bytes break. */
export type FieldFault = 'WIR-040' | 'WIR-041' | 'WIR-042' | 'WIR-043' | 'WIR-049';

/**
 * Walks over the fields of a message. After `next()` gave true, `number`, `wireType` and the value's
 * accessors stand for one field; after false, `fault` says what was wrong, or is undefined at the end.
 */
export class FieldReader {
  number = 0;
  wireType = 0;
  fault: FieldFault | undefined = undefined;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #offset = 0;
  #low = 0;
  #high = 0;
  #start = 0;
  #end = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** Moves to the next field; a complete group is one field of wire type 3. */
  next(): boolean {
    if (this.fault !== undefined || this.#offset >= this.#bytes.length) return false;
    if (!this.#readTag() || !this.#readValue()) return false;
    return this.wireType !== WIRE_GROUP_START || this.#skipGroup();
  }

  /** A varint field's value modulo 2^32, as protobuf reads a uint32. */
  uint32(): number {
    return this.#low;
  }

  /** A varint field's value modulo 2^32 as a signed number, as protobuf reads an enum. */
  int32(): number {
    return this.#low | 0;
  }

  /** A varint field's value modulo 2^64. */
  uint64(): bigint {
    return (BigInt(this.#high) << 32n) | BigInt(this.#low);
  }

  /** A length-delimited field's content, as a view. */
  content(): Uint8Array {
    return this.#bytes.subarray(this.#start, this.#end);
  }

  #fail(fault: FieldFault): false {
    this.fault = fault;
    return false;
  }

  #readTag(): boolean {
    const begin = this.#offset;
    if (!this.#readVarint()) return false;
    // Some libraries read a tag of value 8 in ten bytes as 8; a tag longer than any in range is refused instead.
    if (this.#high !== 0 || this.#offset - begin > TAG_BYTES_MAX) return this.#fail('WIR-041');
    this.number = this.#low >>> 3;
    this.wireType = this.#low & 7;
    if (this.number === 0) return this.#fail('WIR-041');
    return true;
  }

  #readValue(): boolean {
    switch (this.wireType) {
      case WIRE_VARINT:
        return this.#readVarint();
      case WIRE_FIXED64:
        return this.#skip(8);
      case WIRE_FIXED32:
        return this.#skip(4);
      case WIRE_LENGTH: {
        if (!this.#readVarint()) return false;
        return this.#high === 0 ? this.#skip(this.#low) : this.#fail('WIR-040');
      }
      case WIRE_GROUP_START:
        return true;
      default:
        // 6 and 7 are no wire types; an end-group tag that opens here ends nothing.
        return this.#fail('WIR-042');
    }
  }

  #skip(size: number): boolean {
    if (this.#bytes.length - this.#offset < size) return this.#fail('WIR-040');
    this.#start = this.#offset;
    this.#offset += size;
    this.#end = this.#offset;
    return true;
  }

  /** Reads one varint of up to ten bytes, minimal or not, modulo 2^64. */
  #readVarint(): boolean {
    this.#low = 0;
    this.#high = 0;
    for (let index = 0; index < 10; index++) {
      if (this.#offset >= this.#bytes.length) return this.#fail('WIR-040');
      const byte = this.#view.getUint8(this.#offset++);
      const group = byte & 0x7f;
      if (index < 4) this.#low |= group << (7 * index);
      else if (index === 4) {
        this.#low |= group << 28;
        this.#high = group >>> 4;
      } else this.#high |= group << (7 * index - 32);
      if (byte < 0x80) {
        this.#low >>>= 0;
        this.#high >>>= 0;
        return true;
      }
    }
    return this.#fail('WIR-043');
  }

  /** Passes over the fields of the group just opened; its number and wire type stay those of the reader. */
  #skipGroup(): boolean {
    const open = [this.number];
    const number = this.number;
    while (open.length > 0) {
      if (this.#offset >= this.#bytes.length) return this.#fail('WIR-040');
      if (!this.#readTag()) return false;
      if (this.wireType === WIRE_GROUP_END) {
        if (open.pop() !== this.number) return this.#fail('WIR-042');
        continue;
      }
      if (!this.#readValue()) return false;
      if (this.wireType !== WIRE_GROUP_START) continue;
      if (open.length === GROUP_DEPTH_MAX) return this.#fail('WIR-049');
      open.push(this.number);
    }
    this.number = number;
    this.wireType = WIRE_GROUP_START;
    return true;
  }
}

/** Parts of a varint field; none for the default value 0. */
export function varintField(number: number, value: bigint | number): readonly Uint8Array[] {
  if (value === 0 || value === 0n) return [];
  return [encodeUvarint(number * 8 + WIRE_VARINT), encodeUvarint(value)];
}

/** Parts of a singular bytes or text field; none for the empty default. */
export function bytesField(number: number, content: Uint8Array): readonly Uint8Array[] {
  return content.length === 0 ? [] : elementField(number, content);
}

/** Parts of one element of a repeated field, which is written even when it is empty. */
export function elementField(number: number, content: Uint8Array): readonly Uint8Array[] {
  return [encodeUvarint(number * 8 + WIRE_LENGTH), encodeUvarint(content.length), content];
}
