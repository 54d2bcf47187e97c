import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { EVALUATE_FUNCTIONS, evaluate as evaluateModel } from '../../conformance/model/evaluate.ts';
import { encodeUtf8, fromHex, toHex, u64be } from '../core/bytes.ts';
import { portableCrypto } from '../core/crypto/portable.ts';
import { nativeCrypto } from '../runtime/crypto-native.ts';
import { evaluate, FUNCTION_NAMES } from './evaluate.ts';

const NETWORK = encodeUtf8('test');
const SEED = new Uint8Array(32).fill(7);

function hex(text: string): Uint8Array {
  const bytes = fromHex(text);
  if (bytes === undefined) throw new Error(`not hexadecimal: ${text}`);
  return bytes;
}

/** The values of a function that must answer with values. */
function call(name: string, ...args: Uint8Array[]): readonly Uint8Array[] {
  const outcome = evaluate(nativeCrypto, name, args);
  if (outcome?.type !== 'values') throw new Error(`${name}: ${JSON.stringify(outcome)}`);
  return outcome.values;
}

/** One value in hexadecimal. */
function one(name: string, ...args: Uint8Array[]): string {
  const [value, ...rest] = call(name, ...args);
  expect(rest).toEqual([]);
  return toHex(value ?? new Uint8Array());
}

/** What the reference and the model answer, in one form; a refusal's words are each one's own. */
function both(name: string, args: readonly Uint8Array[]): { readonly reference: unknown; readonly model: unknown } {
  const outcome = evaluate(nativeCrypto, name, args);
  const model = evaluateModel(name, args);
  const reference =
    outcome?.type === 'values'
      ? outcome.values.map(toHex)
      : outcome?.type === 'error'
        ? outcome.error
        : outcome?.type === 'refused'
          ? 'refused'
          : 'unsupported';
  return {
    reference,
    model: 'values' in model ? model.values.map(toHex) : 'error' in model ? model.error : 'refused' in model ? 'refused' : 'unsupported',
  };
}

function expectAgreement(name: string, args: readonly Uint8Array[]): void {
  const { reference, model } = both(name, args);
  expect({ name, args: args.map(toHex), answer: reference }).toEqual({ name, args: args.map(toHex), answer: model });
}

describe('Evaluate', () => {
  test('CNF-002 an unknown function has no answer, nor have names of objects', () => {
    expect(evaluate(nativeCrypto, 'sha512', [])).toBeUndefined();
    expect(evaluate(nativeCrypto, 'constructor', [])).toBeUndefined();
  });

  test('every function of the chapter is there, and no other', () => {
    expect([...FUNCTION_NAMES].sort()).toEqual([...EVALUATE_FUNCTIONS].sort());
  });

  test.each(FUNCTION_NAMES)('%s refuses no arguments and too many', (name) => {
    // An empty set has a fingerprint, and an opening message.
    if (!name.startsWith('ranges.')) expect(evaluate(nativeCrypto, name, [])?.type).toBe('refused');
    if (name === 'noise.xx') return;
    expect(
      evaluate(
        nativeCrypto,
        name,
        Array.from({ length: name === 'rate.admit' ? 12 : 9 }, () => new Uint8Array(8)),
      )?.type,
    ).toBe('refused');
  });

  test('known answers', () => {
    expect(one('sha256', encodeUtf8('abc'))).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
    expect(one('uvarint.encode', u64be(300))).toBe('ac02');
    expect(call('uvarint.decode', hex('ac02ff')).map(toHex)).toEqual(['000000000000012c', '0000000000000002']);
    expect(evaluate(nativeCrypto, 'uvarint.decode', [hex('8000')])).toEqual({ type: 'error', error: 'E_VARINT' });
    expect(one('frame.encode', u64be(2), u64be(1), hex('0a00'))).toBe('0402010a00');
    expect(call('frame.decode', hex('0402010a00020600')).map(toHex)).toEqual([
      '0000000000000002',
      '0000000000000001',
      '0a00',
      '0000000000000006',
      '0000000000000000',
      '',
    ]);
    expect(one('gossip.active_size', u64be(1000))).toBe('000000000000000c');
    expect(one('rate.admit', u64be(1), u64be(0), u64be(2), u64be(0), u64be(1), u64be(1000), u64be(1))).toBe('010001');
  });

  test('an envelope goes round: sealed, named, judged', () => {
    const [payload = new Uint8Array()] = call('app.encode', u64be(1000), encodeUtf8('app/chat'), u64be(5), encodeUtf8('hi'));
    const [envelope = new Uint8Array()] = call('envelope.seal', NETWORK, encodeUtf8('app'), SEED, payload);
    const verdict = (...args: Uint8Array[]): string =>
      call('gossip.judge', ...args)
        .map((value) => Buffer.from(value).toString())
        .join(' ');
    expect(verdict(NETWORK, encodeUtf8('app/chat'), u64be(1000), u64be(0), envelope)).toBe('accept ');
    expect(verdict(NETWORK, encodeUtf8('app/chat'), u64be(61_001), u64be(0), envelope)).toBe('ignore E_TIME');
    expect(verdict(NETWORK, encodeUtf8('app/chat'), u64be(1000), u64be(33), envelope)).toBe('ignore E_STRUCTURE');
    expect(verdict(encodeUtf8('other'), encodeUtf8('app/chat'), u64be(1000), u64be(0), envelope)).toBe('reject E_SIGNATURE');
    expect(verdict(NETWORK, encodeUtf8('app/other'), u64be(1000), u64be(0), envelope)).toBe('reject E_TOPIC');
    expect(verdict(NETWORK, encodeUtf8('vote'), u64be(1000), u64be(0), envelope)).toBe('ignore E_TOPIC');
  });

  test('SES-001 a handshake and what follows', () => {
    const secrets = [1, 2, 3, 4].map((byte) => new Uint8Array(32).fill(byte));
    const payloads = ['', 'two', 'three', 'four', 'five', 'six'].map(encodeUtf8);
    const values = call('noise.xx', encodeUtf8('prologue'), ...secrets, ...payloads);
    expect(values.map((value) => value.length)).toEqual([32, 32, 99, 69, 20, 20, 19]);
    expectAgreement('noise.xx', [encodeUtf8('prologue'), ...secrets, ...payloads]);
    expect(evaluate(nativeCrypto, 'noise.xx', [encodeUtf8('p'), ...secrets, ...payloads.slice(0, 2)])?.type).toBe('refused');
    expect(evaluate(nativeCrypto, 'noise.xx', [encodeUtf8('p'), ...secrets, new Uint8Array(65_536), ...payloads.slice(0, 2)])?.type).toBe(
      'refused',
    );
  });
});

