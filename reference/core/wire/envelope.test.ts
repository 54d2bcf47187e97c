import { create } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import * as model from '../../../conformance/model/envelope.ts';
import { AppPayloadSchema } from '../../../proto/gen/carillon/v1/gossip_pb.ts';
import { EnvelopeSchema } from '../../../proto/gen/carillon/v1/identity_pb.ts';
import { HandshakeHelloSchema } from '../../../proto/gen/carillon/v1/session_pb.ts';
import { concatBytes, encodeUtf8, fromHex, toHex } from '../bytes.ts';
import { portableCrypto } from '../crypto/portable.ts';
import { envelopeId, envelopeOrigin, hashEnvelope, openEnvelope, sealEnvelope, signingBytes, verifyEnvelope } from './envelope.ts';
import { derivePeerId } from './peer-id.ts';
import { encodeStrict } from './strict.ts';

const hex = (text: string): Uint8Array => fromHex(text) ?? new Uint8Array(0);

const network = encodeUtf8('test-net');
const seed = new Uint8Array(32).fill(5);
const payload = encodeStrict(
  AppPayloadSchema,
  create(AppPayloadSchema, { version: 1, createdMs: 1_700_000_000_000n, topic: 'app/x', sequence: 1n, data: hex('00ff') }),
);
const sealed = sealEnvelope(portableCrypto, network, 'app', seed, payload);

function sealWith(
  fields: Partial<{ context: string; keyType: number; publicKey: Uint8Array; payload: Uint8Array; signature: Uint8Array }>,
): Uint8Array {
  return encodeStrict(
    EnvelopeSchema,
    create(EnvelopeSchema, {
      context: 'app',
      keyType: 1,
      publicKey: portableCrypto.ed25519PublicKey(seed),
      payload,
      signature: new Uint8Array(64),
      ...fields,
    }),
  );
}

function judge(bytes: Uint8Array, context = 'app'): string {
  const opened = openEnvelope(bytes, context, AppPayloadSchema);
  return opened.verdict === 'ok' ? 'ok' : `${opened.verdict} ${opened.code} ${opened.clause}`;
}

function open(bytes: Uint8Array): Extract<ReturnType<typeof openEnvelope<never>>, { verdict: 'ok' }> {
  const opened = openEnvelope(bytes, 'app', AppPayloadSchema);
  if (opened.verdict !== 'ok') throw new Error(opened.clause);
  return opened as never;
}

describe('sealing', () => {
  test('IDN-030, IDN-018: the same key and payload give the kit model’s envelope, byte for byte', () => {
    expect(toHex(sealed)).toBe(toHex(model.makeEnvelope(network, 'app', seed, payload)));
    expect(toHex(signingBytes(network, 'app', payload))).toBe(toHex(model.signingBytes(network, 'app', payload)));
  });

  test('IDN-031: the id is the formula’s, and the signature is no part of it', () => {
    const { envelope } = open(sealed);
    const expected = model.envelopeId(network, 'app', 1, envelope.publicKey, payload);
    expect(envelopeId(portableCrypto, network, envelope)).toBe(toHex(expected));
    const other = open(sealWith({ signature: new Uint8Array(64).fill(9) })).envelope;
    expect(envelopeId(portableCrypto, network, other)).toBe(toHex(expected));
    expect(envelopeId(portableCrypto, encodeUtf8('other'), envelope)).not.toBe(toHex(expected));
  });

  test('origin and hash: the key decides the one, all bytes the other', () => {
    const { envelope } = open(sealed);
    expect(envelopeOrigin(portableCrypto, envelope)).toBe(derivePeerId(portableCrypto, 1, envelope.publicKey));
    expect(hashEnvelope(portableCrypto, sealed)).toBe(toHex(portableCrypto.sha256(sealed)));
    expect(hashEnvelope(portableCrypto, sealWith({}))).not.toBe(hashEnvelope(portableCrypto, sealed));
  });
});

