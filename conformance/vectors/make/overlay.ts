/** Vectors of chapter 09: buckets, choices of links, scores, `auto`, next hops, and the verdict on a Route. */
import { concat, u8, unhex, utf8 } from '../../model/bytes.ts';
import { encodeEnvelope } from '../../model/envelope.ts';
import { encodeMessage } from '../../model/message.ts';
import { type Argument, bytesOf, type Draft, type GeneratedFile, modelFile, seedOf } from '../draft.ts';
import type { VectorNote } from '../file.ts';
import { NETWORK, signed } from './envelope-samples.ts';

const NOTES: Readonly<Record<string, VectorNote>> = {
  valid: { bugType: 'BASIC', description: 'A case in the middle of what is usual.' },
  edge: { bugType: 'EDGE_CASE', description: 'At a bound, or at either side of it.' },
  rounding: { bugType: 'ROUNDING', description: 'A division that does not come out even, or a number that a double does not hold.' },
  order: { bugType: 'CONSENSUS_SPLIT', description: 'Several rules apply; the first in their order decides.' },
  hysteresis: {
    bugType: 'EDGE_CASE',
    description: 'Sizes that move around a threshold.',
    effect: 'A node changes its strategy again and again.',
  },
  size: { bugType: 'INPUT_VALIDATION', description: 'The envelope is as long as it may be, or longer.' },
  structure: { bugType: 'MALLEABILITY', description: 'Envelope or payload are out of order.' },
  signature: { bugType: 'BASIC', description: 'The predicate refuses the signature.' },
};

const LARGEST = 2n ** 64n - 1n;

/** 32 bytes: the given ones first, then zeros. */
function id(...head: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(32);
  bytes.set(head);
  return bytes;
}

/** 32 bytes with one bit, 0 the lowest. */
function bit(index: number): Uint8Array {
  const bytes = new Uint8Array(32);
  bytes[31 - (index >> 3)] = 1 << (index & 7);
  return bytes;
}

const OWN = seedOf('overlay own');
const PEERS = Array.from({ length: 40 }, (_, index) => seedOf(`overlay peer ${index}`));
const MESSAGES = Array.from({ length: 3 }, (_, index) => seedOf(`overlay message ${index}`));

function row(clause: string, flag: string, name: string, comment: string, args: readonly Argument[]): Draft {
  return { id: name, comment, clauses: [clause], flags: [flag], args };
}

function buckets(): readonly Draft[] {
  const near = [0, 1, 7, 8, 31, 32, 63, 64, 127, 128, 254, 255].map((index) =>
    row('OVL-003', 'edge', `bit-${index}`, `ids that differ in bit ${index} alone`, [id(), bit(index)]),
  );
  return [
    ...near,
    row('OVL-003', 'edge', 'all-bits', 'ids that differ in every bit', [id(), new Uint8Array(32).fill(255)]),
    row('OVL-003', 'valid', 'high-bit-decides', 'the highest bit decides, not how many differ', [id(0x10), id(0x1f, 0xff)]),
    ...PEERS.slice(0, 8).map((peer, index) => row('OVL-003', 'valid', `seeded-${index}`, 'two ids without structure', [OWN, peer])),
  ];
}

function choices(): readonly Draft[] {
  const choose = (rule: string, count: number, message: Uint8Array, peers: readonly Uint8Array[]): readonly Argument[] => [
    rule,
    count,
    OWN,
    message,
    ...peers,
  ];
  const clauseOf = (rule: string): string => (rule === 'buckets' ? 'OVL-004' : 'OVL-037');
  const seeded = (['buckets', 'first', 'turns'] as const).flatMap((rule) =>
    [1, 2, 5].flatMap((count) =>
      MESSAGES.map((message, index) =>
        row(
          clauseOf(rule),
          'valid',
          `${rule}-${count}-message-${index}`,
          `${rule} ${count} of 40 peers`,
          choose(rule, count, message, PEERS),
        ),
      ),
    ),
  );
  const edges = (['buckets', 'first', 'turns'] as const).flatMap((rule) => [
    row(clauseOf(rule), 'edge', `${rule}-none`, 'no peer', choose(rule, 5, seedOf('overlay message 0'), [])),
    row(clauseOf(rule), 'edge', `${rule}-0`, 'none is asked for', choose(rule, 0, seedOf('overlay message 0'), PEERS.slice(0, 4))),
    row(clauseOf(rule), 'edge', `${rule}-more`, 'more are asked for than there are', choose(rule, 100, seedOf('overlay message 0'), PEERS)),
    row(clauseOf(rule), 'edge', `${rule}-reversed`, 'the order of the arguments does not matter', [
      ...choose(rule, 5, seedOf('overlay message 1'), [...PEERS].reverse()),
    ]),
  ]);
  return [...seeded, ...edges];
}