const bytes = fc.uint8Array({ maxLength: 48 });
const key = fc.uint8Array({ minLength: 32, maxLength: 32 });
const u64 = fc.oneof(fc.bigInt({ min: 0n, max: 300n }), fc.bigInt({ min: 0n, max: 2n ** 64n - 1n })).map(u64be);
const network = fc.uint8Array({ minLength: 1, maxLength: 32 });
const text = fc
  .oneof(fc.string({ unit: 'grapheme', maxLength: 12 }), fc.constantFrom('app', 'handshake', 'vote', 'app/chat', 'tx'))
  .map(encodeUtf8);
const varint = fc.uint8Array({ maxLength: 11 }).map((raw) => raw.map((byte, index) => (index < raw.length - 1 ? byte | 0x80 : byte)));
const tag = fc.constantFrom(0x08, 0x0a, 0x10, 0x12, 0x18, 0x1a, 0x20, 0x22, 0x28, 0x2a, 0x30, 0x32, 0x38, 0x42, 0x0b, 0x0d);
/** Bytes that look like fields often enough. */
const fields = fc
  .array(fc.tuple(tag, fc.uint8Array({ maxLength: 4 })), { maxLength: 4 })
  .map((parts) =>
    Uint8Array.from(parts.flatMap(([head, body]) => ((head & 7) === 2 ? [head, body.length, ...body] : [head, ...body.slice(0, 1)]))),
  );
const frames = fc
  .array(fc.tuple(fc.uint8Array({ maxLength: 6 }), fc.integer({ min: -1, max: 1 })), { maxLength: 3 })
  .map((parts) => Uint8Array.from(parts.flatMap(([body, off]) => [Math.max(0, body.length + off), ...body])));
const capabilities = fc
  .uniqueArray(fc.constantFrom('direct/1', 'gossip/1', 'gossip/2', 'a/0', 'a/01', 'A/1', 'relay/12345', 'x'), { maxLength: 4 })
  .chain((names) => fc.boolean().map((isSorted) => encodeUtf8((isSorted ? [...names].sort() : names).join('\n'))));
const message = fc.constantFrom('Envelope', 'HandshakeHello', 'AppPayload', 'Address').map(encodeUtf8);