describe('judging', () => {
  test('an envelope in order is opened, and its signature verified for its own network, context and payload only', () => {
    const { envelope, payload: message } = open(sealed);
    expect(message).toMatchObject({ topic: 'app/x', sequence: 1n, createdMs: 1_700_000_000_000n });
    expect(verifyEnvelope(portableCrypto, network, envelope)).toBe(true);
    expect(verifyEnvelope(portableCrypto, encodeUtf8('test-neu'), envelope)).toBe(false);
    expect(verifyEnvelope(portableCrypto, network, { ...envelope, context: 'apq' })).toBe(false);
    expect(
      verifyEnvelope(portableCrypto, network, { ...envelope, payload: concatBytes(payload, hex('00')) as Uint8Array<ArrayBuffer> }),
    ).toBe(false);
  });

  test.each([
    ['IDN-032: bytes that are no envelope', hex('ff'), 'reject E_STRUCTURE IDN-032'],
    ['IDN-032: a byte too many', concatBytes(sealed, hex('00')), 'reject E_STRUCTURE IDN-032'],
    ['IDN-032: an unknown field', concatBytes(sealed, hex('3001')), 'reject E_STRUCTURE IDN-032'],
    ['IDN-033: nothing at all is an empty context', new Uint8Array(0), 'reject E_STRUCTURE IDN-033'],
    ['IDN-033: no context', sealWith({ context: '' }), 'reject E_STRUCTURE IDN-033'],
    ['IDN-033: a context of 65 bytes', sealWith({ context: 'a'.repeat(65) }), 'reject E_STRUCTURE IDN-033'],
    ['IDN-033: a capital letter', sealWith({ context: 'App' }), 'reject E_STRUCTURE IDN-033'],
    ['IDN-033: a letter beyond ASCII', sealWith({ context: 'äpp' }), 'reject E_STRUCTURE IDN-033'],
    ['IDN-033: a newline', sealWith({ context: 'app\n' }), 'reject E_STRUCTURE IDN-033'],
    ['IDN-034: another context', sealWith({ context: 'vote' }), 'reject E_CONTEXT IDN-034'],
    ['IDN-034: before the key type', sealWith({ context: 'vote', keyType: 0 }), 'reject E_CONTEXT IDN-034'],
    ['IDN-035: key type 0', sealWith({ keyType: 0, publicKey: hex('01') }), 'reject E_KEY_TYPE IDN-035'],
    ['IDN-036: key type 2', sealWith({ keyType: 2, publicKey: new Uint8Array(1952), payload: hex('00') }), 'ignore E_KEY_TYPE IDN-036'],
    ['IDN-036: the last key type', sealWith({ keyType: 2 ** 32 - 1 }), 'ignore E_KEY_TYPE IDN-036'],
    ['IDN-037: a key of 31 bytes', sealWith({ publicKey: new Uint8Array(31).fill(1) }), 'reject E_STRUCTURE IDN-037'],
    ['IDN-037: no key', sealWith({ publicKey: new Uint8Array(0) }), 'reject E_STRUCTURE IDN-037'],
    ['IDN-037: a signature of 65 bytes', sealWith({ signature: new Uint8Array(65) }), 'reject E_STRUCTURE IDN-037'],
    ['IDN-037: before the payload', sealWith({ signature: hex('00'), payload: hex('00') }), 'reject E_STRUCTURE IDN-037'],
    ['IDN-038: no payload', sealWith({ payload: hex('') }), 'reject E_STRUCTURE IDN-038'],
    ['IDN-038: a payload that begins with another field', sealWith({ payload: hex('1001') }), 'reject E_STRUCTURE IDN-038'],
    ['IDN-038: version 0', sealWith({ payload: hex('0800') }), 'reject E_STRUCTURE IDN-038'],
    ['IDN-038: version 1, not minimal', sealWith({ payload: hex('088100') }), 'reject E_STRUCTURE IDN-038'],
    ['IDN-038: version 2^32', sealWith({ payload: hex('088080808010') }), 'reject E_STRUCTURE IDN-038'],
    ['IDN-038: version cut', sealWith({ payload: hex('0881') }), 'reject E_STRUCTURE IDN-038'],
    ['IDN-039: version 2, nothing behind', sealWith({ payload: hex('0802') }), 'ignore E_PAYLOAD_VERSION IDN-039'],
    ['IDN-039: version 2, anything behind', sealWith({ payload: hex('0802ffff') }), 'ignore E_PAYLOAD_VERSION IDN-039'],
    ['IDN-039: the last version', sealWith({ payload: hex('08ffffffff0f') }), 'ignore E_PAYLOAD_VERSION IDN-039'],
    ['IDN-040: version 1, anything behind', sealWith({ payload: hex('0801ffff') }), 'reject E_STRUCTURE IDN-040'],
    ['IDN-040: a payload with an unknown field', sealWith({ payload: concatBytes(payload, hex('3001')) }), 'reject E_STRUCTURE IDN-040'],
    ['a signature that is wrong is not looked at here', sealWith({}), 'ok'],
  ])('%s', (_, bytes, expected) => {
    expect(judge(bytes)).toBe(expected);
  });

  test('IDN-034: every context of this revision is refused in the place of the other', () => {
    expect(judge(sealed, 'handshake')).toBe('reject E_CONTEXT IDN-034');
    const handshake = sealEnvelope(portableCrypto, network, 'handshake', seed, hex('0801'));
    expect(judge(handshake)).toBe('reject E_CONTEXT IDN-034');
    expect(openEnvelope(handshake, 'handshake', HandshakeHelloSchema).verdict).toBe('ok');
  });

  test('changed envelopes get the verdict, the code and the clause of the kit’s model, the signature included', () => {
    const changed = fc.array(fc.tuple(fc.nat(sealed.length - 1), fc.nat(255)), { minLength: 1, maxLength: 2 }).map((changes) => {
      const bytes = Uint8Array.from(sealed);
      for (const [index, value] of changes) bytes[index] = value;
      return bytes;
    });
    fc.assert(
      fc.property(fc.oneof(changed, fc.uint8Array({ maxLength: 40 })), (bytes) => {
        const expected = model.judgeEnvelope(network, 'app', bytes);
        const opened = openEnvelope(bytes, 'app', AppPayloadSchema);
        if (opened.verdict !== 'ok') {
          expect([opened.verdict, opened.code, opened.clause]).toEqual([expected.verdict, expected.code, expected.clause]);
        } else {
          expect(verifyEnvelope(portableCrypto, network, opened.envelope)).toBe(expected.verdict === 'accept');
          expect(['', 'IDN-041']).toContain(expected.clause);
        }
      }),
      { numRuns: 1000 },
    );
  });
});
