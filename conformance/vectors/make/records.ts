/** Vectors of chapter 06: payloads in both directions, verdicts, which record is newer, and when one is over. */
import { concat, u8, unhex, utf8 } from '../../model/bytes.ts';
import { encodeEnvelope, makeEnvelope } from '../../model/envelope.ts';
import { encodeMessage, type MessageFields } from '../../model/message.ts';
import { makeRecord } from '../../model/records.ts';
import { bytesOf, type Draft, type GeneratedFile, modelFile, seedOf } from '../draft.ts';
import type { VectorNote } from '../file.ts';
import { NETWORK, SEED, signed } from './envelope-samples.ts';

const NOTES: Readonly<Record<string, VectorNote>> = {
  valid: { bugType: 'BASIC', description: 'A record in order: the twin from which the others depart.' },
  size: { bugType: 'INPUT_VALIDATION', description: 'The envelope is as long as it may be, or longer.' },
  structure: { bugType: 'MALLEABILITY', description: 'Envelope or payload are out of order.' },
  form: { bugType: 'INPUT_VALIDATION', description: 'Strictly encoded, and says what no record can say.' },
  window: {
    bugType: 'EDGE_CASE',
    description: 'wallclock_ms at the edge of the push window, at either side of it, or where a subtraction would run below zero.',
    effect: 'A record is taken by some nodes and not by others.',
  },
  over: { bugType: 'EDGE_CASE', description: 'The time of a record ends in this millisecond, before or after it.' },
  newer: {
    bugType: 'CONSENSUS_SPLIT',
    description: 'Two records of one label: instance, then sequence, then id decide; wall clocks do not.',
    effect: 'Nodes keep different records of one label.',
  },
  order: { bugType: 'CONSENSUS_SPLIT', description: 'Several clauses apply; the first in their order decides.' },
  signature: { bugType: 'BASIC', description: 'The predicate refuses the signature.' },
};

const WALL = 1_700_000_000_000n;
const HOUR = 3_600_000n;
const LARGEST = 2n ** 64n - 1n;
const WS = { ip4: Uint8Array.of(198, 51, 100, 7), port: 7_600, transport: 1 };

const CONTACT: MessageFields = { addresses: [WS], roles: 1, region: 'eu-west', capabilities: ['gossip/1', 'records/1'] };
const VERSION: MessageFields = { implementation: 'carillon', version: '0.1.0', specRevision: '0.1' };
const HASH = bytesOf('hash', 32);

/** Fields of a contact record in order. */
function record(fields: MessageFields = {}): MessageFields {
  return { kind: 1, index: 0, instance: WALL - 60_000n, sequence: 7, wallclockMs: WALL, ttlMs: HOUR, ...fields };
}

/** The same with a body of its own, or with none. */
function withBody(kind: number, member: string, body: MessageFields, fields: MessageFields = {}): MessageFields {
  return record({ kind, [member]: body, ...fields });
}

function contact(body: MessageFields = CONTACT, fields: MessageFields = {}): MessageFields {
  return withBody(1, 'contact', body, fields);
}

function sealed(fields: MessageFields): Uint8Array {
  return makeEnvelope(NETWORK, 'record', SEED, makeRecord(fields));
}

interface Way {
  readonly wall?: bigint;
  readonly pulled?: true;
  readonly staked?: true;
}

function judge(clause: string, flag: string, id: string, comment: string, envelope: Uint8Array, way: Way = {}, against?: string): Draft {
  return {
    id,
    comment,
    clauses: [clause],
    flags: [flag],
    args: [NETWORK, way.wall ?? WALL, way.pulled === true ? 0 : 1, way.staked === true ? 1 : 0, envelope],
    ...(against === undefined ? {} : { against }),
  };
}

const FORM = 'reject E_RECORD_FORM';