/** Arguments that are often in order and sometimes not. */
const ARGUMENTS: Readonly<Record<string, fc.Arbitrary<Uint8Array[]>>> = {
  sha256: fc.tuple(bytes),
  x25519: fc.tuple(key, fc.oneof(key, fc.constant(new Uint8Array(32)))),
  'chacha20poly1305.seal': fc.tuple(key, fc.uint8Array({ minLength: 11, maxLength: 12 }), bytes, bytes),
  'chacha20poly1305.open': fc.tuple(key, fc.uint8Array({ minLength: 12, maxLength: 12 }), bytes, bytes),
  'hkdf.sha256': fc.tuple(bytes, bytes, bytes, fc.bigInt({ min: 1n, max: 9000n }).map(u64be)),
  'ed25519.public_key': fc.tuple(key),
  'ed25519.sign': fc.tuple(key, bytes),
  'ed25519.verify': fc.tuple(key, bytes, fc.uint8Array({ minLength: 63, maxLength: 65 })),
  'uvarint.encode': fc.tuple(u64),
  'uvarint.decode': fc.tuple(varint),
  'frame.encode': fc.tuple(u64, u64, bytes),
  'frame.decode': fc.tuple(frames),
  'strict.check': fc.tuple(message, fields),
  'app.encode': fc.tuple(u64, text, u64, bytes),
  'app.decode': fc.tuple(fields.map((tail) => Uint8Array.of(0x08, 1, ...tail))),
  'peer_id.derive': fc.tuple(u64, bytes),
  'peer_id.format': fc.tuple(fc.uint8Array({ minLength: 31, maxLength: 32 })),
  'peer_id.parse': fc.tuple(
    fc.oneof(
      text,
      key.map((id) => evaluateModelText('peer_id.format', [id])),
      bytes,
    ),
  ),
  'envelope.signing_bytes': fc.tuple(network, text, bytes),
  'envelope.id': fc.tuple(network, text, u64, bytes, bytes),
  'envelope.seal': fc.tuple(network, text, key, bytes),
  'envelope.judge': fc.tuple(network, text, fields),
  'session.prologue': fc.tuple(fc.uint8Array({ maxLength: 33 })),
  'session.minor': fc.array(fc.bigInt({ min: 0n, max: 5n }).map(u64be), { minLength: 4, maxLength: 4 }),
  'session.capabilities': fc.tuple(capabilities, capabilities),
  'rate.admit': fc
    .tuple(
      fc.bigInt({ min: 1n, max: 50n }),
      fc.array(fc.tuple(fc.bigInt({ min: 0n, max: 3000n }), fc.bigInt({ min: 0n, max: 60n })), { maxLength: 12 }),
    )
    .map(([rate, steps]) => [rate, ...steps.sort(([a], [b]) => Number(a - b)).flat()].map(u64be)),
  'gossip.active_size': fc.tuple(u64),
};

function evaluateModelText(name: string, args: readonly Uint8Array[]): Uint8Array {
  const outcome = evaluateModel(name, args);
  return 'values' in outcome ? (outcome.values[0] ?? new Uint8Array()) : new Uint8Array();
}

describe('the reference and the model agree', () => {
  test.each(Object.keys(ARGUMENTS))('on %s', (name) => {
    const args = ARGUMENTS[name];
    if (args === undefined) throw new Error('no arguments');
    fc.assert(
      fc.property(args, (values) => expectAgreement(name, values)),
      { numRuns: name.startsWith('ed25519') || name === 'x25519' || name === 'envelope.seal' ? 40 : 200 },
    );
  });

  test('on envelopes that are sealed and then spoilt in one byte', () => {
    const contexts = fc.constantFrom('app', 'handshake', 'vote', 'Bad');
    fc.assert(
      fc.property(
        contexts,
        fc.constantFrom('app', 'handshake', 'vote'),
        fc.nat(),
        fc.integer({ min: 0, max: 7 }),
        fields,
        (context, expected, at, bit, tail) => {
          const payload = Uint8Array.of(0x08, 1, ...tail);
          const [envelope = new Uint8Array()] = call('envelope.seal', NETWORK, encodeUtf8(context), SEED, payload);
          expectAgreement('envelope.judge', [NETWORK, encodeUtf8(expected), envelope]);
          const spoilt = Uint8Array.from(envelope);
          spoilt[at % spoilt.length] = (spoilt[at % spoilt.length] ?? 0) ^ (1 << bit);
          expectAgreement('envelope.judge', [NETWORK, encodeUtf8(expected), spoilt]);
          expectAgreement('gossip.judge', [NETWORK, encodeUtf8('app/chat'), u64be(1000), u64be(bit), spoilt]);
        },
      ),
      { numRuns: 150 },
    );
  });

  test('with portable primitives as with native ones', () => {
    const signature = call('ed25519.sign', SEED, NETWORK)[0] ?? new Uint8Array();
    const publicKey = call('ed25519.public_key', SEED)[0] ?? new Uint8Array();
    for (const [name, args] of [
      ['ed25519.verify', [publicKey, NETWORK, signature]],
      ['x25519', [SEED, publicKey]],
      ['chacha20poly1305.seal', [SEED, new Uint8Array(12), NETWORK, SEED]],
    ] as const) {
      expect(evaluate(portableCrypto, name, args)).toEqual(evaluate(nativeCrypto, name, args));
    }
  });
});
