/** The application's side of running nodes, over pipes in memory. */
import { afterEach, describe, expect, test } from 'vitest';
import { encodeUtf8 } from '../core/bytes.ts';
import { RequestRefused } from './application.ts';
import { type Group, startGroup } from './devnet-group.ts';
import { createMemoryNetwork } from './transport/memory.ts';

let group: Group | undefined;
afterEach(async () => {
  await group?.stop();
  group = undefined;
});

/** Nodes that began with one address and have found each other. */
async function found(count: number, parameters: Readonly<Record<string, string>> = {}): Promise<Group> {
  const network = createMemoryNetwork();
  group = await startGroup({
    first: 0,
    count,
    networkId: 'application',
    preset: 'devnet',
    parameters,
    basePort: 7600,
    transport: (index) => network.transport(`10.0.0.${index + 1}`),
  });
  const deadline = performance.now() + 20_000;
  while ((await group.found()).some(({ known }) => known < count - 1)) {
    if (performance.now() > deadline) throw new Error(`not found: ${JSON.stringify(await group.found())}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return group;
}

describe('nodes that began with one address', () => {
  test('find each other, and hold a record of everybody', async () => {
    const { nodes } = await found(5);
    for (const node of nodes) {
      const others = new Set(nodes.map((other) => other.peerId));
      others.delete(node.peerId);
      expect(await node.knownPeers()).toEqual(others);
    }
  });

  test('look up, provide, put and get', async () => {
    const { nodes } = await found(4);
    const [alice, bob] = nodes;
    if (alice === undefined || bob === undefined) throw new Error('no nodes');
    const key = new Uint8Array(32).fill(7);
    expect((await alice.lookup(key)).contacts.length).toBeGreaterThanOrEqual(3);
    expect((await alice.provide(key)).stored).toBeGreaterThanOrEqual(1);
    expect((await bob.findProviders(key)).providers.map(({ peer }) => peer)).toEqual([alice.peerId]);
    expect(await alice.unprovide(key)).toBe(true);
    const stored = await alice.putValue({ namespace: 'hash', data: encodeUtf8('value') });
    expect((await bob.getValue(stored.key)).contents).toEqual([encodeUtf8('value')]);
    await expect(alice.putValue({ namespace: 'No Such', data: encodeUtf8('x') })).rejects.toBeInstanceOf(RequestRefused);
  });

  test('broadcast and send', async () => {
    const { nodes } = await found(4);
    const [alice, bob, carol] = nodes;
    if (alice === undefined || bob === undefined || carol === undefined) throw new Error('no nodes');
    const heard = Promise.all([bob, carol].map((node) => new Promise((resolve) => node.on('deliver', resolve))));
    const received = new Promise((resolve) => bob.on('notice', ({ notice }) => notice.type === 'overlay.received' && resolve(notice)));
    await alice.broadcast('app/all', encodeUtf8('to all'));
    await alice.send(bob.peerId, 'app/one', encodeUtf8('to bob'));
    await heard;
    expect(await received).toMatchObject({ from: alice.peerId, topic: 'app/one', data: encodeUtf8('to bob') });
    expect(bob.metrics.get('notices', ['overlay.received'])).toBeGreaterThanOrEqual(1);
  });

  test('keep a peer away that is banned, and refuse transactions that are none', async () => {
    const { nodes } = await found(2);
    const [alice, bob] = nodes;
    if (alice === undefined || bob === undefined) throw new Error('no nodes');
    await expect(alice.submit(encodeUtf8('nonsense'))).rejects.toMatchObject({
      name: 'RequestRefused',
      code: expect.stringMatching(/^E_/),
    });
    expect(await alice.transactions(10)).toEqual([]);
    const ended = new Promise((resolve) => alice.on('sessionEnded', resolve));
    await alice.ban(bob.peerId, 60_000);
    expect(await ended).toMatchObject({ peer: bob.peerId });
    await alice.unban(bob.peerId);
  });

  test('dial a peer that is suggested to them', async () => {
    const network = createMemoryNetwork();
    const start = (first: number) =>
      startGroup({
        first,
        count: 1,
        networkId: 'application',
        preset: 'devnet',
        basePort: 7600,
        transport: (index) => network.transport(`10.0.0.${index + 1}`),
        bootstrap: 'ws://10.0.0.200:1',
      });
    const [left, right] = [await start(0), await start(1)];
    try {
      const [alice, bob] = [left.nodes[0], right.nodes[0]];
      if (alice === undefined || bob?.url === undefined) throw new Error('no nodes');
      const established = new Promise((resolve) => alice.on('established', resolve));
      await alice.suggest(bob.peerId, [bob.url]);
      expect(await established).toMatchObject({ peer: bob.peerId, direction: 'outbound' });
    } finally {
      await Promise.all([left.stop(), right.stop()]);
    }
  });

  test('ask nothing of a node that has stopped', async () => {
    const { nodes } = await found(2);
    await nodes[0]?.stop();
    await expect(nodes[0]?.records()).rejects.toThrow('the node has stopped');
  });

  test('answer for chapters that are switched off', async () => {
    const { nodes } = await found(2, { 'records.mode': 'off', 'mempool.mode': 'off', 'overlay.mode': 'off' });
    expect(await nodes[0]?.records()).toBeDefined();
    await expect(nodes[0]?.submit(encodeUtf8('x'))).rejects.toBeInstanceOf(RequestRefused);
  });
});
