import { describe, expect, test } from 'vitest';
import { decodeBody, encodeBody } from './bodies.ts';
import { concat, unhex, utf8 } from './bytes.ts';
import { makeEnvelope, seeEnvelope } from './envelope.ts';
import { elementFault, encodeMessage, messageChoice, readMessage, type SeeEnvelope } from './message.ts';
import { writeBytesField, writeNumber } from './protobuf.ts';
import { MESSAGE_NAMES, messageSchema, PAYLOADS } from './schemas.ts';
import { strictFault } from './strict.ts';

const NETWORK = utf8('n');
const see: SeeEnvelope = (bytes) => seeEnvelope(NETWORK, bytes);
const ID = new Uint8Array(32).fill(7);

describe('the tables of messages', () => {
  test('every message has its parts and its fields one number each', () => {
    for (const name of [...MESSAGE_NAMES, ...PAYLOADS.values()]) {
      const rules = Object.values(messageSchema(name));
      expect(new Set(rules.map(({ number }) => number)).size).toBe(rules.length);
      for (const { message } of rules) if (message !== undefined) expect(MESSAGE_NAMES).toContain(message);
    }
  });

  test('every signed payload begins with its version', () => {
    for (const name of PAYLOADS.values()) expect(messageSchema(name)).toMatchObject({ version: { number: 1, type: 'uint32' } });
  });
});

describe('messages by their table', () => {
  test('are written as the bodies that have writers of their own', () => {
    expect(encodeMessage('Ihave', { topic: 'app/a', ids: [ID] })).toEqual(encodeBody('Ihave', { topic: 'app/a', ids: [ID] }));
    expect(encodeMessage('Prune', { origins: [ID], backoffMs: 0n })).toEqual(encodeBody('Prune', { origins: [ID], backoffMs: 0 }));
    expect(encodeMessage('Push', { topic: 'app/a', items: [{ hops: 3, envelope: ID }] })).toEqual(
      encodeBody('Push', { topic: 'app/a', items: [{ hops: 3, envelope: ID }] }),
    );
  });

  test('refuse fields that they do not have and values of another type', () => {
    expect(() => encodeMessage('Ping', { nonsense: 1 })).toThrow('no field nonsense');
    expect(() => encodeMessage('Ping', { nonce: 1 })).toThrow('Ping.nonce');
    expect(() => encodeMessage('Contact', { addresses: [{ port: -1 }] })).toThrow('Address.port');
    expect(() => encodeMessage('Nothing', {})).toThrow('no message');
  });

  test('read back: defaults, lists, the member of a oneof that stands last', () => {
    const contact = { peerId: ID, addresses: [{ ip4: unhex('01020304'), port: 5, transport: 1 }] };
    const bytes = encodeMessage('Contact', contact);
    expect(readMessage('Contact', bytes, see).fields).toEqual({
      peerId: '07'.repeat(32),
      addresses: [{ ip4: '01020304', port: 5, transport: 1 }],
    });
    const twice = concat(writeBytesField(1, unhex('01020304')), writeBytesField(3, utf8('a.b')), writeNumber(4, 1));
    expect(readMessage('Address', twice, see).fields).toEqual({ dns: 'a.b', port: 1, transport: 0 });
    expect(readMessage('Address', concat(writeBytesField(3, utf8('a.b')), writeBytesField(1, unhex('01020304'))), see).fields).toEqual({
      ip4: '01020304',
      port: 0,
      transport: 0,
    });
  });

  test('WIR-044, WIR-045: texts and sizes, at any depth', () => {
    expect(readMessage('Contact', encodeMessage('Contact', { peerId: unhex('00') }), see).clause).toBe('WIR-045');
    expect(readMessage('Contact', new Uint8Array(), see).clause).toBe('WIR-045');
    const bad = encodeMessage('Contact', { peerId: ID, addresses: [{ dns: unhex('ff') }] });
    expect(readMessage('Contact', bad, see).clause).toBe('WIR-044');
    const cut = concat(encodeMessage('Contact', { peerId: ID }), writeBytesField(2, unhex('0a05')));
    expect(readMessage('Contact', cut, see).clause).toBe('WIR-040');
  });

  test('WIR-046: numbers of elements', () => {
    const none = readMessage('Iwant', new Uint8Array(), see).fields;
    expect(none && elementFault('Iwant', none)).toBe('Iwant.ids');
    const one = readMessage('Iwant', encodeMessage('Iwant', { ids: [ID] }), see).fields;
    expect(one && elementFault('Iwant', one)).toBeUndefined();
  });

  test('WIR-043, WIR-049, WIR-050: what a node may close on', () => {
    const good = encodeMessage('Contact', { peerId: ID, addresses: [{ port: 1 }] });
    expect(messageChoice('Contact', good)).toBeUndefined();
    expect(messageChoice('Contact', concat(good, unhex('5354')))).toBe('WIR-049');
    expect(messageChoice('Contact', concat(good, unhex('1001')))).toBe('WIR-050');
    expect(messageChoice('Contact', concat(good, writeBytesField(2, unhex('208100'))))).toBe('WIR-043');
  });

  test('show the payload of an envelope by its context', () => {
    const hello = encodeMessage('HandshakeHello', { version: 1, staticKey: ID, side: 1, capabilities: ['a/1'], roles: 3 });
    expect(strictFault('HandshakeHello', hello)).toBeUndefined();
    const envelope = makeEnvelope(NETWORK, 'handshake', ID, hello);
    const body = decodeBody(32, encodeMessage('Push', { topic: 'app/a', items: [{ hops: 0, envelope }] }), NETWORK);
    expect(body).toMatchObject({
      items: [
        {
          envelope: { context: 'handshake', payload: { message: 'HandshakeHello', fields: { capabilities: ['a/1'], roles: 3, side: 1 } } },
        },
      ],
    });
    const later = makeEnvelope(NETWORK, 'handshake', ID, concat(unhex('0802'), hello.subarray(2)));
    expect(seeEnvelope(NETWORK, later).payload).toBeUndefined();
  });
});
