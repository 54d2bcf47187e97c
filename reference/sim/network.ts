/**
 * How simulated nodes reach each other. Links are reliable and ordered, as TCP is: a lost packet is
 * one that is sent again, so what it carried, and all that follows, comes later. Datagrams are
 * neither: one that is lost is lost, and one that is delayed is overtaken.
 */
import type { Rng } from '../core/rng.ts';
import { type Region, regionLatencyMs } from './regions.ts';

/** How links behave. */
export interface LinkModel {
  /** One way, in milliseconds; each pair of nodes without regions gets its own from this range. */
  readonly latencyMs: readonly [number, number];
  /** Additional delay of each message, 0 to this. */
  readonly jitterMs: number;
  /** Chance that a message's packet is lost, 0 to below 1. */
  readonly loss: number;
  /** How long until a lost packet is sent again. */
  readonly resendMs: number;
}

/** How datagrams behave; their latency is that of links between the same nodes. */
export interface DatagramModel {
  /** Additional delay, 0 to this: more than the time between two of them, and they arrive in another order. */
  readonly jitterMs: number;
  /** Chance that a datagram never arrives, 0 to below 1. */
  readonly loss: number;
  /** Chance that a datagram arrives twice, 0 to below 1. */
  readonly duplication: number;
  /** A larger one never arrives. */
  readonly bytesMax: number;
}

/** Like a network over a continent: 10 to 60 ms, a packet in a hundred lost. */
export const DEFAULT_LINKS: LinkModel = { latencyMs: [10, 60], jitterMs: 5, loss: 0.01, resendMs: 200 };

/** One in a hundred lost, some overtaken, one in a thousand doubled; 1,232 bytes fit the smallest IPv6 packet. */
export const DEFAULT_DATAGRAMS: DatagramModel = { jitterMs: 15, loss: 0.01, duplication: 0.001, bytesMax: 1_232 };

/** Losses of one packet in a row; after so many it gets through. */
const RESENDS_MAX = 8;

const PARTS = 1_000_000;

/** One direction of a link. */
export interface Lane {
  readonly latencyMs: number;
  lastArrivalMs: number;
}

/** A lane of a latency. */
export function createLane(latencyMs: number): Lane {
  return { latencyMs, lastArrivalMs: 0 };
}

/** Whether something of this chance, 0 to below 1, happens now. */
export function happens(chance: number, rng: Rng): boolean {
  return chance > 0 && rng.below(PARTS) < chance * PARTS;
}

/** When a message sent now arrives: never before one that was sent earlier. */
export function arrivalMs(model: LinkModel, lane: Lane, rng: Rng, nowMs: number): number {
  let delayMs = lane.latencyMs + (model.jitterMs > 0 ? rng.below(model.jitterMs + 1) : 0);
  for (let resends = 0; resends < RESENDS_MAX && happens(model.loss, rng); resends++) delayMs += model.resendMs;
  lane.lastArrivalMs = Math.max(lane.lastArrivalMs, nowMs + delayMs);
  return lane.lastArrivalMs;
}

/** When the copies of a datagram sent now arrive: none, one or two times. */
export function datagramArrivalsMs(model: DatagramModel, latencyMs: number, size: number, rng: Rng, nowMs: number): readonly number[] {
  if (size > model.bytesMax || happens(model.loss, rng)) return [];
  const arrival = (): number => nowMs + latencyMs + (model.jitterMs > 0 ? rng.below(model.jitterMs + 1) : 0);
  return happens(model.duplication, rng) ? [arrival(), arrival()] : [arrival()];
}

/** Mixes two numbers into 32 bits that look like chance. */
function mix(a: number, b: number): number {
  let hash = Math.imul(a ^ 0x9e3779b9, 0x85ebca6b) ^ Math.imul(b + 0x7f4a7c15, 0xc2b2ae35);
  hash = Math.imul(hash ^ (hash >>> 16), 0x45d9f3b);
  return (hash ^ (hash >>> 15)) >>> 0;
}

/**
 * The one-way latency between two nodes, the same both ways and every time: by their regions, up to
 * a quarter more, or from the range of the model where a node has none.
 */
export function pairLatencyMs(
  model: LinkModel,
  a: { readonly index: number; readonly region: Region | undefined },
  b: { readonly index: number; readonly region: Region | undefined },
  salt: number,
): number {
  const chance = mix(Math.min(a.index, b.index) ^ salt, Math.max(a.index, b.index));
  if (a.region !== undefined && b.region !== undefined) {
    const least = regionLatencyMs(a.region, b.region);
    return least + Math.floor((chance % 1_000) * least * 0.00025);
  }
  const [least, most] = model.latencyMs;
  return least + (chance % (most - least + 1));
}
