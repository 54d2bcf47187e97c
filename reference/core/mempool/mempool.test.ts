import { create } from '@bufbuild/protobuf';
import { describe, expect, test } from 'vitest';
import { type Transaction, TransactionSchema } from '../../../proto/gen/carillon/v1/mempool_pb.ts';
import { encodeUtf8 } from '../bytes.ts';
import { portableCrypto } from '../crypto/portable.ts';
import { makeParams, type Params } from '../params.ts';
import { createRng } from '../rng.ts';
import type { LinkId, MessageId, PeerId } from '../types.ts';
import { KEY_TYPE_ED25519, sealEnvelope } from '../wire/envelope.ts';
import { derivePeerId } from '../wire/peer-id.ts';
import { encodeStrict } from '../wire/strict.ts';
import { TRANSACTION_CONTEXT } from '../wire/transaction.ts';
import { blockOrder } from './block-order.ts';
import { createMempool, type LedgerPort, type MempoolOutput } from './machine.ts';
import { type Candidate, Pool } from './pool.ts';
import { isDearer } from './price.ts';

function paramsOf(overrides: Readonly<Record<string, string>> = {}): Params {
  const made = makeParams('conformance', overrides);
  if (!made.ok) throw new Error(made.message);
  return made.params;
}

const account = (name: string): PeerId => name.padEnd(64, '0') as PeerId;

let made = 0;
function candidate(name: string, nonce: number, fee: number, more: Partial<Candidate> = {}): Candidate {
  made += 1;
  return {
    id: String(made).padStart(64, '0') as MessageId,
    account: account(name),
    nonce: BigInt(nonce),
    fee: BigInt(fee),
    validUntilSlot: 100n,
    createdMs: 0,
    acceptedMs: 0,
    envelope: new Uint8Array(100),
    bytes: 100,
    spends: BigInt(fee),
    ...more,
  };
}

const MOMENT = { slot: 10n, nonce: 0n, balance: 1_000_000n };

describe('judging', () => {
  test.each([
    ['MEM-010', { validUntilSlot: 9n }, 'E_EXPIRED'],
    ['MEM-011', { validUntilSlot: 10n + 4097n }, 'E_EXPIRED'],
    ['MEM-013', { nonce: 8n }, 'E_NONCE'],
    ['MEM-014', { spends: 1_000_001n }, 'E_BALANCE'],
  ])('%s', (clause, more, code) => {
    expect(new Pool(paramsOf()).admit(candidate('a', 0, 1, more), MOMENT)).toMatchObject({ ok: false, clause, code });
  });

  test('the edges are inside', () => {
    const pool = new Pool(paramsOf());
    expect(pool.admit(candidate('a', 0, 1, { validUntilSlot: 10n, spends: 1_000_000n }), MOMENT)).toMatchObject({ ok: true });
    expect(pool.admit(candidate('b', 7, 1, { validUntilSlot: 10n + 4096n }), MOMENT)).toMatchObject({ ok: true });
  });

  test('MEM-012 a nonce that was used', () => {
    expect(new Pool(paramsOf()).admit(candidate('a', 4, 1), { ...MOMENT, nonce: 5n })).toMatchObject({ clause: 'MEM-012' });
  });

  test('MEM-015, MEM-020: a replacement costs a tenth more, and takes the place', () => {
    const pool = new Pool(paramsOf());
    const old = candidate('a', 0, 100);
    pool.admit(old, MOMENT);
    expect(pool.admit(candidate('a', 0, 109), MOMENT)).toMatchObject({ ok: false, clause: 'MEM-015' });
    expect(pool.admit(candidate('a', 0, 110), MOMENT)).toMatchObject({ ok: true, replaced: { id: old.id } });
    expect(pool.count).toBe(1);
    expect(new Pool(paramsOf({ 'mempool.replace_percent': '0' })).admit(candidate('b', 0, 0), MOMENT)).toMatchObject({ ok: true });
  });
});

