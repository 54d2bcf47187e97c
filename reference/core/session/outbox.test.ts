import { describe, expect, test } from 'vitest';
import { FRAME_CLASSES, type FrameClass, KIND_GRAFT, KIND_IHAVE, KIND_PONG, KIND_PUSH } from '../wire/frame.ts';
import { createOutbox, nextReleaseMs, queueFrame, releaseFrames, waitingFrames } from './outbox.ts';
import { chargeFrame, createRates } from './rates.ts';
import {
  brokenClauses,
  closeCodes,
  createTestSessions,
  framesOn,
  linkOf,
  only,
  openPlain,
  paramsOf,
  splitFrames,
  type TestSessions,
} from './session.fixture.ts';

function send(node: TestSessions, kind: number, body: Uint8Array) {
  return node.give({ type: 'sendFrame', link: linkOf(1), kind, body });
}

function open(overrides: Readonly<Record<string, string>> = {}): TestSessions {
  const node = createTestSessions('node', overrides);
  openPlain(node, 1, 'peer');
  return node;
}

describe('pacing', () => {
  test.each([0, 40, 125])(
    'SES-065: what leaves as fast as it can is never an overrun, even if the way takes up to %i ms more or less',
    (jitterMs) => {
      const params = paramsOf({ 'rate.data.messages_per_s': '40' });
      const outbox = createOutbox(params, 0);
      const arrivals: { readonly atMs: number; readonly size: number; readonly class: FrameClass }[] = [];
      const bytes = (size: number) => ({ bytes: new Uint8Array(size) });
      for (let nowMs = 0; nowMs < 20_000; nowMs += 10) {
        queueFrame(outbox, KIND_PUSH, bytes(nowMs % 7 === 0 ? 20_000 : 200));
        queueFrame(outbox, KIND_IHAVE, bytes(3000));
        for (const frame of releaseFrames(outbox, nowMs)) {
          // Every other stretch of the way is slow, and what was held up arrives together.
          const lateMs = Math.floor(nowMs / 500) % 2 === 0 ? jitterMs - (nowMs % 500 < jitterMs ? nowMs % 500 : 0) : 0;
          arrivals.push({
            atMs: nowMs + Math.max(0, lateMs),
            size: frame.bytes.length,
            class: frame.bytes.length === 3000 ? 'inventory' : 'data',
          });
        }
      }
      const rates = createRates(params, 0);
      arrivals.sort((a, b) => a.atMs - b.atMs);
      const charges = arrivals.map((frame) => chargeFrame(params, rates, frame.class, frame.size, frame.atMs));
      expect(new Set(charges)).toEqual(new Set(['passes']));
      // Nor slower than the buckets gain, but for the reserve.
      expect(arrivals.filter((frame) => frame.class === 'inventory').length).toBeGreaterThan((20 * 131_072 * 0.95) / 3000);
    },
  );

  test('SES-065: a full burst leaves within the forward time, the rest as room comes', () => {
    const node = open();
    for (let count = 0; count < 200; count++) send(node, KIND_PUSH, Uint8Array.of(count));
    node.advance(200);
    expect(framesOn(node.log, 1)).toHaveLength(200);
    expect(framesOn(node.log, 1).map((frame) => frame.body[0])).toEqual(Array.from({ length: 200 }, (_, index) => index));
  });

  test('SES-065: frames of the largest size leave at the smallest rate', () => {
    const node = open({ 'rate.data.bytes_per_s': '32768' });
    for (let count = 0; count < 3; count++) send(node, KIND_PUSH, new Uint8Array(65_514));
    node.advance(1);
    expect(framesOn(node.log, 1)).toHaveLength(1);
    node.advance(4010);
    expect(framesOn(node.log, 1)).toHaveLength(3);
  });

  test('SES-066: a class that has to wait holds no other up', () => {
    const node = open({ 'rate.data.messages_per_s': '1' });
    for (let count = 0; count < 10; count++) send(node, KIND_PUSH, new Uint8Array(1));
    expect(framesOn(send(node, KIND_IHAVE, new Uint8Array(1)), 1)).toHaveLength(1);
  });
});

