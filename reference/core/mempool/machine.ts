/** The mempool machine: judges transactions against the ledger and the pool, and hands them to leaders. Spec: chapter 05, "Mempool" */

import type { Transaction } from '../../../proto/gen/carillon/v1/mempool_pb.ts';
import { assertNever } from '../errors.ts';
import type { Machine } from '../machine.ts';
import type { ReconcilableSet } from '../reconciliation/contract.ts';
import type { ErrorName, MessageId, MonoMs, Now, PeerId, WallMs } from '../types.ts';
import { envelopeId, envelopeOrigin, verifyEnvelope } from '../wire/envelope.ts';
import { openTransaction, spendsOf } from '../wire/transaction.ts';
import { blockOrder } from './block-order.ts';
import type { MempoolInput, MempoolOptions, MempoolOutput, MempoolRequest } from './contract.ts';
import { type Admission, type Candidate, Pool, type PoolEntry } from './pool.ts';

export type { LedgerPort, MempoolInput, MempoolOptions, MempoolOutput } from './contract.ts';

/** The machine, with its read-only ports. */
export interface MempoolMachine extends Machine<MempoolInput, MempoolOutput> {
  /** The transactions as a set for chapter 07. */
  readonly set: ReconcilableSet;
  /** The leaders of the slot of now and of those that come, this node left out; each once, the soonest first. */
  comingLeaders(wallMs: WallMs): readonly PeerId[];
  /** The state as plain data, for people and tests; no secrets. */
  view(): unknown;
}

interface State {
  readonly options: MempoolOptions;
  readonly pool: Pool;
  readonly out: MempoolOutput[];
  /** Slot that the pool was swept for, and the leaders that were near then. */
  slot: bigint;
  leaders: readonly PeerId[];
  nextSlotAtMs: MonoMs | undefined;
  /** What the pool let go of, and until when gossip ignores it as seen. A part of what gossip remembers, and bounded with it. */
  readonly left: Map<MessageId, MonoMs>;
  /** How many there were when those were last forgotten that are over. */
  leftAfterSweep: number;
}

/** Starts with an empty pool. */
export function createMempool(options: MempoolOptions): MempoolMachine {
  const state: State = {
    options,
    pool: new Pool(options.params),
    out: [],
    slot: -1n,
    leaders: [],
    nextSlotAtMs: undefined,
    left: new Map(),
    leftAfterSweep: 0,
  };
  return {
    handle(input, now) {
      beginSlot(state, now);
      take(state, input, now);
      state.nextSlotAtMs = state.pool.count === 0 ? undefined : nextSlotMs(state, now);
      return state.out.splice(0);
    },
    deadline: () => state.nextSlotAtMs,
    comingLeaders: (wallMs) => comingLeaders(options, options.ledger.slotAt(wallMs)),
    set: {
      name: 'transactions',
      size: () => state.pool.count,
      items: () => state.pool.entries().map(({ id, createdMs }) => ({ id, timeMs: createdMs })),
      bytesOf: (id) => state.pool.get(id)?.envelope,
      unwanted: (sinceMs, nowMs) => unwanted(state, sinceMs, nowMs),
      idOf: (bytes) => {
        const opened = openTransaction(bytes);
        return opened.verdict === 'ok' ? envelopeId(options.crypto, options.networkId, opened.envelope) : undefined;
      },
    },
    view: () => ({ transactions: state.pool.count, bytes: state.pool.bytes, accounts: state.pool.accounts.size, slot: String(state.slot) }),
  };
}

function take(state: State, input: MempoolInput, now: Now): void {
  switch (input.type) {
    case 'judgeTransaction': {
      const { token, id, origin, envelope, transaction } = input;
      const admission = admit(state, candidateOf(id, origin, envelope, transaction, now.monoMs), now);
      const refusal = admission.ok ? { code: undefined, clause: undefined } : { code: admission.code, clause: admission.clause };
      state.out.push({ type: 'transactionJudged', token, verdict: admission.ok ? 'accept' : 'ignore', ...refusal });
      return;
    }
    case 'reconciled':
      if (input.set === 'transactions') state.out.push({ type: 'transactionsArrived', link: input.link, envelopes: input.items });
      return;
    case 'local':
      serve(state, input.token, input.request as MempoolRequest, now);
      return;
    case 'tick':
      return;
    default:
      assertNever(input);
  }
}

function candidateOf(id: MessageId, account: PeerId, envelope: Uint8Array, transaction: Transaction, nowMs: MonoMs): Candidate {
  const { nonce, fee, validUntilSlot, createdMs } = transaction;
  return {
    id,
    account,
    nonce,
    fee,
    validUntilSlot,
    createdMs: Number(createdMs),
    acceptedMs: nowMs,
    envelope,
    bytes: envelope.length,
    spends: spendsOf(transaction),
  };
}

function admit(state: State, candidate: Candidate, now: Now): Admission {
  const { ledger } = state.options;
  const admission = state.pool.admit(candidate, { slot: ledger.slotAt(now.wallMs), ...ledger.accountOf(candidate.account) });
  if (!admission.ok) return admission;
  if (admission.replaced !== undefined) drop(state, admission.replaced, 'E_UNDERPRICED', now.monoMs);
  for (const entry of admission.evicted) drop(state, entry, 'E_POOL_FULL', now.monoMs);
  return admission;
}

function drop(state: State, { id, acceptedMs }: PoolEntry, code: ErrorName, nowMs: MonoMs): void {
  state.out.push({ type: 'notice', notice: { type: 'mempool.dropped', id, code } });
  const untilMs = acceptedMs + state.options.params['gossip.seen_ttl_ms'];
  if (untilMs >= nowMs) state.left.set(id, untilMs);
  if (state.left.size <= 2 * state.leftAfterSweep + LEFT_UNSWEPT) return;
  for (const [other, overMs] of state.left) if (overMs < nowMs) state.left.delete(other);
  state.leftAfterSweep = state.left.size;
}

