/** Vectors of chapter 08: distances, addresses, tables, provider records, values, list texts and the size of the network. */
import { compare, concat, sha256, u8, unhex, utf8 } from '../../model/bytes.ts';
import { encodeEnvelope, makeEnvelope } from '../../model/envelope.ts';
import { encodeMessage, type MessageFields } from '../../model/message.ts';
import { formatPeerId, peerId } from '../../model/peer-id.ts';
import { publicKey } from '../../model/quick.ts';
import { type Argument, bytesOf, type Draft, type GeneratedFile, modelFile, seedOf } from '../draft.ts';
import type { VectorNote } from '../file.ts';
import { KEY, NETWORK, SEED, signed } from './envelope-samples.ts';

const NOTES: Readonly<Record<string, VectorNote>> = {
  valid: { bugType: 'BASIC', description: 'In order: the twin from which the others depart.' },
  edge: { bugType: 'EDGE_CASE', description: 'At a limit, or one beside it.' },
  order: { bugType: 'CONSENSUS_SPLIT', description: 'Several clauses apply; the first in their order decides.' },
  policy: { bugType: 'INPUT_VALIDATION', description: 'The first and last address of a range, and their neighbours.' },
  eviction: {
    bugType: 'AUTHORITY',
    description: 'Newcomers, failures and the limits by subnet.',
    effect: 'Whoever comes often or from one place takes over a table.',
  },
  signature: { bugType: 'BASIC', description: 'The envelope is out of order, or signed for something else.' },
  form: { bugType: 'INPUT_VALIDATION', description: 'A part has the wrong size or number, or says what it cannot say.' },
  rounding: { bugType: 'ROUNDING', description: 'Numbers beyond 2^53, or a division that leaves something over.' },
};

const WALL = 1_700_000_000_000;
const HOUR = 3_600_000;
const ALICE: Uint8Array = peerId(1, KEY);
const BOB_SEED: Uint8Array = seedOf('bob');
const BOB: Uint8Array = peerId(1, publicKey(BOB_SEED));
const ZERO: Uint8Array = new Uint8Array(32);

function one(clause: string, flag: string, id: string, comment: string, args: readonly Argument[], against?: string): Draft {
  return { id, comment, clauses: [clause], flags: [flag], args, ...(against === undefined ? {} : { against }) };
}

/** 32 bytes with the value of a power of two. */
function bit(position: number): Uint8Array {
  const bytes = new Uint8Array(32);
  bytes[31 - Math.floor(position / 8)] = 1 << (position % 8);
  return bytes;
}

function number(value: bigint): Uint8Array {
  return unhex(value.toString(16).padStart(64, '0'));
}

function xor(a: Uint8Array, b: Uint8Array): Uint8Array {
  return a.map((byte, index) => byte ^ (b[index] ?? 0));
}

function ip(dotted: string): Uint8Array {
  return Uint8Array.from(dotted.split('.'), Number);
}

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

