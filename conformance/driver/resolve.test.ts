import { describe, expect, test } from 'vitest';
import { HarnessError } from './errors.ts';
import { refsIn, resolveBytes, resolveNumber, resolveRef } from './resolve.ts';
import type { TraceEvent } from './trace.ts';

const ping = (step: number, link: number, requestId: number, nonce: string): TraceEvent => ({
  type: 'frame',
  atMs: step,
  step,
  link,
  frame: { kind: 2, requestId, body: { type: 'Ping', nonce }, raw: '' },
});
const events: readonly TraceEvent[] = [
  ping(0, 1, 1, '0000000000000001'),
  ping(0, 2, 2, '0000000000000002'),
  {
    type: 'frame',
    atMs: 1,
    step: 1,
    link: 1,
    frame: { kind: 40, requestId: 0, body: { type: 'Ihave', topic: 'app/a', ids: ['aa', 'bb'] }, raw: '' },
  },
  { type: 'deliver', atMs: 1, step: 1, topic: 'app/a', id: 'cc', origin: 'dd', data: 'ee' },
  ping(2, 1, 3, '0000000000000003'),
  {
    type: 'sentFrame',
    atMs: 2,
    step: 2,
    link: 1,
    frame: { kind: 2, requestId: 99, body: { type: 'Ping', nonce: 'ff' }, raw: '' },
    size: 1,
    auto: false,
  },
];
const scope = { events, step: 3, link: 1 };

describe('references', () => {
  test.each([
    ['$0.ping.nonce', '0000000000000001'],
    ['$0.ping.requestId', 1],
    ['$-1.ping.requestId', 3],
    ['$-2.ihave.ids.1', 'bb'],
    ['$*.ping.requestId', 3],
    ['$*.ihave.topic', 'app/a'],
    ['$1.deliver.id', 'cc'],
    ['$*.deliver.data', 'ee'],
  ])('%s is %s', (ref, value) => {
    expect(resolveRef({ ref }, scope)).toBe(value);
  });

  test('$* looks at the step’s own link, and at what the node did only', () => {
    expect(resolveRef({ ref: '$*.ping.requestId' }, { ...scope, link: 2 })).toBe(2);
    expect(resolveRef({ ref: '$*.ping.requestId' }, { ...scope, link: 7 })).toBeUndefined();
  });

  test('what was not captured is unresolved, never an error', () => {
    for (const ref of ['$3.ping.nonce', '$-9.ping.nonce', '$*.pong.nonce', '$0.ping.none', '$*.ihave.ids.9', '$*.ping.nonce.x']) {
      expect(resolveRef({ ref }, scope)).toBeUndefined();
      expect(resolveBytes({ ref }, scope)).toBeUndefined();
      expect(resolveNumber({ ref }, scope)).toBeUndefined();
    }
    expect(resolveNumber({ ref: '$0.ping.nonce' }, scope)).toBeUndefined();
    expect(resolveBytes({ ref: '$0.ping.requestId' }, scope)).toBeUndefined();
  });

  test('a text that is no reference, and a number that is none, are the plan’s fault', () => {
    for (const ref of ['', 'ping', '$ping.nonce', '$1.ping', '$1..nonce']) expect(() => resolveRef({ ref }, scope)).toThrow(HarnessError);
    for (const value of [-1, 1.5, '0x1', '']) expect(() => resolveNumber(value, scope)).toThrow(HarnessError);
    expect(resolveNumber('18446744073709551615', scope)).toBe(18_446_744_073_709_551_615n);
  });

  test('are found wherever they stand in a step', () => {
    const step = {
      op: 'frames',
      frames: [{ requestId: { ref: '$*.ping.requestId' }, body: { type: 'Pong', nonce: { ref: '$*.ping.nonce' } } }],
    };
    expect(refsIn(step).map(({ ref }) => ref)).toEqual(['$*.ping.requestId', '$*.ping.nonce']);
  });
});
