import { describe, expect, test } from 'vitest';
import { concatBytes } from '../bytes.ts';
import type { ErrorName } from '../types.ts';
import { decodeGoAway, encodePong } from '../wire/body.ts';
import { encodeFrame, KIND_GO_AWAY, KIND_IHAVE, KIND_PONG, KIND_PUSH } from '../wire/frame.ts';
import {
  brokenClauses,
  closeCodes,
  createTestSessions,
  framesOn,
  givePlain,
  type Logged,
  nonceOf,
  only,
  openPlain,
  pingFrame,
  type TestSessions,
} from './session.fixture.ts';

const EMPTY = new Uint8Array(0);

function open(capabilities: readonly string[] = ['gossip/1']): TestSessions {
  const node = createTestSessions('node');
  openPlain(node, 1, 'peer', 'inbound', capabilities);
  return node;
}

/** The session ended with this code, told to the peer as the last frame, and with nothing else sent. */
function expectClosed(outputs: readonly Logged[], code: ErrorName, clause: string): void {
  expect(brokenClauses(outputs)).toEqual([clause]);
  expect(closeCodes(outputs, 1)).toEqual([code]);
  const frames = framesOn(outputs, 1);
  expect(frames.map((frame) => frame.kind)).toEqual([KIND_GO_AWAY]);
  expect(only(outputs, 'sessionDown')).toHaveLength(1);
  expect(outputs.map((output) => output.type).filter((type) => type === 'plaintext' || type === 'close')).toEqual(['plaintext', 'close']);
}

describe('a frame that ends the session', () => {
  const cases: readonly (readonly [string, Uint8Array, ErrorName, string])[] = [
    ['WIR-021: no frame at all', EMPTY, 'E_FRAME_LENGTH', 'WIR-021'],
    ['WIR-022: a length that is not minimal', Uint8Array.of(0x82, 0x00, 9, 0), 'E_VARINT', 'WIR-022'],
    ['WIR-022: a kind that is not minimal', Uint8Array.of(3, 0x89, 0x00, 0), 'E_VARINT', 'WIR-022'],
    ['WIR-023: kind 2^32', Uint8Array.of(6, 0x80, 0x80, 0x80, 0x80, 0x10, 0), 'E_VARINT', 'WIR-023'],
    ['WIR-024: longer than the plaintext', Uint8Array.of(3, 9, 0), 'E_FRAME_LENGTH', 'WIR-024'],
    ['WIR-025: too short for its header', Uint8Array.of(1, 9), 'E_FRAME_LENGTH', 'WIR-025'],
    ['WIR-027: an even kind that nobody knows', encodeFrame(0, 0, EMPTY), 'E_UNKNOWN_KIND', 'WIR-027'],
    ['WIR-027: a large even kind', encodeFrame(0xffff_fffe, 0, EMPTY), 'E_UNKNOWN_KIND', 'WIR-027'],
    ['WIR-029: a Ping of length 65', encodeFrame(2, 1, new Uint8Array(63)), 'E_FRAME_SIZE', 'WIR-029'],
    ['WIR-029: an Ihave of length 35,073', encodeFrame(KIND_IHAVE, 0, new Uint8Array(35071)), 'E_FRAME_SIZE', 'WIR-029'],
    ['WIR-030: a Ping with request id 0', pingFrame(0), 'E_REQUEST_ID', 'WIR-030'],
    ['WIR-030: a Pong with request id 0', encodeFrame(KIND_PONG, 0, encodePong({ nonce: nonceOf(1) })), 'E_REQUEST_ID', 'WIR-030'],
    ['WIR-031: a Push with request id 1', encodeFrame(KIND_PUSH, 1, EMPTY), 'E_REQUEST_ID', 'WIR-031'],
    ['WIR-031: a GoAway with request id 1', encodeFrame(KIND_GO_AWAY, 1, EMPTY), 'E_REQUEST_ID', 'WIR-031'],
    ['WIR-045: a Ping without nonce', encodeFrame(2, 1, EMPTY), 'E_MALFORMED', 'WIR-045'],
    ['WIR-045: a nonce of seven bytes', encodeFrame(2, 1, Uint8Array.of(10, 7, 1, 2, 3, 4, 5, 6, 7)), 'E_MALFORMED', 'WIR-045'],
    ['WIR-040: a GoAway that ends inside a field', encodeFrame(KIND_GO_AWAY, 0, Uint8Array.of(8)), 'E_MALFORMED', 'WIR-040'],
  ];
  test.each(cases)('%s', (_title, bytes, code, clause) => {
    expectClosed(givePlain(open(), 1, bytes), code, clause);
  });

  // Not behind a frame that reaches for the bytes of the next one.
  const whole = cases.filter(([, , , clause]) => clause !== 'WIR-021' && clause !== 'WIR-024');
  test.each(whole)('WIR-036: frames behind it are not looked at (%s)', (_title, bytes, code, clause) => {
    expectClosed(givePlain(open(), 1, bytes, pingFrame(5), encodeFrame(KIND_PUSH, 0, EMPTY)), code, clause);
  });

  test('WIR-028: gossip frames without gossip/1, Direct beside it', () => {
    expectClosed(givePlain(open(['direct/1']), 1, encodeFrame(KIND_PUSH, 0, EMPTY)), 'E_UNKNOWN_KIND', 'WIR-028');
    expectClosed(givePlain(open(['direct/1', 'gossip/1']), 1, encodeFrame(48, 0, EMPTY)), 'E_UNKNOWN_KIND', 'WIR-028');
    expectClosed(givePlain(open([]), 1, encodeFrame(48, 0, EMPTY)), 'E_UNKNOWN_KIND', 'WIR-028');
  });

  test('WIR-028: an unknown kind is unknown before it is too long or has a wrong request id', () => {
    expectClosed(givePlain(open([]), 1, encodeFrame(KIND_PUSH, 7, new Uint8Array(65500))), 'E_UNKNOWN_KIND', 'WIR-028');
  });
});

