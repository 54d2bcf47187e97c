/**
 * The words that every machine shares: branded ids, time, verdicts, codes.
 *
 * Ids are lower-case hexadecimal strings with a brand, so they key maps directly; they are made by
 * the decoder or a `parse…` function and nowhere else.
 */
import { type Address, ErrorCode } from '../../proto/gen/carillon/v1/common_pb.ts';

/** 64 lower-case hexadecimal digits: a PeerId (IDN-001). */
export type PeerId = string & { readonly brand: 'PeerId' };

/** 64 lower-case hexadecimal digits: an envelope id (IDN-031). */
export type MessageId = string & { readonly brand: 'MessageId' };

/** 64 lower-case hexadecimal digits: SHA-256 of an envelope's bytes. */
export type EnvelopeHash = string & { readonly brand: 'EnvelopeHash' };

/** Names one connection of one node; chosen by the runtime, never used twice. */
export type LinkId = number & { readonly brand: 'LinkId' };

/** Names one question that a machine of this node has put to a peer; counted by the machine that asks. */
export type AskId = number & { readonly brand: 'AskId' };

/** Where datagrams come from and go to: an IP address in its shortest text form and a port. */
export interface Endpoint {
  readonly ip: string;
  readonly port: number;
}

/** Where a peer may be found; hearsay until the peer has answered there itself. */
export interface KnownContact {
  readonly peer: PeerId;
  readonly addresses: readonly Address[];
  /** Supernodes by which the peer says that it can be reached (chapter 09); none if absent. */
  readonly via?: readonly PeerId[];
}

/** Milliseconds of the node's monotonic clock, from 0. */
export type MonoMs = number;

/** Milliseconds since the Unix epoch. Machines get whole ones from 0 to `WALL_MS_MAX`; see `soundNow`. */
export type WallMs = number;

/** The two clocks at the moment of an input; nobody in the core reads another. */
export interface Now {
  readonly monoMs: MonoMs;
  readonly wallMs: WallMs;
}

/** The last wall clock that a machine sees; sums with every time of the parameter table stay exact numbers. */
export const WALL_MS_MAX: WallMs = 2 ** 52;

/**
 * The clocks as machines may count on them. A wall clock is the operator's to set, and one without a battery
 * starts anywhere, so a moment before 1970 counts as its beginning and none is later than `WALL_MS_MAX`.
 */
export function soundNow({ monoMs, wallMs }: Now): Now {
  return { monoMs, wallMs: wallMs >= 0 ? Math.min(Math.floor(wallMs), WALL_MS_MAX) : 0 };
}

/** A name of the error registry, chapter 20. */
export type ErrorName = Exclude<keyof typeof ErrorCode, 'E_NONE'>;

/** What becomes of a signed object, chapter 01. */
export type Verdict = 'accept' | 'ignore' | 'reject';

/** Which end dialled: `outbound` means that this node did and is the Noise initiator. */
export type Direction = 'inbound' | 'outbound';

/** An id of a clause of the spec, for example `GSP-014`. */
export type ClauseId = string;

/** The capability texts of this revision, chapter 04. */
export const CAPABILITY_GOSSIP = 'gossip/1';
export const CAPABILITY_DIRECT = 'direct/1';
export const CAPABILITY_RECORDS = 'records/1';
export const CAPABILITY_RECONCILE = 'reconcile/1';
export const CAPABILITY_IBLT = 'iblt/1';
export const CAPABILITY_DHT = 'dht/1';
export const CAPABILITY_OVERLAY = 'overlay/1';
export const CAPABILITY_MEMPOOL = 'mempool/1';

export { ErrorCode };
