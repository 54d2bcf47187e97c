/**
 * What a source may send: buckets for its address, its subnet and all together, in messages and
 * bytes, in a table of bounded size. Spec: chapter 03, WIR-150 to WIR-153
 */
import type { Params } from '../params.ts';
import type { MonoMs } from '../types.ts';
import { canTake, createBucket, type TokenBucket, take } from '../wire/rate.ts';
import { plainIp, subnetOf } from '../wire/subnet.ts';

/** Messages and bytes of one source. */
interface Pair {
  readonly messages: TokenBucket;
  readonly bytes: TokenBucket;
}

/** One of the two sets: of datagrams that are vouched for, or of all others. */
export interface BucketSet {
  /** Charges a datagram to its six buckets, or to none when one of them does not hold the cost; says which. */
  admit(ip: string, bytes: number, nowMs: MonoMs): boolean;
  /** Addresses and subnets whose buckets are kept. */
  readonly size: number;
}

type Scope = 'address' | 'subnet' | 'total';

/** Buckets that have been forgotten are full when they are needed again. */
export function createBucketSet(params: Params): BucketSet {
  const pairOf = (scope: Scope, nowMs: MonoMs): Pair => ({
    messages: createBucket(params[`datagram.${scope}_messages_per_s`], nowMs),
    bytes: createBucket(params[`datagram.${scope}_bytes_per_s`], nowMs),
  });
  const addresses = new Map<string, Pair>();
  const subnets = new Map<string, Pair>();
  const total = pairOf('total', 0);

  /** The pair of a key, moved to the end, where it is forgotten last. */
  function use(table: Map<string, Pair>, scope: Scope, key: string, nowMs: MonoMs): Pair {
    const pair = table.get(key) ?? pairOf(scope, nowMs);
    table.delete(key);
    table.set(key, pair);
    if (table.size > params['datagram.addresses_max']) {
      const oldest = table.keys().next().value;
      if (oldest !== undefined) table.delete(oldest);
    }
    return pair;
  }

  const holds = (pair: Pair, bytes: number, nowMs: MonoMs): boolean =>
    canTake(pair.messages, 1, nowMs) && canTake(pair.bytes, bytes, nowMs);

  return {
    admit(ip, bytes, nowMs) {
      // The whole set first: when it is exhausted, nobody's entry is moved or made.
      if (!holds(total, bytes, nowMs)) return false;
      const pairs = [total, use(addresses, 'address', plainIp(ip), nowMs), use(subnets, 'subnet', subnetOf(ip), nowMs)];
      if (!pairs.every((pair) => holds(pair, bytes, nowMs))) return false;
      for (const pair of pairs) {
        take(pair.messages, 1, nowMs);
        take(pair.bytes, bytes, nowMs);
      }
      return true;
    },
    get size() {
      return addresses.size + subnets.size;
    },
  };
}
