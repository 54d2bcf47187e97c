/** One WebSocket as a `Connection`: whole binary messages, a bound on what waits, a short goodbye. Spec: WIR-007 to WIR-010 */
import type WebSocket from 'ws';
import { CLOSE_GRACE_MS, MESSAGE_PIECES_MAX, SEND_BUFFER_BYTES_MAX, WEBSOCKET_PONGS_MAX } from '../limits.ts';
import type { CloseReason, Connection, ConnectionEvents } from './transport.ts';

/** The subprotocol that both ends must agree on. Spec: WIR-001 */
export const SUBPROTOCOL = 'carillon.v1';

/** What both ends of the transport ask of the WebSocket library. */
export interface SocketSettings {
  readonly perMessageDeflate: false;
  readonly maxPayload: number;
  readonly closeTimeout: number;
  readonly maxBufferedChunks: number;
  readonly maxFragments: number;
  readonly maxPendingAutoPongs: number;
  readonly skipUTF8Validation: true;
}

/** The library's options; text messages are passed on unread, because the node closes on any. Spec: WIR-005 to WIR-008 */
export function socketSettings(messageBytesMax: number): SocketSettings {
  return {
    perMessageDeflate: false,
    maxPayload: messageBytesMax,
    closeTimeout: CLOSE_GRACE_MS,
    maxBufferedChunks: MESSAGE_PIECES_MAX,
    maxFragments: MESSAGE_PIECES_MAX,
    maxPendingAutoPongs: WEBSOCKET_PONGS_MAX,
    skipUTF8Validation: true,
  };
}

/** A WebSocket that is open, and where its messages go. */
export interface SocketConnection extends Connection {
  /** Starts to pass on what arrives. */
  listen(events: ConnectionEvents): void;
  /** Cuts the connection at once and tells its owner why. */
  cut(reason: CloseReason): void;
}

function bytesOf(data: WebSocket.RawData): Uint8Array {
  if (data instanceof ArrayBuffer) return new Uint8Array(data);
  const buffer = Array.isArray(data) ? Buffer.concat(data) : data;
  // A copy: the library's buffers are views into pages that are used again.
  return Uint8Array.from(buffer);
}

function reasonOf(error: Error): CloseReason {
  return 'code' in error && error.code === 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH' ? 'oversize' : 'gone';
}

/** Wraps an open WebSocket. `onReleased` is called once, when the connection no longer counts as half open. */
export function wrapSocket(socket: WebSocket, remoteAddress: string, onReleased: () => void): SocketConnection {
  let events: ConnectionEvents | undefined;
  let isReleased = false;
  let isOver = false;

  function release(): void {
    if (isReleased) return;
    isReleased = true;
    onReleased();
  }

  /** Says once that the connection is over; a connection that this end closed says nothing. */
  function report(reason: CloseReason): void {
    release();
    if (isOver) return;
    isOver = true;
    events?.onClosed(reason);
  }

  function cut(reason: CloseReason): void {
    socket.terminate();
    report(reason);
  }

  // Errors come before `close`; the library ends the connection by itself after one.
  socket.on('error', (error) => report(reasonOf(error)));
  socket.on('close', () => report('gone'));
  socket.on('message', (data, isBinary) => {
    if (!isOver) events?.onMessage(bytesOf(data), !isBinary);
  });

  return {
    remoteAddress,
    listen: (listener) => {
      events = listener;
    },
    send: (message) => {
      if (isOver) return false;
      if (socket.bufferedAmount + message.length > SEND_BUFFER_BYTES_MAX) {
        cut('backpressure');
        return false;
      }
      socket.send(message, { binary: true });
      return true;
    },
    close: () => {
      isOver = true;
      release();
      socket.close(1000);
    },
    confirm: release,
    cut,
  };
}
