import { describe, expect, test } from 'vitest';
import {
  KIND_FETCH_REPLY,
  KIND_FETCH_REQUEST,
  KIND_RANGE_REPLY,
  KIND_RANGE_REQUEST,
  KIND_SKETCH_REPLY,
  KIND_SKETCH_REQUEST,
} from '../wire/frame.ts';
import {
  decodeFetchRequest,
  decodeSketchRequest,
  encodeFetchReply,
  encodeRangeReply,
  encodeSketchReply,
  OUTCOME_SAME,
} from '../wire/reconciliation-body.ts';
import { emptySymbols, encodeSymbols, expectedInStream } from './coded-symbols.ts';
import { CAPABILITY_IBLT, CAPABILITY_RECONCILE, paramsWith, Reconcilers, TextSet } from './reconciliation.fixture.ts';

function texts(label: string, count: number): string[] {
  return Array.from({ length: count }, (_, at) => `${label} ${at}`);
}

function two(shared: number, left: number, right: number, params = paramsWith(), capabilities: readonly string[] = [CAPABILITY_RECONCILE]) {
  const net = new Reconcilers();
  const a = new TextSet('records', [...texts('shared', shared), ...texts('a', left)]);
  const b = new TextSet('records', [...texts('shared', shared), ...texts('b', right)]);
  net.addNode('a', [a], params);
  net.addNode('b', [b], params);
  net.connect('a', 'b', capabilities);
  return { net, a, b };
}

describe('two nodes', () => {
  test.each([
    [0, 0, 5],
    [100, 3, 0],
    [100, 0, 40],
    [1000, 30, 70],
    [50, 0, 900],
  ])('%i shared, %i and %i alone: both have everything', (shared, left, right) => {
    const { net, a, b } = two(shared, left, right);
    net.run(15_000);
    expect(a.size()).toBe(shared + left + right);
    expect(b.size()).toBe(shared + left + right);
  });

  test('by ranges when the difference is far too large for a sketch', () => {
    const { net, a, b } = two(500, 0, 3000, paramsWith({ 'reconcile.differences_max': '100' }));
    net.run(60_000);
    expect([a.size(), b.size()]).toEqual([3500, 3500]);
    expect(net.crossed.some(({ kind }) => kind === KIND_RANGE_REQUEST)).toBe(true);
  });

  test('RCN-022 in partitions when the set is larger than a sketch', () => {
    const { net, a, b } = two(200, 20, 20, paramsWith({ 'reconcile.partition_items_max': '32' }));
    net.run(60_000);
    expect([a.size(), b.size()]).toEqual([240, 240]);
  });

  test('RCN-064 by tables when both have iblt/1', () => {
    const { net, a, b } = two(300, 20, 300, paramsWith(), [CAPABILITY_IBLT, CAPABILITY_RECONCILE]);
    net.run(30_000);
    expect([a.size(), b.size()]).toEqual([620, 620]);
  });

  test('RCN-021 equal sets cost a request and an outcome, less and less often', () => {
    const { net } = two(100, 0, 0);
    net.run(60_000);
    const replies = net.crossed.filter(({ kind }) => kind === KIND_SKETCH_REPLY);
    expect(replies.every(({ body }) => body[1] === OUTCOME_SAME)).toBe(true);
    expect(replies.every(({ bytes }) => bytes < 24)).toBe(true);
    expect(net.crossed.length).toBeLessThan(2 * 2 * 14);
  });
});

