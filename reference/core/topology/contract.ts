/** What goes into the topology machine and what comes out. Spec: chapter 10 */
import type { CryptoProvider } from '../crypto/provider.ts';
import type { ConnectCommand, NodeEffect, NodeInput, PeerEvent, SessionCommand, SessionEvent } from '../machine.ts';
import type { Params } from '../params.ts';
import type { Rng } from '../rng.ts';
import type { PeerId } from '../types.ts';

/** What the operator asks of the topology. */
export type TopologyRequest = 
  | { readonly type: 'topology.ban'; readonly peer: PeerId; readonly durationMs: number }
  | { readonly type: 'topology.unban'; readonly peer: PeerId };

/** What becomes of a request. */
export type TopologyOutcome = { readonly type: 'topology.done' };

/** What the application hears unasked. */
export type TopologyNotice = { readonly type: 'topology.refused'; readonly peer: PeerId; readonly reason: string };

/** Everything that the machine hears of. */
export type TopologyInput = SessionEvent | Extract<PeerEvent, { readonly type: 'candidate' | 'misbehaved' }> | Extract<NodeInput, { readonly type: 'local' | 'tick' }>;

/** Everything that it asks for or tells. */
export type TopologyOutput = SessionCommand | ConnectCommand | Extract<PeerEvent, { readonly type: 'wantPeers' }> | Extract<NodeEffect, { readonly type: 'outcome' | 'notice' | 'violation' }>;

/** What the machine is made of. */
export interface TopologyOptions {
  readonly params: Params;
  readonly crypto: CryptoProvider;
  /** A stream of its own: nobody else draws from it. */
  readonly rng: Rng;
  readonly networkId: Uint8Array;
  /** 32 bytes, the Ed25519 secret that signs for the node. */
  readonly identitySeed: Uint8Array;
  readonly self: PeerId;
  readonly stakeOf: (peer: PeerId) => bigint;
  readonly scoreOf: (peer: PeerId) => number;
  /** Peers that are never pruned, by configuration. */
  readonly protectedPeers: ReadonlySet<PeerId>;
  /** Role bits that the node claims. */
  readonly roles: number;
}
