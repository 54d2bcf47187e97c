import { describe, expect, test } from 'vitest';
import { encodeUtf8 } from '../bytes.ts';
import { createRng } from '../rng.ts';
import type { MessageId, PeerId } from '../types.ts';
import { Bench, identity, message, spoil, testParams } from './gossip.fixture.ts';
import { hostOf, PeerScores } from './score.ts';

const alice = identity('alice');
const peer1 = identity('peer-1').peer;

function bench(links: number, options: ConstructorParameters<typeof Bench>[0] = {}): Bench {
  const node = new Bench(options);
  for (let link = 1; link <= links; link++) node.up(link);
  return node;
}

/** Envelopes with a bad signature, in Pushes of one. */
function spoilMany(node: Bench, link: number, count: number): void {
  for (let index = 0; index < count; index++) node.push(link, spoil(message(alice, { atMs: node.nowMs })));
}

describe('the formula', () => {
  test('F is capped, I squared, B above its threshold squared', () => {
    const scores = new PeerScores(testParams('conformance'));
    scores.open(peer1, '10.0.0.1', 0);
    for (let count = 0; count < 150; count++) scores.countFirst(peer1, 0);
    expect(scores.scoreOf(peer1, 0)).toBeCloseTo(10, 9);
    for (let count = 0; count < 3; count++) scores.countInvalid(peer1, 0);
    expect(scores.scoreOf(peer1, 0)).toBeCloseTo(1, 9);
    for (let count = 0; count < 6; count++) scores.countBroken(peer1, 0);
    expect(scores.scoreOf(peer1, 0)).toBeCloseTo(1, 9);
    for (let count = 0; count < 2; count++) scores.countBroken(peer1, 0);
    expect(scores.scoreOf(peer1, 0)).toBeCloseTo(-3, 9);
  });

  test('counters decay at each beat and end at 0', () => {
    const scores = new PeerScores(testParams('conformance'));
    scores.open(peer1, '10.0.0.1', 0);
    for (let count = 0; count < 10; count++) scores.countInvalid(peer1, 500);
    expect(scores.scoreOf(peer1, 999)).toBe(-100);
    expect(scores.scoreOf(peer1, 1000)).toBeCloseTo(-((10 * 0.99) ** 2), 9);
    expect(scores.scoreOf(peer1, 11_000)).toBeCloseTo(-((10 * 0.99 ** 11) ** 2), 9);
    // 10 · 0.99^k falls below 0.01 at k = 688.
    expect(scores.scoreOf(peer1, 687_000)).toBeLessThan(0);
    expect(scores.scoreOf(peer1, 688_000) + 0).toBe(0);
  });

  test('50 overruns count as one broken promise', () => {
    const scores = new PeerScores(testParams('conformance'));
    scores.open(peer1, '10.0.0.1', 0);
    for (let count = 0; count < 399; count++) scores.countOverrun(peer1, 0);
    expect(scores.countsOf(peer1)?.broken).toBe(7);
    scores.countOverrun(peer1, 0);
    expect(scores.scoreOf(peer1, 0)).toBe(-4);
  });

  test('sessions from one IP address count together, whatever their ports', () => {
    expect(['1.2.3.4', '1.2.3.4:80', '::ffff:1.2.3.4', '[::FFFF:1.2.3.4]:9'].map(hostOf)).toEqual(Array(4).fill('1.2.3.4'));
    expect(['fe80::1', '[fe80::1]:80'].map(hostOf)).toEqual(['fe80::1', 'fe80::1']);
    const scores = new PeerScores(testParams('conformance'));
    for (let index = 0; index < 12; index++) scores.open(identity(`c-${index}`).peer, `10.0.0.1:${index}`, 0);
    expect(scores.scoreOf(identity('c-0').peer, 0)).toBe(-20);
    scores.close(identity('c-11').peer, '10.0.0.1:11', 0);
    expect(scores.scoreOf(identity('c-0').peer, 0)).toBe(-5);
  });
});

