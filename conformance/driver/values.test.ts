import { describe, expect, test } from 'vitest';
import { concat, hex, sha256, u64be, utf8 } from '../model/bytes.ts';
import { judgeEnvelope } from '../model/envelope.ts';
import { encodeMessage } from '../model/message.ts';
import { createEnvelopeStore } from './envelopes.ts';
import { HarnessError } from './errors.ts';
import { buildFrame } from './frames.ts';
import { createIdentities } from './identities.ts';
import type { SealedSpec, Value } from './plan.ts';
import { messageFrame } from './plan-values.ts';
import type { TraceEvent } from './trace.ts';
import { resolveFields, resolveValue, type ValueContext } from './values.ts';

const networkId = utf8('net');
const identities = createIdentities({ seed: 's', runId: 'r', networkId: 'net' });
const alice = identities.of('alice');

function context(events: readonly TraceEvent[] = []): ValueContext & { networkId: Uint8Array; freshRequestId(): bigint } {
  const envelopes = createEnvelopeStore(networkId, identities);
  return { networkId, identities, envelopes, wallMs: 1_000, scope: { events, step: 1, link: 1 }, freshRequestId: () => 77n };
}

const CONTACT_EVENT: TraceEvent = {
  type: 'frame',
  atMs: 0,
  step: 0,
  link: 1,
  frame: {
    kind: 99,
    requestId: 4,
    raw: '',
    body: {
      type: 'message',
      message: 'Contact',
      fields: { peerId: alice.peerIdHex, addresses: [{ ip4: '01020304', port: 5, transport: 1 }] },
    },
  },
};

const HELLO: SealedSpec = {
  context: 'handshake',
  by: 'alice',
  message: 'HandshakeHello',
  fields: { staticKey: { publicKey: 'alice' }, side: 1, roles: 3 },
  name: 'hello',
};

describe('values of bytes', () => {
  const bytes = (value: Value): Uint8Array | undefined => resolveValue(value, context([CONTACT_EVENT]));

  test('literals and symbols', () => {
    expect(bytes('0a0b')).toEqual(Uint8Array.of(10, 11));
    expect(bytes({ peerId: 'alice' })).toEqual(alice.peerId);
    expect(bytes({ publicKey: 'alice' })).toEqual(alice.publicKey);
    expect(bytes({ size: 3 })).toEqual(utf8('aaa'));
    expect(bytes({ utf8: 'é' })).toEqual(utf8('é'));
    expect(bytes({ u64: 7 })).toEqual(u64be(7));
    expect(bytes({ u64: { wallMs: -1 } })).toEqual(u64be(999));
    expect(bytes({ hash: ['0a', { size: 1 }] })).toEqual(sha256(Uint8Array.of(10, 0x61)));
    expect(bytes({ join: ['0a', '0b'] })).toEqual(Uint8Array.of(10, 11));
    expect(bytes({ encoded: { message: 'Ping', fields: { nonce: '00'.repeat(8) } } })).toEqual(
      encodeMessage('Ping', { nonce: new Uint8Array(8) }),
    );
    expect(() => bytes({ nonsense: 1 })).toThrow(HarnessError);
  });

  test('references to captured fields, at any depth', () => {
    expect(bytes({ ref: '$0.contact.peerId' })).toEqual(alice.peerId);
    expect(bytes({ ref: '$-1.contact.addresses.0.ip4' })).toEqual(Uint8Array.of(1, 2, 3, 4));
    expect(bytes({ ref: '$*.contact.fields.peerId' })).toEqual(alice.peerId);
    expect(bytes({ ref: '$*.contact.nothing' })).toBeUndefined();
    expect(bytes({ hash: [{ ref: '$*.nodes.token' }] })).toBeUndefined();
  });
});

