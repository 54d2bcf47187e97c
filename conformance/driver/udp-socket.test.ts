import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { hex, unhex, utf8 } from '../model/bytes.ts';
import { encodeDatagram, readDatagram } from '../model/datagram.ts';
import { encodeFrame } from '../model/frame.ts';
import { formatAddress, readAddressText } from './addresses.ts';
import type { Step } from './plan.ts';
import { type PreparedNetwork, prepareNetwork } from './prepare.ts';
import type { Trace } from './trace.ts';
import { parseUdpAddress } from './udp-socket.ts';
import { executePlanOverWire, type WireTarget } from './wire.ts';

let directory: string;
let network: PreparedNetwork;
let node: Socket;
const heard: { readonly bytes: Uint8Array; readonly address: string; readonly port: number }[] = [];

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'carillon-udp-'));
  network = prepareNetwork(directory, 'conformance-wire');
  heard.length = 0;
  node = createSocket('udp4');
  node.on('message', (bytes, { address, port }) => {
    heard.push({ bytes: new Uint8Array(bytes), address, port });
    // A question of its own for each datagram.
    const frame = encodeFrame(2, 5, unhex('0a080101010101010101'));
    node.send(
      encodeDatagram(utf8(network.networkId), { cookie: unhex('0102030405060708'), token: new Uint8Array(8), frame }),
      port,
      address,
    );
  });
  node.bind(0, '127.0.0.1');
  await once(node, 'listening');
});
afterEach(() => {
  node.close();
  rmSync(directory, { recursive: true });
});

const run = (steps: readonly Step[], hasUdp = true): Promise<Trace> => {
  const udp = { host: '127.0.0.1', port: node.address().port };
  const target: WireTarget = { url: 'ws://127.0.0.1:1', network, spreadsAddresses: true, capabilities: [], udp: hasUdp ? udp : undefined };
  return executePlanOverWire(target, { setup: {}, steps }, { seed: 'seed', runId: 'run' });
};

describe('datagrams at level wire', () => {
  const raw: Step = { op: 'rawDatagram', from: '198.18.0.9:4000', bytes: '00' };

  test('come from an address for each IP address of the plan, and answers come to it', async () => {
    const trace = await run([
      raw,
      { op: 'advance', ms: 100 },
      { op: 'datagram', from: '198.18.0.9:4000', frame: { kind: 8, body: { type: 'raw', bytes: '' } } },
      { ...raw, from: '198.18.0.9:4001' },
      { ...raw, from: '198.18.0.10:4000' },
      { op: 'advance', ms: 100 },
    ]);
    const [first, reply, port, host] = heard;
    expect([reply?.address, port?.address]).toEqual([first?.address, first?.address]);
    expect(reply?.port).toBe(first?.port);
    expect(port?.port).not.toBe(first?.port);
    expect(host?.address).not.toBe(first?.address);
    const read = reply && readDatagram(utf8(network.networkId), reply.bytes);
    expect(read && [hex(read.cookie), read.frame.requestId]).toEqual(['0102030405060708', 5]);
    const to = trace.events.flatMap((event) => (event.type === 'datagram' ? [event.to] : []));
    expect(to.sort()).toEqual(['198.18.0.10:4000', '198.18.0.9:4000', '198.18.0.9:4000', '198.18.0.9:4001']);
  });

  test('need the UDP address of the node', async () => {
    await expect(run([raw], false)).rejects.toThrow('UDP address');
  });
});

describe('addresses', () => {
  test('of sockets', () => {
    expect(parseUdpAddress('127.0.0.1:5')).toEqual({ host: '127.0.0.1', port: 5 });
    expect(parseUdpAddress('[::1]:5')).toEqual({ host: '::1', port: 5 });
    for (const bad of ['127.0.0.1', 'a:0', 'a:65536', 'udp://a:1', '']) expect(parseUdpAddress(bad)).toBeUndefined();
  });

  test('read as they are written', () => {
    for (const text of ['ws://1.2.3.4:5', 'wss://a.example:443', 'udp://[2001:db8:0:0:0:0:0:7]:6']) {
      expect(formatAddress(readAddressText(text))).toBe(text);
    }
  });
});
