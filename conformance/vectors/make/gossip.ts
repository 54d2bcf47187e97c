/** Vectors of chapter 05: the active size, and the verdict on a message. */
import { concat, u8, unhex, utf8 } from '../../model/bytes.ts';
import { encodeEnvelope, makeAppPayload } from '../../model/envelope.ts';
import { bytesOf, type Draft, type GeneratedFile, modelFile } from '../draft.ts';
import type { VectorNote } from '../file.ts';
import { NETWORK, signed } from './envelope-samples.ts';

const NOTES: Readonly<Record<string, VectorNote>> = {
  valid: { bugType: 'BASIC', description: 'A message in order: the twin from which the others depart.' },
  size: { bugType: 'INPUT_VALIDATION', description: 'The envelope is as long as it may be, or longer.' },
  hops: { bugType: 'INPUT_VALIDATION', description: 'The hops are at the limit, or above it.' },
  topic: { bugType: 'INPUT_VALIDATION', description: 'A topic that is not served, or that the payload does not name.' },
  time: {
    bugType: 'EDGE_CASE',
    description: 'created_ms at the edge of the window, at either side of it, or where a subtraction would run below zero.',
    effect: 'A message is taken by some nodes and not by others.',
  },
  order: { bugType: 'CONSENSUS_SPLIT', description: 'Several clauses apply; the first in their order decides.' },
  structure: { bugType: 'MALLEABILITY', description: 'Envelope or payload are out of order.' },
  signature: { bugType: 'BASIC', description: 'The predicate refuses the signature.' },
  rounding: {
    bugType: 'ROUNDING',
    description: 'Network sizes around a power of e.',
    effect: 'Nodes of one network compute different sizes.',
  },
};

const WALL = 1_700_000_000_000;
const LARGEST = 2n ** 64n - 1n;

/** A sealed message of alice. */
function message(
  fields: { createdMs?: bigint | number; topic?: string; data?: Uint8Array; signature?: Uint8Array; trailing?: Uint8Array } = {},
): Uint8Array {
  const payload = makeAppPayload({
    createdMs: fields.createdMs ?? WALL,
    topic: fields.topic ?? 'app/chat',
    sequence: 1,
    data: fields.data ?? utf8('hello'),
  });
  const envelope = signed({ payload: concat(payload, fields.trailing ?? new Uint8Array()) });
  return encodeEnvelope(fields.signature === undefined ? envelope : { ...envelope, signature: fields.signature });
}

/** A message whose envelope has exactly that many bytes. */
function messageOfSize(size: number, extra: { signature?: Uint8Array } = {}): Uint8Array {
  const overhead = message({ data: bytesOf('data', 20_000) }).length - 20_000;
  const envelope = message({ data: bytesOf('data', size - overhead), ...extra });
  if (envelope.length !== size) throw new Error(`the message has ${envelope.length} bytes, not ${size}`);
  return envelope;
}

interface Input {
  readonly topic?: string;
  readonly wall?: bigint | number;
  readonly hops?: bigint | number;
}

function draft(
  clause: string,
  flag: string,
  id: string,
  comment: string,
  envelope: Uint8Array,
  input: Input = {},
  against?: string,
): Draft {
  return {
    id,
    comment,
    clauses: [clause],
    flags: [flag],
    args: [NETWORK, input.topic ?? 'app/chat', input.wall ?? WALL, input.hops ?? 0, envelope],
    ...(against === undefined ? {} : { against }),
  };
}

const ZERO_SIGNATURE = new Uint8Array(64);

function limits(): readonly Draft[] {
  return [
    draft('GSP-010', 'size', 'size-32768', 'an envelope of 32,768 bytes', messageOfSize(32_768)),
    draft('GSP-010', 'size', 'size-32769', 'an envelope of 32,769 bytes', messageOfSize(32_769), {}, 'reject E_SIZE'),
    draft('GSP-010', 'size', 'size-40000', 'an envelope of 40,000 bytes', messageOfSize(40_000), {}, 'reject E_SIZE'),
    draft('GSP-011', 'hops', 'hops-32', '32 hops', message(), { hops: 32 }),
    draft('GSP-011', 'hops', 'hops-33', '33 hops', message(), { hops: 33 }, 'ignore E_STRUCTURE'),
    draft('GSP-011', 'hops', 'hops-256', '256 hops, which is 0 in one byte', message(), { hops: 256 }, 'ignore E_STRUCTURE'),
    draft('GSP-011', 'hops', 'hops-largest', '2^32 − 1 hops', message(), { hops: 2 ** 32 - 1 }, 'ignore E_STRUCTURE'),
  ];
}