const MAIN: readonly number[] = [3_600_000, 500_000, 20];

function scores(): readonly Draft[] {
  type Values = readonly [number | bigint, number | bigint, number | bigint, number | bigint, number | bigint];
  const score = (flag: string, name: string, comment: string, values: Values, minimums: readonly (number | bigint)[] = MAIN): Draft =>
    row('OVL-012', flag, name, comment, [...values, ...minimums]);
  return [
    score('edge', 'nothing', 'a node that has just started', [0, 0, 0, 0, 0]),
    score('valid', 'minimums', 'the least of everything', [3_600_000, 500_000, 10, 0, 20]),
    score('valid', 'full', 'twice the least of everything', [7_200_000, 1_000_000, 10, 0, 40]),
    score('edge', 'above-full', 'more than twice counts no more', [720_000_000, 100_000_000, 10, 0, 4_000]),
    score('valid', 'weights-uptime', 'uptime alone', [7_200_000, 0, 0, 1, 0]),
    score('valid', 'weights-rate', 'rate alone', [0, 1_000_000, 0, 1, 0]),
    score('valid', 'weights-reliability', 'reliability alone', [0, 0, 1, 0, 0]),
    score('valid', 'weights-connections', 'connections alone', [0, 0, 0, 1, 40]),
    score('rounding', 'uptime-one-less', 'a millisecond less than the least', [3_599_999, 500_000, 10, 0, 20]),
    score('rounding', 'thirds', 'one of three fails', [3_600_000, 500_000, 2, 1, 20]),
    score('rounding', 'one-failure-in-1001', 'a failure that rounds away', [3_600_000, 500_000, 1_000, 1, 20]),
    score('edge', 'failures-only', 'everything failed', [3_600_000, 500_000, 0, 7, 20]),
    score('rounding', 'odd-parts', 'parts that do not come out even', [1_234_567, 333_333, 17, 3, 7]),
    score('rounding', 'sum-rounds-once', 'the sum is divided, not its parts', [21_600, 1_000, 0, 1, 0]),
    score('edge', 'largest', 'the largest numbers that there are', [LARGEST, LARGEST, LARGEST, LARGEST, LARGEST]),
    score('rounding', 'wide', 'a share that a double does not hold', [2n ** 63n + 1n, 0, 0, 1, 0], [2n ** 63n, 1, 1]),
  ];
}

