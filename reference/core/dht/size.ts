/** The size of the network from the density of the nearest nodes. Spec: chapter 08, Size of the network */

/** What one lookup says: how many of the nearest answered, and how far the farthest of them was. */
export interface SizeSample {
  readonly count: number;
  readonly farthest: bigint;
}

const SPACE = 1n << 256n;
const SIZE_MAX = 2n ** 32n;

/** The number of nodes, 0 without samples, at most 2^32. Spec: DHT-110 */
export function estimateSize(bucketSize: number, samples: readonly SizeSample[]): number {
  let counted = 0n;
  let far = 0n;
  let largest = 0;
  for (const { count, farthest } of samples) {
    largest = Math.max(largest, count);
    if (count !== bucketSize) continue;
    counted += BigInt(count);
    far += farthest;
  }
  if (counted === 0n || far === 0n) return samples.length === 0 ? 0 : 1 + largest;
  const estimate = 1n + (SPACE * (counted - 1n)) / far;
  return Number(estimate < SIZE_MAX ? estimate : SIZE_MAX);
}
