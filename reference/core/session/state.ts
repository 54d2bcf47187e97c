/**
 * What the session machine remembers. A link is in `halfOpen` until its handshake is complete, in
 * `sessions` until it ends, and nowhere else; `byPeer` holds each session once. Nothing here is
 * durable: after a restart peers shake hands anew.
 */
import type { Address } from '../../../proto/gen/carillon/v1/common_pb.ts';
import type { CryptoProvider } from '../crypto/provider.ts';
import type { NodeEffect, NodeInput, SessionCommand, SessionEvent } from '../machine.ts';
import type { Params } from '../params.ts';
import type { Rng } from '../rng.ts';
import type { Direction, LinkId, MonoMs, PeerId } from '../types.ts';
import type { CipherState } from '../wire/noise.ts';
import { type Admission, createAdmission } from './admission.ts';
import { MINOR_RANGE, type MinorRange, offeredCapabilities } from './capabilities.ts';
import { createDialBook, type DialBook } from './dial.ts';
import { createHandshakeKit, type HandshakeKit, type SessionHandshake } from './handshake.ts';
import type { Identity } from './hello.ts';
import type { Outbox } from './outbox.ts';
import type { Pings } from './ping.ts';
import type { Questions } from './questions.ts';
import type { Rates } from './rates.ts';

/** What a session machine is made of. */
export interface SessionOptions {
  readonly params: Params;
  readonly crypto: CryptoProvider;
  /** A stream of its own, for static and ephemeral keys and nonces: a node that starts again needs another seed (SES-004). */
  readonly rng: Rng;
  /** 1 to `identity.network_id_bytes_max` bytes. */
  readonly networkId: Uint8Array;
  /** 32 bytes, the Ed25519 secret seed. */
  readonly identitySeed: Uint8Array;
  readonly self: PeerId;
  /** Minor versions to offer; those of this revision if absent. */
  readonly minorRange?: MinorRange;
  /** Role bits of the hello; 1 (app) if absent. */
  readonly roles?: number;
  readonly listenAddresses?: readonly Address[];
}

/** What the session machine takes: the inputs that concern links, and what other machines ask for. */
export type SessionInput =
  | Exclude<NodeInput, { readonly type: 'publish' | 'validated' | 'datagram' | 'local' | 'resolved' }>
  | SessionCommand
  /**
   * Nobody has anything left to do: go on with the next frame that was received, or, when none is
   * left, seal what waits to be sent. To be repeated until it gives nothing.
   */
  | { readonly type: 'settled' };

/** What the session machine gives: effects for the runtime, events for other machines. */
export type SessionOutput = NodeEffect | SessionEvent;

/** A connection without a complete handshake. */
export interface HalfOpen {
  readonly link: LinkId;
  readonly direction: Direction;
  readonly address: string;
  /** What this node dialled to get here. */
  readonly dialled: string | undefined;
  /** Whom it dialled, if it cared. */
  readonly expected: PeerId | undefined;
  readonly deadlineMs: MonoMs;
  readonly handshake: SessionHandshake;
}

/** The two directions of a session's encryption. */
export interface Ciphers {
  readonly send: CipherState;
  readonly receive: CipherState;
}

export interface Session {
  readonly link: LinkId;
  readonly peer: PeerId;
  readonly direction: Direction;
  readonly address: string;
  readonly dialled: string | undefined;
  readonly capabilities: ReadonlySet<string>;
  readonly establishedMs: MonoMs;
  /** When it last carried a frame of a class other than control; when it was established before the first. */
  usedMs: MonoMs;
  /** Undefined when frames travel as plaintext, because somebody else took care of the handshake. */
  readonly ciphers: Ciphers | undefined;
  readonly rates: Rates;
  readonly outbox: Outbox;
  readonly pings: Pings;
  readonly questions: Questions;
  /** When frames that the peer's buckets had no room for may leave. */
  releaseMs: MonoMs | undefined;
}

/** A plaintext that has been opened and not been read to its end. */
export interface Unread {
  readonly link: LinkId;
  readonly plaintext: Uint8Array;
  offset: number;
}

export interface SessionState {
  readonly params: Params;
  readonly crypto: CryptoProvider;
  readonly identity: Identity;
  readonly kit: HandshakeKit;
  readonly nonces: Rng;
  readonly halfOpen: Map<LinkId, HalfOpen>;
  readonly admission: Admission;
  readonly sessions: Map<LinkId, Session>;
  readonly byPeer: Map<PeerId, Session>;
  readonly dials: DialBook;
  /** In the order of arrival; empty again after each input but for the part of it that is being worked on. */
  readonly unread: Unread[];
  /** Sessions with frames that have not been looked at by a release. */
  readonly unsent: Set<Session>;
  /** Outputs of the input at hand. */
  out: SessionOutput[];
  stopped: boolean;
}

/** A machine without links. Throws when the options are out of their ranges. */
export function createSessionState(options: SessionOptions): SessionState {
  const { params, crypto, rng } = options;
  const identity: Identity = {
    self: options.self,
    networkId: options.networkId,
    seed: options.identitySeed,
    minor: options.minorRange ?? MINOR_RANGE,
    capabilities: offeredCapabilities(params),
    roles: options.roles ?? 1,
    listenAddresses: options.listenAddresses ?? [],
  };
  const ephemerals = rng.fork('ephemeral');
  return {
    params,
    crypto,
    identity,
    kit: createHandshakeKit(crypto, params, identity, rng.fork('static').bytes(32), () => ephemerals.bytes(32)),
    nonces: rng.fork('ping'),
    halfOpen: new Map(),
    admission: createAdmission(),
    sessions: new Map(),
    byPeer: new Map(),
    dials: createDialBook(),
    unread: [],
    unsent: new Set(),
    out: [],
    stopped: false,
  };
}
