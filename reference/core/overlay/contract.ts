/** What goes into the overlay machine and what comes out. Spec: chapter 09 */
import type { CryptoProvider } from '../crypto/provider.ts';
import type { ConnectCommand, NodeEffect, NodeInput, PeerEvent, SessionCommand, SessionEvent } from '../machine.ts';
import type { Params } from '../params.ts';
import type { LinkService, OwnService } from '../ports.ts';
import type { Rng } from '../rng.ts';
import type { ErrorName, KnownContact, LinkId, PeerId } from '../types.ts';

/** What the application asks of the router. */
export type OverlayRequest =
  | { readonly type: 'overlay.broadcast'; readonly topic: string; readonly data: Uint8Array }
  | { readonly type: 'overlay.send'; readonly to: PeerId; readonly topic: string; readonly data: Uint8Array };

/** What becomes of a request. */
export type OverlayOutcome =
  | { readonly type: 'overlay.sent' }
  | { readonly type: 'overlay.refused'; readonly code: ErrorName; readonly message: string };

/** What the application hears unasked. */
export type OverlayNotice =
  | { readonly type: 'overlay.received'; readonly from: PeerId; readonly topic: string; readonly data: Uint8Array }
  | { readonly type: 'overlay.role'; readonly role: string }
  | { readonly type: 'overlay.strategy'; readonly strategy: string };

/** Everything that the machine hears of. */
export type OverlayInput =
  | SessionEvent
  | Extract<PeerEvent, { readonly type: 'contactFound' }>
  | Extract<NodeInput, { readonly type: 'local' | 'tick' }>;

/** Everything that it asks for or tells. */
export type OverlayOutput =
  | SessionCommand
  | ConnectCommand
  | Extract<PeerEvent, { readonly type: 'wantContact' | 'envelopeRejected' | 'placeChanged' }>
  | Extract<NodeInput, { readonly type: 'publish' }>
  | Extract<NodeEffect, { readonly type: 'outcome' | 'notice' | 'verdict' | 'violation' }>;

/** What the machine is made of. */
export interface OverlayOptions {
  readonly params: Params;
  readonly crypto: CryptoProvider;
  /** A stream of its own: nobody else draws from it. */
  readonly rng: Rng;
  readonly networkId: Uint8Array;
  /** 32 bytes, the Ed25519 secret that signs for the node. */
  readonly identitySeed: Uint8Array;
  readonly self: PeerId;
  /** An estimate of the number of nodes; 0 while there is none. */
  readonly networkSize: () => number;
  /** What the records say of a peer, if anything. */
  readonly contactOf: (peer: PeerId) => KnownContact | undefined;
  /** What gossip has seen a link do, and whether a Prune of this node lasts on it. */
  readonly serviceOf: (link: LinkId) => LinkService | undefined;
  readonly isPruned: (link: LinkId) => boolean;
  readonly ownService: () => OwnService;
}
