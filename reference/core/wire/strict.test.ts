import type { MessageInitShape } from '@bufbuild/protobuf';
import { create, createFileRegistry, type DescMessage, fromBinary, type Message } from '@bufbuild/protobuf';
import type { GenMessage } from '@bufbuild/protobuf/codegenv2';
import {
  type FieldDescriptorProtoSchema,
  FileDescriptorSetSchema,
  FieldDescriptorProto_Label as Label,
  FieldDescriptorProto_Type as Type,
} from '@bufbuild/protobuf/wkt';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { strictFault } from '../../../conformance/model/strict.ts';
import { AddressSchema } from '../../../proto/gen/carillon/v1/common_pb.ts';
import { AppPayloadSchema } from '../../../proto/gen/carillon/v1/gossip_pb.ts';
import { EnvelopeSchema } from '../../../proto/gen/carillon/v1/identity_pb.ts';
import { HandshakeHelloSchema } from '../../../proto/gen/carillon/v1/session_pb.ts';
import { concatBytes, equalBytes, fromHex, toHex } from '../bytes.ts';
import { elementField } from './fields.ts';
import { decodeStrict, encodeStrict } from './strict.ts';

const hex = (text: string): Uint8Array => fromHex(text) ?? new Uint8Array(0);

type FieldInit = MessageInitShape<typeof FieldDescriptorProtoSchema>;

/** A message type with every shape that the rules speak of: itself nested, packed lists, an enum, a bool, a oneof, and what has no place. */
function makeTestSchema(): GenMessage<Message> {
  const field = (name: string, number: number, type: Type, more: FieldInit = {}): FieldInit => ({
    name,
    number,
    type,
    label: Label.OPTIONAL,
    ...more,
  });
  const files = createFileRegistry(
    create(FileDescriptorSetSchema, {
      file: [
        {
          name: 'test.proto',
          package: 'test',
          syntax: 'proto3',
          enumType: [
            {
              name: 'Colour',
              value: [
                { name: 'NONE', number: 0 },
                { name: 'RED', number: 5 },
              ],
            },
          ],
          messageType: [
            {
              name: 'Tree',
              field: [
                field('child', 1, Type.MESSAGE, { typeName: '.test.Tree' }),
                field('numbers', 2, Type.UINT32, { label: Label.REPEATED }),
                field('colours', 3, Type.ENUM, { typeName: '.test.Colour', label: Label.REPEATED }),
                field('flag', 4, Type.BOOL),
                field('left', 5, Type.UINT64, { oneofIndex: 0 }),
                field('right', 6, Type.STRING, { oneofIndex: 0 }),
                field('fraction', 7, Type.DOUBLE),
                field('signed', 8, Type.SINT32),
                field('blobs', 9, Type.BYTES, { label: Label.REPEATED }),
                field('branch', 10, Type.MESSAGE, { typeName: '.test.Tree', oneofIndex: 0 }),
              ],
              oneofDecl: [{ name: 'side' }],
            },
          ],
        },
      ],
    }),
  );
  const schema: DescMessage | undefined = files.getMessage('test.Tree');
  if (schema === undefined) throw new Error('the test schema does not build');
  return schema as GenMessage<Message>;
}

const TREE = makeTestSchema();

const hello = create(HandshakeHelloSchema, {
  version: 1,
  staticKey: new Uint8Array(32).fill(1),
  side: 2,
  minorMax: 3,
  capabilities: ['direct/1', 'gossip/1'],
  roles: 2 ** 32 - 1,
  listenAddresses: [
    { host: { case: 'ip4', value: hex('7f000001') }, port: 4000, transport: 1 },
    { host: { case: 'dns', value: '' }, transport: 3 },
    {},
  ],
});
const helloBytes = encodeStrict(HandshakeHelloSchema, hello);

const payload = create(AppPayloadSchema, {
  version: 1,
  createdMs: 2n ** 64n - 1n,
  topic: 'app/ü',
  sequence: 2n ** 53n + 1n,
  data: hex('00'),
});
const payloadBytes = encodeStrict(AppPayloadSchema, payload);

const envelopeBytes = encodeStrict(
  EnvelopeSchema,
  create(EnvelopeSchema, {
    context: 'app',
    keyType: 1,
    publicKey: new Uint8Array(32),
    payload: payloadBytes,
    signature: new Uint8Array(64),
  }),
);

