/** The primitives in plain JavaScript, for browsers and the simulator. */
import { chacha20poly1305 } from '@noble/ciphers/chacha.js';
import { ed25519, x25519 } from '@noble/curves/ed25519.js';
import { hmac } from '@noble/hashes/hmac.js';
import { sha256, sha512 } from '@noble/hashes/sha2.js';
import { concatBytes, copyBytes } from '../bytes.ts';
import type { CryptoProvider } from './provider.ts';

const { Point } = ed25519;
const TAG_BYTES = 16;

/** A little-endian integer. */
function integerOf(bytes: Uint8Array): bigint {
  let value = 0n;
  for (let index = bytes.length - 1; index >= 0; index--) value = (value << 8n) | BigInt(bytes[index] ?? 0);
  return value;
}

/** `[S]B = R + [k]A` with noble's points; the strict decoder throws for what is no point. */
function verifyEquation(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  try {
    const encodedR = signature.subarray(0, 32);
    const a = Point.fromBytes(copyBytes(publicKey));
    const r = Point.fromBytes(copyBytes(encodedR));
    const s = integerOf(signature.subarray(32, 64));
    const k = integerOf(sha512(concatBytes(encodedR, publicKey, message))) % Point.Fn.ORDER;
    return Point.BASE.multiplyUnsafe(s).equals(r.add(a.multiplyUnsafe(k)));
  } catch {
    return false;
  }
}

function agree(secret: Uint8Array, publicKey: Uint8Array): Uint8Array | undefined {
  try {
    return x25519.getSharedSecret(secret, publicKey);
  } catch {
    // Thrown for a result of zero, and for keys that are not 32 bytes.
    return undefined;
  }
}

function open(key: Uint8Array, nonce: Uint8Array, associated: Uint8Array, sealed: Uint8Array): Uint8Array | undefined {
  if (sealed.length < TAG_BYTES) return undefined;
  try {
    return chacha20poly1305(key, nonce, associated).decrypt(sealed);
  } catch {
    return undefined;
  }
}

/** Primitives over noble; the slow half of the pair that is held to the same vectors. */
export const portableCrypto: CryptoProvider = {
  sha256: (data) => sha256(data),
  hmacSha256: (key, data) => hmac(sha256, key, data),
  ed25519PublicKey: (seed) => ed25519.getPublicKey(seed),
  ed25519Sign: (seed, message) => ed25519.sign(message, seed),
  ed25519VerifyEquation: verifyEquation,
  x25519PublicKey: (secret) => x25519.getPublicKey(secret),
  x25519: agree,
  chachaSeal: (key, nonce, associated, plaintext) => chacha20poly1305(key, nonce, associated).encrypt(plaintext),
  chachaOpen: open,
};
