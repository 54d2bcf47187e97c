/** Parts of the world and how far apart they are, for latencies that look like the internet's. */

/** North America, Europe, Asia, South America, Africa, Oceania. */
export const REGIONS = ['na', 'eu', 'as', 'sa', 'af', 'oc'] as const;

/** A part of the world. */
export type Region = (typeof REGIONS)[number];

/** Typical one-way delays in milliseconds between large sites; halves of the round trips that public measurements show. */
const ONE_WAY_MS: Readonly<Record<Region, Readonly<Record<Region, number>>>> = {
  na: { na: 18, eu: 45, as: 80, sa: 62, af: 95, oc: 85 },
  eu: { na: 45, eu: 12, as: 85, sa: 95, af: 55, oc: 135 },
  as: { na: 80, eu: 85, as: 30, sa: 150, af: 110, oc: 60 },
  sa: { na: 62, eu: 95, as: 150, sa: 20, af: 150, oc: 140 },
  af: { na: 95, eu: 55, as: 110, sa: 150, af: 30, oc: 160 },
  oc: { na: 85, eu: 135, as: 60, sa: 140, af: 160, oc: 12 },
};

/** One-way milliseconds between two regions; the matrix is symmetric. */
export function regionLatencyMs(from: Region, to: Region): number {
  return ONE_WAY_MS[from][to];
}

/** Regions in the shares of the nodes of public networks: na 30 %, eu 35 %, as 22 %, sa 6 %, af 3 %, oc 4 %. */
export function usualRegion(node: number): Region {
  // The golden ratio spreads any run of node numbers evenly over the shares.
  const place = (node * 0.6180339887498949) % 1;
  if (place < 0.3) return 'na';
  if (place < 0.65) return 'eu';
  if (place < 0.87) return 'as';
  if (place < 0.93) return 'sa';
  return place < 0.96 ? 'af' : 'oc';
}
