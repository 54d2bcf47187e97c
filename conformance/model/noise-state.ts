/**
 * Noise's CipherState and SymmetricState for 25519, ChaChaPoly and SHA256, with the primitives under them, named as the
 * framework's revision 34 names them.
 */
import { chacha20poly1305 } from '@noble/ciphers/chacha.js';
import { x25519 } from '@noble/curves/ed25519.js';
import { hmac } from '@noble/hashes/hmac.js';
import { sha256 as nobleSha256 } from '@noble/hashes/sha2.js';
import { concat, sha256, u8, utf8, writeLe } from './bytes.ts';

/** A handshake or transport message that cannot be read; `code` is the registry's name for it. */
export class NoiseFailure extends Error {
  readonly code: 'E_HANDSHAKE' | 'E_ZERO_SECRET' | 'E_DECRYPT';
  constructor(code: 'E_HANDSHAKE' | 'E_ZERO_SECRET' | 'E_DECRYPT', message: string) {
    super(`${code}: ${message}`);
    this.name = 'NoiseFailure';
    this.code = code;
  }
}

/** X25519 public key of a 32-byte secret. */
export function x25519PublicKey(secret: Uint8Array): Uint8Array {
  return x25519.getPublicKey(secret);
}

/** X25519; undefined when the result is 32 zero bytes. Spec: SES-005. */
export function x25519Shared(secret: Uint8Array, publicKey: Uint8Array): Uint8Array | undefined {
  try {
    // A u-coordinate is taken modulo 2^255 and then modulo p; its top bit is not looked at.
    return x25519.getSharedSecret(secret, publicKey);
  } catch {
    return undefined;
  }
}

/** ciphertext ‖ tag. The nonce is 12 bytes. */
export function chachaSeal(key: Uint8Array, nonce: Uint8Array, associated: Uint8Array, plaintext: Uint8Array): Uint8Array {
  return chacha20poly1305(key, nonce, associated).encrypt(plaintext);
}

/** The plaintext, or undefined when the tag does not fit. */
export function chachaOpen(key: Uint8Array, nonce: Uint8Array, associated: Uint8Array, sealed: Uint8Array): Uint8Array | undefined {
  try {
    return chacha20poly1305(key, nonce, associated).decrypt(sealed);
  } catch {
    return undefined;
  }
}

/** HKDF of Noise (RFC 5869 with no info, 32-byte outputs): as many outputs as asked for, 2 or 3. */
function hkdf(chainingKey: Uint8Array, input: Uint8Array, outputs: 2 | 3): readonly [Uint8Array, Uint8Array, Uint8Array] {
  const temporary = hmac(nobleSha256, chainingKey, input);
  const first = hmac(nobleSha256, temporary, u8(1));
  const second = hmac(nobleSha256, temporary, concat(first, u8(2)));
  const third = outputs === 3 ? hmac(nobleSha256, temporary, concat(second, u8(3))) : new Uint8Array();
  return [first, second, third];
}

/** A key and the nonce that the next message takes. Without a key, messages pass unencrypted. */
export class CipherState {
  #key: Uint8Array | undefined;
  #nonce = 0n;

  constructor(key?: Uint8Array) {
    this.#key = key;
  }

  get hasKey(): boolean {
    return this.#key !== undefined;
  }

  get nonce(): bigint {
    return this.#nonce;
  }

  encryptWithAd(associated: Uint8Array, plaintext: Uint8Array): Uint8Array {
    if (this.#key === undefined) return plaintext;
    const sealed = chachaSeal(this.#key, nonceBytes(this.#nonce), associated, plaintext);
    this.#nonce += 1n;
    return sealed;
  }

  /** Throws a NoiseFailure, and leaves the nonce alone, when the tag does not fit. */
  decryptWithAd(associated: Uint8Array, sealed: Uint8Array): Uint8Array {
    if (this.#key === undefined) return sealed;
    const plaintext = chachaOpen(this.#key, nonceBytes(this.#nonce), associated, sealed);
    if (plaintext === undefined) throw new NoiseFailure('E_DECRYPT', `message ${this.#nonce} does not decrypt`);
    this.#nonce += 1n;
    return plaintext;
  }
}

/** ChaChaPoly's nonce: 4 zero bytes and the counter, little-endian. */
function nonceBytes(nonce: bigint): Uint8Array {
  return concat(new Uint8Array(4), writeLe(nonce, 8));
}

/** Chaining key and handshake hash, and the cipher that they have come to. */
export class SymmetricState {
  cipher: CipherState = new CipherState();
  chainingKey: Uint8Array;
  hash: Uint8Array;
  /** A second hash, begun with another prologue, that seals in place of the first. */
  sealingHash: Uint8Array | undefined;

  constructor(protocolName: string) {
    const name = utf8(protocolName);
    this.hash = name.length <= 32 ? concat(name, new Uint8Array(32 - name.length)) : sha256(name);
    this.chainingKey = this.hash;
  }

  mixKey(input: Uint8Array): void {
    const [chainingKey, key] = hkdf(this.chainingKey, input, 2);
    this.chainingKey = chainingKey;
    this.cipher = new CipherState(key);
  }

  mixHash(data: Uint8Array): void {
    this.hash = sha256(this.hash, data);
    if (this.sealingHash !== undefined) this.sealingHash = sha256(this.sealingHash, data);
  }

  /** Mixes in a prologue; with `sealing`, messages are sealed as after that one and still opened as after the first. */
  mixPrologue(prologue: Uint8Array, sealing: Uint8Array | undefined): void {
    this.sealingHash = sealing && sha256(this.hash, sealing);
    this.hash = sha256(this.hash, prologue);
  }

  mixKeyAndHash(input: Uint8Array): void {
    const [chainingKey, hashed, key] = hkdf(this.chainingKey, input, 3);
    this.chainingKey = chainingKey;
    this.mixHash(hashed);
    this.cipher = new CipherState(key);
  }

  encryptAndHash(plaintext: Uint8Array): Uint8Array {
    const sealed = this.cipher.encryptWithAd(this.sealingHash ?? this.hash, plaintext);
    this.mixHash(sealed);
    return sealed;
  }

  decryptAndHash(sealed: Uint8Array): Uint8Array {
    const plaintext = this.cipher.decryptWithAd(this.hash, sealed);
    this.mixHash(sealed);
    return plaintext;
  }

  split(): readonly [CipherState, CipherState] {
    const [first, second] = hkdf(this.chainingKey, new Uint8Array(), 2);
    return [new CipherState(first), new CipherState(second)];
  }
}
