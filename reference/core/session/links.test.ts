import { describe, expect, test } from 'vitest';
import type { Direction, ErrorName } from '../types.ts';
import { decodeGoAway } from '../wire/body.ts';
import { KIND_GO_AWAY } from '../wire/frame.ts';
import {
  brokenClauses,
  closeCodes,
  createPuppet,
  createTestSessions,
  framesOn,
  givePlain,
  joinSessions,
  linkOf,
  only,
  openPlain,
  peerOf,
  pingFrame,
  publicKeyOf,
  puppetDials,
  type TestSessions,
} from './session.fixture.ts';

function dialIn(node: TestSessions, link: number, address: string = '10.9.0.1') {
  return node.give({ type: 'linkOpened', link: linkOf(link), direction: 'inbound', address });
}

describe('messages of the transport', () => {
  const faults: readonly (readonly [string, Uint8Array, boolean, string])[] = [
    ['WIR-007: text', Uint8Array.of(1), true, 'WIR-007'],
    ['WIR-008: 65,536 bytes', new Uint8Array(65536), false, 'WIR-008'],
    ['WIR-010: nothing', new Uint8Array(0), false, 'WIR-010'],
  ];

  test.each(faults)('%s, before the handshake and on a session, without a GoAway', (_title, data, text, clause) => {
    const node = createTestSessions('node');
    dialIn(node, 1);
    openPlain(node, 2, 'peer');
    puppetDials(node, 3, createPuppet('other', true));
    for (const link of [1, 2, 3]) {
      const outputs = node.give({ type: 'message', link: linkOf(link), data, text });
      expect(closeCodes(outputs, link)).toEqual(['E_TRANSPORT']);
      expect(brokenClauses(outputs)).toEqual([clause]);
      expect(only(outputs, 'message')).toEqual([]);
      expect(only(outputs, 'plaintext')).toEqual([]);
    }
  });

  test('SES-030: repeated, altered, reordered and foreign messages', () => {
    const ping = pingFrame(1);
    const spoil: readonly ((node: TestSessions, seal: (plaintext: Uint8Array) => Uint8Array) => Uint8Array)[] = [
      (node, seal) => {
        const sealed = seal(ping);
        expect(closeCodes(node.give({ type: 'message', link: linkOf(1), data: sealed, text: false }), 1)).toEqual([]);
        return sealed;
      },
      (_node, seal) => {
        const sealed = seal(ping);
        sealed[3] = (sealed[3] ?? 0) ^ 0x40;
        return sealed;
      },
      (_node, seal) => {
        seal(ping);
        return seal(ping);
      },
      () => new Uint8Array(40).fill(1),
      () => new Uint8Array(15).fill(1),
    ];
    for (const make of spoil) {
      const node = createTestSessions('node');
      const puppet = createPuppet('peer', true);
      puppetDials(node, 1, puppet);
      const { send } = puppet.noise.split();
      const data = make(node, (plaintext) => send.seal(plaintext) ?? new Uint8Array(0));
      const outputs = node.give({ type: 'message', link: linkOf(1), data, text: false });
      expect(closeCodes(outputs, 1)).toEqual(['E_DECRYPT']);
      expect(brokenClauses(outputs)).toEqual(['SES-030']);
      expect(only(outputs, 'message')).toEqual([]);
      expect(only(outputs, 'sessionDown')).toHaveLength(1);
    }
  });

  test('WIR-021: an empty plaintext, sealed', () => {
    const node = createTestSessions('node');
    const puppet = createPuppet('peer', true);
    puppetDials(node, 1, puppet);
    const { send, receive } = puppet.noise.split();
    const outputs = node.give({ type: 'message', link: linkOf(1), data: send.seal(new Uint8Array(0)) ?? new Uint8Array(0), text: false });
    expect(closeCodes(outputs, 1)).toEqual(['E_FRAME_LENGTH']);
    const [goAway] = only(outputs, 'message');
    expect(receive.open(goAway?.data ?? new Uint8Array(0))?.slice(0, 3)).toEqual(Uint8Array.of(8, KIND_GO_AWAY, 0));
  });

  test('inputs for links that are not there are no news', () => {
    const node = createTestSessions('node');
    expect(node.give({ type: 'message', link: linkOf(9), data: Uint8Array.of(1), text: true })).toEqual([]);
    expect(givePlain(node, 9, pingFrame(1))).toEqual([]);
    expect(node.give({ type: 'linkClosed', link: linkOf(9) })).toEqual([]);
    expect(node.give({ type: 'dialFailed', dial: 9 })).toEqual([]);
    expect(node.give({ type: 'sendFrame', link: linkOf(9), kind: 32, body: new Uint8Array(0) })).toEqual([]);
    expect(node.give({ type: 'closeSession', link: linkOf(9), code: 'E_SCORE', clause: 'GSP-090' })).toEqual([]);
  });

  test('a link id that is in use is a bug of the runtime', () => {
    const node = createTestSessions('node');
    dialIn(node, 1);
    expect(() => dialIn(node, 1)).toThrow('never used twice');
  });
});

