/** Vectors of the mempool: what is taken, what leaves for it, and the order of a block. Spec: MEM-001 to MEM-024 */
import { concat } from '../../model/bytes.ts';
import { encodeEnvelope } from '../../model/envelope.ts';
import { writeTransaction } from '../../model/mempool-evaluate.ts';
import { encodeMessage, type MessageFields } from '../../model/message.ts';
import { type Argument, bytesOf, type Draft, type GeneratedFile, modelFile, seedOf } from '../draft.ts';
import type { VectorNote } from '../file.ts';
import { NETWORK, signed } from './envelope-samples.ts';

const NOTES: Readonly<Record<string, VectorNote>> = {
  ledger: { bugType: 'EDGE_CASE', description: 'Slots, nonces and balances at their limits.' },
  price: { bugType: 'ROUNDING', description: 'Fees that a division or a double would take for equal, or for different.' },
  room: { bugType: 'RESOURCE_EXHAUSTION', description: 'The pool is full, by count or by bytes.' },
  order: { bugType: 'CONSENSUS_SPLIT', description: 'Prices and nonces ask for different orders.' },
  structure: { bugType: 'INPUT_VALIDATION', description: 'The envelope holds no transaction that could be carried out.' },
};

const SLOT = 1_000n;
const NONCE = 5n;
const BALANCE = 1_000_000n;

interface Offer {
  readonly by?: string;
  readonly nonce?: bigint | number;
  readonly fee?: bigint | number;
  readonly spends?: bigint | number;
  readonly until?: bigint | number;
  readonly bytes?: bigint | number;
  /** Last byte of the id, which is zero otherwise. */
  readonly id?: number;
}

let count = 0;

/** A transaction of the account `by`; ids count up unless they are given. */
function offer({ by = 'a', nonce = NONCE, fee = 10, spends, until = SLOT, bytes = 200, id }: Offer): Uint8Array {
  count += 1;
  const name = id ?? count;
  return writeTransaction({
    account: seedOf(`account ${by}`),
    id: Uint8Array.from({ length: 32 }, (_, at) => (at === 30 ? name >> 8 : at === 31 ? name & 0xff : 0)),
    nonce: BigInt(nonce),
    fee: BigInt(fee),
    spends: BigInt(spends ?? fee),
    validUntilSlot: BigInt(until),
    bytes: BigInt(bytes),
  });
}

function pool(clause: string, flag: string, id: string, comment: string, offers: readonly Offer[]): Draft {
  count = 0;
  const args: Argument[] = [SLOT, NONCE, BALANCE, ...offers.map(offer)];
  return { id, comment, clauses: [clause], flags: [flag], args };
}

/** Sixteen accounts, one transaction each, with fees from 100 on: the pool is full. */
const FULL: readonly Offer[] = Array.from({ length: 16 }, (_, index) => ({ by: `f${index}`, fee: 100 + index }));

