/** Parts of the world and how far apart they are, for latencies that look like the internet's. */

/** North America, Europe, Asia, South America, Africa, Oceania. */
export const REGIONS = ['NA', 'EU', 'AS', 'SA', 'AF', 'OC'] as const;

/** A part of the world. */
export type Region = (typeof REGIONS)[number];

/** Typical one-way delays in milliseconds between large sites; halves of the round trips that public measurements show. */
const ONE_WAY_MS: Readonly<Record<Region, Readonly<Record<Region, number>>>> = {
  NA: { NA: 18, EU: 45, AS: 80, SA: 62, AF: 95, OC: 85 },
  EU: { NA: 45, EU: 12, AS: 85, SA: 95, AF: 55, OC: 135 },
  AS: { NA: 80, EU: 85, AS: 30, SA: 150, AF: 110, OC: 60 },
  SA: { NA: 62, EU: 95, AS: 150, SA: 20, AF: 150, OC: 140 },
  AF: { NA: 95, EU: 55, AS: 110, SA: 150, AF: 30, OC: 160 },
  OC: { NA: 85, EU: 135, AS: 60, SA: 140, AF: 160, OC: 12 },
};

/** One-way milliseconds between two regions; the matrix is symmetric. */
export function regionLatencyMs(from: Region, to: Region): number {
  return ONE_WAY_MS[from][to];
}

/** Regions in the shares of the nodes of public networks: NA 30 %, EU 35 %, AS 22 %, SA 6 %, AF 3 %, OC 4 %. */
export function usualRegion(node: number): Region {
  // The golden ratio spreads any run of node numbers evenly over the shares.
  const place = (node * 0.6180339887498949) % 1;
  if (place < 0.3) return 'NA';
  if (place < 0.65) return 'EU';
  if (place < 0.87) return 'AS';
  if (place < 0.93) return 'SA';
  return place < 0.96 ? 'AF' : 'OC';
}
