/** Symbolic values of a plan turned into fields and bytes, by the tables of the messages. */
import { concat, sha256, u64be, unhex, utf8 } from '../model/bytes.ts';
import { encodeMessage, type FieldValue, isNumeric, type MessageFields } from '../model/message.ts';
import type { FieldSchema } from '../model/schema.ts';
import { messageSchema } from '../model/schemas.ts';
import { readAddressText } from './addresses.ts';
import type { EnvelopeStore } from './envelopes.ts';
import { HarnessError } from './errors.ts';
import type { Identities } from './identities.ts';
import type { SealedSpec, Value, ValueFields } from './plan.ts';
import { isRef, type RefScope, resolveNumber, resolveRef } from './resolve.ts';

/** What symbols are resolved with. */
export interface ValueContext {
  readonly identities: Identities;
  readonly envelopes: EnvelopeStore;
  /** The node's wall clock now. */
  readonly wallMs: number;
  readonly scope: RefScope;
}

/** A reference has nothing to refer to yet. */
class Unresolved extends Error {}

function resolving<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    if (error instanceof Unresolved) return undefined;
    throw error;
  }
}

/** Fields of a message as they are written; undefined when a reference has nothing to refer to. Throws `HarnessError` for values that mean nothing. */
export function resolveFields(message: string, fields: ValueFields, context: ValueContext): MessageFields | undefined {
  return resolving(() => fieldsOf(message, fields, context));
}

/** Bytes of a value; undefined when a reference has nothing to refer to. Throws `HarnessError` for a value that is no bytes. */
export function resolveValue(value: Value, context: ValueContext): Uint8Array | undefined {
  return resolving(() => bytesOf(value, context));
}

/** Bytes of a sealed envelope; undefined when a reference in it has nothing to refer to. */
export function resolveSealed(spec: SealedSpec, context: ValueContext): Uint8Array | undefined {
  return resolving(() => sealed(spec, context));
}

function fieldsOf(message: string, fields: ValueFields, context: ValueContext): MessageFields {
  const schema = knownMessage(message);
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]): [string, FieldValue] => {
      const rule = Object.hasOwn(schema, name) ? schema[name] : undefined;
      if (rule === undefined) throw new HarnessError(`${message} has no field ${name}; it has ${Object.keys(schema).join(', ')}`);
      return [name, fieldOf(`${message}.${name}`, rule, value, context)];
    }),
  );
}

function knownMessage(message: string): ReturnType<typeof messageSchema> {
  try {
    return messageSchema(message);
  } catch (error) {
    if (error instanceof RangeError) throw new HarnessError(`${error.message}; model/schemas.ts has the tables`);
    throw error;
  }
}

function fieldOf(path: string, rule: FieldSchema, value: Value, context: ValueContext): FieldValue {
  if (rule.repeated !== true) return elementOf(path, rule, value, context);
  if (isRef(value)) {
    const captured = resolveRef(value, context.scope);
    if (!Array.isArray(captured)) throw new Unresolved();
    return captured.map((element: unknown) => captureOf(rule, element));
  }
  if (!Array.isArray(value)) throw new HarnessError(`${path} is repeated; write a list`);
  return (value as readonly Value[]).map((element) => elementOf(path, rule, element, context));
}

function elementOf(path: string, rule: FieldSchema, value: Value, context: ValueContext): FieldValue {
  if (isRef(value)) return captureOf(rule, resolveRef(value, context.scope));
  if (rule.type === 'bool') {
    if (typeof value !== 'boolean') throw new HarnessError(`${path} is true or false`);
    return value;
  }
  if (isNumeric(rule)) return numberOf(path, value, context);
  switch (rule.type) {
    case 'text':
      if (typeof value === 'string') return value;
      if (hasOnly(value, 'size')) return 'a'.repeat(Number(value.size));
      if (hasOnly(value, 'hex') && typeof value.hex === 'string') return unhex(value.hex);
      throw new HarnessError(`${path} is text, {size} or {hex}`);
    case 'message':
      return messageOf(path, rule.message ?? '', value, context);
    default:
      return bytesOf(value, context, path);
  }
}

function numberOf(path: string, value: Value, { wallMs, scope }: ValueContext): bigint {
  if (hasOnly(value, 'wallMs')) {
    const number = Math.trunc(wallMs + Number(value.wallMs));
    if (!(number >= 0)) throw new HarnessError(`${path} would be before 1970`);
    return BigInt(number);
  }
  if (typeof value !== 'number' && typeof value !== 'string' && !isRef(value)) {
    throw new HarnessError(`${path} is a number, its decimal text, a reference or {wallMs}`);
  }
  const number = resolveNumber(value, scope);
  if (number === undefined) throw new Unresolved();
  return number;
}

