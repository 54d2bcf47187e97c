/**
 * The primitives over Node's own OpenSSL, many times as fast as the portable ones and held to the
 * same vectors. What OpenSSL throws at the bytes of a peer becomes false or undefined here.
 */
import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  createPrivateKey,
  createPublicKey,
  createSecretKey,
  diffieHellman,
  hash,
  type KeyObject,
  sign,
  verify,
} from 'node:crypto';
import type { CryptoProvider } from '../core/crypto/provider.ts';

/** Public keys kept as key objects: making one costs a quarter of checking a signature. */
const PUBLIC_KEYS_MAX = 4096;

/** Signing keys kept as key objects; a process runs few nodes. */
const SIGNING_KEYS_MAX = 64;

const KEY_BYTES = 32;
const TAG_BYTES = 16;
const NONCE_BYTES = 12;
const CIPHER = 'chacha20-poly1305';

type Curve = 'Ed25519' | 'X25519';

/** What stands before the 32 bytes of a key in PKCS #8 and in SPKI (RFC 8410). */
const PRIVATE_PREFIX: Readonly<Record<Curve, Uint8Array>> = {
  Ed25519: Buffer.from('302e020100300506032b657004220420', 'hex'),
  X25519: Buffer.from('302e020100300506032b656e04220420', 'hex'),
};
const PUBLIC_PREFIX: Readonly<Record<Curve, Uint8Array>> = {
  Ed25519: Buffer.from('302a300506032b6570032100', 'hex'),
  X25519: Buffer.from('302a300506032b656e032100', 'hex'),
};

// PEM, for Node 24 takes a text as it is and asks of bytes, at some cost, whether they are a key object.
function pem(label: string, prefix: Uint8Array, key: Uint8Array): string {
  if (key.length !== KEY_BYTES) throw new RangeError(`a key is ${KEY_BYTES} bytes`);
  return `-----BEGIN ${label}-----\n${Buffer.concat([prefix, key]).toString('base64')}\n-----END ${label}-----`;
}

/** Throws for a secret that is not 32 bytes. */
function importPrivate(curve: Curve, secret: Uint8Array): KeyObject {
  return createPrivateKey(pem('PRIVATE KEY', PRIVATE_PREFIX[curve], secret));
}

/** Throws for a key that is not 32 bytes, or that OpenSSL does not take. */
function importPublic(curve: Curve, publicKey: Uint8Array): KeyObject {
  return createPublicKey(pem('PUBLIC KEY', PUBLIC_PREFIX[curve], publicKey));
}

function exportPublic(key: KeyObject): Uint8Array {
  return Uint8Array.from(Buffer.from(String(createPublicKey(key).export({ format: 'jwk' }).x), 'base64url'));
}

/** Keeps the results for the `max` keys used last; a map hands its entries out in the order of insertion. */
function keepLast(max: number, make: (bytes: Uint8Array) => KeyObject): (bytes: Uint8Array) => KeyObject {
  const kept = new Map<string, KeyObject>();
  return (bytes) => {
    const name = Buffer.from(bytes).toString('latin1');
    const known = kept.get(name);
    if (known !== undefined) {
      kept.delete(name);
      kept.set(name, known);
      return known;
    }
    const made = make(bytes);
    if (kept.size >= max) {
      for (const oldest of kept.keys()) {
        kept.delete(oldest);
        break;
      }
    }
    kept.set(name, made);
    return made;
  };
}

const verifyingKey = keepLast(PUBLIC_KEYS_MAX, (bytes) => importPublic('Ed25519', bytes));
const signingKey = keepLast(SIGNING_KEYS_MAX, (bytes) => importPrivate('Ed25519', bytes));

function verifyEquation(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  try {
    return verify(null, message, verifyingKey(publicKey), signature);
  } catch {
    return false;
  }
}

function agree(secret: Uint8Array, publicKey: Uint8Array): Uint8Array | undefined {
  try {
    const shared = diffieHellman({ privateKey: importPrivate('X25519', secret), publicKey: importPublic('X25519', publicKey) });
    return shared.some((byte) => byte !== 0) ? Uint8Array.from(shared) : undefined;
  } catch {
    // OpenSSL fails for a result of zero.
    return undefined;
  }
}

// Of bytes in the place of a key, Node 24 asks twice whether they are a key object, by catching what that throws:
// four times as slow as making the object here.
function seal(key: Uint8Array, nonce: Uint8Array, associated: Uint8Array, plaintext: Uint8Array): Uint8Array {
  const cipher = createCipheriv(CIPHER, createSecretKey(key), nonce, { authTagLength: TAG_BYTES });
  cipher.setAAD(associated, { plaintextLength: plaintext.length });
  const sealed = new Uint8Array(plaintext.length + TAG_BYTES);
  sealed.set(cipher.update(plaintext));
  cipher.final();
  sealed.set(cipher.getAuthTag(), plaintext.length);
  return sealed;
}

function open(key: Uint8Array, nonce: Uint8Array, associated: Uint8Array, sealed: Uint8Array): Uint8Array | undefined {
  // OpenSSL takes shorter nonces as well; the construction of RFC 8439 does not.
  if (sealed.length < TAG_BYTES || nonce.length !== NONCE_BYTES) return undefined;
  const split = sealed.length - TAG_BYTES;
  try {
    const decipher = createDecipheriv(CIPHER, createSecretKey(key), nonce, { authTagLength: TAG_BYTES });
    decipher.setAAD(associated, { plaintextLength: split });
    decipher.setAuthTag(sealed.subarray(split));
    const plaintext = Uint8Array.from(decipher.update(sealed.subarray(0, split)));
    decipher.final();
    return plaintext;
  } catch {
    return undefined;
  }
}

/** Primitives over node:crypto. */
export const nativeCrypto: CryptoProvider = {
  sha256: (data) => Uint8Array.from(hash('sha256', data, 'buffer')),
  hmacSha256: (key, data) => Uint8Array.from(createHmac('sha256', createSecretKey(key)).update(data).digest()),
  ed25519PublicKey: (seed) => exportPublic(signingKey(seed)),
  ed25519Sign: (seed, message) => Uint8Array.from(sign(null, message, signingKey(seed))),
  ed25519VerifyEquation: verifyEquation,
  x25519PublicKey: (secret) => exportPublic(importPrivate('X25519', secret)),
  x25519: agree,
  chachaSeal: seal,
  chachaOpen: open,
};
