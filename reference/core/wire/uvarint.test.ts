import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { concatBytes, fromHex, toHex } from '../bytes.ts';
import { encodeUvarint, lengthPrefixed, readUvarint, readUvarintNumber } from './uvarint.ts';

const hex = (text: string): Uint8Array => fromHex(text) ?? new Uint8Array(0);

describe('uvarints', () => {
  test('CNV-001: values at the edges take the fewest bytes', () => {
    const edges: readonly (readonly [bigint | number, string])[] = [
      [0, '00'],
      [1n, '01'],
      [127, '7f'],
      [128, '8001'],
      [16383, 'ff7f'],
      [16384, '808001'],
      [2 ** 31 - 1, 'ffffffff07'],
      [2 ** 31, '8080808008'],
      [2 ** 32 - 1, 'ffffffff0f'],
      [2n ** 32n, '8080808010'],
      [2n ** 63n, '80808080808080808001'],
      [2n ** 64n - 1n, 'ffffffffffffffffff01'],
    ];
    for (const [value, text] of edges) {
      expect(toHex(encodeUvarint(value))).toBe(text);
      expect(readUvarint(hex(text), 0)).toEqual({ value: BigInt(value), next: text.length / 2 });
    }
  });

  test('every value comes back, at any offset, read as bigint and as number', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), fc.nat(63), fc.uint8Array({ maxLength: 3 }), (wide, shift, before) => {
        const value = wide >> BigInt(shift);
        const bytes = concatBytes(before, encodeUvarint(value), Uint8Array.of(0xff));
        expect(readUvarint(bytes, before.length)).toEqual({ value, next: bytes.length - 1 });
        const small = readUvarintNumber(bytes, before.length);
        expect(small?.next).toBe(bytes.length - 1);
        if (value < 2n ** 53n) expect(small?.value).toBe(Number(value));
        else expect(small?.value).toBeGreaterThanOrEqual(2 ** 53);
      }),
    );
  });

  test.each([
    ['CNV-002: a last byte of zero', '8000'],
    ['CNV-002: several', '80808000'],
    ['CNV-002: in the tenth byte', '80808080808080808000'],
    ['CNV-003: eleven bytes', '8080808080808080808001'],
    ['CNV-003: 2^64', '80808080808080808002'],
    ['CNV-003: bit 69', 'ffffffffffffffffff7f'],
    ['CNV-004: no last byte', '80'],
    ['CNV-004: nine bytes and no last one', 'ffffffffffffffffff'],
    ['no byte at all', ''],
  ])('%s is malformed', (_, text) => {
    expect(readUvarint(hex(text), 0)).toBeUndefined();
    expect(readUvarintNumber(hex(text), 0)).toBeUndefined();
  });

  test('both readers agree on any bytes', () => {
    const byte = fc.oneof(fc.constantFrom(0x00, 0x01, 0x02, 0x7f, 0x80, 0xff), fc.nat(255));
    fc.assert(
      fc.property(fc.array(byte, { maxLength: 12 }), (list) => {
        const bytes = Uint8Array.from(list);
        expect(readUvarintNumber(bytes, 0)?.next).toBe(readUvarint(bytes, 0)?.next);
      }),
      { numRuns: 3000 },
    );
  });

  test('a value outside 64 bits or not whole is a bug of the caller', () => {
    for (const value of [-1, -1n, 0.5, 2n ** 64n]) expect(() => encodeUvarint(value)).toThrow();
  });

  test('lp puts the length before the bytes', () => {
    expect(toHex(concatBytes(...lengthPrefixed(hex('aabb'))))).toBe('02aabb');
    expect(toHex(concatBytes(...lengthPrefixed(hex(''))))).toBe('00');
  });
});
