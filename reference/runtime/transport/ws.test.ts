import { connect, type Socket } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import WebSocket, { WebSocketServer } from 'ws';
import { SEND_BUFFER_BYTES_MAX } from '../limits.ts';
import { Problem } from '../problem.ts';
import type { CloseReason, Connection, Listener, Refusal, Transport, TransportLimits } from './transport.ts';
import { createWebSocketTransport, isDialAddress } from './ws.ts';

const LIMITS: TransportLimits = {
  messageBytesMax: 65_535,
  handshakeTimeoutMs: 400,
  halfOpenMax: 8,
  halfOpenPerAddressMax: 3,
  sessionsMax: 8,
};
const LOOPBACK = { host: '127.0.0.1', port: 0 };

/** One end as a test sees it: what arrived, and promises for what is still to come. */
interface End {
  readonly connection: Connection;
  readonly messages: { readonly data: Uint8Array; readonly text: boolean }[];
  readonly closed: Promise<CloseReason>;
  next(): Promise<Uint8Array>;
}

interface Server {
  readonly transport: Transport;
  readonly listener: Listener;
  readonly port: number;
  readonly ends: End[];
  readonly refusals: Refusal[];
  inbound(): Promise<End>;
}

const cleanups: (() => Promise<unknown> | unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

function makeEnd(connection: Connection): {
  readonly end: End;
  readonly events: { onMessage(data: Uint8Array, text: boolean): void; onClosed(reason: CloseReason): void };
} {
  const messages: { data: Uint8Array; text: boolean }[] = [];
  const waiting: ((data: Uint8Array) => void)[] = [];
  const { promise, resolve } = Promise.withResolvers<CloseReason>();
  let taken = 0;
  const end: End = {
    connection,
    messages,
    closed: promise,
    next: () => {
      const message = messages[taken];
      taken += 1;
      if (message !== undefined) return Promise.resolve(message.data);
      return new Promise((found) => waiting.push(found));
    },
  };
  return {
    end,
    events: {
      onMessage: (data, text) => {
        messages.push({ data, text });
        waiting.shift()?.(data);
      },
      onClosed: resolve,
    },
  };
}

async function serve(limits: Partial<TransportLimits> = {}): Promise<Server> {
  const transport = createWebSocketTransport({ ...LIMITS, ...limits });
  cleanups.push(() => transport.close());
  const ends: End[] = [];
  const refusals: Refusal[] = [];
  const waiting: ((end: End) => void)[] = [];
  let taken = 0;
  const listener = await transport.listen(LOOPBACK, {
    onInbound: (connection) => {
      const { end, events } = makeEnd(connection);
      ends.push(end);
      waiting.shift()?.(end);
      return events;
    },
    onRefused: (refusal) => refusals.push(refusal),
  });
  return {
    transport,
    listener,
    port: Number(new URL(listener.url).port),
    ends,
    refusals,
    inbound: () => {
      const end = ends[taken];
      taken += 1;
      return end === undefined ? new Promise((found) => waiting.push(found)) : Promise.resolve(end);
    },
  };
}

function dial(transport: Transport, address: string): Promise<End> {
  return new Promise((resolve, reject) => {
    transport.dial(address, {
      onOpened: (connection) => {
        const { end, events } = makeEnd(connection);
        resolve(end);
        return events;
      },
      onFailed: (reason) => reject(new Error(reason)),
    });
  });
}

/** A bare WebSocket client. */
function client(server: Server, protocols: string | string[] = 'carillon.v1', options: WebSocket.ClientOptions = {}): WebSocket {
  const socket = new WebSocket(server.listener.url, protocols, { perMessageDeflate: false, ...options });
  socket.on('error', () => undefined);
  cleanups.push(() => socket.terminate());
  return socket;
}

function event(target: NodeJS.EventEmitter, name: string): Promise<unknown[]> {
  return new Promise((resolve) => target.once(name, (...values: unknown[]) => resolve(values)));
}

/** A TCP connection that says what it is told to. */
async function tcp(server: Server): Promise<Socket> {
  const socket = connect(server.port, '127.0.0.1');
  socket.on('error', () => undefined);
  cleanups.push(() => socket.destroy());
  await event(socket, 'connect');
  return socket;
}

function upgradeText(headers: string): string {
  return `GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n${headers}\r\n`;
}

function answerOf(socket: Socket): Promise<string> {
  return new Promise((resolve) => {
    let text = '';
    socket.on('data', (piece: Buffer) => {
      text += piece.toString('latin1');
      if (text.includes('\r\n\r\n')) resolve(text);
    });
    socket.once('close', () => resolve(text));
  });
}

describe('upgrade', () => {
  test('WIR-001 WIR-004 two transports meet, and WIR-009 a message is one WebSocket message, in order, both ways', async () => {
    const server = await serve();
    const near = await dial(server.transport, server.listener.url);
    const far = await server.inbound();
    expect(far.connection.remoteAddress).toBe('127.0.0.1');
    expect(near.connection.remoteAddress).toBe('127.0.0.1');
    for (const size of [1, 65_535, 2]) near.connection.send(new Uint8Array(size).fill(size % 251));
    far.connection.send(Uint8Array.of(9));
    expect((await far.next()).length).toBe(1);
    expect((await far.next()).length).toBe(65_535);
    expect(await far.next()).toEqual(Uint8Array.of(2, 2));
    expect(await near.next()).toEqual(Uint8Array.of(9));
  });

  test('WIR-002 an upgrade without the subprotocol is refused', async () => {
    const server = await serve();
    for (const headers of ['', 'Sec-WebSocket-Protocol: carillon.v2\r\n', 'Sec-WebSocket-Protocol: xcarillon.v1, CARILLON.V1\r\n']) {
      const socket = await tcp(server);
      const answer = answerOf(socket);
      socket.write(upgradeText(headers));
      expect(await answer).toMatch(/^HTTP\/1\.1 400 /);
    }
    expect(server.ends).toEqual([]);
    expect(server.refusals.map((refusal) => refusal.code)).toEqual(['E_UPGRADE', 'E_UPGRADE', 'E_UPGRADE']);
  });

  test('WIR-003 the subprotocol is selected among others', async () => {
    const server = await serve();
    const socket = client(server, ['chat', 'carillon.v1', 'soap']);
    await event(socket, 'open');
    expect(socket.protocol).toBe('carillon.v1');
  });

  test('WIR-005 no compression is accepted', async () => {
    const server = await serve();
    const socket = await tcp(server);
    const answer = answerOf(socket);
    socket.write(
      upgradeText('Sec-WebSocket-Protocol: carillon.v1\r\nSec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n'),
    );
    const text = await answer;
    expect(text).toMatch(/^HTTP\/1\.1 101 /);
    expect(text.toLowerCase()).not.toContain('sec-websocket-extensions');
  });

  test('WIR-001 WIR-006 the dialler offers the subprotocol and no extension', async () => {
    const transport = createWebSocketTransport(LIMITS);
    cleanups.push(() => transport.close());
    const server = new WebSocketServer({ port: 0, host: '127.0.0.1', handleProtocols: () => 'carillon.v1' });
    cleanups.push(() => {
      for (const socket of server.clients) socket.terminate();
      server.close();
    });
    await event(server, 'listening');
    const headers = new Promise<NodeJS.Dict<string | string[]>>((resolve) =>
      server.once('connection', (_, request) => resolve(request.headers)),
    );
    const address = server.address();
    await dial(transport, `ws://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`);
    expect((await headers)['sec-websocket-protocol']).toBe('carillon.v1');
    expect((await headers)['sec-websocket-extensions']).toBeUndefined();
  });

  test('WIR-004 a connection without the subprotocol is ended', async () => {
    const server = new WebSocketServer({ port: 0, host: '127.0.0.1', handleProtocols: () => false });
    cleanups.push(() => new Promise<void>((resolve) => server.close(() => resolve())));
    await event(server, 'listening');
    const transport = createWebSocketTransport(LIMITS);
    cleanups.push(() => transport.close());
    const address = server.address();
    await expect(dial(transport, `ws://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`)).rejects.toThrow(
      /subprotocol/,
    );
  });

  test('a plain request is told what this is', async () => {
    const server = await serve();
    const response = await fetch(server.listener.url.replace('ws:', 'http:'));
    expect(response.status).toBe(426);
  });
});

describe('messages', () => {
  test('WIR-007 WIR-010 text and empty messages are passed on as what they are', async () => {
    const server = await serve();
    const socket = client(server);
    await event(socket, 'open');
    const far = await server.inbound();
    socket.send('héllo');
    socket.send(Buffer.from([0xff, 0xfe]), { binary: false });
    socket.send(new Uint8Array(0));
    for (let count = 0; count < 3; count++) await far.next();
    expect(far.messages.map(({ data, text }) => [data.length, text])).toEqual([
      [6, true],
      [2, true],
      [0, false],
    ]);
  });

  test('WIR-008 a message that announces too much ends the connection before its end', async () => {
    const server = await serve();
    const socket = await tcp(server);
    const answer = answerOf(socket);
    socket.write(upgradeText('Sec-WebSocket-Protocol: carillon.v1\r\n'));
    await answer;
    const far = await server.inbound();
    const closed = event(socket, 'close');
    // The header alone: a masked binary message of 65,536 bytes.
    socket.write(Buffer.from([0x82, 0xff, 0, 0, 0, 0, 0, 1, 0, 0, 1, 2, 3, 4]));
    expect(await far.closed).toBe('oversize');
    await closed;
    expect(far.messages).toEqual([]);
  });

  test('WIR-008 the same in fragments', async () => {
    const server = await serve();
    const socket = client(server);
    await event(socket, 'open');
    const far = await server.inbound();
    socket.send(new Uint8Array(40_000), { fin: false });
    socket.send(new Uint8Array(40_000), { fin: true });
    expect(await far.closed).toBe('oversize');
    expect(far.messages).toEqual([]);
  });

  test('a message in fragments is one message', async () => {
    const server = await serve();
    const socket = client(server);
    await event(socket, 'open');
    const far = await server.inbound();
    for (const part of [1, 2, 3]) socket.send(Uint8Array.of(part), { fin: part === 3 });
    expect(await far.next()).toEqual(Uint8Array.of(1, 2, 3));
  });

  test('a peer that does not read is cut at the bound of what waits', async () => {
    const server = await serve();
    const socket = await tcp(server);
    const answer = answerOf(socket);
    socket.write(upgradeText('Sec-WebSocket-Protocol: carillon.v1\r\n'));
    await answer;
    socket.pause();
    const far = await server.inbound();
    const message = new Uint8Array(65_535);
    let sent = 0;
    while (far.connection.send(message) && sent < 1000) sent += 1;
    // What the operating system buffers comes on top.
    expect(sent * message.length).toBeGreaterThan(SEND_BUFFER_BYTES_MAX / 2);
    expect(sent).toBeLessThan(1000);
    expect(await far.closed).toBe('backpressure');
    expect(far.connection.send(message)).toBe(false);
  });

  test('CNV-013 close sends what waits, and ends the connection even when the peer does not answer', async () => {
    const server = await serve();
    const socket = await tcp(server);
    const answer = answerOf(socket);
    socket.write(upgradeText('Sec-WebSocket-Protocol: carillon.v1\r\n'));
    await answer;
    const pieces: Buffer[] = [];
    socket.on('data', (piece: Buffer) => pieces.push(piece));
    const far = await server.inbound();
    const startMs = performance.now();
    far.connection.send(Uint8Array.of(1, 2, 3));
    far.connection.close();
    await event(socket, 'close');
    expect(performance.now() - startMs).toBeLessThan(1000);
    // A binary message of 3 bytes, then a close frame with 1000.
    expect([...Buffer.concat(pieces)]).toEqual([0x82, 3, 1, 2, 3, 0x88, 2, 0x03, 0xe8]);
  });

  test('the end of the peer is told once', async () => {
    const server = await serve();
    const near = await dial(server.transport, server.listener.url);
    const far = await server.inbound();
    near.connection.close();
    expect(await far.closed).toBe('gone');
    expect(await Promise.race([near.closed, Promise.resolve('silent')])).toBe('silent');
  });
});

describe('strangers', () => {
  test('SES-010 connections beyond the bound of one address are refused, before and after the upgrade', async () => {
    const server = await serve();
    await tcp(server);
    const upgraded = client(server);
    await event(upgraded, 'open');
    await tcp(server);
    const fourth = await tcp(server);
    await event(fourth, 'close');
    expect(server.refusals).toEqual([{ code: 'E_HALF_OPEN', remoteAddress: '127.0.0.1' }]);
    // A completed handshake makes room.
    (await server.inbound()).connection.confirm();
    const fifth = client(server);
    await event(fifth, 'open');
  });

  test('SES-010 another address has room of its own', async () => {
    const server = await serve({ halfOpenPerAddressMax: 1 });
    const first = client(server);
    await event(first, 'open');
    const second = client(server, 'carillon.v1', { localAddress: '127.0.0.2' });
    await event(second, 'open');
    expect(server.ends.map((end) => end.connection.remoteAddress)).toEqual(['127.0.0.1', '127.0.0.2']);
  });

  test('SES-011 all addresses together are bounded', async () => {
    const server = await serve({ halfOpenMax: 2 });
    for (const localAddress of ['127.0.0.1', '127.0.0.2']) await event(client(server, 'carillon.v1', { localAddress }), 'open');
    const third = client(server, 'carillon.v1', { localAddress: '127.0.0.3' });
    await event(third, 'close');
    expect(server.refusals.map((refusal) => refusal.code)).toEqual(['E_HALF_OPEN']);
  });

  test('a connection that the node closes makes room at once', async () => {
    const server = await serve({ halfOpenPerAddressMax: 1 });
    for (let round = 0; round < 5; round++) {
      const socket = client(server);
      await event(socket, 'open');
      const closed = event(socket, 'close');
      (await server.inbound()).connection.close();
      await closed;
    }
  });

  test('SES-008 a connection that never upgrades is ended in time', async () => {
    const server = await serve({ handshakeTimeoutMs: 150 });
    const socket = await tcp(server);
    const startMs = performance.now();
    socket.write('GET / HTTP/1.1\r\nHost: x\r\n');
    await event(socket, 'close');
    expect(performance.now() - startMs).toBeLessThan(1000);
  });

  test('SES-008 a slow upgrade does not buy a second timeout', async () => {
    const server = await serve({ handshakeTimeoutMs: 300 });
    const startMs = performance.now();
    const socket = await tcp(server);
    const answer = answerOf(socket);
    setTimeout(() => socket.write(upgradeText('Sec-WebSocket-Protocol: carillon.v1\r\n')), 200);
    await answer;
    expect(await (await server.inbound()).closed).toBe('timeout');
    expect(performance.now() - startMs).toBeLessThan(1300);
  });

  test('bytes that are no HTTP end the connection', async () => {
    const server = await serve();
    const socket = await tcp(server);
    socket.write('\x16\x03\x01 this is not HTTP\r\n\r\n');
    await event(socket, 'close');
  });
});

describe('addresses', () => {
  test('a port in use is a problem with a way out', async () => {
    const server = await serve();
    const other = createWebSocketTransport(LIMITS);
    const problem: unknown = await other
      .listen({ host: '127.0.0.1', port: server.port }, { onInbound: () => expect.fail(), onRefused: () => undefined })
      .catch((error: unknown) => error);
    expect(problem).toBeInstanceOf(Problem);
    expect(problem).toMatchObject({ code: 'E_CONFIG', parts: { where: `127.0.0.1:${server.port}`, expected: 'a free port' } });
  });

  test.each([
    ['ws://127.0.0.1:7600', true],
    ['ws://[::1]:7600', true],
    ['wss://node.example.org', true],
    ['ws://node.example.org:1/path', true],
    ['http://127.0.0.1:7600', false],
    ['ws://', false],
    ['ws:///x', false],
    ['ws://user@host:1', false],
    ['ws://host:99999', false],
    ['ws://host:1/#x', false],
    ['', false],
  ])('%s is an address to dial: %s', (text, is) => {
    expect(isDialAddress(text)).toBe(is);
  });

  test('a dial to nobody fails, and to no address as well', async () => {
    const server = await serve();
    await server.listener.close();
    await expect(dial(server.transport, server.listener.url)).rejects.toThrow(/ECONNREFUSED/);
    await expect(dial(server.transport, 'tcp://127.0.0.1:1')).rejects.toThrow(/ws:\/\//);
  });

  test('a listener that does not answer the upgrade is given up in time', async () => {
    const silent = (await import('node:net')).createServer(() => undefined);
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const sockets: Socket[] = [];
    silent.on('connection', (socket) => sockets.push(socket));
    cleanups.push(() => {
      for (const socket of sockets) socket.destroy();
      silent.close();
    });
    const transport = createWebSocketTransport({ ...LIMITS, handshakeTimeoutMs: 100 });
    const address = silent.address();
    await expect(dial(transport, `ws://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`)).rejects.toThrow(
      /timed out/,
    );
  });

  test('close ends everything and refuses further dials', async () => {
    const server = await serve();
    const near = await dial(server.transport, server.listener.url);
    await server.transport.close();
    expect(await near.closed).toBe('gone');
    await expect(dial(server.transport, server.listener.url)).rejects.toThrow('the transport is closed');
  });
});
