/**
 * The listening end: an HTTP server that knows nothing but the upgrade. Strangers are counted from
 * their first byte of TCP, so that a slow upgrade costs what a slow handshake costs.
 * Spec: WIR-002, WIR-003, WIR-005, SES-008, SES-010, SES-011
 */
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import type WebSocket from 'ws';
import { WebSocketServer } from 'ws';
import { CLOSE_GRACE_MS } from '../limits.ts';
import { messageOf, Problem, systemCodeOf } from '../problem.ts';
import { createHalfOpen, type HalfOpen, plainAddress } from './half-open.ts';
import type { ListenAddress, ListenEvents, Listener, TransportLimits } from './transport.ts';
import { type SocketConnection, SUBPROTOCOL, socketSettings, wrapSocket } from './ws-connection.ts';

/** The text forms of a request header that lists tokens. */
function offersSubprotocol(request: IncomingMessage): boolean {
  const offered = request.headers['sec-websocket-protocol'] ?? '';
  return offered.split(',').some((token) => token.trim() === SUBPROTOCOL);
}

/** What is known of a TCP connection before it is a WebSocket. */
interface Stranger {
  readonly address: string;
  readonly openedMs: number;
  /** Cuts the connection when its time is over. */
  deadline: NodeJS.Timeout;
  hasLeft: boolean;
}

function refuseUpgrade(socket: Duplex): void {
  const body = `This address takes WebSocket connections with the subprotocol ${SUBPROTOCOL}.\n`;
  socket.end(
    `HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Type: text/plain\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
  // The other end may not read what it is told.
  setTimeout(() => socket.destroy(), CLOSE_GRACE_MS).unref();
}

/** Opens the listener; rejects with a `Problem` when the address cannot be had. */
export async function listenForSockets(
  where: ListenAddress,
  limits: TransportLimits,
  events: ListenEvents,
  onOpen: (connection: SocketConnection, socket: WebSocket) => void,
): Promise<Listener> {
  const halfOpen = createHalfOpen(limits.halfOpenMax, limits.halfOpenPerAddressMax);
  const strangers = new Map<Duplex, Stranger>();
  const server = createHttpServer(limits);
  const sockets = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    handleProtocols: () => SUBPROTOCOL,
    ...socketSettings(limits.messageBytesMax),
  });

  server.on('connection', (socket) => {
    const address = plainAddress(socket.remoteAddress);
    if (!halfOpen.enter(address)) {
      socket.destroy();
      events.onRefused({ code: 'E_HALF_OPEN', remoteAddress: address });
      return;
    }
    const stranger: Stranger = {
      address,
      openedMs: performance.now(),
      deadline: setTimeout(() => socket.destroy(), limits.handshakeTimeoutMs),
      hasLeft: false,
    };
    strangers.set(socket, stranger);
    socket.once('close', () => {
      leave(halfOpen, stranger);
      strangers.delete(socket);
    });
  });

  server.on('drop', (refused) => events.onRefused({ code: 'E_BUSY', remoteAddress: plainAddress(refused?.remoteAddress) }));

  server.on('upgrade', (request, socket, head) => {
    const stranger = strangers.get(socket);
    if (stranger === undefined || !offersSubprotocol(request)) {
      events.onRefused({ code: 'E_UPGRADE', remoteAddress: plainAddress(request.socket.remoteAddress) });
      refuseUpgrade(socket);
      return;
    }
    request.socket.setNoDelay(true);
    sockets.handleUpgrade(request, socket, head, (webSocket) => {
      const connection = wrapSocket(webSocket, stranger.address, () => leave(halfOpen, stranger));
      // The core's own timeout starts now; this one ends a connection whose upgrade was already slow.
      clearTimeout(stranger.deadline);
      const leftMs = limits.handshakeTimeoutMs + CLOSE_GRACE_MS - (performance.now() - stranger.openedMs);
      stranger.deadline = setTimeout(() => connection.cut('timeout'), Math.max(0, leftMs));
      onOpen(connection, webSocket);
      connection.listen(events.onInbound(connection));
    });
  });

  await bind(server, where);
  const bound = server.address() as AddressInfo;
  return {
    url: urlOf(where, bound),
    bound: { ip: plainAddress(bound.address), port: bound.port },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const [socket, stranger] of strangers) {
          if (!stranger.hasLeft) socket.destroy();
        }
      }),
  };
}

function leave(halfOpen: HalfOpen, stranger: Stranger): void {
  clearTimeout(stranger.deadline);
  if (stranger.hasLeft) return;
  stranger.hasLeft = true;
  halfOpen.leave(stranger.address);
}

function createHttpServer(limits: TransportLimits): Server {
  const server = createServer({ keepAlive: false, maxHeaderSize: 16_384 }, (_request, response) => {
    const body = `This address takes WebSocket connections with the subprotocol ${SUBPROTOCOL}.\n`;
    response.writeHead(426, { Connection: 'close', Upgrade: 'websocket', 'Content-Type': 'text/plain' }).end(body);
  });
  // Connections that end are still there for a moment.
  server.maxConnections = limits.sessionsMax + 2 * limits.halfOpenMax;
  server.on('clientError', (_error, socket) => socket.destroy());
  return server;
}

function bind(server: Server, where: ListenAddress): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error) => reject(bindProblem(where, error)));
    server.listen({ host: where.host, port: where.port, exclusive: true }, () => {
      server.removeAllListeners('error');
      // An error of accepting one connection is that connection's alone.
      server.on('error', () => undefined);
      resolve();
    });
  });
}

/** Why an address could not be listened at, in words that lead somewhere. */
export function bindProblem(where: ListenAddress, error: unknown): Problem {
  const place = `${where.host}:${where.port}`;
  switch (systemCodeOf(error)) {
    case 'EADDRINUSE':
      return new Problem('E_CONFIG', {
        where: place,
        expected: 'a free port',
        found: 'another process that listens there',
        todo: 'stop it, or choose another port (0 takes any free one)',
      });
    case 'EACCES':
      return new Problem('E_CONFIG', {
        where: place,
        expected: 'a port that this user may listen at',
        found: 'permission denied',
        todo: 'choose a port above 1023',
      });
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return new Problem('E_CONFIG', {
        where: place,
        expected: 'an address of this machine',
        found: messageOf(error),
        todo: 'listen at 127.0.0.1 for this machine alone, or at 0.0.0.0 for all its networks',
      });
    default:
      return new Problem('E_CONFIG', {
        where: place,
        expected: 'an address to listen at',
        found: messageOf(error),
        todo: 'check listen.host and listen.port',
      });
  }
}

function urlOf(where: ListenAddress, bound: AddressInfo): string {
  const host = where.host.includes(':') ? `[${where.host}]` : where.host;
  return `ws://${host}:${bound.port}`;
}
