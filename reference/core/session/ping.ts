/** Ping and Pong on one session: when to ask, what is waited for, how long the way is. Spec: SES-050 to SES-056. */
import { concatBytes, equalBytes } from '../bytes.ts';
import type { Params } from '../params.ts';
import type { Rng } from '../rng.ts';
import type { MonoMs } from '../types.ts';

interface WaitingPing {
  readonly nonce: Uint8Array;
  /** Undefined while the frame waits to leave: nobody can answer yet. */
  sentMs: MonoMs | undefined;
}

/** The Pings of one session. `waiting` is bounded by the timeout over the interval. */
export interface Pings {
  readonly waiting: Map<number, WaitingPing>;
  nextMs: MonoMs;
  count: number;
  /** Smoothed round trip in milliseconds; undefined before the first Pong. */
  rttMs: number | undefined;
}

/** Weight of a new measurement of the round trip, as RFC 6298 has it. */
const RTT_GAIN = 1 / 8;

const REQUEST_IDS = 2 ** 32 - 1;

/**
 * Pause between two Pings. A tenth below the longest one that is allowed, so that a late timer keeps
 * within it, unless more than one Ping a second would come of it (SES-053).
 */
export function pingPauseMs(params: Params): number {
  const intervalMs = params['session.ping_interval_ms'];
  return intervalMs < 2000 ? intervalMs : intervalMs - Math.floor(intervalMs / 10);
}

/** Nothing is waited for; the first Ping is due after one pause. */
export function createPings(params: Params, nowMs: MonoMs): Pings {
  return { waiting: new Map(), nextMs: nowMs + pingPauseMs(params), count: 0, rttMs: undefined };
}

/**
 * Makes the next Ping. Half of the nonce is chance, so that nobody answers what has not been asked;
 * the other half counts, so that none comes twice. Spec: SES-052, SES-056, WIR-034
 */
export function makePing(
  params: Params,
  pings: Pings,
  rng: Rng,
  nowMs: MonoMs,
): { readonly requestId: number; readonly nonce: Uint8Array } {
  const count = new Uint8Array(4);
  new DataView(count.buffer).setUint32(0, pings.count);
  const nonce = concatBytes(rng.bytes(4), count);
  const requestId = (pings.count % REQUEST_IDS) + 1;
  pings.count += 1;
  pings.nextMs = nowMs + pingPauseMs(params);
  pings.waiting.set(requestId, { nonce, sentMs: undefined });
  return { requestId, nonce };
}

/** The Ping leaves now: from here its answer is waited for. */
export function markSent(pings: Pings, requestId: number, nowMs: MonoMs): void {
  const ping = pings.waiting.get(requestId);
  if (ping !== undefined) ping.sentMs = nowMs;
}

/** Takes an answer and gives the round trip that it shows; another nonce than the question's changes nothing. Spec: SES-055 */
export function takePong(pings: Pings, requestId: number, nonce: Uint8Array, nowMs: MonoMs): number | undefined {
  const ping = pings.waiting.get(requestId);
  if (ping?.sentMs === undefined || !equalBytes(ping.nonce, nonce)) return undefined;
  pings.waiting.delete(requestId);
  const sampleMs = Math.max(0, nowMs - ping.sentMs);
  pings.rttMs = pings.rttMs === undefined ? sampleMs : pings.rttMs + RTT_GAIN * (sampleMs - pings.rttMs);
  return sampleMs;
}

/** When the oldest Ping will have waited `session.pong_timeout_ms`, or undefined when none waits. Spec: SES-054 */
export function pongDeadlineMs(params: Params, pings: Pings): MonoMs | undefined {
  // Pings leave in the order in which they were made, so the first is the oldest.
  for (const { sentMs } of pings.waiting.values()) return sentMs === undefined ? undefined : sentMs + params['session.pong_timeout_ms'];
  return undefined;
}
