/**
 * One message after another between the kit and an adapter: 4-byte lengths over streams, one binary
 * message each over WebSocket.
 */
import { connect, type Socket } from 'node:net';
import WebSocket from 'ws';
import { messageOf, type TargetError, targetProblem } from './errors.ts';

/** Longest message of the adapter protocol, 16 MiB in either direction. */
export const MESSAGE_BYTES_MAX: number = 16 * 1024 * 1024;

/** What a channel tells its owner; `onEnd` comes once and is the last. */
export interface ChannelEvents {
  onMessage(message: Uint8Array): void;
  /** `fault` says how the other side broke the framing; undefined when the connection just ended. */
  onEnd(fault: string | undefined): void;
}

/** A connection that carries whole messages. */
export interface Channel {
  readonly kind: 'stream' | 'websocket';
  /** Sends one message. Throws `RangeError` above 16 MiB. */
  send(message: Uint8Array): void;
  /** Sends bytes of the stream as they are, for tests of the framing; streams only. */
  sendBytes(bytes: Uint8Array): void;
  /** Ends the connection; nothing is reported afterwards. */
  close(): void;
}

/** The 4-byte big-endian length and the message. */
export function frameMessage(message: Uint8Array): Uint8Array {
  if (message.length > MESSAGE_BYTES_MAX) throw new RangeError(`a message of ${message.length} bytes exceeds ${MESSAGE_BYTES_MAX}`);
  const framed = new Uint8Array(4 + message.length);
  new DataView(framed.buffer).setUint32(0, message.length);
  framed.set(message, 4);
  return framed;
}

/** Cuts a byte stream into messages, however it was split into packets. */
export class MessageSplitter {
  readonly #chunks: Uint8Array[] = [];
  #size = 0;

  /** Bytes that do not make a whole message yet. */
  get pendingBytes(): number {
    return this.#size;
  }