/** Forms by clause: what is taken, and what is not. */
const FORMS: readonly (readonly [clause: string, id: string, comment: string, fields: MessageFields, isTaken: boolean])[] = [
  ['REC-012', 'kind-0', 'kind 0', contact(CONTACT, { kind: 0 }), false],
  ['REC-012', 'no-body', 'a contact record without a body', record(), false],
  ['REC-012', 'other-body', 'kind contact, body health', record({ health: { sessions: 1 } }), false],
  ['REC-012', 'body-health', 'kind health, body health', withBody(4, 'health', { sessions: 1 }), true],
  ['REC-012', 'body-empty-health', 'an empty health body is there', withBody(4, 'health', {}), true],
  ['REC-013', 'contact-index-1', 'a contact record of index 1', contact(CONTACT, { index: 1 }), false],
  ['REC-013', 'health-index-1', 'a health record of index 1', withBody(4, 'health', {}, { index: 1 }), false],
  ['REC-013', 'version-index-1', 'a version record of index 1', withBody(5, 'nodeVersion', VERSION, { index: 1 }), false],
  [
    'REC-013',
    'range-index-15',
    'a ledger range of index 15',
    withBody(3, 'ledgerRange', { firstSlot: 1, lastSlot: 2 }, { index: 15 }),
    true,
  ],
  [
    'REC-013',
    'range-index-16',
    'a ledger range of index 16',
    withBody(3, 'ledgerRange', { firstSlot: 1, lastSlot: 2 }, { index: 16 }),
    false,
  ],
  ['REC-013', 'range-index-256', 'index 256, which is 0 in one byte', withBody(3, 'ledgerRange', {}, { index: 256 }), false],
  ['REC-014', 'instance-at-wallclock', 'made in the millisecond of the start', contact(CONTACT, { instance: WALL }), true],
  ['REC-014', 'instance-after-wallclock', 'started 1 ms after the record was made', contact(CONTACT, { instance: WALL + 1n }), false],
  ['REC-014', 'instance-largest', 'instance 2^64 − 1', contact(CONTACT, { instance: LARGEST }), false],
  ['REC-014', 'instance-0', 'instance 0', contact(CONTACT, { instance: 0 }), true],
  [
    'REC-015',
    'addresses-8',
    '8 addresses',
    contact({ ...CONTACT, addresses: Array.from({ length: 8 }, (_, i) => ({ ...WS, port: i + 1 })) }),
    true,
  ],
  [
    'REC-015',
    'addresses-9',
    '9 addresses',
    contact({ ...CONTACT, addresses: Array.from({ length: 9 }, (_, i) => ({ ...WS, port: i + 1 })) }),
    false,
  ],
  ['REC-015', 'no-address', 'no address', contact({ region: 'eu' }), true],
  ['REC-015', 'empty-contact', 'nothing at all', contact({}), true],
  ['REC-015', 'address-port-0', 'an address with port 0', contact({ addresses: [{ ip4: WS.ip4, transport: 1 }] }), false],
  ['REC-015', 'address-without-host', 'an address without a host', contact({ addresses: [{ port: 1, transport: 1 }] }), false],
  ['REC-015', 'address-ip4-of-5', 'an ip4 of 5 bytes', contact({ addresses: [{ ip4: bytesOf('ip', 5), port: 1 }] }), false],
  ['REC-015', 'address-upper-case', 'a host name in upper case', contact({ addresses: [{ dns: 'Example.org', port: 1 }] }), false],
  ['REC-015', 'address-dns', 'a host name', contact({ addresses: [{ dns: 'node.example.org', port: 443, transport: 2 }] }), true],
  ['REC-015', 'region-16', 'a region of 16 bytes', contact({ region: 'r'.repeat(16) }), true],
  ['REC-015', 'region-17', 'a region of 17 bytes', contact({ region: 'r'.repeat(17) }), false],
  ['REC-015', 'region-upper-case', 'a region in upper case', contact({ region: 'EU' }), false],
  [
    'REC-015',
    'capabilities-32',
    '32 capabilities',
    contact({ capabilities: Array.from({ length: 32 }, (_, i) => `c${String(i).padStart(2, '0')}/1`) }),
    true,
  ],
  [
    'REC-015',
    'capabilities-33',
    '33 capabilities',
    contact({ capabilities: Array.from({ length: 33 }, (_, i) => `c${String(i).padStart(2, '0')}/1`) }),
    false,
  ],
  ['REC-015', 'capabilities-order', 'capabilities out of order', contact({ capabilities: ['records/1', 'gossip/1'] }), false],
  ['REC-015', 'capabilities-twice', 'a capability twice', contact({ capabilities: ['gossip/1', 'gossip/1'] }), false],
  ['REC-015', 'via-3', '3 supernodes', contact({ via: [1, 2, 3].map((i) => bytesOf(`via ${i}`, 32)) }), true],
  ['REC-015', 'via-4', '4 supernodes', contact({ via: [1, 2, 3, 4].map((i) => bytesOf(`via ${i}`, 32)) }), false],
  ['REC-015', 'via-twice', 'a supernode twice', contact({ via: [1, 1].map((i) => bytesOf(`via ${i}`, 32)) }), false],
  ['REC-015', 'via-31', 'a supernode of 31 bytes', contact({ via: [bytesOf('via', 31)] }), false],
  ['REC-016', 'snapshots', 'a full snapshot and two on top', snapshots(100, [101, 150]), true],
  [
    'REC-016',
    'snapshots-16',
    '16 incremental snapshots',
    snapshots(
      100,
      Array.from({ length: 16 }, (_, i) => 101 + i),
    ),
    true,
  ],
  [
    'REC-016',
    'snapshots-17',
    '17 incremental snapshots',
    snapshots(
      100,
      Array.from({ length: 17 }, (_, i) => 101 + i),
    ),
    false,
  ],
  ['REC-016', 'snapshot-at-full', 'an incremental snapshot at the slot of the full one', snapshots(100, [100]), false],
  ['REC-016', 'snapshot-below-full', 'an incremental snapshot below the full one', snapshots(100, [99]), false],
  ['REC-016', 'snapshots-descending', 'incremental snapshots that do not ascend', snapshots(100, [150, 101]), false],
  ['REC-016', 'snapshots-equal', 'two incremental snapshots of one slot', snapshots(100, [150, 150]), false],
  ['REC-016', 'snapshot-wide', 'slots above 2^53 that a double takes for equal', snapshots(2n ** 53n, [2n ** 53n + 1n]), true],
  [
    'REC-016',
    'snapshot-without-full',
    'no full snapshot',
    withBody(2, 'snapshotHashes', { incremental: [{ slot: 5, hash: HASH }] }),
    false,
  ],
  ['REC-016', 'snapshot-hash-31', 'a hash of 31 bytes', withBody(2, 'snapshotHashes', { full: { slot: 1, hash: HASH.slice(1) } }), false],
  [
    'REC-016',
    'snapshot-no-hash',
    'an incremental snapshot without a hash',
    withBody(2, 'snapshotHashes', { full: { slot: 1, hash: HASH }, incremental: [{ slot: 2 }] }),
    false,
  ],
  ['REC-017', 'range', 'slots 5 to 9', withBody(3, 'ledgerRange', { firstSlot: 5, lastSlot: 9 }), true],
  ['REC-017', 'range-of-one', 'slots 5 to 5', withBody(3, 'ledgerRange', { firstSlot: 5, lastSlot: 5 }), true],
  ['REC-017', 'range-of-zero', 'slots 0 to 0', withBody(3, 'ledgerRange', {}), true],
  ['REC-017', 'range-backwards', 'slots 6 to 5', withBody(3, 'ledgerRange', { firstSlot: 6, lastSlot: 5 }), false],
  [
    'REC-017',
    'range-wide',
    'slots 2^53 + 1 to 2^53, which a double takes for equal',
    withBody(3, 'ledgerRange', { firstSlot: 2n ** 53n + 1n, lastSlot: 2n ** 53n }),
    false,
  ],
  ['REC-018', 'load-1000', 'a load of 1,000', withBody(4, 'health', { loadPermille: 1_000 }), true],
  ['REC-018', 'load-1001', 'a load of 1,001', withBody(4, 'health', { loadPermille: 1_001 }), false],
  ['REC-018', 'load-largest', 'a load of 2^32 − 1', withBody(4, 'health', { loadPermille: 2 ** 32 - 1 }), false],
  ['REC-019', 'version', 'a version', withBody(5, 'nodeVersion', VERSION), true],
  ['REC-019', 'version-32', 'a text of 32 bytes', withBody(5, 'nodeVersion', { ...VERSION, version: 'v'.repeat(32) }), true],
  ['REC-019', 'version-33', 'a text of 33 bytes', withBody(5, 'nodeVersion', { ...VERSION, version: 'v'.repeat(33) }), false],
  ['REC-019', 'version-empty', 'an empty text', withBody(5, 'nodeVersion', { ...VERSION, implementation: '' }), false],
  ['REC-019', 'version-line-feed', 'a line feed', withBody(5, 'nodeVersion', { ...VERSION, version: '1\n2' }), false],
  ['REC-019', 'version-tilde', 'the last byte that is allowed', withBody(5, 'nodeVersion', { ...VERSION, version: '~ ' }), true],
  ['REC-019', 'version-delete', 'the byte behind it', withBody(5, 'nodeVersion', { ...VERSION, version: '\x7f' }), false],
  ['REC-019', 'version-accent', 'a letter outside ASCII', withBody(5, 'nodeVersion', { ...VERSION, version: 'é' }), false],
];