function addresses(): readonly Draft[] {
  const four = [
    '0.0.0.0',
    '0.255.255.255',
    '1.0.0.0',
    '9.255.255.255',
    '10.0.0.0',
    '10.255.255.255',
    '11.0.0.0',
    '100.63.255.255',
    '100.64.0.0',
    '100.127.255.255',
    '100.128.0.0',
    '126.255.255.255',
    '127.0.0.0',
    '127.0.0.1',
    '127.255.255.255',
    '128.0.0.0',
    '169.253.255.255',
    '169.254.0.0',
    '169.254.255.255',
    '169.255.0.0',
    '172.15.255.255',
    '172.16.0.0',
    '172.31.255.255',
    '172.32.0.0',
    '191.255.255.255',
    '192.0.0.0',
    '192.0.0.255',
    '192.0.1.0',
    '192.0.2.0',
    '192.0.2.255',
    '192.0.3.0',
    '192.88.98.255',
    '192.88.99.0',
    '192.88.99.255',
    '192.88.100.0',
    '192.167.255.255',
    '192.168.0.0',
    '192.168.255.255',
    '192.169.0.0',
    '198.17.255.255',
    '198.18.0.0',
    '198.19.255.255',
    '198.20.0.0',
    '198.51.99.255',
    '198.51.100.0',
    '198.51.100.255',
    '198.51.101.0',
    '203.0.112.255',
    '203.0.113.0',
    '203.0.113.255',
    '203.0.114.0',
    '223.255.255.255',
    '224.0.0.0',
    '239.255.255.255',
    '240.0.0.0',
    '255.255.255.254',
    '255.255.255.255',
    '5.9.7.3',
  ];
  const six = [
    '0'.repeat(32),
    `${'0'.repeat(31)}1`,
    `${'0'.repeat(31)}2`,
    `${'0'.repeat(20)}ffff05090703`,
    `${'0'.repeat(20)}ffff0a000001`,
    `${'0'.repeat(24)}05090703`,
    `0064ff9b${'0'.repeat(16)}05090703`,
    `1fff${'f'.repeat(28)}`,
    `2000${'0'.repeat(28)}`,
    `2000${'f'.repeat(28)}`,
    `2001${'0'.repeat(28)}`,
    `200101ff${'f'.repeat(24)}`,
    `20010200${'0'.repeat(24)}`,
    `20010db7${'f'.repeat(24)}`,
    `20010db8${'0'.repeat(24)}`,
    `20010db8${'f'.repeat(24)}`,
    `20010db9${'0'.repeat(24)}`,
    `2001ffff${'f'.repeat(24)}`,
    `2002${'0'.repeat(28)}`,
    `2002${'f'.repeat(28)}`,
    `2003${'0'.repeat(28)}`,
    `2a0104f8${'1'.repeat(24)}`,
    `3ffeffff${'f'.repeat(24)}`,
    `3fff${'0'.repeat(28)}`,
    `3fff0fff${'f'.repeat(24)}`,
    `3fff1000${'0'.repeat(24)}`,
    `4000${'0'.repeat(28)}`,
    `fbff${'f'.repeat(28)}`,
    `fc00${'0'.repeat(28)}`,
    `fdff${'f'.repeat(28)}`,
    `fe00${'0'.repeat(28)}`,
    `fe7f${'f'.repeat(28)}`,
    `fe80${'0'.repeat(28)}`,
    `febf${'f'.repeat(28)}`,
    `fec0${'0'.repeat(28)}`,
    `feff${'f'.repeat(28)}`,
    `ff00${'0'.repeat(28)}`,
    `ff02${'0'.repeat(27)}1`,
  ];
  return [
    ...four.map((text) => one('DHT-010', 'policy', `ip4-${text}`, `${text} on a public network`, ['public', ip(text)])),
    ...six.map((text) => one('DHT-010', 'policy', `ip6-${text}`, `${text} on a public network`, ['public', unhex(text)])),
    ...(['public', 'devnet', 'simulated'] as const).flatMap((policy) => [
      ...[
        '127.0.0.1',
        '10.1.2.3',
        '169.254.9.9',
        '192.168.4.5',
        '198.18.0.1',
        '203.0.113.7',
        '5.9.7.3',
        '0.0.0.0',
        '224.0.0.1',
        '240.0.0.1',
        '255.255.255.255',
      ].map((text) => one('DHT-011', 'policy', `${policy}-${text}`, `${text} under the policy ${policy}`, [policy, ip(text)])),
      ...[
        `${'0'.repeat(31)}1`,
        `fd00${'0'.repeat(28)}`,
        `fe80${'0'.repeat(28)}`,
        `20010db8${'0'.repeat(24)}`,
        `2a0104f8${'1'.repeat(24)}`,
        `${'0'.repeat(20)}ffff7f000001`,
        `ff02${'0'.repeat(27)}1`,
      ].map((text) => one('DHT-011', 'policy', `${policy}-${text}`, `${text} under the policy ${policy}`, [policy, unhex(text)])),
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

const ADDRESS: MessageFields = { ip4: ip('5.9.7.3'), port: 7_600, transport: 3 };

function record(fields: MessageFields = {}): Uint8Array {
  return encodeMessage('ProviderRecord', {
    version: 1,
    key: bytesOf('content', 32),
    addresses: [ADDRESS],
    createdMs: WALL,
    ttlMs: 48 * HOUR,
    ...fields,
  });
}

function sealed(payload: Uint8Array, context = 'provider', seed: Uint8Array = SEED): Uint8Array {
  return makeEnvelope(NETWORK, context, seed, payload);
}

function provider(
  clause: string,
  flag: string,
  id: string,
  comment: string,
  envelope: Uint8Array,
  against?: string,
  more: { readonly policy?: string; readonly wall?: number; readonly from?: Uint8Array } = {},
): Draft {
  return one(clause, flag, id, comment, [NETWORK, more.policy ?? 'public', more.wall ?? WALL, more.from ?? ALICE, envelope], against);
}

function providers(): readonly Draft[] {
  const four = [1, 2, 3, 4].map((last) => ({ ...ADDRESS, ip4: ip(`5.9.7.${last}`) }));
  const local = { ...ADDRESS, ip4: ip('192.168.1.2') };
  const noSignature = encodeEnvelope({ ...signed({ context: 'provider', payload: record() }), signature: new Uint8Array(64) });
  return [
    provider('DHT-051', 'valid', 'valid', 'a record in order', sealed(record())),
    provider('DHT-051', 'signature', 'no-signature', 'a signature of zeros', noSignature, 'E_SIGNATURE'),
    provider('DHT-051', 'signature', 'context-value', 'signed as a value', sealed(record(), 'value'), 'E_CONTEXT'),
    provider('DHT-051', 'signature', 'context-app', 'signed as a message', sealed(record(), 'app'), 'E_CONTEXT'),
    provider(
      'DHT-051',
      'signature',
      'other-network',
      'signed for another network',
      makeEnvelope(utf8('other'), 'provider', SEED, record()),
      'E_SIGNATURE',
    ),
    provider('DHT-051', 'signature', 'version-2', 'a payload of version 2', sealed(record({ version: 2 })), 'E_PAYLOAD_VERSION'),
    provider('DHT-051', 'signature', 'trailing', 'a byte behind the payload', sealed(concat(record(), u8(0))), 'E_STRUCTURE'),
    provider('DHT-051', 'signature', 'no-envelope', 'one byte', u8(8), 'E_STRUCTURE'),
    provider('DHT-052', 'form', 'key-31', 'a key of 31 bytes', sealed(record({ key: bytesOf('content', 31) })), 'E_DHT_FORM'),
    provider('DHT-052', 'form', 'key-33', 'a key of 33 bytes', sealed(record({ key: bytesOf('content', 33) })), 'E_DHT_FORM'),
    provider('DHT-052', 'form', 'no-key', 'no key', sealed(record({ key: new Uint8Array() })), 'E_DHT_FORM'),
    provider('DHT-052', 'form', 'no-address', 'no address', sealed(record({ addresses: [] })), 'E_DHT_FORM'),
    provider('DHT-052', 'valid', 'four-addresses', 'four addresses', sealed(record({ addresses: four }))),
    provider('DHT-052', 'form', 'five-addresses', 'five addresses', sealed(record({ addresses: [...four, ADDRESS] })), 'E_DHT_FORM'),
    provider(
      'DHT-052',
      'form',
      'port-0',
      'an address without a port',
      sealed(record({ addresses: [{ ip4: ip('5.9.7.3'), transport: 3 }] })),
      'E_DHT_FORM',
    ),
    provider('DHT-052', 'form', 'port-65536', 'port 65,536', sealed(record({ addresses: [{ ...ADDRESS, port: 65_536 }] })), 'E_DHT_FORM'),
    provider(
      'DHT-052',
      'form',
      'ip-3-bytes',
      'an IPv4 address of 3 bytes',
      sealed(record({ addresses: [{ ...ADDRESS, ip4: u8(5) }] })),
      'E_DHT_FORM',
    ),
    provider('DHT-053', 'form', 'other-sender', 'brought by somebody else', sealed(record()), 'E_DHT_SENDER', { from: BOB }),
    provider('DHT-053', 'form', 'other-signer', 'alice brings bob’s', sealed(record(), 'provider', BOB_SEED), 'E_DHT_SENDER'),
    provider('DHT-053', 'valid', 'datagram', 'by datagram from an address that it names', sealed(record()), undefined, {
      from: ip('5.9.7.3'),
    }),
    provider('DHT-053', 'form', 'datagram-elsewhere', 'by datagram from the neighbouring address', sealed(record()), 'E_DHT_SENDER', {
      from: ip('5.9.7.4'),
    }),
    provider('DHT-054', 'form', 'local-only', 'a local address on a public network', sealed(record({ addresses: [local] })), 'E_DHT_FORM'),
    provider('DHT-054', 'valid', 'local-and-public', 'a local address and a public one', sealed(record({ addresses: [local, ADDRESS] }))),
    provider('DHT-054', 'valid', 'local-devnet', 'a local address on a devnet', sealed(record({ addresses: [local] })), undefined, {
      policy: 'devnet',
    }),
    provider(
      'DHT-054',
      'form',
      'multicast-simulated',
      'a multicast address in a simulation',
      sealed(record({ addresses: [{ ...ADDRESS, ip4: ip('224.0.0.1') }] })),
      'E_DHT_FORM',
      { policy: 'simulated' },
    ),
    provider('DHT-055', 'edge', 'ttl-0', 'no lifetime', sealed(record({ ttlMs: 0 })), 'E_DHT_TTL'),
    provider('DHT-055', 'edge', 'ttl-1', 'a lifetime of 1 ms, now', sealed(record({ ttlMs: 1 }))),
    provider('DHT-055', 'edge', 'ttl-over', 'a lifetime of 48 h and 1 ms', sealed(record({ ttlMs: 48 * HOUR + 1 })), 'E_DHT_TTL'),
    provider('DHT-055', 'edge', 'ttl-largest', 'a lifetime of 2^64 − 1', sealed(record({ ttlMs: 2n ** 64n - 1n })), 'E_DHT_TTL'),
    provider('DHT-055', 'edge', 'last-ms', 'in its last millisecond', sealed(record({ ttlMs: HOUR })), undefined, {
      wall: WALL + HOUR - 1,
    }),
    provider('DHT-055', 'edge', 'over', 'over in this millisecond', sealed(record({ ttlMs: HOUR })), 'E_DHT_TTL', { wall: WALL + HOUR }),
    provider('DHT-055', 'edge', 'future-30000', '30 s ahead', sealed(record({ createdMs: WALL + 30_000 }))),
    provider('DHT-055', 'edge', 'future-30001', '30,001 ms ahead', sealed(record({ createdMs: WALL + 30_001 })), 'E_DHT_TTL'),
    provider('DHT-055', 'edge', 'created-0', 'made in 1970', sealed(record({ createdMs: 0 })), 'E_DHT_TTL'),
    provider('DHT-055', 'rounding', 'created-largest', 'made at 2^64 − 1', sealed(record({ createdMs: 2n ** 64n - 1n })), 'E_DHT_TTL'),
    provider(
      'DHT-051',
      'order',
      'order-signature-form',
      'no key and no signature',
      encodeEnvelope({ ...signed({ context: 'provider', payload: record({ key: new Uint8Array() }) }), signature: new Uint8Array(64) }),
      'E_SIGNATURE',
    ),
    provider(
      'DHT-052',
      'order',
      'order-form-sender',
      'no key, brought by somebody else',
      sealed(record({ key: new Uint8Array() })),
      'E_DHT_FORM',
      { from: BOB },
    ),
    provider(
      'DHT-053',
      'order',
      'order-sender-address',
      'a local address, brought by somebody else',
      sealed(record({ addresses: [local] })),
      'E_DHT_SENDER',
      { from: BOB },
    ),
    provider(
      'DHT-054',
      'order',
      'order-address-time',
      'a local address, and no lifetime',
      sealed(record({ addresses: [local], ttlMs: 0 })),
      'E_DHT_FORM',
    ),
  ];
}

function content(fields: MessageFields = {}, seed: Uint8Array = SEED, context = 'value'): Uint8Array {
  return makeEnvelope(
    NETWORK,
    context,
    seed,
    encodeMessage('ValueRecord', { version: 1, namespace: 'mutable', salt: utf8('profile'), sequence: 1, data: utf8('hello'), ...fields }),
  );
}

const ONCE: MessageFields = { namespace: 'app/tokens', salt: bytesOf('nullifier', 32), sequence: 0 };

function value(clause: string, flag: string, id: string, comment: string, namespace: string, bytes: Uint8Array, against?: string): Draft {
  return one(clause, flag, id, comment, [NETWORK, namespace, bytes], against);
}

function values(): readonly Draft[] {
  const overhead = content({ data: bytesOf('data', 500) }).length - 500;
  return [
    value('DHT-061', 'valid', 'hash', 'bytes by their hash', 'hash', utf8('hello')),
    value('DHT-061', 'edge', 'hash-empty', 'no bytes', 'hash', new Uint8Array()),
    value('DHT-061', 'valid', 'mutable', 'a mutable value of alice', 'mutable', content()),
    value('DHT-061', 'valid', 'mutable-bob', 'the same salt of bob', 'mutable', content({}, BOB_SEED)),
    value('DHT-061', 'valid', 'mutable-no-salt', 'no salt', 'mutable', content({ salt: new Uint8Array() })),
    value('DHT-061', 'rounding', 'mutable-largest', 'sequence 2^64 − 1', 'mutable', content({ sequence: 2n ** 64n - 1n })),
    value('DHT-061', 'valid', 'app', 'an application’s value', 'app/tokens', content(ONCE)),
    value('DHT-061', 'valid', 'app-bob', 'the same of bob: the same key', 'app/tokens', content(ONCE, BOB_SEED)),
    value(
      'DHT-061',
      'valid',
      'app-other',
      'the same salt of another application',
      'app/other',
      content({ ...ONCE, namespace: 'app/other' }),
    ),
    value('DHT-062', 'edge', 'size-1000', '1,000 bytes', 'hash', bytesOf('value', 1_000)),
    value('DHT-062', 'edge', 'size-1001', '1,001 bytes', 'hash', bytesOf('value', 1_001), 'E_SIZE'),
    value('DHT-062', 'edge', 'mutable-1000', 'an envelope of 1,000 bytes', 'mutable', content({ data: bytesOf('data', 1_000 - overhead) })),
    value(
      'DHT-062',
      'edge',
      'mutable-1001',
      'an envelope of 1,001 bytes',
      'mutable',
      content({ data: bytesOf('data', 1_001 - overhead) }),
      'E_SIZE',
    ),
    ...['', 'Hash', 'hash/', 'app', 'app/', 'app/A', 'app/a/b', `app/${'a'.repeat(33)}`, 'mutable/x', 'unknown'].map((namespace, index) =>
      value('DHT-063', 'form', `namespace-${index + 1}`, `namespace ${JSON.stringify(namespace)}`, namespace, content(), 'E_DHT_NAMESPACE'),
    ),
    value(
      'DHT-063',
      'edge',
      'namespace-longest',
      'a name of 32 bytes',
      `app/${'a'.repeat(32)}`,
      content({ ...ONCE, namespace: `app/${'a'.repeat(32)}` }),
    ),
    value('DHT-064', 'signature', 'no-envelope', 'bytes that are no envelope', 'mutable', utf8('hello'), 'E_STRUCTURE'),
    value('DHT-064', 'signature', 'context-provider', 'signed as a provider record', 'mutable', content({}, SEED, 'provider'), 'E_CONTEXT'),
    value(
      'DHT-064',
      'signature',
      'no-signature',
      'a signature of zeros',
      'app/tokens',
      encodeEnvelope({
        ...signed({ context: 'value', payload: encodeMessage('ValueRecord', { version: 1, ...ONCE }) }),
        signature: new Uint8Array(64),
      }),
      'E_SIGNATURE',
    ),
    value('DHT-064', 'signature', 'version-2', 'a payload of version 2', 'mutable', content({ version: 2 }), 'E_PAYLOAD_VERSION'),
    value('DHT-065', 'form', 'other-namespace', 'the payload names another namespace', 'app/other', content(ONCE), 'E_DHT_FORM'),
    value('DHT-065', 'form', 'mutable-as-app', 'a mutable payload in an application’s namespace', 'app/tokens', content(), 'E_DHT_FORM'),
    value('DHT-065', 'edge', 'salt-64', 'a salt of 64 bytes', 'mutable', content({ salt: bytesOf('salt', 64) })),
    value('DHT-065', 'edge', 'salt-65', 'a salt of 65 bytes', 'mutable', content({ salt: bytesOf('salt', 65) }), 'E_DHT_FORM'),
    value(
      'DHT-065',
      'form',
      'app-no-salt',
      'an application’s value without a salt',
      'app/tokens',
      content({ ...ONCE, salt: new Uint8Array() }),
      'E_DHT_FORM',
    ),
    value(
      'DHT-065',
      'form',
      'app-sequence',
      'an application’s value with a sequence',
      'app/tokens',
      content({ ...ONCE, sequence: 1 }),
      'E_DHT_FORM',
    ),
    value('DHT-062', 'order', 'order-size-namespace', 'too long, in an unknown namespace', 'unknown', bytesOf('value', 1_001), 'E_SIZE'),
  ];
}

function keep(
  clause: string,
  flag: string,
  id: string,
  comment: string,
  namespace: string,
  coming: Uint8Array,
  stored: readonly Uint8Array[],
  against?: string,
  expected: bigint | number = 0,
): Draft {
  return one(clause, flag, id, comment, [NETWORK, namespace, expected, coming, ...stored], against);
}

function keeps(): readonly Draft[] {
  const at = (sequence: bigint | number, data = 'hello'): Uint8Array => content({ sequence, data: utf8(data) });
  const once = ['a', 'b', 'c', 'd'].map((data) => content({ ...ONCE, data: utf8(data) }));
  const [a, b, c, d] = once as [Uint8Array, Uint8Array, Uint8Array, Uint8Array];
  const pairs = [
    [a, b],
    [b, a],
    [c, d],
    [d, c],
  ] as const;
  return [
    keep('DHT-067', 'valid', 'first', 'nothing is stored', 'mutable', at(0), []),
    keep('DHT-067', 'valid', 'higher', 'a higher sequence', 'mutable', at(2), [at(1)]),
    keep('DHT-067', 'edge', 'same', 'the same content again', 'mutable', at(1), [at(1)]),
    keep(
      'DHT-067',
      'edge',
      'same-sequence',
      'another content with the same sequence',
      'mutable',
      at(1, 'other'),
      [at(1)],
      'E_DHT_SEQUENCE',
    ),
    keep('DHT-067', 'edge', 'lower', 'a lower sequence', 'mutable', at(1), [at(2)], 'E_DHT_SEQUENCE'),
    keep('DHT-067', 'rounding', 'wide', '2^53 + 1 above 2^53', 'mutable', at(2n ** 53n + 1n), [at(2n ** 53n)]),
    keep('DHT-067', 'rounding', 'wide-lower', '2^53 below 2^53 + 1', 'mutable', at(2n ** 53n), [at(2n ** 53n + 1n)], 'E_DHT_SEQUENCE'),
    keep('DHT-067', 'valid', 'expected', 'what is expected is stored', 'mutable', at(9), [at(4)], undefined, 5),
    keep('DHT-067', 'form', 'expected-other', 'something else is stored', 'mutable', at(9), [at(5)], 'E_DHT_SEQUENCE', 5),
    keep('DHT-067', 'form', 'expected-nothing', 'something is expected, nothing is stored', 'mutable', at(9), [], 'E_DHT_SEQUENCE', 5),
    keep('DHT-067', 'edge', 'expected-0', 'sequence 0 is expected and stored', 'mutable', at(1), [at(0)], undefined, 1),
    keep('DHT-068', 'valid', 'once-first', 'the first of an application', 'app/tokens', a, []),
    keep('DHT-068', 'edge', 'once-same', 'the same again', 'app/tokens', a, [a]),
    ...pairs.map(([coming, stored], index) =>
      keep('DHT-068', 'eviction', `once-second-${index + 1}`, 'a second one: both are kept, the smaller hash wins', 'app/tokens', coming, [
        stored,
      ]),
    ),
    ...once.flatMap((coming, index) => {
      const others = once.filter((other) => other !== coming);
      return others.map((left, position) => {
        const stored = others.filter((other) => other !== left);
        const largest = isLargest(coming, stored);
        return keep(
          'DHT-068',
          'eviction',
          `once-third-${index + 1}-${position + 1}`,
          'a third one: the two smallest hashes stay',
          'app/tokens',
          coming,
          stored,
          largest ? 'E_DHT_SEQUENCE' : undefined,
        );
      });
    }),
  ];
}

/** Whether a content's hash is above that of both others. */
function isLargest(coming: Uint8Array, stored: readonly Uint8Array[]): boolean {
  return stored.every((other) => compare(sha256(other), sha256(coming)) < 0);
}

function listTexts(): readonly Draft[] {
  const name = formatPeerId(ALICE);
  const good = [
    'ws://5.9.7.3:7600',
    'wss://node.example:443',
    'udp://5.9.7.3:1',
    'udp://[2a01:4f8::1]:65535',
    'ws://[::1]:80',
    'ws://0.0.0.0:1',
  ];
  const bad = [
    `crl=${name}`,
    `crl=${name}@`,
    `crl=${name}@5.9.7.3:7600`,
    `crl=${name}@tcp://5.9.7.3:7600`,
    `crl=${name}@ws://5.9.7.3`,
    `crl=${name}@ws://5.9.7.3:0`,
    `crl=${name}@ws://5.9.7.3:65536`,
    `crl=${name}@ws://5.9.7.3:07600`,
    `crl=${name}@ws://5.9.7.256:7600`,
    `crl=${name}@ws://5.9.7:7600`,
    `crl=${name}@ws://5.9.07.3:7600`,
    `crl=${name}@ws://2a01:4f8::1:7600`,
    `crl=${name}@ws://[2a01:4f8::1::]:7600`,
    `crl=${name}@ws://NODE.example:1`,
    `crl=${name}@ws://:7600`,
    `crl=${name}@ws://5.9.7.3:7600/`,
    `crl=${name}@ws://5.9.7.3:7600 `,
    ` crl=${name}@ws://5.9.7.3:7600`,
    `CRL=${name}@ws://5.9.7.3:7600`,
    `crl=${name.slice(0, -1)}@ws://5.9.7.3:7600`,
    `crl=${name.toUpperCase()}@ws://5.9.7.3:7600`,
    'crl=@ws://5.9.7.3:7600',
    '',
    'v=spf1 -all',
  ];
  return [
    ...good.map((address, index) => one('DHT-100', 'valid', `good-${index + 1}`, address, [`crl=${name}@${address}`])),
    ...bad.map((text, index) =>
      one('DHT-100', 'form', `bad-${index + 1}`, text === '' ? 'no text' : `"${text.replaceAll(name, '…')}"`, [text], 'E_DHT_FORM'),
    ),
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
