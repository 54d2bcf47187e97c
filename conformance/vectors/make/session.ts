/** Vectors of chapter 04: prologue, Noise XX, version, capabilities, rates. */
import { concat, utf8 } from '../../model/bytes.ts';
import { makeEnvelope } from '../../model/envelope.ts';
import { makeHello } from '../../model/hello.ts';
import { noisePrologue, x25519PublicKey } from '../../model/noise.ts';
import { type Argument, bytesOf, type Draft, type GeneratedFile, modelFile, seedOf } from '../draft.ts';
import type { VectorNote } from '../file.ts';
import { NETWORK } from './envelope-samples.ts';

const NOTES: Readonly<Record<string, VectorNote>> = {
  valid: { bugType: 'BASIC', description: 'Input in order.' },
  edge: { bugType: 'EDGE_CASE', description: 'The first or the last value that is allowed.' },
  range: { bugType: 'INPUT_VALIDATION', description: 'A range that is empty, or ranges that do not meet.' },
  'one-way': {
    bugType: 'LOGIC',
    description: 'gossip/1 and direct/1 are both in common, or only seem to be.',
    effect: 'A message takes two ways over one link.',
  },
  order: { bugType: 'INPUT_VALIDATION', description: 'The list is not ascending, or an element is repeated.' },
  form: { bugType: 'INPUT_VALIDATION', description: 'A capability that is not of the form name/version.' },
  size: { bugType: 'INPUT_VALIDATION', description: 'The list is too long.' },
  burst: { bugType: 'EDGE_CASE', description: 'The bucket starts full, at twice the rate, and holds no more.' },
  refill: {
    bugType: 'ROUNDING',
    description: 'A frame that comes a millisecond too early, or just in time.',
    effect: 'A node that rounds drops frames that others let pass.',
  },
  untouched: { bugType: 'ACCOUNTING', description: 'A frame that does not pass is not charged.' },
};

function noise(): readonly Draft[] {
  const secret = (label: string): Uint8Array => seedOf(`noise ${label}`);
  const keys = [secret('initiator static'), secret('initiator ephemeral'), secret('responder static'), secret('responder ephemeral')];
  const [initiator = NETWORK, , responder = NETWORK] = keys;
  const hello = (side: 'initiator' | 'responder', staticSecret: Uint8Array, label: string): Uint8Array =>
    makeEnvelope(
      NETWORK,
      'handshake',
      seedOf(label),
      makeHello({ staticKey: x25519PublicKey(staticSecret), side, capabilities: ['gossip/1'], roles: 1 }),
    );
  const none = new Uint8Array();
  const prologue = noisePrologue(NETWORK);
  const rows: readonly (readonly [id: string, comment: string, args: readonly Argument[]])[] = [
    ['handshake-alone', 'three messages without payloads', [prologue, ...keys, none, none, none]],
    ['empty-prologue', 'no prologue', [none, ...keys, none, none, none]],
    [
      'carillon',
      'a handshake of Carillon with both hellos, then a frame each way',
      [
        prologue,
        ...keys,
        none,
        hello('responder', responder, 'bob'),
        hello('initiator', initiator, 'alice'),
        bytesOf('frame', 12),
        bytesOf('frame back', 12),
      ],
    ],
    [
      'other-network',
      'the same with the prologue of another network',
      [noisePrologue(utf8('other')), ...keys, none, hello('responder', responder, 'bob'), hello('initiator', initiator, 'alice')],
    ],
    ['payload-in-message-1', 'Noise itself allows a payload in message 1', [prologue, ...keys, utf8('early'), utf8('two'), utf8('three')]],
    [
      'transport',
      'nonces count for each direction by itself',
      [prologue, ...keys, none, none, none, ...[1, 2, 3, 4, 5, 6].map((count) => bytesOf(`transport ${count}`, count * 7))],
    ],
    ['transport-empty', 'transport messages without content', [prologue, ...keys, none, none, none, none, none]],
    ['transport-large', 'a transport message of 4,096 bytes', [prologue, ...keys, none, none, none, bytesOf('large', 4_096)]],
    [
      'unclamped',
      'secrets whose bits X25519 sets and clears',
      [prologue, ...[255, 254, 253, 252].map((byte) => new Uint8Array(32).fill(byte)), none, none, none],
    ],
  ];
  return rows.map(([id, comment, args]) => ({ id, comment, clauses: ['SES-001'], flags: ['valid'], args }));
}