describe('half-open connections', () => {
  test.each(['inbound', 'outbound'] as const)('SES-008, SES-009: closed at the timeout, not before (%s)', (direction: Direction) => {
    const node = createTestSessions('node');
    node.advance(10);
    node.give({ type: 'linkOpened', link: linkOf(1), direction, address: 'x' });
    expect(closeCodes(node.advance(4999), 1)).toEqual([]);
    const outputs = node.advance(1);
    expect(closeCodes(outputs, 1)).toEqual(['E_HANDSHAKE_TIMEOUT']);
    expect(brokenClauses(outputs)).toEqual([direction === 'inbound' ? 'SES-008' : 'SES-009']);
    expect(node.machine.deadline()).toBeUndefined();
  });

  test('SES-008: the time runs from the connection, not from the last message', () => {
    const node = createTestSessions('node');
    const puppet = createPuppet('peer', true);
    dialIn(node, 1);
    node.advance(4000);
    const first = puppet.noise.writeMessage(new Uint8Array(0));
    if (first instanceof Uint8Array) node.give({ type: 'message', link: linkOf(1), data: first, text: false });
    expect(closeCodes(node.advance(1000), 1)).toEqual(['E_HANDSHAKE_TIMEOUT']);
  });

  test('SES-010: as many from one address as are allowed, others besides', () => {
    const node = createTestSessions('node');
    for (let link = 1; link <= 4; link++) expect(closeCodes(dialIn(node, link), link)).toEqual([]);
    expect(closeCodes(dialIn(node, 5), 5)).toEqual(['E_HALF_OPEN']);
    expect(closeCodes(dialIn(node, 6, '10.9.0.2'), 6)).toEqual([]);
    node.give({ type: 'linkClosed', link: linkOf(2) });
    expect(closeCodes(dialIn(node, 7), 7)).toEqual([]);
    expect(closeCodes(dialIn(node, 8), 8)).toEqual(['E_HALF_OPEN']);
  });

  test('SES-011: as many in all as are allowed; timeouts, faults and sessions make room', () => {
    const node = createTestSessions('node', { 'session.half_open_max': '4' });
    for (let link = 1; link <= 4; link++) dialIn(node, link, `address ${link}`);
    expect(closeCodes(dialIn(node, 5, 'address 5'), 5)).toEqual(['E_HALF_OPEN']);
    node.give({ type: 'message', link: linkOf(1), data: Uint8Array.of(1), text: false });
    expect(only(puppetDials(node, 6, createPuppet('peer', true), 'address 6'), 'established')).toHaveLength(1);
    expect(closeCodes(dialIn(node, 7, 'address 7'), 7)).toEqual([]);
    expect(closeCodes(dialIn(node, 8, 'address 8'), 8)).toEqual(['E_HALF_OPEN']);
    node.advance(5000);
    expect(node.machine.view()).toMatchObject({ sessions: 1, halfOpenInbound: 0 });
    expect(closeCodes(dialIn(node, 9, 'address 9'), 9)).toEqual([]);
  });

  test('SES-011: connections of the node itself do not count', () => {
    const node = createTestSessions('node', { 'session.half_open_max': '4' });
    for (let link = 1; link <= 8; link++) node.give({ type: 'linkOpened', link: linkOf(link), direction: 'outbound', address: 'x' });
    expect(closeCodes(dialIn(node, 9), 9)).toEqual([]);
  });
});

