/** What the runtime asks of a transport, whatever carries the messages: whole messages, in order, both ways. */
import type { Endpoint, ErrorName } from '../../core/types.ts';

/** One open connection. */
export interface Connection {
  /** Textual IP address of the other end, for limits by address. */
  readonly remoteAddress: string;
  /** Sends one message. False when the connection cannot take it and is being closed for that. */
  send(message: Uint8Array): boolean;
  /** Sends what waits, then ends the connection; ends it anyway after a short time. Nothing is reported afterwards. */
  close(): void;
  /** The handshake above is complete: the connection no longer counts as half open. */
  confirm(): void;
}

/** What a connection tells its owner. `onClosed` comes once and is the last. */
export interface ConnectionEvents {
  onMessage(message: Uint8Array, text: boolean): void;
  /** `reason` says why when this end saw the fault itself. */
  onClosed(reason: CloseReason): void;
}

/** Why a connection ended: the peer went, it sent what no message may be, or it did not read what it was sent. */
export type CloseReason = 'gone' | 'oversize' | 'backpressure' | 'timeout';

/** How a dial ended. */
export interface DialEvents {
  /** The connection is open; returns who listens to it from now on. */
  onOpened(connection: Connection): ConnectionEvents;
  onFailed(reason: string): void;
}

/** Why a connection was turned away at the door. */
export interface Refusal {
  readonly code: ErrorName | 'E_UPGRADE';
  readonly remoteAddress: string;
}

/** What a listener tells its owner. */
export interface ListenEvents {
  onInbound(connection: Connection): ConnectionEvents;
  onRefused(refusal: Refusal): void;
}

/** An open listener. */
export interface Listener {
  /** Where others dial it, for example `ws://127.0.0.1:7600`. */
  readonly url: string;
  /** The address that it has bound: an IP address, and the port that it got. */
  readonly bound: Endpoint;
  /** Takes no more connections, and cuts those that are not open yet. */
  close(): Promise<void>;
}

/** What a place for datagrams tells its owner. */
export interface DatagramEvents {
  /** The array is the owner's. */
  onDatagram(from: Endpoint, data: Uint8Array): void;
}

/** Why a datagram was not sent: too large, too many before it that wait, no such place to send to from here. */
export type DatagramFault = 'size' | 'queue' | 'unreachable';

/** An open place for datagrams. */
export interface DatagramPort {
  /** The address that it has bound. */
  readonly bound: Endpoint;
  /** Sends, if it can; undefined then. Nobody learns whether it arrives. */
  send(to: Endpoint, data: Uint8Array): DatagramFault | undefined;
  close(): Promise<void>;
}

/** Something that can dial and listen. */
export interface Transport {
  /** Rejects with a `Problem` when the address cannot be had. */
  listen(where: ListenAddress, events: ListenEvents): Promise<Listener>;
  /** Dials; exactly one of the two events follows, never before this returns. */
  dial(address: string, events: DialEvents): void;
  /** Opens a place for datagrams; rejects with a `Problem` when the address cannot be had. */
  openDatagrams(where: ListenAddress, events: DatagramEvents): Promise<DatagramPort>;
  /** Takes and makes no more connections, gives those that are ending a moment, and cuts the rest; ends its datagram ports. */
  close(): Promise<void>;
}

/** Where to listen; port 0 takes any free one. */
export interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

/** Bounds that the protocol gives to a transport. */
export interface TransportLimits {
  readonly messageBytesMax: number;
  readonly handshakeTimeoutMs: number;
  readonly halfOpenMax: number;
  readonly halfOpenPerAddressMax: number;
  readonly sessionsMax: number;
}
