import { describe, expect, test } from 'vitest';
import { concatBytes, encodeUtf8, toHex } from './bytes.ts';
import { createRng } from './rng.ts';

const seed = encodeUtf8('a seed');

describe('chance with a seed', () => {
  test('the same seed gives the same stream, however it is cut', () => {
    const whole = createRng(seed).bytes(2000);
    const cut = createRng(seed);
    expect(concatBytes(cut.bytes(1), cut.bytes(0), cut.bytes(511), cut.bytes(513), cut.bytes(975))).toEqual(whole);
    expect(toHex(createRng(encodeUtf8('another')).bytes(32))).not.toBe(toHex(whole.slice(0, 32)));
  });

  test('no part of a long stream repeats', () => {
    const stream = createRng(seed).bytes(64 * 1024);
    const blocks = new Set<string>();
    for (let offset = 0; offset < stream.length; offset += 64) blocks.add(toHex(stream.subarray(offset, offset + 64)));
    expect(blocks.size).toBe(1024);
  });

  test('a fork depends on the seed and the label, not on what was drawn', () => {
    const fresh = createRng(seed).fork('gossip').bytes(32);
    const used = createRng(seed);
    used.bytes(777);
    used.fork('session').below(5);
    expect(used.fork('gossip').bytes(32)).toEqual(fresh);
    expect(used.fork('gossip').fork('x').bytes(32)).not.toEqual(used.fork('x').fork('gossip').bytes(32));
    expect(used.fork('gossiq').bytes(32)).not.toEqual(fresh);
    expect(createRng(seed).bytes(32)).not.toEqual(fresh);
  });

  test('a bounded draw stays below its bound and takes every value about as often', () => {
    const rng = createRng(seed);
    const counts = new Array<number>(7).fill(0);
    for (let draw = 0; draw < 14_000; draw++) {
      const value = rng.below(7);
      counts[value] = (counts[value] ?? 0) + 1;
    }
    // Six standard deviations of a fair draw are about 250.
    for (const count of counts) expect(Math.abs(count - 2000)).toBeLessThan(250);
    expect(rng.below(1)).toBe(0);
    expect(rng.below(2 ** 32)).toBeLessThan(2 ** 32);
  });

  test('a bound that is no bound is a bug of the caller', () => {
    for (const bound of [0, -1, 1.5, 2 ** 32 + 1, Number.NaN]) expect(() => createRng(seed).below(bound)).toThrow('invariant');
  });

  test('a shuffle keeps the items, leaves its argument alone, and reaches every order', () => {
    const rng = createRng(seed);
    const items = [1, 2, 3];
    const orders = new Map<string, number>();
    for (let draw = 0; draw < 6000; draw++) {
      const order = rng.shuffle(items).join('');
      orders.set(order, (orders.get(order) ?? 0) + 1);
    }
    expect(items).toEqual([1, 2, 3]);
    expect(orders.size).toBe(6);
    for (const count of orders.values()) expect(Math.abs(count - 1000)).toBeLessThan(180);
  });

  test('nothing is picked from nothing', () => {
    const rng = createRng(seed);
    expect(rng.pick([])).toBeUndefined();
    expect(rng.pick(['only'])).toBe('only');
    expect(new Set(Array.from({ length: 100 }, () => rng.pick(['a', 'b', 'c'])))).toEqual(new Set(['a', 'b', 'c']));
  });
});
