import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { concatBytes, fromHex, toHex, u64be } from '../bytes.ts';
import { BloomFilter, bip37Hash, bloomSize, keyedHash, TwoGenerationFilter } from './bloom.ts';
import { murmur3 } from './murmur3.ts';
import { siphash13, siphash24, siphash24Wide } from './siphash.ts';

function readVectors<T>(name: string): T {
  return JSON.parse(readFileSync(new URL(`../../../vectors/external/hashes/${name}.json`, import.meta.url), 'utf8')) as T;
}

function hex(text: string): Uint8Array {
  return fromHex(text) ?? new Uint8Array(0);
}

describe('murmur3', () => {
  interface Vectors {
    readonly smhasher_verification_values: { readonly MurmurHash3_x86_32: string };
    readonly cases: readonly { readonly hex: string; readonly seed: string; readonly murmur3_x86_32: string }[];
  }
  const vectors = readVectors<Vectors>('murmur3-x86-32');

  test('gives the published hashes', () => {
    for (const entry of vectors.cases) {
      const hash = murmur3(hex(entry.hex), Number.parseInt(entry.seed, 16));
      expect(hash.toString(16).padStart(8, '0'), entry.hex).toBe(entry.murmur3_x86_32);
    }
    expect(vectors.cases.length).toBe(28);
  });

  test('gives the verification value of its authors', () => {
    // SMHasher: hash 0..i-1 under seed 256-i for each i below 256, then the hashes' bytes under seed 0.
    const all = new DataView(new ArrayBuffer(1024));
    for (let size = 0; size < 256; size++) {
      all.setUint32(
        size * 4,
        murmur3(
          Uint8Array.from({ length: size }, (_, index) => index),
          256 - size,
        ),
        true,
      );
    }
    const value = murmur3(new Uint8Array(all.buffer), 0);
    expect(value.toString(16)).toBe(vectors.smhasher_verification_values.MurmurHash3_x86_32);
  });
});

describe('SipHash', () => {
  const message = (size: number): Uint8Array => Uint8Array.from({ length: size }, (_, index) => index);
  const key = message(16);

  test('2-4 gives the published hashes of 8 and of 16 bytes', () => {
    const vectors = readVectors<Readonly<Record<string, Readonly<Record<string, string>>>>>('siphash-2-4');
    const short = Object.entries(vectors['siphash-2-4-64'] ?? {});
    const wide = Object.entries(vectors['siphash-2-4-128'] ?? {});
    for (const [size, expected] of short) expect(toHex(siphash24(key, message(Number(size)))), size).toBe(expected);
    for (const [size, expected] of wide) expect(toHex(siphash24Wide(key, message(Number(size)))), size).toBe(expected);
    expect([short.length > 40, wide.length > 40]).toEqual([true, true]);
  });

  test('1-3 gives the published hashes', () => {
    const { values } = readVectors<{ readonly values: Readonly<Record<string, string>> }>('siphash-1-3');
    // The file writes the results as integers, most significant digit first.
    for (const [size, expected] of Object.entries(values)) {
      expect(toHex(siphash13(key, message(Number(size))).reverse()), size).toBe(expected);
    }
    expect(Object.keys(values).length).toBeGreaterThan(40);
  });

  test('reads its input through a view at any offset', () => {
    const padded = concatBytes(Uint8Array.of(9, 9, 9), message(21));
    expect(siphash24(key, padded.subarray(3))).toEqual(siphash24(key, message(21)));
  });

  test('a key of another length is a bug of the caller', () => {
    expect(() => siphash24(message(15), key)).toThrow('16 bytes');
  });
});

