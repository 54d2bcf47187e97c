/** SipHash-2-4 in 64-bit words, as its authors write it. */
import { concat, readLe, u8, writeLe } from './bytes.ts';

const MASK = 2n ** 64n - 1n;

function rotate(value: bigint, by: bigint): bigint {
  return ((value << by) | (value >> (64n - by))) & MASK;
}

/** 8 bytes of SipHash-2-4 of the data under a key of 16 bytes. Spec: RCN-002, RCN-003. */
export function sipHash24(key: Uint8Array, data: Uint8Array): Uint8Array {
  const k0 = readLe(key.slice(0, 8));
  const k1 = readLe(key.slice(8, 16));
  let [v0, v1, v2, v3] = [k0 ^ 0x736f6d6570736575n, k1 ^ 0x646f72616e646f6dn, k0 ^ 0x6c7967656e657261n, k1 ^ 0x7465646279746573n];
  const round = (): void => {
    v0 = (v0 + v1) & MASK;
    v1 = rotate(v1, 13n) ^ v0;
    v0 = rotate(v0, 32n);
    v2 = (v2 + v3) & MASK;
    v3 = rotate(v3, 16n) ^ v2;
    v0 = (v0 + v3) & MASK;
    v3 = rotate(v3, 21n) ^ v0;
    v2 = (v2 + v1) & MASK;
    v1 = rotate(v1, 17n) ^ v2;
    v2 = rotate(v2, 32n);
  };
  const rest = 7 - (data.length % 8);
  const padded = concat(data, new Uint8Array(rest), u8(data.length % 256));
  for (let at = 0; at < padded.length; at += 8) {
    const word = readLe(padded.slice(at, at + 8));
    v3 ^= word;
    round();
    round();
    v0 ^= word;
  }
  v2 ^= 255n;
  for (let i = 0; i < 4; i++) round();
  return writeLe(v0 ^ v1 ^ v2 ^ v3, 8);
}
