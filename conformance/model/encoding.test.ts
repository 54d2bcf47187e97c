import { readFileSync } from 'node:fs';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { bech32m } from '@scure/base';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { AppPayloadSchema } from '../../proto/gen/carillon/v1/gossip_pb.ts';
import { EnvelopeSchema } from '../../proto/gen/carillon/v1/identity_pb.ts';
import { HandshakeHelloSchema } from '../../proto/gen/carillon/v1/session_pb.ts';
import { bodyFault, decodeBody, encodeBody } from './bodies.ts';
import { compare, concat, equal, hex, readLe, readU64be, text, u64be, unhex, utf8, writeLe } from './bytes.ts';
import { makeAppPayload, readAppPayload } from './envelope.ts';
import { encodeFrame, FRAMES, splitPlaintext } from './frame.ts';
import { makeHello, readHello } from './hello.ts';
import { formatPeerId, parsePeerId } from './peer-id.ts';
import { readFields } from './protobuf.ts';
import { strictCheck } from './strict.ts';
import { decodeUvarint, encodeUvarint } from './uvarint.ts';

const bytes = (max = 64): fc.Arbitrary<Uint8Array> => fc.uint8Array({ maxLength: max });
const u64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });

describe('bytes', () => {
  test('hexadecimal, integers and texts come back as they were', () => {
    fc.assert(
      fc.property(bytes(), u64, fc.string({ unit: 'binary' }), (value, number, words) => {
        expect(unhex(hex(value))).toEqual(value);
        expect(readU64be(u64be(number))).toBe(number);
        expect(readLe(writeLe(number, 9))).toBe(number);
        expect(text(utf8(words))).toBe(words);
      }),
    );
  });

  test('order is that of Buffer.compare', () => {
    fc.assert(
      fc.property(bytes(4), bytes(4), (a, b) => {
        expect(Math.sign(compare(a, b))).toBe(Buffer.compare(a, b));
        expect(equal(a, b)).toBe(Buffer.compare(a, b) === 0);
      }),
    );
  });

  test('texts that are no UTF-8 have no text, a byte order mark stays', () => {
    expect(text(unhex('c3'))).toBeUndefined();
    expect(text(unhex('efbbbf61'))).toBe('\ufeffa');
    expect(() => unhex('0')).toThrow(RangeError);
    expect(() => u64be(2n ** 64n)).toThrow(RangeError);
  });
});

describe('uvarint', () => {
  test('CNV-001: every value comes back from its own bytes and from the front of longer ones', () => {
    fc.assert(
      fc.property(u64, bytes(4), (value, behind) => {
        const encoded = encodeUvarint(value);
        expect(decodeUvarint(concat(encoded, behind))).toEqual({ value, end: encoded.length, fault: undefined });
      }),
    );
  });

  test('CNV-002 to CNV-004: what is read is exactly what would be written', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 12 }), (input) => {
        const read = decodeUvarint(input);
        if (read.fault === undefined) expect(encodeUvarint(read.value)).toEqual(input.slice(0, read.end));
      }),
    );
  });
});

