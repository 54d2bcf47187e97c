import { readFileSync } from 'node:fs';
import { ed25519 } from '@noble/curves/ed25519.js';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { concat, hex, u64be, unhex, utf8, writeLe } from './bytes.ts';
import { BASE, decodePoint, encodePoint, L, multiply, P, publicKey, sign, signAgain, verifyStrict } from './ed25519.ts';
import { evaluate } from './evaluate.ts';
import { NoiseFailure, NoiseSession, noisePrologue, runXx } from './noise.ts';

function external<Shape>(path: string): Shape {
  return JSON.parse(readFileSync(new URL(`../../vectors/external/${path}`, import.meta.url), 'utf8')) as Shape;
}

const seed = fc.uint8Array({ minLength: 32, maxLength: 32 });

describe('ed25519', () => {
  test('IDN-016, IDN-017: agrees with another implementation on signatures with and without a changed bit', () => {
    fc.assert(
      fc.property(seed, fc.uint8Array({ maxLength: 40 }), fc.option(fc.nat({ max: 511 })), (secret, message, bit) => {
        const signature = sign(secret, message).map((byte, i) => (bit !== null && i === bit >> 3 ? byte ^ (1 << (bit & 7)) : byte));
        const key = publicKey(secret);
        expect(verifyStrict(key, message, signature)).toBe(bit === null);
        expect(ed25519.verify(signature, message, key, { zip215: false })).toBe(bit === null);
      }),
      { numRuns: 40 },
    );
  });

  test('IDN-017: a signature with another nonce is another signature, valid to another implementation too', () => {
    fc.assert(
      fc.property(seed, fc.uint8Array({ maxLength: 40 }), (secret, message) => {
        const signature = signAgain(secret, message);
        const key = publicKey(secret);
        expect(signature).not.toEqual(sign(secret, message));
        expect(verifyStrict(key, message, signature)).toBe(true);
        expect(ed25519.verify(signature, message, key, { zip215: false })).toBe(true);
      }),
      { numRuns: 10 },
    );
  });

  test('points of other scalars are those of another implementation', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 1n, max: L - 1n }), (scalar) => {
        const point = multiply(scalar, BASE);
        const theirs = ed25519.Point.BASE.multiply(scalar);
        expect(point).toEqual({ x: theirs.x, y: theirs.y });
        expect(hex(encodePoint(point))).toBe(theirs.toHex());
        expect(decodePoint(encodePoint(point))).toEqual(point);
      }),
      { numRuns: 20 },
    );
    expect(multiply(L, BASE)).toEqual({ x: 0n, y: 1n });
  });

  test('IDN-012: encodings at and above p, and a sign of x = 0, are no points', () => {
    for (let over = 0n; over < 19n; over++) expect(decodePoint(writeLe(P + over, 32))).toBeUndefined();
    expect(decodePoint(writeLe(1n + 2n ** 255n, 32))).toBeUndefined();
    expect(decodePoint(writeLe(1n, 32))).toEqual({ x: 0n, y: 1n });
  });

  test('the row of the twelve known differences is the strict one', () => {
    const { cases } = external<{ cases: { index: number; message: string; pub_key: string; signature: string }[] }>(
      'ed25519/speccheck.json',
    );
    for (const one of cases) {
      expect([one.index, verifyStrict(unhex(one.pub_key), unhex(one.message), unhex(one.signature))]).toEqual([one.index, one.index === 3]);
    }
  });
});

interface NoiseVector {
  readonly protocol_name: string;
  readonly init_prologue: string;
  readonly init_psks?: readonly string[];
  readonly init_static?: string;
  readonly init_ephemeral: string;
  readonly init_remote_static?: string;
  readonly resp_prologue: string;
  readonly resp_psks?: readonly string[];
  readonly resp_static?: string;
  readonly resp_ephemeral?: string;
  readonly resp_remote_static?: string;
  readonly handshake_hash?: string;
  readonly messages: readonly { readonly payload: string; readonly ciphertext: string }[];
}

function bytesAt<Name extends string>(name: Name, digits: string | undefined): { [key in Name]?: Uint8Array } {
  return digits === undefined ? {} : ({ [name]: unhex(digits) } as { [key in Name]?: Uint8Array });
}

const noiseVectors = ['cacophony', 'snow'].flatMap((publisher) =>
  external<{ vectors: readonly NoiseVector[] }>(`noise/${publisher}-25519-chachapoly-sha256.json`).vectors.map((vector) => ({
    publisher,
    vector,
    name: vector.protocol_name,
  })),
);

