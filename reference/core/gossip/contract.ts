/** What goes into the gossip machine and what comes out. */
import type { CryptoProvider } from '../crypto/provider.ts';
import type { NodeEffect, NodeInput, PeerEvent, SessionCommand, SessionEvent, TransactionEvent } from '../machine.ts';
import type { Params } from '../params.ts';
import type { EagerLinks } from '../ports.ts';
import type { Rng } from '../rng.ts';
import type { PeerId, WallMs } from '../types.ts';

/** Everything that gossip hears of: its sessions, the application, the time. */
export type GossipInput =
  | Extract<SessionEvent, { readonly type: 'sessionUp' | 'sessionDown' | 'frame' | 'overrun' }>
  | Exclude<TransactionEvent, { readonly type: 'judgeTransaction' }>
  | Extract<PeerEvent, { readonly type: 'envelopeRejected' }>
  | Extract<NodeInput, { readonly type: 'publish' | 'validated' | 'tick' }>;

/** Everything that gossip asks for. */
export type GossipOutput =
  | SessionCommand
  | Extract<TransactionEvent, { readonly type: 'judgeTransaction' }>
  | Extract<NodeEffect, { readonly type: 'deliver' | 'validate' | 'verdict' | 'violation' | 'publishRefused' }>;

/** What a gossip machine is made of. */
export interface GossipOptions {
  readonly params: Params;
  readonly crypto: CryptoProvider;
  /** A stream of its own: nobody else draws from it. */
  readonly rng: Rng;
  readonly networkId: Uint8Array;
  /** 32 bytes, the Ed25519 secret that signs what the node publishes. */
  readonly identitySeed: Uint8Array;
  readonly self: PeerId;
  /** The stake of a peer, 0 for one without; a read-only port, asked at any time. */
  readonly stakeOf: (peer: PeerId) => bigint;
  /** Whether messages wait for the application's verdict. */
  readonly applicationValidation: boolean;
  /** The strategy of chapter 09; the active links without it. */
  readonly eagerLinks?: EagerLinks;
  /** An estimate of the number of nodes, for N where `gossip.network_size` is 0; a read-only port. Spec: DHT-111 */
  readonly networkSize?: () => number;
  /** The leaders of the slot of now and of those that come; a read-only port. Nobody if absent. Spec: MEM-030 */
  readonly comingLeaders?: (wallMs: WallMs) => readonly PeerId[];
}
