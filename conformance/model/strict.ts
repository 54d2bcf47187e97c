/** Strict encoding of signed bytes, by tables that repeat the proto files. Spec: IDN-050 to IDN-061. */
import { text } from './bytes.ts';
import { readFields } from './protobuf.ts';

type FieldType =
  | { readonly type: 'text' | 'bytes' | 'uint32' | 'uint64' }
  | { readonly type: 'enum'; readonly numbers: readonly number[] }
  | { readonly type: 'message'; readonly message: MessageName };

type FieldRule = FieldType & {
  readonly number: number;
  readonly repeated?: true;
  readonly oneof?: string;
};

/** Messages that are signed, or stand inside one that is. */
export type MessageName = 'Envelope' | 'HandshakeHello' | 'AppPayload' | 'Address';

const SCHEMAS: Readonly<Record<MessageName, readonly FieldRule[]>> = {
  Envelope: [
    { number: 1, type: 'text' },
    { number: 2, type: 'uint32' },
    { number: 3, type: 'bytes' },
    { number: 4, type: 'bytes' },
    { number: 5, type: 'bytes' },
  ],
  HandshakeHello: [
    { number: 1, type: 'uint32' },
    { number: 2, type: 'bytes' },
    { number: 3, type: 'enum', numbers: [0, 1, 2] },
    { number: 4, type: 'uint32' },
    { number: 5, type: 'uint32' },
    { number: 6, type: 'text', repeated: true },
    { number: 7, type: 'uint32' },
    { number: 8, type: 'message', message: 'Address', repeated: true },
  ],
  Address: [
    { number: 1, type: 'bytes', oneof: 'host' },
    { number: 2, type: 'bytes', oneof: 'host' },
    { number: 3, type: 'text', oneof: 'host' },
    { number: 4, type: 'uint32' },
    { number: 5, type: 'enum', numbers: [0, 1, 2, 3] },
  ],
  AppPayload: [
    { number: 1, type: 'uint32' },
    { number: 2, type: 'uint64' },
    { number: 3, type: 'text' },
    { number: 4, type: 'uint64' },
    { number: 5, type: 'bytes' },
  ],
};

/** Deepest nesting of messages. Spec: IDN-061, `identity.payload_depth_max`. */
const DEPTH_MAX = 8;

/** Whether a name is one that `strict.check` knows. */
export function isMessageName(name: string): name is MessageName {
  return Object.hasOwn(SCHEMAS, name);
}

/** The clause that the first fault in the bytes breaks, or undefined when they are strictly encoded. */
export function strictFault(message: MessageName, bytes: Uint8Array, depth = 1): string | undefined {
  if (depth > DEPTH_MAX) return 'IDN-061';
  const read = readFields(bytes);
  if (read.fault !== undefined) return read.fault.signed;
  const rules = SCHEMAS[message];
  let highest = 0;
  const taken = new Set<string>();
  for (const field of read.fields) {
    const rule = rules.find((candidate) => candidate.number === field.number);
    if (rule === undefined) return 'IDN-051';
    if (field.wireType !== wireTypeOf(rule)) return 'IDN-056';
    if (!field.minimal) return 'IDN-053';
    const slot = rule.oneof ?? `${rule.number}`;
    if (rule.repeated !== true && taken.has(slot)) return 'IDN-052';
    taken.add(slot);
    if (field.number < highest) return 'IDN-050';
    highest = field.number;
    const isDefault = field.wireType === 0 ? field.value === 0n : field.bytes.length === 0;
    if (isDefault && rule.repeated !== true && rule.oneof === undefined) return 'IDN-054';
    const fault = valueFault(rule, field.value, field.bytes, depth);
    if (fault !== undefined) return fault;
  }
  return undefined;
}

function valueFault(rule: FieldRule, value: bigint, bytes: Uint8Array, depth: number): string | undefined {
  switch (rule.type) {
    case 'text':
      return text(bytes) === undefined ? 'IDN-057' : undefined;
    case 'enum':
      if (value >> 32n !== 0n) return 'IDN-058';
      return rule.numbers.includes(Number(value)) ? undefined : 'IDN-058';
    case 'uint32':
      return value >> 32n === 0n ? undefined : 'IDN-059';
    case 'message':
      return strictFault(rule.message, bytes, depth + 1);
    case 'bytes':
    case 'uint64':
      return undefined;
  }
}

function wireTypeOf(rule: FieldRule): 0 | 2 {
  return rule.type === 'uint32' || rule.type === 'uint64' || rule.type === 'enum' ? 0 : 2;
}

/** Whether bytes are the strict encoding of a message of that name. */
export function strictCheck(message: MessageName, bytes: Uint8Array): 'ok' | 'E_STRUCTURE' {
  return strictFault(message, bytes) === undefined ? 'ok' : 'E_STRUCTURE';
}
