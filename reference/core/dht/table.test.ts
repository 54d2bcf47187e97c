import { describe, expect, it } from 'vitest';
import { toHex } from '../bytes.ts';
import { createRng } from '../rng.ts';
import type { PeerId } from '../types.ts';
import type { Contact } from './contact.ts';
import { bucketIndex, compareDistance, distanceNumber, idInBucket, regionRadius } from './distance.ts';
import { RoutingTable } from './table.ts';

const rng = createRng(Uint8Array.of(1));
const SELF = rng.bytes(32);
const BOUNDS = { bucketSize: 20, replacementsMax: 16, subnetBucketMax: 2, subnetTableMax: 10, failuresMax: 2, policy: 'public' } as const;

function contact(id: Uint8Array, index: number): Contact {
  return { peer: toHex(id) as PeerId, id, host: Uint8Array.of(5, index >> 8, index & 255, 1), addresses: [] };
}

describe('distances', () => {
  it('DHT-002: an id in a bucket is in that bucket, for every bucket', () => {
    for (let bucket = 0; bucket < 256; bucket++) expect(bucketIndex(SELF, idInBucket(SELF, bucket, rng.bytes(32)))).toBe(bucket);
  });

  it('DHT-001: order and number agree', () => {
    for (let round = 0; round < 100; round++) {
      const [a, b] = [rng.bytes(32), rng.bytes(32)];
      expect(compareDistance(SELF, a, b) < 0).toBe(distanceNumber(SELF, a) < distanceNumber(SELF, b));
    }
  });

  it('the region of a small network is everything', () => {
    expect(regionRadius(20, 0)).toBe(1n << 256n);
    expect(regionRadius(20, 20)).toBe(1n << 256n);
    expect(regionRadius(20, 40)).toBe(1n << 255n);
  });
});

describe('RoutingTable', () => {
  it('DHT-040: closest gives what sorting everybody gives, for targets anywhere', () => {
    const table = new RoutingTable(SELF, BOUNDS);
    const near = Array.from({ length: 40 }, (_, index) => contact(idInBucket(SELF, 200 + index, rng.bytes(32)), index));
    const far = Array.from({ length: 400 }, (_, index) => contact(rng.bytes(32), 100 + index));
    for (const one of [...near, ...far]) table.seen(one);
    const everybody = table.buckets().flatMap(({ entries }) => entries.map((entry) => entry.contact));
    const targets = [SELF, ...near.slice(0, 10).map(({ id }) => id), ...Array.from({ length: 50 }, () => rng.bytes(32))];
    for (const target of targets) {
      const sorted = [...everybody].sort((a, b) => compareDistance(target, a.id, b.id)).slice(0, 20);
      expect(table.closest(target, 20).map(({ peer }) => peer)).toEqual(sorted.map(({ peer }) => peer));
    }
    expect(table.size).toBe(everybody.length);
  });

  it('DHT-028: whoever fails and comes back leaves the counts of its subnet right', () => {
    const table = new RoutingTable(SELF, { ...BOUNDS, subnetTableMax: 2 });
    const [a, b, c] = [250, 251, 252].map((bucket) => contact(idInBucket(SELF, bucket, rng.bytes(32)), 7)) as [Contact, Contact, Contact];
    expect([table.seen(a), table.seen(b), table.seen(c)]).toEqual([true, true, false]);
    for (let round = 0; round < 2; round++) table.failed(a.peer, a.id);
    expect([table.seen(c), table.seen(a)]).toEqual([true, false]);
  });
});
