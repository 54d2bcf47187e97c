/** MurmurHash3, the x86 form with 32 bits: not keyed, so never where a peer chooses what is hashed. */

function mix(word: number): number {
  const scrambled = Math.imul(word, 0xcc9e2d51);
  return Math.imul((scrambled << 15) | (scrambled >>> 17), 0x1b873593);
}

/** The hash of the data under a 32-bit seed, 0 to 2^32 − 1. */
export function murmur3(data: Uint8Array, seed: number): number {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const whole = data.length - (data.length % 4);
  let hash = seed | 0;
  for (let offset = 0; offset < whole; offset += 4) {
    hash ^= mix(view.getUint32(offset, true));
    hash = (hash << 13) | (hash >>> 19);
    hash = (Math.imul(hash, 5) + 0xe6546b64) | 0;
  }
  let tail = 0;
  for (let offset = data.length - 1; offset >= whole; offset--) tail = (tail << 8) | view.getUint8(offset);
  if (whole < data.length) hash ^= mix(tail);
  hash ^= data.length;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