const ADMITTED: readonly Draft[] = [
  pool('MEM-010', 'ledger', 'slot-last', 'valid until the slot of now', [{ until: SLOT }]),
  pool('MEM-010', 'ledger', 'slot-over', 'valid until the slot before', [{ until: SLOT - 1n }]),
  pool('MEM-010', 'ledger', 'slot-0', 'valid until slot 0', [{ until: 0 }]),
  pool('MEM-011', 'ledger', 'slot-far', 'valid for as long as may be', [{ until: SLOT + 4_096n }]),
  pool('MEM-011', 'ledger', 'slot-too-far', 'valid for a slot longer', [{ until: SLOT + 4_097n }]),
  pool('MEM-011', 'ledger', 'slot-largest', 'valid for ever', [{ until: 2n ** 64n - 1n }]),
  pool('MEM-012', 'ledger', 'nonce-next', 'the nonce that comes next', [{ nonce: NONCE }]),
  pool('MEM-012', 'ledger', 'nonce-used', 'the nonce that was used last', [{ nonce: NONCE - 1n }]),
  pool('MEM-013', 'ledger', 'nonce-last', 'the eighth nonce', [{ nonce: NONCE + 7n }]),
  pool('MEM-013', 'ledger', 'nonce-ahead', 'the ninth nonce', [{ nonce: NONCE + 8n }]),
  pool('MEM-013', 'ledger', 'nonce-largest', 'nonce 2^64 − 1', [{ nonce: 2n ** 64n - 1n }]),
  pool('MEM-014', 'ledger', 'balance-all', 'everything that the account has', [{ spends: BALANCE }]),
  pool('MEM-014', 'ledger', 'balance-one-more', 'one more than the account has', [{ spends: BALANCE + 1n }]),
  pool('MEM-014', 'ledger', 'balance-2-to-64', 'fee and amount together are 2^64 − 1', [{ spends: 2n ** 64n - 1n }]),
  pool('MEM-015', 'price', 'replace-tenth', 'a tenth more', [{ fee: 100 }, { fee: 110 }]),
  pool('MEM-015', 'price', 'replace-less-than-a-tenth', 'less than a tenth more', [{ fee: 100 }, { fee: 109 }]),
  pool('MEM-015', 'price', 'replace-same', 'the same fee', [{ fee: 100 }, { fee: 100 }]),
  pool('MEM-015', 'price', 'replace-free', 'no fee for no fee', [{ fee: 0 }, { fee: 0 }, { fee: 1 }]),
  pool('MEM-015', 'price', 'replace-rounded', 'a tenth of 15 is no whole number', [{ fee: 15 }, { fee: 16 }, { fee: 17 }]),
  pool('MEM-015', 'price', 'replace-large', 'fees that a double takes for equal', [
    { fee: 10n ** 17n, spends: 1 },
    { fee: 11n * 10n ** 16n - 1n, spends: 1 },
    { fee: 11n * 10n ** 16n, spends: 1 },
  ]),
  pool('MEM-015', 'price', 'replace-other', 'another account, another nonce: nothing is replaced', [
    { fee: 100 },
    { fee: 1, nonce: NONCE + 1n },
    { fee: 1, by: 'b' },
  ]),
  pool('MEM-016', 'room', 'room-cheaper', 'a full pool and a cheaper newcomer', [...FULL, { by: 'z', fee: 99 }]),
  pool('MEM-016', 'room', 'room-dearer', 'a full pool and a dearer newcomer, then the same price', [
    ...FULL,
    { by: 'y', fee: 500 },
    { by: 'z', fee: 101 },
  ]),
  pool('MEM-016', 'room', 'room-same-price', 'at the same price the smaller id stays', [
    ...FULL.slice(1),
    { by: 'x', fee: 100, id: 50 },
    { by: 'y', fee: 100, id: 60 },
    { by: 'z', fee: 100, id: 40 },
  ]),
  pool('MEM-016', 'room', 'room-own-account', 'an account makes no room for itself', [
    ...Array.from({ length: 8 }, (_, index) => ({ fee: 1, nonce: NONCE + BigInt(index) })),
    ...FULL.slice(0, 8),
    { fee: 50, by: 'q' },
    { fee: 90, by: 'r', nonce: NONCE },
  ]),
  pool('MEM-016', 'room', 'room-last-first', 'the last nonce of an account leaves first, however dear the ones before', [
    ...Array.from({ length: 15 }, (_, index) => ({ by: `f${index}`, fee: 1_000 })),
    { by: 'f0', fee: 10, nonce: NONCE + 1n },
    { by: 'z', fee: 500 },
    { by: 'y', fee: 600 },
  ]),
  pool('MEM-016', 'room', 'room-bytes', 'eight large ones fill the pool by bytes', [
    ...Array.from({ length: 8 }, (_, index) => ({ by: `f${index}`, fee: 8_192 + index, bytes: 8_192 })),
    { by: 'small', fee: 1, bytes: 100 },
    { by: 'dear', fee: 200, bytes: 100 },
  ]),
  pool('MEM-016', 'room', 'room-not-enough', 'nothing leaves when it would not be enough', [
    ...Array.from({ length: 8 }, (_, index) => ({ by: `f${index}`, fee: index === 0 ? 0 : 16_384, bytes: 8_192 })),
    { by: 'large', fee: 9_000, bytes: 9_000 },
    { by: 'small', fee: 1, bytes: 100 },
  ]),
  pool('MEM-016', 'room', 'room-replacing', 'a replacement needs no room of its own', [...FULL, { by: 'f3', fee: 200 }]),
  pool('MEM-017', 'ledger', 'taken', 'nothing speaks against it', [{}, { by: 'b' }]),
];