function minors(): readonly Draft[] {
  const rows: readonly (readonly [id: string, one: [number, number], other: [number, number], flag: string, fails?: true])[] = [
    ['both-zero', [0, 0], [0, 0], 'edge'],
    ['same', [0, 3], [0, 3], 'valid'],
    ['one-newer', [0, 5], [0, 3], 'valid'],
    ['other-newer', [0, 3], [0, 5], 'valid'],
    ['inside', [0, 9], [2, 4], 'valid'],
    ['overlap', [0, 4], [3, 9], 'valid'],
    ['touch', [0, 3], [3, 9], 'edge'],
    ['touch-reversed', [3, 9], [0, 3], 'edge'],
    ['largest', [0, 2 ** 32 - 1], [0, 2 ** 32 - 1], 'edge'],
    ['apart', [0, 2], [3, 9], 'range', true],
    ['apart-reversed', [3, 9], [0, 2], 'range', true],
    ['first-empty', [2, 1], [0, 9], 'range', true],
    ['second-empty', [0, 9], [5, 4], 'range', true],
    ['both-empty', [2, 1], [2, 1], 'range', true],
  ];
  return rows.map(([id, one, other, flag, fails]) => ({
    id,
    comment: `${one.join(' to ')} and ${other.join(' to ')}`,
    clauses: [fails === true ? 'SES-019' : 'SES-020'],
    flags: [flag],
    args: [...one, ...other],
    ...(fails === true ? { against: 'E_VERSION' } : {}),
  }));
}

