/** The rules of topology that are functions of their arguments. Spec: chapter 10. */

/** The six regions, in the order of the chapter's tables. */
export const REGIONS = ['na', 'eu', 'as', 'sa', 'af', 'oc'] as const;

/** A region, or that none is known. */
export type Region = (typeof REGIONS)[number] | 'unknown';

/** Least and greatest believed round trip in ms between two regions, as the chapter's table has them. */
const ROUND_TRIPS: Readonly<Record<string, string>> = {
  na: '0-200 40-300 50-400 10-350 60-400 80-400',
  eu: '40-300 0-200 10-400 50-400 2-350 120-500',
  as: '50-400 10-400 0-250 120-500 10-450 20-350',
  sa: '10-350 50-400 120-500 0-200 30-500 80-500',
  af: '60-400 2-350 10-450 30-500 0-250 60-500',
  oc: '80-400 120-500 20-350 80-500 60-500 0-200',
};

/** Shares in percent, by own region, in the order of `REGIONS`. */
const SHARES: Readonly<Record<string, readonly number[]>> = {
  na: [40, 23, 18, 9, 5, 5],
  eu: [23, 40, 18, 5, 9, 5],
  as: [20, 20, 40, 5, 5, 10],
  sa: [25, 20, 10, 35, 5, 5],
  af: [15, 30, 15, 5, 30, 5],
  oc: [20, 15, 25, 5, 5, 30],
};

/** Whether a text is the name of a region or `unknown`. */
export function isRegion(text: string): text is Region {
  return text === 'unknown' || (REGIONS as readonly string[]).includes(text);
}

function indexOf(region: Region): number {
  return (REGIONS as readonly string[]).indexOf(region);
}

/** Least and greatest believed round trip in ms between two regions. Spec: chapter 10, "Roles, subnets, regions". */
export function believedRoundTrip(own: Region, claimed: Region): { readonly least: bigint; readonly greatest: bigint } | undefined {
  const [least, greatest] = (ROUND_TRIPS[own]?.split(' ')[indexOf(claimed)] ?? '').split('-');
  return least === undefined || greatest === undefined ? undefined : { least: BigInt(least), greatest: BigInt(greatest) };
}

/** The region for which a peer counts. `rttMs` is its smallest round trip, undefined when nothing was measured. Spec: TOP-003. */
export function countedRegion(own: Region, claimed: Region, rttMs: bigint | undefined): Region {
  const believed = believedRoundTrip(own, claimed);
  if (believed === undefined || rttMs === undefined) return 'unknown';
  if (rttMs < believed.least) return own;
  return rttMs > believed.greatest ? 'unknown' : claimed;
}

/** Sessions of a region that a node wants at least, and has room for at most. Spec: TOP-004. */
export function regionBounds(
  own: Region,
  region: Region,
  limits: { readonly target: number; readonly max: number },
): { readonly floor: number; readonly ceiling: number } | undefined {
  const share = SHARES[own]?.[indexOf(region)];
  if (share === undefined) return undefined;
  return { floor: Math.floor((share * limits.target) / 200), ceiling: Math.ceil((share * limits.max) / 100) };
}

/** What a node has measured of a peer. */
export interface Measured {
  /** The latest round trip in ms; undefined when there was none. */
  readonly rttMs: bigint | undefined;
  /** How long ago that was. */
  readonly rttAgeMs: bigint;
  /** The score of chapter 05 in thousandths of points. */
  readonly milliPoints: bigint;
  readonly uptimeMs: bigint;
}

/** The parameters of chapter 19 by name. */
type Parameters = Readonly<Record<string, number | string>>;

function of(parameters: Parameters, name: string): bigint {
  const value = parameters[`topology.${name}`];
  if (typeof value !== 'number') throw new RangeError(`parameter topology.${name} is missing`);
  return BigInt(value);
}

const FULL = 1_000_000n;

function clamp(value: bigint, least: bigint, greatest: bigint): bigint {
  if (value < least) return least;
  return value > greatest ? greatest : value;
}

/** Whether the latest round trip is too old to count. Spec: TOP-031. */
export function isUnhealthy(peer: Pick<Measured, 'rttMs' | 'rttAgeMs'>, parameters: Parameters): boolean {
  return peer.rttMs === undefined || peer.rttAgeMs > of(parameters, 'health_interval_ms') + of(parameters, 'health_timeout_ms');
}

/** A peer's score, 0 to 1,000,000. Throws a RangeError when a parameter is missing. Spec: TOP-030, TOP-031. */
export function peerScore(peer: Measured, parameters: Parameters): bigint {
  const [good, bad] = [of(parameters, 'latency_good_ms'), of(parameters, 'latency_bad_ms')];
  let latency = 0n;
  if (!isUnhealthy(peer, parameters)) {
    const rtt = peer.rttMs ?? bad;
    if (rtt <= good) latency = FULL;
    else if (rtt < bad) latency = (FULL * (bad - rtt)) / (bad - good);
  }
  const delivery = clamp(500_000n + 50n * peer.milliPoints, 0n, FULL);
  const full = of(parameters, 'uptime_full_ms');
  const uptime = (FULL * clamp(peer.uptimeMs, 0n, full)) / full;
  const raw =
    (of(parameters, 'latency_percent') * latency +
      of(parameters, 'delivery_percent') * delivery +
      of(parameters, 'uptime_percent') * uptime) /
    100n;
  const newcomer = of(parameters, 'newcomer_ms');
  return (raw * clamp(peer.uptimeMs, 0n, newcomer)) / newcomer;
}

/** Bounds of the backoff after the n-th failure in a row, n from 1. Spec: TOP-050. */
export function backoffBounds(failures: bigint, parameters: Parameters): { readonly leastMs: bigint; readonly greatestMs: bigint } {
  let greatestMs = of(parameters, 'backoff_ms_min');
  const cap = of(parameters, 'backoff_ms_max');
  for (let n = 1n; n < failures && greatestMs < cap; n++) greatestMs *= 2n;
  if (greatestMs > cap) greatestMs = cap;
  return { leastMs: (greatestMs + 1n) / 2n, greatestMs };
}

/** The first 24 bits of an IPv4 address, or the first 48 of an IPv6 address, as hexadecimal with the family; undefined for what is no IP address. Spec: chapter 10, "Roles, subnets, regions". */
export function subnetOf(ip: Uint8Array): string | undefined {
  const hex = (bytes: Uint8Array): string => [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  if (ip.length === 4) return `4:${hex(ip.slice(0, 3))}`;
  if (ip.length !== 16) return undefined;
  const isMapped = hex(ip.slice(0, 12)) === '00000000000000000000ffff';
  return isMapped ? `4:${hex(ip.slice(12, 15))}` : `6:${hex(ip.slice(0, 6))}`;
}
