import { describe, expect, test } from 'vitest';
import type { MessageId } from '../types.ts';
import { activeSize } from './active-set.ts';
import { Bench, type BenchOptions, identity, message } from './gossip.fixture.ts';

const alice = identity('alice');

function bench(links: number, options: BenchOptions = {}): Bench {
  const node = new Bench(options);
  for (let link = 1; link <= links; link++) node.up(link);
  return node;
}

/** Links that are active now, by the machine's own word. */
function active(node: Bench): readonly number[] {
  return node
    .view()
    .links.filter(({ isActive }) => isActive)
    .map(({ link }) => link);
}

describe('active links', () => {
  test('GSP-030 the size is exact over all of 64 bits', () => {
    const expected: readonly (readonly [bigint, number])[] = [
      [0n, 6],
      [1n, 6],
      [2n, 6],
      [3n, 7],
      [7n, 7],
      [8n, 8],
      [20n, 8],
      [21n, 9],
      [100n, 10],
      [1000n, 12],
      [22026n, 15],
      [22027n, 16],
      // floor(e^40) = 235385266837019985, beyond what a double can tell apart.
      [235385266837019985n, 45],
      [235385266837019986n, 46],
      [2n ** 64n - 1n, 50],
    ];
    for (const [size, links] of expected) expect(activeSize(size, 6), String(size)).toBe(links);
    expect(activeSize(3n, 64)).toBe(64);
  });

  test('GSP-031 all links are active up to the active size, then as many as that', () => {
    const node = bench(10);
    expect(active(node)).toHaveLength(10);
    node.up(11);
    expect(active(node)).toHaveLength(10);
    const gone = active(node)[0] ?? 0;
    node.down(gone);
    expect(active(node)).toHaveLength(10);
    expect(active(node)).not.toContain(gone);
  });

  test('GSP-032 one active link is replaced in each rotation, and none when there is nothing to replace it by', () => {
    const node = bench(12);
    for (let rotation = 0; rotation < 5; rotation++) {
      const before = active(node);
      node.advance(10_000);
      const after = active(node);
      expect(after).toHaveLength(10);
      expect(after.filter((link) => !before.includes(link))).toHaveLength(1);
    }
    const few = bench(10);
    few.advance(30_000);
    expect(active(few)).toHaveLength(10);
  });
});