const ORDERED: readonly Draft[] = [
  pool('MEM-023', 'order', 'by-price', 'the dearest first', [
    { by: 'a', fee: 5 },
    { by: 'b', fee: 9 },
    { by: 'c', fee: 7 },
  ]),
  pool('MEM-023', 'order', 'by-byte', 'per byte, not in all', [
    { by: 'a', fee: 100, bytes: 1_000 },
    { by: 'b', fee: 50, bytes: 200 },
    { by: 'c', fee: 30, bytes: 100 },
  ]),
  pool('MEM-023', 'price', 'by-exact-price', 'prices that a double takes for equal', [
    { by: 'a', fee: 10n ** 17n, spends: 1, bytes: 3 },
    { by: 'b', fee: 10n ** 17n + 1n, spends: 1, bytes: 3 },
  ]),
  pool('MEM-023', 'order', 'by-id', 'at the same price the smaller id', [
    { by: 'a', fee: 10, bytes: 100, id: 300 },
    { by: 'b', fee: 20, bytes: 200, id: 255 },
    { by: 'c', fee: 30, bytes: 300, id: 256 },
  ]),
  pool('MEM-024', 'order', 'by-nonce', 'a dear one waits for the cheap one before it', [
    { by: 'a', fee: 1 },
    { by: 'a', fee: 1_000, nonce: NONCE + 1n },
    { by: 'b', fee: 10 },
    { by: 'b', fee: 5, nonce: NONCE + 1n },
  ]),
  pool('MEM-024', 'order', 'gap', 'nothing behind a gap', [
    { by: 'a', nonce: NONCE + 1n, fee: 1_000 },
    { by: 'b', fee: 10 },
    { by: 'b', nonce: NONCE + 2n, fee: 100 },
  ]),
  pool('MEM-024', 'order', 'gap-filled', 'a gap that is filled later', [
    { by: 'a', nonce: NONCE + 1n, fee: 1_000 },
    { by: 'b', fee: 10 },
    { by: 'a', fee: 20 },
  ]),
  pool('MEM-023', 'order', 'replaced', 'the old one is gone', [
    { by: 'a', fee: 10 },
    { by: 'b', fee: 15 },
    { by: 'a', fee: 20 },
  ]),
];

const WALL = 1_700_000_000_000n;

function transaction(fields: MessageFields, trailing: Uint8Array = new Uint8Array()): Uint8Array {
  const payload = encodeMessage('Transaction', { version: 1, createdMs: WALL, nonce: 5n, validUntilSlot: 9n, fee: 3n, ...fields });
  return encodeEnvelope(signed({ context: 'transaction', payload: concat(payload, trailing) }));
}

const ENTRY: MessageFields = { entry: { data: bytesOf('entry', 5) } };

function sized(size: number): Uint8Array {
  const overhead = transaction({ entry: { data: bytesOf('entry', 4_000) } }).length - 4_000;
  const envelope = transaction({ entry: { data: bytesOf('entry', size - overhead) } });
  if (envelope.length !== size) throw new Error(`the transaction has ${envelope.length} bytes, not ${size}`);
  return envelope;
}

function judge(clause: string, id: string, comment: string, envelope: Uint8Array, against?: string, wall: bigint = WALL, hops = 0): Draft {
  return {
    id,
    comment,
    clauses: [clause],
    flags: ['structure'],
    args: [NETWORK, 'tx', wall, hops, envelope],
    ...(against === undefined ? {} : { against }),
  };
}

