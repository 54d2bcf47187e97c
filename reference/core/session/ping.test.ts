import { describe, expect, test } from 'vitest';
import { toHex } from '../bytes.ts';
import { decodePing, encodePong } from '../wire/body.ts';
import { encodeFrame, KIND_PING, KIND_PONG } from '../wire/frame.ts';
import { pingPauseMs } from './ping.ts';
import {
  brokenClauses,
  closeCodes,
  createTestSessions,
  framesOn,
  givePlain,
  type Logged,
  nonceOf,
  openPlain,
  paramsOf,
  pingFrame,
  type SeenFrame,
  type TestSessions,
} from './session.fixture.ts';

function open(overrides: Readonly<Record<string, string>> = {}): TestSessions {
  const node = createTestSessions('node', { 'session.ping_interval_ms': '10000', 'session.pong_timeout_ms': '3000', ...overrides });
  openPlain(node, 1, 'peer');
  return node;
}

function pings(outputs: readonly Logged[]): readonly SeenFrame[] {
  return framesOn(outputs, 1).filter((frame) => frame.kind === KIND_PING);
}

function nonceIn(frame: SeenFrame): Uint8Array {
  const decoded = decodePing(frame.body);
  return decoded.ok ? decoded.value.nonce : new Uint8Array(0);
}

function answer(node: TestSessions, ping: SeenFrame): readonly Logged[] {
  return givePlain(node, 1, encodeFrame(KIND_PONG, ping.requestId, encodePong({ nonce: nonceIn(ping) })));
}

/** Advances to the next Ping and returns it. */
function nextPing(node: TestSessions): SeenFrame {
  const [ping, ...others] = pings(node.advance(9000));
  expect(others).toEqual([]);
  if (ping === undefined) throw new Error('no Ping');
  return ping;
}

describe('asking', () => {
  test('SES-052: the first Ping within the interval, each further one within the interval of the one before', () => {
    const node = open();
    const times: number[] = [];
    let lastMs = 0;
    for (let round = 0; round < 10; round++) {
      const outputs = node.advance(9000);
      for (const ping of pings(outputs)) {
        times.push(node.nowMs - lastMs);
        lastMs = node.nowMs;
        answer(node, ping);
      }
    }
    expect(times).toEqual(Array.from({ length: 10 }, () => 9000));
  });

  test('SES-053: never more than one Ping a second', () => {
    expect(pingPauseMs(paramsOf({ 'session.ping_interval_ms': '1000' }))).toBe(1000);
    expect(pingPauseMs(paramsOf({ 'session.ping_interval_ms': '1999' }))).toBe(1999);
    expect(pingPauseMs(paramsOf({ 'session.ping_interval_ms': '2000' }))).toBe(1800);
  });

  test('SES-056, WIR-034: nonces and request ids are fresh', () => {
    const node = open({ 'session.ping_interval_ms': '1000' });
    const nonces = new Set<string>();
    const ids = new Set<number>();
    for (let round = 0; round < 200; round++) {
      for (const ping of pings(node.advance(1000))) {
        nonces.add(toHex(nonceIn(ping)));
        ids.add(ping.requestId);
        answer(node, ping);
      }
    }
    expect(nonces.size).toBe(200);
    expect(ids.size).toBe(200);
    expect(ids.has(0)).toBe(false);
  });
});

describe('waiting', () => {
  test('SES-054: open a millisecond before the timeout, closed at it', () => {
    const node = open();
    nextPing(node);
    expect(closeCodes(node.advance(2999), 1)).toEqual([]);
    const outputs = node.advance(1);
    expect(closeCodes(outputs, 1)).toEqual(['E_PING_TIMEOUT']);
    expect(brokenClauses(outputs)).toEqual(['SES-054']);
  });

  test('SES-054: a Pong in the last millisecond counts', () => {
    const node = open();
    const ping = nextPing(node);
    node.advance(2999);
    answer(node, ping);
    expect(closeCodes(node.advance(5000), 1)).toEqual([]);
  });

  test('SES-054: a Pong that comes after the timeout does not count, even if no tick came in between', () => {
    const node = open();
    const ping = nextPing(node);
    const { machine, nowMs } = node;
    const body = encodeFrame(KIND_PONG, ping.requestId, encodePong({ nonce: nonceIn(ping) }));
    const outputs = machine.handle({ type: 'plaintext', link: 1 as never, data: body }, { monoMs: nowMs + 3001, wallMs: 0 });
    expect(outputs.map((output) => output.type)).toContain('close');
  });

  test('SES-055: a Pong with another nonce or another id changes nothing', () => {
    const node = open();
    const ping = nextPing(node);
    const wrong = encodeFrame(KIND_PONG, ping.requestId, encodePong({ nonce: nonceOf(9) }));
    const stray = encodeFrame(KIND_PONG, ping.requestId + 1, encodePong({ nonce: nonceIn(ping) }));
    expect(givePlain(node, 1, wrong, stray)).toEqual([]);
    expect(closeCodes(node.advance(2999), 1)).toEqual([]);
    expect(closeCodes(node.advance(1), 1)).toEqual(['E_PING_TIMEOUT']);
  });

  test('SES-054: each Ping has its own timeout', () => {
    const node = open({ 'session.ping_interval_ms': '1000' });
    const [first] = pings(node.advance(1000));
    const [second] = pings(node.advance(1000));
    if (first === undefined || second === undefined) throw new Error('no Ping');
    answer(node, second);
    expect(closeCodes(node.advance(1999), 1)).toEqual([]);
    expect(closeCodes(node.advance(1), 1)).toEqual(['E_PING_TIMEOUT']);
  });
});

describe('answering', () => {
  test('SES-050, SES-051: at once, and in front of everything else that waits', () => {
    const node = open({ 'rate.data.messages_per_s': '2' });
    for (let count = 0; count < 50; count++) {
      node.give({ type: 'sendFrame', link: 1 as never, kind: 32, body: Uint8Array.of(count) });
      node.give({ type: 'sendFrame', link: 1 as never, kind: 36, body: Uint8Array.of(count) });
    }
    const before = node.nowMs;
    givePlain(node, 1, pingFrame(7));
    node.advance(1000);
    const pong = node.log.find((output) => output.type === 'plaintext' && framesOn([output], 1).some((frame) => frame.kind === KIND_PONG));
    expect((pong?.atMs ?? Number.NaN) - before).toBeLessThanOrEqual(1000);
  });

  test('SES-051: a full bucket of Pings is answered within the time', () => {
    const node = open();
    for (let id = 1; id <= 40; id++) givePlain(node, 1, pingFrame(id));
    node.advance(1000);
    const answered = framesOn(node.log, 1).filter((frame) => frame.kind === KIND_PONG);
    expect(answered.map((frame) => frame.requestId)).toEqual(Array.from({ length: 40 }, (_, index) => index + 1));
  });
});

test('the round trip is smoothed and shown', () => {
  const node = open();
  expect(node.machine.peers()).toMatchObject([{ rttMs: null }]);
  const first = nextPing(node);
  node.advance(100);
  answer(node, first);
  expect(node.machine.peers()).toMatchObject([{ rttMs: 100 }]);
  const [second] = pings(node.advance(9000 - 100));
  if (second === undefined) throw new Error('no Ping');
  node.advance(20);
  answer(node, second);
  expect(node.machine.peers()).toMatchObject([{ rttMs: 90 }]);
});