function messageOf(path: string, message: string, value: Value, context: ValueContext): FieldValue {
  if (hasOnly(value, 'address') && typeof value.address === 'string') return { ...readAddressText(value.address) };
  if (hasOnly(value, 'contact')) {
    const { peer, addresses } = value.contact as { readonly peer: string; readonly addresses: readonly string[] };
    return { peerId: context.identities.of(peer).peerId, addresses: addresses.map((address) => ({ ...readAddressText(address) })) };
  }
  if (typeof value !== 'object' || Array.isArray(value)) throw new HarnessError(`${path} is a ${message}; write its fields`);
  return fieldsOf(message, value as ValueFields, context);
}

/** A captured value in the form in which it is written. */
function captureOf(rule: FieldSchema, captured: unknown): FieldValue {
  if (captured === undefined) throw new Unresolved();
  if (rule.type === 'bytes') {
    const bytes = capturedBytes(captured);
    if (bytes !== undefined) return bytes;
  } else if (rule.type === 'text') {
    if (typeof captured === 'string') return captured;
  } else if (rule.type === 'message') {
    if (typeof captured === 'object' && captured !== null) return captureFields(rule.message ?? '', captured);
  } else if (typeof captured === 'bigint' || typeof captured === 'number' || typeof captured === 'boolean') return captured;
  throw new Unresolved();
}

/** A message that was seen, in the form in which it is written. */
export function captureFields(message: string, captured: object): MessageFields {
  const seen: Readonly<Record<string, unknown>> = { ...captured };
  return Object.fromEntries(
    Object.entries(messageSchema(message))
      .filter(([name]) => seen[name] !== undefined)
      .map(([name, rule]): [string, FieldValue] => {
        const value = seen[name];
        return [name, Array.isArray(value) ? value.map((element: unknown) => captureOf(rule, element)) : captureOf(rule, value)];
      }),
  );
}

/** Bytes of a hexadecimal text, or of an envelope that was seen. */
function capturedBytes(captured: unknown): Uint8Array | undefined {
  const text = typeof captured === 'object' && captured !== null && 'bytes' in captured ? captured.bytes : captured;
  return typeof text === 'string' && /^(?:[0-9a-f]{2})*$/.test(text) ? unhex(text) : undefined;
}

function bytesOf(value: Value, context: ValueContext, path = 'the value'): Uint8Array {
  const { identities, envelopes, wallMs, scope } = context;
  if (typeof value === 'string') return unhex(value);
  if (isRef(value)) {
    const captured = capturedBytes(resolveRef(value, scope));
    if (captured === undefined) throw new Unresolved();
    return captured;
  }
  if (hasOnly(value, 'peerId')) return identities.of(String(value.peerId)).peerId;
  if (hasOnly(value, 'publicKey')) return identities.of(String(value.publicKey)).publicKey;
  if (hasOnly(value, 'size')) return new Uint8Array(Number(value.size)).fill(0x61);
  if (hasOnly(value, 'utf8')) return utf8(String(value.utf8));
  if (hasOnly(value, 'u64')) return u64be(numberOf(path, value.u64 as Value, context));
  if (hasOnly(value, 'sealed')) return sealed(value.sealed as SealedSpec, context);
  if (hasOnly(value, 'idOf')) {
    const spec = value.idOf as SealedSpec;
    return envelopes.idOfSealed(spec, () => payloadOf(spec, context));
  }
  if (hasOnly(value, 'envelope')) return envelopes.bytesOf(value.envelope as Parameters<EnvelopeStore['bytesOf']>[0], wallMs);
  if (hasOnly(value, 'hash')) return sha256(...(value.hash as readonly Value[]).map((part) => bytesOf(part, context, path)));
  if (hasOnly(value, 'join')) return concat(...(value.join as readonly Value[]).map((part) => bytesOf(part, context, path)));
  if (hasOnly(value, 'encoded')) {
    const { message, fields } = value.encoded as { readonly message: string; readonly fields: ValueFields };
    return encodeMessage(message, fieldsOf(message, fields, context));
  }
  throw new HarnessError(`${path} is bytes; ${JSON.stringify(value).slice(0, 80)} is none of the forms of a plan`);
}

function sealed(spec: SealedSpec, context: ValueContext): Uint8Array {
  return context.envelopes.sealed(spec, () => payloadOf(spec, context));
}

/** The payload of a sealed envelope; one with a version has version 1 unless the plan says another. */
function payloadOf({ message, fields }: SealedSpec, context: ValueContext): Uint8Array {
  const own = 'version' in fields || !Object.hasOwn(knownMessage(message), 'version') ? fields : { version: 1, ...fields };
  return encodeMessage(message, fieldsOf(message, own, context));
}

/** Whether a value is an object with that key and no other. */
function hasOnly<K extends string>(value: unknown, key: K): value is Readonly<Record<K, unknown>> {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, key) && Object.keys(value).length === 1;
}