describe('Bloom filters', () => {
  test('BIP 37: size, contents and serialised form are the published ones', () => {
    interface Case {
      readonly elements: number;
      readonly fp_rate: number;
      readonly tweak: number;
      readonly flags: number;
      readonly insert: readonly string[];
      readonly absent_after_first_insert: string;
      readonly serialized_hex: string;
    }
    for (const entry of readVectors<{ readonly cases: readonly Case[] }>('bloom-bip37').cases) {
      const size = bloomSize(entry.elements, entry.fp_rate);
      const filter = new BloomFilter(size, bip37Hash(entry.tweak));
      for (const [index, item] of entry.insert.entries()) {
        filter.add(hex(item));
        expect(filter.mightHave(hex(item))).toBe(true);
        if (index === 0) expect(filter.mightHave(hex(entry.absent_after_first_insert))).toBe(false);
      }
      const little = (value: number): Uint8Array => u64be(value).slice(4).reverse();
      const serialised = concatBytes(
        Uint8Array.of(size.bytes),
        filter.bits(),
        little(size.hashes),
        little(entry.tweak),
        Uint8Array.of(entry.flags),
      );
      expect(toHex(serialised)).toBe(entry.serialized_hex);
    }
  });

  test('a keyed filter has what was added, and its rate of false yeses is near what was asked', () => {
    const filter = new BloomFilter(bloomSize(2000, 0.01), keyedHash(new Uint8Array(16).fill(7)));
    for (let item = 0; item < 2000; item++) filter.add(u64be(item));
    for (let item = 0; item < 2000; item++) expect(filter.mightHave(u64be(item))).toBe(true);
    let wrong = 0;
    for (let item = 2000; item < 12_000; item++) if (filter.mightHave(u64be(item))) wrong += 1;
    expect(wrong).toBeGreaterThan(20);
    expect(wrong).toBeLessThan(200);
  });

  test('two keys err on different items', () => {
    const wrongOf = (fill: number): string => {
      const filter = new BloomFilter(bloomSize(100, 0.1), keyedHash(new Uint8Array(16).fill(fill)));
      for (let item = 0; item < 100; item++) filter.add(u64be(item));
      const wrong: number[] = [];
      for (let item = 100; item < 1000; item++) if (filter.mightHave(u64be(item))) wrong.push(item);
      return wrong.join();
    };
    expect(wrongOf(1)).not.toBe(wrongOf(2));
  });
});

describe('the filter of two generations', () => {
  const options = { capacity: 100, ttlMs: 1000, falseRate: 0.001, key: new Uint8Array(16).fill(1) };

  test('forgets an item between one and two lifetimes after it was added', () => {
    const filter = new TwoGenerationFilter(options, 0);
    filter.add(u64be(1), 0);
    expect(filter.mightHave(u64be(2), 0)).toBe(false);
    expect(filter.mightHave(u64be(1), 1000)).toBe(true);
    expect(filter.mightHave(u64be(1), 2001)).toBe(false);
  });

  test('GSP-029: never denies an item within its lifetime, however full it becomes', () => {
    const filter = new TwoGenerationFilter(options, 0);
    filter.add(u64be(0), 0);
    for (let item = 1; item < 1000; item++) filter.add(u64be(item), item % 10);
    for (let item = 0; item < 1000; item++) expect(filter.mightHave(u64be(item), 1000), String(item)).toBe(true);
    // What it could not hold it answers with yes, until that would have expired.
    expect(filter.mightHave(u64be(5000), 1000)).toBe(true);
    expect(filter.mightHave(u64be(5000), 1010)).toBe(false);
  });

  test('agrees with an exact memory over a long run with pauses', () => {
    const filter = new TwoGenerationFilter({ ...options, capacity: 40 }, 0);
    const addedMs = new Map<number, number>();
    let now = 0;
    let denied = 0;
    for (let step = 0; step < 4000; step++) {
      now += (step * 7919) % 61;
      const item = (step * 104_729) % 257;
      const at = addedMs.get(item);
      const answer = filter.mightHave(u64be(item), now);
      if (at !== undefined && now - at <= options.ttlMs) expect(answer).toBe(true);
      if (!answer) denied += 1;
      filter.add(u64be(item), now);
      addedMs.set(item, now);
    }
    expect(denied).toBeGreaterThan(500);
  });
});