describe('frames', () => {
  test('WIR-020: frames come out of a plaintext as they went in', () => {
    const frame = fc.record({ kind: fc.nat({ max: 2 ** 32 - 1 }), requestId: fc.nat({ max: 2 ** 32 - 1 }), body: bytes(200) });
    fc.assert(
      fc.property(fc.array(frame, { minLength: 1, maxLength: 5 }), (frames) => {
        const plaintext = concat(...frames.map((one) => encodeFrame(one.kind, one.requestId, one.body)));
        const split = splitPlaintext(plaintext);
        expect(split.error).toBeUndefined();
        expect(split.frames.map(({ kind, requestId, body }) => ({ kind, requestId, body }))).toEqual(frames);
        expect(concat(...split.frames.map((one) => one.raw))).toEqual(plaintext);
      }),
    );
  });

  test('any bytes give frames or an error, never both ends', () => {
    fc.assert(
      fc.property(bytes(30), (plaintext) => {
        const { frames, error, clause } = splitPlaintext(plaintext);
        expect(error === undefined).toBe(clause === undefined);
        expect(frames.reduce((size, one) => size + one.raw.length, 0)).toBeLessThanOrEqual(plaintext.length);
      }),
    );
  });

  test('the table has the kinds of chapter 03', () => {
    const chapter = readFileSync(new URL('../../spec/03-wire.md', import.meta.url), 'utf8');
    const rows = [...chapter.matchAll(/^\| (\d+) +\| (\w+) +\| (\w+) +\| ([\d,]+) +\| (request|reply|notice)[^|]*\| (\S+) +\|/gm)];
    expect(
      rows.map(([, kind, name, frameClass, size, requestId, needs]) => [
        Number(kind),
        name,
        frameClass,
        Number(size?.replace(',', '')),
        requestId,
        needs,
      ]),
    ).toEqual(FRAMES.map((rule) => [rule.kind, rule.name, rule.class, rule.lengthMax, rule.requestId, rule.needs ?? '–']));
  });
});

describe('protobuf', () => {
  const malformed = JSON.parse(readFileSync(new URL('../../vectors/external/protobuf/malformed-wire.json', import.meta.url), 'utf8')) as {
    cases: { name: string; hex: string }[];
  };

  test.each(malformed.cases)('WIR-040 to WIR-043, IDN-055: $name is refused', ({ hex: digits }) => {
    expect(readFields(unhex(digits)).fields).toBeUndefined();
    expect(strictCheck('AppPayload', unhex(digits))).toBe('E_STRUCTURE');
    expect(bodyFault(32, unhex(digits))).toBe('E_MALFORMED');
  });

  test('WIR-047 to WIR-050: unknown fields and groups are skipped, the last value counts, other wire types give none', () => {
    const nonce = (byte: number): Uint8Array => encodeBody('Ping', { nonce: new Uint8Array(8).fill(byte) });
    const unknown = unhex('9a0603616263');
    const group = unhex('5308015b0801 5c54'.replace(' ', ''));
    expect(decodeBody(2, concat(nonce(1), unknown, group, nonce(2)), utf8('n'))).toEqual({ type: 'Ping', nonce: '02'.repeat(8) });
    expect(decodeBody(2, concat(nonce(1), unhex('0807')), utf8('n'))).toEqual({ type: 'Ping', nonce: '01'.repeat(8) });
    expect(decodeBody(2, unhex('0807'), utf8('n'))).toBeUndefined();
    expect(bodyFault(36, encodeBody('Prune', { origins: [], backoffMs: 1 }))).toBe('E_LIMIT');
    expect(bodyFault(36, encodeBody('Prune', { origins: Array(33).fill(new Uint8Array(32)), backoffMs: 1 }))).toBe('E_LIMIT');
    expect(bodyFault(36, encodeBody('Prune', { origins: Array(32).fill(new Uint8Array(32)), backoffMs: 1 }))).toBeUndefined();
    expect(bodyFault(42, encodeBody('Iwant', { ids: [new Uint8Array(31)] }))).toBe('E_MALFORMED');
    expect(bodyFault(40, concat(unhex('0a01ff'), encodeBody('Ihave', { topic: 'app/a', ids: [new Uint8Array(32)] })))).toBe('E_MALFORMED');
    expect(bodyFault(40, concat(unhex('0a0161'), encodeBody('Ihave', { topic: 'app/a', ids: [new Uint8Array(32)] })))).toBeUndefined();
    expect(decodeBody(99, unhex('0801'), utf8('n'))).toEqual({ type: 'unknown' });
  });
});

