/** The cheap primitives: what they have to have in common with the real ones. */
import { describe, expect, test } from 'vitest';
import { encodeUtf8 } from '../core/bytes.ts';
import { verifyStrict } from '../core/crypto/ed25519.ts';
import { portableCrypto } from '../core/crypto/portable.ts';
import { createRng } from '../core/rng.ts';
import { signingBytes } from '../core/wire/envelope.ts';
import { simulatedCrypto } from './crypto.ts';

const rng = createRng(encodeUtf8('simulated'));

describe('simulated signatures', () => {
  const seed = rng.bytes(32);
  const key = simulatedCrypto.ed25519PublicKey(seed);
  const message = signingBytes(encodeUtf8('sim'), 'record', encodeUtf8('payload'));
  const signature = simulatedCrypto.ed25519Sign(seed, message);

  test('pass the screens of every key and message', () => {
    for (let round = 0; round < 200; round++) {
      const other = rng.bytes(32);
      const bytes = rng.bytes(round);
      const signed = simulatedCrypto.ed25519Sign(other, bytes);
      expect(verifyStrict(simulatedCrypto, simulatedCrypto.ed25519PublicKey(other), bytes, signed)).toBe(true);
    }
  });

  test('bind the signer, the network, the context and every byte', () => {
    const isValid = (publicKey: Uint8Array, bytes: Uint8Array, signed: Uint8Array): boolean =>
      verifyStrict(simulatedCrypto, publicKey, bytes, signed);
    expect(isValid(key, message, signature)).toBe(true);
    expect(isValid(simulatedCrypto.ed25519PublicKey(rng.bytes(32)), message, signature)).toBe(false);
    expect(isValid(key, signingBytes(encodeUtf8('main'), 'record', encodeUtf8('payload')), signature)).toBe(false);
    expect(isValid(key, signingBytes(encodeUtf8('sim'), 'provider', encodeUtf8('payload')), signature)).toBe(false);
    for (let index = 0; index < 64; index++) {
      const flipped = signature.map((byte, position) => (position === index ? byte ^ 1 : byte));
      expect(isValid(key, message, flipped), `byte ${index}`).toBe(false);
    }
  });

  test('hashes and ciphers are the real ones, and both ends agree on a secret', () => {
    const data = rng.bytes(100);
    expect(simulatedCrypto.sha256(data)).toEqual(portableCrypto.sha256(data));
    expect(simulatedCrypto.hmacSha256(data.subarray(0, 32), data)).toEqual(portableCrypto.hmacSha256(data.subarray(0, 32), data));
    expect(simulatedCrypto.chachaSeal).toBe(portableCrypto.chachaSeal);
    const [a, b, c] = [rng.bytes(32), rng.bytes(32), rng.bytes(32)];
    const shared = simulatedCrypto.x25519(a, simulatedCrypto.x25519PublicKey(b));
    expect(shared).toEqual(simulatedCrypto.x25519(b, simulatedCrypto.x25519PublicKey(a)));
    expect(shared).not.toEqual(simulatedCrypto.x25519(c, simulatedCrypto.x25519PublicKey(a)));
    expect(simulatedCrypto.x25519(a, new Uint8Array(32))).toBeUndefined();
  });
});
