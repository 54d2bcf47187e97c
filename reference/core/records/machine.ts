/** The records machine. */
import type { Machine } from '../machine.ts';
import type { ReconcilableSet } from '../reconciliation/contract.ts';
import type { KnownContact, PeerId } from '../types.ts';
import type { RecordsInput, RecordsOptions, RecordsOutput } from './contract.ts';

export type { RecordsInput, RecordsOptions, RecordsOutput } from './contract.ts';

/** The machine, with its read-only ports. */
export interface RecordsMachine extends Machine<RecordsInput, RecordsOutput> {
  /** Where a peer says that it is, or undefined. */
  contactOf(peer: PeerId): KnownContact | undefined;
  /** Origins with a live contact record. */
  readonly origins: number;
  /** The records as a set for chapter 07. */
  readonly set: ReconcilableSet;
  /** The state as plain data, for people and tests; no secrets. */
  view(): unknown;
}

/** Starts the machine. */
export function createRecords(_options: RecordsOptions): RecordsMachine {
  return {
    handle: () => [],
    deadline: () => undefined,
    contactOf: () => undefined,
    origins: 0,
    set: { name: 'records', size: () => 0, items: () => [], bytesOf: () => undefined, idOf: () => undefined },
    view: () => ({}),
  };
}