describe('noise', () => {
  test('there are vectors of both publishers', () => {
    expect(noiseVectors.length).toBe(19);
  });

  test.each(noiseVectors)('SES-001: $name of $publisher, message by message', ({ vector }) => {
    const initiator = new NoiseSession({
      initiator: true,
      protocolName: vector.protocol_name,
      prologue: unhex(vector.init_prologue),
      psks: (vector.init_psks ?? []).map(unhex),
      ...bytesAt('staticSecret', vector.init_static),
      ...bytesAt('ephemeralSecret', vector.init_ephemeral),
      ...bytesAt('remoteStatic', vector.init_remote_static),
    });
    const responder = new NoiseSession({
      initiator: false,
      protocolName: vector.protocol_name,
      prologue: unhex(vector.resp_prologue),
      psks: (vector.resp_psks ?? []).map(unhex),
      ...bytesAt('staticSecret', vector.resp_static),
      ...bytesAt('ephemeralSecret', vector.resp_ephemeral),
      ...bytesAt('remoteStatic', vector.resp_remote_static),
    });
    const isOneWay = ['N', 'X', 'K'].includes(/^Noise_([A-Z]+)/.exec(vector.protocol_name)?.[1] ?? '');
    vector.messages.forEach(({ payload, ciphertext }, index) => {
      const [writer, reader] = index % 2 === 0 || isOneWay ? [initiator, responder] : [responder, initiator];
      const wasComplete = writer.complete;
      const message = wasComplete ? writer.seal(unhex(payload)) : writer.writeMessage(unhex(payload));
      expect(hex(message)).toBe(ciphertext);
      expect(hex(wasComplete ? reader.open(message) : reader.readMessage(message))).toBe(payload);
    });
    expect(initiator.complete).toBe(true);
    expect(hex(initiator.handshakeHash)).toBe(hex(responder.handshakeHash));
    if (vector.handshake_hash !== undefined) expect(hex(initiator.handshakeHash)).toBe(vector.handshake_hash);
  });

  const secrets = [1, 2, 3, 4].map((byte) => new Uint8Array(32).fill(byte));
  const [si = new Uint8Array(), ei = new Uint8Array(), sr = new Uint8Array(), er = new Uint8Array()] = secrets;
  const prologue = noisePrologue(utf8('test'));

  test('SES-006, SES-013: a flipped byte anywhere in messages 2 and 3, or another prologue, is found', () => {
    const { messages } = runXx(prologue, { staticSecret: si, ephemeralSecret: ei }, { staticSecret: sr, ephemeralSecret: er }, [
      new Uint8Array(),
      utf8('two'),
      utf8('three'),
    ]);
    const [first = prologue, second = prologue] = messages;
    const initiator = (other: Uint8Array): NoiseSession => {
      const session = new NoiseSession({ initiator: true, prologue: other, staticSecret: si, ephemeralSecret: ei });
      session.writeMessage(new Uint8Array());
      return session;
    };
    expect(first.length).toBe(32);
    expect(initiator(prologue).readMessage(second)).toEqual(utf8('two'));
    expect(() => initiator(noisePrologue(utf8('other'))).readMessage(second)).toThrow(NoiseFailure);
    for (let at = 0; at < second.length; at++) {
      expect(() => initiator(prologue).readMessage(second.map((byte, i) => (i === at ? byte ^ 1 : byte)))).toThrow(NoiseFailure);
    }
    expect(() => initiator(prologue).readMessage(second.slice(0, 79))).toThrow('E_HANDSHAKE');
  });

  test('SES-005: an ephemeral key of zero is refused', () => {
    const responder = new NoiseSession({ initiator: false, prologue, staticSecret: sr, ephemeralSecret: er });
    responder.readMessage(new Uint8Array(32));
    expect(() => responder.writeMessage(new Uint8Array())).toThrow('E_ZERO_SECRET');
  });

  test('SES-030: a transport message opens once and in its order', () => {
    const sides = [true, false].map(
      (initiator) => new NoiseSession({ initiator, prologue, staticSecret: initiator ? si : sr, ephemeralSecret: initiator ? ei : er }),
    );
    const [one, other] = sides;
    if (one === undefined || other === undefined) throw new Error('two sides');
    other.readMessage(one.writeMessage(new Uint8Array()));
    one.readMessage(other.writeMessage(new Uint8Array()));
    other.readMessage(one.writeMessage(new Uint8Array()));
    const [first, second] = [one.seal(utf8('a')), one.seal(utf8('b'))];
    expect(() => other.open(second)).toThrow('E_DECRYPT');
    expect(other.open(first)).toEqual(utf8('a'));
    expect(() => other.open(first)).toThrow('E_DECRYPT');
    expect(other.open(second)).toEqual(utf8('b'));
    expect(() => one.open(second)).toThrow('E_DECRYPT');
  });
});

describe('primitives', () => {
  test('Wycheproof: nonces and output sizes that do not exist are refused', () => {
    const chacha = external<{ testGroups: { ivSize: number; tests: { key: string; iv: string; aad: string; msg: string }[] }[] }>(
      'wycheproof/chacha20_poly1305_test.json',
    );
    const others = chacha.testGroups.filter((group) => group.ivSize !== 96).flatMap((group) => group.tests);
    expect(others.length).toBe(6);
    for (const one of others) {
      expect(evaluate('chacha20poly1305.seal', [one.key, one.iv, one.aad, one.msg].map(unhex))).toHaveProperty('refused');
    }
    const hkdf = external<{ testGroups: { tests: { ikm: string; salt: string; info: string; size: number; result: string }[] }[] }>(
      'wycheproof/hkdf_sha256_test.json',
    );
    const large = hkdf.testGroups.flatMap((group) => group.tests).filter((one) => one.result === 'invalid');
    expect(large.length).toBe(2);
    for (const one of large) {
      expect(evaluate('hkdf.sha256', [unhex(one.ikm), unhex(one.salt), unhex(one.info), u64be(one.size)])).toHaveProperty('refused');
    }
  });

  test('Evaluate refuses wrong arguments and does not know other functions', () => {
    expect(evaluate('no.such', [])).toEqual({ unsupported: 'no.such' });
    expect(evaluate('toString', [])).toEqual({ unsupported: 'toString' });
    expect(evaluate('sha256', [])).toHaveProperty('refused');
    expect(evaluate('peer_id.format', [concat(new Uint8Array(31))])).toHaveProperty('refused');
    expect(evaluate('gossip.active_size', [new Uint8Array(7)])).toHaveProperty('refused');
    expect(evaluate('envelope.signing_bytes', [new Uint8Array(33), utf8('app'), new Uint8Array()])).toHaveProperty('refused');
  });
});