describe('room', () => {
  const full = paramsOf({ 'mempool.count_max': '3' });

  test('MEM-016, MEM-021: the cheapest last transaction of another account leaves for a dearer one', () => {
    const pool = new Pool(full);
    const [a0, a1, b0] = [candidate('a', 0, 1), candidate('a', 1, 50), candidate('b', 0, 20)];
    for (const entry of [a0, a1, b0]) pool.admit(entry, MOMENT);
    expect(pool.admit(candidate('c', 0, 10), MOMENT)).toMatchObject({ ok: false, code: 'E_POOL_FULL' });
    expect(pool.count).toBe(3);
    expect(pool.admit(candidate('c', 0, 30), MOMENT)).toMatchObject({ ok: true, evicted: [{ id: b0.id }] });
    expect(pool.admit(candidate('d', 0, 60), MOMENT)).toMatchObject({ ok: true, evicted: [{ fee: 30n }] });
    expect(pool.admit(candidate('e', 0, 70), MOMENT)).toMatchObject({ ok: true, evicted: [{ id: a1.id }] });
    expect(pool.admit(candidate('f', 0, 2), MOMENT)).toMatchObject({ ok: true, evicted: [{ id: a0.id }] });
  });

  test('the newcomer makes no room at its own account', () => {
    const pool = new Pool(full);
    for (const nonce of [0, 1, 2]) pool.admit(candidate('a', nonce, 1), MOMENT);
    expect(pool.admit(candidate('a', 3, 99), MOMENT)).toMatchObject({ ok: false, code: 'E_POOL_FULL' });
    expect(pool.admit(candidate('b', 0, 99), MOMENT)).toMatchObject({ ok: true, evicted: [{ nonce: 2n }] });
  });

  test('bytes count as well, and nothing leaves when it is not enough', () => {
    const pool = new Pool(paramsOf({ 'mempool.bytes_max': '32768' }));
    for (const name of ['a', 'b', 'c', 'd']) pool.admit(candidate(name, 0, 8_000, { bytes: 8_000 }), MOMENT);
    expect(pool.admit(candidate('e', 0, 8_100, { bytes: 8_000 }), MOMENT)).toMatchObject({ ok: true, evicted: [{ fee: 8_000n }] });
    // Dearer per byte than two of them, and room is needed for three.
    pool.admit(candidate('f', 0, 99, { bytes: 10 }), MOMENT);
    expect(pool.bytes).toBe(32_010);
    expect(pool.admit(candidate('g', 0, 20_000, { bytes: 20_000 }), MOMENT)).toMatchObject({ ok: false });
    expect(pool.bytes).toBe(32_010);
  });

  test('what is passed over does not pile up', () => {
    const pool = new Pool(paramsOf());
    for (let round = 0; round < 500; round++)
      pool.admit(candidate('a', 0, 2 ** Math.min(round, 40) + round * 2 ** 41), { ...MOMENT, balance: 2n ** 60n });
    expect(pool.count).toBe(1);
  });
});

describe('block order', () => {
  test('MEM-023, MEM-024: dearest first, nonces in order, nothing behind a gap', () => {
    const pool = new Pool(paramsOf());
    const entries = [candidate('a', 0, 1), candidate('a', 1, 90), candidate('b', 0, 50), candidate('b', 1, 10), candidate('c', 1, 99)];
    for (const entry of entries) pool.admit(entry, MOMENT);
    const order = blockOrder(pool.accounts, () => 0n, 10).map(({ account: who, nonce }) => `${who[0]}${nonce}`);
    expect(order).toEqual(['b0', 'b1', 'a0', 'a1']);
    expect(blockOrder(pool.accounts, () => 0n, 2)).toHaveLength(2);
  });

  test('equal prices are ordered by id', () => {
    const [a, b] = [candidate('a', 0, 10), candidate('b', 0, 20, { bytes: 200 })];
    expect(isDearer(a, b)).toBe(true);
    expect(isDearer(b, a)).toBe(false);
  });
});

