import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { PlanError } from './errors.ts';
import type { Step } from './plan.ts';
import { type PreparedNetwork, prepareNetwork } from './prepare.ts';
import { serveToyNode, type ToyWireServer } from './testing/toy-server.ts';
import type { Trace, TraceEvent } from './trace.ts';
import { executePlanOverWire, openWireTarget, type WireTarget } from './wire.ts';

let directory: string;
let network: PreparedNetwork;
const servers: ToyWireServer[] = [];
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'carillon-wire-'));
  network = prepareNetwork(directory, 'conformance-wire');
});
afterEach(async () => {
  for (const server of servers.splice(0)) await server.close();
  rmSync(directory, { recursive: true });
});

async function start(
  options: { selects?: boolean; isCareless?: boolean } = {},
  prepared: PreparedNetwork = network,
): Promise<ToyWireServer> {
  const server = await serveToyNode(prepared, options);
  servers.push(server);
  return server;
}

async function openToy(options: { selects?: boolean; isCareless?: boolean } = {}): Promise<WireTarget> {
  return openWireTarget({ url: (await start(options)).url, prepared: directory });
}

const run = (target: WireTarget, steps: readonly Step[]): Promise<Trace> =>
  executePlanOverWire(target, { setup: {}, steps }, { seed: 'seed', runId: 'run' });

function eventsOf<Type extends TraceEvent['type']>(trace: Trace, type: Type): readonly Extract<TraceEvent, { type: Type }>[] {
  return trace.events.filter((event): event is Extract<TraceEvent, { type: Type }> => event.type === type);
}

describe('reaching a node', () => {
  test('tells its capabilities', async () => {
    const target = await openToy();
    expect(target.capabilities).toEqual(['direct/1', 'gossip/1']);
  });

  test('nobody there is E_UNREACHABLE, and so is an address of no known form', async () => {
    const server = await start();
    await server.close();
    await expect(openWireTarget({ url: server.url, prepared: directory })).rejects.toMatchObject({ code: 'E_UNREACHABLE' });
    await expect(openWireTarget({ url: 'tcp://127.0.0.1:1', prepared: directory })).rejects.toMatchObject({ code: 'E_UNREACHABLE' });
    await expect(openWireTarget({ url: server.url, prepared: join(directory, 'none') })).rejects.toMatchObject({ code: 'E_FILE' });
  });

  test('a node with another key is E_INCOMPATIBLE', async () => {
    const { url } = await start({}, { ...network, nodeSeed: new Uint8Array(32).fill(7) });
    await expect(openWireTarget({ url, prepared: directory })).rejects.toMatchObject({
      code: 'E_INCOMPATIBLE',
      message: expect.stringContaining('node.key'),
    });
  });

  test('a node that selects no subprotocol is reached; its links come to nothing', async () => {
    const target = await openToy({ selects: false });
    expect(target.capabilities).toBeUndefined();
    const trace = await run(target, [{ op: 'open', link: 1, peer: 'a', mode: 'session' }]);
    expect(eventsOf(trace, 'handshakeFailed')).toMatchObject([{ reason: expect.stringContaining('subprotocol') }]);
    expect(eventsOf(trace, 'closed')).toMatchObject([{ by: 'node' }]);
  });
});

