/** The native and the portable primitives, held to the same published vectors and to each other. */
import { readFileSync } from 'node:fs';
import { ed25519 } from '@noble/curves/ed25519.js';
import { sha512 } from '@noble/hashes/sha2.js';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { concatBytes, encodeUtf8, fromHex, toHex } from '../core/bytes.ts';
import { verifyStrict } from '../core/crypto/ed25519.ts';
import { hkdf } from '../core/crypto/hkdf.ts';
import { portableCrypto } from '../core/crypto/portable.ts';
import type { CryptoProvider } from '../core/crypto/provider.ts';
import { createRng } from '../core/rng.ts';
import { createHandshake } from '../core/wire/noise.ts';
import { nativeCrypto } from './crypto-native.ts';

const PROVIDERS = [
  ['native', nativeCrypto],
  ['portable', portableCrypto],
] as const satisfies readonly (readonly [string, CryptoProvider])[];

function readVectors<T>(name: string): T {
  return JSON.parse(readFileSync(new URL(`../../vectors/external/${name}.json`, import.meta.url), 'utf8')) as T;
}

function hex(text: string): Uint8Array {
  const bytes = fromHex(text);
  if (bytes === undefined) throw new Error(`not hexadecimal: ${text}`);
  return bytes;
}

interface Wycheproof<Group, Case> {
  readonly testGroups: readonly (Group & {
    readonly tests: readonly (Case & { readonly tcId: number; readonly flags: readonly string[]; readonly result: string })[];
  })[];
}

/** The result of the strict predicate, on which both backends have to agree. */
function verifyBoth(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  const native = verifyStrict(nativeCrypto, publicKey, message, signature);
  const portable = verifyStrict(portableCrypto, publicKey, message, signature);
  expect(native, `native and portable disagree on ${toHex(publicKey)} ${toHex(signature)}`).toBe(portable);
  return native;
}

