/** Vectors of chapter 08: distances, tables and the size of the network; and all files of the folder. */
import { concat, u8, unhex } from '../../model/bytes.ts';
import { type Argument, bytesOf, type Draft, type GeneratedFile, modelFile } from '../draft.ts';
import { addresses, listTexts } from './dht-addresses.ts';
import { ALICE, BOB, bit, ip, NOTES, number, one, xor, ZERO } from './dht-samples.ts';
import { keeps, providers, values } from './dht-values.ts';

function buckets(): readonly Draft[] {
  const powers = [0, 1, 7, 8, 31, 32, 52, 53, 63, 64, 127, 128, 254, 255];
  return [
    ...powers.map((power) =>
      one('DHT-002', 'edge', `power-${power}`, `ids that differ in bit ${power} alone`, [ALICE, xor(ALICE, bit(power))]),
    ),
    ...powers
      .slice(1)
      .map((power) =>
        one('DHT-002', 'edge', `below-${power}`, `a distance of 2^${power} − 1`, [ALICE, xor(ALICE, number(2n ** BigInt(power) - 1n))]),
      ),
    one('DHT-001', 'edge', 'all-bits', 'ids that differ in every bit', [ALICE, xor(ALICE, number(2n ** 256n - 1n))]),
    one('DHT-001', 'valid', 'two-peers', 'the PeerIds of two keys', [ALICE, BOB]),
    one('DHT-001', 'valid', 'two-peers-turned', 'the same two the other way round', [BOB, ALICE]),
    one('DHT-002', 'edge', 'self', 'an id and itself', [ALICE, ALICE], 'E_SELF'),
  ];
}

function closest(): readonly Draft[] {
  const ids = Array.from({ length: 12 }, (_, index) => bytesOf(`id ${index}`, 32));
  return [
    one('DHT-001', 'valid', 'twelve', 'twelve ids of chance', [ALICE, ...ids]),
    one('DHT-001', 'valid', 'twelve-other-target', 'the same around another target', [BOB, ...ids]),
    one('DHT-001', 'edge', 'twice', 'ids that stand there twice', [ALICE, BOB, ids[0] as Uint8Array, BOB, ids[0] as Uint8Array]),
    one('DHT-001', 'edge', 'target-among-them', 'the target itself, and its neighbours', [
      ALICE,
      xor(ALICE, bit(1)),
      xor(ALICE, bit(0)),
      xor(ALICE, bit(255)),
      ALICE,
      xor(ALICE, number(3n)),
    ]),
    one('DHT-001', 'edge', 'last-bits', 'ids that a double cannot tell apart', [
      ZERO,
      number(2n ** 255n + 2n),
      number(2n ** 255n + 1n),
      number(2n ** 255n),
      number(2n ** 255n + 3n),
    ]),
  ];
}

/** An id in a bucket of the zero id, with its last byte; the bucket is 8 or higher. */
function inBucket(bucket: number, last: number): Uint8Array {
  const id = bit(bucket);
  id[31] = last;
  return id;
}

type Event = readonly ['seen', number, number, string] | readonly ['failed', number, number];

/** Events as arguments; a contact is named by its bucket and its last byte. */
function events(...list: readonly Event[]): readonly Uint8Array[] {
  return list.map((event) =>
    event[0] === 'failed' ? concat(u8(1), inBucket(event[1], event[2])) : concat(u8(0), inBucket(event[1], event[2]), ip(event[3])),
  );
}

function table(
  clause: string,
  id: string,
  comment: string,
  list: readonly Event[],
  bounds: Partial<Record<'k' | 'cache' | 'bucket' | 'table' | 'failures', number>> = {},
  policy = 'public',
  extra: readonly Uint8Array[] = [],
): Draft {
  const { k = 3, cache = 2, bucket = 2, table: whole = 10, failures = 2 } = bounds;
  return one(clause, 'eviction', id, comment, [ZERO, k, cache, bucket, whole, failures, policy, ...events(...list), ...extra]);
}

function seen(bucket: number, last: number, subnet = 16 * bucket + last): Event {
  return ['seen', bucket, last, `5.${bucket}.${subnet % 256}.${last + 1}`];
}

