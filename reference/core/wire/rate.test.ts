import { describe, expect, test } from 'vitest';
import { canTake, createBucket, take, waitMs } from './rate.ts';

describe('SES-060, token buckets', () => {
  test('a bucket starts full with two seconds of its rate and takes no more than that at once', () => {
    const bucket = createBucket(10, 0);
    for (let count = 0; count < 20; count++) expect(take(bucket, 1, 0)).toBe(true);
    expect(take(bucket, 1, 0)).toBe(false);
  });

  test('a bucket gains its rate in each millisecond, without loss to rounding', () => {
    const bucket = createBucket(3, 0);
    expect(take(bucket, 6, 0)).toBe(true);
    for (let now = 1; now <= 333; now++) expect(canTake(bucket, 1, now)).toBe(false);
    expect(canTake(bucket, 1, 334)).toBe(true);
    let taken = 0;
    for (let now = 0; now <= 1_000_000; now += 8) if (take(bucket, 1, now)) taken += 1;
    expect(taken).toBe(3000);
  });

  test('a pause fills it to the top and not above', () => {
    const bucket = createBucket(10, 0);
    expect(take(bucket, 20, 0)).toBe(true);
    expect(canTake(bucket, 21, 1e12)).toBe(false);
    expect(take(bucket, 20, 1e12)).toBe(true);
    expect(take(bucket, 1, 1e12)).toBe(false);
  });

  test('what does not fit is charged nothing', () => {
    const bucket = createBucket(10, 0);
    expect(take(bucket, 15, 0)).toBe(true);
    expect(take(bucket, 6, 0)).toBe(false);
    expect(take(bucket, 5, 0)).toBe(true);
  });

  test('time that runs backwards or in parts of a millisecond gains nothing', () => {
    const bucket = createBucket(1000, 100.9);
    expect(take(bucket, 2000, 100.9)).toBe(true);
    expect(canTake(bucket, 1, 50)).toBe(false);
    expect(canTake(bucket, 1, 100.99)).toBe(false);
    expect(canTake(bucket, 1, 101)).toBe(true);
  });

  test('the largest rate stays exact', () => {
    const bucket = createBucket(1_000_000_000, 0);
    expect(take(bucket, 2_000_000_000, 0)).toBe(true);
    expect(canTake(bucket, 1, Number.MAX_SAFE_INTEGER)).toBe(true);
    expect(bucket.units).toBe(2_000_000_000_000);
    expect(Number.isSafeInteger(bucket.units)).toBe(true);
  });

  test('the wait for a cost is the first millisecond at which it is held', () => {
    const bucket = createBucket(7, 0);
    expect(waitMs(bucket, 14, 0)).toBe(0);
    expect(waitMs(bucket, 15, 0)).toBeUndefined();
    expect(take(bucket, 14, 0)).toBe(true);
    const wait = waitMs(bucket, 1, 0) ?? 0;
    expect(canTake(bucket, 1, wait - 1)).toBe(false);
    expect(canTake(bucket, 1, wait)).toBe(true);
  });
});