function snapshots(full: bigint | number, incremental: readonly (bigint | number)[]): MessageFields {
  return withBody(2, 'snapshotHashes', {
    full: { slot: full, hash: HASH },
    incremental: incremental.map((slot) => ({ slot, hash: HASH })),
  });
}

function forms(): readonly Draft[] {
  return FORMS.map(([clause, id, comment, fields, isTaken]) =>
    judge(clause, isTaken ? 'valid' : 'form', id, comment, sealed(fields), {}, isTaken ? undefined : FORM),
  );
}

/** A contact record whose envelope has exactly that many bytes. */
function ofSize(size: number): Uint8Array {
  const host = (letters: number): Uint8Array =>
    sealed(contact({ addresses: [253, 200, 200, letters].map((count) => ({ dns: 'd'.repeat(count), port: 1 })) }));
  const envelope = host(100 + size - host(100).length);
  if (envelope.length !== size) throw new Error(`the record has ${envelope.length} bytes, not ${size}`);
  return envelope;
}

function structures(): readonly Draft[] {
  const good = makeRecord(contact());
  const of = (payload: Uint8Array, fields: Parameters<typeof signed>[0] = {}): Uint8Array =>
    encodeEnvelope(signed({ context: 'record', payload, ...fields }));
  const reject = 'reject E_STRUCTURE';
  return [
    judge('REC-010', 'size', 'size-928', 'an envelope of 928 bytes', ofSize(928)),
    judge('REC-010', 'size', 'size-929', 'an envelope of 929 bytes', ofSize(929), {}, 'reject E_SIZE'),
    judge('REC-010', 'order', 'size-structure', 'too long, and no envelope', new Uint8Array(929), {}, 'reject E_SIZE'),
    judge('REC-011', 'valid', 'in-order', 'a record in order', of(good)),
    judge('REC-011', 'structure', 'no-envelope', 'no bytes', new Uint8Array(), {}, reject),
    judge('REC-011', 'structure', 'envelope-trailing', 'a byte of zero behind the envelope', concat(of(good), u8(0)), {}, reject),
    judge('REC-011', 'structure', 'payload-trailing', 'a byte of zero behind the payload', of(concat(good, u8(0))), {}, reject),
    judge('REC-011', 'structure', 'two-bodies', 'two members of the body', of(concat(good, unhex('5a00'))), {}, reject),
    judge(
      'REC-011',
      'structure',
      'kind-6',
      'a kind that the schema does not name',
      of(concat(unhex('08011006'), good.slice(4))),
      {},
      reject,
    ),
    judge('REC-011', 'structure', 'context-app', 'signed as app', of(good, { context: 'app' }), {}, 'reject E_CONTEXT'),
    judge('REC-011', 'structure', 'context-provider', 'signed as provider', of(good, { context: 'provider' }), {}, 'reject E_CONTEXT'),
    judge('REC-011', 'structure', 'key-type-2', 'key type 2', of(good, { keyType: 2 }), {}, 'ignore E_KEY_TYPE'),
    judge(
      'REC-011',
      'structure',
      'version-2',
      'payload version 2',
      of(concat(unhex('0802'), good.slice(2))),
      {},
      'ignore E_PAYLOAD_VERSION',
    ),
    judge('REC-026', 'valid', 'signature', 'a signature in order', of(makeRecord(contact(CONTACT, { sequence: 8 })))),
    judge(
      'REC-026',
      'signature',
      'signature-zero',
      'a signature of zero bytes',
      of(good, { signature: new Uint8Array(64) }),
      {},
      'reject E_SIGNATURE',
    ),
    judge(
      'REC-026',
      'signature',
      'other-network',
      'signed for another network',
      makeEnvelope(utf8('other'), 'record', SEED, good),
      {},
      'reject E_SIGNATURE',
    ),
    judge(
      'REC-026',
      'signature',
      'other-key',
      'the key of somebody else',
      of(good, { publicKey: signedBy('bob') }),
      {},
      'reject E_SIGNATURE',
    ),
  ];
}

