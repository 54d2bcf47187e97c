/** The adapter on a socket: connects back to the kit, or listens for it. Spec: chapter 23 */
import { connect, createServer, type Socket } from 'node:net';
import type { CryptoProvider } from '../core/crypto/provider.ts';
import type { AdapterIdentity } from './adapter.ts';
import { frameMessage, MessageReader, OversizeMessage } from './framing.ts';
import { createInProcessAdapter, MalformedRequest } from './in-process.ts';

/** `tcp://HOST:PORT` or `unix:/PATH`. */
export type AdapterAddress =
  | { readonly type: 'tcp'; readonly host: string; readonly port: number }
  | { readonly type: 'unix'; readonly path: string };

/** What a served connection needs. */
export interface ServeOptions {
  readonly crypto: CryptoProvider;
  readonly identity: AdapterIdentity;
  /** Told in one line why a connection was closed from this end. */
  readonly complain: (line: string) => void;
  /** A bug of the node or a livelock: nothing that this process says counts any more. */
  readonly fail: (error: unknown) => void;
}

/** Connections served at the same time by a listening adapter. */
const CONNECTIONS_MAX = 64;

/** Reads an address; undefined for any other text. */
export function parseAdapterAddress(text: string): AdapterAddress | undefined {
  if (text.startsWith('unix:')) {
    const path = text.slice('unix:'.length);
    return path === '' ? undefined : { type: 'unix', path };
  }
  const parts = /^tcp:\/\/(?:\[([0-9a-fA-F:.]+)\]|([^:[\]\s/]+)):(\d{1,5})$/.exec(text);
  const host = parts?.[1] ?? parts?.[2];
  const port = Number(parts?.[3]);
  return host !== undefined && port <= 65_535 ? { type: 'tcp', host, port } : undefined;
}

/** Answers requests on a socket until it ends. Resolves with whether the other end kept to the protocol. */
export function serveSocket(socket: Socket, options: ServeOptions): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const answer = createInProcessAdapter(options.crypto, options.identity);
  const reader = new MessageReader();
  let isOrderly = true;

  function end(reason: string): void {
    isOrderly = false;
    options.complain(`connection closed: ${reason}`);
    socket.destroy();
  }

  function onMessage(message: Uint8Array): void {
    // Responses that the kit does not read hold back its further requests.
    if (!socket.destroyed && !socket.write(frameMessage(answer(message)))) socket.pause();
  }

  socket.setNoDelay(true);
  socket.on('drain', () => socket.resume());
  socket.on('data', (piece: Buffer) => {
    try {
      reader.push(piece, onMessage);
    } catch (error) {
      if (error instanceof MalformedRequest || error instanceof OversizeMessage) end(error.message);
      else options.fail(error);
    }
  });
  socket.on('end', () => {
    if (reader.isInside) end('it ended inside a message');
    else socket.end();
  });
  // A reset is the kit's way to go when it has been stopped.
  socket.on('error', () => undefined);
  socket.on('close', () => resolve(isOrderly));
  return promise;
}

/** Connects to the address and serves that one connection. Rejects when it cannot connect; resolves as `serveSocket`. */
export function connectBack(address: AdapterAddress, options: ServeOptions): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const socket = address.type === 'tcp' ? connect(address.port, address.host) : connect(address.path);
    socket.once('error', reject);
    socket.once('connect', () => {
      socket.off('error', reject);
      void serveSocket(socket, options).then(resolve);
    });
  });
}

/** A listening adapter. */
export interface AdapterListener {
  /** In the form that `--adapter` of the kit takes. */
  readonly address: string;
  close(): Promise<void>;
}

/** Listens and serves each connection by itself, with its own nodes. */
export function listenForKits(address: AdapterAddress, options: ServeOptions): Promise<AdapterListener> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    void serveSocket(socket, options).then(() => sockets.delete(socket));
  });
  server.maxConnections = CONNECTIONS_MAX;
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    const onListening = (): void => {
      server.off('error', reject);
      server.on('error', (error) => options.complain(error.message));
      const bound = server.address();
      const text = typeof bound === 'object' && bound !== null ? `tcp://${bracketed(bound.address)}:${bound.port}` : `unix:${bound}`;
      resolve({
        address: text,
        close: () =>
          new Promise((closed) => {
            server.close(() => closed());
            for (const socket of sockets) socket.destroy();
          }),
      });
    };
    if (address.type === 'tcp') server.listen(address.port, address.host, onListening);
    else server.listen(address.path, onListening);
  });
}

function bracketed(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}