describe('strict encoding', () => {
  test('the generated code writes the same bytes', () => {
    fc.assert(
      fc.property(u64, fc.string(), u64, bytes(), (createdMs, topic, sequence, data) => {
        const ours = makeAppPayload({ createdMs, topic, sequence, data });
        expect(ours).toEqual(toBinary(AppPayloadSchema, create(AppPayloadSchema, { version: 1, createdMs, topic, sequence, data })));
        expect(strictCheck('AppPayload', ours)).toBe('ok');
        expect(readAppPayload(ours)).toEqual({ createdMs, topic, sequence, data });
      }),
    );
  });

  test('the generated code reads a hello as it was written', () => {
    const hello = makeHello({
      staticKey: new Uint8Array(32).fill(7),
      side: 'responder',
      minorMax: 3,
      capabilities: ['direct/1', 'gossip/1'],
      roles: 5,
      listenAddresses: [{ dns: 'a.example', port: 80, transport: 2 }, { ip6: new Uint8Array(16) }],
    });
    expect(toBinary(HandshakeHelloSchema, fromBinary(HandshakeHelloSchema, hello))).toEqual(hello);
    expect(readHello(hello)).toMatchObject({
      side: 'responder',
      minorMin: 0,
      minorMax: 3,
      roles: 5,
      capabilities: ['direct/1', 'gossip/1'],
    });
  });

  test('IDN-050 to IDN-059: bytes are strict exactly when decoding and encoding gives them back', () => {
    // Schemas without enums: the generated code keeps enum numbers that it does not know.
    const schemas = [
      ['AppPayload', AppPayloadSchema, [1, 2, 3, 4, 5, 6]],
      ['Envelope', EnvelopeSchema, [1, 2, 3, 4, 5, 6]],
    ] as const;
    let strict = 0;
    for (const [name, schema, numbers] of schemas) {
      const varint = fc.oneof(
        fc.constantFrom(unhex('00'), unhex('01'), unhex('8100'), unhex('ffffffff0f'), unhex('8180808010')),
        u64.map(encodeUvarint),
      );
      const content = fc.oneof(bytes(3), fc.constant(utf8('app')));
      const field = fc
        .tuple(fc.constantFrom(...numbers), fc.constantFrom(0, 2), varint, content)
        .map(([number, wireType, value, inner]) => {
          return concat(encodeUvarint(number * 8 + wireType), wireType === 0 ? value : concat(encodeUvarint(inner.length), inner));
        });
      fc.assert(
        fc.property(fc.array(field, { maxLength: 5 }), fc.nat({ max: 1 }), (fields, cut) => {
          const joined = concat(...fields);
          const input = joined.slice(0, joined.length - cut);
          let again: Uint8Array | undefined;
          try {
            again = toBinary(schema, fromBinary(schema, input), { writeUnknownFields: false });
          } catch {
            again = undefined;
          }
          const expected = again !== undefined && equal(again, input);
          expect(strictCheck(name, input)).toBe(expected ? 'ok' : 'E_STRUCTURE');
          if (expected) strict += 1;
        }),
        { numRuns: 3_000 },
      );
    }
    expect(strict).toBeGreaterThan(50);
  });
});

describe('peer ids', () => {
  test('IDN-002, IDN-003: texts are those of an independent bech32m', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), (id) => {
        const formatted = formatPeerId(id);
        expect(formatted).toBe(bech32m.encodeFromBytes('crl', id));
        expect(parsePeerId(formatted)).toEqual(id);
        expect(parsePeerId(formatted.toUpperCase())).toBeUndefined();
      }),
    );
  });

  test('IDN-003: a text with one other character is refused', () => {
    const formatted = formatPeerId(new Uint8Array(32).fill(5));
    fc.assert(
      fc.property(fc.nat({ max: formatted.length - 1 }), fc.constantFrom(...'qpzry9x8gf2tvdw0s3jn54khce6mua7lbio1'), (at, character) => {
        if (formatted[at] === character) return;
        expect(parsePeerId(formatted.slice(0, at) + character + formatted.slice(at + 1))).toBeUndefined();
      }),
    );
  });
});
