/** The datagram machine. */
import type { Machine } from '../machine.ts';
import type { DatagramInput, DatagramOptions, DatagramOutput } from './contract.ts';

export type { DatagramInput, DatagramOptions, DatagramOutput } from './contract.ts';

/** The machine, with its read-only ports. */
export interface DatagramMachine extends Machine<DatagramInput, DatagramOutput> {
  /** The state as plain data, for people and tests; no secrets. */
  view(): unknown;
}

/** Starts the machine. */
export function createDatagrams(_options: DatagramOptions): DatagramMachine {
  return {
    handle: () => [],
    deadline: () => undefined,
    view: () => ({}),
  };
}
