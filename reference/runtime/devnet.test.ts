import { describe, expect, test } from 'vitest';
import { decodeUtf8, encodeUtf8 } from '../core/bytes.ts';
import { Devnet } from './devnet.ts';

describe('a devnet', () => {
  test.each(['memory', 'websocket'] as const)('delivers to every node over %s', async (transport) => {
    await using net = await Devnet.start({ nodes: 5, transport });
    for (const node of net.nodes) {
      const message = await node.publish('app/chat', encodeUtf8(`from ${node.index}`));
      await net.delivered(message);
    }
    for (const node of net.nodes) expect(node.received.map(({ data }) => decodeUtf8(data)).sort()).toHaveLength(4);
  });

  test('GSP-022 delivers once to each of twenty nodes on a ring with chords', async () => {
    await using net = await Devnet.start({ nodes: 20 });
    const [first] = net.nodes;
    const messages = await Promise.all(Array.from({ length: 5 }, (_, index) => first?.publish('app/chat', encodeUtf8(`${index}`))));
    for (const message of messages) if (message !== undefined) await net.delivered(message);
    for (const node of net.nodes.slice(1))
      expect(node.received.map(({ data }) => decodeUtf8(data)).sort()).toEqual(['0', '1', '2', '3', '4']);
    expect(first?.received).toEqual([]);
  });

  test('GSP-003 equal data is told apart', async () => {
    await using net = await Devnet.start({ nodes: 2 });
    const [alice, bob] = net.nodes;
    const data = encodeUtf8('again');
    for (let occurrence = 1; occurrence <= 3; occurrence++) {
      const message = await alice?.publish('app/chat', data);
      expect(message?.occurrence).toBe(occurrence);
      if (message !== undefined) await net.delivered(message);
      expect(bob?.received).toHaveLength(occurrence);
    }
  });

  test('says where a message is missing', async () => {
    await using net = await Devnet.start({ nodes: 3, validate: (node) => (node === 2 ? 'ignore' : 'accept') });
    const message = await net.nodes[0]?.publish('app/chat', encodeUtf8('x'));
    if (message === undefined) throw new Error('no message');
    await net.delivered(message, { nodes: [1] });
    await expect(net.delivered(message, { timeoutMs: 50 })).rejects.toThrow('missing at nodes 2');
  });

  test('goes on when a node stops, and takes a new one', async () => {
    await using net = await Devnet.start({ nodes: 3 });
    await net.nodes[2]?.stop();
    const added = await net.add();
    const message = await net.nodes[0]?.publish('app/chat', encodeUtf8('x'));
    if (message !== undefined) await net.delivered(message);
    expect(added.received).toHaveLength(1);
  });

  test('GSP-101 nodes with and without gossip hear of each other', async () => {
    await using net = await Devnet.start({ nodes: 3, parameters: { 'gossip.mode': 'off' } });
    const message = await net.nodes[0]?.publish('app/chat', encodeUtf8('x'));
    if (message !== undefined) await net.delivered(message);
    for (const node of net.nodes.slice(1)) expect(node.received).toHaveLength(1);
  });

  test.each(['memory', 'websocket'] as const)(
    'finds itself from one address over %s, and so does a node that comes later',
    async (transport) => {
      await using net = await Devnet.start({ nodes: 5, transport, bootstrap: 'one' });
      const added = await net.add();
      expect(await added.knownPeers()).toEqual(new Set(net.nodes.slice(0, 5).map((node) => node.peerId)));
      const message = await added.publish('app/chat', encodeUtf8('x'));
      await net.delivered(message);
    },
  );

  test('PRM-001 refuses parameters that are not in order', async () => {
    await expect(Devnet.start({ parameters: { 'gossip.heartbeat_ms': 1 } })).rejects.toMatchObject({ code: 'E_CONFIG' });
  });
});
