/** Vectors of strict encoding: each invalid case departs from a valid one in one thing. Spec: IDN-050 to IDN-060. */
import { concat, u8, unhex, utf8 } from '../../model/bytes.ts';
import { encodeEnvelope, makeAppPayload } from '../../model/envelope.ts';
import { type AddressFields, encodeAddress, makeHello } from '../../model/hello.ts';
import { writeBytesField, writeTag, writeVarintField } from '../../model/protobuf.ts';
import { bytesOf, type Draft, type GeneratedFile, modelFile } from '../draft.ts';
import type { VectorNote } from '../file.ts';

const NOTES: Readonly<Record<string, VectorNote>> = {
  valid: { bugType: 'BASIC', description: 'Bytes in order: the twin from which the others depart.' },
  malleable: {
    bugType: 'MALLEABILITY',
    description: 'Most readers give the same message as for the valid twin.',
    effect: 'One object has several encodings, and several ids.',
  },
  malformed: { bugType: 'INPUT_VALIDATION', description: 'No reader should take the bytes.' },
  wide: {
    bugType: 'INTEGER_OVERFLOW',
    description: 'A 64-bit number that a double, or a signed number, does not hold.',
    effect: 'The number changes on its way through the node, and with it the id.',
  },
};

type Message = 'Envelope' | 'HandshakeHello' | 'AppPayload';

const SIZES = { key: bytesOf('key', 32), signature: bytesOf('signature', 64), payload: bytesOf('payload', 5) };
const ENVELOPE = encodeEnvelope({ context: 'app', keyType: 1, publicKey: SIZES.key, payload: SIZES.payload, signature: SIZES.signature });
const APP = makeAppPayload({ createdMs: 1_700_000_000_000n, topic: 'app/chat', sequence: 7, data: utf8('data') });
const LOOPBACK: AddressFields = { ip4: Uint8Array.of(127, 0, 0, 1), port: 7_000, transport: 1 };
const HELLO = hello([encodeAddress(LOOPBACK)]);

/** The fields of a hello one by one; listen addresses as bytes. */
function hello(addresses: readonly Uint8Array[], side: Uint8Array = writeVarintField(3, 1)): Uint8Array {
  return concat(
    unhex('0801'),
    writeBytesField(2, SIZES.key),
    side,
    writeBytesField(6, utf8('direct/1')),
    writeBytesField(6, utf8('gossip/1')),
    writeVarintField(7, 1),
    ...addresses.map((address) => writeBytesField(8, address)),
  );
}

/** The fields of an AppPayload one by one. */
function app(created: Uint8Array, topic: Uint8Array, sequence: Uint8Array, data: Uint8Array): Uint8Array {
  return concat(unhex('0801'), created, topic, sequence, data);
}

const CREATED = writeVarintField(2, 1_700_000_000_000n);
const TOPIC = writeBytesField(3, utf8('app/chat'));
const SEQUENCE = writeVarintField(4, 7);
const DATA = writeBytesField(5, utf8('data'));

type Row = readonly [clause: string, flag: string, id: string, message: Message, bytes: Uint8Array, comment: string];

