import { describe, expect, test } from 'vitest';
import { Transport } from '../../../proto/gen/carillon/v1/common_pb.ts';
import { HandshakeSide } from '../../../proto/gen/carillon/v1/session_pb.ts';
import { encodeUtf8 } from '../bytes.ts';
import { portableCrypto } from '../crypto/portable.ts';
import type { ErrorName } from '../types.ts';
import {
  brokenClauses,
  closeCodes,
  createPuppet,
  createTestSessions,
  joinSessions,
  type Logged,
  linkOf,
  only,
  type PuppetOptions,
  peerOf,
  puppetAnswers,
  puppetDials,
  type TestSessions,
  wellDone,
} from './session.fixture.ts';

function expectFailure(outputs: readonly Logged[], link: number, code: ErrorName, clause: string): void {
  expect(closeCodes(outputs, link)).toEqual([code]);
  expect(brokenClauses(outputs)).toEqual([clause]);
  expect(only(outputs, 'established')).toEqual([]);
  expect(only(outputs, 'sessionUp')).toEqual([]);
}

function messages(node: TestSessions, link: number): readonly Uint8Array[] {
  return only(node.log, 'message')
    .filter((output) => output.link === link)
    .map((output) => output.data);
}

describe('two machines', () => {
  test('SES-001, SES-022: both ends come to a session with the capabilities of both', () => {
    const a = createTestSessions('a');
    const b = createTestSessions('b', { 'gossip.mode': 'only' });
    joinSessions(a, 1, b, 2);
    expect(only(a.log, 'established')).toMatchObject([{ link: 1, peer: b.peer, capabilities: ['gossip/1'] }]);
    expect(only(b.log, 'established')).toMatchObject([{ link: 2, peer: a.peer, capabilities: ['gossip/1'] }]);
    expect(only(a.log, 'sessionUp')[0]).toMatchObject({ link: 1, peer: b.peer, address: '10.1.0.2' });
    expect(a.machine.view()).toMatchObject({ sessions: 1, halfOpenInbound: 0, halfOpenOutbound: 0 });
    expect(b.machine.view()).toMatchObject({ sessions: 1, halfOpenInbound: 0, halfOpenOutbound: 0 });
  });

  test.each([
    ['alongside', 'alongside', ['gossip/1']],
    ['alongside', 'off', ['direct/1']],
    ['off', 'off', ['direct/1']],
    ['off', 'only', []],
  ])('GSP-100: modes %s and %s share %j', (modeA, modeB, shared) => {
    const a = createTestSessions('a', { 'gossip.mode': modeA });
    const b = createTestSessions('b', { 'gossip.mode': modeB });
    joinSessions(a, 1, b, 1);
    expect(only(a.log, 'established')[0]?.capabilities).toEqual(shared);
    expect(only(b.log, 'established')[0]?.capabilities).toEqual(shared);
  });

  test('SES-002, SES-012: message 1 has 32 bytes, and three messages are all that is sent', () => {
    const a = createTestSessions('a');
    const b = createTestSessions('b');
    joinSessions(a, 1, b, 1);
    expect(messages(a, 1)[0]?.length).toBe(32);
    expect(messages(a, 1).length).toBe(2);
    expect(messages(b, 1).length).toBe(1);
  });

  test('SES-004: every handshake has another ephemeral key', () => {
    const a = createTestSessions('a');
    for (let link = 1; link <= 20; link++) a.give({ type: 'linkOpened', link: linkOf(link), direction: 'outbound', address: 'x' });
    const firsts = only(a.log, 'message').map((output) => String(output.data));
    expect(new Set(firsts).size).toBe(20);
  });

  test('SES-017: a node that dials itself ends the handshake on both ends', () => {
    const a = createTestSessions('a');
    a.give({ type: 'linkOpened', link: linkOf(2), direction: 'inbound', address: 'x' });
    const [first] = only(a.give({ type: 'linkOpened', link: linkOf(1), direction: 'outbound', address: 'x' }), 'message');
    const [second] = only(a.give({ type: 'message', link: linkOf(2), data: first?.data ?? new Uint8Array(0), text: false }), 'message');
    const end = a.give({ type: 'message', link: linkOf(1), data: second?.data ?? new Uint8Array(0), text: false });
    expectFailure(end, 1, 'E_SELF', 'SES-017');
    expect(only(end, 'message')).toEqual([]);
  });

  test('SES-013: another network ends at message 2, and nobody is told why', () => {
    const a = createTestSessions('a');
    const b = createTestSessions('b', {}, { networkId: encodeUtf8('other') });
    joinSessions(a, 1, b, 1);
    expectFailure(a.log, 1, 'E_HANDSHAKE', 'SES-006');
    expect(messages(a, 1).length).toBe(1);
    expect(only(b.log, 'established')).toEqual([]);
  });
});