describe('IDN-010 to IDN-017, the signature predicate over both backends', () => {
  test('wycheproof: every case has the published result, without exception', () => {
    const { testGroups } = readVectors<Wycheproof<{ publicKey: { pk: string } }, { msg: string; sig: string }>>('wycheproof/ed25519_test');
    let cases = 0;
    for (const group of testGroups) {
      for (const { tcId, msg, sig, result } of group.tests) {
        expect(verifyBoth(hex(group.publicKey.pk), hex(msg), hex(sig)), `tcId ${tcId}`).toBe(result === 'valid');
        cases += 1;
      }
    }
    expect(cases).toBe(101);
  });

  test('speccheck: only the case with mixed A and R that satisfies the cofactorless equation is valid', () => {
    const { cases } = readVectors<{ cases: { index: number; message: string; pub_key: string; signature: string }[] }>('ed25519/speccheck');
    const row = cases.map((entry) => (verifyBoth(hex(entry.pub_key), hex(entry.message), hex(entry.signature)) ? 'V' : 'X')).join('');
    expect(row).toBe(cases.map((entry) => 'XXXVXXXXXXXX'[entry.index]).join(''));
  });

  test('CCTV: valid unless a flag names a refusal; components of small order alone refuse nothing', () => {
    // IDN-012/014 refuse encodings that are not canonical, IDN-013/015 points of small order; a residue
    // of low order breaks the cofactorless equation (IDN-016), and so does a k over re-encoded points.
    const refusals = ['non_canonical_A', 'non_canonical_R', 'low_order_A', 'low_order_R', 'low_order_residue', 'reencoded_k'];
    const { cases } = readVectors<{ cases: { number: number; key: string; sig: string; msg: string; flags: string[] | null }[] }>(
      'ed25519/cctv-ed25519vectors',
    );
    let valid = 0;
    for (const entry of cases) {
      const expected = !(entry.flags ?? []).some((flag) => refusals.includes(flag));
      expect(verifyBoth(hex(entry.key), encodeUtf8(entry.msg), hex(entry.sig)), `number ${entry.number}`).toBe(expected);
      if (expected) valid += 1;
    }
    expect([cases.length, valid > 0]).toEqual([610, true]);
  });

  const { Point } = ed25519;
  const torsion = Array.from({ length: 8 }, (_, index) => {
    const generator = Point.fromBytes(hex('c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a'));
    return index === 0 ? Point.ZERO : generator.multiplyUnsafe(BigInt(index));
  });

  function scalarOf(bytes: Uint8Array): bigint {
    return BigInt(`0x${toHex(Uint8Array.from(bytes).reverse())}`) % Point.Fn.ORDER;
  }

  function scalarBytes(scalar: bigint): Uint8Array {
    return hex(scalar.toString(16).padStart(64, '0')).reverse();
  }

  test('IDN-016, IDN-017: A and R shifted by every pair of small-order points are valid exactly when the shifts cancel', () => {
    const rng = createRng(encodeUtf8('mixed order'));
    let valid = 0;
    for (let round = 0; round < 4; round++) {
      const secret = scalarOf(rng.bytes(64));
      const nonce = scalarOf(rng.bytes(64));
      for (const [indexA, shiftA] of torsion.entries()) {
        for (const [indexR, shiftR] of torsion.entries()) {
          const publicKey = Uint8Array.from(Point.BASE.multiply(secret).add(shiftA).toBytes());
          const encodedR = Uint8Array.from(Point.BASE.multiply(nonce).add(shiftR).toBytes());
          const message = rng.bytes(rng.below(50));
          const k = scalarOf(sha512(concatBytes(encodedR, publicKey, message)));
          const signature = concatBytes(encodedR, scalarBytes((nonce + k * secret) % Point.Fn.ORDER));
          const cancels = (BigInt(indexR) + k * BigInt(indexA)) % 8n === 0n;
          expect(verifyBoth(publicKey, message, signature), `A + ${indexA}T, R + ${indexR}T`).toBe(cancels);
          if (cancels) valid += 1;
        }
      }
    }
    expect(valid).toBeGreaterThan(16);
  });

  test('IDN-011 to IDN-015: encodings at the edges are refused as key and as R, with any S', () => {
    const p = 2n ** 255n - 19n;
    const edges: Uint8Array[] = torsion.map((point) => Uint8Array.from(point.toBytes()));
    for (const y of [0n, 1n, 2n, p - 2n, p - 1n, p, p + 1n, p + 2n, p + 18n]) edges.push(scalarBytes(y), scalarBytes(y + 2n ** 255n));
    const seed = new Uint8Array(32).fill(7);
    const key = portableCrypto.ed25519PublicKey(seed);
    const message = encodeUtf8('edges');
    const signature = portableCrypto.ed25519Sign(seed, message);
    expect(verifyBoth(key, message, signature)).toBe(true);
    const order = Point.Fn.ORDER;
    const s = scalarOf(signature.slice(32));
    for (const edge of edges) {
      for (const other of [0n, 1n, s, order - 1n, order, s + order, 2n ** 255n, 2n ** 256n - 1n]) {
        expect(verifyBoth(edge, message, concatBytes(signature.slice(0, 32), scalarBytes(other)))).toBe(false);
        expect(verifyBoth(key, message, concatBytes(edge, scalarBytes(other)))).toBe(false);
        expect(verifyBoth(edge, message, concatBytes(edge, scalarBytes(other)))).toBe(false);
      }
    }
    expect(verifyBoth(key, message, concatBytes(signature.slice(0, 32), scalarBytes(s + order)))).toBe(false);
  });

  test('IDN-010: other lengths are refused, and no bytes make either backend throw', () => {
    const seed = new Uint8Array(32).fill(1);
    const key = nativeCrypto.ed25519PublicKey(seed);
    const signature = nativeCrypto.ed25519Sign(seed, new Uint8Array(0));
    expect(verifyBoth(key.slice(0, 31), new Uint8Array(0), signature)).toBe(false);
    expect(verifyBoth(concatBytes(key, Uint8Array.of(0)), new Uint8Array(0), signature)).toBe(false);
    expect(verifyBoth(key, new Uint8Array(0), signature.slice(0, 63))).toBe(false);
    expect(verifyBoth(key, new Uint8Array(0), concatBytes(signature, Uint8Array.of(0)))).toBe(false);
    const any = fc.uint8Array({ maxLength: 70 });
    fc.assert(
      fc.property(any, any, any, (a, b, c) => {
        for (const [, crypto] of PROVIDERS) expect(crypto.ed25519VerifyEquation(a, b, c)).toBe(false);
        expect(verifyBoth(a, b, c)).toBe(false);
      }),
      { numRuns: 200, seed: 1 },
    );
  });

  test('a flipped bit anywhere makes a valid signature invalid', () => {
    const rng = createRng(encodeUtf8('flips'));
    for (let round = 0; round < 60; round++) {
      const seed = rng.bytes(32);
      const parts = [nativeCrypto.ed25519PublicKey(seed), rng.bytes(20), new Uint8Array(0)] as [Uint8Array, Uint8Array, Uint8Array];
      parts[2] = nativeCrypto.ed25519Sign(seed, parts[1]);
      expect(verifyBoth(...parts)).toBe(true);
      const part = parts[rng.below(3)] ?? new Uint8Array(1);
      const index = rng.below(part.length);
      part[index] = (part[index] ?? 0) ^ (1 << rng.below(8));
      expect(verifyBoth(...parts)).toBe(false);
    }
  });

  test('IDN-018: both backends give the same keys and signatures', () => {
    const rng = createRng(encodeUtf8('signing'));
    for (let round = 0; round < 20; round++) {
      const seed = rng.bytes(32);
      const message = rng.bytes(round * 5);
      expect(nativeCrypto.ed25519PublicKey(seed)).toEqual(portableCrypto.ed25519PublicKey(seed));
      expect(nativeCrypto.ed25519Sign(seed, message)).toEqual(portableCrypto.ed25519Sign(seed, message));
      expect(nativeCrypto.x25519PublicKey(seed)).toEqual(portableCrypto.x25519PublicKey(seed));
      expect(nativeCrypto.sha256(message)).toEqual(portableCrypto.sha256(message));
      expect(nativeCrypto.hmacSha256(seed, message)).toEqual(portableCrypto.hmacSha256(seed, message));
    }
  });

  test('the key cache forgets the oldest key and goes on giving right results', () => {
    const rng = createRng(encodeUtf8('cache'));
    const seed = rng.bytes(32);
    const key = nativeCrypto.ed25519PublicKey(seed);
    const signature = nativeCrypto.ed25519Sign(seed, key);
    for (let round = 0; round < 5000; round++) nativeCrypto.ed25519VerifyEquation(rng.bytes(32), key, signature);
    for (let round = 0; round < 70; round++) nativeCrypto.ed25519PublicKey(rng.bytes(32));
    expect(nativeCrypto.ed25519VerifyEquation(key, key, signature)).toBe(true);
    expect(nativeCrypto.ed25519Sign(seed, key)).toEqual(signature);
  });
});