function refusedRows(): readonly Row[] {
  const address = (...fields: readonly Uint8Array[]): Uint8Array => hello([concat(...fields)]);
  const [ip4, dns, port] = [writeBytesField(1, Uint8Array.of(127, 0, 0, 1)), writeBytesField(3, utf8('a')), writeVarintField(4, 7_000)];
  return [
    ['IDN-050', 'malleable', 'app', 'AppPayload', app(CREATED, SEQUENCE, TOPIC, DATA), 'sequence in front of topic'],
    ['IDN-050', 'malleable', 'app-data-first', 'AppPayload', app(DATA, CREATED, TOPIC, SEQUENCE), 'data in front of created_ms'],
    ['IDN-050', 'malleable', 'envelope', 'Envelope', concat(ENVELOPE.slice(5), ENVELOPE.slice(0, 5)), 'the context at the end'],
    [
      'IDN-050',
      'malleable',
      'hello-repeated',
      'HandshakeHello',
      concat(HELLO, writeBytesField(6, utf8('relay/1'))),
      'a capability behind the listen addresses',
    ],
    ['IDN-050', 'malleable', 'address', 'HandshakeHello', address(port, ip4), 'the port in front of the host, inside an address'],
    ['IDN-051', 'malleable', 'app', 'AppPayload', concat(APP, writeVarintField(6, 1)), 'field 6'],
    ['IDN-051', 'malleable', 'app-bytes', 'AppPayload', concat(APP, writeBytesField(100, utf8('x'))), 'field 100 of bytes'],
    ['IDN-051', 'malleable', 'app-largest', 'AppPayload', concat(APP, writeVarintField(2 ** 29 - 1, 1)), 'the largest field number'],
    ['IDN-051', 'malleable', 'app-fixed', 'AppPayload', concat(APP, writeTag(7, 1), new Uint8Array(8)), 'field 7 of eight fixed bytes'],
    ['IDN-051', 'malleable', 'hello-9', 'HandshakeHello', concat(HELLO, writeVarintField(9, 1)), 'field 9'],
    ['IDN-051', 'malleable', 'address', 'HandshakeHello', address(ip4, port, writeVarintField(6, 1)), 'field 6 inside an address'],
    ['IDN-051', 'malformed', 'app-zero', 'AppPayload', concat(APP, unhex('0001')), 'field number 0'],
    ['IDN-052', 'malleable', 'app-topic', 'AppPayload', app(CREATED, concat(TOPIC, TOPIC), SEQUENCE, DATA), 'the same topic twice'],
    ['IDN-052', 'malleable', 'app-version', 'AppPayload', concat(unhex('0801'), APP), 'the version twice'],
    [
      'IDN-052',
      'malleable',
      'app-sequence',
      'AppPayload',
      app(CREATED, TOPIC, concat(writeVarintField(4, 6), SEQUENCE), DATA),
      'two sequences, of which the last counts elsewhere',
    ],
    [
      'IDN-052',
      'malleable',
      'envelope-signature',
      'Envelope',
      concat(ENVELOPE, writeBytesField(5, SIZES.signature)),
      'the signature twice',
    ],
    ['IDN-052', 'malleable', 'oneof', 'HandshakeHello', address(ip4, dns, port), 'two hosts of one address'],
    ['IDN-052', 'malleable', 'oneof-same', 'HandshakeHello', address(ip4, ip4, port), 'the same host twice'],
    ['IDN-053', 'malleable', 'app-value', 'AppPayload', app(CREATED, TOPIC, unhex('208700'), DATA), 'sequence 7 in two bytes'],
    [
      'IDN-053',
      'malleable',
      'app-value-ten',
      'AppPayload',
      app(CREATED, TOPIC, unhex('2087808080808080808000'), DATA),
      'sequence 7 in ten bytes',
    ],
    [
      'IDN-053',
      'malleable',
      'app-length',
      'AppPayload',
      app(CREATED, concat(unhex('1a8800'), utf8('app/chat')), SEQUENCE, DATA),
      'the length of the topic in two bytes',
    ],
    [
      'IDN-053',
      'malleable',
      'app-tag',
      'AppPayload',
      app(CREATED, concat(unhex('9a0008'), utf8('app/chat')), SEQUENCE, DATA),
      'the tag of the topic in two bytes',
    ],
    [
      'IDN-053',
      'malleable',
      'app-tag-five',
      'AppPayload',
      app(CREATED, concat(unhex('9a8080800008'), utf8('app/chat')), SEQUENCE, DATA),
      'the tag of the topic in five bytes',
    ],
    [
      'IDN-053',
      'malleable',
      'above-64-bits',
      'AppPayload',
      app(CREATED, TOPIC, unhex('2087808080808080808002'), DATA),
      'sequence 2^64 + 7, which some readers take as 7',
    ],
    [
      'IDN-053',
      'malformed',
      'eleven-bytes',
      'AppPayload',
      app(CREATED, TOPIC, unhex('208780808080808080808000'), DATA),
      'a varint of eleven bytes',
    ],
    [
      'IDN-053',
      'malleable',
      'envelope-key-type',
      'Envelope',
      concat(ENVELOPE.slice(0, 5), unhex('108100'), ENVELOPE.slice(7)),
      'key type 1 in two bytes',
    ],
    [
      'IDN-053',
      'malleable',
      'address-port',
      'HandshakeHello',
      address(ip4, unhex('20d8b600')),
      'the port in three bytes, inside an address',
    ],
    ['IDN-054', 'malleable', 'app-sequence', 'AppPayload', app(CREATED, TOPIC, unhex('2000'), DATA), 'sequence 0 written out'],
    ['IDN-054', 'malleable', 'app-topic', 'AppPayload', app(CREATED, unhex('1a00'), SEQUENCE, DATA), 'an empty topic written out'],
    ['IDN-054', 'malleable', 'app-data', 'AppPayload', app(CREATED, TOPIC, SEQUENCE, unhex('2a00')), 'empty data written out'],
    ['IDN-054', 'malleable', 'hello-side', 'HandshakeHello', hello([], unhex('1800')), 'side 0 written out'],
    ['IDN-054', 'malleable', 'address-port', 'HandshakeHello', address(ip4, unhex('2000')), 'port 0 written out, inside an address'],
    ['IDN-055', 'malformed', 'app-data', 'AppPayload', APP.slice(0, -1), 'the last byte of data is missing'],
    ['IDN-055', 'malformed', 'app-tag-alone', 'AppPayload', concat(APP.slice(0, -6), unhex('2a')), 'nothing behind the tag of data'],
    ['IDN-055', 'malformed', 'app-length-cut', 'AppPayload', concat(APP.slice(0, -6), unhex('2a80')), 'the length of data is cut short'],
    ['IDN-055', 'malformed', 'app-value-cut', 'AppPayload', unhex('08011080'), 'created_ms is cut short'],
    ['IDN-055', 'malformed', 'app-tag-cut', 'AppPayload', concat(APP, unhex('80')), 'a tag that is cut short'],
    ['IDN-055', 'malformed', 'app-length-huge', 'AppPayload', concat(APP.slice(0, -6), unhex('2affffffff0f')), 'data of 2^32 − 1 bytes'],
    [
      'IDN-055',
      'malformed',
      'app-length-2-to-63',
      'AppPayload',
      concat(APP.slice(0, -6), unhex('2a80808080808080808001')),
      'data of 2^63 bytes',
    ],
    ['IDN-055', 'malformed', 'address', 'HandshakeHello', address(ip4, unhex('20')), 'an address ends behind a tag'],
    ['IDN-056', 'malformed', 'app-topic', 'AppPayload', app(CREATED, writeVarintField(3, 1), SEQUENCE, DATA), 'the topic as a number'],
    ['IDN-056', 'malformed', 'app-sequence', 'AppPayload', app(CREATED, TOPIC, writeBytesField(4, u8(7)), DATA), 'the sequence as bytes'],
    [
      'IDN-056',
      'malformed',
      'app-fixed',
      'AppPayload',
      app(concat(writeTag(2, 1), unhex('0001020304050607')), TOPIC, SEQUENCE, DATA),
      'created_ms as eight fixed bytes',
    ],
    [
      'IDN-056',
      'malformed',
      'app-fixed-32',
      'AppPayload',
      app(CREATED, TOPIC, concat(writeTag(4, 5), unhex('07000000')), DATA),
      'the sequence as four fixed bytes',
    ],
    ['IDN-056', 'malformed', 'app-group', 'AppPayload', app(CREATED, TOPIC, SEQUENCE, unhex('2b2c')), 'data as an empty group'],
    ['IDN-056', 'malformed', 'end-group', 'AppPayload', concat(APP, unhex('2c')), 'the end of a group that nothing begins'],
    ['IDN-056', 'malformed', 'wire-type-6', 'AppPayload', concat(APP.slice(0, -6), unhex('2e01')), 'wire type 6'],
    ['IDN-056', 'malformed', 'wire-type-7', 'AppPayload', concat(APP.slice(0, -6), unhex('2f01')), 'wire type 7'],
    [
      'IDN-056',
      'malformed',
      'hello-packed',
      'HandshakeHello',
      hello([], writeBytesField(3, u8(1))),
      'the side as bytes, as a packed list would be',
    ],
    [
      'IDN-057',
      'malformed',
      'app-lone-start',
      'AppPayload',
      app(CREATED, writeBytesField(3, unhex('c3')), SEQUENCE, DATA),
      'the first byte of a two-byte character alone',
    ],
    [
      'IDN-057',
      'malformed',
      'app-overlong',
      'AppPayload',
      app(CREATED, writeBytesField(3, unhex('c0af')), SEQUENCE, DATA),
      'a slash in two bytes',
    ],
    [
      'IDN-057',
      'malformed',
      'app-surrogate',
      'AppPayload',
      app(CREATED, writeBytesField(3, unhex('eda080')), SEQUENCE, DATA),
      'half of a surrogate pair',
    ],
    [
      'IDN-057',
      'malformed',
      'app-above',
      'AppPayload',
      app(CREATED, writeBytesField(3, unhex('f4908080')), SEQUENCE, DATA),
      'a code point above U+10FFFF',
    ],
    [
      'IDN-057',
      'malformed',
      'app-ff',
      'AppPayload',
      app(CREATED, writeBytesField(3, unhex('616263ff')), SEQUENCE, DATA),
      'a byte that UTF-8 never has',
    ],
    [
      'IDN-057',
      'malformed',
      'hello-capability',
      'HandshakeHello',
      concat(hello([]).slice(0, -2), writeBytesField(6, unhex('80')), unhex('3801')),
      'a capability that is no UTF-8',
    ],
    ['IDN-058', 'malformed', 'hello-side', 'HandshakeHello', hello([], writeVarintField(3, 3)), 'side 3'],
    ['IDN-058', 'malformed', 'hello-side-large', 'HandshakeHello', hello([], writeVarintField(3, 2 ** 31 - 1)), 'side 2^31 − 1'],
    ['IDN-058', 'malformed', 'hello-side-negative', 'HandshakeHello', hello([], writeVarintField(3, 2n ** 64n - 1n)), 'side −1'],
    [
      'IDN-058',
      'malformed',
      'address-transport',
      'HandshakeHello',
      address(ip4, port, writeVarintField(5, 4)),
      'transport 4, inside an address',
    ],
    [
      'IDN-058',
      'malformed',
      'hello-side-wraps',
      'HandshakeHello',
      hello([], writeVarintField(3, 2n ** 32n + 1n)),
      'side 2^32 + 1, which some readers take as 1',
    ],
    [
      'IDN-059',
      'malformed',
      'envelope',
      'Envelope',
      concat(ENVELOPE.slice(0, 5), writeVarintField(2, 2 ** 32), ENVELOPE.slice(7)),
      'key type 2^32',
    ],
    [
      'IDN-059',
      'malleable',
      'envelope-wraps',
      'Envelope',
      concat(ENVELOPE.slice(0, 5), writeVarintField(2, 2 ** 32 + 1), ENVELOPE.slice(7)),
      'key type 2^32 + 1, which some readers take as 1',
    ],
    [
      'IDN-059',
      'malformed',
      'hello-roles',
      'HandshakeHello',
      concat(hello([]).slice(0, -2), writeVarintField(7, 2n ** 64n - 1n)),
      'roles 2^64 − 1',
    ],
    [
      'IDN-059',
      'malformed',
      'address-port',
      'HandshakeHello',
      address(ip4, writeVarintField(4, 2 ** 32 + 80)),
      'port 2^32 + 80, inside an address',
    ],
  ];
}