function signedBy(label: string): Uint8Array {
  // Any 32 bytes of another curve point: Bob's key, taken from an envelope of his.
  const envelope = makeEnvelope(NETWORK, 'record', seedOf(label), makeRecord(contact()));
  return envelope.slice(14, 46);
}

function times(): readonly Draft[] {
  const at = (clause: string, flag: string, id: string, comment: string, fields: MessageFields, way: Way, against?: string): Draft =>
    judge(clause, flag, id, comment, sealed(contact(CONTACT, { instance: 0, ...fields })), way, against);
  const late = 'ignore E_TIME';
  const over = 'ignore E_RECORD_OVER';
  const staked = { staked: true } as const;
  const pulled = { staked: true, pulled: true } as const;
  return [
    at('REC-021', 'window', 'push-30000-old', 'pushed 30,000 ms old', { wallclockMs: WALL - 30_000n }, staked),
    at('REC-021', 'window', 'push-30001-old', 'pushed 30,001 ms old', { wallclockMs: WALL - 30_001n }, staked, late),
    at('REC-021', 'window', 'pull-30001-old', 'pulled 30,001 ms old', { wallclockMs: WALL - 30_001n }, pulled),
    at('REC-021', 'window', 'pull-hour-old', 'pulled an hour old', { wallclockMs: WALL - HOUR }, pulled),
    at('REC-021', 'window', 'push-zero', 'wallclock_ms 0', { wallclockMs: 0 }, staked, late),
    at(
      'REC-021',
      'window',
      'push-clock-at-start',
      'wallclock_ms 0 and a clock of 1,000: nothing runs below zero',
      { wallclockMs: 0 },
      { wall: 1_000n },
    ),
    at('REC-022', 'window', 'push-30000-ahead', 'pushed 30,000 ms ahead', { wallclockMs: WALL + 30_000n }, staked),
    at('REC-022', 'window', 'push-30001-ahead', 'pushed 30,001 ms ahead', { wallclockMs: WALL + 30_001n }, staked, late),
    at('REC-022', 'window', 'pull-30000-ahead', 'pulled 30,000 ms ahead', { wallclockMs: WALL + 30_000n }, pulled),
    at('REC-022', 'window', 'pull-30001-ahead', 'pulled 30,001 ms ahead', { wallclockMs: WALL + 30_001n }, pulled, late),
    at(
      'REC-022',
      'window',
      'push-2-to-63',
      'wallclock_ms 2^63, which is negative to some readers',
      { wallclockMs: 2n ** 63n },
      staked,
      late,
    ),
    at('REC-022', 'window', 'pull-largest', 'wallclock_ms 2^64 − 1', { wallclockMs: LARGEST }, pulled, late),
    at('REC-023', 'over', 'over-own-ttl', 'its own time is over since 1 ms', { wallclockMs: WALL - 1_001n, ttlMs: 1_000 }, staked, over),
    at('REC-023', 'over', 'at-own-ttl', 'its own time ends now', { wallclockMs: WALL - 1_000n, ttlMs: 1_000 }, staked),
    at('REC-023', 'over', 'unstaked-15000', 'without stake, 15,000 ms old', { wallclockMs: WALL - 15_000n }, {}),
    at('REC-023', 'over', 'unstaked-15001', 'without stake, 15,001 ms old', { wallclockMs: WALL - 15_001n }, {}, over),
    at('REC-023', 'over', 'staked-15001', 'with stake, 15,001 ms old', { wallclockMs: WALL - 15_001n }, staked),
    at('REC-023', 'over', 'ttl-0', 'a time of 0 in the same millisecond', { ttlMs: 0 }, {}),
    at('REC-023', 'over', 'ttl-0-late', 'a time of 0, 1 ms later', { wallclockMs: WALL - 1n, ttlMs: 0 }, {}, over),
    at(
      'REC-023',
      'over',
      'ttl-largest',
      'a time of 2^64 − 1 overflows nothing',
      { wallclockMs: WALL - 172_800_000n, ttlMs: LARGEST },
      pulled,
    ),
    at('REC-023', 'over', 'staked-two-days', 'two days and 1 ms old', { wallclockMs: WALL - 172_800_001n, ttlMs: LARGEST }, pulled, over),
    at(
      'REC-014',
      'order',
      'order-form-window',
      'started after it was made, and too old',
      { instance: WALL, wallclockMs: WALL - 40_000n },
      staked,
      FORM,
    ),
    at(
      'REC-021',
      'order',
      'order-window-over',
      'too old for the window, and over',
      { wallclockMs: WALL - 40_000n, ttlMs: 1_000 },
      staked,
      late,
    ),
    judge(
      'REC-023',
      'order',
      'order-over-signature',
      'over, and no valid signature',
      encodeEnvelope(
        signed({
          context: 'record',
          payload: makeRecord(contact(CONTACT, { wallclockMs: WALL - 2n, ttlMs: 1, instance: 0 })),
          signature: new Uint8Array(64),
        }),
      ),
      {},
      over,
    ),
  ];
}

