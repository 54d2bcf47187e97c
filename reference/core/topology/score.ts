/** What a peer is worth, from what the node has measured itself. Spec: TOP-030, TOP-031 */
import type { Params } from '../params.ts';
import type { MonoMs } from '../types.ts';

/** The best score. */
export const SCORE_MAX = 1_000_000;

/** Delivery of a peer with 0 points, and what a thousandth of a point changes. */
const DELIVERY_MIDDLE = 500_000;
const DELIVERY_PER_MILLIPOINT = 50;

/** Bands for people's eyes. Spec: chapter 10, "Score" */
const FAIR_FROM = 200_000;
const GOOD_FROM = 500_000;

/** One round trip and when it was measured. */
export interface RoundTrip {
  readonly ms: number;
  readonly atMs: MonoMs;
}

/** What is known of a peer. */
export interface Measured {
  /** The latest round trip; undefined when there was none. */
  readonly roundTrip: RoundTrip | undefined;
  /** The score of chapter 05, in thousandths of points. */
  readonly milliPoints: number;
  /** Milliseconds that sessions with the peer have lasted in all. */
  readonly uptimeMs: number;
}

/** The latest round trip as far as it is new enough to count, in ms. Spec: TOP-031 */
export function countedRtt(params: Params, roundTrip: RoundTrip | undefined, nowMs: MonoMs): number | undefined {
  if (roundTrip === undefined) return undefined;
  const oldestMs = params['topology.health_interval_ms'] + params['topology.health_timeout_ms'];
  return nowMs - roundTrip.atMs > oldestMs ? undefined : roundTrip.ms;
}

function latencyPart(params: Params, rttMs: number | undefined): number {
  const good = params['topology.latency_good_ms'];
  const bad = params['topology.latency_bad_ms'];
  if (rttMs === undefined || rttMs >= bad) return 0;
  return rttMs <= good ? SCORE_MAX : Math.floor((SCORE_MAX * (bad - rttMs)) / (bad - good));
}

/** A peer's score, 0 to `SCORE_MAX`; 0 for whoever is new. Spec: TOP-030 */
export function peerScore(params: Params, peer: Measured, nowMs: MonoMs): number {
  const latency = latencyPart(params, countedRtt(params, peer.roundTrip, nowMs));
  const delivery = Math.min(SCORE_MAX, Math.max(0, DELIVERY_MIDDLE + DELIVERY_PER_MILLIPOINT * peer.milliPoints));
  const fullMs = params['topology.uptime_full_ms'];
  // A million times the longest full uptime, 30 days, is below 2^53.
  const uptime = Math.floor((SCORE_MAX * Math.min(peer.uptimeMs, fullMs)) / fullMs);
  const raw = Math.floor(
    (params['topology.latency_percent'] * latency +
      params['topology.delivery_percent'] * delivery +
      params['topology.uptime_percent'] * uptime) /
      100,
  );
  const newcomerMs = params['topology.newcomer_ms'];
  return Math.floor((raw * Math.min(peer.uptimeMs, newcomerMs)) / newcomerMs);
}

/** The band of a score, for views. */
export function bandOf(score: number): 'poor' | 'fair' | 'good' {
  if (score < FAIR_FROM) return 'poor';
  return score < GOOD_FROM ? 'fair' : 'good';
}

/** How a session fares, for views. Spec: chapter 10, "Score" */
export function healthOf(params: Params, roundTrip: RoundTrip | undefined, nowMs: MonoMs): 'healthy' | 'degraded' | 'unhealthy' {
  const rttMs = countedRtt(params, roundTrip, nowMs);
  if (rttMs === undefined) return 'unhealthy';
  return rttMs < params['topology.latency_bad_ms'] ? 'healthy' : 'degraded';
}
