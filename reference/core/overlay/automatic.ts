/** Strategy `auto`: which strategy a network's size asks for. Spec: OVL-005, OVL-006 */
import type { Params } from '../params.ts';
import type { MonoMs } from '../types.ts';

/** The strategies that `auto` takes, the one for the smallest networks first. */
export const SIZED_STRATEGIES = ['naive', 'kademlia', 'supernode'] as const;

/** One of them. */
export type SizedStrategy = (typeof SIZED_STRATEGIES)[number];

/** Thresholds in nodes, band in percent, dwell in milliseconds. */
export interface AutomaticRule {
  readonly kademliaAt: number;
  readonly supernodeAt: number;
  readonly bandPercent: number;
  readonly dwellMs: number;
}

/** The rule of a node. */
export function automaticRule(params: Params): AutomaticRule {
  return {
    kademliaAt: params['overlay.kademlia_at'],
    supernodeAt: params['overlay.supernode_at'],
    bandPercent: params['overlay.band_percent'],
    dwellMs: params['overlay.dwell_ms'],
  };
}

/** What a network of `size` nodes asks for at the start. */
export function strategyFor(rule: AutomaticRule, size: number): SizedStrategy {
  if (size < rule.kademliaAt) return 'naive';
  return size < rule.supernodeAt ? 'kademlia' : 'supernode';
}

/** Follows the size of the network; stays where it is within the band and for the dwell time after a change. */
export class Automatic {
  readonly #rule: AutomaticRule;
  #strategy: SizedStrategy | undefined;
  #changedAtMs: MonoMs = Number.NEGATIVE_INFINITY;

  constructor(rule: AutomaticRule) {
    this.#rule = rule;
  }

  /** The strategy from now on. */
  look(size: number, nowMs: MonoMs): SizedStrategy {
    const current = this.#strategy;
    if (current === undefined) {
      this.#strategy = strategyFor(this.#rule, size);
      return this.#strategy;
    }
    const wanted = this.#wanted(current, size);
    if (wanted === current || nowMs - this.#changedAtMs < this.#rule.dwellMs) return current;
    this.#strategy = wanted;
    this.#changedAtMs = nowMs;
    return wanted;
  }

  #wanted(current: SizedStrategy, size: number): SizedStrategy {
    const upward = strategyFor(this.#rule, size);
    const isFar = (threshold: number): boolean => 100 * size < threshold * (100 - this.#rule.bandPercent);
    if (SIZED_STRATEGIES.indexOf(upward) >= SIZED_STRATEGIES.indexOf(current)) return upward;
    if (current === 'supernode' && !isFar(this.#rule.supernodeAt)) return current;
    return isFar(this.#rule.kademliaAt) ? 'naive' : 'kademlia';
  }
}
