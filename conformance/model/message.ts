/** Bodies by their table: written, read, and judged by WIR-040 to WIR-050. Spec: chapter 03, Bodies. */
import type { SeenEnvelope, SeenFields, SeenValue } from '../driver/trace.ts';
import { concat, hex, text, utf8 } from './bytes.ts';
import { readFields, type WireFault, type WireField, writeBytesField, writeVarintField } from './protobuf.ts';
import type { FieldSchema, MessageSchema } from './schema.ts';
import { messageSchema } from './schemas.ts';
import { encodeUvarint } from './uvarint.ts';

/** A field's value as it is written; bytes are bytes, whatever their length, so that faults can be written too. */
export type FieldValue = bigint | number | boolean | string | Uint8Array | MessageFields | readonly FieldValue[];

/** A message as it is written, by field name; what is left out is not written. */
export interface MessageFields {
  readonly [field: string]: FieldValue | undefined;
}

/** Fields in ascending order of their numbers, singular defaults left out. Throws a RangeError for a field or value that the table does not have. */
export function encodeMessage(name: string, fields: MessageFields): Uint8Array {
  const schema = messageSchema(name);
  const unknown = Object.keys(fields).find((field) => !Object.hasOwn(schema, field));
  if (unknown !== undefined) throw new RangeError(`${name} has no field ${unknown}`);
  const inOrder = Object.entries(schema).sort(([, a], [, b]) => a.number - b.number);
  return concat(
    ...inOrder.map(([field, rule]) => {
      const value = fields[field];
      return value === undefined ? new Uint8Array() : encodeField(`${name}.${field}`, rule, value);
    }),
  );
}

function encodeField(path: string, rule: FieldSchema, value: FieldValue): Uint8Array {
  if (rule.repeated === true) {
    if (!Array.isArray(value)) throw new RangeError(`${path} is repeated`);
    const elements = value as readonly FieldValue[];
    if (!isNumeric(rule)) return concat(...elements.map((element) => writeBytesField(rule.number, content(path, rule, element))));
    const packed = concat(...elements.map((element) => encodeUvarint(numeric(path, element))));
    return packed.length === 0 ? packed : writeBytesField(rule.number, packed);
  }
  const showsDefault = rule.oneof !== undefined || rule.optional === true;
  if (isNumeric(rule)) {
    const number = numeric(path, value);
    return number === 0n && !showsDefault ? new Uint8Array() : writeVarintField(rule.number, number);
  }
  const bytes = content(path, rule, value);
  // An empty message stands as itself: it is there.
  return bytes.length === 0 && !showsDefault && rule.type !== 'message' ? bytes : writeBytesField(rule.number, bytes);
}

/** Whether a field's value is a varint. */
export function isNumeric({ type }: FieldSchema): boolean {
  return type === 'uint32' || type === 'uint64' || type === 'bool' || type === 'enum';
}

function numeric(path: string, value: FieldValue): bigint {
  if (typeof value === 'boolean') return value ? 1n : 0n;
  if (typeof value === 'bigint' && value >= 0n) return value;
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return BigInt(value);
  throw new RangeError(`${path} is a number`);
}

function content(path: string, rule: FieldSchema, value: FieldValue): Uint8Array {
  if (rule.type === 'message') {
    if (typeof value !== 'object' || value instanceof Uint8Array || Array.isArray(value)) throw new RangeError(`${path} is a message`);
    return encodeMessage(rule.message ?? '', value as MessageFields);
  }
  // Bytes in a text field are what is not UTF-8.
  if (value instanceof Uint8Array) return value;
  if (rule.type === 'text' && typeof value === 'string') return utf8(value);
  throw new RangeError(`${path} is ${rule.type}`);
}

/** How a reader sees the envelopes in a message. */
export type SeeEnvelope = (bytes: Uint8Array) => SeenEnvelope;

/** A message that was read, or the clause that a receiver closes on with E_MALFORMED. */
export type MessageRead =
  | { readonly fields: SeenFields; readonly clause: undefined }
  | { readonly fields: undefined; readonly clause: 'WIR-040' | 'WIR-041' | 'WIR-042' | 'WIR-043' | 'WIR-044' | 'WIR-045' };

class Malformed extends Error {
  readonly clause: NonNullable<MessageRead['clause']>;
  constructor(clause: NonNullable<MessageRead['clause']>) {
    super(clause);
    this.clause = clause;
  }
}

/** Reads a message by WIR-040 to WIR-045 and WIR-047 to WIR-050. The number of elements is not judged here (see `elementFault`). */
export function readMessage(name: string, bytes: Uint8Array, see: SeeEnvelope): MessageRead {
  try {
    return { fields: read(messageSchema(name), bytes, see), clause: undefined };
  } catch (error) {
    if (error instanceof Malformed) return { fields: undefined, clause: error.clause };
    throw error;
  }
}

/** The fields of a message, or undefined when it is malformed. */
export function decodeMessage(name: string, bytes: Uint8Array, see: SeeEnvelope): SeenFields | undefined {
  return readMessage(name, bytes, see).fields;
}