describe('batches', () => {
  test('frames of one input leave in one plaintext, the most urgent class first, each class in its order', () => {
    const node = open();
    const { machine } = node;
    const now = { monoMs: 0, wallMs: 0 };
    for (const [kind, byte] of [
      [KIND_PUSH, 1],
      [KIND_IHAVE, 2],
      [KIND_GRAFT, 3],
      [KIND_PUSH, 4],
    ] as const) {
      expect(machine.handle({ type: 'sendFrame', link: linkOf(1), kind, body: Uint8Array.of(byte) }, now)).toEqual([]);
    }
    const outputs = machine.handle({ type: 'settled' }, now);
    expect(outputs.map((output) => output.type)).toEqual(['plaintext']);
    const [plaintext] = outputs;
    if (plaintext?.type !== 'plaintext') throw new Error('no plaintext');
    expect(splitFrames(plaintext.data).map((frame) => frame.body[0])).toEqual([3, 2, 1, 4]);
    expect(machine.handle({ type: 'settled' }, now)).toEqual([]);
  });

  test('no plaintext is longer than a Noise message has room for, and none is split without need', () => {
    const node = open({ 'rate.data.bytes_per_s': '1000000' });
    const { machine } = node;
    const now = { monoMs: 0, wallMs: 0 };
    for (let count = 0; count < 5; count++) {
      machine.handle({ type: 'sendFrame', link: linkOf(1), kind: KIND_PUSH, body: new Uint8Array(32_754) }, now);
    }
    const sizes = machine.handle({ type: 'settled' }, now).map((output) => (output.type === 'plaintext' ? output.data.length : 0));
    expect(sizes).toEqual([65_518, 65_518, 32_759]);
  });
});

describe('bounds', () => {
  test('class data drops its oldest frames, by count and by bytes', () => {
    const outbox = createOutbox(paramsOf(), 0);
    for (let count = 0; count < 3000; count++) queueFrame(outbox, KIND_PUSH, { bytes: Uint8Array.of(count & 0xff, count >> 8) });
    expect(waitingFrames(outbox)).toBe(1024);
    expect(releaseFrames(outbox, 0)[0]?.bytes).toEqual(Uint8Array.of((3000 - 1024) & 0xff, (3000 - 1024) >> 8));
    for (let count = 0; count < 100; count++) queueFrame(outbox, KIND_IHAVE, { bytes: new Uint8Array(35_000) });
    expect(outbox.lanes.inventory.bytes).toBeLessThanOrEqual(1_048_576);
    expect(outbox.lanes.inventory.bytes).toBeGreaterThan(1_000_000);
  });

  test('class control loses nothing: the session ends', () => {
    const node = open();
    let ended = false;
    for (let count = 0; count < 1200 && !ended; count++) {
      const outputs = send(node, KIND_GRAFT, new Uint8Array(1));
      ended = closeCodes(outputs, 1).includes('E_RATE');
      if (ended) expect(brokenClauses(outputs)).toEqual(['SES-065']);
    }
    expect(ended).toBe(true);
    expect(only(node.log, 'sessionDown')).toHaveLength(1);
  });

  test('nothing waits, nothing is due', () => {
    const outbox = createOutbox(paramsOf(), 0);
    expect(nextReleaseMs(outbox, 0)).toBeUndefined();
    queueFrame(outbox, KIND_PONG, { bytes: new Uint8Array(5) });
    expect(releaseFrames(outbox, 0)).toHaveLength(1);
    expect(nextReleaseMs(outbox, 0)).toBeUndefined();
    expect(FRAME_CLASSES.every((name) => outbox.lanes[name].frames.length === 0)).toBe(true);
  });
});
