/**
 * Strict encoding, for everything that is signed: one message, one encoding. The bytes are screened
 * against the schema rule by rule, decoded, encoded again and compared, so that a rule forgotten
 * here or a leniency of the library cannot let a second encoding through. Spec: IDN-050 to IDN-061
 */
import { type DescField, type DescMessage, fromBinary, type Message, type MessageShape, ScalarType, toBinary } from '@bufbuild/protobuf';
import type { GenMessage } from '@bufbuild/protobuf/codegenv2';
import { decodeUtf8, equalBytes } from '../bytes.ts';
import { WIRE_LENGTH, WIRE_VARINT } from './fields.ts';
import { readUvarint } from './uvarint.ts';

/** `identity.payload_depth_max`, which is the same in every preset. */
const DEPTH_MAX = 8;

const UINT32_MAX = 2n ** 32n - 1n;

/** The strict encoding of a message that the program itself made. */
export function encodeStrict<T extends Message>(schema: GenMessage<T>, message: T): Uint8Array {
  return toBinary<GenMessage<T>>(schema, message as MessageShape<GenMessage<T>>, { writeUnknownFields: false });
}

/** The message of strictly encoded bytes, or undefined when they are not. Spec: IDN-050 to IDN-061 */
export function decodeStrict<T extends Message>(schema: GenMessage<T>, bytes: Uint8Array): T | undefined {
  if (!isStrict(schema, bytes, 1)) return undefined;
  let message: T;
  try {
    message = fromBinary<GenMessage<T>>(schema, bytes) as T;
  } catch {
    // The library refuses by throwing; what it refuses is not well-formed.
    return undefined;
  }
  return equalBytes(encodeStrict(schema, message), bytes) ? message : undefined;
}

/** Whether the bytes follow every rule for the message type; `depth` is 1 for the outermost message. */
function isStrict(desc: DescMessage, bytes: Uint8Array, depth: number): boolean {
  if (depth > DEPTH_MAX) return false;
  const oneofsSet = new Set<string>();
  let lastNumber = 0;
  let offset = 0;
  while (offset < bytes.length) {
    const tag = readUvarint(bytes, offset);
    if (tag === undefined || tag.value > UINT32_MAX) return false;
    const number = Number(tag.value >> 3n);
    const field = desc.fields.find((candidate) => candidate.number === number);
    if (field === undefined || Number(tag.value & 7n) !== wireTypeOf(field)) return false;
    const repeats = field.fieldKind === 'list' && !field.packed;
    if (number < lastNumber || (number === lastNumber && !repeats)) return false;
    if (field.oneof !== undefined) {
      if (oneofsSet.has(field.oneof.name)) return false;
      oneofsSet.add(field.oneof.name);
    }
    const next = readStrictValue(field, bytes, tag.next, depth);
    if (next === undefined) return false;
    lastNumber = number;
    offset = next;
  }
  return true;
}

/** The one wire type that the schema gives a field, or −1 for what the message types of this revision do not have. */
function wireTypeOf(field: DescField): number {
  switch (field.fieldKind) {
    case 'message':
      return field.delimitedEncoding ? -1 : WIRE_LENGTH;
    case 'enum':
      return WIRE_VARINT;
    case 'scalar':
      return wireTypeOfScalar(field.scalar);
    case 'list': {
      if (field.listKind === 'message') return field.delimitedEncoding ? -1 : WIRE_LENGTH;
      const element = field.listKind === 'enum' ? WIRE_VARINT : wireTypeOfScalar(field.scalar);
      return element === WIRE_VARINT && field.packed ? WIRE_LENGTH : element;
    }
    case 'map':
      return -1;
  }
}

function wireTypeOfScalar(scalar: ScalarType): number {
  switch (scalar) {
    case ScalarType.UINT32:
    case ScalarType.UINT64:
    case ScalarType.BOOL:
      return WIRE_VARINT;
    case ScalarType.STRING:
    case ScalarType.BYTES:
      return WIRE_LENGTH;
    default:
      // Signed, fixed-width and floating numbers have no place on the wire (CNV, "Notation").
      return -1;
  }
}

/** The offset behind a field's value, or undefined when the value breaks a rule. */
function readStrictValue(field: DescField, bytes: Uint8Array, offset: number, depth: number): number | undefined {
  const head = readUvarint(bytes, offset);
  if (head === undefined) return undefined;
  if (wireTypeOf(field) === WIRE_VARINT) {
    const isDefault = head.value === 0n && field.oneof === undefined && field.fieldKind !== 'list';
    return !isDefault && isKnownValue(field, head.value) ? head.next : undefined;
  }
  if (head.value > BigInt(bytes.length - head.next)) return undefined;
  const end = head.next + Number(head.value);
  const content = bytes.subarray(head.next, end);
  return isStrictContent(field, content, depth) ? end : undefined;
}

/** Whether a number is one that the field can hold: in range, and named when it is an enum's. */
function isKnownValue(field: DescField, value: bigint): boolean {
  if (field.enum !== undefined) return value <= UINT32_MAX && field.enum.value[Number(value)] !== undefined;
  if (field.scalar === ScalarType.UINT32) return value <= UINT32_MAX;
  if (field.scalar === ScalarType.BOOL) return value <= 1n;
  return true;
}

function isStrictContent(field: DescField, content: Uint8Array, depth: number): boolean {
  if (field.message !== undefined) return isStrict(field.message, content, depth + 1);
  if (field.fieldKind === 'list' && field.packed) return isStrictPacked(field, content);
  if (content.length === 0 && field.fieldKind === 'scalar' && field.oneof === undefined) return false;
  return field.scalar !== ScalarType.STRING || decodeUtf8(content) !== undefined;
}

/** A packed list: at least one element, each a minimal uvarint that the field can hold. */
function isStrictPacked(field: DescField, content: Uint8Array): boolean {
  if (content.length === 0) return false;
  let offset = 0;
  while (offset < content.length) {
    const element = readUvarint(content, offset);
    if (element === undefined || !isKnownValue(field, element.value)) return false;
    offset = element.next;
  }
  return true;
}
