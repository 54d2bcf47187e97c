/**
 * The one signature predicate of the network. Backends differ in how they read encodings that are
 * not canonical and points of small order, so both are screened here, by bytes, and a backend is
 * asked for nothing but the equation. Spec: IDN-010 to IDN-017
 */
import type { CryptoProvider } from './provider.ts';

const PUBLIC_KEY_BYTES = 32;
const SIGNATURE_BYTES = 64;

/** 2^255 − 19, the order L, and the y-coordinates of the eight points whose order divides 8. */
const P = 2n ** 255n - 19n;
const L = 2n ** 252n + 27742317777372353535851937790883648493n;
const Y_ORDER_8 = 0x7a03ac9277fdc74ec6cc392cfa53202a0f67100d760b3cba4fd84d3d706a17c7n;

function littleEndian(value: bigint): Uint8Array {
  const bytes = new Uint8Array(32);
  for (let index = 0; index < 32; index++) bytes[index] = Number((value >> BigInt(8 * index)) & 0xffn);
  return bytes;
}

const P_BYTES = littleEndian(P);
const L_BYTES = littleEndian(L);

/** The identity, order 2, order 4 (both signs), order 8 (two y, both signs each). */
const SMALL_ORDER_Y: readonly Uint8Array[] = [1n, P - 1n, 0n, Y_ORDER_8, P - Y_ORDER_8].map(littleEndian);

/** Whether 32 little-endian bytes stand for less than the bound. */
function isBelow(bytes: Uint8Array, bound: Uint8Array): boolean {
  for (let index = 31; index >= 0; index--) {
    const difference = (bytes[index] ?? 0) - (bound[index] ?? 0);
    if (difference !== 0) return difference < 0;
  }
  return false;
}

/**
 * Whether an encoding has a y-coordinate below p and is not that of a point of small order under
 * either sign. The encodings with x = 0 and sign bit 1 have y = ±1, so this refuses them as well.
 */
function passesPointScreen(encoding: Uint8Array): boolean {
  const y = Uint8Array.from(encoding);
  y[31] = (y[31] ?? 0) & 0x7f;
  return isBelow(y, P_BYTES) && !SMALL_ORDER_Y.some((small) => small.every((byte, index) => byte === y[index]));
}

/**
 * Whether a signature is valid under the strict predicate; wrong lengths make it false. Whether A
 * and R lie on the curve falls to the equation, which no other encoding can fulfil.
 * Spec: IDN-010 to IDN-017
 */
export function verifyStrict(crypto: CryptoProvider, publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  if (publicKey.length !== PUBLIC_KEY_BYTES || signature.length !== SIGNATURE_BYTES) return false;
  if (!isBelow(signature.subarray(32), L_BYTES)) return false;
  if (!passesPointScreen(publicKey) || !passesPointScreen(signature.subarray(0, 32))) return false;
  return crypto.ed25519VerifyEquation(publicKey, message, signature);
}