describe('a frame that does not', () => {
  test('WIR-026: odd kinds, with any request id and body, are left aside', () => {
    const node = open();
    const outputs = givePlain(
      node,
      1,
      encodeFrame(1, 0, EMPTY),
      encodeFrame(33, 9, new Uint8Array(60_000)),
      encodeFrame(0xffff_ffff, 1, EMPTY),
      pingFrame(3),
    );
    expect(closeCodes(outputs, 1)).toEqual([]);
    expect(framesOn(outputs, 1).map((frame) => [frame.kind, frame.requestId])).toEqual([[KIND_PONG, 3]]);
  });

  test('WIR-032: a Pong that nobody waits for, whatever its body', () => {
    const outputs = givePlain(open(), 1, encodeFrame(KIND_PONG, 77, EMPTY), pingFrame(1));
    expect(closeCodes(outputs, 1)).toEqual([]);
    expect(framesOn(outputs, 1)).toHaveLength(1);
  });

  test('WIR-029: frames of the largest length of their kind', () => {
    const node = open();
    expect(closeCodes(givePlain(node, 1, encodeFrame(KIND_IHAVE, 0, new Uint8Array(35070))), 1)).toEqual([]);
    const unknownField = concatBytes(Uint8Array.of(10, 8), nonceOf(1), Uint8Array.of(0x7a, 50), new Uint8Array(50));
    const padded = encodeFrame(2, 1, unknownField);
    expect(padded[0]).toBe(64);
    expect(framesOn(givePlain(node, 1, padded), 1)).toHaveLength(1);
    expect(closeCodes(givePlain(node, 1, encodeFrame(KIND_PUSH, 0, new Uint8Array(65514))), 1)).toEqual([]);
  });

  test('WIR-033: answers carry the request id, in the order of the questions, in one plaintext', () => {
    const node = open();
    const outputs = givePlain(node, 1, pingFrame(0xffff_ffff, nonceOf(1)), pingFrame(1, nonceOf(2)), pingFrame(1, nonceOf(3)));
    expect(only(outputs, 'plaintext')).toHaveLength(1);
    const frames = framesOn(outputs, 1);
    expect(frames.map((frame) => frame.requestId)).toEqual([0xffff_ffff, 1, 1]);
    expect(frames.map((frame) => frame.body[9])).toEqual([1, 2, 3]);
  });
});

describe('order', () => {
  test('WIR-035, WIR-036: what another machine closes on holds before the next frame is looked at', () => {
    const node = createTestSessions('node');
    openPlain(node, 1, 'peer');
    const { machine } = node;
    const now = { monoMs: 0, wallMs: 0 };
    const data = concatBytes(pingFrame(1), encodeFrame(KIND_PUSH, 0, Uint8Array.of(1)), pingFrame(2), encodeFrame(0, 0, EMPTY));
    expect(machine.handle({ type: 'plaintext', link: 1 as never, data }, now)).toEqual([]);
    expect(machine.handle({ type: 'settled' }, now).map((output) => output.type)).toEqual(['frame']);
    const closed = machine.handle({ type: 'closeSession', link: 1 as never, code: 'E_MALFORMED', clause: 'GSP-001' }, now);
    expect(closed.map((output) => output.type)).toEqual(['plaintext', 'close', 'sessionEnded', 'sessionDown']);
    expect(machine.handle({ type: 'settled' }, now)).toEqual([]);
  });

  test('frames for other machines come one at a time, with their bodies', () => {
    const node = open();
    const outputs = givePlain(node, 1, encodeFrame(KIND_PUSH, 0, Uint8Array.of(1)), encodeFrame(KIND_IHAVE, 0, Uint8Array.of(2)));
    expect(only(outputs, 'frame').map(({ kind, requestId, body }) => [kind, requestId, [...body]])).toEqual([
      [KIND_PUSH, 0, [1]],
      [KIND_IHAVE, 0, [2]],
    ]);
  });

  test('CNV-011, CNV-012: at most a GoAway follows the decision to close', () => {
    const outputs = givePlain(open(), 1, pingFrame(1), encodeFrame(0, 0, EMPTY));
    expectClosed(outputs, 'E_UNKNOWN_KIND', 'WIR-027');
    const [goAway] = framesOn(outputs, 1);
    expect(decodeGoAway(goAway?.body ?? EMPTY)).toMatchObject({ ok: true, value: { code: 5, retryAfterMs: 60_000n } });
  });

  test('CNV-014: other sessions go on', () => {
    const node = open();
    openPlain(node, 2, 'other');
    givePlain(node, 1, encodeFrame(0, 0, EMPTY));
    expect(framesOn(givePlain(node, 2, pingFrame(1)), 2)).toHaveLength(1);
    expect(givePlain(node, 1, pingFrame(1))).toEqual([]);
  });
});
