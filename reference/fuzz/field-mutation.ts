/** Protobuf made wrong: mutations that know fields, lengths and wire types, and floods that no encoder writes. */
import { readFields, type WireField } from '../../conformance/model/protobuf.ts';
import { concatBytes } from '../core/bytes.ts';
import type { Rng } from '../core/rng.ts';
import { encodeUvarint } from '../core/wire/uvarint.ts';
import { mutateBytes, oneIn, pick, sizeUpTo } from './mutation.ts';

/** A varint of exactly `size` bytes for a small value: not minimal above the fewest, and too long above ten. */
export function paddedVarint(value: number, size: number): Uint8Array {
  const bytes = new Uint8Array(size);
  let rest = value;
  for (let index = 0; index < size; index++) {
    bytes[index] = (rest & 0x7f) | (index < size - 1 ? 0x80 : 0);
    rest = Math.floor(rest / 128);
  }
  return bytes;
}

/** Varints that readers disagree about: ten bytes, a tenth byte above 1, eleven bytes, none that ends. */
export function oddVarint(rng: Rng): Uint8Array {
  const full = new Uint8Array(9).fill(0xff);
  switch (rng.below(7)) {
    case 0:
      return concatBytes(full, Uint8Array.of(0x01));
    case 1:
      return concatBytes(full, Uint8Array.of(2 + rng.below(126)));
    case 2:
      return concatBytes(full, Uint8Array.of(0xff, 0x01));
    case 3:
      return full;
    case 4:
      return paddedVarint(rng.below(300), 2 + rng.below(11));
    case 5:
      return encodeUvarint(2n ** 63n);
    default:
      return encodeUvarint(pick(rng, [2 ** 31 - 1, 2 ** 32 - 1, 2 ** 32, 2 ** 53]));
  }
}

function writeTag(rng: Rng, number: number, wireType: number): Uint8Array {
  const tag = number * 8 + wireType;
  return oneIn(rng, 12) ? paddedVarint(tag, 2 + rng.below(9)) : encodeUvarint(tag);
}

/** A field as it may be written, now and then with a length that is not minimal. */
function writeField(rng: Rng, field: WireField): Uint8Array {
  const tag = writeTag(rng, field.number, field.wireType);
  switch (field.wireType) {
    case 0:
      return concatBytes(tag, oneIn(rng, 6) ? oddVarint(rng) : encodeUvarint(field.value));
    case 2:
      return concatBytes(
        tag,
        oneIn(rng, 12) ? paddedVarint(field.bytes.length, 2 + rng.below(9)) : encodeUvarint(field.bytes.length),
        field.bytes,
      );
    case 3:
      return concatBytes(tag, field.bytes, encodeUvarint(field.number * 8 + 4));
    default:
      return concatBytes(tag, field.bytes);
  }
}

/** Groups in each other, closed, not closed, or closed by another number. */
export function nestedGroups(rng: Rng, depth: number): Uint8Array {
  const number = 1 + rng.below(15);
  const open = new Uint8Array(depth).fill(number * 8 + 3);
  const close = new Uint8Array(depth).fill(number * 8 + 4);
  switch (rng.below(3)) {
    case 0:
      return concatBytes(open, close);
    case 1:
      return open;
    default:
      return concatBytes(open, Uint8Array.of(((number % 15) + 1) * 8 + 4), close);
  }
}

/** Very many fields of no content, of a number that bodies use. */
function emptyFlood(rng: Rng, bytesMax: number): Uint8Array {
  const count = sizeUpTo(rng, Math.floor(bytesMax / 2));
  const tag = (1 + rng.below(3)) * 8 + pick(rng, [0, 2, 2, 2]);
  return Uint8Array.from({ length: 2 * count }, (_, index) => (index % 2 === 0 ? tag : 0));
}

/** A field that promises more content than there is. */
function hugeLength(rng: Rng): Uint8Array {
  const tag = Uint8Array.of((1 + rng.below(6)) * 8 + 2);
  return concatBytes(tag, oneIn(rng, 2) ? oddVarint(rng) : encodeUvarint(pick(rng, [1_000, 65_536, 2 ** 31, 2 ** 32 - 1])), rng.bytes(4));
}

