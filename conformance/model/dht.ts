/** Distances, the table of contacts and the size of the network. Spec: chapter 08. */

import { equal, hex } from './bytes.ts';
import { type AddressPolicy, addressRule, subnetOf } from './dht-address.ts';

/** The exclusive or as a number. Spec: DHT-001 */
export function distance(a: Uint8Array, b: Uint8Array): bigint {
  return BigInt(`0x${hex(a)}`) ^ BigInt(`0x${hex(b)}`);
}

/** `floor(log2 d)`, or undefined for an id's distance to itself. Spec: DHT-002 */
export function bucketIndex(a: Uint8Array, b: Uint8Array): number | undefined {
  const d = distance(a, b);
  return d === 0n ? undefined : d.toString(2).length - 1;
}

/** Each id once, the nearest to the target first. Spec: DHT-001 */
export function byDistance(target: Uint8Array, ids: readonly Uint8Array[]): readonly Uint8Array[] {
  const once = ids.filter((id, index) => ids.findIndex((other) => equal(other, id)) === index);
  return once.sort((a, b) => {
    const [x, y] = [distance(a, target), distance(b, target)];
    return x < y ? -1 : x > y ? 1 : 0;
  });
}

/** The parameters of the table. */
export interface TableBounds {
  /** `dht.bucket_size`. */
  readonly bucketSize: number;
  readonly replacementsMax: number;
  readonly subnetBucketMax: number;
  readonly subnetTableMax: number;
  readonly failuresMax: number;
  readonly policy: AddressPolicy;
}

/** Something that happens to a table. */
export type TableEvent =
  | { readonly type: 'seen'; readonly id: Uint8Array; readonly ip: Uint8Array }
  | { readonly type: 'failed'; readonly id: Uint8Array };

interface Entry {
  readonly id: Uint8Array;
  ip: Uint8Array;
  failures: number;
}

/** A bucket: ids least recently seen first, and those that wait, newest last. */
export interface Bucket {
  readonly index: number;
  readonly entries: readonly Uint8Array[];
  readonly cache: readonly Uint8Array[];
}

/** The buckets that are not empty after the events, in ascending order. Spec: DHT-020, DHT-028 */
export function runTable(self: Uint8Array, bounds: TableBounds, events: readonly TableEvent[]): readonly Bucket[] {
  const entries = new Map<number, Entry[]>();
  const caches = new Map<number, Entry[]>();
  const listOf = (lists: Map<number, Entry[]>, bucket: number): Entry[] => {
    const list = lists.get(bucket) ?? [];
    lists.set(bucket, list);
    return list;
  };
  const takeOut = (list: Entry[], id: Uint8Array): Entry | undefined => {
    const at = list.findIndex((entry) => equal(entry.id, id));
    return at < 0 ? undefined : list.splice(at, 1)[0];
  };
  const sameSubnet = (list: readonly Entry[], ip: Uint8Array): number =>
    list.filter((entry) => entry.ip.length === ip.length && equal(subnetOf(entry.ip), subnetOf(ip))).length;

  for (const event of events) {
    const bucket = bucketIndex(self, event.id);
    if (bucket === undefined) continue;
    const [inBucket, waiting] = [listOf(entries, bucket), listOf(caches, bucket)];
    if (event.type === 'failed') {
      if (takeOut(waiting, event.id) !== undefined) continue;
      const entry = inBucket.find((one) => equal(one.id, event.id));
      if (entry === undefined) continue;
      entry.failures += 1;
      if (entry.failures < bounds.failuresMax) continue;
      takeOut(inBucket, event.id);
      const newest = waiting.pop();
      if (newest !== undefined) inBucket.push({ ...newest, failures: 0 });
      continue;
    }
    const known = takeOut(inBucket, event.id);
    if (known !== undefined) {
      inBucket.push({ ...known, failures: 0 });
      continue;
    }
    takeOut(waiting, event.id);
    if (addressRule(bounds.policy, event.ip).limited) {
      if (sameSubnet([...inBucket, ...waiting], event.ip) >= bounds.subnetBucketMax) continue;
      const everyone = [...entries.values(), ...caches.values()].flat();
      if (sameSubnet(everyone, event.ip) >= bounds.subnetTableMax) continue;
    }
    const entry = { id: event.id, ip: event.ip, failures: 0 };
    if (inBucket.length < bounds.bucketSize) inBucket.push(entry);
    else {
      waiting.push(entry);
      if (waiting.length > bounds.replacementsMax) waiting.shift();
    }
  }
  return [...entries]
    .sort(([a], [b]) => a - b)
    .map(([index, list]) => ({ index, entries: list.map(({ id }) => id), cache: (caches.get(index) ?? []).map(({ id }) => id) }))
    .filter((bucket) => bucket.entries.length > 0);
}

/** One lookup's sample: how many of the nearest answered, and how far the farthest of them was. */
export interface SizeSample {
  readonly count: number;
  readonly farthest: bigint;
}

/** The estimate of the number of nodes, 0 without samples. Spec: DHT-110 */
export function networkSize(bucketSize: number, samples: readonly SizeSample[]): bigint {
  const full = samples.filter((sample) => sample.count === bucketSize);
  if (full.length === 0) return samples.length === 0 ? 0n : 1n + BigInt(Math.max(...samples.map((sample) => sample.count)));
  const counted = BigInt(bucketSize * full.length);
  const far = full.reduce((sum, sample) => sum + sample.farthest, 0n);
  const estimate = 1n + (2n ** 256n * (counted - 1n)) / far;
  return estimate < 2n ** 32n ? estimate : 2n ** 32n;
}

/** Whether an id lies in the region of a target. Spec: chapter 08, Lookups */
export function isInRegion(target: Uint8Array, id: Uint8Array, regionNodes: number, size: bigint): boolean {
  return distance(target, id) * (size < 1n ? 1n : size) < BigInt(regionNodes) * 2n ** 256n;
}
