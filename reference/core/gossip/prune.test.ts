import { describe, expect, test } from 'vitest';
import type { LinkId, MessageId, PeerId } from '../types.ts';
import { Bench, type BenchOptions, identity, message, type TestMessage, testParams } from './gossip.fixture.ts';
import { UNSTAKED_ORIGINS } from './message.ts';
import { divideLinks, OriginCounts, PruneTable } from './prune.ts';

const alice = identity('alice');

function bench(links: number, options: BenchOptions = {}): Bench {
  const node = new Bench(options);
  for (let link = 1; link <= links; link++) node.up(link);
  return node;
}

/** Messages of alice, each pushed by the links in their order. */
function bring(node: Bench, count: number, links: readonly number[], from = alice): readonly TestMessage[] {
  return Array.from({ length: count }, () => {
    const each = message(from, { atMs: node.nowMs });
    for (const link of links) node.push(link, each);
    return each;
  });
}

describe('the keep rule', () => {
  const rule = { linksMin: 2, stakePercent: 15, ownStake: 1000n, originStake: 1000n };
  const candidate = (link: number, credits: number, stake: bigint, peer = `${link}`) => ({
    link: link as LinkId,
    peer: peer.padStart(64, '0') as PeerId,
    credits,
    stake,
  });
  const kept = (candidates: Parameters<typeof divideLinks>[0], more: Partial<typeof rule> = {}) =>
    divideLinks(candidates, { ...rule, ...more }).kept.map(({ link }) => link);

  test('links stand by credits, then stake, then PeerId', () => {
    const all = [candidate(1, 5, 0n), candidate(2, 9, 0n), candidate(3, 5, 200n), candidate(4, 5, 0n, '0')];
    expect(divideLinks(all, { ...rule, stakePercent: 0, linksMin: 3 }).kept.map(({ link }) => link)).toEqual([2, 3, 4]);
    expect(divideLinks(all, { ...rule, stakePercent: 0, linksMin: 3 }).pruned.map(({ link }) => link)).toEqual([1]);
  });

  test('the stake of the kept links reaches its share exactly', () => {
    const three = (stake: bigint) => [candidate(1, 9, 100n), candidate(2, 8, stake), candidate(3, 7, 500n)];
    expect(kept(three(50n))).toEqual([1, 2]);
    expect(kept(three(49n))).toEqual([1, 2, 3]);
  });

  test('the smaller stake of node and origin is the measure, and without one two links are enough', () => {
    const three = [candidate(1, 9, 1n), candidate(2, 8, 1n), candidate(3, 7, 500n)];
    expect(kept(three, { ownStake: 10n })).toEqual([1, 2]);
    expect(kept(three, { originStake: 10n })).toEqual([1, 2]);
    expect(kept(three, { ownStake: 0n })).toEqual([1, 2]);
    expect(kept(three)).toEqual([1, 2, 3]);
  });

  test('stakes beyond 2^53 are compared exactly', () => {
    const stake = 2n ** 63n;
    const needed = (15n * stake + 99n) / 100n;
    const two = (sum: bigint) => [candidate(1, 9, 0n), candidate(2, 8, sum), candidate(3, 7, 1n)];
    expect(kept(two(needed), { ownStake: stake, originStake: stake })).toEqual([1, 2]);
    expect(kept(two(needed - 1n), { ownStake: stake, originStake: stake })).toEqual([1, 2, 3]);
  });

  test('all are kept when they do not suffice, none of none', () => {
    expect(kept([candidate(1, 1, 0n)])).toEqual([1]);
    expect(kept([])).toEqual([]);
  });
});

