/**
 * Links between simulated nodes. They are reliable and ordered, as TCP is: a lost packet is one that
 * is sent again, so what it carried, and all that follows, comes later.
 */
import type { Rng } from '../core/rng.ts';

/** How links behave. */
export interface LinkModel {
  /** One way, in milliseconds; each link gets its own from this range. */
  readonly latencyMs: readonly [number, number];
  /** Additional delay of each message, 0 to this. */
  readonly jitterMs: number;
  /** Chance that a message's packet is lost, 0 to below 1. */
  readonly loss: number;
  /** How long until a lost packet is sent again. */
  readonly resendMs: number;
}

/** Like a network over a continent: 10 to 60 ms, a packet in a hundred lost. */
export const DEFAULT_LINKS: LinkModel = { latencyMs: [10, 60], jitterMs: 5, loss: 0.01, resendMs: 200 };

/** Losses of one packet in a row; after so many it gets through. */
const RESENDS_MAX = 8;

/** One direction of a link. */
export interface Lane {
  readonly latencyMs: number;
  lastArrivalMs: number;
}

/** A lane with its own latency. */
export function createLane(model: LinkModel, rng: Rng): Lane {
  const [least, most] = model.latencyMs;
  return { latencyMs: least + rng.below(most - least + 1), lastArrivalMs: 0 };
}

/** When a message sent now arrives: never before one that was sent earlier. */
export function arrivalMs(model: LinkModel, lane: Lane, rng: Rng, nowMs: number): number {
  let delayMs = lane.latencyMs + (model.jitterMs > 0 ? rng.below(model.jitterMs + 1) : 0);
  for (let resends = 0; resends < RESENDS_MAX && rng.below(1_000_000) < model.loss * 1_000_000; resends++) delayMs += model.resendMs;
  lane.lastArrivalMs = Math.max(lane.lastArrivalMs, nowMs + delayMs);
  return lane.lastArrivalMs;
}