describe('an asker', () => {
  test('RCN-014, RCN-015, RCN-016 keeps to its interval, its fanout and its exchanges', () => {
    const net = new Reconcilers(400);
    net.addNode('a', [new TextSet('records', texts('x', 10)), new TextSet('transactions', texts('y', 10))]);
    for (let i = 0; i < 12; i++) {
      net.addNode(
        `p${i}`,
        [new TextSet('records', texts(`p${i}`, 3)), new TextSet('transactions')],
        paramsWith({ 'reconcile.fanout': '1' }),
      );
      net.connect('a', `p${i}`);
    }
    net.run(40_000);
    const begun = net.crossed.filter(({ from, kind, body }) => {
      if (from !== 'a' || kind !== KIND_SKETCH_REQUEST) return false;
      const request = decodeSketchRequest(body);
      return request.ok && request.value.first === 0;
    });
    expect(begun.length).toBeGreaterThan(30);
    begun.forEach(({ atMs, to }, at) => {
      const window = begun.slice(at + 1).filter((other) => other.atMs < atMs + 1000);
      expect(window.some((other) => other.to === to)).toBe(false);
      expect(new Set([to, ...window.map((other) => other.to)]).size).toBeLessThanOrEqual(3);
    });
  });

  test('RCN-018 turns to another peer when one is silent', () => {
    const net = new Reconcilers();
    const set = new TextSet('records', []);
    net.addNode('a', [set]);
    net.addPeer('dead', () => undefined);
    net.addNode('b', [new TextSet('records', texts('b', 4))]);
    net.connect('a', 'dead');
    net.connect('a', 'b');
    net.run(20_000);
    expect(set.size()).toBe(4);
  });

  test('RCN-031, RCN-033, RCN-036, RCN-037 gives up what does not decode, uses ranges, then leaves the peer alone', () => {
    const net = new Reconcilers();
    const params = paramsWith({}, 'conformance');
    net.addNode('a', [new TextSet('records', texts('a', 5))], params);
    let asked = 0;
    net.addPeer('liar', (kind, body) => {
      if (kind === KIND_RANGE_REQUEST)
        return {
          kind: KIND_RANGE_REPLY,
          body: encodeRangeReply({ outcome: 0, message: Uint8Array.of(0x61, 0, 0, 1, ...new Array(16).fill(7)) }),
        };
      const request = decodeSketchRequest(body);
      if (!request.ok) throw new Error('a request');
      const { first, count } = request.value;
      asked = Math.max(asked, first + count);
      const symbols = emptySymbols(count);
      for (let at = 0; at < count; at++) {
        symbols.sumLow[at] = at + 1;
        symbols.count[at] = 1 + ((first + at) % 7);
      }
      return {
        kind: KIND_SKETCH_REPLY,
        body: encodeSketchReply({ outcome: 0, size: 9n, symbols: encodeSymbols(symbols, expectedInStream(9, first)) }),
      };
    });
    net.connect('a', 'liar');
    net.run(30_000);
    expect(asked).toBeLessThanOrEqual(3 * 16 + 64);
    const kinds = net.crossed.filter(({ from }) => from === 'a').map(({ kind }) => kind);
    expect(kinds).toContain(KIND_RANGE_REQUEST);
    expect(net.outputs.filter(({ output }) => output.type === 'misbehaved')).toHaveLength(1);
    const last = net.crossed.at(-1)?.atMs ?? 0;
    net.run(25_000);
    expect(net.crossed.at(-1)?.atMs).toBe(last);
    net.run(30_000);
    expect(net.crossed.at(-1)?.atMs).toBeGreaterThan(last);
  });

  test('RCN-045, RCN-048 closes on an item that it did not ask for', () => {
    const net = new Reconcilers();
    net.addNode('a', [new TextSet('records')]);
    const other = new Reconcilers();
    const theirs = new TextSet('records', texts('b', 3));
    const honest = other.addNode('b', [theirs]);
    other.connect('b', 'a');
    net.addPeer('liar', (kind, body) => {
      if (kind === KIND_FETCH_REQUEST) {
        expect(decodeFetchRequest(body).ok).toBe(true);
        return { kind: KIND_FETCH_REPLY, body: encodeFetchReply({ outcome: 0, items: [new TextEncoder().encode('something else')] }) };
      }
      const answer = honest
        .handle({ type: 'frame', link: 1 as never, kind, requestId: 1, body }, { monoMs: net.nowMs, wallMs: 0 })
        .find((output) => output.type === 'answer');
      return answer?.type === 'answer' ? answer : undefined;
    });
    net.connect('a', 'liar');
    net.run(5000);
    const closed = net.outputs.find(({ output }) => output.type === 'closeSession');
    expect(closed?.output).toMatchObject({ code: 'E_MALFORMED', clause: 'RCN-045' });
    expect(net.outputs.some(({ output }) => output.type === 'reconciled')).toBe(false);
    const last = net.crossed.at(-1)?.atMs;
    net.run(60_000);
    expect(net.crossed.at(-1)?.atMs).toBe(last);
  });
});
