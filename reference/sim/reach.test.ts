/** Addresses, dials, datagrams and the ends of nodes in a simulated network. */
import { describe, expect, test } from 'vitest';
import { encodeUtf8 } from '../core/bytes.ts';
import type { NodeEffect, NodeInput } from '../core/machine.ts';
import { PRESETS } from '../core/params.ts';
import { createRng } from '../core/rng.ts';
import { scriptedActor } from './actor.ts';
import { listenAddressesOf, sharedNetwork, splitPlan, spreadAddresses, urlOf } from './addresses.ts';
import { simulatedCrypto } from './crypto.ts';
import { DEFAULT_DATAGRAMS, datagramArrivalsMs } from './network.ts';
import { REGIONS, regionLatencyMs, usualRegion } from './regions.ts';
import { World, type WorldOptions } from './world.ts';

/** A world whose places hold actors that do nothing but remember their inputs and do what they are told. */
function bareWorld(options: Partial<WorldOptions> = {}): {
  readonly world: World;
  readonly inputs: NodeInput[][];
  readonly tell: (node: number, ...effects: NodeEffect[]) => void;
} {
  const inputs: NodeInput[][] = [];
  const orders: NodeEffect[][] = [];
  const world = new World({
    nodes: 3,
    seed: 'bare',
    crypto: simulatedCrypto,
    links: { loss: 0 },
    datagrams: { loss: 0, duplication: 0, jitterMs: 0 },
    actor: ({ index }) => {
      inputs[index] ??= [];
      return scriptedActor({
        input: (input) => {
          inputs[index]?.push(input);
          return orders[index]?.splice(0) ?? [];
        },
      });
    },
    ...options,
  });
  return {
    world,
    inputs,
    tell: (node, ...effects) => {
      orders[node] = effects;
      world.input(node, { type: 'tick' });
    },
  };
}

const typesOf = (inputs: readonly NodeInput[] | undefined): string => (inputs ?? []).map((input) => input.type).join(' ');

describe('addresses', () => {
  test('spread nodes have a /24 each, and Sybils of one network share theirs', () => {
    const networks = new Set(Array.from({ length: 20_000 }, (_, node) => spreadAddresses(node).ip.replace(/\.\d+$/, '')));
    expect(networks.size).toBe(20_000);
    const plan = splitPlan(2, spreadAddresses, sharedNetwork('203.0.113'));
    expect(plan(1)).toEqual(spreadAddresses(1));
    expect([plan(2), plan(3), plan(256)].map(urlOf)).toEqual(['ws://203.0.113.1:7600', 'ws://203.0.113.2:7600', 'ws://203.0.113.1:7601']);
  });

  test('a node advertises its session and its datagram address', () => {
    const addresses = listenAddressesOf({ ip: '20.1.2.3', wsPort: 7600, udpPort: 7601 });
    expect(addresses.map(({ host, port, transport }) => [host.case, [...(host.value as Uint8Array)], port, transport])).toEqual([
      ['ip4', [20, 1, 2, 3], 7600, 1],
      ['ip4', [20, 1, 2, 3], 7601, 3],
    ]);
    expect(listenAddressesOf({ ip: '20.1.2.3', wsPort: 7600, udpPort: undefined })).toHaveLength(1);
  });
});

describe('regions', () => {
  test('the matrix is symmetric, and nearest at home', () => {
    for (const a of REGIONS) {
      for (const b of REGIONS) {
        expect(regionLatencyMs(a, b)).toBe(regionLatencyMs(b, a));
        if (a !== b) expect(regionLatencyMs(a, b)).toBeGreaterThan(regionLatencyMs(a, a));
      }
    }
    const shares = Array.from({ length: 1_000 }, (_, node) => usualRegion(node));
    expect(shares.filter((region) => region === 'eu').length).toBeGreaterThan(330);
    expect(new Set(shares).size).toBe(6);
  });

  test('latency goes by region, the same both ways', () => {
    const { world } = bareWorld({ region: (node) => (['eu', 'eu', 'oc'] as const)[node] });
    expect(world.latencyMs(0, 1)).toBeLessThanOrEqual(15);
    expect(world.latencyMs(0, 2)).toBeGreaterThanOrEqual(135);
    expect(world.latencyMs(2, 0)).toBe(world.latencyMs(0, 2));
  });
});

describe('dials', () => {
  test('reach the node at the address after some round trips', () => {
    const { world, inputs, tell } = bareWorld();
    tell(0, { type: 'dial', dial: 9, address: urlOf(world.address(1)) });
    world.runUntil(7 * world.latencyMs(0, 1) - 1);
    expect(typesOf(inputs[1])).toBe('');
    world.runFor(1);
    expect(inputs[0]?.at(-1)).toMatchObject({ type: 'linkEstablished', direction: 'outbound', dial: 9, address: world.address(1).ip });
    expect(inputs[1]?.at(-1)).toMatchObject({ type: 'linkEstablished', direction: 'inbound', address: world.address(0).ip });
  });

  test('fail late where nobody is, behind a NAT and across a split, and soon where a node is down', () => {
    for (const [name, options] of Object.entries({
      nowhere: {},
      nat: { reach: (node: number) => (node === 1 ? ('nat' as const) : ('public' as const)) },
      split: {},
      down: { startMs: (node: number) => (node === 1 ? undefined : 0) },
    })) {
      const { world, inputs, tell } = bareWorld(options);
      if (name === 'split') world.separate((a, b) => a !== b);
      tell(0, { type: 'dial', dial: 1, address: name === 'nowhere' ? 'ws://198.51.100.1:7600' : urlOf(world.address(1)) });
      world.runUntil(1_000);
      expect(typesOf(inputs[0]), name).toBe(name === 'down' ? 'tick dialFailed' : 'tick');
      world.runUntil(5_000);
      expect(typesOf(inputs[0]), name).toBe('tick dialFailed');
    }
  });
});

