import { describe, expect, test } from 'vitest';
import { encodeUtf8 } from '../bytes.ts';
import { createRng, type Rng } from '../rng.ts';
import type { LinkId, MessageId, PeerId } from '../types.ts';
import { Bench, identity, message, spoil, type TestMessage, testParams } from './gossip.fixture.ts';

const KINDS = [32, 36, 38, 40, 42, 44, 48, 2, 33];
const OVERRIDES = {
  'gossip.seen_ttl_ms': '61000',
  'gossip.origin_per_s': '4',
  'gossip.seen_origin_capacity': '252',
  'gossip.unstaked_per_s': '8',
  'gossip.seen_unstaked_capacity': '504',
  'gossip.rejected_capacity': '10',
  'gossip.message_cache_bytes_max': '65536',
  'gossip.pending_max': '3',
  'gossip.ihave_ids_per_heartbeat': '20',
  'gossip.wanted_per_link_max': '25',
  'gossip.sources_max': '2',
  'gossip.prune_after': '2',
  'gossip.prune_origins_tracked_max': '3',
  'gossip.prune_links_tracked_max': '2',
  'score.retained_max': '3',
  'session.sessions_max': '12',
};

const STAKED = [0, 1, 2, 3, 4].map((index) => identity(`staked-${index}`));
const POOR = Array.from({ length: 12 }, (_, index) => identity(`poor-${index}`));

/** Holds every figure of the state view to the parameter that bounds it. */
function checkBounds(node: Bench): void {
  const params = testParams('conformance', OVERRIDES);
  const view = node.view();
  const links = view.links.length;
  expect(view.links.filter(({ isActive }) => isActive).length).toBe(
    Math.min(view.activeSize, view.links.filter(({ kind, score }) => kind === 'gossip' && score >= -20).length),
  );
  const bounds: readonly (readonly [string, number, number])[] = [
    ['seen', view.seen, 5 * params['gossip.seen_origin_capacity'] + params['gossip.seen_unstaked_capacity']],
    ['rejected', view.rejected, params['gossip.rejected_capacity']],
    ['cachedBytes', view.cachedBytes, params['gossip.message_cache_bytes_max']],
    ['pending', view.pending, params['gossip.pending_max']],
    ['wanted', view.wanted, params['session.sessions_max'] * params['gossip.wanted_per_link_max']],
    ['countedOrigins', view.countedOrigins, params['gossip.prune_origins_tracked_max']],
    ['countedLinks', view.countedLinks, params['gossip.prune_links_tracked_max']],
    ['scoredPeers', view.scoredPeers, links + params['score.retained_max']],
    ['retainedPeers', view.retainedPeers, params['score.retained_max']],
    ['floodBuckets', view.floodBuckets, STAKED.length + 4 * params['gossip.unstaked_per_s'] + 1],
    ['settled', view.settled, view.waitingAnnouncements],
    ['knownPerLink', view.knownPerLink, 8192],
  ];
  for (const [name, found, bound] of bounds) expect(found, name).toBeLessThanOrEqual(bound);
  for (const link of view.links) {
    expect(link.wanted).toBeLessThanOrEqual(params['gossip.wanted_per_link_max']);
    expect(link.score).toBeGreaterThanOrEqual(-100);
  }
}

/** Random ids, some of which name messages that exist. */
function someIds(rng: Rng, pool: readonly TestMessage[], countMax: number): readonly MessageId[] {
  return Array.from({ length: 1 + rng.below(countMax) }, () => {
    const known = rng.below(2) === 0 ? rng.pick(pool)?.id : undefined;
    return known ?? (rng.below(1000).toString(16).padStart(64, 'e') as MessageId);
  });
}

function someOrigins(rng: Rng): readonly PeerId[] {
  const all = [...STAKED, ...POOR, identity('node')].map(({ peer }) => peer);
  return Array.from({ length: rng.below(34) }, () => (rng.below(4) === 0 ? ('0'.repeat(64) as PeerId) : (rng.pick(all) ?? all[0]))).filter(
    (origin) => origin !== undefined,
  );
}

