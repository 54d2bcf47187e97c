/** Parts of the world: for which a peer counts, and how many sessions a node wants in each. Spec: chapter 10, "Roles, subnets, regions" */

/** The six regions, in the order of the chapter's tables. */
export const REGION_NAMES = ['na', 'eu', 'as', 'sa', 'af', 'oc'] as const;

/** A region that has a name. */
export type NamedRegion = (typeof REGION_NAMES)[number];

/** A region, or that none is known. */
export type Region = NamedRegion | 'unknown';

type Row<Cell> = Readonly<Record<NamedRegion, Cell>>;

/** Least and greatest round trip, in ms, that is believed between two regions; half of the symmetric table. */
const ROUND_TRIPS: Readonly<Record<NamedRegion, Partial<Row<readonly [number, number]>>>> = {
  na: { na: [0, 200], eu: [40, 300], as: [50, 400], sa: [10, 350], af: [60, 400], oc: [80, 400] },
  eu: { eu: [0, 200], as: [10, 400], sa: [50, 400], af: [2, 350], oc: [120, 500] },
  as: { as: [0, 250], sa: [120, 500], af: [10, 450], oc: [20, 350] },
  sa: { sa: [0, 200], af: [30, 500], oc: [80, 500] },
  af: { af: [0, 250], oc: [60, 500] },
  oc: { oc: [0, 200] },
};

/** Percent of its sessions that a node looks for in each region, by its own. Each row sums to 100. */
const SHARES: Readonly<Record<NamedRegion, Row<number>>> = {
  na: { na: 40, eu: 23, as: 18, sa: 9, af: 5, oc: 5 },
  eu: { na: 23, eu: 40, as: 18, sa: 5, af: 9, oc: 5 },
  as: { na: 20, eu: 20, as: 40, sa: 5, af: 5, oc: 10 },
  sa: { na: 25, eu: 20, as: 10, sa: 35, af: 5, oc: 5 },
  af: { na: 15, eu: 30, as: 15, sa: 5, af: 30, oc: 5 },
  oc: { na: 20, eu: 15, as: 25, sa: 5, af: 5, oc: 30 },
};

/** The region that a text names; `unknown` for every other text. */
export function parseRegion(text: string): Region {
  return REGION_NAMES.find((name) => name === text) ?? 'unknown';
}

/** The region for which a peer counts. `rttMs` is its smallest round trip, undefined when nothing was measured. Spec: TOP-003 */
export function countedRegion(own: Region, claimed: Region, rttMs: number | undefined): Region {
  if (own === 'unknown' || claimed === 'unknown' || rttMs === undefined) return 'unknown';
  const bounds = ROUND_TRIPS[own][claimed] ?? ROUND_TRIPS[claimed][own];
  if (bounds === undefined || rttMs > bounds[1]) return 'unknown';
  return rttMs < bounds[0] ? own : claimed;
}

/** Half of its share: sessions of `region` that a node in `own` wants at least when it looks for `target`; 0 when either is unknown. Spec: TOP-004 */
export function regionFloor(own: Region, region: Region, target: number): number {
  if (own === 'unknown' || region === 'unknown') return 0;
  return Math.floor((SHARES[own][region] * target) / 200);
}

/** Sessions of `region` that a node in `own` has room for when it has room for `max`; no limit when either is unknown. Spec: TOP-004 */
export function regionCeiling(own: Region, region: Region, max: number): number {
  if (own === 'unknown' || region === 'unknown') return Number.POSITIVE_INFINITY;
  return Math.ceil((SHARES[own][region] * max) / 100);
}