describe('consequences', () => {
  test('GSP-090, GSP-091 rejected envelopes end the session when the score falls below the limit, not before', () => {
    const node = bench(2);
    spoilMany(node, 1, 10);
    expect(node.machine.scoreOf(peer1)).toBe(-100);
    expect(node.of('closeSession')).toEqual([]);
    spoilMany(node, 1, 1);
    expect(node.of('closeSession')).toMatchObject([{ link: 1, code: 'E_SCORE', clause: 'GSP-090' }]);
    node.clear();
    spoilMany(node, 1, 1);
    expect(node.effects).toEqual([]);
  });

  test('GSP-090 the neighbours of the last straw in a Push are judged all the same', () => {
    const node = bench(2);
    const good = message(alice);
    node.push(1, ...Array.from({ length: 12 }, () => spoil(message(alice))), good);
    expect(node.delivered()).toEqual([good.id]);
    expect(node.of('closeSession')).toHaveLength(1);
    expect(node.frames('push').map(({ link }) => link)).toEqual([2]);
  });

  test('GSP-092, GSP-096 a new session washes nothing, and is taken when the retry time has passed', () => {
    const node = bench(1);
    spoilMany(node, 1, 11);
    const retryAfterMs = node.of('closeSession')[0]?.retryAfterMs ?? 0;
    // 11 · 0.99^k is at most 10 from k = 10 on.
    expect(retryAfterMs).toBe(10_000);
    node.down(1);
    node.clear();
    node.up(2, 'peer-1', { address: '10.9.9.9' });
    expect(node.of('closeSession')).toMatchObject([{ link: 2, code: 'E_SCORE', clause: 'GSP-092', retryAfterMs: 10_000 }]);
    node.push(2, message(alice));
    expect(node.delivered()).toEqual([]);
    node.down(2, 'peer-1');
    node.advance(retryAfterMs - 1);
    node.up(3, 'peer-1');
    expect(node.of('closeSession')).toHaveLength(2);
    node.advance(1);
    node.up(4, 'peer-1');
    expect(node.of('closeSession')).toHaveLength(2);
    expect(node.view().links.map(({ link, isActive }) => [link, isActive])).toEqual([[4, false]]);
  });

  test('GSP-092 counts are forgotten after score.retain_ms and not before', () => {
    const overrides = { 'score.retain_ms': '5000', 'score.invalid_decay': '1' };
    for (const [passed, closed] of [
      [5000, 1],
      [5001, 0],
    ] as const) {
      const node = bench(1, { overrides });
      spoilMany(node, 1, 11);
      expect(node.of('closeSession')[0]?.retryAfterMs).toBe(5001);
      node.clear();
      node.advance(passed);
      node.up(2, 'peer-1');
      expect(node.of('closeSession')).toHaveLength(closed);
    }
  });

  test('GSP-092 when too many are retained the best go first', () => {
    const scores = new PeerScores(testParams('conformance', { 'score.retained_max': '2' }));
    const peers = ['bad', 'worse', 'good', 'neutral'].map((label) => identity(label).peer);
    const [bad, worse, good, neutral] = peers as [PeerId, PeerId, PeerId, PeerId];
    for (const peer of peers) scores.open(peer, '10.0.0.1', 0);
    scores.countInvalid(bad, 0);
    for (let count = 0; count < 5; count++) scores.countInvalid(worse, 0);
    scores.countFirst(good, 0);
    for (const peer of peers) scores.close(peer, '10.0.0.1', 0);
    expect(peers.map((peer) => scores.countsOf(peer) !== undefined)).toEqual([true, true, false, false]);
    expect(scores.countsOf(neutral)).toBeUndefined();
  });

  test('GSP-092 the best go first in any order of coming, counting and forgetting', () => {
    const retainedMax = 6;
    const params = testParams('conformance', { 'score.retained_max': String(retainedMax), 'score.first_decay': '0.5' });
    const rng = createRng(encodeUtf8('best first'));
    const scores = new PeerScores(params);
    const peers = Array.from({ length: 24 }, (_, index) => identity(`ranked ${index}`).peer);
    const open = new Set<PeerId>();
    const known = (): readonly PeerId[] => peers.filter((peer) => scores.countsOf(peer) !== undefined && !open.has(peer));
    for (let step = 0, nowMs = 0; step < 4000; step++) {
      nowMs += rng.below(4) === 0 ? rng.below(1500) : 0;
      const peer = peers[rng.below(peers.length)] as PeerId;
      const before = known().map((other) => ({ other, score: scores.scoreOf(other, nowMs) }));
      const worst = Math.min(...before.map(({ score }) => score));
      const change = rng.below(5);
      if (change === 0 && !open.has(peer)) {
        scores.open(peer, '10.0.0.1', nowMs);
        open.add(peer);
      } else if (change === 1 && open.delete(peer)) scores.close(peer, '10.0.0.1', nowMs);
      else if (change === 2) scores.countInvalid(peer, nowMs);
      else if (change === 3) scores.countBroken(peer, nowMs, 1 + rng.below(12));
      else if (change === 4) scores.countFirst(peer, nowMs);
      const after = known();
      expect(after.length).toBeLessThanOrEqual(retainedMax);
      // Whoever was forgotten to make room was no worse than anybody who stayed.
      const gone = before.filter(({ other }) => other !== peer && !open.has(other) && !after.includes(other));
      const stayed = after.filter((other) => other !== peer).map((other) => scores.scoreOf(other, nowMs));
      for (const { score } of gone) expect(score).toBeGreaterThanOrEqual(Math.max(worst, ...stayed));
    }
  });

  test('GSP-095 broken promises of a peer that has gone count together although the table is full of worse ones', () => {
    const node = new Bench({ overrides: { 'score.retained_max': '1' } });
    node.up(1);
    spoilMany(node, 1, 2);
    node.down(1);
    node.up(2, 'peer-2');
    node.ihave(2, ...Array.from({ length: 9 }, (_, index) => index.toString(16).padStart(64, 'b') as MessageId));
    node.advance(600);
    node.down(2, 'peer-2');
    node.advance(4000);
    expect(node.machine.scoreOf(identity('peer-2').peer)).toBeLessThan(-5);
  });

  test('GSP-093 ignored envelopes cost nothing', () => {
    const node = bench(2);
    const good = message(alice);
    for (let count = 0; count < 30; count++) node.push(1, good, message(alice, { atMs: -60_001 }));
    expect(node.machine.scoreOf(peer1)).toBeCloseTo(0.1, 9);
  });

  test('GSP-031, GSP-050, GSP-094 below the lower limit a peer is not active, not told, not heard, until it has decayed', () => {
    const node = bench(3);
    spoilMany(node, 1, 5);
    const good = message(alice);
    node.push(2, good);
    expect(node.pushedOn(good.id)).toEqual([3]);
    node.iwant(1, good.id);
    node.advance(1000);
    const unknown = message(alice, { atMs: node.nowMs });
    node.ihave(1, unknown.id);
    node.advance(5000);
    expect(node.sent.filter(({ link }) => link === 1)).toEqual([]);
    // (5 · 0.99^k)² is at most 20 from k = 12 on.
    node.advance(5999);
    expect(node.view().links[0]?.isActive).toBe(false);
    node.advance(1);
    expect(node.view().links[0]?.isActive).toBe(true);
    const later = message(alice, { atMs: node.nowMs });
    node.push(2, later);
    expect(node.pushedOn(later.id)).toEqual([1, 3]);
  });

  test('GSP-090 what F kept above water sinks when it decays', () => {
    const overrides = { 'score.first_weight': '1', 'gossip.origin_per_s': '16', 'score.invalid_decay': '1' };
    const node = bench(2, { overrides });
    for (let count = 0; count < 30; count++) node.push(1, message(alice));
    spoilMany(node, 1, 11);
    expect(node.machine.scoreOf(peer1)).toBe(30 - 121);
    node.advance(3000);
    expect(node.of('closeSession')).toEqual([]);
    node.advance(1000);
    expect(node.of('closeSession')).toMatchObject([{ link: 1, code: 'E_SCORE', clause: 'GSP-090', atMs: 4000 }]);
  });

  test('GSP-090 one session too many from an address is closed, and its neighbours stay', () => {
    const node = new Bench();
    for (let link = 1; link <= 16; link++) node.up(link, `peer-${link}`, { address: `10.0.0.1:${link}` });
    expect(node.of('closeSession').map(({ link, clause }) => [link, clause])).toEqual([
      [15, 'GSP-092'],
      [16, 'GSP-092'],
    ]);
    expect(node.view().links).toHaveLength(14);
  });

  test('GSP-095 overruns and broken promises reach the score of a session', () => {
    const node = bench(1);
    for (let count = 0; count < 50 * 16; count++) node.input({ type: 'overrun', link: 1 as never, peer: peer1 });
    expect(node.machine.scoreOf(peer1)).toBe(-100);
    for (let count = 0; count < 50; count++) node.input({ type: 'overrun', link: 1 as never, peer: peer1 });
    expect(node.of('closeSession')).toHaveLength(1);
  });
});

describe('time', () => {
  test('a node with nothing to do has no deadline', () => {
    const node = new Bench();
    expect(node.machine.deadline()).toBeUndefined();
    node.up(1);
    expect(node.machine.deadline()).toBeLessThanOrEqual(1000);
    node.push(1, message(alice));
    node.down(1);
    node.advance(4_000_000);
    expect(node.machine.deadline()).toBeUndefined();
    expect(node.view()).toMatchObject({ seen: 0, cachedMessages: 0, cachedBytes: 0, scoredPeers: 0 });
  });
});
