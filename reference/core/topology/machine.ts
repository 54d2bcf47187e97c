/** The topology machine. */
import type { Machine } from '../machine.ts';
import type { TopologyInput, TopologyOptions, TopologyOutput } from './contract.ts';

export type { TopologyInput, TopologyOptions, TopologyOutput } from './contract.ts';

/** The machine, with its read-only ports. */
export interface TopologyMachine extends Machine<TopologyInput, TopologyOutput> {
  /** The state as plain data, for people and tests; no secrets. */
  view(): unknown;
}

/** Starts the machine. */
export function createTopology(_options: TopologyOptions): TopologyMachine {
  return {
    handle: () => [],
    deadline: () => undefined,
    view: () => ({}),
  };
}