describe('what ends a handshake, on either side', () => {
  const cases: readonly (readonly [string, PuppetOptions, ErrorName, string])[] = [
    ['SES-014: an envelope that is no envelope', { envelope: encodeUtf8('hello') }, 'E_HANDSHAKE', 'SES-014'],
    ['SES-014: no envelope', { envelope: new Uint8Array(0) }, 'E_HANDSHAKE', 'SES-014'],
    ['SES-014: a hello signed for another network', { network: encodeUtf8('other') }, 'E_HANDSHAKE', 'SES-014'],
    ['SES-014: another context', { context: 'app' }, 'E_HANDSHAKE', 'SES-014'],
    ['SES-014: an unknown payload version', { hello: { version: 2 } }, 'E_HANDSHAKE', 'SES-014'],
    ['SES-014: bytes behind the hello', { trailing: Uint8Array.of(0x7a, 0) }, 'E_HANDSHAKE', 'SES-014'],
    ['SES-015: another static key', { hello: { staticKey: new Uint8Array(32).fill(9) } }, 'E_STATIC_KEY', 'SES-015'],
    ['SES-016: no side', { hello: { side: HandshakeSide.UNSPECIFIED } }, 'E_ROLE', 'SES-016'],
    ['SES-019: a range upside down', { hello: { minorMin: 1, minorMax: 0 } }, 'E_VERSION', 'SES-019'],
    ['SES-019: no common minor version', { hello: { minorMin: 1, minorMax: 3 } }, 'E_VERSION', 'SES-019'],
    ['SES-021: capabilities out of order', { hello: { capabilities: ['gossip/1', 'direct/1'] } }, 'E_CAPABILITIES', 'SES-021'],
    ['SES-021: a capability twice', { hello: { capabilities: ['gossip/1', 'gossip/1'] } }, 'E_CAPABILITIES', 'SES-021'],
    ['SES-021: a capability without version', { hello: { capabilities: ['gossip'] } }, 'E_CAPABILITIES', 'SES-021'],
    ['SES-021: a leading zero', { hello: { capabilities: ['gossip/01'] } }, 'E_CAPABILITIES', 'SES-021'],
    ['SES-021: a version of six digits', { hello: { capabilities: ['gossip/100000'] } }, 'E_CAPABILITIES', 'SES-021'],
    ['SES-021: a name of 33 bytes', { hello: { capabilities: [`${'a'.repeat(33)}/1`] } }, 'E_CAPABILITIES', 'SES-021'],
    [
      'SES-021: 65 capabilities',
      { hello: { capabilities: Array.from({ length: 65 }, (_, index) => `c${String(index).padStart(2, '0')}/1`) } },
      'E_CAPABILITIES',
      'SES-021',
    ],
    [
      'SES-024: nine listen addresses',
      { hello: { listenAddresses: Array.from({ length: 9 }, (_, index) => ({ host: { case: 'dns', value: `h${index}` }, port: 1 })) } },
      'E_STRUCTURE',
      'SES-024',
    ],
    [
      'SES-024: an ip4 of five bytes',
      { hello: { listenAddresses: [{ host: { case: 'ip4', value: new Uint8Array(5) }, port: 1 }] } },
      'E_STRUCTURE',
      'SES-024',
    ],
    [
      'SES-024: a host name in capitals',
      { hello: { listenAddresses: [{ host: { case: 'dns', value: 'H' }, port: 1 }] } },
      'E_STRUCTURE',
      'SES-024',
    ],
    ['SES-024: port 0', { hello: { listenAddresses: [{ host: { case: 'dns', value: 'h' }, port: 0 }] } }, 'E_STRUCTURE', 'SES-024'],
    ['SES-024: port 65536', { hello: { listenAddresses: [{ host: { case: 'dns', value: 'h' }, port: 65536 }] } }, 'E_STRUCTURE', 'SES-024'],
    ['SES-024: no host', { hello: { listenAddresses: [{ port: 1 }] } }, 'E_STRUCTURE', 'SES-024'],
  ];

  test.each(cases)('%s, from an initiator', (_title, options, code, clause) => {
    const node = createTestSessions('node');
    const outputs = puppetDials(node, 1, createPuppet('peer', true, options));
    expectFailure(outputs, 1, code, clause);
    expect(node.machine.view()).toMatchObject({ sessions: 0, halfOpenInbound: 0 });
  });

  test.each(cases)('%s, from a responder, before message 3', (_title, options, code, clause) => {
    const node = createTestSessions('node');
    const outputs = puppetAnswers(node, 1, createPuppet('peer', false, options));
    expectFailure(outputs, 1, code, clause);
    expect(messages(node, 1).length).toBe(1);
    expect(node.machine.view()).toMatchObject({ sessions: 0, halfOpenOutbound: 0 });
  });

  test('SES-016: a hello of the own side', () => {
    const node = createTestSessions('node');
    expectFailure(puppetDials(node, 1, createPuppet('peer', true, { hello: { side: HandshakeSide.RESPONDER } })), 1, 'E_ROLE', 'SES-016');
    expectFailure(
      puppetAnswers(node, 2, createPuppet('peer', false, { hello: { side: HandshakeSide.INITIATOR } })),
      2,
      'E_ROLE',
      'SES-016',
    );
  });

  test('SES-017: the identity of the node itself', () => {
    const node = createTestSessions('node');
    expectFailure(puppetDials(node, 1, createPuppet('node', true)), 1, 'E_SELF', 'SES-017');
    expectFailure(puppetAnswers(node, 2, createPuppet('node', false)), 2, 'E_SELF', 'SES-017');
  });

  test('SES-017: the own ephemeral key comes back', () => {
    const node = createTestSessions('node');
    const [first] = only(node.give({ type: 'linkOpened', link: linkOf(1), direction: 'outbound', address: 'x' }), 'message');
    const data = new Uint8Array(300);
    data.set(first?.data ?? []);
    expectFailure(node.give({ type: 'message', link: linkOf(1), data, text: false }), 1, 'E_SELF', 'SES-017');
  });

  test('SES-018: another peer than the one that was dialled, before message 3', () => {
    const node = createTestSessions('node');
    const [dial] = only(node.give({ type: 'connect', address: 'ws://x', expected: peerOf('wanted') }), 'dial');
    expectFailure(puppetAnswers(node, 1, createPuppet('peer', false), dial?.dial), 1, 'E_PEER_MISMATCH', 'SES-018');
    expect(messages(node, 1).length).toBe(1);
    const [again] = only(node.give({ type: 'connect', address: 'ws://x', expected: peerOf('wanted') }), 'dial');
    expect(only(puppetAnswers(node, 2, createPuppet('wanted', false), again?.dial), 'established')).toHaveLength(1);
  });

  test('SES-003: a message 1 of any length but 32', () => {
    const node = createTestSessions('node');
    for (const [link, size] of [31, 33, 96].entries()) {
      node.give({ type: 'linkOpened', link: linkOf(link), direction: 'inbound', address: String(link) });
      const outputs = node.give({ type: 'message', link: linkOf(link), data: new Uint8Array(size).fill(7), text: false });
      expectFailure(outputs, link, 'E_HANDSHAKE', 'SES-003');
    }
  });

  test('SES-005: ephemeral keys of small order, from either side', () => {
    const node = createTestSessions('node');
    node.give({ type: 'linkOpened', link: linkOf(1), direction: 'inbound', address: 'x' });
    expectFailure(node.give({ type: 'message', link: linkOf(1), data: new Uint8Array(32), text: false }), 1, 'E_ZERO_SECRET', 'SES-005');
    node.give({ type: 'linkOpened', link: linkOf(2), direction: 'outbound', address: 'x' });
    expectFailure(node.give({ type: 'message', link: linkOf(2), data: new Uint8Array(400), text: false }), 2, 'E_ZERO_SECRET', 'SES-005');
  });

  test('SES-006: a message 2 or 3 with any one byte changed', () => {
    const node = createTestSessions('node');
    for (let link = 1; link <= 12; link++) {
      const puppet = createPuppet('peer', true);
      node.give({ type: 'linkOpened', link: linkOf(link), direction: 'inbound', address: 'x' });
      const [second] = only(
        node.give({ type: 'message', link: linkOf(link), data: wellDone(puppet.noise.writeMessage(new Uint8Array(0))), text: false }),
        'message',
      );
      puppet.noise.readMessage(second?.data ?? new Uint8Array(0));
      const third = wellDone(puppet.noise.writeMessage(puppet.hello));
      const position = (link * 23) % third.length;
      third[position] = (third[position] ?? 0) ^ 1;
      expectFailure(node.give({ type: 'message', link: linkOf(link), data: third, text: false }), link, 'E_HANDSHAKE', 'SES-006');
    }
  });

  test('SES-007: the longest message passes to the cipher, one byte more does not', () => {
    const node = createTestSessions('node', { 'session.handshake_bytes_max': '2000' });
    node.give({ type: 'linkOpened', link: linkOf(1), direction: 'outbound', address: 'x' });
    node.give({ type: 'linkOpened', link: linkOf(2), direction: 'outbound', address: 'x' });
    node.give({ type: 'linkOpened', link: linkOf(3), direction: 'inbound', address: 'x' });
    const fill = (size: number): Uint8Array => new Uint8Array(size).fill(9);
    expectFailure(node.give({ type: 'message', link: linkOf(1), data: fill(2000), text: false }), 1, 'E_HANDSHAKE', 'SES-006');
    expectFailure(node.give({ type: 'message', link: linkOf(2), data: fill(2001), text: false }), 2, 'E_HANDSHAKE_SIZE', 'SES-007');
    expectFailure(node.give({ type: 'message', link: linkOf(3), data: fill(2001), text: false }), 3, 'E_HANDSHAKE_SIZE', 'SES-007');
  });

  test('IDN-070: a PeerId that does not solve the puzzle, at the end', () => {
    const solves = (label: string): boolean => {
      const hash = portableCrypto.sha256(Uint8Array.from(peerOf(label).match(/../g) ?? [], (byte) => Number.parseInt(byte, 16)));
      return (hash[0] ?? 0) >> 4 === 0;
    };
    const labels = Array.from({ length: 100 }, (_, index) => `peer ${index}`);
    const good = labels.find(solves) ?? '';
    const bad = labels.find((label) => !solves(label)) ?? '';
    const node = createTestSessions('node', { 'identity.puzzle_bits': '4' });
    expectFailure(puppetDials(node, 1, createPuppet(bad, true)), 1, 'E_PUZZLE', 'IDN-070');
    expectFailure(puppetAnswers(node, 2, createPuppet(bad, false)), 2, 'E_PUZZLE', 'IDN-070');
    expectFailure(puppetDials(node, 3, createPuppet(bad, true, { hello: { minorMin: 9 } })), 3, 'E_VERSION', 'SES-019');
    expect(only(puppetDials(node, 4, createPuppet(good, true)), 'established')).toHaveLength(1);
  });
});