describe('one session per peer', () => {
  function expectKept(node: TestSessions, kept: number, closed: number): void {
    expect(closeCodes(node.log, closed)).toEqual(['E_DUPLICATE_SESSION']);
    expect(closeCodes(node.log, kept)).toEqual([]);
    const [goAway] = framesOn(node.log, closed);
    expect(decodeGoAway(goAway?.body ?? new Uint8Array(0))).toMatchObject({ ok: true, value: { code: 12, retryAfterMs: 0n } });
    expect(node.machine.peers().map((row) => row.link)).toEqual([kept]);
  }

  test.each(['inbound', 'outbound'] as const)('SES-040: the second of two %s sessions stays', (direction) => {
    const node = createTestSessions('node');
    openPlain(node, 1, 'peer', direction);
    openPlain(node, 2, 'peer', direction);
    expectKept(node, 2, 1);
    const order = node.log.map((output) => output.type);
    expect(order.indexOf('sessionDown')).toBeLessThan(order.lastIndexOf('sessionUp'));
  });

  const label = (smaller: boolean): string =>
    Array.from({ length: 50 }, (_, index) => `peer ${index}`).find((name) => peerOf(name) < peerOf('node') === smaller) ?? '';

  test.each([
    ['inbound', 'outbound', true, 'first'],
    ['inbound', 'outbound', false, 'second'],
    ['outbound', 'inbound', true, 'second'],
    ['outbound', 'inbound', false, 'first'],
  ] as const)('SES-041: young %s, then %s, peer smaller: %s: the %s stays', (first, second, peerSmaller, keep) => {
    const node = createTestSessions('node');
    openPlain(node, 1, label(peerSmaller), first);
    node.advance(4999);
    openPlain(node, 2, label(peerSmaller), second);
    expectKept(node, keep === 'first' ? 1 : 2, keep === 'first' ? 2 : 1);
    expect(only(node.log, 'sessionUp')).toHaveLength(keep === 'first' ? 1 : 2);
  });

  test.each([true, false])('SES-042: at the age of the handshake timeout the second stays, peer smaller: %s', (peerSmaller) => {
    const node = createTestSessions('node');
    openPlain(node, 1, label(peerSmaller), 'inbound');
    node.advance(5000);
    openPlain(node, 2, label(peerSmaller), 'outbound');
    expectKept(node, 2, 1);
  });

  test('SES-041: two nodes that dial each other keep the same connection', () => {
    const a = createTestSessions('a');
    const b = createTestSessions('b');
    const first = joinSessions(a, 1, b, 2);
    const second = joinSessions(b, 3, a, 4);
    first.pump();
    second.pump();
    const linkA = a.machine.peers().map((row) => row.link);
    const linkB = b.machine.peers().map((row) => row.link);
    expect(a.peer < b.peer ? [[1], [2]] : [[4], [3]]).toEqual([linkA, linkB]);
  });

  test('SES-043: one session too many is refused, a replacement is not', () => {
    const node = createTestSessions('node', { 'session.sessions_max': '2' });
    openPlain(node, 1, 'one');
    openPlain(node, 2, 'two');
    const outputs = openPlain(node, 3, 'three');
    expect(closeCodes(outputs, 3)).toEqual(['E_BUSY']);
    expect(framesOn(outputs, 3).map((frame) => frame.kind)).toEqual([KIND_GO_AWAY]);
    expect(only(outputs, 'sessionUp')).toEqual([]);
    openPlain(node, 4, 'two');
    expect(
      node.machine
        .peers()
        .map((row) => row.link)
        .sort(),
    ).toEqual([1, 4]);
    node.give({ type: 'linkClosed', link: linkOf(1) });
    expect(only(openPlain(node, 5, 'three'), 'sessionUp')).toHaveLength(1);
  });
});