function topics(): readonly Draft[] {
  const served = ['app/a', 'app/chat-room-1', 'app/-', 'app/0', `app/${'n'.repeat(32)}`];
  const notServed = [
    'vote',
    'vote',
    'evidence',
    'app',
    'app/',
    `app/${'n'.repeat(33)}`,
    'app/a/b',
    'apps/chat',
    'x/app/chat',
    '/app/chat',
    'app//chat',
  ];
  return [
    ...served.map((topic, i) => draft('GSP-012', 'topic', `served-${i + 1}`, `topic ${topic} is served`, message({ topic }), { topic })),
    ...notServed.map((topic, i) =>
      draft('GSP-012', 'topic', `not-served-${i + 1}`, `topic ${topic} is not served`, message({ topic }), { topic }, 'ignore E_TOPIC'),
    ),
    draft('GSP-014', 'topic', 'same-topic', 'frame and payload name one topic', message({ topic: 'app/other' }), { topic: 'app/other' }),
    ...['app/other', 'app/chat2', 'app/cha', 'vote', 'App/chat', 'app/chat\0', ''].map((topic, i) =>
      draft(
        'GSP-014',
        'topic',
        `other-topic-${i + 1}`,
        `the payload names ${topic === '' ? 'no topic' : JSON.stringify(topic)}`,
        message({ topic }),
        {},
        'reject E_TOPIC',
      ),
    ),
  ];
}

function structures(): readonly Draft[] {
  const version2 = concat(unhex('0802'), makeAppPayload({ createdMs: WALL, topic: 'app/chat', sequence: 1, data: utf8('x') }).slice(2));
  const reject = 'reject E_STRUCTURE';
  return [
    draft('GSP-013', 'valid', 'in-order', 'a message in order', message()),
    draft('GSP-013', 'structure', 'envelope-trailing', 'a byte of zero behind the envelope', concat(message(), u8(0)), {}, reject),
    draft('GSP-013', 'structure', 'no-envelope', 'no bytes', new Uint8Array(), {}, reject),
    draft('GSP-013', 'structure', 'payload-trailing', 'a byte of zero behind the payload', message({ trailing: u8(0) }), {}, reject),
    draft('GSP-013', 'structure', 'payload-unknown-field', 'a field 6 in the payload', message({ trailing: unhex('3001') }), {}, reject),
    draft('GSP-013', 'structure', 'context', 'signed as vote', encodeEnvelope(signed({ context: 'vote' })), {}, 'reject E_CONTEXT'),
    draft(
      'GSP-013',
      'structure',
      'handshake',
      'signed as handshake',
      encodeEnvelope(signed({ context: 'handshake' })),
      {},
      'reject E_CONTEXT',
    ),
    draft('GSP-013', 'structure', 'key-type-0', 'key type 0', encodeEnvelope(signed({ keyType: 0 })), {}, 'reject E_KEY_TYPE'),
    draft('GSP-013', 'structure', 'key-type-2', 'key type 2', encodeEnvelope(signed({ keyType: 2 })), {}, 'ignore E_KEY_TYPE'),
    draft(
      'GSP-013',
      'structure',
      'version-2',
      'payload version 2',
      encodeEnvelope(signed({ payload: version2 })),
      {},
      'ignore E_PAYLOAD_VERSION',
    ),
    draft('GSP-013', 'structure', 'signature-63', 'a signature of 63 bytes', message({ signature: new Uint8Array(63) }), {}, reject),
    draft('GSP-018', 'valid', 'signature', 'a signature in order', message({ data: utf8('signed') })),
    draft(
      'GSP-018',
      'signature',
      'signature-zero',
      'a signature of zero bytes',
      message({ signature: ZERO_SIGNATURE }),
      {},
      'reject E_SIGNATURE',
    ),
    draft(
      'GSP-018',
      'signature',
      'other-network',
      'signed for another network',
      encodeEnvelope(signed({}, utf8('other'))),
      {},
      'reject E_SIGNATURE',
    ),
  ];
}

function times(): readonly Draft[] {
  const at = (
    clause: string,
    id: string,
    comment: string,
    createdMs: bigint | number,
    wall: bigint | number = WALL,
    against?: string,
  ): Draft => draft(clause, 'time', id, comment, message({ createdMs }), { wall }, against);
  const ignored = 'ignore E_TIME';
  return [
    at('GSP-016', 'now', 'created now', WALL),
    at('GSP-016', 'past-59999', '59,999 ms old', WALL - 59_999),
    at('GSP-016', 'past-60000', '60,000 ms old', WALL - 60_000),
    at('GSP-016', 'past-60001', '60,001 ms old', WALL - 60_001, WALL, ignored),
    at('GSP-016', 'past-day', 'a day old', WALL - 86_400_000, WALL, ignored),
    at('GSP-016', 'past-zero', 'created_ms 0', 0, WALL, ignored),
    at('GSP-016', 'clock-at-start', 'created_ms 0 and a clock of 1,000: nothing runs below zero', 0, 1_000),
    at('GSP-016', 'clock-60000', 'created_ms 0 and a clock of 60,000', 0, 60_000),
    at('GSP-016', 'clock-60001', 'created_ms 0 and a clock of 60,001', 0, 60_001, ignored),
    at('GSP-017', 'future-500', '500 ms ahead', WALL + 500),
    at('GSP-017', 'future-499', '499 ms ahead', WALL + 499),
    at('GSP-017', 'future-501', '501 ms ahead', WALL + 501, WALL, ignored),
    at(
      'GSP-017',
      'future-seconds',
      'seconds in place of milliseconds would be far in the past; this is far ahead',
      WALL * 1_000,
      WALL,
      ignored,
    ),
    at('GSP-017', 'future-2-to-53-plus-1', 'created_ms 2^53 + 1', 2n ** 53n + 1n, WALL, ignored),
    at('GSP-017', 'future-2-to-63', 'created_ms 2^63, which is negative to some readers', 2n ** 63n, WALL, ignored),
    at('GSP-017', 'future-largest', 'created_ms 2^64 − 1', LARGEST, WALL, ignored),
    at('GSP-017', 'clock-0-future-500', 'a clock of 0, 500 ms ahead', 500, 0),
    at('GSP-017', 'clock-0-future-501', 'a clock of 0, 501 ms ahead', 501, 0, ignored),
    at('GSP-017', 'wide-edge', 'created_ms 2^53 + 1, 500 ms ahead of the clock', 2n ** 53n + 1n, 2n ** 53n - 499n),
    at(
      'GSP-017',
      'wide-exact',
      'created_ms 2^53 + 1, 501 ms ahead, which a double takes for 500',
      2n ** 53n + 1n,
      2n ** 53n - 500n,
      ignored,
    ),
  ];
}

