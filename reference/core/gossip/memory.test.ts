import { describe, expect, test } from 'vitest';
import { encodeUtf8 } from '../bytes.ts';
import { createRng } from '../rng.ts';
import type { EnvelopeHash, LinkId, MessageId, PeerId } from '../types.ts';
import { ExpiryQueue } from './expiry-queue.ts';
import { FloodBuckets } from './flood.ts';
import { testParams } from './gossip.fixture.ts';
import { KnownLinks } from './known.ts';
import { RejectedEnvelopes } from './rejected.ts';
import { SeenMemory } from './seen.ts';
import { TimerHeap } from './timer-heap.ts';
import { HeartbeatWindow } from './windows.ts';

const rng = createRng(encodeUtf8('memory'));

function id(index: number): MessageId {
  return index.toString(16).padStart(64, '0') as MessageId;
}

function peer(index: number): PeerId {
  return index.toString(16).padStart(64, 'c') as PeerId;
}

describe('queues', () => {
  test('an expiry queue keeps its order over many pushes and shifts', () => {
    const queue = new ExpiryQueue<number>();
    const expected: number[] = [];
    let next = 0;
    for (let step = 0; step < 5000; step++) {
      if (rng.below(5) < 3) {
        queue.push(next, next);
        expected.push(next++);
      } else {
        expect(queue.shift()?.value).toBe(expected.shift());
      }
      expect(queue.size).toBe(expected.length);
      expect(queue.peek()?.value).toBe(expected[0]);
    }
  });

  test('a timer heap gives timers by time, then by coming', () => {
    const heap = new TimerHeap<number>();
    const timers = Array.from({ length: 500 }, (_, index) => ({ dueMs: rng.below(40), index }));
    for (const { dueMs, index } of timers) heap.push(dueMs, index);
    const order: number[] = [];
    for (let nowMs = 0; nowMs < 40; nowMs++) {
      for (let value = heap.popDue(nowMs); value !== undefined; value = heap.popDue(nowMs)) order.push(value);
    }
    expect(order).toEqual([...timers].sort((a, b) => a.dueMs - b.dueMs || a.index - b.index).map(({ index }) => index));
    expect(heap.nextMs).toBeUndefined();
  });
});

describe('windows', () => {
  test('a window starts with the first after a pause and ends after its length', () => {
    const window = new HeartbeatWindow(1000, 5);
    expect(window.admit(3, 100)).toBe(3);
    expect(window.admit(3, 1099)).toBe(2);
    expect(window.room(1099)).toBe(0);
    expect(window.endMs(1099)).toBe(1100);
    expect(window.admit(9, 1100)).toBe(5);
    expect(window.admit(1, 2099)).toBe(0);
    expect(window.room(5000)).toBe(5);
  });
});

describe('seen ids', () => {
  const overrides = { 'gossip.seen_origin_capacity': '1220', 'gossip.seen_unstaked_capacity': '4880' };
  const params = testParams('conformance', overrides);
  const staked = peer(1);
  const make = (): SeenMemory => new SeenMemory(params, (origin) => (origin === staked ? 1n : 0n), rng.fork('seen'));

  test('GSP-029 each division holds its capacity, the oldest go first, and the other division stays', () => {
    const seen = make();
    seen.add(id(1), staked, 0);
    for (let index = 0; index < 6000; index++) seen.add(id(100 + index), peer(2 + (index % 7)), 1);
    expect(seen.sizeFor(peer(2))).toBe(4880);
    expect(seen.has(id(1), 2)).toBe(true);
    expect(seen.has(id(100), 2)).toBe(false);
    expect(seen.has(id(100 + 6000 - 4880), 2)).toBe(true);
    for (let index = 0; index < 2000; index++) seen.add(id(10_000 + index), staked, 3);
    expect(seen.sizeFor(staked)).toBe(1220);
    expect(seen.size).toBe(1220 + 4880);
    seen.expire(200_000);
    expect([seen.size, seen.nextExpiryMs]).toEqual([0, undefined]);
  });

  test('GSP-015 ids are found over many lifetimes up to their last millisecond', () => {
    const seen = make();
    for (let index = 0; index < 400; index++) {
      const nowMs = index * 1000;
      seen.add(id(index), staked, nowMs);
      if (index >= 120) expect(seen.has(id(index - 120), nowMs)).toBe(true);
      if (index >= 121) expect(seen.has(id(index - 121), nowMs)).toBe(false);
      expect(seen.size).toBeLessThanOrEqual(122);
    }
  });

  test('GSP-015 an id is remembered when its origin gains stake', () => {
    let stake = 0n;
    const seen = new SeenMemory(params, () => stake, rng.fork('stake'));
    seen.add(id(1), staked, 0);
    stake = 5n;
    expect(seen.has(id(1), 120_000)).toBe(true);
    seen.add(id(1), staked, 120_001);
    expect(seen.has(id(1), 240_001)).toBe(true);
  });
});

describe('other memories', () => {
  test('rejected hashes are bounded, the oldest go first', () => {
    const rejected = new RejectedEnvelopes(3);
    const hashes = ['a', 'b', 'c', 'b', 'd'] as EnvelopeHash[];
    for (const hash of hashes) rejected.add(hash);
    expect(['a', 'b', 'c', 'd'].map((hash) => rejected.has(hash as EnvelopeHash))).toEqual([false, true, true, true]);
  });

  test('flood buckets that are full again are not held, and a refund undoes a charge', () => {
    const params = testParams('conformance');
    const flood = new FloodBuckets(params, () => 0n);
    for (let index = 0; index < 20; index++) flood.charge(peer(index), 0);
    expect(flood.size).toBe(20);
    flood.sweep(99);
    expect(flood.size).toBe(20);
    flood.sweep(100);
    expect(flood.size).toBe(0);
    for (let index = 0; index < 20; index++) flood.charge(peer(1), 1000);
    expect(flood.allows(peer(1), 1000)).toBe(false);
    flood.refund(peer(1), 1000);
    expect(flood.allows(peer(1), 1000)).toBe(true);
    flood.charge(peer(1), 1000);
    expect(flood.allows(peer(1), 1099)).toBe(false);
  });

  test('what a link has is bounded, expires, and moves to the message when it is accepted', () => {
    const known = new KnownLinks(testParams('conformance'));
    const link = 1 as LinkId;
    for (let index = 0; index < known.perLinkMax + 10; index++) known.learn(link, id(index), 0);
    expect(known.largestLinkSize).toBe(known.perLinkMax);
    expect(known.has(link, id(9), 0)).toBe(false);
    expect(known.has(link, id(10), 120_000)).toBe(true);
    expect(known.has(link, id(10), 120_001)).toBe(false);
    known.settle(id(11), 0);
    known.confirm(2 as LinkId, id(11));
    known.confirm(2 as LinkId, id(12));
    expect([1, 2, 3].map((other) => known.has(other as LinkId, id(11), 0))).toEqual([true, true, false]);
    expect(known.has(2 as LinkId, id(12), 0)).toBe(false);
    known.release(id(11));
    expect(known.settledCount).toBe(0);
    known.expire(120_001);
    expect(known.largestLinkSize).toBe(0);
  });
});