describe.each(PROVIDERS)('%s primitives', (_, crypto) => {
  test('wycheproof X25519: published results; SES-005: a result of zero is none', () => {
    const { testGroups } = readVectors<Wycheproof<object, { public: string; private: string; shared: string }>>('wycheproof/x25519_test');
    const counts = { cases: 0, zero: 0 };
    for (const { tests } of testGroups) {
      for (const entry of tests) {
        const expected = /^0+$/.test(entry.shared) ? undefined : hex(entry.shared);
        expect(crypto.x25519(hex(entry.private), hex(entry.public)), `tcId ${entry.tcId}`).toEqual(expected);
        counts.cases += 1;
        if (expected === undefined) counts.zero += 1;
      }
    }
    expect(counts).toEqual({ cases: 346, zero: 20 });
  });

  test('X25519 with keys of another length gives nothing', () => {
    const key = new Uint8Array(32).fill(9);
    for (const size of [0, 31, 33]) {
      expect(crypto.x25519(key, new Uint8Array(size).fill(9))).toBeUndefined();
      expect(crypto.x25519(new Uint8Array(size).fill(9), key)).toBeUndefined();
    }
  });

  test('wycheproof ChaCha20-Poly1305: valid cases seal and open, invalid ones do not open', () => {
    type Case = { key: string; iv: string; aad: string; msg: string; ct: string; tag: string };
    const { testGroups } = readVectors<Wycheproof<{ ivSize: number }, Case>>('wycheproof/chacha20_poly1305_test');
    let cases = 0;
    for (const group of testGroups) {
      for (const entry of group.tests) {
        const [key, nonce, associated, plaintext] = [entry.key, entry.iv, entry.aad, entry.msg].map(hex) as [
          Uint8Array,
          Uint8Array,
          Uint8Array,
          Uint8Array,
        ];
        const sealed = concatBytes(hex(entry.ct), hex(entry.tag));
        const isValid = entry.result === 'valid';
        expect(crypto.chachaOpen(key, nonce, associated, sealed), `tcId ${entry.tcId}`).toEqual(isValid ? plaintext : undefined);
        if (isValid) expect(crypto.chachaSeal(key, nonce, associated, plaintext)).toEqual(sealed);
        cases += 1;
      }
    }
    expect(cases).toBe(217);
  });

  test('a sealed message that is cut, changed or under another key does not open', () => {
    const key = new Uint8Array(32).fill(3);
    const nonce = new Uint8Array(12);
    const sealed = crypto.chachaSeal(key, nonce, Uint8Array.of(1), encodeUtf8('text'));
    for (let size = 0; size < sealed.length; size++)
      expect(crypto.chachaOpen(key, nonce, Uint8Array.of(1), sealed.slice(0, size))).toBeUndefined();
    for (let index = 0; index < sealed.length; index++) {
      const changed = Uint8Array.from(sealed);
      changed[index] = (changed[index] ?? 0) ^ 1;
      expect(crypto.chachaOpen(key, nonce, Uint8Array.of(1), changed)).toBeUndefined();
    }
    expect(crypto.chachaOpen(new Uint8Array(32), nonce, Uint8Array.of(1), sealed)).toBeUndefined();
    expect(crypto.chachaOpen(key, nonce, Uint8Array.of(), sealed)).toBeUndefined();
  });

  test('wycheproof HKDF-SHA-256: published outputs, and none beyond 255 blocks', () => {
    type Case = { ikm: string; salt: string; info: string; size: number; okm: string };
    const { testGroups } = readVectors<Wycheproof<object, Case>>('wycheproof/hkdf_sha256_test');
    let cases = 0;
    for (const { tests } of testGroups) {
      for (const entry of tests) {
        const derive = (): Uint8Array => hkdf(crypto, hex(entry.ikm), hex(entry.salt), hex(entry.info), entry.size);
        if (entry.result === 'valid') expect(toHex(derive()), `tcId ${entry.tcId}`).toBe(entry.okm);
        else expect(derive, `tcId ${entry.tcId}`).toThrow('255');
        cases += 1;
      }
    }
    expect(cases).toBe(58);
  });

  test('results are plain arrays that share nothing with the arguments', () => {
    const data = Uint8Array.of(1, 2, 3);
    const results = [
      crypto.sha256(data),
      crypto.hmacSha256(data, data),
      crypto.chachaSeal(new Uint8Array(32), new Uint8Array(12), data, data),
    ];
    for (const result of results) {
      expect(Object.getPrototypeOf(result)).toBe(Uint8Array.prototype);
      expect(result.buffer).not.toBe(data.buffer);
    }
  });
});

test('SES-001: a native initiator and a portable responder complete XX and understand each other', () => {
  const prologue = encodeUtf8('prologue');
  const side = (crypto: CryptoProvider, initiator: boolean, fill: number) =>
    createHandshake({
      crypto,
      initiator,
      prologue,
      staticSecret: new Uint8Array(32).fill(fill),
      ephemeralSecret: new Uint8Array(32).fill(fill + 1),
    });
  const dialler = side(nativeCrypto, true, 1);
  const listener = side(portableCrypto, false, 5);
  for (const [from, to] of [
    [dialler, listener],
    [listener, dialler],
    [dialler, listener],
  ] as const) {
    const message = from.writeMessage(encodeUtf8('hello'));
    if ('error' in message) throw new Error(message.error);
    expect(to.readMessage(message)).toEqual(encodeUtf8('hello'));
  }
  expect(dialler.hash).toEqual(listener.hash);
  const sealed = dialler.split().send.seal(encodeUtf8('frames'));
  expect(listener.split().receive.open(sealed ?? new Uint8Array(0))).toEqual(encodeUtf8('frames'));
});