describe('the machine', () => {
  const seed = portableCrypto.sha256(encodeUtf8('carol'));
  const carol = derivePeerId(portableCrypto, KEY_TYPE_ED25519, portableCrypto.ed25519PublicKey(seed));
  const networkId = encodeUtf8('test');
  const leader = account('f');
  const ledger: LedgerPort = {
    slotAt: (wallMs) => BigInt(Math.floor(wallMs / 600)),
    slotStartMs: (slot) => Number(slot) * 600,
    accountOf: () => ({ nonce: 0n, balance: 100n }),
    leaderOf: (slot) => (slot === 12n ? leader : undefined),
  };

  function bench(overrides: Readonly<Record<string, string>> = {}) {
    const machine = createMempool({
      params: paramsOf(overrides),
      crypto: portableCrypto,
      rng: createRng(seed),
      networkId,
      identitySeed: seed,
      self: account('0'),
      ledger,
      sessionOf: (peer) => (peer === leader ? (7 as LinkId) : undefined),
    });
    const run = (input: Parameters<typeof machine.handle>[0], atMs: number): readonly MempoolOutput[] =>
      machine.handle(input, { monoMs: atMs, wallMs: atMs });
    return { machine, run };
  }

  function seal(fields: Partial<Pick<Transaction, 'nonce' | 'fee' | 'validUntilSlot' | 'createdMs'>> = {}): Uint8Array {
    const payload = create(TransactionSchema, {
      version: 1,
      createdMs: 1n,
      validUntilSlot: 20n,
      fee: 5n,
      body: { case: 'entry', value: { data: Uint8Array.of(1) } },
      ...fields,
    });
    return sealEnvelope(portableCrypto, networkId, TRANSACTION_CONTEXT, seed, encodeStrict(TransactionSchema, payload));
  }

  test('MEM-025: what is submitted is judged, and spread', () => {
    const { run, machine } = bench();
    const out = run({ type: 'local', token: 1, request: { type: 'mempool.submit', envelope: seal() } }, 600);
    expect(out).toMatchObject([
      { type: 'spreadTransaction', origin: carol },
      { type: 'outcome', token: 1, outcome: { type: 'mempool.accepted' } },
    ]);
    expect(machine.set.size()).toBe(1);
    const [item] = [...machine.set.items()];
    expect(item && machine.set.idOf(machine.set.bytesOf(item.id) ?? new Uint8Array(0))).toBe(item?.id);
    for (const [envelope, code] of [
      [seal(), 'E_DUPLICATE'],
      [seal({ fee: 101n, nonce: 1n }), 'E_BALANCE'],
      [seal({ createdMs: 100_000n }), 'E_TIME'],
      [new Uint8Array(9_000), 'E_SIZE'],
      [new Uint8Array(9), 'E_STRUCTURE'],
    ] as const) {
      expect(run({ type: 'local', token: 2, request: { type: 'mempool.submit', envelope } }, 700)).toMatchObject([
        { outcome: { type: 'mempool.refused', code } },
      ]);
    }
    expect(
      bench({ 'mempool.mode': 'off' }).run({ type: 'local', token: 3, request: { type: 'mempool.submit', envelope: seal() } }, 1),
    ).toMatchObject([{ outcome: { code: 'E_TOPIC' } }]);
  });

  test('MEM-022: a transaction leaves with its last slot', () => {
    const { run, machine } = bench();
    run({ type: 'local', token: 1, request: { type: 'mempool.submit', envelope: seal({ validUntilSlot: 2n }) } }, 600);
    expect(machine.deadline()).toBe(1200);
    expect(run({ type: 'tick' }, 1200)).toEqual([]);
    expect(run({ type: 'tick' }, 1800)).toMatchObject([{ type: 'notice', notice: { type: 'mempool.dropped', code: 'E_EXPIRED' } }]);
    expect(machine.deadline()).toBeUndefined();
  });

  test('MEM-031: a leader that has come near gets what is ready, once', () => {
    const { run, machine } = bench();
    run({ type: 'local', token: 1, request: { type: 'mempool.submit', envelope: seal() } }, 600);
    run({ type: 'local', token: 2, request: { type: 'mempool.submit', envelope: seal({ nonce: 2n }) } }, 600);
    expect(machine.comingLeaders(9 * 600)).toEqual([]);
    expect(machine.comingLeaders(10 * 600)).toEqual([leader]);
    expect(run({ type: 'tick' }, 9 * 600)).toEqual([]);
    expect(run({ type: 'tick' }, 10 * 600)).toMatchObject([{ type: 'forwardTransactions', link: 7, items: [{}] }]);
    expect(run({ type: 'tick' }, 11 * 600)).toEqual([]);
  });
});