describe('datagrams', () => {
  const data = encodeUtf8('hello');

  test('come from the endpoint of their sender, once, after one way', () => {
    const { world, inputs, tell } = bareWorld();
    const { ip, udpPort = 0 } = world.address(1);
    tell(0, { type: 'datagram', to: { ip, port: udpPort }, data });
    world.runUntil(world.latencyMs(0, 1));
    expect(inputs[1]).toEqual([{ type: 'datagram', from: { ip: world.address(0).ip, port: 7600 }, data }]);
    expect(world.trafficOf(0)).toMatchObject({ datagrams: 1, datagramBytes: 5, messages: 0 });
  });

  test('too large ones, and those to nobody, vanish', () => {
    const { world, inputs, tell } = bareWorld();
    const { ip } = world.address(1);
    tell(0, { type: 'datagram', to: { ip, port: 7600 }, data: new Uint8Array(1_233) }, { type: 'datagram', to: { ip, port: 1 }, data });
    world.runUntil(5_000);
    expect(inputs[1]).toEqual([]);
  });

  test('a NAT lets answers in, for a while', () => {
    const { world, inputs, tell } = bareWorld({ reach: (node) => (node === 0 ? 'nat' : 'public') });
    const endpoint = (node: number) => ({ ip: world.address(node).ip, port: 7600 });
    tell(1, { type: 'datagram', to: endpoint(0), data });
    world.runFor(100);
    expect(typesOf(inputs[0])).toBe('');
    tell(0, { type: 'datagram', to: endpoint(1), data });
    tell(2, { type: 'datagram', to: endpoint(0), data });
    world.runFor(100);
    tell(1, { type: 'datagram', to: endpoint(0), data });
    world.runFor(60_000);
    expect(typesOf(inputs[0])).toBe('tick datagram');
    tell(1, { type: 'datagram', to: endpoint(0), data });
    world.runFor(100);
    expect(typesOf(inputs[0])).toBe('tick datagram');
  });

  test('are lost, doubled and overtaken as the model says', () => {
    const rng = createRng(encodeUtf8('datagrams'));
    const model = { ...DEFAULT_DATAGRAMS, loss: 0.2, duplication: 0.1, jitterMs: 50 };
    const arrivals = Array.from({ length: 2_000 }, (_, sentMs) => datagramArrivalsMs(model, 20, 100, rng, sentMs));
    const counts = [0, 1, 2].map((copies) => arrivals.filter((times) => times.length === copies).length);
    expect(counts[0]).toBeGreaterThan(320);
    expect(counts[0]).toBeLessThan(480);
    expect(counts[2]).toBeGreaterThan(110);
    const times = arrivals.flat();
    expect(times.some((time, index) => index > 0 && time < (times[index - 1] ?? 0))).toBe(true);
  });
});

describe('the end of a node', () => {
  const linked = (): ReturnType<typeof bareWorld> => {
    const bare = bareWorld();
    bare.world.connect(0, 1);
    return bare;
  };

  test('is seen by its peers after one way, and a new start is another life', () => {
    const { world, inputs } = linked();
    world.kill(1);
    expect(world.running()).toEqual([0, 2]);
    world.runUntil(world.latencyMs(0, 1));
    expect(typesOf(inputs[0])).toBe('linkEstablished');
    world.runFor(1);
    expect(typesOf(inputs[0])).toBe('linkEstablished linkClosed');
    world.start(1);
    world.connect(1, 0);
    expect(inputs[0]?.at(-1)).toMatchObject({ type: 'linkEstablished', publicKey: world.publicKey(1) });
  });

  test('is not seen when it is silent, until somebody misses answers', () => {
    const world = new World({ nodes: 2, seed: 'silent', crypto: simulatedCrypto, params: PRESETS.conformance });
    world.connect(0, 1);
    world.runUntil(1_000);
    world.kill(1, { isSilent: true });
    world.runFor(1_000);
    expect((world.view(0, 'peers') as readonly unknown[]).length).toBe(1);
    world.runFor(2 * (PRESETS.conformance['session.ping_interval_ms'] + PRESETS.conformance['session.pong_timeout_ms']));
    expect((world.view(0, 'peers') as readonly unknown[]).length).toBe(0);
  });

  test('nodes start when their time has come, with their identity', () => {
    const { world } = bareWorld({ startMs: (node) => (node === 2 ? undefined : node * 500) });
    expect(world.running()).toEqual([0]);
    world.runUntil(500);
    expect(world.running()).toEqual([0, 1]);
    const peer = world.peerId(2);
    world.start(2);
    expect([world.running(), world.peerId(2), world.nodeOf(peer)]).toEqual([[0, 1, 2], peer, 2]);
    expect(world.add(2)).toBe(3);
    expect(world.size).toBe(5);
  });

  test('a split silences links for good, and lets others be', () => {
    const { world, inputs, tell } = linked();
    world.connect(0, 2);
    world.separate((a, b) => (a === 1) !== (b === 1));
    tell(0, ...[1, 2].map((link) => ({ type: 'plaintext', link, data: Uint8Array.of(1) }) as NodeEffect));
    world.separate(undefined);
    tell(0, ...[1, 2].map((link) => ({ type: 'plaintext', link, data: Uint8Array.of(1) }) as NodeEffect));
    world.runFor(1_000);
    expect([typesOf(inputs[1]), typesOf(inputs[2])]).toEqual(['linkEstablished', 'linkEstablished plaintext plaintext']);
  });
});