function capabilities(): readonly Draft[] {
  const many = (count: number): string[] => Array.from({ length: count }, (_, i) => `x${String(i).padStart(2, '0')}/1`);
  const held: readonly (readonly [id: string, one: readonly string[], other: readonly string[], comment: string])[] = [
    ['same', ['gossip/1'], ['gossip/1'], 'both hold the same'],
    ['none', [], [], 'neither holds any'],
    ['one-empty', ['gossip/1'], [], 'one holds none'],
    ['disjoint', ['direct/1'], ['gossip/1'], 'nothing in common'],
    ['some', ['aaa/1', 'gossip/1', 'zzz/9'], ['bbb/1', 'gossip/1', 'zzz/9'], 'two of three'],
    ['versions', ['gossip/1', 'gossip/2'], ['gossip/1', 'gossip/3'], 'versions are other capabilities'],
    ['version-prefix', ['gossip/1'], ['gossip/10', 'gossip/11'], 'a text that begins like another is another'],
    ['name-prefix', ['gossip/1'], ['gossip-x/1', 'gossip/1'], 'a hyphen stands before a slash'],
    ['unknown', ['gossip/1', 'unheard-of/7'], ['gossip/1', 'unheard-of/7'], 'unknown capabilities count too'],
    ['longest-name', [`${'n'.repeat(32)}/99999`], [`${'n'.repeat(32)}/99999`], 'a name of 32 bytes and a version of 5 digits'],
    ['version-0', ['gossip/0'], ['gossip/0'], 'version 0'],
    ['count-64', many(64), many(64), '64 capabilities'],
  ];
  const oneWay: typeof held = [
    ['one-way', ['direct/1', 'gossip/1'], ['direct/1', 'gossip/1'], 'with gossip/1 in common, direct/1 is taken out'],
    ['one-way-others', ['aaa/1', 'direct/1', 'gossip/1', 'zzz/1'], ['aaa/1', 'direct/1', 'gossip/1', 'zzz/1'], 'the others stay'],
    ['direct-alone', ['direct/1', 'gossip/1'], ['direct/1'], 'direct/1 stays where gossip/1 is not in common'],
    ['direct-other-gossip', ['direct/1', 'gossip/2'], ['direct/1', 'gossip/2'], 'another version of gossip takes nothing out'],
    ['direct-other-version', ['direct/2', 'gossip/1'], ['direct/2', 'gossip/1'], 'another version of direct is not taken out'],
  ];
  const refused: readonly (readonly [id: string, flag: string, list: readonly string[], comment: string])[] = [
    ['descending', 'order', ['gossip/1', 'direct/1'], 'descending'],
    ['repeated', 'order', ['gossip/1', 'gossip/1'], 'the same twice'],
    ['versions-numeric', 'order', ['gossip/2', 'gossip/10'], 'ascending as numbers, not as bytes'],
    ['hyphen-slash', 'order', ['gossip/1', 'gossip-x/1'], 'a slash in front of a hyphen'],
    ['no-version', 'form', ['gossip'], 'no version'],
    ['empty-version', 'form', ['gossip/'], 'an empty version'],
    ['no-name', 'form', ['/1'], 'no name'],
    ['leading-zero', 'form', ['gossip/01'], 'a version with a leading zero'],
    ['two-zeros', 'form', ['gossip/00'], 'a version of two zeros'],
    ['six-digits', 'form', ['gossip/100000'], 'a version of six digits'],
    ['name-33', 'form', [`${'n'.repeat(33)}/1`], 'a name of 33 bytes'],
    ['upper-case', 'form', ['Gossip/1'], 'an upper-case letter'],
    ['sign', 'form', ['gossip/+1'], 'a sign'],
    ['two-slashes', 'form', ['gossip/1/2'], 'two slashes'],
    ['empty-text', 'form', ['', 'gossip/1'], 'an empty text in the list'],
    ['space', 'form', ['gossip/1 '], 'a space at the end'],
    ['count-65', 'size', many(65), '65 capabilities'],
  ];
  const join = (list: readonly string[]): string => list.join('\n');
  return [
    ...held.map(
      ([id, one, other, comment]): Draft => ({ id, comment, clauses: ['SES-022'], flags: ['valid'], args: [join(one), join(other)] }),
    ),
    ...oneWay.map(
      ([id, one, other, comment]): Draft => ({ id, comment, clauses: ['SES-026'], flags: ['one-way'], args: [join(one), join(other)] }),
    ),
    {
      id: 'reversed',
      comment: 'the order of the sides does not matter',
      clauses: ['SES-022'],
      flags: ['valid'],
      args: ['gossip/1\nzzz/9', 'aaa/1\nzzz/9'],
    },
    {
      id: 'in-order',
      comment: 'lists in order, the twin of those that are not',
      clauses: ['SES-021'],
      flags: ['valid'],
      args: ['direct/1\nrelay/1', 'direct/1\nrelay/1'],
    },
    ...refused.flatMap(([id, flag, list, comment]): Draft[] => [
      { id, comment, clauses: ['SES-021'], flags: [flag], args: [join(list), 'gossip/1'], against: 'E_CAPABILITIES' },
      {
        id: `${id}-other`,
        comment: `${comment}, on the other side`,
        clauses: ['SES-021'],
        flags: [flag],
        args: ['gossip/1', join(list)],
        against: 'E_CAPABILITIES',
      },
    ]),
  ];
}

/** Frames as pairs of time and cost. */
type Arrivals = readonly (readonly [atMs: number, cost: number])[];

function repeat(count: number, atMs: number, cost: number): Arrivals {
  return Array.from({ length: count }, () => [atMs, cost] as const);
}