function newer(): readonly Draft[] {
  const of = (instance: bigint, sequence: bigint | number, wallclockMs: bigint = WALL, region = 'a'): Uint8Array =>
    sealed(contact({ region }, { instance, sequence, wallclockMs }));
  const pairs: [string, string, Uint8Array, Uint8Array][] = [
    ['later-instance', 'a later start', of(10n, 9), of(11n, 1)],
    ['earlier-instance', 'an earlier start, whatever the sequence', of(11n, 1), of(10n, LARGEST)],
    ['later-instance-older-clock', 'a later start and an older wall clock', of(10n, 9, WALL), of(11n, 1, WALL - 1_000_000n)],
    ['earlier-instance-newer-clock', 'an earlier start and a newer wall clock', of(11n, 9, WALL), of(10n, 9, WALL + 20_000n)],
    ['larger-sequence', 'a larger sequence', of(10n, 9), of(10n, 10)],
    ['smaller-sequence', 'a smaller sequence and a newer wall clock', of(10n, 10, WALL), of(10n, 9, WALL + 1_000n)],
    ['sequence-wide', 'sequences above 2^53', of(10n, 2n ** 53n), of(10n, 2n ** 53n + 1n)],
    ['instance-as-number', 'instances of other lengths', of(9n, 1), of(1_000n, 1)],
    ['the-same', 'the same record', of(10n, 9), of(10n, 9)],
  ];
  const equal = ['a', 'b', 'c', 'd'].map((region) => of(10n, 9, WALL, region));
  const ties = equal.flatMap((one, i) =>
    equal.flatMap((other, j): [string, string, Uint8Array, Uint8Array][] =>
      i === j ? [] : [[`tie-${i + 1}-${j + 1}`, 'equal instance and sequence: the ids decide', one, other]],
    ),
  );
  return [...pairs, ...ties].map(([id, comment, held, other]) => ({
    id,
    comment,
    clauses: ['REC-002'],
    flags: ['newer'],
    args: [NETWORK, held, other],
  }));
}

