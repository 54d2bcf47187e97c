import { afterEach, describe, expect, test } from 'vitest';
import WebSocket from 'ws';
import { decodeUtf8, encodeUtf8 } from '../core/bytes.ts';
import type { PeerId } from '../core/types.ts';
import { addressText } from '../core/wire/contact.ts';
import { type ConfigDraft, defineConfig } from './config.ts';
import { type DeliveredMessage, type NodeEnvironment, type RunningNode, startNode } from './node-host.ts';
import { Problem } from './problem.ts';

const started: RunningNode[] = [];
afterEach(async () => {
  await Promise.all(started.splice(0).map((node) => node.stop()));
});

async function start(draft: Partial<ConfigDraft> = {}, environment: NodeEnvironment = {}): Promise<RunningNode> {
  const config = defineConfig({ networkId: 'test', preset: 'devnet', listen: { host: '127.0.0.1', port: 0 }, ...draft });
  const node = await startNode(config, environment);
  started.push(node);
  return node;
}

function urlOf(node: RunningNode): string {
  if (node.url === undefined) throw new Error('the node does not listen');
  return node.url;
}

/** Resolves with the next event of a type that fits. Rejects after 2 s. */
function next<T extends 'deliver' | 'established' | 'sessionEnded' | 'violation'>(
  node: RunningNode,
  type: T,
): Promise<Parameters<Parameters<typeof node.on<T>>[1]>[0]> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`no ${type} within 2 s`)), 2000);
    const off = node.on(type, (event) => {
      clearTimeout(timer);
      off();
      resolve(event);
    });
  });
}