describe('ends', () => {
  function giveGoAway(node: TestSessions, link: number, ...body: readonly number[]) {
    return givePlain(node, link, Uint8Array.of(body.length + 2, KIND_GO_AWAY, 0, ...body));
  }

  test('SES-070: nothing is sent after a GoAway, not even the answer to a Ping before it', () => {
    const node = createTestSessions('node');
    openPlain(node, 1, 'peer');
    const outputs = givePlain(node, 1, pingFrame(1), Uint8Array.of(4, KIND_GO_AWAY, 0, 8, 1), pingFrame(2));
    expect(only(outputs, 'plaintext')).toEqual([]);
    expect(closeCodes(outputs, 1)).toEqual([undefined]);
    expect(only(outputs, 'sessionEnded')).toMatchObject([{ code: 'E_SHUTDOWN' }]);
    expect(only(outputs, 'violation')).toEqual([]);
  });

  test.each([
    ['no body', [], undefined],
    ['a code that nobody knows', [8, 99], undefined],
    ['a negative code', [8, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1], undefined],
    ['a local code', [8, 41], 'E_DECRYPT'],
  ])('SES-073: a GoAway with %s is taken', (_title, body, code) => {
    const node = createTestSessions('node');
    openPlain(node, 1, 'peer');
    const outputs = giveGoAway(node, 1, ...body);
    expect(closeCodes(outputs, 1)).toEqual([undefined]);
    expect(only(outputs, 'sessionEnded')[0]?.code).toBe(code);
  });

  test('SES-071: not dialled before the time has passed, and then dialled', () => {
    const node = createTestSessions('node');
    const target = { address: 'ws://peer', expected: peerOf('peer') };
    openPlain(node, 1, 'peer');
    // 1,500 ms
    giveGoAway(node, 1, 8, 1, 16, 0xdc, 0x0b);
    expect(only(node.give({ type: 'connect', ...target }), 'dial')).toEqual([]);
    expect(only(node.give({ type: 'connect', address: 'ws://other' }), 'dial')).toHaveLength(1);
    expect(only(node.advance(1499), 'dial')).toEqual([]);
    expect(only(node.advance(1), 'dial')).toMatchObject([{ address: 'ws://peer' }]);
    expect(only(node.advance(100_000), 'dial')).toEqual([]);
  });

  test('SES-071: an address that the peer answered at rests with it, whoever is expected there', () => {
    const node = createTestSessions('node');
    const [dial] = only(node.give({ type: 'connect', address: 'ws://peer' }), 'dial');
    const link = { link: linkOf(1), direction: 'outbound', address: '10.0.0.1', dial: dial?.dial ?? 0 } as const;
    node.give({ type: 'linkEstablished', ...link, publicKey: publicKeyOf('peer'), capabilities: [] });
    node.give({ type: 'linkClosed', link: linkOf(1) });
    // The peer comes by itself and sends us away.
    openPlain(node, 2, 'peer');
    giveGoAway(node, 2, 16, 100);
    expect(only(node.give({ type: 'connect', address: 'ws://peer' }), 'dial')).toEqual([]);
    expect(only(node.advance(99), 'dial')).toEqual([]);
    expect(only(node.advance(1), 'dial')).toHaveLength(1);
  });

  test('SES-072: at most an hour', () => {
    const node = createTestSessions('node');
    openPlain(node, 1, 'peer');
    giveGoAway(node, 1, 8, 1, 16, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1);
    node.give({ type: 'connect', address: 'ws://peer', expected: peerOf('peer') });
    expect(only(node.advance(3_599_999), 'dial')).toEqual([]);
    expect(only(node.advance(1), 'dial')).toHaveLength(1);
  });

  test('a dial that is not under way brings nobody in', () => {
    const node = createTestSessions('node');
    const [dial] = only(node.give({ type: 'connect', address: 'ws://peer', expected: peerOf('peer') }), 'dial');
    node.give({ type: 'dialFailed', dial: dial?.dial ?? 0 });
    const late = { link: linkOf(1), direction: 'outbound', address: 'x', dial: dial?.dial ?? 0 } as const;
    expect(closeCodes(node.give({ type: 'linkOpened', ...late }), 1)).toEqual([undefined]);
  });

  test('E_SHUTDOWN: sessions are told, connections are closed, and nobody gets in or is dialled after', () => {
    const node = createTestSessions('node');
    openPlain(node, 1, 'peer');
    dialIn(node, 2);
    const outputs = node.give({ type: 'shutdown' });
    expect(closeCodes(outputs, 1)).toEqual(['E_SHUTDOWN']);
    expect(closeCodes(outputs, 2)).toEqual(['E_SHUTDOWN']);
    const [goAway] = framesOn(outputs, 1);
    expect(decodeGoAway(goAway?.body ?? new Uint8Array(0))).toMatchObject({ ok: true, value: { code: 1 } });
    expect(closeCodes(dialIn(node, 3), 3)).toEqual(['E_SHUTDOWN']);
    expect(closeCodes(openPlain(node, 4, 'other'), 4)).toEqual(['E_SHUTDOWN']);
    expect(node.give({ type: 'connect', address: 'x' })).toEqual([]);
    expect(node.machine.deadline()).toBeUndefined();
  });

  test('a closed connection ends its session without a word', () => {
    const node = createTestSessions('node');
    openPlain(node, 1, 'peer');
    const outputs = node.give({ type: 'linkClosed', link: linkOf(1) });
    expect(outputs.map((output) => output.type)).toEqual(['sessionEnded', 'sessionDown']);
  });

  test.each([
    ['E_SCORE', 300_000n, undefined],
    ['E_SCORE', 7n, 7],
    ['E_MALFORMED', 60_000n, undefined],
  ] as readonly (readonly [ErrorName, bigint, number | undefined])[])(
    'a machine that closes with %s asks for %d ms of rest',
    (code, expected, retryAfterMs) => {
      const node = createTestSessions('node');
      openPlain(node, 1, 'peer');
      const retryPart = retryAfterMs === undefined ? {} : { retryAfterMs };
      const outputs = node.give({ type: 'closeSession', link: linkOf(1), code, clause: 'GSP-090', ...retryPart });
      const [goAway] = framesOn(outputs, 1);
      expect(decodeGoAway(goAway?.body ?? new Uint8Array(0))).toMatchObject({ ok: true, value: { retryAfterMs: expected } });
      expect(closeCodes(outputs, 1)).toEqual([code]);
    },
  );

  test('linkEstablished: the peer is held to SES-017, SES-018 and its bounds', () => {
    const node = createTestSessions('node');
    expect(closeCodes(openPlain(node, 1, 'node'), 1)).toEqual(['E_SELF']);
    const [dial] = only(node.give({ type: 'connect', address: 'x', expected: peerOf('wanted') }), 'dial');
    const link = { link: linkOf(2), direction: 'outbound', address: 'x', dial: dial?.dial ?? 0, capabilities: [] } as const;
    expect(closeCodes(node.give({ type: 'linkEstablished', ...link, publicKey: publicKeyOf('peer') }), 2)).toEqual(['E_PEER_MISMATCH']);
  });
});