function tables(): readonly Draft[] {
  const full = [0, 1, 2].map((last) => seen(200, last));
  return [
    table('DHT-020', 'empty', 'nothing happens', []),
    table('DHT-020', 'one', 'one contact', [seen(255, 0)]),
    table('DHT-020', 'several-buckets', 'contacts in three buckets', [seen(255, 0), seen(8, 1), seen(100, 2), seen(255, 3)]),
    table('DHT-020', 'moves-to-tail', 'the first of three is seen again', [...full, seen(200, 0)]),
    table('DHT-020', 'full', 'a fourth in a bucket of three waits', [...full, seen(200, 3)]),
    table('DHT-020', 'cache-full', 'two wait, the third newcomer takes the place of the oldest', [
      ...full,
      seen(200, 3),
      seen(200, 4),
      seen(200, 5),
    ]),
    table('DHT-020', 'cache-again', 'one that waits is seen again: it is the newest', [
      ...full,
      seen(200, 3),
      seen(200, 4),
      seen(200, 3),
      seen(200, 5),
    ]),
    table('DHT-020', 'no-cache', 'nobody can wait', [...full, seen(200, 3), ['failed', 200, 0], ['failed', 200, 0]], { cache: 0 }),
    table('DHT-020', 'self', 'the node itself', [seen(200, 1)], {}, 'public', [concat(u8(0), ZERO, ip('5.6.7.8'))]),
    table('DHT-020', 'bucket-0', 'the one id of bucket 0, and the farthest', [], {}, 'public', [
      concat(u8(0), bit(0), ip('5.1.1.1')),
      concat(u8(0), number(2n ** 256n - 1n), ip('5.2.2.2')),
      concat(u8(0), number(1n), ip('5.3.3.3')),
    ]),
    table('DHT-028', 'fails-once', 'one failure changes no order', [...full, seen(200, 3), ['failed', 200, 0]]),
    table('DHT-028', 'fails-twice', 'the second in a row makes room for the newest that waits', [
      ...full,
      seen(200, 3),
      seen(200, 4),
      ['failed', 200, 0],
      ['failed', 200, 0],
    ]),
    table('DHT-028', 'fails-answers-fails', 'an answer between two failures', [
      ...full,
      ['failed', 200, 0],
      seen(200, 0),
      ['failed', 200, 0],
    ]),
    table('DHT-028', 'waiting-fails', 'one that waits fails once', [...full, seen(200, 3), seen(200, 4), ['failed', 200, 4]]),
    table('DHT-028', 'unknown-fails', 'nobody knows who fails', [...full, ['failed', 200, 9], ['failed', 9, 9]]),
    table('DHT-028', 'comes-back', 'a removed contact that answers again', [
      ...full,
      seen(200, 3),
      ['failed', 200, 1],
      ['failed', 200, 1],
      seen(200, 1),
    ]),
    table('DHT-028', 'promoted-starts-anew', 'a promoted contact begins without failures', [
      ...full,
      seen(200, 3),
      ['failed', 200, 0],
      ['failed', 200, 0],
      ['failed', 200, 3],
    ]),
    table('DHT-025', 'subnet-bucket', 'a third of one /24 in a bucket', [seen(200, 0, 7), seen(200, 1, 7), seen(200, 2, 7)]),
    table('DHT-025', 'subnet-neighbour', 'the neighbouring /24', [seen(200, 0, 7), seen(200, 1, 7), seen(200, 2, 8)]),
    table('DHT-025', 'subnet-cache', 'bucket and cache count together', [...full, seen(200, 3, 9), seen(200, 4, 9), seen(200, 5, 9)], {
      cache: 4,
    }),
    table('DHT-025', 'subnet-room-again', 'a failure makes room in the subnet', [
      seen(200, 0, 7),
      seen(200, 1, 7),
      ['failed', 200, 0],
      ['failed', 200, 0],
      seen(200, 2, 7),
    ]),
    table('DHT-025', 'subnet-member', 'a member of a crowded subnet is seen again', [seen(200, 0, 7), seen(200, 1, 7), seen(200, 0, 7)]),
    table(
      'DHT-025',
      'subnet-table',
      'an eleventh of one /24 in the table',
      Array.from({ length: 12 }, (_, index): Event => ['seen', 100 + index, index, `5.6.7.${index + 1}`]),
    ),
    table(
      'DHT-025',
      'subnet-devnet-local',
      'no limits for local addresses on a devnet',
      Array.from({ length: 4 }, (_, index): Event => ['seen', 100, index, `127.0.0.${index + 1}`]),
      { k: 4 },
      'devnet',
    ),
    table(
      'DHT-025',
      'subnet-simulated-local',
      'limits for local addresses in a simulation',
      Array.from({ length: 4 }, (_, index): Event => ['seen', 100, index, `10.0.0.${index + 1}`]),
      { k: 4 },
      'simulated',
    ),
    table('DHT-025', 'subnet-ip6', 'three of one /48, and one of the next', [], { k: 4 }, 'public', [
      ...[1, 2, 3].map((last) => concat(u8(0), inBucket(200, last), unhex(`2a0104f80001${'0'.repeat(18)}0${last}`))),
      concat(u8(0), inBucket(200, 9), unhex(`2a0104f80002${'0'.repeat(20)}`)),
    ]),
  ];
}

