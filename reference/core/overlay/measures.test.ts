import { expect, test } from 'vitest';
import { AUTO_STRATEGIES, autoStrategies } from '../../../conformance/model/overlay.ts';
import { createRng } from '../rng.ts';
import { Automatic } from './automatic.ts';
import { BestRate, WindowedMeasures } from './measures.ts';
import { measured, overlayScore } from './score.ts';

test('a rate is that of the best beat, in bytes a second', () => {
  const rate = new BestRate(1_000);
  expect(rate.beat(500, 1_500)).toBe(1_000);
  expect(rate.beat(600, 2_500)).toBe(100);
  expect(rate.best).toBe(1_000);
  // No time, no rate: what came at once belongs to the next beat.
  expect(rate.beat(9_000, 2_500)).toBe(0);
  expect(rate.beat(9_000, 3_500)).toBe(8_400);
});

test('measures last for one to two windows', () => {
  const own = new WindowedMeasures(1_000, 0);
  own.add({ rate: 70, delivered: 2, failed: 1 }, 500);
  own.add({ rate: 50, delivered: 1, failed: 0 }, 1_200);
  expect(own.sum(1_999)).toEqual({ bestRate: 70, delivered: 3, failed: 1 });
  expect(own.sum(2_000)).toEqual({ bestRate: 50, delivered: 1, failed: 0 });
  expect(own.sum(3_000)).toEqual({ bestRate: 0, delivered: 0, failed: 0 });
  own.add({ rate: 5, delivered: 1, failed: 0 }, 10_000);
  expect(own.sum(20_000)).toEqual({ bestRate: 0, delivered: 0, failed: 0 });
});

test('OVL-012: numbers of a running node are rounded down and never below 0', () => {
  const values = measured({ uptimeMs: 1.9, bytesPerS: -1, delivered: 0, failed: 0, connections: 2 });
  expect(values).toEqual({ uptimeMs: 1n, bytesPerS: 0n, delivered: 0n, failed: 0n, connections: 2n });
  expect(overlayScore(values, { uptimeMs: 1n, bytesPerS: 1n, connections: 1n })).toBe(575);
});

test('OVL-005, OVL-006: auto follows a wandering size as the model does', () => {
  for (let round = 0; round < 50; round++) {
    const rng = createRng(new TextEncoder().encode(`auto ${round}`));
    const rule = { kademliaAt: 50, supernodeAt: 200, bandPercent: rng.below(21), dwellMs: rng.below(3) * 5_000 };
    let size = rng.below(300);
    const looks = Array.from({ length: 200 }, (_, index) => {
      size = Math.max(0, size + rng.below(41) - 20);
      return { atMs: index * 1_000, size };
    });
    const automatic = new Automatic(rule);
    const expected = autoStrategies(
      {
        kademliaAt: BigInt(rule.kademliaAt),
        supernodeAt: BigInt(rule.supernodeAt),
        bandPercent: BigInt(rule.bandPercent),
        dwellMs: BigInt(rule.dwellMs),
      },
      looks.map((look) => ({ atMs: BigInt(look.atMs), size: BigInt(look.size) })),
    );
    expect(looks.map((look) => automatic.look(look.size, look.atMs))).toEqual(expected.map((index) => AUTO_STRATEGIES[index]));
  }
});