function read(schema: MessageSchema, bytes: Uint8Array, see: SeeEnvelope): SeenFields {
  const { fields, fault } = readFields(bytes);
  if (fields === undefined) throw new Malformed(fault.body);
  const seen: Record<string, SeenValue> = {};
  const lastOf = new Map<string, number>();
  for (const [field, rule] of Object.entries(schema)) {
    if (rule.repeated === true) {
      seen[field] = elementsOf(fields, rule).map((element) => seenOf(rule, element, see));
      continue;
    }
    const wanted = isNumeric(rule) ? 0 : 2;
    const values = fields.filter(({ number, wireType }) => number === rule.number && wireType === wanted);
    // Any occurrence of a text, and any message, has to be readable; of the rest the last counts.
    const seenValues = rule.type === 'text' || rule.type === 'message' ? values.map((one) => seenOf(rule, one, see)) : [];
    const last = values.at(-1);
    if (last === undefined) {
      if (rule.oneof !== undefined || rule.optional === true || rule.type === 'message') continue;
      seen[field] = absent(rule, see);
      continue;
    }
    if (rule.oneof !== undefined) {
      const at = fields.lastIndexOf(last);
      const rivals = lastOf.get(rule.oneof) ?? -1;
      if (rivals > at) continue;
      lastOf.set(rule.oneof, at);
      for (const [other, { oneof }] of Object.entries(schema)) if (oneof === rule.oneof) delete seen[other];
    }
    seen[field] = seenValues.at(-1) ?? seenOf(rule, last, see);
  }
  return seen;
}

/** The elements of a repeated field: numbers packed or one by one. */
function elementsOf(fields: readonly WireField[], rule: FieldSchema): readonly WireField[] {
  const own = fields.filter(({ number }) => number === rule.number);
  if (!isNumeric(rule)) return own.filter(({ wireType }) => wireType === 2);
  return own.flatMap((field) => {
    if (field.wireType !== 2) return field.wireType === 0 ? [field] : [];
    const packed = unpack(field);
    if (packed.fields === undefined) throw new Malformed(packed.fault.body);
    return packed.fields;
  });
}

/** The numbers of a packed field, or the fault of the first place that is none. */
export function unpack({
  number,
  bytes,
}: WireField): { readonly fields: readonly WireField[] } | { readonly fields: undefined; readonly fault: WireFault } {
  const elements: WireField[] = [];
  let offset = 0;
  while (offset < bytes.length) {
    let end = offset;
    while (end < bytes.length && (bytes[end] ?? 0) >= 128) end += 1;
    // Read as a field of its own, so that its varint meets the same faults.
    const { fields, fault } = readFields(concat(Uint8Array.of(0x08), bytes.subarray(offset, end + 1)));
    if (fields === undefined) return { fields, fault };
    elements.push(...fields.map((field) => ({ ...field, number })));
    offset = end + 1;
  }
  return { fields: elements };
}

function absent(rule: FieldSchema, see: SeeEnvelope): SeenValue {
  const bytes = new Uint8Array();
  return seenOf(rule, { number: rule.number, wireType: isNumeric(rule) ? 0 : 2, value: 0n, bytes, minimal: true }, see);
}

function seenOf(rule: FieldSchema, { value, bytes }: WireField, see: SeeEnvelope): SeenValue {
  switch (rule.type) {
    case 'uint64':
      return value;
    case 'uint32':
    case 'enum':
      return Number(value & 0xffff_ffffn);
    case 'bool':
      return value !== 0n;
    case 'text': {
      const decoded = text(bytes);
      if (decoded === undefined) throw new Malformed('WIR-044');
      return decoded;
    }
    case 'message':
      return read(messageSchema(rule.message ?? ''), bytes, see);
    case 'bytes':
      if (rule.size !== undefined && bytes.length !== rule.size) throw new Malformed('WIR-045');
      return rule.holds === 'envelope' ? see(bytes) : hex(bytes);
  }
}

/** The path of the first list with fewer or more elements than its message allows, or undefined. Spec: WIR-046 */
export function elementFault(name: string, fields: SeenFields): string | undefined {
  for (const [field, rule] of Object.entries(messageSchema(name))) {
    const value = fields[field];
    if (value === undefined) continue;
    const elements = Array.isArray(value) ? (value as readonly SeenValue[]) : [value];
    if (rule.repeated === true && (elements.length < (rule.min ?? 0) || elements.length > (rule.max ?? Number.POSITIVE_INFINITY))) {
      return `${name}.${field}`;
    }
    if (rule.type !== 'message' || rule.message === undefined) continue;
    for (const element of elements) {
      const fault = elementFault(rule.message, element as SeenFields);
      if (fault !== undefined) return fault;
    }
  }
  return undefined;
}

/** The clause that lets a node close on bytes that can be read, if one does: groups, other wire types, numbers longer than they need. */
export function messageChoice(name: string, bytes: Uint8Array): 'WIR-043' | 'WIR-049' | 'WIR-050' | undefined {
  const rules = Object.values(messageSchema(name));
  const inner: { readonly message: string; readonly bytes: Uint8Array }[] = [];
  for (const { number, wireType, minimal, bytes: held } of readFields(bytes).fields ?? []) {
    if (wireType === 3) return 'WIR-049';
    const rule = rules.find((one) => one.number === number);
    const fits = rule === undefined || wireType === (isNumeric(rule) ? 0 : 2) || (wireType === 2 && rule.repeated === true);
    if (!fits) return 'WIR-050';
    if (!minimal) return 'WIR-043';
    if (rule?.message !== undefined) inner.push({ message: rule.message, bytes: held });
  }
  for (const one of inner) {
    const choice = messageChoice(one.message, one.bytes);
    if (choice !== undefined) return choice;
  }
  return undefined;
}