function overs(): readonly Draft[] {
  const cases: [bigint, bigint, 0 | 1, bigint][] = [
    [WALL, 1_000n, 1, WALL + 1_000n],
    [WALL, 1_000n, 1, WALL + 1_001n],
    [WALL, 1_000n, 1, WALL - 20_000n],
    [WALL, HOUR, 0, WALL + 15_000n],
    [WALL, HOUR, 0, WALL + 15_001n],
    [WALL, HOUR, 1, WALL + HOUR],
    [WALL, HOUR, 1, WALL + HOUR + 1n],
    [WALL, LARGEST, 1, WALL + 172_800_000n],
    [WALL, LARGEST, 1, WALL + 172_800_001n],
    [0n, 0n, 0, 0n],
    [0n, 0n, 0, 1n],
  ];
  return cases.map(([wallclock, ttl, staked, wall], index) => ({
    id: `over-${index + 1}`,
    comment: `${staked === 1 ? 'with' : 'without'} stake, a time of ${ttl} ms, ${wall - wallclock} ms after it was made`,
    clauses: ['REC-003'],
    flags: ['over'],
    args: [wallclock, ttl, staked, wall],
  }));
}

const BODIES: readonly (readonly [kind: number, message: string, member: string, body: MessageFields])[] = [
  [1, 'ContactRecord', 'contact', { ...CONTACT, via: [bytesOf('via', 32)], overlayRole: 3 }],
  [1, 'ContactRecord', 'contact', {}],
  [2, 'SnapshotHashesRecord', 'snapshotHashes', { full: { slot: 100_000, hash: HASH }, incremental: [{ slot: 100_100, hash: HASH }] }],
  [3, 'LedgerRangeRecord', 'ledgerRange', { firstSlot: 0, lastSlot: 2n ** 63n }],
  [4, 'HealthRecord', 'health', { sessions: 30, loadPermille: 250, syncSlot: 123_456, uptimeMs: 86_400_000 }],
  [5, 'VersionRecord', 'nodeVersion', VERSION],
];