/** Cases that clauses of gossip decide, which MEM-001 asks for. */
const OF_CHAPTER_5: ReadonlyMap<string, string> = new Map([
  ['past', 'GSP-016'],
  ['future', 'GSP-017'],
  ['hops', 'GSP-011'],
  ['signature', 'GSP-018'],
]);

const JUDGED: readonly Draft[] = [
  judge('MEM-003', 'entry', 'an entry', transaction(ENTRY)),
  judge('MEM-003', 'transfer', 'a transfer', transaction({ transfer: { to: seedOf('bob'), amount: 7n } })),
  judge('MEM-001', 'entry-empty', 'an entry without data is a body', transaction({ entry: { data: new Uint8Array() } })),
  judge('MEM-001', 'zeros', 'nonce, slot and fee 0', transaction({ ...ENTRY, nonce: 0n, validUntilSlot: 0n, fee: 0n })),
  judge('MEM-001', 'app-payload', 'a message of an application', encodeEnvelope(signed({})), 'reject E_CONTEXT'),
  judge('MEM-001', 'trailing', 'a byte behind the payload', transaction(ENTRY, Uint8Array.of(0)), 'reject E_STRUCTURE'),
  judge('MEM-001', 'version-2', 'a payload version of later', transaction({ ...ENTRY, version: 2 }), 'ignore E_PAYLOAD_VERSION'),
  judge('MEM-002', 'size-8192', 'an envelope of 8,192 bytes', sized(8_192)),
  judge('MEM-002', 'size-8193', 'an envelope of 8,193 bytes', sized(8_193), 'reject E_SIZE'),
  judge('MEM-003', 'no-body', 'a transaction without a body', transaction({}), 'reject E_STRUCTURE'),
  judge(
    'MEM-003',
    'to-31',
    'a transfer to 31 bytes',
    transaction({ transfer: { to: bytesOf('to', 31), amount: 7n } }),
    'reject E_STRUCTURE',
  ),
  judge(
    'MEM-003',
    'to-33',
    'a transfer to 33 bytes',
    transaction({ transfer: { to: bytesOf('to', 33), amount: 7n } }),
    'reject E_STRUCTURE',
  ),
  judge(
    'MEM-003',
    'to-nobody',
    'a transfer to nobody',
    transaction({ transfer: { to: new Uint8Array(), amount: 7n } }),
    'reject E_STRUCTURE',
  ),
  judge('MEM-001', 'past', 'a transaction that is too old', transaction(ENTRY), 'ignore E_TIME', WALL + 60_001n),
  judge('MEM-001', 'future', 'a transaction that is too far ahead', transaction(ENTRY), 'ignore E_TIME', WALL - 501n),
  judge('MEM-001', 'hops', 'too many hops', transaction(ENTRY), 'ignore E_STRUCTURE', WALL, 33),
  judge(
    'MEM-001',
    'signature',
    'a signature of another payload',
    encodeEnvelope({
      ...signed({ context: 'transaction', payload: encodeMessage('Transaction', { version: 1, createdMs: WALL, ...ENTRY }) }),
      signature: signed({}).signature,
    }),
    'reject E_SIGNATURE',
  ),
].map((draft) => {
  const decidedBy = OF_CHAPTER_5.get(draft.id);
  return decidedBy === undefined ? draft : { ...draft, decidedBy };
});

/** The files of `vectors/mempool/`. */
export function mempoolFiles(): readonly GeneratedFile[] {
  return [
    modelFile('mempool/judge.json', 'gossip.judge', ['MEM-001', 'MEM-002', 'MEM-003'], NOTES, JUDGED),
    modelFile(
      'mempool/admit.json',
      'mempool.admit',
      ['MEM-010', 'MEM-011', 'MEM-012', 'MEM-013', 'MEM-014', 'MEM-015', 'MEM-016', 'MEM-017'],
      NOTES,
      ADMITTED,
    ),
    modelFile('mempool/order.json', 'mempool.order', ['MEM-023', 'MEM-024'], NOTES, ORDERED),
  ];
}
