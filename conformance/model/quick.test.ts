import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { unhex } from './bytes.ts';
import * as slow from './ed25519.ts';
import { x25519PublicKey, x25519Shared } from './noise.ts';
import * as quick from './quick.ts';

const external = join(import.meta.dirname, '..', '..', 'vectors', 'external');
const read = (file: string): unknown => JSON.parse(readFileSync(join(external, file), 'utf8'));
const bytes = (size: number): fc.Arbitrary<Uint8Array> => fc.uint8Array({ minLength: size, maxLength: size });

describe('the quick predicate answers as the model', () => {
  test('IDN-010 to IDN-017 on the CCTV cases', () => {
    const { cases } = read('ed25519/cctv-ed25519vectors.json') as { cases: { key: string; sig: string; msg: string }[] };
    expect(cases.length).toBeGreaterThan(600);
    for (const { key, sig, msg } of cases) {
      const args = [unhex(key), new TextEncoder().encode(msg), unhex(sig)] as const;
      expect(quick.verifyStrict(...args), key + sig).toBe(slow.verifyStrict(...args));
    }
  });

  test('IDN-010 to IDN-017 on the speccheck cases', () => {
    const { cases } = read('ed25519/speccheck.json') as { cases: { pub_key: string; signature: string; message: string }[] };
    for (const { pub_key, signature, message } of cases) {
      const args = [unhex(pub_key), unhex(message), unhex(signature)] as const;
      expect(quick.verifyStrict(...args), pub_key + signature).toBe(slow.verifyStrict(...args));
    }
  });

  test('IDN-017, IDN-018 on random keys, messages and flipped bits', () => {
    fc.assert(
      fc.property(bytes(32), fc.uint8Array({ maxLength: 80 }), fc.option(fc.nat({ max: 511 })), (seed, message, flipped) => {
        const signature = quick.sign(seed, message);
        expect(signature).toEqual(slow.sign(seed, message));
        expect(quick.publicKey(seed)).toEqual(slow.publicKey(seed));
        if (flipped !== null) signature[flipped >> 3] = (signature[flipped >> 3] ?? 0) ^ (1 << (flipped & 7));
        expect(quick.verifyStrict(quick.publicKey(seed), message, signature)).toBe(
          slow.verifyStrict(quick.publicKey(seed), message, signature),
        );
      }),
      { numRuns: 30 },
    );
  });

  test('SES-005 X25519 on random keys and on points of small order', () => {
    fc.assert(
      fc.property(bytes(32), bytes(32), (secret, other) => {
        const remote = x25519PublicKey(other);
        expect(quick.x25519PublicKey(secret)).toEqual(x25519PublicKey(secret));
        expect(quick.x25519Shared(secret, remote)).toEqual(x25519Shared(secret, remote));
        expect(quick.x25519Shared(secret, new Uint8Array(32))).toBeUndefined();
      }),
      { numRuns: 20 },
    );
  });
});