describe('pushing', () => {
  test('GSP-040, GSP-043 an accepted message goes at once, with one hop more, to all active links but the sender', () => {
    const node = bench(3);
    const good = message(alice);
    node.pushHops(1, 4, good);
    expect(node.frames('push').map(({ link, items, atMs }) => [link, items[0]?.hops, atMs])).toEqual([
      [2, 5, 0],
      [3, 5, 0],
    ]);
    node.push(2, good);
    node.push(3, good);
    expect(node.frames('push')).toHaveLength(2);
  });

  test('IDN-042 what goes on is what came, in a Push as in an answer', () => {
    const node = bench(2);
    const good = message(alice, { size: 3000 });
    node.push(1, good);
    node.iwant(2, good.id);
    expect(node.frames('push').flatMap(({ items }) => items.map(({ hash }) => hash))).toEqual([good.hash, good.hash]);
  });

  test('GSP-002, GSP-003, GSP-004, GSP-043 own messages have hops 0, the wall clock and different ids', () => {
    const node = bench(1);
    node.publish();
    node.publish();
    const items = node.frames('push').flatMap((push) => push.items);
    expect(items.map(({ hops }) => hops)).toEqual([0, 0]);
    expect(new Set(items.map(({ id }) => id)).size).toBe(2);
    expect(node.delivered()).toEqual([]);
    const other = bench(1);
    other.publish();
    const restarted = bench(1, { seed: 'another' });
    restarted.publish();
    // The same key, clock and data: only the sequence can tell a restarted node's message apart.
    expect(restarted.frames('push')[0]?.items[0]?.id).not.toBe(other.frames('push')[0]?.items[0]?.id);
  });

  test('publishing what no node would take is refused without a frame', () => {
    const node = bench(1);
    node.publish(Uint8Array.of(1), 'vote');
    node.publish(new Uint8Array(32_768));
    node.publish(new Uint8Array(32_700));
    expect(node.of('publishRefused').map(({ code }) => code)).toEqual(['E_TOPIC', 'E_SIZE', 'E_SIZE']);
    expect(node.sent).toEqual([]);
    node.publish(new Uint8Array(32_500));
    expect(node.frames('push')).toHaveLength(1);
  });

  test('GSP-041 no push on a link that announced the message or named it in an Idontwant', () => {
    const node = bench(4);
    const good = message(alice);
    node.ihave(2, good.id);
    node.idontwant(3, good.id);
    node.push(1, good);
    expect(node.pushedOn(good.id)).toEqual([4]);
    node.advance(2000);
    expect(node.announcedOn(good.id)).toEqual([]);
  });

  test('GSP-041 a link that pushed a copy which was ignored has the message', () => {
    const node = bench(3);
    const early = message(alice, { atMs: 600 });
    const tired = message(alice);
    node.push(2, early);
    node.pushHops(2, 40, tired);
    node.advance(200);
    node.push(1, early);
    node.push(1, tired);
    expect(node.pushedOn(early.id)).toEqual([3]);
    expect(node.pushedOn(tired.id)).toEqual([3]);
  });

  test('GSP-042 a message is pushed on no more links than the active size, and announced on the rest', () => {
    const node = bench(25);
    const good = message(alice);
    node.push(1, good);
    const pushed = node.pushedOn(good.id);
    expect(pushed.length).toBeLessThanOrEqual(10);
    expect(pushed.length).toBeGreaterThanOrEqual(9);
    node.advance(2000);
    const announced = node.announcedOn(good.id);
    expect([...pushed, ...announced, 1].sort((a, b) => a - b)).toEqual(Array.from({ length: 25 }, (_, index) => index + 1));
  });

  test('GSP-044, GSP-046 with all hops used a message is announced, not pushed, and can be had', () => {
    const node = bench(3);
    const far = message(alice);
    node.pushHops(1, 32, far);
    expect(node.delivered()).toEqual([far.id]);
    expect(node.pushedOn(far.id)).toEqual([]);
    node.advance(1000);
    expect(node.announcedOn(far.id)).toEqual([2, 3]);
    node.iwant(2, far.id);
    expect(node.frames('push')).toMatchObject([{ link: 2, items: [{ hops: 32 }] }]);
    const near = message(alice, { atMs: 1000 });
    node.pushHops(1, 31, near);
    expect(node.pushedOn(near.id)).toEqual([2, 3]);
  });

  test('GSP-045 what one input spreads leaves in one Push per link and topic, of at most 64 items and one frame', () => {
    const node = bench(2);
    const small = Array.from({ length: 20 }, () => message(alice, { topic: 'app/a' }));
    node.push(1, ...small);
    expect(node.frames('push').map(({ link, items }) => [link, items.length])).toEqual([[2, 20]]);
    node.clear();
    const large = [0, 1, 2].map((index) => message(identity(`large-${index}`), { size: 30_000 }));
    node.push(1, ...large.slice(0, 2));
    node.advance(1000);
    node.clear();
    node.up(3, 'peer-3');
    node.iwant(3, ...large.map(({ id }) => id), ...small.map(({ id }) => id));
    const pushes = node.frames('push', 3);
    expect(pushes.map(({ topic }) => topic).sort()).toEqual(['app/a', 'app/test']);
    for (const push of pushes) expect(push.size).toBeLessThanOrEqual(65_514);
  });

  test('GSP-045 answers of more than one frame are divided', () => {
    const node = bench(2);
    const ids: MessageId[] = [];
    for (let index = 0; index < 78; index++) {
      const good = message(identity(`origin-${index}`), { size: index < 4 ? 30_000 : 10 });
      ids.push(good.id);
      node.push(1, good);
    }
    node.clear();
    node.iwant(2, ...ids);
    const pushes = node.frames('push', 2);
    expect(pushes.flatMap(({ items }) => items.map(({ id }) => id))).toEqual(ids);
    for (const push of pushes) {
      expect(push.items.length).toBeLessThanOrEqual(64);
      expect(push.size).toBeLessThanOrEqual(65_514);
    }
  });

  test('GSP-069 a large envelope is named in an Idontwant before it is pushed, a small one is not', () => {
    const node = bench(3);
    node.push(1, message(alice, { size: 10 }));
    expect(node.frames('idontwant')).toEqual([]);
    const large = message(alice, { size: 2000 });
    node.clear();
    node.push(1, large);
    expect(node.sent.map(({ type, link }) => [type, link])).toEqual([
      ['idontwant', 2],
      ['push', 2],
      ['idontwant', 3],
      ['push', 3],
    ]);
    node.publish(new Uint8Array(2000));
    expect(node.frames('idontwant')).toHaveLength(2);
  });
});

