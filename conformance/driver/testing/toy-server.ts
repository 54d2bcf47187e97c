/** The toy node as a WebSocket server on the wall clock, for the tests of level wire. */
import { type WebSocket, WebSocketServer } from 'ws';
import { utf8 } from '../../model/bytes.ts';
import { derive } from '../identities.ts';
import type { PreparedNetwork } from '../prepare.ts';
import { type ToyEffect, ToyNode } from './toy-node.ts';

/** A running toy. */
export interface ToyWireServer {
  readonly url: string;
  /** Source addresses of all connections so far. */
  readonly addresses: readonly string[];
  close(): Promise<void>;
}

/** Listens on a free port of the loopback interface. `selects` false: takes any upgrade without a subprotocol. */
export async function serveToyNode(
  network: PreparedNetwork,
  { selects = true, isCareless = false }: { readonly selects?: boolean; readonly isCareless?: boolean } = {},
): Promise<ToyWireServer> {
  const node = new ToyNode({
    seed: derive('toy', network.networkId),
    identitySeed: network.nodeSeed,
    networkId: utf8(network.networkId),
    isCareless,
  });
  const startMs = performance.now();
  const now = (): number => Math.floor(performance.now() - startMs);
  const sockets = new Map<number, WebSocket>();
  const addresses: string[] = [];
  let next = 0;
  const server = new WebSocketServer({
    host: '127.0.0.1',
    port: 0,
    perMessageDeflate: false,
    maxPayload: 65_535,
    verifyClient: (
      { req }: { req: { headers: Record<string, string | string[] | undefined> } },
      done: (isGood: boolean, code?: number) => void,
    ) => {
      const offered = String(req.headers['sec-websocket-protocol'] ?? '').split(/, */);
      done(!selects || offered.includes('carillon.v1'), 400);
    },
    handleProtocols: () => (selects ? 'carillon.v1' : false),
  });
  const carryOut = (effects: readonly ToyEffect[]): void => {
    for (const effect of effects) {
      if (effect.type === 'message') sockets.get(effect.link)?.send(effect.data);
      if (effect.type === 'close') sockets.get(effect.link)?.terminate();
    }
  };
  server.on('connection', (socket, request) => {
    const link = next++;
    sockets.set(link, socket);
    addresses.push(request.socket.remoteAddress ?? '');
    carryOut(node.open(link, now()));
    socket.on('message', (data: Buffer, isBinary: boolean) => carryOut(node.message(link, new Uint8Array(data), !isBinary)));
    socket.on('error', () => undefined);
    socket.on('close', () => {
      node.closed(link);
      sockets.delete(link);
    });
  });
  const ticking = setInterval(() => carryOut(node.tick(now())), 20);
  await new Promise((resolve) => server.once('listening', resolve));
  const address = server.address();
  return {
    url: `ws://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`,
    addresses,
    close: () => {
      clearInterval(ticking);
      for (const socket of sockets.values()) socket.terminate();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}
