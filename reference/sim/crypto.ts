/**
 * Cheap primitives for large worlds. Hashes are real, so ids, distances and proofs are those of a
 * real network; signatures and key agreement are keyed hashes that cost a hundredth.
 *
 * **For simulation only.** A signature here binds the signer's public key and the bytes that were
 * signed (the core puts network id and context into those), and any other key, byte or signature
 * fails: tests of what nodes do with wrong signatures mean what they say. But whoever knows a public
 * key can sign for it. Nothing that a simulated adversary does may lean on that.
 */
import { createHmac, createSecretKey, hash } from 'node:crypto';
import { compareBytes, concatBytes, encodeUtf8, equalBytes } from '../core/bytes.ts';
import { portableCrypto } from '../core/crypto/portable.ts';
import type { CryptoProvider } from '../core/crypto/provider.ts';

const PUBLIC_DOMAIN = encodeUtf8('carillon/sim/public-key\0');
const SIGNATURE_DOMAIN = encodeUtf8('carillon/sim/signature\0');
const AGREEMENT_DOMAIN = encodeUtf8('carillon/sim/agreement\0');
const KEY_BYTES = 32;

function sha256(data: Uint8Array): Uint8Array {
  return new Uint8Array(hash('sha256', data, 'buffer'));
}

/**
 * Clears the highest bits of a 32-byte encoding, so that it passes the screens of chapter 02: below
 * p as a point, and, but for a chance of 2^-250, none of small order.
 */
function asPoint(bytes: Uint8Array): Uint8Array {
  bytes[31] = (bytes[31] ?? 0) & 0x3f;
  return bytes;
}

function publicKeyOf(seed: Uint8Array): Uint8Array {
  if (seed.length !== KEY_BYTES) throw new RangeError(`a secret key is ${KEY_BYTES} bytes`);
  return asPoint(sha256(concatBytes(PUBLIC_DOMAIN, seed)));
}

/** R is the hash of key and message, S is 1: below L, as the screens want it. */
function signatureOf(publicKey: Uint8Array, message: Uint8Array): Uint8Array {
  const signature = new Uint8Array(64);
  signature.set(asPoint(sha256(concatBytes(SIGNATURE_DOMAIN, publicKey, message))));
  signature[32] = 1;
  return signature;
}

/** Public keys of seeds that were asked for; a world has as many as nodes. */
const publicKeys = new Map<string, Uint8Array>();
const PUBLIC_KEYS_MAX = 65_536;

function knownPublicKey(seed: Uint8Array): Uint8Array {
  const name = String.fromCharCode(...seed);
  let known = publicKeys.get(name);
  if (known === undefined) {
    known = publicKeyOf(seed);
    if (publicKeys.size >= PUBLIC_KEYS_MAX) publicKeys.clear();
    publicKeys.set(name, known);
  }
  return known;
}

/** Both ends reach the same secret because a public agreement key is the secret one, veiled. */
function veil(key: Uint8Array): Uint8Array {
  return key.map((byte) => byte ^ 0x5a);
}

function agree(secret: Uint8Array, publicKey: Uint8Array): Uint8Array | undefined {
  if (secret.length !== KEY_BYTES || publicKey.length !== KEY_BYTES || publicKey.every((byte) => byte === 0)) return undefined;
  const own = veil(secret);
  const isFirst = compareBytes(own, publicKey) < 0;
  return sha256(concatBytes(AGREEMENT_DOMAIN, isFirst ? own : publicKey, isFirst ? publicKey : own));
}

/** Primitives for simulation: real hashes and ciphers, signatures and agreement of keyed hashes. */
export const simulatedCrypto: CryptoProvider = {
  ...portableCrypto,
  sha256,
  hmacSha256: (key, data) => new Uint8Array(createHmac('sha256', createSecretKey(key)).update(data).digest()),
  ed25519PublicKey: (seed) => Uint8Array.from(knownPublicKey(seed)),
  ed25519Sign: (seed, message) => signatureOf(knownPublicKey(seed), message),
  ed25519VerifyEquation: (publicKey, message, signature) => equalBytes(signatureOf(publicKey, message), signature),
  x25519PublicKey: veil,
  x25519: agree,
};
