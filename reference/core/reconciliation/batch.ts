/** How many coded symbols an asker asks for next. Its own choice: too many waste bytes, too few round trips. */

/** What the asker knows. */
export interface BatchQuestion {
  /** Symbols that came so far; 0 before the first batch. */
  readonly have: number;
  /** Estimated differences, at least 1. */
  readonly estimate: number;
  /** `reconcile.first_symbols`, `reconcile.batch_symbols_max` and the cap of RCN-033. */
  readonly firstSymbols: number;
  readonly batchMax: number;
  readonly cap: number;
}

/**
 * The size of the next batch, at least 1 below the cap. The first estimate is only good to a quarter, so
 * the second batch stays below what it says, and the third goes to where nearly all decodings end.
 */
export function nextBatch({ have, estimate, firstSymbols, batchMax, cap }: BatchQuestion): number {
  if (have === 0) return Math.min(firstSymbols, batchMax);
  const goal = have < estimate / 2 ? estimate * 0.9 : estimate * 1.38;
  const least = Math.max(12, Math.ceil(estimate / 12));
  return Math.max(1, Math.min(Math.max(least, Math.ceil(goal) - have), batchMax, cap - have));
}