describe('sealed envelopes', () => {
  test('are in order, have version 1 and are made once by their name', () => {
    const scene = context();
    const bytes = resolveValue({ sealed: HELLO }, scene);
    expect(bytes && judgeEnvelope(networkId, 'handshake', bytes).verdict).toBe('accept');
    const again = resolveValue({ sealed: { ...HELLO, fields: { ...HELLO.fields, roles: 4 } } }, scene);
    expect(again).toEqual(bytes);
    expect(bytes && scene.envelopes.nameOf(hex(sha256(bytes)))).toBe('hello');
  });

  test('a defect leaves the id', () => {
    const scene = context();
    const bad = resolveValue({ sealed: { ...HELLO, defect: { kind: 'signature' } } }, scene);
    expect(bad && judgeEnvelope(networkId, 'handshake', bad).code).toBe('E_SIGNATURE');
    expect(resolveValue({ idOf: { ...HELLO, defect: { kind: 'signature' } } }, scene)).toEqual(resolveValue({ idOf: HELLO }, scene));
    const version = resolveValue({ sealed: { ...HELLO, defect: { kind: 'version', version: 2 } } }, scene);
    expect(version && judgeEnvelope(networkId, 'handshake', version).code).toBe('E_PAYLOAD_VERSION');
  });

  test('one that is not in order without saying so is a fault of the kit', () => {
    expect(() => resolveValue({ sealed: { ...HELLO, fields: { side: 9 } } }, context())).toThrow('E_STRUCTURE');
    expect(resolveValue({ sealed: { ...HELLO, fields: { side: 9 }, faulty: true } }, context())).toBeDefined();
    expect(resolveValue({ sealed: { ...HELLO, context: 'app' } }, context())).toBeDefined();
    const scene = context();
    resolveValue({ sealed: HELLO }, scene);
    expect(() => resolveValue({ sealed: { ...HELLO, context: 'app' } }, scene)).toThrow('two envelopes');
  });
});

describe('fields of messages', () => {
  test('addresses and contacts', () => {
    const addresses = [{ address: 'ws://1.2.3.4:5' }, { address: 'udp://[2001:db8::7]:6' }, { address: 'wss://a.example:7' }];
    expect(resolveFields('Contact', { peerId: { peerId: 'alice' }, addresses }, context())).toEqual({
      peerId: alice.peerId,
      addresses: [
        { ip4: Uint8Array.of(1, 2, 3, 4), port: 5, transport: 1 },
        { ip6: Uint8Array.of(0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7), port: 6, transport: 3 },
        { dns: 'a.example', port: 7, transport: 2 },
      ],
    });
    expect(() => resolveFields('Contact', { addresses: [{ address: 'http://1.2.3.4:5' }] }, context())).toThrow(HarnessError);
  });

  test('numbers, times and whole captured parts', () => {
    expect(resolveFields('AppPayload', { version: 1, createdMs: { wallMs: 5 }, sequence: '18446744073709551615' }, context())).toEqual({
      version: 1n,
      createdMs: 1_005n,
      sequence: 2n ** 64n - 1n,
    });
    expect(resolveFields('Contact', { addresses: { ref: '$*.contact.addresses' } }, context([CONTACT_EVENT]))).toEqual({
      addresses: [{ ip4: Uint8Array.of(1, 2, 3, 4), port: 5, transport: 1 }],
    });
    expect(() => resolveFields('Contact', { nonsense: 1 }, context())).toThrow('it has peerId, addresses');
    expect(() => resolveFields('Nothing', {}, context())).toThrow(HarnessError);
  });
});

describe('frames of messages', () => {
  test('have the kind of their name; requests have a fresh id', () => {
    const ping = buildFrame(messageFrame('Ping', { nonce: '00'.repeat(8) }), context());
    expect(ping).toMatchObject({ kind: 2n, requestId: 77n });
    expect(buildFrame(messageFrame('Prune', { origins: [{ peerId: 'alice' }], backoffMs: 1 }), context())).toMatchObject({ requestId: 0n });
    expect(() => buildFrame(messageFrame('Contact', { peerId: { peerId: 'alice' } }), context())).toThrow('no frame has a Contact');
  });

  test('a tail stands behind the body; a part of the wrong size is written', () => {
    const body = { type: 'message', message: 'Ping', fields: { nonce: '00' }, tail: '0801' } as const;
    expect(buildFrame({ body }, context())?.body).toEqual(concat(encodeMessage('Ping', { nonce: Uint8Array.of(0) }), Uint8Array.of(8, 1)));
  });

  test('a Push carries envelopes of any context', () => {
    const items = [{ hops: 1, envelope: { sealed: HELLO } }];
    expect(buildFrame(messageFrame('Push', { topic: 'tx', items }), context())).toMatchObject({ kind: 32n, requestId: 0n });
  });

  test('a reference to nothing makes no frame', () => {
    expect(buildFrame(messageFrame('Ping', { nonce: { ref: '$*.pong.nonce' } }), context())).toBeUndefined();
  });
});
