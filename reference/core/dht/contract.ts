/** What goes into the dht machine and what comes out. Spec: chapter 08 */
import type { Address } from '../../../proto/gen/carillon/v1/common_pb.ts';
import type { CryptoProvider } from '../crypto/provider.ts';
import type {
  ConnectCommand,
  DatagramCommand,
  DatagramEvent,
  NodeEffect,
  NodeInput,
  PeerEvent,
  SessionCommand,
  SessionEvent,
} from '../machine.ts';
import type { Params } from '../params.ts';
import type { Rng } from '../rng.ts';
import type { ErrorName, KnownContact, LinkId, PeerId } from '../types.ts';

/** What the application asks of the DHT. Targets and keys have 32 bytes. */
export type DhtRequest =
  /** Who is nearest to an id? */
  | { readonly type: 'dht.lookup'; readonly target: Uint8Array }
  /** This node has what the key stands for; for `short` only for a short time. */
  | { readonly type: 'dht.provide'; readonly key: Uint8Array; readonly short: boolean }
  /** Withdraws what was provided or put under a key. */
  | { readonly type: 'dht.unprovide'; readonly key: Uint8Array }
  /** Who provides what has this key? */
  | { readonly type: 'dht.providers'; readonly key: Uint8Array }
  /** Stores data; in `hash` as it is, else signed under a salt. `expectedNext` counts in `mutable` only. */
  | {
      readonly type: 'dht.put';
      readonly namespace: string;
      readonly salt: Uint8Array;
      readonly sequence: bigint;
      readonly data: Uint8Array;
      readonly expectedNext: bigint;
    }
  /** What is stored under a key? */
  | { readonly type: 'dht.get'; readonly key: Uint8Array };

/** How far a lookup went: the longest chain of referrals, that of the nearest contact, and nodes asked. */
export interface LookupFigures {
  readonly hops: number;
  readonly depth: number;
  readonly queries: number;
}

/** One provider of a key. */
export interface FoundProvider extends KnownContact {
  readonly createdMs: number;
}

/** What becomes of a request. */
export type DhtOutcome =
  | ({ readonly type: 'dht.lookup'; readonly contacts: readonly KnownContact[] } & LookupFigures)
  /** After the first publication: nodes that stored it, of those that were asked to. */
  | { readonly type: 'dht.provide'; readonly stored: number; readonly asked: number }
  | { readonly type: 'dht.unprovide'; readonly wasPublished: boolean }
  | ({ readonly type: 'dht.providers'; readonly providers: readonly FoundProvider[] } & LookupFigures)
  | { readonly type: 'dht.put'; readonly key: Uint8Array; readonly stored: number; readonly asked: number }
  /** The content that wins first; a second one in `app/<name>` says that two were written. None when nothing was found. */
  | ({
      readonly type: 'dht.get';
      readonly namespace: string;
      readonly contents: readonly Uint8Array[];
      readonly sequence: bigint;
    } & LookupFigures)
  | { readonly type: 'dht.refused'; readonly code: ErrorName };

/** What the application hears unasked: the first look for this node's own neighbours is over. */
export type DhtNotice = { readonly type: 'dht.ready'; readonly contacts: number };

/** Everything that the machine hears of. */
export type DhtInput =
  | SessionEvent
  | DatagramEvent
  | Extract<PeerEvent, { readonly type: 'wantPeers' | 'wantContact' }>
  | Extract<NodeInput, { readonly type: 'local' | 'resolved' | 'tick' }>;

/** Everything that it asks for or tells. */
export type DhtOutput =
  | SessionCommand
  | DatagramCommand
  | ConnectCommand
  | Extract<PeerEvent, { readonly type: 'candidate' | 'contactFound' | 'misbehaved' }>
  | Extract<NodeEffect, { readonly type: 'outcome' | 'notice' | 'resolve' | 'violation' }>;

/** What the machine is made of. */
export interface DhtOptions {
  readonly params: Params;
  readonly crypto: CryptoProvider;
  /** A stream of its own: nobody else draws from it. */
  readonly rng: Rng;
  readonly networkId: Uint8Array;
  /** 32 bytes, the Ed25519 secret that signs for the node. */
  readonly identitySeed: Uint8Array;
  readonly self: PeerId;
  /** The session with a peer, if there is one. */
  readonly sessionOf: (peer: PeerId) => LinkId | undefined;
  /** Addresses of the first nodes: `ws://…`, `udp://…`, or `dns:NAME` for a list in TXT records. */
  readonly bootstrap: readonly string[];
  readonly listenAddresses: readonly Address[];
}
