/** HKDF with SHA-256, RFC 5869, over the provider's HMAC. */
import { concatBytes } from '../bytes.ts';
import { invariant } from '../errors.ts';
import type { CryptoProvider } from './provider.ts';

const HASH_BYTES = 32;

/** `size` bytes, at most 255 · 32, drawn from `ikm`; an empty salt counts as 32 zero bytes. */
export function hkdf(crypto: CryptoProvider, ikm: Uint8Array, salt: Uint8Array, info: Uint8Array, size: number): Uint8Array {
  invariant(size >= 0 && size <= 255 * HASH_BYTES, 'HKDF gives at most 255 blocks');
  const key = crypto.hmacSha256(salt.length === 0 ? new Uint8Array(HASH_BYTES) : salt, ikm);
  const blocks: Uint8Array[] = [];
  let block: Uint8Array = new Uint8Array(0);
  for (let count = 1; (count - 1) * HASH_BYTES < size; count++) {
    block = crypto.hmacSha256(key, concatBytes(block, info, Uint8Array.of(count)));
    blocks.push(block);
  }
  return concatBytes(...blocks).slice(0, size);
}