/** Two defects each: the clause with the lower number decides. */
function order(): readonly Draft[] {
  const large = messageOfSize(32_769, { signature: ZERO_SIGNATURE });
  return [
    draft('GSP-010', 'order', 'order-size-hops', 'too long, and too many hops', large, { hops: 33 }, 'reject E_SIZE'),
    draft('GSP-010', 'order', 'order-size-topic', 'too long, on a topic that is not served', large, { topic: 'vote' }, 'reject E_SIZE'),
    draft(
      'GSP-011',
      'order',
      'order-hops-topic',
      'too many hops, on a topic that is not served',
      message({ topic: 'vote' }),
      { topic: 'vote', hops: 33 },
      'ignore E_STRUCTURE',
    ),
    draft('GSP-011', 'order', 'order-hops-structure', 'too many hops, and no envelope', u8(0), { hops: 33 }, 'ignore E_STRUCTURE'),
    draft(
      'GSP-012',
      'order',
      'order-topic-structure',
      'a topic that is not served, and no envelope',
      u8(0),
      { topic: 'vote' },
      'ignore E_TOPIC',
    ),
    draft(
      'GSP-013',
      'order',
      'order-structure-topic',
      'a payload that is not strict and names another topic',
      message({ topic: 'app/other', trailing: u8(0) }),
      {},
      'reject E_STRUCTURE',
    ),
    draft(
      'GSP-014',
      'order',
      'order-topic-time',
      'another topic, and a day old',
      message({ topic: 'app/other', createdMs: WALL - 86_400_000 }),
      {},
      'reject E_TOPIC',
    ),
    draft(
      'GSP-014',
      'order',
      'order-topic-signature',
      'another topic, and no valid signature',
      message({ topic: 'app/other', signature: ZERO_SIGNATURE }),
      {},
      'reject E_TOPIC',
    ),
    draft(
      'GSP-016',
      'order',
      'order-past-signature',
      'too old, and no valid signature',
      message({ createdMs: WALL - 60_001, signature: ZERO_SIGNATURE }),
      {},
      'ignore E_TIME',
    ),
    draft(
      'GSP-017',
      'order',
      'order-future-signature',
      'too far ahead, and no valid signature',
      message({ createdMs: WALL + 501, signature: ZERO_SIGNATURE }),
      {},
      'ignore E_TIME',
    ),
  ];
}

/** Integers at either side of e^k, where the size changes, and round ones. */
const SIZES: readonly (bigint | number)[] = [
  0, 1, 2, 3, 4, 5, 7, 8, 20, 21, 54, 55, 100, 148, 149, 403, 404, 1_000, 1_096, 1_097, 2_980, 2_981, 8_103, 8_104, 10_000, 22_026, 22_027,
  59_874, 59_875, 162_754, 162_755, 442_413, 442_414, 1_000_000,
];

/** All files of the folder. */
export function gossipFiles(): readonly GeneratedFile[] {
  const sizes = SIZES.map(
    (size): Draft => ({
      id: `network-${size}`,
      comment: `a network of ${size}`,
      clauses: ['GSP-030'],
      flags: ['rounding'],
      args: [size],
    }),
  );
  const clauses = ['GSP-010', 'GSP-011', 'GSP-012', 'GSP-013', 'GSP-014', 'GSP-016', 'GSP-017', 'GSP-018'];
  return [
    modelFile('gossip/active-size.json', 'gossip.active_size', ['GSP-030'], NOTES, sizes),
    modelFile('gossip/judge.json', 'gossip.judge', clauses, NOTES, [...limits(), ...topics(), ...structures(), ...times(), ...order()]),
  ];
}