describe('announcing', () => {
  test('GSP-050, GSP-051 each message is announced once, at the next heartbeat, on links that lack it', () => {
    const node = bench(3);
    const good = message(alice);
    node.prune(2, 60_000, '0'.repeat(64) as typeof alice.peer);
    node.push(1, good);
    expect(node.pushedOn(good.id)).toEqual([3]);
    node.advance(1000);
    expect(node.announcedOn(good.id)).toEqual([2]);
    node.advance(10_000);
    expect(node.announcedOn(good.id)).toEqual([2]);
    expect(node.view()).toMatchObject({ settled: 0, waitingAnnouncements: 0 });
  });

  test('GSP-050 own messages are announced too', () => {
    const node = bench(12);
    node.publish();
    node.advance(2000);
    expect(node.frames('push')).toHaveLength(10);
    expect(node.frames('ihave')).toHaveLength(2);
  });

  test('announcements of one heartbeat share frames by topic', () => {
    const node = bench(2);
    const a = [1, 2, 3].map(() => message(alice, { topic: 'app/a' }));
    const b = message(alice, { topic: 'app/b' });
    for (const each of [...a, b]) node.pushHops(1, 32, each);
    node.advance(1000);
    expect(node.frames('ihave').map(({ topic, ids }) => [topic, ids.length])).toEqual([
      ['app/a', 3],
      ['app/b', 1],
    ]);
  });

  test('more messages than a receiver takes in a window are announced over two heartbeats', () => {
    const node = bench(2, { overrides: { 'gossip.ihave_ids_per_heartbeat': '20' } });
    const ids: MessageId[] = [];
    for (let index = 0; index < 30; index++) {
      const good = message(identity(`many-${index}`));
      ids.push(good.id);
      node.pushHops(1, 32, good);
    }
    node.advance(2000);
    expect(node.frames('ihave').map((frame) => frame.ids.length)).toEqual([10, 20]);
    expect(node.frames('ihave').flatMap((frame) => frame.ids)).toEqual(ids);
  });
});

describe('received Prunes', () => {
  const stakes = new Map([[alice.peer, 10n]]);
  const zero = '0'.repeat(64) as typeof alice.peer;

  test('GSP-060, GSP-061 an origin is not pushed until exactly the backoff has passed', () => {
    const node = bench(2, { stakes });
    node.prune(2, 5000, alice.peer);
    node.advance(4999);
    const during = message(alice, { atMs: node.nowMs });
    node.push(1, during);
    expect(node.pushedOn(during.id)).toEqual([]);
    node.advance(1);
    const after = message(alice, { atMs: node.nowMs });
    node.push(1, after);
    expect(node.pushedOn(after.id)).toEqual([2]);
    node.advance(1000);
    expect(node.announcedOn(during.id)).toEqual([2]);
  });

  test('GSP-060 a shorter Prune does not shorten one that lasts, and backoff 0 is over at once', () => {
    const node = bench(2, { stakes });
    node.prune(2, 5000, alice.peer);
    node.prune(2, 10, alice.peer);
    node.advance(100);
    const during = message(alice);
    node.push(1, during);
    expect(node.pushedOn(during.id)).toEqual([]);
    const other = bench(2, { stakes });
    other.prune(2, 0, alice.peer);
    other.push(1, during);
    expect(other.pushedOn(during.id)).toEqual([2]);
  });

  test('GSP-062 a longer backoff counts as an hour', () => {
    const node = bench(2, { stakes });
    node.prune(2, 2n ** 64n - 1n, alice.peer);
    node.advance(3_599_999);
    const during = message(alice, { atMs: node.nowMs });
    node.push(1, during);
    expect(node.pushedOn(during.id)).toEqual([]);
    node.advance(1);
    const after = message(alice, { atMs: node.nowMs });
    node.push(1, after);
    expect(node.pushedOn(after.id)).toEqual([2]);
  });

  test('GSP-065 an unstaked origin cannot be named; zero bytes name them all and nobody else', () => {
    const bob = identity('bob');
    const node = bench(2, { stakes });
    node.prune(2, 5000, bob.peer);
    const first = message(bob);
    node.push(1, first);
    expect(node.pushedOn(first.id)).toEqual([2]);
    node.prune(2, 5000, zero);
    const second = message(bob);
    const staked = message(alice);
    node.push(1, second, staked);
    expect(node.pushedOn(second.id)).toEqual([]);
    expect(node.pushedOn(staked.id)).toEqual([2]);
  });

  test('GSP-066, GSP-067 a Graft ends the Prune of its origins only', () => {
    const node = bench(2, { stakes });
    node.graft(2, alice.peer);
    node.prune(2, 5000, alice.peer, zero);
    node.graft(2, alice.peer);
    const staked = message(alice);
    const poor = message(identity('bob'));
    node.push(1, staked, poor);
    expect(node.pushedOn(staked.id)).toEqual([2]);
    expect(node.pushedOn(poor.id)).toEqual([]);
  });

  test('GSP-064 own messages are pushed whatever was pruned', () => {
    const node = bench(1);
    node.prune(1, 5000, zero, identity('node').peer);
    node.publish();
    expect(node.frames('push')).toHaveLength(1);
    const staked = bench(1, { stakes: new Map([[identity('node').peer, 3n]]) });
    staked.prune(1, 5000, identity('node').peer);
    staked.publish();
    expect(staked.frames('push')).toHaveLength(1);
  });
});

