import { readdirSync } from 'node:fs';
import { type DescField, type DescFile, ScalarType } from '@bufbuild/protobuf';
import { describe, expect, test } from 'vitest';
import { FRAMES } from './frame.ts';
import type { FieldSchema } from './schema.ts';
import { frameMessage, MESSAGE_NAMES, messageSchema, PAYLOADS } from './schemas.ts';

const GENERATED = new URL('../../proto/gen/carillon/v1/', import.meta.url);
const FILES: readonly DescFile[] = (
  await Promise.all(readdirSync(GENERATED).map((file): Promise<object> => import(new URL(file, GENERATED).href)))
).flatMap((module) => Object.entries(module).flatMap(([name, value]) => (name.startsWith('file_') ? [value as DescFile] : [])));
const MESSAGES = FILES.flatMap(({ messages }) => messages);

const SCALARS: Readonly<Partial<Record<ScalarType, FieldSchema['type']>>> = {
  [ScalarType.UINT32]: 'uint32',
  [ScalarType.UINT64]: 'uint64',
  [ScalarType.BOOL]: 'bool',
  [ScalarType.BYTES]: 'bytes',
  [ScalarType.STRING]: 'text',
};

/** A field of the proto files in the words of the tables. */
function described(field: DescField): object {
  const element = field.fieldKind === 'list' ? field.listKind : field.fieldKind;
  const type = element === 'scalar' && 'scalar' in field && field.scalar !== undefined ? SCALARS[field.scalar] : element;
  return {
    number: field.number,
    type,
    repeated: field.fieldKind === 'list',
    oneof: field.oneof?.localName,
    optional: field.proto.proto3Optional,
    ...(element === 'message' ? { message: field.message?.name } : {}),
  };
}

/** The same of a table's field. */
function tabled({ number, type, repeated, oneof, optional, message }: FieldSchema): object {
  return { number, type, repeated: repeated === true, oneof, optional: optional === true, ...(type === 'message' ? { message } : {}) };
}

describe('the tables repeat the proto files', () => {
  test.each(MESSAGES.map((message) => [message.name, message] as const))('%s', (name, message) => {
    if (!MESSAGE_NAMES.includes(name)) return;
    const schema = messageSchema(name);
    const expected = Object.fromEntries(message.fields.map((field) => [field.localName, described(field)]));
    expect(Object.fromEntries(Object.entries(schema).map(([field, rule]) => [field, tabled(rule)]))).toEqual(expected);
    for (const field of message.fields) {
      const numbers = schema[field.localName]?.numbers;
      // An enum in a table without numbers is not signed: bodies take any.
      if (numbers !== undefined && numbers.length > 0) expect(numbers).toEqual(field.enum?.values.map(({ number }) => number));
    }
  });

  test('and name nothing else', () => {
    const known = new Set(MESSAGES.map(({ name }) => name));
    expect(MESSAGE_NAMES.filter((name) => !known.has(name))).toEqual([]);
  });

  test('every frame has a message, and every payload one that begins with its version', () => {
    expect(FRAMES.filter(({ name }) => frameMessage(name) === undefined).map(({ name }) => name)).toEqual([]);
    for (const name of PAYLOADS.values()) expect(messageSchema(name)).toMatchObject({ version: { number: 1, type: 'uint32' } });
  });
});