function step(rng: Rng, node: Bench, pool: TestMessage[], openLinks: Set<number>, nextLink: () => number): void {
  const link = rng.pick([...openLinks]) ?? 0;
  const roll = rng.below(20);
  if (roll === 0 || openLinks.size < 3) {
    if (openLinks.size >= 12) return;
    const fresh = nextLink();
    openLinks.add(fresh);
    const capability = rng.pick(['gossip/1', 'gossip/1', 'gossip/1', 'direct/1', 'other/1']) ?? 'gossip/1';
    node.up(fresh, `random-${rng.below(10)}`, { capability, address: `10.0.0.${rng.below(2)}` });
  } else if (roll === 1) {
    openLinks.delete(link);
    node.input({ type: 'sessionDown', link: link as LinkId, peer: POOR[0]?.peer ?? ('' as PeerId) });
  } else if (roll === 2) {
    node.advance(rng.below(2500));
  } else if (roll === 3) {
    node.frame(link, rng.pick(KINDS) ?? 32, rng.bytes(rng.below(80)));
  } else if (roll === 4) {
    node.publish(rng.bytes(rng.below(3000)));
  } else if (roll === 5) {
    // Mostly a token that waits, at times one that does not.
    const asked = node.of('validate').slice(-4);
    node.validated(
      (rng.pick(asked)?.token ?? 0) + (rng.below(8) === 0 ? 7 : 0),
      rng.pick(['accept', 'accept', 'ignore', 'reject'] as const) ?? 'accept',
    );
  } else if (roll === 6) {
    node.ihave(link, ...someIds(rng, pool, 30));
  } else if (roll === 7) {
    node.iwant(link, ...someIds(rng, pool, 30));
  } else if (roll === 8) {
    node.idontwant(link, ...someIds(rng, pool, 30));
  } else if (roll === 9) {
    node.prune(link, rng.below(5000), ...someOrigins(rng));
  } else if (roll === 10) {
    node.graft(link, ...someOrigins(rng));
  } else if (roll === 11) {
    node.input({ type: 'overrun', link: link as LinkId, peer: identity(`random-${rng.below(10)}`).peer });
  } else {
    const origin = rng.pick([...STAKED, ...POOR]) ?? identity('alice');
    const old = rng.pick(pool);
    const fresh =
      old === undefined || rng.below(2) === 0
        ? message(origin, { atMs: node.nowMs, size: rng.below(2000), sequence: BigInt(pool.length) })
        : old;
    if (fresh !== old) pool.push(fresh);
    const sent = rng.below(8) === 0 ? spoil(fresh) : fresh;
    if (rng.below(4) === 0) node.direct(link, sent);
    else node.pushHops(link, rng.below(35), sent, ...(old === undefined ? [] : [old]));
  }
}

function run(seed: string, validation: boolean, steps: number): Bench {
  const rng = createRng(encodeUtf8(seed));
  const stakes = new Map(STAKED.map(({ peer }, index) => [peer, BigInt(index * 100 + 1)]));
  const node = new Bench({ overrides: OVERRIDES, stakes, validation, seed });
  const pool: TestMessage[] = [];
  const openLinks = new Set<number>();
  let link = 0;
  for (let count = 0; count < steps; count++) {
    step(rng, node, pool, openLinks, () => ++link);
    for (const { link: closed } of node.of('closeSession')) openLinks.delete(closed);
    if (count % 10 === 0) checkBounds(node);
  }
  return node;
}

describe('whatever comes', () => {
  for (const validation of [false, true]) {
    for (const seed of ['a', 'b', 'c']) {
      test(`nothing throws and every bound holds (seed ${seed}, validation ${validation})`, () => {
        const node = run(seed, validation, 1500);
        const delivered = node.delivered();
        expect(delivered.length).toBeGreaterThan(validation ? 15 : 40);
        expect(new Set(delivered).size).toBe(delivered.length);
      });
    }
  }

  test('the same inputs and seed give the same outputs', () => {
    const [first, second] = [run('same', true, 600), run('same', true, 600)];
    expect(second.sent).toEqual(first.sent);
    expect(second.effects).toEqual(first.effects);
  });

  test('GSP-023, GSP-041, GSP-051 nothing is sent that was not accepted, nothing announced twice on a link', () => {
    const node = run('invariants', false, 1500);
    const pushes = node.frames('push').flatMap(({ link, items }) => items.map((item) => ({ link, ...item })));
    const own = new Set(pushes.filter(({ hops }) => hops === 0).map(({ id }) => id));
    const good = new Set([...node.delivered(), ...own]);
    const announced = new Set<string>();
    for (const { link, ids } of node.frames('ihave')) {
      for (const id of ids) {
        expect(announced.has(`${link} ${id}`)).toBe(false);
        announced.add(`${link} ${id}`);
      }
    }
    const times = new Map<string, number>();
    for (const { link, id } of pushes) {
      expect(good.has(id)).toBe(true);
      times.set(`${link} ${id}`, (times.get(`${link} ${id}`) ?? 0) + 1);
    }
    // Once unasked, and as often as Iwants are answered (GSP-053).
    expect(Math.max(...times.values())).toBeLessThanOrEqual(4);
    const directs = node.frames('direct').flatMap(({ link, ids }) => ids.map((id) => `${link} ${id}`));
    expect(new Set(directs).size).toBe(directs.length);
  });
});
