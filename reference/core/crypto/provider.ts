/**
 * The primitives that the core is given. The runtime injects native ones, a browser or the simulator
 * the portable ones; both are held to the same vectors.
 */

/** Primitives as pure functions. Inputs are not kept; results are fresh arrays. */
export interface CryptoProvider {
  sha256(data: Uint8Array): Uint8Array;
  /** HMAC-SHA-256, 32 bytes. */
  hmacSha256(key: Uint8Array, data: Uint8Array): Uint8Array;
  /** Ed25519 public key of a 32-byte secret seed. */
  ed25519PublicKey(seed: Uint8Array): Uint8Array;
  /** 64 bytes, RFC 8032 (IDN-018). */
  ed25519Sign(seed: Uint8Array, message: Uint8Array): Uint8Array;
  /**
   * The cofactorless equation only. The screens of IDN-010 to IDN-015 are not its business: call
   * `verifyStrict` of `ed25519.ts`, never this.
   */
  ed25519VerifyEquation(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean;
  x25519PublicKey(secret: Uint8Array): Uint8Array;
  /** 32 bytes, or undefined when the result is all zero (SES-005). */
  x25519(secret: Uint8Array, publicKey: Uint8Array): Uint8Array | undefined;
  /** ciphertext ‖ 16-byte tag; the nonce is 12 bytes. */
  chachaSeal(key: Uint8Array, nonce: Uint8Array, associated: Uint8Array, plaintext: Uint8Array): Uint8Array;
  /** The plaintext, or undefined when the tag does not fit. */
  chachaOpen(key: Uint8Array, nonce: Uint8Array, associated: Uint8Array, sealed: Uint8Array): Uint8Array | undefined;
}
