import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compareBytes, concatBytes, copyBytes, decodeUtf8, encodeUtf8, equalBytes, fromHex, toHex, u64be } from './bytes.ts';

const bytes = fc.uint8Array({ maxLength: 40 });

describe('byte strings', () => {
  test('joining keeps every byte in its order, and a copy shares nothing', () => {
    expect(concatBytes(Uint8Array.of(1), Uint8Array.of(), Uint8Array.of(2, 3))).toEqual(Uint8Array.of(1, 2, 3));
    expect(concatBytes()).toEqual(new Uint8Array(0));
    const original = Uint8Array.of(1, 2);
    const copy = copyBytes(original.subarray(1));
    original[1] = 9;
    expect(copy).toEqual(Uint8Array.of(2));
  });

  test('equality and order agree with those of Buffer', () => {
    fc.assert(
      fc.property(bytes, bytes, (a, b) => {
        expect(equalBytes(a, b)).toBe(Buffer.compare(a, b) === 0);
        expect(Math.sign(compareBytes(a, b))).toBe(Buffer.compare(a, b));
      }),
    );
    expect(compareBytes(Uint8Array.of(1), Uint8Array.of(1, 0))).toBeLessThan(0);
  });

  test('hexadecimal is lower case, is read in either case, and nothing else is read', () => {
    fc.assert(fc.property(bytes, (value) => equalBytes(fromHex(toHex(value)) ?? Uint8Array.of(1), value)));
    expect(toHex(Uint8Array.of(0, 0xab))).toBe('00ab');
    expect(fromHex('00AB')).toEqual(Uint8Array.of(0, 0xab));
    for (const text of ['0', '0g', ' 0', '0x', '−1', '00\n']) expect(fromHex(text)).toBeUndefined();
  });

  test('hexadecimal of many bytes is that of its parts', () => {
    const long = Uint8Array.from({ length: 5000 }, (_, index) => index * 7);
    expect(toHex(long)).toBe(Buffer.from(long).toString('hex'));
  });

  test('an id is kept in little more than its digits', () => {
    setFlagsFromString('--expose-gc');
    const collect: () => void = runInNewContext('gc');
    const kept = new Map<string, number>();
    const source = new Uint8Array(32);
    const view = new DataView(source.buffer);
    collect();
    const before = process.memoryUsage().heapUsed;
    for (let index = 0; index < 20_000; index++) {
      view.setUint32(0, index);
      kept.set(toHex(source), index);
    }
    collect();
    expect((process.memoryUsage().heapUsed - before) / kept.size).toBeLessThan(250);
  });

  test('u64be puts the most significant byte first', () => {
    expect(toHex(u64be(0x0102030405060708n))).toBe('0102030405060708');
    expect(toHex(u64be(258))).toBe('0000000000000102');
    expect(toHex(u64be(2n ** 64n - 1n))).toBe('ffffffffffffffff');
  });
});

describe('UTF-8', () => {
  const reference = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

  function decodeByReference(value: Uint8Array): string | undefined {
    try {
      return reference.decode(value);
    } catch {
      return undefined;
    }
  }

  test('texts of every plane are encoded as the platform encodes them, and come back', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 20 }), (text) => {
        expect(encodeUtf8(text)).toEqual(Uint8Array.from(new TextEncoder().encode(text)));
        expect(decodeUtf8(encodeUtf8(text))).toBe(text);
      }),
    );
    expect(encodeUtf8('a\ud800b')).toEqual(Uint8Array.from(new TextEncoder().encode('a\ud800b')));
  });

  test('bytes are taken and refused as by a strict decoder', () => {
    const tricky = fc.constantFrom(
      0x41,
      0x7f,
      0x80,
      0x8f,
      0x90,
      0x9f,
      0xa0,
      0xbf,
      0xc0,
      0xc1,
      0xc2,
      0xdf,
      0xe0,
      0xed,
      0xef,
      0xf0,
      0xf4,
      0xf5,
      0xff,
    );
    const sequences = fc.array(fc.oneof(tricky, fc.nat(255)), { maxLength: 8 }).map((list) => Uint8Array.from(list));
    fc.assert(
      fc.property(sequences, (value) => decodeUtf8(value) === decodeByReference(value)),
      { numRuns: 5000 },
    );
  });

  test('overlong forms, surrogates, points beyond the last and cut sequences are refused', () => {
    for (const hex of ['c080', 'e08080', 'f0808080', 'eda080', 'f4908080', 'f5808080', 'c3', 'e282', '80', 'ff']) {
      expect(decodeUtf8(fromHex(hex) ?? new Uint8Array(0)), hex).toBeUndefined();
    }
    expect(decodeUtf8(Uint8Array.of(0xef, 0xbb, 0xbf, 0x41))).toBe('\ufeffA');
  });
});
