/** The mempool machine. */
import type { Machine } from '../machine.ts';
import type { ReconcilableSet } from '../reconciliation/contract.ts';
import type { MempoolInput, MempoolOptions, MempoolOutput } from './contract.ts';

export type { MempoolInput, MempoolOptions, MempoolOutput } from './contract.ts';

/** The machine, with its read-only ports. */
export interface MempoolMachine extends Machine<MempoolInput, MempoolOutput> {
  /** The transactions as a set for chapter 07. */
  readonly set: ReconcilableSet;
  /** The state as plain data, for people and tests; no secrets. */
  view(): unknown;
}

/** Starts the machine. */
export function createMempool(_options: MempoolOptions): MempoolMachine {
  return {
    handle: () => [],
    deadline: () => undefined,
    set: { name: 'transactions', size: () => 0, items: () => [], bytesOf: () => undefined, idOf: () => undefined },
    view: () => ({}),
  };
}
