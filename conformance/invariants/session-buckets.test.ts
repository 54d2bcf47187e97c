import { describe, expect, test } from 'vitest';
import { presetParameters } from '../model/parameters.ts';
import { SessionBuckets } from './session-buckets.ts';

const parameters = presetParameters('conformance');
const number = (name: string): number => Number(parameters[name]);

function admitted(buckets: SessionBuckets, count: number, atMs: number, size = 14): string[] {
  return Array.from({ length: count }, () => buckets.admit('control', size, atMs));
}

describe('SES-060 buckets in virtual time', () => {
  test('hold twice the rate and refill to the millisecond', () => {
    const buckets = new SessionBuckets(number, 0);
    expect(admitted(buckets, 41, 0)).toEqual([...Array.from({ length: 40 }, () => 'pass'), 'overrun']);
    expect(buckets.admit('control', 14, 49)).toBe('overrun');
    expect(buckets.admit('control', 14, 50)).toBe('pass');
    expect(buckets.admit('control', 14, 50)).toBe('overrun');
    expect(admitted(buckets, 41, 1_000_000).at(-2)).toBe('pass');
    expect(buckets.admit('control', 14, 1_000_000)).toBe('overrun');
  });

  test('charge neither bucket when one lacks the cost', () => {
    const buckets = new SessionBuckets(number, 0);
    for (let index = 0; index < 8; index++) expect(buckets.admit('data', 65_519, 0)).toBe('pass');
    for (let index = 0; index < 500; index++) expect(buckets.admit('data', 137, 0)).toBe('overrun');
    expect(buckets.admit('data', 136, 0)).toBe('pass');
  });

  test('keep classes apart', () => {
    const buckets = new SessionBuckets(number, 0);
    admitted(buckets, 60, 0);
    expect(buckets.admit('data', 14, 0)).toBe('pass');
  });
});

describe('SES-063 overruns', () => {
  test('exceed at the 101st and are forgotten after the pause', () => {
    const buckets = new SessionBuckets(number, 0);
    for (let index = 0; index < 100; index++) expect(buckets.overrun('control', 'overrun', 0)).toBe('tolerated');
    expect(buckets.overrun('control', 'overrun', 9_999)).toBe('exceeded');
    const patient = new SessionBuckets(number, 0);
    for (let index = 0; index < 100; index++) patient.overrun('control', 'overrun', 0);
    expect(patient.overrun('control', 'overrun', 10_000)).toBe('tolerated');
    expect(patient.overrun('data', 'overrun', 10_000)).toBe('tolerated');
  });
});

describe('on the wall clock', () => {
  test('nothing is said near the edge of a bucket', () => {
    const buckets = new SessionBuckets(number, 1_000);
    const outcomes = admitted(buckets, 70, 0);
    expect(outcomes.slice(0, 20)).toEqual(Array.from({ length: 20 }, () => 'pass'));
    expect(outcomes.slice(20, 60)).toEqual(Array.from({ length: 40 }, () => 'unsure'));
    expect(outcomes.slice(60)).toEqual(Array.from({ length: 10 }, () => 'overrun'));
  });

  test('nothing is said near the limit of overruns', () => {
    const buckets = new SessionBuckets(number, 1_000);
    for (let index = 0; index < 100; index++) buckets.overrun('control', 'unsure', 0);
    expect(buckets.overrun('control', 'unsure', 0)).toBe('unsure');
    for (let index = 0; index < 100; index++) buckets.overrun('control', 'overrun', 0);
    expect(buckets.overrun('control', 'overrun', 0)).toBe('exceeded');
  });
});
