/** What goes into the dht machine and what comes out. Spec: chapter 08 */
import type { Address } from '../../../proto/gen/carillon/v1/common_pb.ts';
import type { CryptoProvider } from '../crypto/provider.ts';
import type { ConnectCommand, DatagramCommand, DatagramEvent, NodeEffect, NodeInput, PeerEvent, SessionCommand, SessionEvent } from '../machine.ts';
import type { Params } from '../params.ts';
import type { Rng } from '../rng.ts';
import type { KnownContact, LinkId, PeerId } from '../types.ts';

/** What the application asks of the DHT. */
export type DhtRequest = { readonly type: 'dht.lookup'; readonly target: Uint8Array };

/** What becomes of a request. */
export type DhtOutcome = { readonly type: 'dht.lookup'; readonly contacts: readonly KnownContact[]; readonly hops: number; readonly queries: number };

/** What the application hears unasked. */
export type DhtNotice = { readonly type: 'dht.ready'; readonly contacts: number };

/** Everything that the machine hears of. */
export type DhtInput = SessionEvent | DatagramEvent | Extract<PeerEvent, { readonly type: 'wantPeers' | 'wantContact' }> | Extract<NodeInput, { readonly type: 'local' | 'resolved' | 'tick' }>;

/** Everything that it asks for or tells. */
export type DhtOutput = SessionCommand | DatagramCommand | ConnectCommand | Extract<PeerEvent, { readonly type: 'candidate' | 'contactFound' | 'misbehaved' }> | Extract<NodeEffect, { readonly type: 'outcome' | 'notice' | 'resolve' | 'violation' }>;

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
