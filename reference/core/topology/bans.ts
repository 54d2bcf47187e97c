/** Peers that are kept away for a time. Spec: TOP-080 to TOP-084 */
import type { Params } from '../params.ts';
import type { MonoMs, PeerId } from '../types.ts';

/** Invariant: at most `topology.bans_max` bans, each of at most `topology.ban_ms_max`. */
export class Bans {
  readonly #params: Params;
  readonly #ends = new Map<PeerId, MonoMs>();

  constructor(params: Params) {
    this.#params = params;
  }

  /** Bans a peer; of two bans the later end counts. Spec: TOP-082, TOP-083 */
  add(peer: PeerId, durationMs: number, nowMs: MonoMs): void {
    const endMs = nowMs + Math.min(durationMs, this.#params['topology.ban_ms_max']);
    this.#ends.set(peer, Math.max(endMs, this.#ends.get(peer) ?? 0));
    while (this.#ends.size > this.#params['topology.bans_max']) this.#liftSoonest(peer);
  }

  lift(peer: PeerId): void {
    this.#ends.delete(peer);
  }

  /** How long the ban still lasts, in ms; 0 for a peer that is not banned. Spec: TOP-081 */
  restMs(peer: PeerId, nowMs: MonoMs): number {
    const endMs = this.#ends.get(peer);
    if (endMs === undefined) return 0;
    if (endMs > nowMs) return endMs - nowMs;
    this.#ends.delete(peer);
    return 0;
  }

  has(peer: PeerId, nowMs: MonoMs): boolean {
    return this.restMs(peer, nowMs) > 0;
  }

  /** Bans that last, for views. */
  list(nowMs: MonoMs): readonly { readonly peer: PeerId; readonly restMs: number }[] {
    return [...this.#ends].filter(([, endMs]) => endMs > nowMs).map(([peer, endMs]) => ({ peer, restMs: endMs - nowMs }));
  }

  /** Lifts the ban that ends first, but not the newest one. */
  #liftSoonest(newest: PeerId): void {
    let soonest: { readonly peer: PeerId; readonly endMs: MonoMs } | undefined;
    for (const [peer, endMs] of this.#ends) {
      if (peer !== newest && (soonest === undefined || endMs < soonest.endMs)) soonest = { peer, endMs };
    }
    this.#ends.delete(soonest?.peer ?? newest);
  }
}
