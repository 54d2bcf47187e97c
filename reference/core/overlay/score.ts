/** Scores of nodes as supernodes, in thousandths. Spec: OVL-012 */

/** What was measured of a node; all of it whole numbers from 0. */
export interface Measured {
  readonly uptimeMs: bigint;
  readonly bytesPerS: bigint;
  readonly delivered: bigint;
  readonly failed: bigint;
  readonly connections: bigint;
}

/** The least that counts one half of each part, at least 1. */
export interface Least {
  readonly uptimeMs: bigint;
  readonly bytesPerS: bigint;
  readonly connections: bigint;
}

const FULL = 1000n;

function part(value: bigint, least: bigint): bigint {
  const thousandths = (FULL * value) / (2n * least);
  return thousandths < FULL ? thousandths : FULL;
}

/** 0 to 1,000. */
export function overlayScore(measured: Measured, least: Least): number {
  const attempts = measured.delivered + measured.failed;
  const reliability = FULL - (FULL * measured.failed) / (attempts > 1n ? attempts : 1n);
  const sum =
    25n * part(measured.uptimeMs, least.uptimeMs) +
    30n * part(measured.bytesPerS, least.bytesPerS) +
    30n * reliability +
    15n * part(measured.connections, least.connections);
  return Number(sum / 100n);
}

/** Whole numbers that fit a score from counts of a running node. */
export function measured(values: {
  readonly uptimeMs: number;
  readonly bytesPerS: number;
  readonly delivered: number;
  readonly failed: number;
  readonly connections: number;
}): Measured {
  const whole = (value: number): bigint => BigInt(Math.max(0, Math.floor(value)));
  return {
    uptimeMs: whole(values.uptimeMs),
    bytesPerS: whole(values.bytesPerS),
    delivered: whole(values.delivered),
    failed: whole(values.failed),
    connections: whole(values.connections),
  };
}
