/** Sessions over WebSocket: dialling, and what both directions share. Spec: WIR-001, WIR-004, WIR-006 */
import WebSocket from 'ws';
import { STOP_GRACE_MS } from '../limits.ts';
import { messageOf } from '../problem.ts';
import { plainAddress } from './half-open.ts';
import type { DatagramPort, DialEvents, Listener, Transport, TransportLimits } from './transport.ts';
import { openUdp } from './udp.ts';
import { type SocketConnection, SUBPROTOCOL, socketSettings, wrapSocket } from './ws-connection.ts';
import { listenForSockets } from './ws-listener.ts';

/** Whether a text is an address that `dial` takes: `ws://HOST:PORT` or `wss://…`, without user, query or fragment. */
export function isDialAddress(text: string): boolean {
  if (!/^wss?:\/\/[^\s/]/.test(text) || text.length > 512) return false;
  const url = URL.parse(text);
  return url !== null && url.username === '' && url.password === '' && url.hash === '' && url.search === '';
}

/** A transport over WebSocket and UDP with the bounds of the node's parameters. */
export function createWebSocketTransport(limits: TransportLimits): Transport {
  const open = new Set<SocketConnection>();
  const dialling = new Set<WebSocket>();
  const listeners = new Set<Listener>();
  const ports = new Set<DatagramPort>();
  let isClosed = false;
  let whenEmpty: (() => void) | undefined;

  function dial(address: string, events: DialEvents): void {
    if (isClosed || !isDialAddress(address)) {
      queueMicrotask(() => events.onFailed(isClosed ? 'the transport is closed' : 'the address is not ws://HOST:PORT or wss://…'));
      return;
    }
    const options = { ...socketSettings(limits.messageBytesMax), handshakeTimeout: limits.handshakeTimeoutMs, followRedirects: false };
    const socket = new WebSocket(address, SUBPROTOCOL, options);
    dialling.add(socket);
    let remoteAddress = '0.0.0.0';
    const onError = (error: Error): void => {
      dialling.delete(socket);
      socket.terminate();
      events.onFailed(messageOf(error));
    };
    socket.on('upgrade', (response) => {
      remoteAddress = plainAddress(response.socket.remoteAddress);
      response.socket.setNoDelay(true);
    });
    socket.once('error', onError);
    // A connection that is given up may fail once more; nobody is left to tell.
    socket.on('error', () => undefined);
    socket.once('open', () => {
      dialling.delete(socket);
      const connection = wrapSocket(socket, remoteAddress, () => undefined);
      socket.off('error', onError);
      watch(connection, socket);
      connection.listen(events.onOpened(connection));
    });
  }

  /** Waits until every connection has ended, for a short time at most. */
  function settled(): Promise<void> {
    return new Promise((resolve) => {
      const limit = setTimeout(resolve, STOP_GRACE_MS);
      whenEmpty = () => {
        clearTimeout(limit);
        resolve();
      };
      if (open.size === 0) whenEmpty();
    });
  }

  function watch(connection: SocketConnection, socket: WebSocket): void {
    open.add(connection);
    socket.once('close', () => {
      open.delete(connection);
      if (open.size === 0) whenEmpty?.();
    });
  }

  return {
    dial,
    listen: async (where, events) => {
      const listener = await listenForSockets(where, limits, events, watch);
      listeners.add(listener);
      return listener;
    },
    openDatagrams: async (where, events) => {
      const port = await openUdp(where, events);
      ports.add(port);
      return port;
    },
    close: async () => {
      isClosed = true;
      const closingPorts = [...ports].map((port) => port.close());
      // A socket that is cut while it connects reports an error, which its dial hears.
      for (const socket of dialling) socket.terminate();
      const closing = [...listeners].map((listener) => listener.close());
      await settled();
      for (const connection of open) connection.cut('gone');
      await Promise.all([...closing, ...closingPorts]);
      listeners.clear();
    },
  };
}
