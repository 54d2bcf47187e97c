/** The overlay machine. */
import type { Machine } from '../machine.ts';
import type { EagerLinks } from './contract.ts';
import type { OverlayInput, OverlayOptions, OverlayOutput } from './contract.ts';

export type { OverlayInput, OverlayOptions, OverlayOutput } from './contract.ts';

/** The machine, with its read-only ports. */
export interface OverlayMachine extends Machine<OverlayInput, OverlayOutput> {
  readonly eagerLinks: EagerLinks;
  /** The state as plain data, for people and tests; no secrets. */
  view(): unknown;
}

/** Starts the machine. */
export function createOverlay(_options: OverlayOptions): OverlayMachine {
  return {
    handle: () => [],
    deadline: () => undefined,
    eagerLinks: () => undefined,
    view: () => ({}),
  };
}