/** Bytes that are not UTF-8: overlong, surrogates, beyond the last point, cut short. */
export const BAD_UTF8: readonly Uint8Array[] = [
  [0xc0, 0x80],
  [0xed, 0xa0, 0x80],
  [0xf4, 0x90, 0x80, 0x80],
  [0xe2, 0x82],
  [0xff],
  [0x80],
].map((bytes) => Uint8Array.from(bytes));

function invalidText(rng: Rng): Uint8Array {
  const text = pick(rng, BAD_UTF8);
  return concatBytes(Uint8Array.of((1 + rng.below(3)) * 8 + 2, text.length), text);
}

/** A tag that no field has: number 0, wire types 6 and 7, an end of nothing, numbers beyond the largest. */
function badTag(rng: Rng): Uint8Array {
  return pick(rng, [
    Uint8Array.of(0x00, 0x00),
    Uint8Array.of(0x0e),
    Uint8Array.of(0x0f),
    Uint8Array.of(0x0c),
    encodeUvarint(2 ** 32),
    encodeUvarint(2 ** 32 - 8),
    paddedVarint(8, 10),
    paddedVarint(8, 5),
  ]);
}

type FieldChange = (rng: Rng, fields: WireField[]) => void;

function someIndex(rng: Rng, fields: readonly WireField[]): number {
  return rng.below(Math.max(1, fields.length));
}

const CHANGES: readonly FieldChange[] = [
  (rng, fields) => {
    fields.splice(someIndex(rng, fields), 1);
  },
  (rng, fields) => {
    const field = fields[someIndex(rng, fields)];
    const times = 1 + sizeUpTo(rng, 1200);
    if (field !== undefined && field.bytes.length * times < 65_536) for (let count = 0; count < times; count++) fields.push(field);
  },
  (_, fields) => {
    fields.reverse();
  },
  (rng, fields) => {
    const index = someIndex(rng, fields);
    const field = fields[index];
    if (field !== undefined) fields[index] = { ...field, wireType: pick(rng, [0, 1, 2, 3, 5]), bytes: field.bytes.slice(0, 8) };
  },
  (rng, fields) => {
    const index = someIndex(rng, fields);
    const field = fields[index];
    if (field !== undefined) fields[index] = { ...field, number: pick(rng, [1, 2, 3, 4, 5, 15, 16, 2 ** 29 - 1]) };
  },
  (rng, fields) => {
    const index = someIndex(rng, fields);
    const field = fields[index];
    if (field === undefined) return;
    fields[index] =
      field.wireType === 0
        ? { ...field, value: pick(rng, [0n, 1n, 2n ** 31n, 2n ** 32n, 2n ** 63n, 2n ** 64n - 1n]) }
        : { ...field, bytes: oneIn(rng, 3) ? mutateFields(rng, field.bytes) : mutateBytes(rng, field.bytes) };
  },
];

/** How deep groups go that a reader with a stack of its own would fall over. */
const GROUP_DEPTHS = [1, 2, 31, 33, 99, 101, 10_000] as const;

/** The message with fields changed, or something that is no message around or instead of them; at most `bytesMax` bytes. */
export function mutateFields(rng: Rng, message: Uint8Array, bytesMax = 65_500): Uint8Array {
  const { fields } = readFields(message);
  if (fields === undefined || oneIn(rng, 6)) return mutateBytes(rng, message, bytesMax);
  const changed = [...fields];
  for (let left = rng.below(3); left >= 0; left--) pick(rng, CHANGES)(rng, changed);
  const parts = changed.map((field) => writeField(rng, field));
  if (oneIn(rng, 2)) parts.splice(rng.below(parts.length + 1), 0, oddPart(rng, bytesMax));
  const bytes = concatBytes(...parts);
  return (oneIn(rng, 5) ? bytes.slice(0, rng.below(bytes.length + 1)) : bytes).slice(0, bytesMax);
}

function oddPart(rng: Rng, bytesMax: number): Uint8Array {
  switch (rng.below(7)) {
    case 0:
      return nestedGroups(rng, pick(rng, GROUP_DEPTHS));
    case 1:
      return emptyFlood(rng, oneIn(rng, 8) ? bytesMax : 512);
    case 2:
      return hugeLength(rng);
    case 3:
      return invalidText(rng);
    case 4:
      return badTag(rng);
    case 5:
      return concatBytes(Uint8Array.of((1 + rng.below(6)) * 8), oddVarint(rng));
    default:
      return rng.bytes(1 + rng.below(40));
  }
}
