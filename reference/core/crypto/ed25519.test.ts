import { ED25519_TORSION_SUBGROUP, ed25519 } from '@noble/curves/ed25519.js';
import { describe, expect, test } from 'vitest';
import { concatBytes, encodeUtf8, fromHex } from '../bytes.ts';
import { verifyStrict } from './ed25519.ts';
import { portableCrypto } from './portable.ts';
import type { CryptoProvider } from './provider.ts';

/** Counts the calls that pass the screens, and answers yes to all of them. */
function credulous(): { readonly crypto: CryptoProvider; readonly calls: () => number } {
  let calls = 0;
  const ed25519VerifyEquation = (): boolean => {
    calls += 1;
    return true;
  };
  return { crypto: { ...portableCrypto, ed25519VerifyEquation }, calls: () => calls };
}

const good = Uint8Array.from(ed25519.Point.BASE.toBytes());
const zeroScalar = new Uint8Array(32);
const message = encodeUtf8('message');

describe('the screens before the equation', () => {
  test('IDN-013, IDN-015: all eight small-order points are refused under both signs, as A and as R', () => {
    expect(ED25519_TORSION_SUBGROUP.length).toBe(8);
    for (const hex of ED25519_TORSION_SUBGROUP) {
      for (const sign of [0x00, 0x80]) {
        const encoding = fromHex(hex) ?? new Uint8Array(0);
        encoding[31] = (encoding[31] ?? 0) ^ sign;
        const backend = credulous();
        expect(verifyStrict(backend.crypto, encoding, message, concatBytes(good, zeroScalar)), `A ${hex}`).toBe(false);
        expect(verifyStrict(backend.crypto, good, message, concatBytes(encoding, zeroScalar)), `R ${hex}`).toBe(false);
        expect(backend.calls()).toBe(0);
      }
    }
  });

  test('IDN-012, IDN-014: y at or above p is refused under both signs, as A and as R', () => {
    for (let excess = 0; excess < 19; excess++) {
      for (const last of [0x7f, 0xff]) {
        const encoding = new Uint8Array(32).fill(0xff);
        encoding[0] = 0xed + excess;
        encoding[31] = last;
        const backend = credulous();
        expect(verifyStrict(backend.crypto, encoding, message, concatBytes(good, zeroScalar))).toBe(false);
        expect(verifyStrict(backend.crypto, good, message, concatBytes(encoding, zeroScalar))).toBe(false);
        expect(backend.calls()).toBe(0);
      }
    }
  });

  test('IDN-011: S is refused from the order on and taken below it', () => {
    const order = fromHex('edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010') ?? new Uint8Array(0);
    const below = Uint8Array.from(order);
    below[0] = 0xec;
    const backend = credulous();
    expect(verifyStrict(backend.crypto, good, message, concatBytes(good, order))).toBe(false);
    expect(verifyStrict(backend.crypto, good, message, concatBytes(good, new Uint8Array(32).fill(0xff)))).toBe(false);
    expect(verifyStrict(backend.crypto, good, message, concatBytes(good, below))).toBe(true);
    expect(backend.calls()).toBe(1);
  });

  test('a signature made by the portable primitives is valid, and for no other message', () => {
    const seed = new Uint8Array(32).fill(42);
    const key = portableCrypto.ed25519PublicKey(seed);
    const signature = portableCrypto.ed25519Sign(seed, message);
    expect(verifyStrict(portableCrypto, key, message, signature)).toBe(true);
    expect(verifyStrict(portableCrypto, key, encodeUtf8('Message'), signature)).toBe(false);
  });
});