describe('sent Prunes', () => {
  test('GSP-070, GSP-071, GSP-072 links whose copies come late are pruned at the heartbeat after the last message', () => {
    const node = bench(4, { stakes: new Map([[alice.peer, 100n]]) });
    bring(node, 19, [1, 2, 3, 4]);
    node.advance(2000);
    expect(node.frames('prune')).toEqual([]);
    bring(node, 1, [1, 2, 3, 4]);
    expect(node.frames('prune')).toEqual([]);
    node.advance(1000);
    expect(node.frames('prune').map(({ link, origins, backoffMs }) => [link, origins, backoffMs])).toEqual([
      [3, [alice.peer], 60_000n],
      [4, [alice.peer], 60_000n],
    ]);
  });

  test('GSP-070 a link that pushed no copy is not pruned', () => {
    const node = bench(5, { stakes: new Map([[alice.peer, 100n]]) });
    bring(node, 20, [1, 2, 3]);
    node.advance(1000);
    expect(node.frames('prune').map(({ link }) => link)).toEqual([3]);
  });

  test('GSP-071 counts start anew after a Prune', () => {
    const node = bench(3, { stakes: new Map([[alice.peer, 100n]]) });
    bring(node, 20, [1, 2, 3]);
    node.advance(2000);
    bring(node, 19, [1, 2, 3]);
    node.advance(2000);
    expect(node.frames('prune')).toHaveLength(1);
    bring(node, 1, [1, 2, 3]);
    node.advance(2000);
    expect(node.frames('prune')).toHaveLength(2);
  });

  test('GSP-072 the stake that has to be kept keeps a third link', () => {
    const stakes = new Map([
      [alice.peer, 1000n],
      [identity('node').peer, 1000n],
      [identity('peer-3').peer, 150n],
    ]);
    const node = bench(4, { stakes });
    bring(node, 20, [1, 2, 3, 4]);
    node.advance(1000);
    expect(node.frames('prune').map(({ link }) => link)).toEqual([4]);
  });

  test('GSP-073 late and repeated copies take no credit', () => {
    const node = bench(3, { stakes: new Map([[alice.peer, 100n]]) });
    bring(node, 10, [3, 1, 2, 2, 2]);
    bring(node, 8, [1, 3, 2]);
    bring(node, 2, [2, 3, 1, 1]);
    node.advance(1000);
    // Credits: link 1 has 18, link 2 has 2, link 3 has 20.
    expect(node.frames('prune').map(({ link }) => link)).toEqual([2]);
  });

  test('GSP-074 the origin itself is not pruned, whether it has stake or not', () => {
    const staked = bench(3, { stakes: new Map([[alice.peer, 100n]]) });
    staked.up(4, 'alice');
    bring(staked, 20, [1, 2, 3, 4]);
    staked.advance(1000);
    expect(staked.frames('prune').map(({ link }) => link)).toEqual([3]);

    const poor = bench(3);
    poor.up(4, 'alice');
    bring(poor, 20, [1, 2, 3, 4]);
    poor.advance(1000);
    expect(poor.frames('prune').map(({ link, origins }) => [link, origins])).toEqual([[3, [UNSTAKED_ORIGINS]]]);
  });

  test('origins without stake are counted together', () => {
    const node = bench(3);
    for (let index = 0; index < 20; index++) bring(node, 1, [1, 2, 3], identity(`poor-${index}`));
    node.advance(1000);
    expect(node.frames('prune')).toMatchObject([{ link: 3, origins: [UNSTAKED_ORIGINS] }]);
  });

  test('GSP-075 a pruned link whose answer to an Iwant came first is grafted', () => {
    const node = bench(3, { stakes: new Map([[alice.peer, 100n]]) });
    bring(node, 20, [1, 2, 3]);
    node.advance(1000);
    const missed = message(alice, { atMs: node.nowMs });
    node.ihave(3, missed.id);
    node.advance(500);
    expect(node.askedOn(missed.id)).toHaveLength(1);
    node.push(3, missed);
    expect(node.frames('graft').map(({ link, origins }) => [link, origins])).toEqual([[3, [alice.peer]]]);
    const next = message(alice, { atMs: node.nowMs });
    node.ihave(3, next.id);
    node.advance(500);
    node.push(3, next);
    expect(node.frames('graft')).toHaveLength(1);
  });

  test('GSP-075 no Graft when the message came by itself, or first from elsewhere, or after the Prune was over', () => {
    const node = bench(3, { stakes: new Map([[alice.peer, 100n]]) });
    bring(node, 20, [1, 2, 3]);
    node.advance(1000);
    bring(node, 1, [3]);
    const late = message(alice, { atMs: node.nowMs });
    node.ihave(3, late.id);
    node.advance(500);
    node.push(1, late);
    node.push(3, late);
    expect(node.frames('graft')).toEqual([]);
    node.advance(60_000);
    const after = message(alice, { atMs: node.nowMs });
    node.ihave(3, after.id);
    node.advance(500);
    node.push(3, after);
    expect(node.frames('graft')).toEqual([]);
  });

  test('GSP-076 a Prune names at most 32 origins', () => {
    const origins = Array.from({ length: 40 }, (_, index) => identity(`staked-${index}`));
    const stakes = new Map(origins.map(({ peer }) => [peer, 1n]));
    const node = bench(3, { stakes, overrides: { 'gossip.prune_after': '1' } });
    for (const origin of origins) bring(node, 1, [1, 2, 3], origin);
    node.advance(1000);
    expect(node.frames('prune').map(({ link, origins: named }) => [link, named.length])).toEqual([
      [3, 32],
      [3, 8],
    ]);
  });

  test('a link that went away is neither counted nor pruned', () => {
    const node = bench(4, { stakes: new Map([[alice.peer, 100n]]) });
    bring(node, 20, [1, 2, 3, 4]);
    node.down(1);
    node.advance(1000);
    // Links 3 and 4 have no credits: the larger PeerId loses.
    const loser = identity('peer-3').peer > identity('peer-4').peer ? 3 : 4;
    expect(node.frames('prune').map(({ link }) => link)).toEqual([loser]);
  });
});

describe('bounds', () => {
  test('GSP-077 counts are held for the most recent origins and links', () => {
    const params = testParams('conformance', { 'gossip.prune_origins_tracked_max': '3', 'gossip.prune_links_tracked_max': '2' });
    const counts = new OriginCounts(params);
    const key = (index: number) => String(index).padStart(64, '0') as PeerId;
    const id = (index: number) => String(index).padStart(64, 'f') as MessageId;
    for (let origin = 0; origin < 10; origin++) {
      counts.addMessage(key(origin), key(origin), id(origin), [1, 2, 3] as LinkId[]);
      counts.addCopy(key(origin), id(origin), 4 as LinkId);
    }
    expect(counts.size).toBe(3);
    expect(counts.largest).toEqual({ links: 2, messages: 1 });
    counts.addCopy(key(0), id(0), 4 as LinkId);
    expect(counts.size).toBe(3);
  });

  test('a table of Prunes drops what ends soonest', () => {
    const table = new PruneTable(2);
    const [a, b, c] = ['a', 'b', 'c'] as PeerId[];
    table.set(a as PeerId, 100, 0);
    table.set(b as PeerId, 50, 0);
    table.set(c as PeerId, 70, 0);
    expect([a, b, c].map((origin) => table.lasts(origin as PeerId, 10))).toEqual([true, false, true]);
    table.expire(70);
    expect(table.size).toBe(1);
  });
});
