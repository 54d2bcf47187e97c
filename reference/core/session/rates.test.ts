import { describe, expect, test } from 'vitest';
import { concatBytes } from '../bytes.ts';
import { encodeFrame, KIND_GO_AWAY, KIND_IDONTWANT, KIND_PUSH } from '../wire/frame.ts';
import { brokenClauses, closeCodes, createTestSessions, framesOn, givePlain, only, openPlain, pingFrame } from './session.fixture.ts';

/** Unknown and odd: charged to class data and otherwise nothing. */
const NOISE = encodeFrame(33, 0, new Uint8Array(0));
const PUSH = encodeFrame(KIND_PUSH, 0, new Uint8Array(0));

function repeat(frame: Uint8Array, count: number): Uint8Array {
  return concatBytes(...Array.from({ length: count }, () => frame));
}

function open(overrides: Readonly<Record<string, string>> = {}) {
  const node = createTestSessions('node', { 'rate.data.messages_per_s': '10', ...overrides });
  openPlain(node, 1, 'peer');
  return node;
}

describe('buckets', () => {
  test('SES-062, SES-061: a full bucket lets twice its rate pass, and no more', () => {
    const node = open();
    expect(only(givePlain(node, 1, repeat(PUSH, 20)), 'frame')).toHaveLength(20);
    const more = givePlain(node, 1, PUSH);
    expect(only(more, 'frame')).toEqual([]);
    expect(only(more, 'overrun')).toMatchObject([{ link: 1 }]);
  });

  test('SES-062: one more passes in the very millisecond in which the bucket holds its cost', () => {
    const node = open();
    givePlain(node, 1, repeat(PUSH, 20));
    node.advance(99);
    expect(only(givePlain(node, 1, PUSH), 'frame')).toEqual([]);
    node.advance(1);
    expect(only(givePlain(node, 1, repeat(PUSH, 2)), 'frame')).toHaveLength(1);
  });

  test('SES-060: bytes count with the length field, and neither bucket is charged for an overrun', () => {
    const node = open({ 'rate.data.messages_per_s': '100', 'rate.data.bytes_per_s': '32768' });
    const large = encodeFrame(33, 0, new Uint8Array(65480));
    expect(large.length).toBe(65485);
    expect(only(givePlain(node, 1, large), 'overrun')).toEqual([]);
    // 65,536 − 65,485 = 51 bytes are left: a frame of 52 does not pass, one of 51 does.
    expect(only(givePlain(node, 1, encodeFrame(33, 0, new Uint8Array(49))), 'overrun')).toHaveLength(1);
    expect(only(givePlain(node, 1, encodeFrame(33, 0, new Uint8Array(48))), 'overrun')).toHaveLength(0);
    expect(only(givePlain(node, 1, NOISE), 'overrun')).toHaveLength(1);
  });

  test('SES-060: unknown odd kinds and Pushes share the bucket of class data', () => {
    const node = open();
    givePlain(node, 1, repeat(NOISE, 19));
    const outputs = givePlain(node, 1, repeat(PUSH, 2));
    expect(only(outputs, 'frame')).toHaveLength(1);
    expect(only(outputs, 'overrun')).toHaveLength(1);
  });

  test('SES-066: classes and sessions are kept apart', () => {
    const node = open();
    openPlain(node, 2, 'other');
    givePlain(node, 1, repeat(PUSH, 30));
    expect(only(givePlain(node, 1, encodeFrame(KIND_IDONTWANT, 0, new Uint8Array(0))), 'frame')).toHaveLength(1);
    expect(framesOn(givePlain(node, 1, pingFrame(1)), 1)).toHaveLength(1);
    expect(only(givePlain(node, 2, repeat(PUSH, 20)), 'frame')).toHaveLength(20);
  });

  test('SES-050, SES-061: a Ping that is an overrun has no answer', () => {
    const node = open({ 'rate.control.messages_per_s': '2' });
    const pings = concatBytes(...Array.from({ length: 6 }, (_, index) => pingFrame(index + 1)));
    givePlain(node, 1, pings);
    node.advance(5000);
    const answered = framesOn(node.log, 1).filter((frame) => frame.kind === 4);
    expect(answered.map((frame) => frame.requestId)).toEqual([1, 2, 3, 4]);
  });

  test('SES-060: a GoAway is heard whatever was sent before', () => {
    const node = open({ 'rate.control.messages_per_s': '1' });
    givePlain(node, 1, repeat(pingFrame(1), 5));
    const outputs = givePlain(node, 1, encodeFrame(KIND_GO_AWAY, 0, Uint8Array.of(8, 1)));
    expect(only(outputs, 'sessionEnded')).toMatchObject([{ code: 'E_SHUTDOWN' }]);
  });
});

describe('overruns', () => {
  const settings = { 'session.rate_overrun_max': '5', 'session.rate_overrun_reset_ms': '1000', 'rate.data.messages_per_s': '1' };

  test('SES-064, SES-063: as many as are allowed, and one more', () => {
    const node = open(settings);
    expect(closeCodes(givePlain(node, 1, repeat(NOISE, 2 + 5)), 1)).toEqual([]);
    const outputs = givePlain(node, 1, NOISE);
    expect(closeCodes(outputs, 1)).toEqual(['E_RATE']);
    expect(brokenClauses(outputs)).toEqual(['SES-063']);
    expect(only(outputs, 'overrun')).toHaveLength(1);
  });

  test('SES-063: they are forgotten when the pause has passed without one, and not before', () => {
    for (const [pause, closes] of [
      [999, true],
      [1000, false],
    ] as const) {
      const node = open({ ...settings, 'rate.data.bytes_per_s': '32768' });
      givePlain(node, 1, repeat(NOISE, 2 + 5));
      node.advance(pause);
      // A second gave room for one frame at most; it is used up here, the rest overruns.
      const outputs = givePlain(node, 1, repeat(NOISE, 2));
      expect(closeCodes(outputs, 1)).toEqual(closes ? ['E_RATE'] : []);
    }
  });

  test('SES-063: they are counted by class', () => {
    const node = open({ ...settings, 'rate.inventory.messages_per_s': '1' });
    const inventory = encodeFrame(KIND_IDONTWANT, 0, new Uint8Array(0));
    const outputs = givePlain(node, 1, repeat(NOISE, 2 + 5), repeat(inventory, 2 + 5));
    expect(closeCodes(outputs, 1)).toEqual([]);
    expect(only(outputs, 'overrun')).toHaveLength(10);
  });
});