function automatic(): readonly Draft[] {
  type Looks = readonly (readonly [atS: number, size: number | bigint])[];
  const auto = (
    clause: string,
    flag: string,
    name: string,
    comment: string,
    looks: Looks,
    rule: readonly number[] = [50, 200, 10, 60_000],
  ): Draft => row(clause, flag, name, comment, [...rule, ...looks.flatMap(([atS, size]) => [atS * 1000, size])]);
  const hour = (sizes: readonly number[]): Looks =>
    Array.from({ length: 60 }, (_, minute) => [minute * 61, sizes[minute % sizes.length] ?? 0]);
  return [
    ...[0, 49, 50, 51, 199, 200, 201, 1_000_000].map((size) =>
      auto('OVL-005', 'edge', `start-${size}`, `${size} nodes at the start`, [[0, size]]),
    ),
    auto('OVL-005', 'edge', 'start-largest', '2^64 − 1 nodes at the start', [[0, LARGEST]]),
    auto('OVL-005', 'valid', 'growing', 'a network that grows', [
      [0, 10],
      [100, 49],
      [200, 50],
      [300, 199],
      [400, 200],
      [500, 900],
    ]),
    auto('OVL-005', 'valid', 'shrinking', 'a network that shrinks', [
      [0, 900],
      [100, 200],
      [200, 180],
      [300, 179],
      [400, 50],
      [500, 45],
      [600, 44],
    ]),
    auto('OVL-005', 'edge', 'band-180', 'at the end of the band of 200', [
      [0, 200],
      [100, 181],
      [200, 180],
      [300, 179],
    ]),
    auto('OVL-005', 'edge', 'band-45', 'at the end of the band of 50', [
      [0, 50],
      [100, 46],
      [200, 45],
      [300, 44],
    ]),
    auto('OVL-005', 'edge', 'jump-up', 'from 10 to 1,000 at once', [
      [0, 10],
      [100, 1_000],
    ]),
    auto('OVL-005', 'edge', 'jump-down', 'from 1,000 to 10 at once', [
      [0, 1_000],
      [100, 10],
    ]),
    auto('OVL-005', 'edge', 'jump-into-band', 'from 1,000 into the lower band', [
      [0, 1_000],
      [100, 47],
    ]),
    auto('OVL-005', 'hysteresis', 'around-50', '49, 50 and 51 in turns, for an hour', hour([49, 50, 51, 50])),
    auto('OVL-005', 'hysteresis', 'around-200', '199, 200 and 201 in turns, for an hour', hour([199, 200, 201, 200])),
    auto('OVL-005', 'hysteresis', 'around-45', '44, 45 and 46 in turns after 50', [
      [0, 50],
      ...hour([46, 45, 46, 45]).map(([at, size]) => [at + 61, size] as const),
    ]),
    auto(
      'OVL-005',
      'valid',
      'chat',
      'the thresholds of preset chat',
      [
        [0, 10],
        [100, 99],
        [200, 100],
        [300, 90],
        [400, 89],
      ],
      [50, 100, 10, 60_000],
    ),
    auto(
      'OVL-005',
      'edge',
      'one-threshold',
      'both thresholds are one: kademlia only inside a band',
      [
        [0, 10],
        [100, 50],
        [200, 45],
        [300, 44],
      ],
      [50, 50, 10, 0],
    ),
    auto(
      'OVL-005',
      'rounding',
      'odd-threshold',
      'a band that does not come out even',
      [
        [0, 55],
        [100, 50],
        [200, 49],
        [300, 48],
      ],
      [55, 300, 10, 0],
    ),
    auto(
      'OVL-005',
      'edge',
      'no-band',
      'no band: back at once',
      [
        [0, 50],
        [100, 49],
        [200, 50],
      ],
      [50, 200, 0, 0],
    ),
    auto('OVL-006', 'hysteresis', 'dwell', 'a change within the dwell time of the last waits', [
      [0, 10],
      [1, 100],
      [2, 10],
      [60, 10],
      [61, 10],
      [62, 10],
    ]),
    auto('OVL-006', 'edge', 'dwell-start', 'the start is no change', [
      [0, 10],
      [0, 100],
    ]),
    auto('OVL-006', 'edge', 'dwell-over', 'the wish is gone before the dwell time is over', [
      [0, 10],
      [1, 100],
      [2, 10],
      [50, 100],
      [61, 100],
    ]),
  ];
}

function hops(): readonly Draft[] {
  const hop = (flag: string, name: string, comment: string, args: readonly Argument[]): Draft => row('OVL-051', flag, name, comment, args);
  const [own, target] = [id(0x0f), id(0xf0)];
  const [near, far, nearer, other] = [id(0xf1), id(0x00, 1), id(0xf0, 1), id(0x70)];
  const none = new Uint8Array();
  return [
    hop('valid', 'direct', 'a session with the target', [own, target, none, none, none, near, target]),
    hop('valid', 'nearest', 'the nearest of those that are nearer', [own, target, none, none, none, near, other, nearer]),
    hop('edge', 'not-nearer', 'nobody is nearer', [own, target, none, none, none, far]),
    hop('edge', 'as-near', 'the node itself is the nearest by the last bit', [id(0xf0, 1), target, none, none, none, id(0xf0, 1, 1)]),
    hop('edge', 'alone', 'no session at all', [own, target, none, none, none]),
    hop('order', 'via-before-nearer', 'a supernode that the record names comes before a nearer peer', [
      own,
      target,
      far,
      none,
      none,
      near,
      far,
    ]),
    hop('order', 'via-in-order', 'the first that is there', [own, target, concat(id(9), far, other), none, none, near, other, far]),
    hop('order', 'direct-before-via', 'the target itself comes first', [own, target, far, none, none, far, target]),
    hop('edge', 'via-absent', 'no session with a named supernode', [own, target, id(9), none, none, near]),
    hop('valid', 'from', 'never back', [own, target, none, none, near, near, other]),
    hop('edge', 'from-target', 'not even to the target', [own, target, none, none, target, target, far]),
    hop('edge', 'from-via', 'nor to a named supernode', [own, target, far, none, far, far]),
    hop('valid', 'supernode', 'a leaf hands it to a supernode when nobody is nearer', [
      id(0xf0, 2),
      target,
      none,
      concat(far, own),
      none,
      far,
      own,
    ]),
    hop('order', 'nearer-before-supernode', 'a nearer peer comes before the own supernode', [own, target, none, far, none, far, near]),
    hop('edge', 'from-supernode', 'not back to the own supernode', [id(0xf0, 2), target, none, far, far, far, own]),
    ...PEERS.slice(0, 4).map((peer, index) =>
      hop('valid', `seeded-${index}`, 'ids without structure', [OWN, peer, none, none, none, ...PEERS.slice(8)]),
    ),
  ];
}