describe('peers without gossip', () => {
  test('GSP-101, GSP-102, GSP-103 the bridge passes messages both ways, each once', () => {
    const node = bench(2);
    node.up(3, 'peer-3', { capability: 'direct/1' });
    node.up(4, 'peer-4', { capability: 'direct/1' });
    const fromGossip = message(alice);
    node.push(1, fromGossip);
    expect(node.pushedOn(fromGossip.id)).toEqual([2]);
    expect(node.directOn(fromGossip.id)).toEqual([3, 4]);
    node.direct(3, fromGossip);
    node.push(2, fromGossip);
    expect(node.directOn(fromGossip.id)).toEqual([3, 4]);

    const fromDirect = message(identity('bob'));
    node.direct(3, fromDirect);
    node.direct(4, fromDirect);
    expect(node.frames('push').filter(({ items }) => items[0]?.id === fromDirect.id)).toMatchObject([
      { link: 1, items: [{ hops: 1 }] },
      { link: 2, items: [{ hops: 1 }] },
    ]);
    expect(node.directOn(fromDirect.id)).toEqual([4]);
    node.advance(5000);
    expect(node.announcedOn(fromDirect.id)).toEqual([]);
    expect(node.sent.filter(({ link, type }) => link >= 3 && type !== 'direct')).toEqual([]);
  });

  test('GSP-101 hops do not keep a message from direct links, and many messages share a Direct', () => {
    const node = bench(1);
    node.up(2, 'peer-2', { capability: 'direct/1' });
    const far = [message(alice), message(alice)];
    node.pushHops(1, 32, ...far);
    expect(node.frames('direct')).toMatchObject([{ link: 2, ids: far.map(({ id }) => id) }]);
  });

  test('GSP-101 a node without gossip serves direct links alone', () => {
    const node = new Bench({ overrides: { 'gossip.mode': 'off' } });
    for (const link of [1, 2, 3]) node.up(link, `peer-${link}`, { capability: 'direct/1' });
    const good = message(alice);
    node.direct(1, good);
    node.publish();
    expect(node.directOn(good.id)).toEqual([2, 3]);
    expect(node.frames('direct').map(({ link }) => link)).toEqual([2, 3, 1, 2, 3]);
    node.advance(5000);
    expect(node.sent.every(({ type }) => type === 'direct')).toBe(true);
  });

  test('GSP-104 nothing is sent on a session that has neither capability', () => {
    const node = bench(1);
    node.up(2, 'peer-2', { capability: 'other/1' });
    node.push(1, message(alice));
    node.publish();
    node.advance(5000);
    expect(node.sent.filter(({ link }) => link === 2)).toEqual([]);
  });

  test('GSP-102 a direct link that sent a copy before it was accepted gets none', () => {
    const node = bench(1, { validation: true });
    node.up(2, 'peer-2', { capability: 'direct/1' });
    const good = message(alice);
    node.push(1, good);
    node.direct(2, good);
    node.validated(1, 'accept');
    expect(node.directOn(good.id)).toEqual([]);
  });
});
