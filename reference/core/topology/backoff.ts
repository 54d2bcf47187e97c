/** How long to leave a peer in peace that could not be reached. Spec: TOP-050 */
import type { Params } from '../params.ts';
import type { Rng } from '../rng.ts';

/** The shortest and the longest pause after the n-th failure in a row, n from 1, in ms. */
export function backoffBounds(params: Params, failures: number): readonly [number, number] {
  const longest = Math.min(params['topology.backoff_ms_max'], params['topology.backoff_ms_min'] * 2 ** (failures - 1));
  return [Math.ceil(longest / 2), longest];
}

/** A pause of chance within the bounds. */
export function backoffMs(params: Params, failures: number, rng: Rng): number {
  const [least, most] = backoffBounds(params, failures);
  return least + rng.below(most - least + 1);
}