/** Resolves when the condition holds. Rejects after 5 s. */
async function until(holds: () => Promise<boolean>): Promise<void> {
  for (const limitMs = performance.now() + 5_000; !(await holds()); ) {
    if (performance.now() > limitMs) throw new Error('it does not hold within 5 s');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

async function connect(from: RunningNode, to: RunningNode): Promise<void> {
  const both = Promise.all([next(from, 'established'), next(to, 'established')]);
  from.connect(urlOf(to), to.peerId);
  await both;
}

describe('two nodes over loopback WebSockets', () => {
  test('GSP-022 a published message is delivered to the other within 2 s', async () => {
    const [alice, bob] = [await start(), await start()];
    await connect(alice, bob);
    const delivered = next(bob, 'deliver');
    await alice.publish('app/chat', encodeUtf8('hello'));
    const message = await delivered;
    expect([message.topic, decodeUtf8(message.data), message.origin]).toEqual(['app/chat', 'hello', alice.peerId]);
    expect(bob.metrics.get('delivered')).toBe(1);
    expect(alice.peers()).toEqual([bob.peerId]);
    expect(bob.metrics.get('established', ['inbound'])).toBe(1);
    expect(alice.metrics.get('established', ['outbound'])).toBe(1);
  });

  test('a message passes through a node between', async () => {
    const [alice, bob, carol] = [await start(), await start(), await start()];
    await connect(alice, bob);
    await connect(bob, carol);
    const delivered = next(carol, 'deliver');
    await alice.publish('app/chat', encodeUtf8('over there'));
    expect((await delivered).origin).toBe(alice.peerId);
  });

  test('SES-013 nodes of different networks do not meet', async () => {
    const [alice, bob] = [await start(), await start({ networkId: 'other' })];
    const violation = next(alice, 'violation');
    alice.connect(urlOf(bob));
    expect((await violation).code).toBe('E_HANDSHAKE');
    expect([alice.peers(), bob.peers()]).toEqual([[], []]);
  });

  test('SES-018 a node that expects another peer closes', async () => {
    const [alice, bob] = [await start(), await start()];
    const violation = next(alice, 'violation');
    alice.connect(urlOf(bob), 'ab'.repeat(32) as PeerId);
    expect((await violation).code).toBe('E_PEER_MISMATCH');
  });

  test('a node that stops says E_SHUTDOWN, and lets go of its port', async () => {
    const [alice, bob] = [await start(), await start()];
    await connect(alice, bob);
    const ended = next(alice, 'sessionEnded');
    const startMs = performance.now();
    await bob.stop();
    expect(performance.now() - startMs).toBeLessThan(1500);
    expect(await ended).toMatchObject({ peer: bob.peerId, code: 'E_SHUTDOWN' });
    expect(await bob.ended).toBeUndefined();
    await expect(bob.publish('app/chat', encodeUtf8('late'))).rejects.toThrow('stopped');
    const { port } = new URL(urlOf(bob));
    await start({ listen: { host: '127.0.0.1', port: Number(port) } });
  });

  test('configured peers are dialled, and dialled again when they come back', async () => {
    const bob = await start();
    const port = Number(new URL(urlOf(bob)).port);
    const alice = await start({ peers: [{ address: urlOf(bob), expected: undefined }] });
    await next(alice, 'established');
    await bob.stop();
    const again = next(alice, 'established');
    const back = await start({ listen: { host: '127.0.0.1', port } });
    expect((await again).peer).toBe(back.peerId);
  });

  test('two nodes that are configured with each other settle on one session', async () => {
    const bob = await start();
    const alice = await start({ peers: [{ address: urlOf(bob), expected: undefined }] });
    await next(alice, 'established');
    bob.connect(urlOf(alice));
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect([alice.peers(), bob.peers()]).toEqual([[bob.peerId], [alice.peerId]]);
  });
});

describe('the application', () => {
  test('GSP-026 decides what is delivered and passed on', async () => {
    const asked: string[] = [];
    const validate = async (message: DeliveredMessage): Promise<'accept' | 'reject'> => {
      const text = decodeUtf8(message.data) ?? '';
      asked.push(text);
      return text.startsWith('good') ? 'accept' : 'reject';
    };
    const [alice, bob] = [await start(), await start({}, { validate })];
    await connect(alice, bob);
    const delivered = next(bob, 'deliver');
    await alice.publish('app/chat', encodeUtf8('bad'));
    await alice.publish('app/chat', encodeUtf8('good'));
    expect(decodeUtf8((await delivered).data)).toBe('good');
    expect(asked).toEqual(['bad', 'good']);
    expect(bob.metrics.get('verdicts', ['reject', 'E_APPLICATION'])).toBe(1);
  });

  test('is told when its message cannot be published', async () => {
    const alice = await start();
    await expect(alice.publish('not/a/topic of ours', encodeUtf8('x'))).rejects.toThrow(/^E_TOPIC/);
    await expect(alice.publish('app/chat', new Uint8Array(40_000))).rejects.toThrow(/^E_SIZE/);
    expect(alice.metrics.get('published')).toBe(0);
  });
});

describe('the edges', () => {
  test('WIR-007 a text message ends the connection, and others are served on (CNV-014)', async () => {
    const [alice, bob] = [await start(), await start()];
    await connect(alice, bob);
    const stranger = new WebSocket(urlOf(alice), 'carillon.v1', { perMessageDeflate: false });
    await new Promise((resolve) => stranger.once('open', resolve));
    const closed = new Promise((resolve) => stranger.once('close', resolve));
    const violation = next(alice, 'violation');
    stranger.send('hello');
    expect((await violation).code).toBe('E_TRANSPORT');
    await closed;
    const delivered = next(bob, 'deliver');
    await alice.publish('app/chat', encodeUtf8('still here'));
    await delivered;
  });

  test('a port in use is a problem, and nothing is left open', async () => {
    const alice = await start();
    const port = Number(new URL(urlOf(alice)).port);
    const problem: unknown = await startNode(
      defineConfig({ networkId: 'test', preset: 'devnet', listen: { host: '127.0.0.1', port } }),
    ).catch((error: unknown) => error);
    expect(problem).toBeInstanceOf(Problem);
    const http: unknown = await startNode(
      defineConfig({ networkId: 'test', preset: 'devnet', listen: { host: '127.0.0.1', port: 0 }, http: { host: '127.0.0.1', port } }),
    ).catch((error: unknown) => error);
    expect(http).toBeInstanceOf(Problem);
  });

  test('a key file that is missing is a problem', async () => {
    const config = defineConfig({ networkId: 'test', preset: 'devnet', keyFile: '/nonexistent/node.key' });
    await expect(startNode(config)).rejects.toMatchObject({ code: 'E_KEY_FILE' });
  });

  test('the window shows the node', async () => {
    const alice = await start({ http: { host: '127.0.0.1', port: 0 } });
    const bob = await start();
    await connect(alice, bob);
    const health: unknown = await (await fetch(`${alice.httpUrl}/health`)).json();
    expect(health).toMatchObject({ status: 'ok', peer_id: alice.peerIdText, sessions: 1 });
    const peers: unknown = await (await fetch(`${alice.httpUrl}/peers`)).json();
    expect(peers).toMatchObject({ peers: [{ peer: bob.peerIdText, direction: 'outbound' }] });
    const metrics = await (await fetch(`${alice.httpUrl}/metrics`)).text();
    expect(metrics).toMatch(/\ncarillon_sessions 1\n/);
  });
});

describe('where a node is found', () => {
  /** The listen addresses of a peer's hello, as this node has them from its record or its hello. */
  async function contactsOf(node: RunningNode, target: Uint8Array): Promise<readonly string[]> {
    const { contacts } = await node.lookup(target);
    return contacts.flatMap(({ addresses }) => addresses.map((address) => addressText(address) ?? ''));
  }

  test('SES-024 it names the port that the system chose, for sessions and for datagrams', async () => {
    const [alice, bob] = [await start(), await start()];
    await connect(alice, bob);
    const { port = 0 } = bob.datagramEndpoint ?? {};
    expect(urlOf(bob)).toBe(`ws://127.0.0.1:${port}`);
    await until(async () => (await contactsOf(alice, new Uint8Array(32))).length > 0);
    expect(await contactsOf(alice, new Uint8Array(32))).toEqual([urlOf(bob), `udp://127.0.0.1:${port}`]);
  });

  test('a node without datagrams names its sessions alone, and is found all the same', async () => {
    const [alice, bob] = [await start(), await start({ udp: false })];
    expect(bob.datagramEndpoint).toBeUndefined();
    await connect(alice, bob);
    await until(async () => (await contactsOf(alice, new Uint8Array(32))).length > 0);
    expect(await contactsOf(alice, new Uint8Array(32))).toEqual([urlOf(bob)]);
  });

  test("datagrams are counted, and those to a node that is stopped are nobody's concern", async () => {
    const alice = await start();
    const bob = await start({ bootstrap: [urlOf(alice)] });
    await until(async () => bob.metrics.get('datagramsIn') > 0 && alice.metrics.get('datagramsOut') > 0);
    expect(bob.metrics.get('datagramBytesIn')).toBeGreaterThan(bob.metrics.get('datagramsIn'));
    await bob.stop();
    expect((await alice.lookup(new Uint8Array(32).fill(1))).queries).toBeGreaterThanOrEqual(0);
  });

  test('DHT-100 the TXT records of a name lead to the first nodes', async () => {
    const alice = await start();
    const names: string[] = [];
    const bob = await startNode(
      {
        ...defineConfig({ networkId: 'test', preset: 'devnet', listen: { host: '127.0.0.1', port: 0 } }),
        bootstrap: ['dns:seeds.example'],
      },
      {
        lookUpTexts: async (name) => {
          names.push(name);
          return [['v=spf1 -all'], [`crl=${alice.peerIdText}@`, urlOf(alice)]];
        },
      },
    );
    started.push(bob);
    await until(async () => (await bob.knownPeers()).has(alice.peerId));
    expect(names[0]).toBe('seeds.example');
    expect(bob.metrics.get('resolutions', ['found'])).toBeGreaterThanOrEqual(1);
  });
});