const SCHEMAS = [
  ['Envelope', EnvelopeSchema, envelopeBytes],
  ['HandshakeHello', HandshakeHelloSchema, helloBytes],
  ['AppPayload', AppPayloadSchema, payloadBytes],
  ['Address', AddressSchema, hex('0a047f00000120a01f2801')],
] as const;

function isStrictHere(schema: unknown, bytes: Uint8Array): boolean {
  return decodeStrict(schema as GenMessage<Message>, bytes) !== undefined;
}

describe('strict encoding', () => {
  test('what is encoded strictly is decoded to the same message, 64-bit values exactly (IDN-060)', () => {
    expect(decodeStrict(HandshakeHelloSchema, helloBytes)).toEqual(hello);
    expect(decodeStrict(AppPayloadSchema, payloadBytes)).toEqual(payload);
    expect(decodeStrict(AppPayloadSchema, new Uint8Array(0))).toEqual(create(AppPayloadSchema));
    for (const [, schema, bytes] of SCHEMAS) expect(isStrictHere(schema, bytes)).toBe(true);
  });

  test.each([
    ['IDN-050: fields that go back', AppPayloadSchema, '10010801'],
    ['IDN-051: a field that is not named', AppPayloadSchema, '08013001'],
    ['IDN-051: a field that is not named, in a nested message', HandshakeHelloSchema, '080142023001'],
    ['IDN-052: a singular field twice', AppPayloadSchema, '08010801'],
    ['IDN-052: two members of a oneof', AddressSchema, '0a047f0000011a0161'],
    ['IDN-052: the same member of a oneof twice', AddressSchema, '0a047f0000010a047f000001'],
    ['IDN-053: a tag that is not minimal', AppPayloadSchema, '880001'],
    ['IDN-053: a value that is not minimal', AppPayloadSchema, '088100'],
    ['IDN-053: a length that is not minimal', AppPayloadSchema, '1a810061'],
    ['IDN-053: a value of eleven bytes', AppPayloadSchema, '108080808080808080808001'],
    ['IDN-053: a value of 2^64', AppPayloadSchema, '1080808080808080808002'],
    ['IDN-054: a number that is 0', AppPayloadSchema, '0800'],
    ['IDN-054: a text that is empty', AppPayloadSchema, '08011a00'],
    ['IDN-054: bytes that are empty', AppPayloadSchema, '08012a00'],
    ['IDN-054: an enum that is 0', HandshakeHelloSchema, '08011800'],
    ['IDN-055: no value', AppPayloadSchema, '08'],
    ['IDN-055: a length beyond the end', AppPayloadSchema, '08012a0200'],
    ['IDN-055: a length of 2^64 − 1', AppPayloadSchema, '08012affffffffffffffffff01'],
    ['IDN-055: half a tag', AppPayloadSchema, '080180'],
    ['IDN-056: a number as bytes', AppPayloadSchema, '0a0101'],
    ['IDN-056: bytes as a number', AppPayloadSchema, '08012801'],
    ['IDN-056: a fixed 64-bit number', AppPayloadSchema, '110100000000000000'],
    ['IDN-056: a fixed 32-bit number', AppPayloadSchema, '0d01000000'],
    ['IDN-056: a group', AppPayloadSchema, '0b0c'],
    ['IDN-056: wire type 6', AppPayloadSchema, '0e01'],
    ['IDN-056: wire type 7', AppPayloadSchema, '0f01'],
    ['IDN-057: a text that is not UTF-8', AppPayloadSchema, '08011a02c328'],
    ['IDN-057: a text of a list that is not UTF-8', HandshakeHelloSchema, '08013201ff'],
    ['IDN-057: a surrogate in a text', AppPayloadSchema, '08011a03eda080'],
    ['IDN-058: an enum value that is not named', HandshakeHelloSchema, '08011803'],
    ['IDN-058: an enum value of 2^32 + 1', HandshakeHelloSchema, '0801188180808010'],
    ['IDN-058: a negative enum value', HandshakeHelloSchema, '080118ffffffffffffffffff01'],
    ['IDN-059: a 32-bit field of 2^32', AppPayloadSchema, '088080808010'],
    ['IDN-059: a 32-bit field of 2^64 − 1', AppPayloadSchema, '08ffffffffffffffffff01'],
    ['a tag of 2^32 + 8', AppPayloadSchema, '888080801001'],
    ['field number 0', AppPayloadSchema, '0001'],
  ] as const)('%s is refused', (_, schema, text) => {
    expect(isStrictHere(schema, hex(text))).toBe(false);
  });

  test('list elements and set members of a oneof may have their default value', () => {
    for (const text of ['08013200', '080132003200', '08014200', '080142020a00']) {
      expect(isStrictHere(HandshakeHelloSchema, hex(text)), text).toBe(true);
    }
    expect(isStrictHere(AddressSchema, hex('1a00'))).toBe(true);
  });

  test.each([
    ['a packed list', '12020105', true],
    ['a packed list with defaults in it', '12020000', true],
    ['a list that is not packed', '10011005', false],
    ['an empty packed list', '1200', false],
    ['a packed list in two parts', '120101120105', false],
    ['a packed element that is not minimal', '12028100', false],
    ['a packed element that is cut', '120180', false],
    ['a packed element of 2^32', '12058080808010', false],
    ['packed enums with a name', '1a020500', true],
    ['packed enums without a name', '1a0104', false],
    ['a flag', '2001', true],
    ['a flag of 2', '2002', false],
    ['a flag that is 0', '2000', false],
    ['a member that is 0', '2800', true],
    ['two members', '28003200', false],
    ['a message as a member', '5200', true],
    ['two members, one a message', '28005200', false],
    ['a fraction', '39000000000000f03f', false],
    ['a signed number', '4002', false],
    ['an empty element', '4a00', true],
    ['an empty nested message', '0a00', true],
    ['a nested message twice', '0a000a00', false],
  ])('of a schema with every shape: %s', (_, text, strict) => {
    expect(isStrictHere(TREE, hex(text))).toBe(strict);
  });

  test('IDN-061: messages nest eight deep and no deeper', () => {
    const nested = (depth: number): Uint8Array => {
      let bytes = hex('2001');
      for (let level = 1; level < depth; level++) bytes = concatBytes(...elementField(1, bytes)) as Uint8Array<ArrayBuffer>;
      return bytes;
    };
    expect(isStrictHere(TREE, nested(8))).toBe(true);
    expect(isStrictHere(TREE, nested(9))).toBe(false);
    expect(isStrictHere(TREE, nested(2000))).toBe(false);
  });

  test('any bytes, and any change of strict bytes, are judged as by the kit’s model and never throw', () => {
    const mutated = fc
      .tuple(fc.constantFrom(...SCHEMAS), fc.array(fc.tuple(fc.nat(), fc.nat(255), fc.nat(2)), { minLength: 1, maxLength: 3 }))
      .map(([[name, schema, start], changes]) => {
        let bytes = Uint8Array.from(start);
        for (const [position, value, change] of changes) {
          const at = position % (bytes.length + 1);
          const inserted = change === 1 ? Uint8Array.of(value) : new Uint8Array(0);
          if (change === 0 && at < bytes.length) bytes[at] = value;
          else bytes = Uint8Array.from(concatBytes(bytes.subarray(0, at), inserted, bytes.subarray(change === 2 ? at + 1 : at)));
        }
        return [name, schema, bytes] as const;
      });
    const tags = fc.constantFrom(0x08, 0x10, 0x12, 0x18, 0x1a, 0x20, 0x22, 0x28, 0x2a, 0x32, 0x38, 0x42, 0x00, 0x01, 0x02, 0x80);
    const random = fc
      .tuple(fc.constantFrom(...SCHEMAS), fc.array(fc.oneof(tags, fc.nat(255)), { maxLength: 16 }))
      .map(([[name, schema], list]) => [name, schema, Uint8Array.from(list)] as const);
    let strict = 0;
    fc.assert(
      fc.property(fc.oneof(mutated, random), ([name, schema, bytes]) => {
        const here = isStrictHere(schema, bytes);
        expect(here, `${name} ${toHex(bytes)}`).toBe(strictFault(name, bytes) === undefined);
        if (here) strict += 1;
      }),
      { numRuns: 6000 },
    );
    expect(strict).toBeGreaterThan(100);
  });

  test('the library alone would take many encodings of one message', () => {
    // The reason for the screen: each of these decodes without it, to a message of the same content.
    for (const text of ['08010801', '880001', '08013001', '088100']) {
      const lenient = fromBinary(AppPayloadSchema, hex(text));
      expect(lenient.version).toBe(1);
      expect(equalBytes(hex(text), hex('0801'))).toBe(false);
      expect(isStrictHere(AppPayloadSchema, hex(text))).toBe(false);
    }
  });
});
