import { describe, expect, test } from 'vitest';
import type { MessageId } from '../types.ts';
import { Bench, type BenchOptions, identity, message } from './gossip.fixture.ts';

const alice = identity('alice');

function bench(links: number, options: BenchOptions = {}): Bench {
  const node = new Bench(options);
  for (let link = 1; link <= links; link++) node.up(link);
  return node;
}

/** Ids that belong to no message. */
function strangers(count: number, start = 0): readonly MessageId[] {
  return Array.from({ length: count }, (_, index) => (start + index).toString(16).padStart(64, 'a') as MessageId);
}

describe('asking', () => {
  test('GSP-055 an announced message that does not come is asked for after the waiting time', () => {
    const node = bench(1);
    const [id = '' as MessageId] = strangers(1);
    node.ihave(1, id);
    node.advance(499);
    expect(node.askedOn(id)).toEqual([]);
    node.advance(1);
    expect(node.askedOn(id)).toEqual([[1, 500]]);
  });

  test('GSP-056 what came in time is not asked for, nor what was accepted, nor own messages', () => {
    const node = bench(2);
    const good = message(alice);
    node.ihave(1, good.id);
    node.push(2, good);
    node.ihave(1, good.id);
    node.publish();
    const own = node.frames('push', 1).at(-1)?.items[0]?.id ?? good.id;
    node.ihave(2, own);
    node.advance(10_000);
    expect(node.frames('iwant')).toEqual([]);
    expect(node.view()).toMatchObject({ wanted: 0, promises: 0 });
  });

  test('GSP-057, GSP-058 one Iwant at a time, the next announcer when it ran out, each once', () => {
    const node = bench(3);
    const [id = '' as MessageId] = strangers(1);
    node.ihave(2, id);
    node.ihave(1, id);
    node.advance(2000);
    node.ihave(3, id);
    node.advance(20_000);
    expect(node.askedOn(id)).toEqual([
      [2, 500],
      [1, 3500],
      [3, 6500],
    ]);
    expect(node.view()).toMatchObject({ wanted: 0, promises: 0 });
  });

  test('GSP-057, GSP-058 the end of the asked session brings the next announcer, not before the Iwant is old', () => {
    const node = bench(2);
    const [id = '' as MessageId] = strangers(1);
    node.ihave(1, id);
    node.ihave(2, id);
    node.advance(600);
    node.down(1);
    node.advance(20_000);
    expect(node.askedOn(id)).toEqual([
      [1, 500],
      [2, 3500],
    ]);
  });

  test('GSP-058 no more announcers are remembered than gossip.sources_max', () => {
    const node = bench(5, { overrides: { 'gossip.sources_max': '2' } });
    const [id = '' as MessageId] = strangers(1);
    for (let link = 1; link <= 5; link++) node.ihave(link, id);
    node.advance(60_000);
    expect(node.askedOn(id).map(([link]) => link)).toEqual([1, 2]);
  });

  test('GSP-055 an announcer that went away is not asked, and nothing is left of its announcement', () => {
    const node = bench(2);
    const [id = '' as MessageId] = strangers(1);
    node.ihave(1, id);
    node.down(1);
    expect(node.view().wanted).toBe(0);
    node.advance(10_000);
    expect(node.frames('iwant')).toEqual([]);
  });

  test('GSP-055 a message that the application is thinking about is asked for when it was ignored', () => {
    const node = bench(3, { validation: true });
    const slow = message(alice);
    node.push(1, slow);
    node.ihave(2, slow.id);
    node.advance(4999);
    expect(node.askedOn(slow.id)).toEqual([]);
    node.advance(1);
    expect(node.askedOn(slow.id)).toEqual([[2, 5000]]);
  });

  test('many ids share an Iwant, and more than a peer takes in a window wait for the next', () => {
    const node = bench(2, { overrides: { 'gossip.iwant_ids_per_heartbeat': '100', 'gossip.ihave_ids_per_heartbeat': '200' } });
    node.ihave(1, ...strangers(150));
    node.advance(1500);
    expect(node.frames('iwant').map(({ atMs, ids }) => [atMs, ids.length])).toEqual([
      [500, 100],
      [1500, 50],
    ]);
  });
});