describe('what does not end a handshake', () => {
  test('SES-023: capabilities and role bits that nobody knows', () => {
    const node = createTestSessions('node');
    const hello = { capabilities: ['a/0', 'direct/1', 'gossip/1', 'gossip/65000', 'zz-9/99999'], roles: 0xffff_ffff };
    expect(only(puppetDials(node, 1, createPuppet('peer', true, { hello })), 'established')).toMatchObject([
      { capabilities: ['gossip/1'] },
    ]);
  });

  test('SES-020, SES-024: a wider minor range, 64 capabilities and eight addresses of every form', () => {
    const node = createTestSessions('node');
    const listenAddresses: NonNullable<NonNullable<PuppetOptions['hello']>['listenAddresses']> = [
      { host: { case: 'ip4' as const, value: new Uint8Array(4) }, port: 1 },
      { host: { case: 'ip6' as const, value: new Uint8Array(16) }, port: 65535 },
      ...Array.from({ length: 6 }, () => ({ host: { case: 'dns' as const, value: 'a'.repeat(253) }, port: 80, transport: Transport.WSS })),
    ];
    const capabilities = Array.from({ length: 64 }, (_, index) => `c${String(index).padStart(2, '0')}/1`);
    const puppet = createPuppet('peer', true, { hello: { minorMax: 7, capabilities, listenAddresses } });
    expect(only(puppetDials(node, 1, puppet), 'established')).toMatchObject([{ capabilities: [] }]);
  });

  test('SES-032: a transport message directly behind message 3', () => {
    const node = createTestSessions('node');
    const puppet = createPuppet('peer', true);
    puppetDials(node, 1, puppet);
    const { send, receive } = puppet.noise.split();
    const ping = Uint8Array.of(12, 2, 7, 10, 8, 1, 2, 3, 4, 5, 6, 7, 8);
    const sealed = send.seal(ping) ?? new Uint8Array(0);
    const [answer] = only(node.give({ type: 'message', link: linkOf(1), data: sealed, text: false }), 'message');
    expect(receive.open(answer?.data ?? new Uint8Array(0))).toEqual(Uint8Array.of(12, 4, 7, 10, 8, 1, 2, 3, 4, 5, 6, 7, 8));
  });
});

