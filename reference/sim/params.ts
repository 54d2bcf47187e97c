/** Parameters of simulated networks. */
import { makeParams, type Params, type PresetName } from '../core/params.ts';

/**
 * Departures that leave sessions and gossip alone at work: the other chapters are off, and memories are small. Large
 * worlds start from these and turn on what they measure: a thousand nodes that renew their records every few
 * seconds have little else to do.
 */
export const QUIET: Readonly<Record<string, string>> = {
  'records.mode': 'off',
  'reconcile.mode': 'off',
  'dht.mode': 'off',
  'overlay.mode': 'off',
  'mempool.mode': 'off',
  'topology.mode': 'passive',
  'gossip.unstaked_per_s': '16',
  'gossip.seen_unstaked_capacity': '2048',
};

/** Parameters for a world: a preset with departures. Throws when chapter 19 refuses them. */
export function worldParams(preset: PresetName, overrides: Readonly<Record<string, string>> = {}): Params {
  const made = makeParams(preset, overrides);
  if (!made.ok) throw new Error(`${made.code}: ${made.message}`);
  return made.params;
}