describe('a plan over sockets', () => {
  test('Ping, Pong, a pushed message and its copy at another link; every link from its own address', async () => {
    const server = await start();
    const target = await openWireTarget({ url: server.url, prepared: directory });
    const envelope = { origin: 'alice', topic: 'app/t', ageMs: 0, sequence: 1, data: '61', name: 'm' };
    const trace = await run(target, [
      { op: 'open', link: 1, peer: 'alice', mode: 'session' },
      { op: 'open', link: 2, peer: 'bob', mode: 'session' },
      { op: 'frames', link: 1, frames: [{ body: { type: 'Ping', nonce: '0102030405060708' } }] },
      // The reference waits for the Pong.
      { op: 'frames', link: 1, frames: [{ body: { type: 'Ping', nonce: { ref: '$*.pong.nonce' } } }] },
      { op: 'frames', link: 1, frames: [{ body: { type: 'Push', topic: 'app/t', items: [{ hops: 0, envelope }] } }] },
      { op: 'advance', ms: 100 },
    ]);
    expect(trace.level).toBe('wire');
    expect(eventsOf(trace, 'sessionUp').map(({ link }) => link)).toEqual([1, 2]);
    expect(eventsOf(trace, 'notSent')).toEqual([]);
    const frames = eventsOf(trace, 'frame').map(({ link, frame }) => [link, frame.body?.type]);
    expect(frames).toEqual([
      [1, 'Pong'],
      [1, 'Pong'],
      [2, 'Push'],
    ]);
    expect(trace.endMs).toBeGreaterThanOrEqual(100);
    if (target.spreadsAddresses) {
      const own = server.addresses.slice(1);
      expect(new Set(own).size).toBe(2);
      expect(own).toEqual(eventsOf(trace, 'linkUp').map(({ address }) => address));
      expect(own.every((address) => /^127\.(?!0\.)/.test(address))).toBe(true);
    }
  });

  test('defects, text, oversize and empty messages end in a closed link', async () => {
    const target = await openToy();
    const raw = (link: number): Step => ({ op: 'open', link, peer: `p${link}`, mode: 'raw' });
    const trace = await run(target, [
      raw(1),
      { op: 'handshake', link: 1, defect: { kind: 'side' } },
      raw(2),
      { op: 'raw', link: 2, bytes: '61', text: true },
      raw(3),
      { op: 'raw', link: 3, bytes: { size: 70_000 } },
      raw(4),
      { op: 'raw', link: 4, bytes: '' },
      raw(5),
      { op: 'raw', link: 5, bytes: { size: 70_000 }, unfinished: true },
      { op: 'advance', ms: 200 },
      { op: 'frames', link: 1, frames: [{ body: { type: 'Ping', nonce: '0102030405060708' } }] },
    ]);
    expect(
      eventsOf(trace, 'closed')
        .map(({ link, by, code }) => [link, by, code])
        .sort(),
    ).toEqual([1, 2, 3, 4, 5].map((link) => [link, 'node', undefined]));
    expect(eventsOf(trace, 'sessionUp')).toEqual([]);
    expect(eventsOf(trace, 'handshakeFailed')).toMatchObject([{ link: 1 }]);
    expect(eventsOf(trace, 'notSent').map(({ link }) => link)).toEqual([1]);
  });

  test('a node that takes a bad hello: the kit waits for the reaction and then has a session', async () => {
    const target = await openToy({ isCareless: true });
    const trace = await run(target, [
      { op: 'open', link: 1, peer: 'a', mode: 'raw' },
      { op: 'handshake', link: 1, defect: { kind: 'side' } },
    ]);
    expect(eventsOf(trace, 'sessionUp').length).toBe(1);
    expect(trace.endMs).toBeGreaterThanOrEqual(1_000);
  });

  test('closing is the kit’s, and links can share a declared address', async () => {
    const server = await start();
    const target = await openWireTarget({ url: server.url, prepared: directory });
    const trace = await run(target, [
      { op: 'open', link: 1, peer: 'a', mode: 'raw', address: '10.0.0.1' },
      { op: 'open', link: 2, peer: 'b', mode: 'raw', address: '10.0.0.1' },
      { op: 'closeLink', link: 1 },
      { op: 'closeLink', link: 1 },
      { op: 'open', link: 2, peer: 'b', mode: 'raw' },
    ]);
    expect(eventsOf(trace, 'closed')).toMatchObject([{ link: 1, by: 'kit' }]);
    expect(eventsOf(trace, 'notSent').map(({ link }) => link)).toEqual([1, 2]);
    if (target.spreadsAddresses) expect(new Set(server.addresses.slice(1)).size).toBe(1);
  });

  test('WIR-002 WIR-003 the answer to an upgrade is recorded', async () => {
    const trace = await run(await openToy(), [
      { op: 'upgrade', link: 1, subprotocols: ['carillon.v1'] },
      { op: 'upgrade', link: 2, subprotocols: ['other', 'carillon.v1'], extensions: 'permessage-deflate' },
      { op: 'upgrade', link: 3, subprotocols: [] },
    ]);
    expect(eventsOf(trace, 'upgraded')).toMatchObject([
      { link: 1, status: 101, subprotocol: 'carillon.v1', extensions: undefined },
      { link: 2, status: 101, subprotocol: 'carillon.v1', extensions: undefined },
      { link: 3, status: 400, subprotocol: undefined },
    ]);
  });

  test('what needs an adapter is found before the first step', async () => {
    const target: WireTarget = { url: 'ws://127.0.0.1:1', network, spreadsAddresses: false, capabilities: undefined };
    for (const step of [{ op: 'crash' }, { op: 'publish', topic: 'app/t', data: '' }, { op: 'advance', ms: 1e9 }] as const) {
      await expect(run(target, [step])).rejects.toThrow(PlanError);
    }
    await expect(
      executePlanOverWire(target, { setup: { overrides: { 'gossip.mode': 'off' } }, steps: [] }, { seed: '', runId: '' }),
    ).rejects.toThrow(/gossip.mode/);
  });

  test('a node that goes away is a crash', async () => {
    const server = await start();
    const target = await openWireTarget({ url: server.url, prepared: directory });
    await server.close();
    await expect(run(target, [{ op: 'open', link: 1, peer: 'a', mode: 'raw' }])).rejects.toMatchObject({ code: 'E_CRASHED' });
    await expect(run(target, [{ op: 'upgrade', link: 1, subprotocols: [] }])).rejects.toMatchObject({ code: 'E_CRASHED' });
  });
});
