import { describe, expect, it } from 'vitest';
import { encodeUtf8 } from '../core/bytes.ts';
import type { DhtRequest } from '../core/dht/contract.ts';
import { createRng } from '../core/rng.ts';
import { DhtWorld } from './dht-world.ts';
import { worldParams } from './world.ts';

const NODES = 24;

function joined(isLiar: (node: number) => boolean = () => false): DhtWorld {
  const world = new DhtWorld({
    nodes: NODES,
    seed: 'dht-world',
    params: worldParams('main', { 'dht.refresh_ms': '120000' }),
    latencyMs: (a, b) => 10 + ((a * 7 + b * 3) % 50),
    loss: 0.01,
    startMs: (node) => 300 * node,
    entry: (node) => (node === 0 ? undefined : node % Math.min(node, 3)),
    isLiar,
  });
  world.runUntil(40_000);
  return world;
}

function ask(world: DhtWorld, node: number, request: DhtRequest) {
  const token = world.request(node, request);
  world.runFor(12_000);
  return world.outcome(token)?.outcome;
}

describe('a network of tables', () => {
  it('DHT-086: finds everybody who is near, and knows how many there are', { timeout: 120_000 }, () => {
    const world = joined();
    const outcome = ask(world, 7, { type: 'dht.lookup', target: createRng(encodeUtf8('x')).bytes(32) });
    expect(outcome?.type === 'dht.lookup' && outcome.contacts.length).toBe(20);
    const { networkSize } = world.view(7) as { readonly networkSize: number };
    expect(networkSize).toBeGreaterThan(NODES / 2);
    expect(networkSize).toBeLessThan(NODES * 2);
  });

  it('DHT-067, DHT-068, DHT-090: what is published is found, and conflicts are seen', { timeout: 120_000 }, () => {
    const world = joined();
    const key = createRng(encodeUtf8('key')).bytes(32);
    expect(ask(world, 3, { type: 'dht.provide', key, short: false })?.type).toBe('dht.provide');
    const found = ask(world, 21, { type: 'dht.providers', key });
    expect(found?.type === 'dht.providers' && found.providers.map(({ peer }) => peer)).toEqual([world.peerId(3)]);
    const once = { type: 'dht.put', namespace: 'app/tokens', salt: key, sequence: 0n, expectedNext: 0n } as const;
    const first = ask(world, 4, { ...once, data: encodeUtf8('a') });
    const second = ask(world, 5, { ...once, data: encodeUtf8('b') });
    expect(first?.type === 'dht.put' && first.stored > 0).toBe(true);
    const at = second?.type === 'dht.put' ? second.key : key;
    const both = ask(world, 20, { type: 'dht.get', key: at });
    expect(both?.type === 'dht.get' && both.contents.length).toBe(2);
  });

  it('DHT-075: false providers do not hide the true one', { timeout: 120_000 }, () => {
    const world = joined((node) => node > 3 && node % 3 === 0);
    const key = createRng(encodeUtf8('hidden')).bytes(32);
    ask(world, 1, { type: 'dht.provide', key, short: true });
    const found = ask(world, 2, { type: 'dht.providers', key });
    expect(found?.type === 'dht.providers' && found.providers.map(({ peer }) => peer)).toContain(world.peerId(1));
  });
});
