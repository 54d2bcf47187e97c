/** One WebSocket connection of the kit to a node under test, with a source address of its own. */
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { createServer } from 'node:net';
import WebSocket from 'ws';
import { messageOf } from './errors.ts';
import { derive } from './identities.ts';

/** The subprotocol of chapter 03. */
export const SUBPROTOCOL = 'carillon.v1';
/** Longest wait for an upgrade to be answered. */
const UPGRADE_LIMIT_MS = 5_000;
/** Longest WebSocket message that the kit takes from a node: enough to see that it is too long. */
const MESSAGE_BYTES_MAX = 1024 * 1024;

/** What a socket tells; `onClosed` comes once, also when the connection never opened. */
export interface WireEvents {
  onMessage(bytes: Uint8Array, text: boolean): void;
  onClosed(): void;
}

/** An open connection. */
export interface WireSocket {
  send(bytes: Uint8Array, options: { readonly text: boolean; readonly unfinished: boolean }): void;
  /** Closes in order; ends the connection hard if the node does not answer within a second. */
  close(): void;
  /** Ends the connection at once and waits, at most a second, until it is gone. */
  terminate(): Promise<void>;
}

/** How an attempt to connect ended. `refused`: nobody listens there. `local`: this machine has no address or socket to spare. `failed`: the node answered something else than an upgrade in order. */
export type Connected =
  | { readonly kind: 'open'; readonly socket: WireSocket }
  | { readonly kind: 'refused'; readonly reason: string }
  | { readonly kind: 'local'; readonly reason: string }
  | { readonly kind: 'failed'; readonly reason: string };

const LOCAL_FAULTS: ReadonlySet<unknown> = new Set(['EADDRNOTAVAIL', 'EADDRINUSE', 'EMFILE', 'ENFILE', 'EACCES', 'EINVAL']);

/** Connects with subprotocol `carillon.v1` and no extension. Never rejects. */
export function connectWire(url: string, localAddress: string | undefined, events: WireEvents): Promise<Connected> {
  return new Promise((resolve) => {
    const socket = new WebSocket(url, [SUBPROTOCOL], {
      perMessageDeflate: false,
      maxPayload: MESSAGE_BYTES_MAX,
      handshakeTimeout: UPGRADE_LIMIT_MS,
      followRedirects: false,
      ...(localAddress === undefined ? {} : { localAddress }),
    });
    let isOpen = false;
    let isClosed = false;
    const closed = new Promise<void>((done) => {
      socket.on('close', () => {
        isClosed = true;
        done();
        if (isOpen) events.onClosed();
      });
    });
    const waitClosed = async (limitMs: number): Promise<void> => {
      let timer: NodeJS.Timeout | undefined;
      await Promise.race([closed, new Promise<void>((done) => (timer = setTimeout(done, limitMs)))]);
      clearTimeout(timer);
    };
    socket.on('error', (error) => {
      if (isOpen) return; // `close` follows
      const code = 'code' in error ? error.code : undefined;
      const kind = code === 'ECONNREFUSED' ? 'refused' : LOCAL_FAULTS.has(code) ? 'local' : 'failed';
      resolve({ kind, reason: messageOf(error) });
    });
    socket.on('message', (data: Buffer, isBinary: boolean) => events.onMessage(new Uint8Array(data), !isBinary));
    socket.on('open', () => {
      isOpen = true;
      resolve({
        kind: 'open',
        socket: {
          send: (bytes, { text, unfinished }) => {
            if (!isClosed) socket.send(bytes, { binary: !text, fin: !unfinished, compress: false }, () => undefined);
          },
          close: () => {
            socket.close(1000);
            void waitClosed(1_000).then(() => socket.terminate());
          },
          terminate: async () => {
            socket.terminate();
            await waitClosed(1_000);
          },
        },
      });
    });
  });
}

/** The node's answer to an upgrade request. */
export interface UpgradeAnswer {
  /** HTTP status; 0 when the connection ended without one. */
  readonly status: number;
  readonly subprotocol: string | undefined;
  readonly extensions: string | undefined;
  /** Nobody listens there. */
  readonly isRefused: boolean;
}

/** Asks for an upgrade by hand and ends the connection after the answer. Never rejects. */
export function askUpgrade(
  url: string,
  localAddress: string | undefined,
  subprotocols: readonly string[],
  extensions: string | undefined,
): Promise<UpgradeAnswer> {
  return new Promise((resolve) => {
    const target = new URL(url);
    const isSecure = target.protocol === 'wss:';
    target.protocol = isSecure ? 'https:' : 'http:';
    const request = (isSecure ? httpsRequest : httpRequest)(target, {
      agent: false,
      timeout: UPGRADE_LIMIT_MS,
      headers: {
        Connection: 'Upgrade',
        Upgrade: 'websocket',
        'Sec-WebSocket-Version': '13',
        'Sec-WebSocket-Key': Buffer.from(derive('upgrade key', localAddress ?? '').subarray(0, 16)).toString('base64'),
        ...(subprotocols.length === 0 ? {} : { 'Sec-WebSocket-Protocol': subprotocols.join(', ') }),
        ...(extensions === undefined ? {} : { 'Sec-WebSocket-Extensions': extensions }),
      },
      ...(localAddress === undefined ? {} : { localAddress }),
    });
    const none = { subprotocol: undefined, extensions: undefined };
    request.on('upgrade', ({ statusCode, headers }, socket) => {
      socket.destroy();
      const selected = headers['sec-websocket-protocol'];
      resolve({ status: statusCode ?? 0, subprotocol: selected, extensions: headers['sec-websocket-extensions'], isRefused: false });
    });
    request.on('response', (response) => {
      response.resume();
      response.socket.destroy();
      resolve({ status: response.statusCode ?? 0, ...none, isRefused: false });
    });
    request.on('timeout', () => request.destroy());
    request.on('error', (error) => {
      resolve({ status: 0, ...none, isRefused: 'code' in error && error.code === 'ECONNREFUSED' });
    });
    request.end();
  });
}

/** Whether the URL's host is this machine's IPv4 loopback. */
export function isLoopback(url: string): boolean {
  const { hostname } = new URL(url);
  return hostname === 'localhost' || /^127\.\d+\.\d+\.\d+$/.test(hostname);
}

/** An address of 127.0.0.0/8 other than 127.0.x.x: 16 million of them, so two of a run hardly ever meet. */
export function sourceAddress(seed: string, runId: string, name: string): string {
  const [a = 0, b = 0, c = 0] = derive('source address', seed, runId, name);
  return `127.${1 + (a % 254)}.${b}.${1 + (c % 254)}`;
}

/** Whether a socket can be bound to any loopback address; so on Linux, not on every system. */
export function canSpreadAddresses(): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(0, '127.83.7.1', () => server.close(() => resolve(true)));
  });
}
