/** Plans of the mempool: a ledger, peers with `mempool/1`, and transactions that reach the node in every way. */

import type { Label, Plan, SealedSpec, Setup, Step } from '../driver/plan.ts';
import { messageFrame, pushSealed } from '../driver/plan-values.ts';

/** A transaction in words; what is left out is in order. */
export interface TransactionWords {
  readonly by?: Label;
  readonly nonce?: number;
  readonly fee?: number;
  readonly until?: number | string;
  readonly ageMs?: number;
  /** Bytes of an entry, or an amount that goes to bob. */
  readonly size?: number;
  readonly amount?: number | string;
}

/** Slot of now when a plan begins. */
export const SLOT = 1_000;
/** Balance of every account of the plans. */
export const BALANCE = 1_000_000;

const ACCOUNTS: readonly Label[] = ['alice', 'bob', 'carol', ...Array.from({ length: 24 }, (_, index) => `account-${index}`)];

/** The ledger of the plans: slot 1,000, everybody has nonce 5 and a million. */
export function ledger(leaders: readonly Label[] = [], slotMs = 600): NonNullable<Setup['ledger']> {
  return {
    genesisMs: -SLOT * slotMs,
    accounts: ACCOUNTS.map((peer) => ({ peer, nonce: 5, balance: BALANCE })),
    leaders,
  };
}

/** The envelope of a transaction; the same name gives the same bytes. */
export function transaction(name: string, words: TransactionWords = {}): SealedSpec {
  const { by = 'alice', nonce = 5, fee = 100, until = SLOT + 100, ageMs = 0, size = 20, amount } = words;
  const body = amount === undefined ? { entry: { data: { size } } } : { transfer: { to: { peerId: 'bob' }, amount } };
  return {
    context: 'transaction',
    by,
    message: 'Transaction',
    fields: { createdMs: { wallMs: -ageMs }, nonce, validUntilSlot: until, fee, ...body },
    name,
  };
}

/** Sends transactions in one Push. */
export function pushed(link: number, ...specs: readonly SealedSpec[]): Step {
  return { op: 'frames', link, frames: [pushSealed('tx', ...specs)] };
}

/** Sends transactions in one Forward. */
export function forwarded(link: number, ...specs: readonly SealedSpec[]): Step {
  return { op: 'frames', link, frames: [messageFrame('Forward', { transactions: specs.map((sealed) => ({ sealed })) })] };
}

/** The application submits a transaction. */
export function submitted(spec: SealedSpec): Step {
  return { op: 'command', command: 'mempool.submit', args: [{ sealed: spec }], label: spec.name };
}

/** Asks what a block would take. */
export function listed(label = 'list'): Step {
  return { op: 'command', command: 'mempool.list', args: [{ u64: 1_000 }], label };
}

/** Sessions with `gossip/1` and `mempool/1`, numbered from `first`. */
export function takers(first: number, count: number): readonly Step[] {
  return Array.from({ length: count }, (_, index) => taker(first + index, `taker-${first + index}`));
}

/** A session of one peer that takes transactions. */
export function taker(link: number, peer: Label): Step {
  return { op: 'open', link, peer, mode: 'session', capabilities: ['gossip/1', 'mempool/1'] };
}

/** A plan with the ledger of this file. */
export function mempoolPlan(steps: readonly Step[], setup: Partial<Setup> = {}): Plan {
  return { setup: { ledger: ledger(), ...setup }, steps };
}

export function wait(ms: number): Step {
  return { op: 'advance', ms };
}
