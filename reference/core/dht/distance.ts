/** Distances and the buckets that follow from them; ids are 32 bytes. Spec: chapter 08, Distance */

/** Bits of an id, and buckets of a table. */
export const ID_BITS = 256;

/** The bytes of the exclusive or, most significant first. Spec: DHT-001 */
export function distance(a: Uint8Array, b: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(a.length);
  for (let index = 0; index < a.length; index++) bytes[index] = (a[index] ?? 0) ^ (b[index] ?? 0);
  return bytes;
}

/** Negative when `a` is nearer to the target than `b`, 0 for the same id. Spec: DHT-001 */
export function compareDistance(target: Uint8Array, a: Uint8Array, b: Uint8Array): number {
  for (let index = 0; index < target.length; index++) {
    const own = target[index] ?? 0;
    const difference = ((a[index] ?? 0) ^ own) - ((b[index] ?? 0) ^ own);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** The distance as a number. */
export function distanceNumber(a: Uint8Array, b: Uint8Array): bigint {
  let value = 0n;
  const bytes = distance(a, b);
  const view = new DataView(bytes.buffer);
  for (let offset = 0; offset < bytes.length; offset += 8) value = (value << 64n) | view.getBigUint64(offset);
  return value;
}

/** `floor(log2 d)`: 0 is nearest; undefined for an id and itself. Spec: DHT-002 */
export function bucketIndex(a: Uint8Array, b: Uint8Array): number | undefined {
  for (let index = 0; index < a.length; index++) {
    const bits = (a[index] ?? 0) ^ (b[index] ?? 0);
    if (bits !== 0) return 8 * (a.length - index) - 1 - (Math.clz32(bits) - 24);
  }
  return undefined;
}

/** An id of chance in a bucket of `self`; `bytes` are 32 random ones. Spec: DHT-102 */
export function idInBucket(self: Uint8Array, bucket: number, bytes: Uint8Array): Uint8Array {
  const id = Uint8Array.from(self);
  for (let bit = 0; bit <= bucket; bit++) {
    const index = id.length - 1 - (bit >> 3);
    const mask = 1 << (bit & 7);
    const flips = bit === bucket || ((bytes[index] ?? 0) & mask) !== 0;
    if (flips) id[index] = (id[index] ?? 0) ^ mask;
  }
  return id;
}

const SPACE = 1n << 256n;

/** The first distance outside the region of a target: `regionNodes` nodes are expected below it. Spec: chapter 08, Lookups */
export function regionRadius(regionNodes: number, networkSize: number): bigint {
  const size = BigInt(Math.max(1, networkSize));
  const radius = (BigInt(regionNodes) * SPACE + size - 1n) / size;
  return radius < SPACE ? radius : SPACE;
}
