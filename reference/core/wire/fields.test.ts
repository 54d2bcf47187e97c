import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readFields } from '../../../conformance/model/protobuf.ts';
import { concatBytes, fromHex } from '../bytes.ts';
import { bytesField, elementField, FieldReader, varintField, WIRE_GROUP_START, WIRE_LENGTH, WIRE_VARINT } from './fields.ts';

const hex = (text: string): Uint8Array => fromHex(text) ?? new Uint8Array(0);

interface Seen {
  readonly number: number;
  readonly wireType: number;
  readonly value: bigint;
}

/** All fields, or the clause that the bytes break. */
function readAll(bytes: Uint8Array): readonly Seen[] | string {
  const reader = new FieldReader(bytes);
  const seen: Seen[] = [];
  while (reader.next()) {
    seen.push({ number: reader.number, wireType: reader.wireType, value: reader.wireType === WIRE_VARINT ? reader.uint64() : 0n });
  }
  return reader.fault ?? seen;
}

/** Reads a message and, in it, field 18 as a message of the same kind: what a known submessage field means. */
function isWellFormed(bytes: Uint8Array): boolean {
  const reader = new FieldReader(bytes);
  while (reader.next()) {
    if (reader.number === 18 && reader.wireType === WIRE_LENGTH && !isWellFormed(reader.content())) return false;
  }
  return reader.fault === undefined;
}

describe('the field reader', () => {
  interface Case {
    readonly name: string;
    readonly hex: string;
    readonly needs_known_submessage_field: boolean;
  }
  const { cases } = JSON.parse(
    readFileSync(new URL('../../../vectors/external/protobuf/malformed-wire.json', import.meta.url), 'utf8'),
  ) as { readonly cases: readonly Case[] };

  test('the published malformed messages are 42', () => {
    expect(cases.length).toBe(42);
  });

  test.each(cases)('$name is refused, alone and as a submessage', ({ hex: text }) => {
    const bytes = hex(text);
    expect(isWellFormed(bytes)).toBe(false);
    expect(isWellFormed(concatBytes(...elementField(18, bytes)))).toBe(false);
    expect(isWellFormed(concatBytes(...elementField(18, concatBytes(...elementField(18, bytes)))))).toBe(false);
  });

  test.each([
    ['WIR-040: a tag without its end', '80', 'WIR-040'],
    ['WIR-040: a value that is missing', '08', 'WIR-040'],
    ['WIR-040: a length beyond the end', '0a0341', 'WIR-040'],
    ['WIR-040: a length of 2^32', '0a808080801041', 'WIR-040'],
    ['WIR-040: seven bytes of eight', '0901020304050607', 'WIR-040'],
    ['WIR-040: three bytes of four', '0d010203', 'WIR-040'],
    ['WIR-040: a group without its end', '0b0801', 'WIR-040'],
    ['WIR-041: field number 0', '0001', 'WIR-041'],
    ['WIR-041: field number 0 with a long tag', '8000', 'WIR-041'],
    ['WIR-041: a tag of 2^32', '808080801000', 'WIR-041'],
    ['WIR-041: field number 0 in a group', '0b00010c', 'WIR-041'],
    ['WIR-042: wire type 6', '0e00', 'WIR-042'],
    ['WIR-042: wire type 7', '0f00', 'WIR-042'],
    ['WIR-042: an end without a start', '0c', 'WIR-042'],
    ['WIR-042: the end of another group', '0b14', 'WIR-042'],
    ['WIR-042: ends in the wrong order', '0b130c14', 'WIR-042'],
    ['WIR-043: a tag of eleven bytes', '8880808080808080808000', 'WIR-043'],
    ['WIR-043: a value of eleven bytes', '088080808080808080808001', 'WIR-043'],
    ['WIR-043: a length of eleven bytes', '0a8080808080808080808000', 'WIR-043'],
  ])('%s', (_, text, clause) => {
    expect(readAll(hex(text))).toBe(clause);
  });

  test('the largest field number, values up to 2^64 − 1 and forms that are not minimal are read', () => {
    expect(readAll(hex('f8ffffff0f01'))).toEqual([{ number: 2 ** 29 - 1, wireType: 0, value: 1n }]);
    expect(readAll(hex('08ffffffffffffffffff01'))).toEqual([{ number: 1, wireType: 0, value: 2n ** 64n - 1n }]);
    expect(readAll(hex('0880808080808080808001'))).toEqual([{ number: 1, wireType: 0, value: 2n ** 63n }]);
    expect(readAll(hex('888000818000'))).toEqual([{ number: 1, wireType: 0, value: 1n }]);
  });

  test('WIR-049: a complete group is passed over, up to a depth of 100', () => {
    expect(readAll(hex('0b08010c1005'))).toEqual([
      { number: 1, wireType: WIRE_GROUP_START, value: 0n },
      { number: 2, wireType: WIRE_VARINT, value: 5n },
    ]);
    const nested = (depth: number): Uint8Array => concatBytes(new Uint8Array(depth).fill(0x0b), new Uint8Array(depth).fill(0x0c));
    expect(readAll(nested(100))).toHaveLength(1);
    expect(readAll(nested(101))).toBe('WIR-049');
    expect(readAll(new Uint8Array(65_000).fill(0x0b))).toBe('WIR-049');
  });

  test('what the writers write is read back', () => {
    const content = fc.uint8Array({ maxLength: 200 });
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 2 ** 29 - 1 }),
        fc.bigInt({ min: 1n, max: 2n ** 64n - 1n }),
        content,
        (number, value, bytes) => {
          const reader = new FieldReader(concatBytes(...varintField(number, value), ...elementField(number, bytes)));
          expect(reader.next()).toBe(true);
          expect([reader.number, reader.wireType, reader.uint64()]).toEqual([number, WIRE_VARINT, value]);
          expect([reader.uint32(), reader.int32()]).toEqual([Number(BigInt.asUintN(32, value)), Number(BigInt.asIntN(32, value))]);
          expect(reader.next()).toBe(true);
          expect([reader.number, reader.wireType, reader.content()]).toEqual([number, WIRE_LENGTH, bytes]);
          expect([reader.next(), reader.fault]).toEqual([false, undefined]);
        },
      ),
    );
    expect([...varintField(1, 0), ...varintField(1, 0n), ...bytesField(1, new Uint8Array(0))]).toEqual([]);
  });

  test('any bytes are taken or refused as by the kit’s reader', () => {
    const byte = fc.oneof(fc.constantFrom(0x00, 0x01, 0x08, 0x0a, 0x0b, 0x0c, 0x0d, 0x12, 0x80, 0xff), fc.nat(255));
    fc.assert(
      fc.property(fc.array(byte, { maxLength: 24 }), (list) => {
        const bytes = Uint8Array.from(list);
        const model = readFields(bytes);
        const here = readAll(bytes);
        if (model.fault === undefined) {
          expect(here).toEqual(model.fields.map(({ number, wireType, value }) => ({ number, wireType, value })));
        } else {
          expect(here).toBe(model.fault.body);
        }
      }),
      { numRuns: 5000 },
    );
  });
});