  /** Takes a chunk and returns the messages that it completes. Throws `RangeError` on a length above 16 MiB. */
  push(chunk: Uint8Array): Uint8Array[] {
    if (chunk.length > 0) this.#chunks.push(chunk);
    this.#size += chunk.length;
    const messages: Uint8Array[] = [];
    while (this.#size >= 4) {
      const head = this.#join(4);
      const length = new DataView(head.buffer, head.byteOffset).getUint32(0);
      if (length > MESSAGE_BYTES_MAX)
        throw new RangeError(`announces a message of ${length} bytes, at most ${MESSAGE_BYTES_MAX} are allowed`);
      if (this.#size < 4 + length) break;
      const whole = this.#join(4 + length);
      messages.push(new Uint8Array(whole.subarray(4, 4 + length))); // a copy: a Buffer slice would share memory
      this.#chunks[0] = whole.subarray(4 + length);
      this.#size -= 4 + length;
    }
    return messages;
  }

  /** Makes the first chunk hold at least `size` bytes; a chunk is copied only when a message ends in it. */
  #join(size: number): Uint8Array {
    const first = this.#chunks[0] ?? new Uint8Array();
    if (first.length >= size) return first;
    const joined = new Uint8Array(this.#size);
    let offset = 0;
    for (const chunk of this.#chunks) {
      joined.set(chunk, offset);
      offset += chunk.length;
    }
    this.#chunks.splice(0, this.#chunks.length, joined);
    return joined;
  }
}

/** Wraps a connected stream socket. */
export function streamChannel(socket: Socket, events: ChannelEvents): Channel {
  const splitter = new MessageSplitter();
  let ended = false;
  const end = (fault: string | undefined): void => {
    if (ended) return;
    ended = true;
    socket.destroy();
    events.onEnd(fault);
  };
  socket.setNoDelay(true);
  socket.on('data', (chunk: Uint8Array) => {
    if (ended) return;
    try {
      for (const message of splitter.push(chunk)) {
        if (ended) return;
        events.onMessage(message);
      }
    } catch (error) {
      end(messageOf(error));
    }
  });
  socket.on('error', () => end(undefined));
  socket.on('close', () => end(splitter.pendingBytes === 0 ? undefined : `ended inside a message, ${splitter.pendingBytes} bytes into it`));
  return {
    kind: 'stream',
    send: (message) => void socket.write(frameMessage(message)),
    sendBytes: (bytes) => void socket.write(bytes),
    close: () => {
      ended = true;
      socket.destroy();
    },
  };
}

/** Where a listening adapter is. */
export type ListeningAddress =
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  | { readonly kind: 'unix'; readonly path: string }
  | { readonly kind: 'ws'; readonly url: string };

/** Reads `tcp://HOST:PORT`, `unix:PATH` or `ws://…`; returns undefined for anything else. */
export function parseAddress(text: string): ListeningAddress | undefined {
  const tcp = /^tcp:\/\/(?:\[([0-9a-fA-F:.]+)\]|([^:/[\]]+)):(\d{1,5})$/.exec(text);
  if (tcp !== null) {
    const port = Number(tcp[3]);
    return port >= 1 && port <= 65_535 ? { kind: 'tcp', host: tcp[1] ?? tcp[2] ?? '', port } : undefined;
  }
  if (text.startsWith('unix:') && text.length > 5) return { kind: 'unix', path: text.slice(5) };
  if (/^wss?:\/\/[^/]/.test(text) && URL.canParse(text)) return { kind: 'ws', url: text };
  return undefined;
}

/** Connects within the time limit. Throws `TargetError` E_UNREACHABLE. */
export function openChannel(address: ListeningAddress, text: string, events: ChannelEvents, limitMs: number): Promise<Channel> {
  return address.kind === 'ws' ? openWebSocket(address.url, text, events, limitMs) : openStream(address, text, events, limitMs);
}

function unreachable(text: string, why: string): TargetError {
  const action = 'start it first, or check the address';
  return targetProblem('E_UNREACHABLE', `cannot reach the adapter at ${text}`, 'an adapter that listens there', why, action);
}

function openStream(
  address: Extract<ListeningAddress, { kind: 'tcp' | 'unix' }>,
  text: string,
  events: ChannelEvents,
  limitMs: number,
): Promise<Channel> {
  return new Promise((resolve, reject) => {
    const socket = address.kind === 'tcp' ? connect(address.port, address.host) : connect(address.path);
    const fail = (why: string): void => {
      clearTimeout(timer);
      socket.removeAllListeners();
      socket.on('error', () => undefined);
      socket.destroy();
      reject(unreachable(text, why));
    };
    const timer = setTimeout(() => fail(`no connection within ${limitMs} ms`), limitMs);
    socket.once('error', (error) => fail(messageOf(error)));
    socket.once('connect', () => {
      clearTimeout(timer);
      socket.removeAllListeners('error');
      resolve(streamChannel(socket, events));
    });
  });
}

function openWebSocket(url: string, text: string, events: ChannelEvents, limitMs: number): Promise<Channel> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(url, { perMessageDeflate: false, maxPayload: MESSAGE_BYTES_MAX, handshakeTimeout: limitMs });
    let isOpen = false;
    let ended = false;
    const end = (fault: string | undefined): void => {
      if (ended) return;
      ended = true;
      socket.terminate();
      if (isOpen) events.onEnd(fault);
      else reject(unreachable(text, fault ?? 'the connection ended'));
    };
    socket.on('open', () => {
      isOpen = true;
      resolve({
        kind: 'websocket',
        send: (message) => {
          if (message.length > MESSAGE_BYTES_MAX) throw new RangeError(`a message of ${message.length} bytes exceeds ${MESSAGE_BYTES_MAX}`);
          socket.send(message);
        },
        sendBytes: () => {
          throw new TypeError('a WebSocket channel has no byte stream of its own');
        },
        close: () => {
          ended = true;
          socket.terminate();
        },
      });
    });
    socket.on('message', (data: Buffer, isBinary: boolean) => {
      if (ended) return;
      if (isBinary) events.onMessage(new Uint8Array(data));
      else end('sent a WebSocket message of type text');
    });
    socket.on('error', (error) => end(messageOf(error)));
    socket.on('close', () => end(undefined));
  });
}