const WALL = 1_700_000_000_000;
const RECIPIENT = seedOf('overlay recipient');
const ZERO_SIGNATURE = new Uint8Array(64);

interface RouteFields {
  readonly createdMs?: number | bigint;
  readonly topic?: string;
  readonly recipient?: Uint8Array;
  readonly data?: Uint8Array;
  readonly version?: number;
  readonly trailing?: Uint8Array;
  readonly context?: string;
  readonly signature?: Uint8Array;
}

function route(fields: RouteFields = {}): Uint8Array {
  const payload = encodeMessage('SendPayload', {
    version: fields.version ?? 1,
    createdMs: fields.createdMs ?? WALL,
    topic: fields.topic ?? 'app/chat',
    sequence: 7,
    recipient: fields.recipient ?? RECIPIENT,
    data: fields.data ?? utf8('hello'),
  });
  const whole = concat(payload, fields.trailing ?? new Uint8Array());
  const envelope = signed({ context: fields.context ?? 'send', payload: whole });
  return encodeEnvelope(fields.signature === undefined ? envelope : { ...envelope, signature: fields.signature });
}

function routeOfSize(size: number): Uint8Array {
  const overhead = route({ data: bytesOf('data', 20_000) }).length - 20_000;
  return route({ data: bytesOf('data', size - overhead) });
}

