/** A window into the node for its operator: health, numbers, peers. Reads only. */
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { messageOf } from './problem.ts';
import type { ListenAddress } from './transport/transport.ts';
import { bindProblem } from './transport/ws-listener.ts';

/** What the window shows; each is asked for anew. */
export interface HttpSources {
  /** An object that JSON can hold, and whether all is well. */
  health(): Promise<{ readonly isHealthy: boolean; readonly detail: object }>;
  metricsText(): string;
  peers(): Promise<readonly object[]>;
}

/** An open window. */
export interface HttpWindow {
  readonly url: string;
  close(): Promise<void>;
}

const REQUEST_MS_MAX = 5_000;
const CONNECTIONS_MAX = 64;

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

function json(status: number, value: unknown): Answer {
  return { status, type: 'application/json; charset=utf-8', body: `${JSON.stringify(value)}\n` };
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host);
}

/** A page in a browser can reach a loopback address under a name of its own choice; such requests carry that name. */
function namesLoopback(request: IncomingMessage): boolean {
  const host = URL.parse(`http://${request.headers.host ?? ''}`)?.hostname ?? '';
  return isLoopback(host.replace(/^\[|\]$/g, ''));
}

async function answer(sources: HttpSources, request: IncomingMessage, mustNameLoopback: boolean): Promise<Answer> {
  if (request.method !== 'GET' && request.method !== 'HEAD') return json(405, { error: 'only GET and HEAD are served' });
  if (mustNameLoopback && !namesLoopback(request)) return json(403, { error: 'the Host header must name the loopback interface' });
  switch ((request.url ?? '').replace(/\?.*$/, '')) {
    case '/health': {
      const { isHealthy, detail } = await sources.health();
      return json(isHealthy ? 200 : 503, detail);
    }
    case '/metrics':
      return { status: 200, type: 'text/plain; version=0.0.4; charset=utf-8', body: sources.metricsText() };
    case '/peers':
      return json(200, { peers: await sources.peers() });
    default:
      return json(404, { error: 'there are /health, /metrics and /peers' });
  }
}

/** Opens the window; rejects with a `Problem` when the address cannot be had. */
export function openHttp(where: ListenAddress, sources: HttpSources): Promise<HttpWindow> {
  const mustNameLoopback = isLoopback(where.host);
  const server = createServer(
    { requestTimeout: REQUEST_MS_MAX, headersTimeout: REQUEST_MS_MAX, maxHeaderSize: 8_192 },
    (request, response) => {
      answer(sources, request, mustNameLoopback)
        // Only a node that stops cannot say how it is.
        .catch((error: unknown) => json(503, { status: 'stopping', error: messageOf(error) }))
        .then(({ status, type, body }) => {
          response.writeHead(status, {
            'Content-Type': type,
            'Content-Length': Buffer.byteLength(body),
            'Cache-Control': 'no-store',
            'X-Content-Type-Options': 'nosniff',
            Connection: 'close',
          });
          response.end(request.method === 'HEAD' ? undefined : body);
        });
    },
  );
  server.maxConnections = CONNECTIONS_MAX;
  server.on('clientError', (_error, socket) => socket.destroy());
  return new Promise((resolve, reject) => {
    server.once('error', (error) => reject(bindProblem(where, error)));
    server.listen({ host: where.host, port: where.port, exclusive: true }, () => {
      server.removeAllListeners('error');
      server.on('error', () => undefined);
      resolve({ url: urlOf(server, where), close: () => closeServer(server) });
    });
  });
}

function urlOf(server: Server, where: ListenAddress): string {
  const { port } = server.address() as AddressInfo;
  return `http://${where.host.includes(':') ? `[${where.host}]` : where.host}:${port}`;
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
