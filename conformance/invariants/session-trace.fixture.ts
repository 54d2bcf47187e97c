/** Writes traces by hand, for tests of judges: what the kit did and what a node did, in order. */
import type { HandshakeDefect, Step } from '../driver/plan.ts';
import type { SeenFrame, Trace, TraceEvent } from '../driver/trace.ts';
import { decodeBody, encodeBody } from '../model/bodies.ts';
import { concat, hex, unhex, utf8 } from '../model/bytes.ts';
import { encodeFrame, type SplitFrame, splitPlaintext } from '../model/frame.ts';
import { presetParameters } from '../model/parameters.ts';

type WithoutPlace<E> = E extends TraceEvent ? Omit<E, 'atMs' | 'step'> : never;
type NewEvent = WithoutPlace<TraceEvent>;

const NETWORK = 'test-network';
export const NONCE = '0011223344556677';
export const OTHER_NONCE = '8899aabbccddeeff';

/** A frame of type Ping. */
export function pingFrame(requestId: number, nonce: string = NONCE): Uint8Array {
  return encodeFrame(2, requestId, encodeBody('Ping', { nonce: unhex(nonce) }));
}

/** A frame of type Pong. */
export function pongFrame(requestId: number, nonce: string = NONCE): Uint8Array {
  return encodeFrame(4, requestId, encodeBody('Pong', { nonce: unhex(nonce) }));
}

/** A frame of type GoAway. */
export function goAwayFrame(code: number, retryAfterMs: bigint | number = 0): Uint8Array {
  return encodeFrame(6, 0, encodeBody('GoAway', { code, retryAfterMs }));
}

/** The PeerId of a label in hand-written traces: 32 bytes that begin with its text, so that labels order as texts do. */
export function peerIdOf(label: string): string {
  return hex(concat(utf8(label), new Uint8Array(32))).slice(0, 64);
}

/** A trace in the making. Times are set with `at` and never go back. */
export class TraceScript {
  readonly #events: TraceEvent[] = [];
  readonly #level: 'adapter' | 'wire';
  readonly #overrides: Readonly<Record<string, number>>;
  #atMs = 0;
  #step = -1;

  constructor(options: { readonly level?: 'adapter' | 'wire'; readonly overrides?: Readonly<Record<string, number>> } = {}) {
    this.#level = options.level ?? 'adapter';
    this.#overrides = options.overrides ?? {};
  }

  /** Sets the clock. */
  at(ms: number): this {
    this.#atMs = ms;
    return this;
  }

  add(event: NewEvent): this {
    this.#events.push({ ...event, atMs: this.#atMs, step: this.#step } as TraceEvent);
    return this;
  }

  step(value: Step): this {
    this.#step += 1;
    return this.add({ type: 'step', value });
  }

  /** A connection, without a session. */
  open(link: number, peer: string, options: Partial<Extract<Step, { op: 'open' }>> = {}): this {
    this.step({ op: 'open', link, peer, mode: 'raw', ...options });
    const { direction = 'inbound', address = `198.18.0.${link}` } = options;
    return this.add({ type: 'linkUp', link, peer, peerId: peerIdOf(peer), address, direction, capabilities: [] });
  }

  up(link: number, capabilities: readonly string[] = ['gossip/1']): this {
    return this.add({ type: 'sessionUp', link, nodePeerId: peerIdOf('node'), capabilities });
  }

  /** A session, by an established link. */
  session(link: number, peer: string, options: Partial<Extract<Step, { op: 'open' }>> = {}): this {
    return this.open(link, peer, { mode: 'session', ...options }).up(link, options.capabilities);
  }

  /** The kit's handshake up to its last message. */
  handshake(link: number, defect?: HandshakeDefect, last: 'handshake1' | 'handshake2' | 'handshake3' = 'handshake3'): this {
    this.step({ op: 'handshake', link, ...(defect === undefined ? {} : { defect }) });
    return this.add({ type: 'sentRaw', link, bytes: '00', text: false, role: last });
  }

  /** Frames of the kit in one plaintext. */
  send(link: number, ...frames: readonly Uint8Array[]): this {
    this.step({ op: 'frames', link, frames: [] });
    for (const frame of splitPlaintext(concat(...frames)).frames) {
      this.add({ type: 'sentFrame', link, frame: see(frame), size: frame.raw.length, auto: false });
    }
    return this;
  }

  plaintext(link: number, bytes: Uint8Array): this {
    return this.step({ op: 'plaintext', link, bytes: hex(bytes) });
  }

  /** The step before was not carried out. */
  notSent(link: number): this {
    return this.add({ type: 'notSent', link });
  }

  /** Frames of the node. */
  gets(link: number, ...frames: readonly Uint8Array[]): this {
    for (const frame of splitPlaintext(concat(...frames)).frames) this.add({ type: 'frame', link, frame: see(frame) });
    return this;
  }

  message(link: number, role: 'handshake1' | 'handshake2' | 'handshake3' | 'unreadable', bytes: string): this {
    return this.add({ type: 'message', link, role, bytes });
  }

  closed(link: number, code?: string, by: 'node' | 'kit' = 'node'): this {
    return this.add({ type: 'closed', link, code, by });
  }

  /** A Ping of the kit and its right Pong. */
  served(link: number, requestId: number): this {
    return this.send(link, pingFrame(requestId)).gets(link, pongFrame(requestId));
  }

  end(ms: number): Trace {
    const labels = this.#events.flatMap((event) => (event.type === 'linkUp' ? [event.peer] : []));
    return {
      level: this.#level,
      observes: { deliver: true, verdict: true, closeCode: true, dial: true },
      networkId: NETWORK,
      nodePeerId: peerIdOf('node'),
      wallStartMs: 1_800_000_000_000,
      parameters: { ...presetParameters('conformance'), ...this.#overrides },
      peerIds: Object.fromEntries(labels.map((label) => [label, peerIdOf(label)])),
      stakes: {},
      applicationValidation: false,
      events: this.#events,
      endMs: ms,
    };
  }
}

function see(frame: SplitFrame): SeenFrame {
  return { kind: frame.kind, requestId: frame.requestId, body: decodeBody(frame.kind, frame.body, utf8(NETWORK)), raw: hex(frame.raw) };
}

/** The network id of hand-written traces as bytes. */
export const NETWORK_ID: Uint8Array = utf8(NETWORK);