function verdicts(): readonly Draft[] {
  type Input = { readonly hops?: number; readonly target?: Uint8Array; readonly wall?: number };
  const judge = (
    clause: string,
    flag: string,
    name: string,
    comment: string,
    envelope: Uint8Array,
    against?: string,
    input: Input = {},
  ): Draft => ({
    ...row(clause, flag, name, comment, [NETWORK, input.wall ?? WALL, input.hops ?? 0, input.target ?? RECIPIENT, envelope]),
    ...(against === undefined ? {} : { against }),
  });
  const [time, recipient, structure] = ['ignore E_TIME', 'reject E_RECIPIENT', 'reject E_STRUCTURE'];
  return [
    judge('OVL-040', 'size', 'size-32768', 'an envelope of 32,768 bytes', routeOfSize(32_768)),
    judge('OVL-040', 'size', 'size-32769', 'an envelope of 32,769 bytes', routeOfSize(32_769), 'reject E_SIZE'),
    judge('OVL-041', 'edge', 'hops-10', '10 hops', route(), undefined, { hops: 10 }),
    judge('OVL-041', 'edge', 'hops-11', '11 hops', route(), 'ignore E_HOPS', { hops: 11 }),
    judge('OVL-041', 'edge', 'hops-largest', '2^32 − 1 hops', route(), 'ignore E_HOPS', { hops: 2 ** 32 - 1 }),
    judge('OVL-042', 'structure', 'valid', 'an envelope in order', route()),
    judge('OVL-042', 'structure', 'empty', 'no envelope', new Uint8Array(), structure),
    judge('OVL-042', 'structure', 'trailing', 'a byte behind the payload, signed', route({ trailing: u8(0) }), structure),
    judge(
      'OVL-042',
      'structure',
      'unknown-field',
      'a field that the payload does not have, signed',
      route({ trailing: unhex('3801') }),
      structure,
    ),
    judge('OVL-042', 'structure', 'context-app', 'sealed for another purpose', route({ context: 'app' }), 'reject E_CONTEXT'),
    judge('OVL-042', 'structure', 'version-2', 'a version that is not known', route({ version: 2 }), 'ignore E_PAYLOAD_VERSION'),
    judge('OVL-043', 'valid', 'other-target', 'for another node', route(), recipient, { target: seedOf('overlay other') }),
    judge('OVL-043', 'edge', 'no-recipient', 'for nobody', route({ recipient: new Uint8Array() }), recipient),
    judge('OVL-043', 'edge', 'long-recipient', 'a recipient of 33 bytes', route({ recipient: concat(RECIPIENT, u8(0)) }), recipient),
    judge('OVL-043', 'valid', 'topic-tx', 'a topic that is no application’s', route({ topic: 'tx' }), recipient),
    judge('OVL-043', 'edge', 'topic-empty-name', 'a topic without a name', route({ topic: 'app/' }), recipient),
    judge('OVL-043', 'edge', 'topic-32', 'a name of 32 bytes', route({ topic: `app/${'a'.repeat(32)}` })),
    judge('OVL-043', 'edge', 'topic-33', 'a name of 33 bytes', route({ topic: `app/${'a'.repeat(33)}` }), recipient),
    judge('OVL-045', 'edge', 'past-60000', '60 s old', route({ createdMs: WALL - 60_000 })),
    judge('OVL-045', 'edge', 'past-60001', '60 s and a millisecond old', route({ createdMs: WALL - 60_001 }), time),
    judge('OVL-045', 'edge', 'future-500', '500 ms ahead', route({ createdMs: WALL + 500 })),
    judge('OVL-045', 'edge', 'future-501', '501 ms ahead', route({ createdMs: WALL + 501 }), time),
    judge('OVL-045', 'edge', 'future-largest', 'created_ms 2^64 − 1', route({ createdMs: LARGEST }), time),
    judge('OVL-045', 'edge', 'early-clock', 'a clock that has just begun', route({ createdMs: 100 }), undefined, { wall: 10 }),
    judge('OVL-046', 'signature', 'signature', 'no valid signature', route({ signature: ZERO_SIGNATURE }), 'reject E_SIGNATURE'),
    judge('OVL-040', 'order', 'order-size-hops', 'too long, and too many hops', routeOfSize(32_769), 'reject E_SIZE', { hops: 11 }),
    judge('OVL-041', 'order', 'order-hops-structure', 'too many hops, and no envelope', new Uint8Array(), 'ignore E_HOPS', { hops: 11 }),
    judge(
      'OVL-042',
      'order',
      'order-structure-recipient',
      'not strict, and for nobody',
      route({ trailing: u8(0), recipient: new Uint8Array() }),
      structure,
    ),
    judge('OVL-043', 'order', 'order-recipient-time', 'for another, and too old', route({ createdMs: 1 }), recipient, {
      target: seedOf('overlay other'),
    }),
    judge(
      'OVL-045',
      'order',
      'order-time-signature',
      'too old, and no valid signature',
      route({ createdMs: 1, signature: ZERO_SIGNATURE }),
      time,
    ),
  ];
}

/** All files of the folder. */
export function overlayFiles(): readonly GeneratedFile[] {
  const judged = ['OVL-040', 'OVL-041', 'OVL-042', 'OVL-043', 'OVL-045', 'OVL-046'];
  return [
    modelFile('overlay/auto.json', 'overlay.auto', ['OVL-005', 'OVL-006'], NOTES, automatic()),
    modelFile('overlay/bucket.json', 'overlay.bucket', ['OVL-003'], NOTES, buckets()),
    modelFile('overlay/choose.json', 'overlay.choose', ['OVL-004', 'OVL-037'], NOTES, choices()),
    modelFile('overlay/judge.json', 'overlay.judge', judged, NOTES, verdicts()),
    modelFile('overlay/next-hop.json', 'overlay.next_hop', ['OVL-051'], NOTES, hops()),
    modelFile('overlay/score.json', 'overlay.score', ['OVL-012'], NOTES, scores()),
  ];
}
