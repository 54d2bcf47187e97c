/** The two clocks of a process, read together. */
import type { Now } from '../core/types.ts';

/** Reads both clocks; the monotonic one stood at 0 when the clock was made. */
export interface Clock {
  now(): Now;
}

/** The system's clocks, in whole milliseconds; the wall clock follows the system's, also when that is set. */
export function createSystemClock(): Clock {
  const startMs = performance.now();
  return { now: () => ({ monoMs: Math.floor(performance.now() - startMs), wallMs: Date.now() }) };
}
