/** Strict encoding of signed bytes, by tables that repeat the proto files. Spec: IDN-050 to IDN-061. */
import { text } from './bytes.ts';
import { isNumeric, unpack } from './message.ts';
import { readFields, type WireField } from './protobuf.ts';
import type { FieldSchema } from './schema.ts';
import { messageSchema, PAYLOADS } from './schemas.ts';

/** A message of the tables that is signed, or stands inside one that is. */
export type MessageName = string;

/** Deepest nesting of messages. Spec: IDN-061, `identity.payload_depth_max`. */
const DEPTH_MAX = 8;

const SIGNED: ReadonlySet<string> = new Set(['Envelope', ...PAYLOADS.values()]);

/** Whether a name is one that `strict.check` knows: an Envelope, or the payload of one. */
export function isMessageName(name: string): boolean {
  return SIGNED.has(name);
}

/** The clause that the first fault in the bytes breaks, or undefined when they are strictly encoded. */
export function strictFault(message: MessageName, bytes: Uint8Array, depth = 1): string | undefined {
  if (depth > DEPTH_MAX) return 'IDN-061';
  const read = readFields(bytes);
  if (read.fault !== undefined) return read.fault.signed;
  const rules = Object.values(messageSchema(message));
  let highest = 0;
  const taken = new Set<string>();
  for (const field of read.fields) {
    const rule = rules.find((candidate) => candidate.number === field.number);
    if (rule === undefined) return 'IDN-051';
    const isPacked = rule.repeated === true && isNumeric(rule);
    if (field.wireType !== (isPacked || !isNumeric(rule) ? 2 : 0)) return 'IDN-056';
    if (!field.minimal) return 'IDN-053';
    const slot = rule.oneof ?? `${rule.number}`;
    if ((rule.repeated !== true || isPacked) && taken.has(slot)) return 'IDN-052';
    taken.add(slot);
    if (field.number < highest) return 'IDN-050';
    highest = field.number;
    const isDefault = field.wireType === 0 ? field.value === 0n : field.bytes.length === 0;
    const showsDefault =
      (rule.repeated === true && !isPacked) || rule.oneof !== undefined || rule.optional === true || rule.type === 'message';
    if (isDefault && !showsDefault) return 'IDN-054';
    const fault = isPacked ? packedFault(rule, field, depth) : valueFault(rule, field.value, field.bytes, depth);
    if (fault !== undefined) return fault;
  }
  return undefined;
}

function packedFault(rule: FieldSchema, field: WireField, depth: number): string | undefined {
  const packed = unpack(field);
  if (packed.fields === undefined) return packed.fault.signed;
  for (const { value, bytes, minimal } of packed.fields) {
    const fault = minimal ? valueFault(rule, value, bytes, depth) : 'IDN-053';
    if (fault !== undefined) return fault;
  }
  return undefined;
}

function valueFault(rule: FieldSchema, value: bigint, bytes: Uint8Array, depth: number): string | undefined {
  switch (rule.type) {
    case 'text':
      return text(bytes) === undefined ? 'IDN-057' : undefined;
    case 'enum':
      if (value >> 32n !== 0n) return 'IDN-058';
      return rule.numbers?.includes(Number(value)) === true ? undefined : 'IDN-058';
    case 'bool':
      return value > 1n ? 'IDN-058' : undefined;
    case 'uint32':
      return value >> 32n === 0n ? undefined : 'IDN-059';
    case 'message':
      return strictFault(rule.message ?? '', bytes, depth + 1);
    case 'bytes':
    case 'uint64':
      return undefined;
  }
}

/** Whether bytes are the strict encoding of a message of that name. */
export function strictCheck(message: MessageName, bytes: Uint8Array): 'ok' | 'E_STRUCTURE' {
  return strictFault(message, bytes) === undefined ? 'ok' : 'E_STRUCTURE';
}
