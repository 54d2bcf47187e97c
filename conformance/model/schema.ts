/**
 * The words in which the messages of the proto files are repeated for the kit's own reader and writer:
 * one table a noun, one entry a field. The same table serves bodies (chapter 03) and signed bytes
 * (chapter 02).
 */

/** What a field holds on the wire. */
export type FieldType = 'uint32' | 'uint64' | 'bool' | 'enum' | 'bytes' | 'text' | 'message';

/** One field of a message. */
export interface FieldSchema {
  readonly number: number;
  readonly type: FieldType;
  /** Name of the message, for type `message`. */
  readonly message?: string;
  /** Numbers that the schema names, for type `enum`. */
  readonly numbers?: readonly number[];
  /** Size in bytes that a body's field must have. Spec: WIR-045 */
  readonly size?: number;
  /** The bytes are an Envelope, so a trace shows what is in it. */
  readonly holds?: 'envelope';
  readonly repeated?: true;
  /** Fewest and most elements in a body. Spec: WIR-046 */
  readonly min?: number;
  readonly max?: number;
  /** Name of the oneof that the field belongs to. */
  readonly oneof?: string;
  /** A proto3 `optional`: absent and default are two things. */
  readonly optional?: true;
}

/** The fields of a message by their names in camelCase, in the order of their numbers. */
export type MessageSchema = Readonly<Record<string, FieldSchema>>;

/** What one noun adds to the tables. */
export interface NounSchema {
  readonly messages: Readonly<Record<string, MessageSchema>>;
  /** Message of a frame's body by the frame's name; frames that are not named here have the message of their own name. */
  readonly frames?: Readonly<Record<string, string>>;
  /** Payload message, version 1, by the context under which it is signed. Spec: IDN-040 */
  readonly payloads?: Readonly<Record<string, string>>;
}

/** A noun's table, as it is. */
export function defineNoun(schema: NounSchema): NounSchema {
  return schema;
}

/** A uint32. */
export function uint32(number: number): FieldSchema {
  return { number, type: 'uint32' };
}

/** A uint64. */
export function uint64(number: number): FieldSchema {
  return { number, type: 'uint64' };
}

/** A bool. */
export function flag(number: number): FieldSchema {
  return { number, type: 'bool' };
}

/** An enum with the numbers that it names. */
export function enumeration(number: number, numbers: readonly number[]): FieldSchema {
  return { number, type: 'enum', numbers };
}

/** Bytes; with a size, a body that holds any other is malformed. */
export function bytes(number: number, size?: number): FieldSchema {
  return { number, type: 'bytes', ...(size === undefined ? {} : { size }) };
}

/** Bytes that are an Envelope. */
export function envelope(number: number): FieldSchema {
  return { number, type: 'bytes', holds: 'envelope' };
}

/** A string. */
export function text(number: number): FieldSchema {
  return { number, type: 'text' };
}

/** A message by its name. */
export function message(number: number, name: string): FieldSchema {
  return { number, type: 'message', message: name };
}

/** A repeated field; a body with fewer or more elements is over the limit. */
export function list(field: FieldSchema, min = 0, max: number = Number.POSITIVE_INFINITY): FieldSchema {
  return { ...field, repeated: true, min, max };
}

/** A member of a oneof. */
export function oneof(name: string, field: FieldSchema): FieldSchema {
  return { ...field, oneof: name };
}

/** A field whose presence counts. */
export function optional(field: FieldSchema): FieldSchema {
  return { ...field, optional: true };
}