function rates(): readonly Draft[] {
  const rows: readonly (readonly [id: string, flag: string, rate: number, frames: Arrivals, comment: string])[] = [
    ['burst', 'burst', 10, repeat(22, 0, 1), '20 of 22 messages at once pass at 10 a second'],
    ['burst-1', 'burst', 1, repeat(4, 0, 1), 'two at once at 1 a second'],
    [
      'burst-bytes',
      'burst',
      1_000,
      [
        [0, 2_000],
        [0, 1],
      ],
      'the whole bucket in one frame, then nothing',
    ],
    [
      'burst-too-large',
      'burst',
      1_000,
      [
        [0, 2_001],
        [60_000, 2_001],
        [60_000, 2_000],
      ],
      'a frame above the capacity never passes',
    ],
    ['refill-exact', 'refill', 10, [...repeat(20, 0, 1), [99, 1], [100, 1], [199, 1], [200, 1]], 'the 100 ms of a message at 10 a second'],
    [
      'refill-thirds',
      'refill',
      3,
      [...repeat(6, 0, 1), [333, 1], [334, 1], [666, 1], [667, 1], [999, 1], [1_000, 1]],
      'a third of a second is not whole: 334, 667 and 1,000 ms',
    ],
    ['refill-thirds-unhurried', 'refill', 3, [...repeat(6, 0, 1), [667, 1], [667, 1], [1_000, 1]], 'the rest of a unit is kept'],
    ['refill-7', 'refill', 7, [...repeat(14, 0, 1), [142, 1], [143, 1], [285, 1], [286, 1]], 'a seventh of a second'],
    ['refill-1', 'refill', 1, [...repeat(2, 0, 1), [999, 1], [1_000, 1], [1_001, 1], [2_000, 1]], 'one a second'],
    [
      'refill-bytes',
      'refill',
      65_536,
      [
        [0, 131_072],
        [1, 66],
        [1, 65],
        [2, 66],
        [3, 65],
      ],
      'bytes: 65.536 in a millisecond',
    ],
    ['refill-full', 'refill', 10, [...repeat(20, 0, 1), ...repeat(21, 2_000, 1)], 'full again after two seconds'],
    ['refill-almost-full', 'refill', 10, [...repeat(20, 0, 1), ...repeat(21, 1_999, 1)], 'a millisecond before it is full, 19 pass'],
    ['never-above', 'burst', 10, repeat(22, 3_600_000, 1), 'an hour of rest does not give more than the capacity'],
    [
      'untouched',
      'untouched',
      10,
      [
        [0, 15],
        [0, 6],
        [0, 5],
        [0, 1],
      ],
      'what does not pass costs nothing',
    ],
    [
      'untouched-zero',
      'untouched',
      10,
      [
        [0, 20],
        [0, 1],
        [0, 0],
        [100, 1],
      ],
      'a frame of cost 0 passes an empty bucket',
    ],
    [
      'largest-rate',
      'refill',
      1_000_000_000,
      [
        [0, 2_000_000_000],
        [0, 1],
        [1, 1_000_000],
        [1, 1],
      ],
      'the largest rate of chapter 19: units need more than 32 bits',
    ],
    [
      'late',
      'refill',
      1_000_000,
      [
        [0, 2_000_000],
        [4_294_967_296, 2_000_000],
        [4_294_967_296, 1],
      ],
      'times of more than 32 bits',
    ],
    [
      'same-millisecond',
      'refill',
      1_000,
      [
        [0, 2_000],
        [1, 1],
        [1, 1],
        [2, 1],
        [2, 1],
      ],
      'a millisecond gives once',
    ],
  ];
  return rows.map(([id, flag, rate, frames, comment]) => ({
    id,
    comment,
    clauses: [flag === 'untouched' ? 'SES-060' : flag === 'burst' ? 'SES-061' : 'SES-062', 'SES-060'].filter(
      (clause, i, all) => all.indexOf(clause) === i,
    ),
    flags: [flag],
    args: [rate, ...frames.flat()],
  }));
}

/** All files of the folder that the model writes. */
export function sessionFiles(): readonly GeneratedFile[] {
  const networks: readonly (readonly [id: string, bytes: Uint8Array, comment: string])[] = [
    ['network', NETWORK, 'a network id of text'],
    ['one-byte', Uint8Array.of(0), 'a network id of one byte of zero'],
    ['bytes-32', bytesOf('network', 32), 'the longest network id'],
    ['looks-like-prologue', concat(utf8('carillon.v1'), Uint8Array.of(0)), 'a network id that looks like the prologue itself'],
  ];
  return [
    modelFile(
      'session/prologue.json',
      'session.prologue',
      ['SES-001'],
      NOTES,
      networks.map(([id, bytes, comment]) => ({ id, comment, clauses: ['SES-001'], flags: ['edge'], args: [bytes] })),
    ),
    modelFile('session/noise-xx.json', 'noise.xx', ['SES-001'], NOTES, noise()),
    modelFile('session/minor.json', 'session.minor', ['SES-019', 'SES-020'], NOTES, minors()),
    modelFile('session/capabilities.json', 'session.capabilities', ['SES-021', 'SES-022', 'SES-026'], NOTES, capabilities()),
    modelFile('session/rate-admit.json', 'rate.admit', ['SES-060', 'SES-061', 'SES-062'], NOTES, rates()),
  ];
}