describe('what is heard', () => {
  test('GSP-059 ids beyond the window are ignored, and a new window starts when it has ended', () => {
    const node = bench(1);
    node.ihave(1, ...strangers(60));
    node.advance(999);
    node.ihave(1, ...strangers(60, 60));
    expect(node.view().wanted).toBe(100);
    node.advance(1);
    node.ihave(1, ...strangers(60, 200));
    node.advance(500);
    expect(node.frames('iwant').flatMap(({ ids }) => ids)).toHaveLength(160);
  });

  test('GSP-059 frames beyond the window are ignored', () => {
    const node = bench(1);
    for (let frame = 0; frame < 12; frame++) node.ihave(1, ...strangers(1, frame));
    node.advance(500);
    expect(node.frames('iwant').flatMap(({ ids }) => ids)).toHaveLength(10);
  });

  test('GSP-059 an ignored id leaves no mark', () => {
    const node = bench(2);
    const good = message(alice);
    node.ihave(2, ...strangers(100), good.id);
    node.push(1, good);
    expect(node.pushedOn(good.id)).toEqual([2]);
  });

  test('GSP-078 a link has no more waiting ids than gossip.wanted_per_link_max', () => {
    const node = bench(2, { overrides: { 'gossip.wanted_per_link_max': '100', 'gossip.ihave_wait_ms': '20000' } });
    for (let round = 0; round < 3; round++) {
      node.ihave(1, ...strangers(100, 100 * round));
      node.advance(1000);
    }
    expect(node.view().links.map(({ wanted }) => wanted)).toEqual([100, 0]);
    node.ihave(2, ...strangers(10, 1000));
    expect(node.view().wanted).toBe(110);
  });

  test('GSP-068 ids of Idontwants beyond the window are ignored', () => {
    const node = bench(2);
    const first = message(alice);
    const second = message(alice);
    node.idontwant(2, first.id, ...strangers(63));
    node.idontwant(2, second.id);
    node.push(1, first, second);
    expect(node.pushedOn(first.id)).toEqual([]);
    expect(node.pushedOn(second.id)).toEqual([2]);
  });

  test('an announcement on a topic that is not served is not followed', () => {
    const node = bench(1);
    node.frame(1, 40, Uint8Array.of(0x0a, 4, 0x76, 0x6f, 0x74, 0x65, 0x12, 32, ...new Uint8Array(32).fill(7)));
    node.advance(5000);
    expect(node.sent).toEqual([]);
    expect(node.effects).toEqual([]);
  });
});

describe('answering', () => {
  test('GSP-052 messages can be asked for up to the last millisecond of their time', () => {
    const node = bench(2);
    const good = message(alice);
    node.push(1, good);
    node.clear();
    node.advance(30_000);
    node.iwant(2, good.id);
    expect(node.pushedOn(good.id)).toEqual([2]);
    node.advance(1);
    node.iwant(2, good.id);
    expect(node.pushedOn(good.id)).toEqual([2]);
  });

  test('GSP-052 only the last bytes of messages can be asked for', () => {
    const node = bench(2, { overrides: { 'gossip.message_cache_bytes_max': '65536' } });
    const messages = [0, 1, 2].map((index) => message(identity(`cache-${index}`), { size: 30_000 }));
    for (const each of messages) node.push(1, each);
    node.clear();
    node.iwant(2, ...messages.map(({ id }) => id));
    expect(node.frames('push').flatMap(({ items }) => items.map(({ id }) => id))).toEqual(messages.slice(1).map(({ id }) => id));
    expect(node.view().cachedBytes).toBeLessThanOrEqual(65_536);
  });

  test('GSP-053 a message is sent no more than gossip.iwant_sends_max times on one link', () => {
    const node = bench(3);
    const good = message(alice);
    node.push(1, good);
    node.clear();
    for (let time = 0; time < 5; time++) node.iwant(2, good.id, good.id);
    node.iwant(3, good.id);
    expect(node.pushedOn(good.id)).toEqual([2, 2, 2, 3]);
  });

  test('GSP-054 ids beyond the window are ignored', () => {
    const node = bench(2);
    const good = message(alice);
    node.push(1, good);
    node.clear();
    node.iwant(2, ...strangers(100), good.id);
    expect(node.pushedOn(good.id)).toEqual([]);
    node.advance(1000);
    node.iwant(2, ...strangers(99), good.id);
    expect(node.pushedOn(good.id)).toEqual([2]);
  });
});

describe('promises', () => {
  test('GSP-095 each id that was not pushed in time counts, whoever else brought it', () => {
    const node = bench(2);
    const messages = [0, 1, 2].map(() => message(alice));
    node.ihave(1, ...messages.map(({ id }) => id));
    node.advance(500);
    const [kept, lost, elsewhere] = messages;
    if (kept === undefined || lost === undefined || elsewhere === undefined) throw new Error('three messages');
    node.push(2, elsewhere);
    node.advance(2999);
    node.push(1, kept);
    expect(node.machine.scoreOf(identity('peer-1').peer)).toBeCloseTo(0.1, 5);
    node.advance(6000);
    // Two broken promises cost nothing yet; nine cost (9 − 6)².
    expect(node.view().promises).toBe(0);
    expect(node.machine.scoreOf(identity('peer-1').peer)).toBeGreaterThanOrEqual(0);
    node.ihave(1, ...strangers(8));
    node.advance(3500);
    const score = node.machine.scoreOf(identity('peer-1').peer);
    expect(score).toBeLessThan(-6);
    expect(score).toBeGreaterThan(-16);
  });

  test('GSP-095 a promise outlives the session in which it was made', () => {
    const node = bench(1);
    node.ihave(1, ...strangers(20));
    node.advance(500);
    node.down(1);
    node.advance(3000);
    expect(node.machine.scoreOf(identity('peer-1').peer)).toBeLessThan(-100);
  });

  test('GSP-095 a late answer is taken all the same', () => {
    const node = bench(1);
    const good = message(alice);
    node.ihave(1, good.id);
    node.advance(4000);
    node.push(1, good);
    expect(node.delivered()).toEqual([good.id]);
  });
});