test('SES-006: message 3 of an earlier handshake, word for word', () => {
  const node = createTestSessions('node');
  const thirds: Uint8Array[] = [];
  for (const link of [1, 2]) {
    const puppet = createPuppet('peer', true);
    node.give({ type: 'linkOpened', link: linkOf(link), direction: 'inbound', address: 'x' });
    const first = wellDone(puppet.noise.writeMessage(new Uint8Array(0)));
    const [second] = only(node.give({ type: 'message', link: linkOf(link), data: first, text: false }), 'message');
    puppet.noise.readMessage(second?.data ?? new Uint8Array(0));
    thirds.push(wellDone(puppet.noise.writeMessage(puppet.hello)));
  }
  const [old] = thirds;
  const data = old ?? new Uint8Array(0);
  expect(only(node.give({ type: 'message', link: linkOf(1), data, text: false }), 'established')).toHaveLength(1);
  expectFailure(node.give({ type: 'message', link: linkOf(2), data, text: false }), 2, 'E_HANDSHAKE', 'SES-006');
});

test('the own hello has to fit a handshake message', () => {
  const listenAddresses = Array.from(
    { length: 8 },
    () => ({ $typeName: 'carillon.v1.Address', host: { case: 'dns', value: 'a'.repeat(253) }, port: 1, transport: 1 }) as const,
  );
  expect(() => createTestSessions('node', { 'session.handshake_bytes_max': '1024' }, { listenAddresses })).toThrow(
    'fits a handshake message',
  );
});