function encodings(): readonly Draft[] {
  return BODIES.map(([kind, message, , body], index) => ({
    id: `kind-${kind}-${index + 1}`,
    comment: `a ${message}`,
    clauses: ['REC-012'],
    flags: ['valid'],
    args: [kind, kind === 3 ? 15 : 0, WALL - 5n, 2n ** 53n + 1n, WALL, HOUR, encodeMessage(message, body)],
  }));
}

function decodings(): readonly Draft[] {
  const taken = BODIES.map(
    ([kind, message, member, body], index): Draft => ({
      id: `kind-${kind}-${index + 1}`,
      comment: `a ${message}`,
      clauses: ['REC-012'],
      flags: ['valid'],
      args: [makeRecord(withBody(kind, member, body))],
    }),
  );
  const faulty: [string, string, string, Uint8Array, string][] = [
    ['REC-011', 'cut', 'the last byte cut off', makeRecord(contact()).slice(0, -1), 'E_STRUCTURE'],
    ['REC-011', 'no-version', 'no version', makeRecord(contact()).slice(2), 'E_STRUCTURE'],
    ['REC-011', 'unknown-field', 'a field 13', concat(makeRecord(contact()), unhex('6801')), 'E_STRUCTURE'],
    ['REC-012', 'other-member', 'kind version, body health', makeRecord(withBody(5, 'health', {})), 'E_RECORD_FORM'],
    [
      'REC-017',
      'backwards',
      'a range that runs backwards',
      makeRecord(withBody(3, 'ledgerRange', { firstSlot: 2, lastSlot: 1 })),
      'E_RECORD_FORM',
    ],
  ];
  return [
    ...taken,
    ...faulty.map(
      ([clause, id, comment, bytes, against]): Draft => ({
        id,
        comment,
        clauses: [clause],
        flags: [clause === 'REC-011' ? 'structure' : 'form'],
        args: [bytes],
        against,
      }),
    ),
  ];
}

/** All files of the folder. */
export function recordsFiles(): readonly GeneratedFile[] {
  const forms06 = ['REC-012', 'REC-013', 'REC-014', 'REC-015', 'REC-016', 'REC-017', 'REC-018', 'REC-019'];
  const judged = ['REC-010', 'REC-011', ...forms06, 'REC-021', 'REC-022', 'REC-023', 'REC-026'];
  return [
    modelFile('records/encode.json', 'record.encode', ['REC-012'], NOTES, encodings()),
    modelFile('records/decode.json', 'record.decode', ['REC-011', 'REC-012', 'REC-017'], NOTES, decodings()),
    modelFile('records/judge.json', 'record.judge', judged, NOTES, [...structures(), ...forms(), ...times()]),
    modelFile('records/newer.json', 'record.newer', ['REC-002'], NOTES, newer()),
    modelFile('records/over.json', 'record.over', ['REC-003'], NOTES, overs()),
  ];
}
