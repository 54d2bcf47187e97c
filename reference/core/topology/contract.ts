/** What goes into the topology machine and what comes out. Spec: chapter 10 */
import type { CryptoProvider } from '../crypto/provider.ts';
import type { ConnectCommand, NodeEffect, NodeInput, PeerEvent, SessionCommand, SessionEvent } from '../machine.ts';
import type { Params } from '../params.ts';
import type { Rng } from '../rng.ts';
import type { LinkId, MonoMs, PeerId } from '../types.ts';

/** What the operator asks of the topology. */
export type TopologyRequest =
  /** Keeps a peer away; a duration of at most `topology.ban_ms_max` counts. */
  | { readonly type: 'topology.ban'; readonly peer: PeerId; readonly durationMs: number }
  | { readonly type: 'topology.unban'; readonly peer: PeerId }
  /** Names a peer that is never pruned or evicted, and where it is, if anywhere is known. */
  | { readonly type: 'topology.protect'; readonly peer: PeerId; readonly addresses: readonly string[] }
  | { readonly type: 'topology.unprotect'; readonly peer: PeerId }
  /** Names a peer that may be dialled, and the region where it is said to be. */
  | { readonly type: 'topology.candidate'; readonly peer: PeerId; readonly addresses: readonly string[]; readonly region: string };

/** What becomes of a request. */
export type TopologyOutcome = { readonly type: 'topology.done' };

/** What the application hears unasked: a session was refused or given up; `reason` is the code's name. */
export type TopologyNotice = { readonly type: 'topology.refused'; readonly peer: PeerId; readonly reason: string };

/** Everything that the machine hears of. A `connect` is the operator's: whoever answers is wanted. */
export type TopologyInput =
  | SessionEvent
  | Extract<PeerEvent, { readonly type: 'candidate' | 'misbehaved' | 'contactFound' }>
  | Extract<NodeInput, { readonly type: 'local' | 'tick' | 'connect' }>;

/** Everything that it asks for or tells. */
export type TopologyOutput =
  | SessionCommand
  | ConnectCommand
  | Extract<PeerEvent, { readonly type: 'wantPeers' | 'wantContact' }>
  | Extract<NodeEffect, { readonly type: 'outcome' | 'notice' | 'violation' }>;

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
  /** The score of chapter 05, in points. */
  readonly scoreOf: (peer: PeerId) => number;
  /** The region that a peer's contact record claims; empty without one. */
  readonly claimedRegionOf: (peer: PeerId) => string;
  /** When a link last carried a frame of a class other than control; when its session began before the first. */
  readonly usedMsOf: (link: LinkId) => MonoMs | undefined;
  /** Until when a peer has asked not to be dialled at an address; 0 if it has not. */
  readonly restUntilMs: (address: string, peer: PeerId) => MonoMs;
  /** Peers that agreement needs links with; protected while they are named. */
  readonly consensusPeers: () => ReadonlySet<PeerId>;
  /** Peers that are never pruned, by configuration. */
  readonly protectedPeers: ReadonlySet<PeerId>;
  /** Role bits that the node claims. */
  readonly roles: number;
}