function acceptedRows(): readonly Row[] {
  const numbers = (createdMs: bigint, sequence: bigint): Uint8Array =>
    makeAppPayload({ createdMs, topic: 'app/chat', sequence, data: utf8('data') });
  const topic = (value: string): Uint8Array => makeAppPayload({ createdMs: 1, topic: value, sequence: 1, data: utf8('data') });
  return [
    ['IDN-050', 'valid', 'app', 'AppPayload', APP, 'all fields in order'],
    ['IDN-050', 'valid', 'envelope', 'Envelope', ENVELOPE, 'all fields in order'],
    ['IDN-051', 'valid', 'hello', 'HandshakeHello', HELLO, 'all fields that the schema names'],
    [
      'IDN-052',
      'valid',
      'repeated',
      'HandshakeHello',
      hello([encodeAddress(LOOPBACK), encodeAddress(LOOPBACK)]),
      'a repeated field holds the same element twice',
    ],
    [
      'IDN-052',
      'valid',
      'three-hosts',
      'HandshakeHello',
      hello(
        [
          { ip6: new Uint8Array(16), port: 1 },
          { dns: 'a.example', port: 2 },
          { ip4: new Uint8Array(4), port: 3 },
        ].map(encodeAddress),
      ),
      'addresses with one host each',
    ],
    ['IDN-053', 'valid', 'two-byte-values', 'AppPayload', numbers(128n, 16_383n), 'values that need two bytes'],
    ['IDN-054', 'valid', 'app-absent', 'AppPayload', unhex('0801'), 'every default left out'],
    ['IDN-054', 'valid', 'nothing', 'AppPayload', new Uint8Array(), 'no bytes are the encoding of a message of defaults'],
    [
      'IDN-054',
      'valid',
      'oneof-empty',
      'HandshakeHello',
      hello([encodeAddress({ ip4: new Uint8Array(), port: 1 })]),
      'the set member of a oneof is written even if it is empty',
    ],
    [
      'IDN-054',
      'valid',
      'repeated-empty',
      'HandshakeHello',
      concat(hello([]).slice(0, -2), unhex('3200'), unhex('3801')),
      'an element of a repeated field is written even if it is empty',
    ],
    ['IDN-054', 'valid', 'message-empty', 'HandshakeHello', hello([new Uint8Array()]), 'an address of no bytes'],
    [
      'IDN-055',
      'valid',
      'largest-data',
      'AppPayload',
      makeAppPayload({ createdMs: 1, topic: 'app/chat', sequence: 1, data: bytesOf('data', 20_000) }),
      'data whose length takes three bytes',
    ],
    [
      'IDN-056',
      'valid',
      'wire-types',
      'HandshakeHello',
      makeHello({ staticKey: SIZES.key, side: 'responder', minorMin: 1, minorMax: 2, roles: 15 }),
      'every field with the wire type of its schema',
    ],
    ['IDN-057', 'valid', 'app-utf8', 'AppPayload', topic('äß€😀'), 'characters of two, three and four bytes'],
    ['IDN-057', 'valid', 'app-nul', 'AppPayload', topic('a\0b'), 'a character of zero is UTF-8'],
    ['IDN-057', 'valid', 'app-bom', 'AppPayload', topic('\ufeffapp'), 'a byte order mark is a character and stays'],
    ['IDN-057', 'valid', 'app-noncharacter', 'AppPayload', topic('\uffff'), 'U+FFFF is UTF-8'],
    ['IDN-058', 'valid', 'hello-side-2', 'HandshakeHello', hello([], writeVarintField(3, 2)), 'the largest side'],
    [
      'IDN-058',
      'valid',
      'address-transport-3',
      'HandshakeHello',
      hello([encodeAddress({ ...LOOPBACK, transport: 3 })]),
      'the largest transport',
    ],
    [
      'IDN-059',
      'valid',
      'hello-roles',
      'HandshakeHello',
      makeHello({ staticKey: SIZES.key, side: 'initiator', roles: 2 ** 32 - 1 }),
      'roles 2^32 − 1',
    ],
    [
      'IDN-059',
      'valid',
      'envelope-key-type',
      'Envelope',
      concat(ENVELOPE.slice(0, 5), writeVarintField(2, 2 ** 32 - 1), ENVELOPE.slice(7)),
      'key type 2^32 − 1',
    ],
    ['IDN-060', 'wide', 'sequence-2-to-53-plus-1', 'AppPayload', numbers(1n, 2n ** 53n + 1n), 'sequence 2^53 + 1'],
    ['IDN-060', 'wide', 'sequence-2-to-63', 'AppPayload', numbers(1n, 2n ** 63n), 'sequence 2^63'],
    ['IDN-060', 'wide', 'largest', 'AppPayload', numbers(2n ** 64n - 1n, 2n ** 64n - 1n), 'both numbers 2^64 − 1'],
  ];
}