/** So many ids of transactions that left are not worth a sweep. */
const LEFT_UNSWEPT = 64;

/** Spec: MEM-037 */
function unwanted({ pool, left }: State, sinceMs: MonoMs, nowMs: MonoMs): readonly MessageId[] {
  const ids: MessageId[] = [];
  for (const { id, acceptedMs } of pool.entries()) if (acceptedMs >= sinceMs) ids.push(id);
  for (const [id, untilMs] of left) if (untilMs >= nowMs) ids.push(id);
  return ids;
}

function serve(state: State, token: number, request: MempoolRequest, now: Now): void {
  switch (request.type) {
    case 'mempool.submit':
      submit(state, token, request.envelope, now);
      return;
    case 'mempool.list': {
      const entries = blockOrder(state.pool.accounts, (account) => state.options.ledger.accountOf(account).nonce, request.countMax);
      state.out.push({ type: 'outcome', token, outcome: { type: 'mempool.listed', ids: entries.map(({ id }) => id) } });
      return;
    }
    default:
      assertNever(request);
  }
}

/** A submitted transaction that is in the pool now, or why it is not. */
type Submission =
  | { readonly ok: true; readonly id: MessageId; readonly origin: PeerId }
  | { readonly ok: false; readonly code: ErrorName; readonly message: string };

/** Spec: MEM-025 */
function submit(state: State, token: number, envelope: Uint8Array, now: Now): void {
  const submission = judgeSubmitted(state, envelope, now);
  if (!submission.ok) {
    const { code, message } = submission;
    state.out.push({ type: 'outcome', token, outcome: { type: 'mempool.refused', code, message } });
    return;
  }
  const { id, origin } = submission;
  state.out.push({ type: 'spreadTransaction', id, origin, envelope });
  state.out.push({ type: 'outcome', token, outcome: { type: 'mempool.accepted', id } });
}

function judgeSubmitted(state: State, envelope: Uint8Array, now: Now): Submission {
  const { params, crypto, networkId } = state.options;
  const refuse = (code: ErrorName, message: string): Submission => ({ ok: false, code, message });
  if (params['mempool.mode'] === 'off') return refuse('E_TOPIC', 'expected a node with mempool.mode on; this one keeps no pool');
  const bytesMax = params['mempool.transaction_bytes_max'];
  if (envelope.length > bytesMax) return refuse('E_SIZE', `expected an envelope of at most ${bytesMax} bytes, found ${envelope.length}`);
  const opened = openTransaction(envelope);
  if (opened.verdict !== 'ok') return refuse(opened.code, `expected the envelope of a transaction (${opened.clause}); sign a Transaction`);
  const id = envelopeId(crypto, networkId, opened.envelope);
  if (state.pool.get(id) !== undefined) return refuse('E_DUPLICATE', 'the pool holds this transaction already');
  const { createdMs } = opened.payload;
  const wallMs = BigInt(now.wallMs);
  if (createdMs < wallMs - BigInt(params['clock.past_ms_max']) || createdMs > wallMs + BigInt(params['clock.future_ms_max'])) {
    return refuse('E_TIME', `expected created_ms near ${wallMs}, found ${createdMs}; sign anew with the time of now`);
  }
  if (!verifyEnvelope(crypto, networkId, opened.envelope)) return refuse('E_SIGNATURE', 'the signature is not valid for this network');
  const origin = envelopeOrigin(crypto, opened.envelope);
  const admission = admit(state, candidateOf(id, origin, envelope, opened.payload, now.monoMs), now);
  return admission.ok ? { ok: true, id, origin } : refuse(admission.code, `the pool does not take it (${admission.clause})`);
}

function comingLeaders({ ledger, params, self }: MempoolOptions, slot: bigint): readonly PeerId[] {
  const leaders = new Set<PeerId>();
  for (let ahead = 0; ahead <= params['mempool.forward_slots']; ahead++) {
    const leader = ledger.leaderOf(slot + BigInt(ahead));
    if (leader !== undefined && leader !== self) leaders.add(leader);
  }
  return [...leaders];
}

/** Lets go of what no block takes any more, and hands the rest to leaders that have come near. Spec: MEM-022, MEM-031 */
function beginSlot(state: State, now: Now): void {
  const { ledger, params, sessionOf } = state.options;
  const slot = ledger.slotAt(now.wallMs);
  if (slot === state.slot) return;
  state.slot = slot;
  for (const entry of state.pool.entries()) {
    const isOver = entry.validUntilSlot < slot;
    if (!isOver && entry.nonce >= ledger.accountOf(entry.account).nonce) continue;
    state.pool.remove(entry);
    drop(state, entry, isOver ? 'E_EXPIRED' : 'E_NONCE', now.monoMs);
  }
  const leaders = comingLeaders(state.options, slot);
  const fresh = leaders.filter((leader) => !state.leaders.includes(leader));
  state.leaders = leaders;
  if (fresh.length === 0 || state.pool.count === 0) return;
  const ready = blockOrder(state.pool.accounts, (account) => ledger.accountOf(account).nonce, params['mempool.forward_max']);
  for (const leader of fresh) {
    const link = sessionOf(leader);
    if (link !== undefined && ready.length > 0) {
      state.out.push({ type: 'forwardTransactions', link, items: ready.map(({ id, envelope }) => ({ id, envelope })) });
    }
  }
}

function nextSlotMs(state: State, now: Now): MonoMs | undefined {
  const startMs = state.options.ledger.slotStartMs(state.slot + 1n);
  return startMs === undefined ? undefined : now.monoMs + Math.max(1, startMs - now.wallMs);
}