function sizes(): readonly Draft[] {
  const sample = (count: number, far: bigint): readonly Argument[] => [count, number(far)];
  const far = (nodes: number): bigint => (20n * 2n ** 256n) / BigInt(nodes);
  return [
    one('DHT-110', 'edge', 'none', 'no sample', [20]),
    one('DHT-110', 'edge', 'small-network', 'fewer than k answered', [20, ...sample(7, 2n ** 254n)]),
    one('DHT-110', 'edge', 'small-network-two', 'the larger of two', [20, ...sample(7, 2n ** 254n), ...sample(9, 2n ** 255n)]),
    one('DHT-110', 'valid', 'one', 'one sample of a thousand nodes', [20, ...sample(20, far(1_000))]),
    one('DHT-110', 'valid', 'one-large', 'one sample of ten thousand nodes', [20, ...sample(20, far(10_000))]),
    one('DHT-110', 'valid', 'several', 'four samples', [20, ...[700, 900, 1_100, 1_300].flatMap((nodes) => sample(20, far(nodes)))]),
    one('DHT-110', 'valid', 'small-beside-full', 'a sample of fewer counts for nothing beside a full one', [
      20,
      ...sample(20, far(1_000)),
      ...sample(3, 1n),
    ]),
    one('DHT-110', 'eviction', 'crowded', 'one of four targets is crowded a thousandfold', [
      20,
      ...[1_000, 1_000, 1_000, 1_000_000].flatMap((nodes) => sample(20, far(nodes))),
    ]),
    one('DHT-110', 'rounding', 'rounds-down', 'a division that leaves something over', [2, ...sample(2, 3n * 2n ** 250n)]),
    one('DHT-110', 'rounding', 'k-1', 'k is 1: the sum less one is 0', [1, ...sample(1, 2n ** 200n)]),
    one('DHT-110', 'edge', 'cap', 'crowded beyond 2^32', [20, ...sample(20, 1n)]),
    one('DHT-110', 'rounding', 'wide', 'distances beyond 2^53 that differ in the last bit', [
      20,
      ...sample(20, 2n ** 253n + 1n),
      ...sample(20, 2n ** 253n),
    ]),
  ];
}

/** All files of the folder. */
export function dhtFiles(): readonly GeneratedFile[] {
  const provided = ['DHT-051', 'DHT-052', 'DHT-053', 'DHT-054', 'DHT-055'];
  return [
    modelFile('dht/bucket.json', 'dht.bucket', ['DHT-001', 'DHT-002'], NOTES, buckets()),
    modelFile('dht/closest.json', 'dht.closest', ['DHT-001'], NOTES, closest()),
    modelFile('dht/address.json', 'dht.address', ['DHT-010', 'DHT-011'], NOTES, addresses()),
    modelFile('dht/table.json', 'dht.table', ['DHT-020', 'DHT-025', 'DHT-028'], NOTES, tables()),
    modelFile('dht/provider.json', 'dht.provider', provided, NOTES, providers()),
    modelFile('dht/value.json', 'dht.value', ['DHT-061', 'DHT-062', 'DHT-063', 'DHT-064', 'DHT-065'], NOTES, values()),
    modelFile('dht/keep.json', 'dht.keep', ['DHT-067', 'DHT-068'], NOTES, keeps()),
    modelFile('dht/list-text.json', 'dht.list_text', ['DHT-100'], NOTES, listTexts()),
    modelFile('dht/size.json', 'dht.size', ['DHT-110'], NOTES, sizes()),
  ];
}
