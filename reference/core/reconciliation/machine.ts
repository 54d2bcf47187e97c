/** The reconciliation machine. */
import type { Machine } from '../machine.ts';
import type { ReconciliationInput, ReconciliationOptions, ReconciliationOutput } from './contract.ts';

export type { ReconciliationInput, ReconciliationOptions, ReconciliationOutput } from './contract.ts';

/** The machine, with its read-only ports. */
export interface ReconciliationMachine extends Machine<ReconciliationInput, ReconciliationOutput> {
  /** The state as plain data, for people and tests; no secrets. */
  view(): unknown;
}

/** Starts the machine. */
export function createReconciliation(_options: ReconciliationOptions): ReconciliationMachine {
  return {
    handle: () => [],
    deadline: () => undefined,
    view: () => ({}),
  };
}
