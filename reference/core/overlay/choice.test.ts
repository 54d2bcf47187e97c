import { expect, test } from 'vitest';
import { choosePeers, nextHop as modelHop, overlayBucket } from '../../../conformance/model/overlay.ts';
import { fromHex, toHex } from '../bytes.ts';
import { createRng } from '../rng.ts';
import type { LinkId, PeerId } from '../types.ts';
import { bucketLinks, firstLinks, spreadLinks } from './choice.ts';
import { bucketOf, exclusiveOr, wordsOf } from './distance.ts';
import { nextHop } from './next-hop.ts';

const bytes = (id: string): Uint8Array => fromHex(id) ?? new Uint8Array();

/** Ids that share some leading bytes with a base, so that all buckets come up. */
function ids(seed: string, count: number): readonly PeerId[] {
  const rng = createRng(new TextEncoder().encode(seed));
  const base = rng.bytes(32);
  return Array.from({ length: count }, () => {
    const id = rng.bytes(32);
    id.set(base.subarray(0, rng.below(6)));
    return toHex(id) as PeerId;
  });
}

test('OVL-003, OVL-004, OVL-037: buckets and choices are those of the model', () => {
  for (let round = 0; round < 8; round++) {
    const [own, message, ...peers] = ids(`choice ${round}`, 32);
    if (own === undefined || message === undefined) throw new Error('there are ids');
    const placed = peers.map((link) => ({ link, distance: exclusiveOr(wordsOf(own), wordsOf(link)) }));
    for (const { link, distance } of placed) expect(bucketOf(distance)).toBe(overlayBucket(bytes(own), bytes(link)));
    const model = (rule: 'buckets' | 'first' | 'turns', count: number): readonly string[] =>
      choosePeers(rule, count, bytes(own), bytes(message), peers.map(bytes)).map(toHex);
    for (const count of [0, 1, 2, 5, 50]) {
      expect(bucketLinks(wordsOf(message), placed, count)).toEqual(model('buckets', count));
      expect(firstLinks(wordsOf(message), placed, count)).toEqual(model('first', count));
      expect(spreadLinks(wordsOf(message), placed, count)).toEqual(model('turns', count));
    }
  }
});

test('a node is in no bucket of its own', () => {
  const [own] = ids('self', 1);
  expect(bucketOf(exclusiveOr(wordsOf(own as PeerId), wordsOf(own as PeerId)))).toBeUndefined();
});

test('OVL-051: the next hop is the one of the model', () => {
  for (let round = 0; round < 100; round++) {
    const rng = createRng(new TextEncoder().encode(`hop ${round}`));
    const [self, target, ...others] = ids(`hop ${round}`, 12) as [PeerId, PeerId, ...PeerId[]];
    const peers = rng.below(4) === 0 ? [...others, target] : others;
    const via = rng.shuffle(others).slice(0, rng.below(3));
    const supernodes = rng.shuffle(others).slice(0, rng.below(3));
    const from = rng.below(2) === 0 ? rng.pick(peers) : undefined;
    const sessions = peers.map((peer, index) => ({ link: index as LinkId, peer })).filter(({ peer }) => peer !== from);
    const hop = nextHop({ self, target, sessions, via, supernodes })?.peer;
    const expected = modelHop({
      own: bytes(self),
      target: bytes(target),
      via: via.map(bytes),
      supernodes: supernodes.map(bytes),
      from: from === undefined ? undefined : bytes(from),
      sessions: peers.map(bytes),
    });
    expect(hop).toBe(expected === undefined ? undefined : toHex(expected));
  }
});
