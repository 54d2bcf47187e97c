/** The dht machine. */
import type { Machine } from '../machine.ts';
import type { DhtInput, DhtOptions, DhtOutput } from './contract.ts';

export type { DhtInput, DhtOptions, DhtOutput } from './contract.ts';

/** The machine, with its read-only ports. */
export interface DhtMachine extends Machine<DhtInput, DhtOutput> {
  /** An estimate of the number of nodes; 0 while there is none. */
  networkSize(): number;
  /** The state as plain data, for people and tests; no secrets. */
  view(): unknown;
}

/** Starts the machine. */
export function createDht(_options: DhtOptions): DhtMachine {
  return {
    handle: () => [],
    deadline: () => undefined,
    networkSize: () => 0,
    view: () => ({}),
  };
}