const WIDE = [0n, 1n, 2n ** 32n, 2n ** 53n - 1n, 2n ** 53n, 2n ** 53n + 1n, 2n ** 63n - 1n, 2n ** 63n, 2n ** 63n + 1n, 2n ** 64n - 1n];

/** The files about strict encoding and 64-bit numbers. */
export function strictFiles(): readonly GeneratedFile[] {
  const clauses = ['IDN-050', 'IDN-051', 'IDN-052', 'IDN-053', 'IDN-054', 'IDN-055', 'IDN-056', 'IDN-057', 'IDN-058', 'IDN-059', 'IDN-060'];
  const draft = ([clause, flag, id, message, bytes, comment]: Row, against?: string): Draft => ({
    id: `${clause.toLowerCase()}-${against === undefined ? 'valid' : 'invalid'}-${id}`,
    comment: `${message}: ${comment}`,
    clauses: [clause],
    flags: [flag],
    args: [message, bytes],
    ...(against === undefined ? {} : { against }),
  });
  const decoded = WIDE.map(
    (value): Draft => ({
      id: `sequence-${value}`,
      comment: `sequence ${value} comes back as it is`,
      clauses: ['IDN-060'],
      flags: ['wide'],
      args: [makeAppPayload({ createdMs: 2n ** 64n - 1n - value, topic: 'app/chat', sequence: value, data: utf8('data') })],
    }),
  );
  const broken = refusedRows()
    .filter(([, , , message]) => message === 'AppPayload')
    .map(
      ([clause, flag, id, , bytes, comment]): Draft => ({
        id: `${clause.toLowerCase()}-${id}`,
        comment,
        clauses: [clause],
        flags: [flag],
        args: [bytes],
        against: 'E_STRUCTURE',
      }),
    );
  const encoded = WIDE.map(
    (value): Draft => ({
      id: `sequence-${value}`,
      comment: `sequence ${value}, created_ms the rest up to 2^64 − 1`,
      clauses: ['IDN-060'],
      flags: ['wide'],
      args: [2n ** 64n - 1n - value, 'app/chat', value, utf8('data')],
    }),
  );
  return [
    modelFile('identity/strict-check.json', 'strict.check', clauses, NOTES, [
      ...acceptedRows().map((row) => draft(row)),
      ...refusedRows().map((row) => draft(row, 'E_STRUCTURE')),
    ]),
    modelFile('identity/app-encode.json', 'app.encode', ['IDN-040', 'IDN-060'], NOTES, [
      ...encoded,
      {
        id: 'empty-data',
        comment: 'empty data is left out',
        clauses: ['IDN-040'],
        flags: ['valid'],
        args: [5, 'app/a', 6, new Uint8Array()],
      },
      {
        id: 'large-data',
        comment: '20,000 bytes of data',
        clauses: ['IDN-040'],
        flags: ['valid'],
        args: [5, 'app/a', 6, bytesOf('data', 20_000)],
      },
    ]),
    modelFile('identity/app-decode.json', 'app.decode', clauses, NOTES, [...decoded, ...broken]),
  ];
}
