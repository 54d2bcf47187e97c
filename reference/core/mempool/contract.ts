/** What goes into the mempool machine and what comes out. Spec: chapter 05, Mempool */
import type { CryptoProvider } from '../crypto/provider.ts';
import type { ConnectCommand, NodeEffect, NodeInput, PeerEvent, SessionCommand, SessionEvent } from '../machine.ts';
import type { Params } from '../params.ts';
import type { Rng } from '../rng.ts';
import type { ErrorName, LinkId, MessageId, PeerId, WallMs } from '../types.ts';

/** What the application asks of the mempool. */
export type MempoolRequest = { readonly type: 'mempool.submit'; readonly transaction: Uint8Array };

/** What becomes of a request. */
export type MempoolOutcome = 
  | { readonly type: 'mempool.accepted'; readonly id: MessageId }
  | { readonly type: 'mempool.refused'; readonly code: ErrorName; readonly message: string };

/** What the application hears unasked. */
export type MempoolNotice = { readonly type: 'mempool.dropped'; readonly id: MessageId; readonly code: ErrorName };

/** What the mempool asks of the ledger; a read-only port. */
export interface LedgerPort {
  /** The slot at a moment of the wall clock. */
  slotAt(wallMs: WallMs): bigint;
  /** Nonce that an account uses next, and its balance. */
  accountOf(peer: PeerId): { readonly nonce: bigint; readonly balance: bigint };
  /** Who leads a slot, or undefined when nobody knows. */
  leaderOf(slot: bigint): PeerId | undefined;
}

/** Everything that the machine hears of. */
export type MempoolInput = SessionEvent | Extract<PeerEvent, { readonly type: 'reconciled' }> | Extract<NodeInput, { readonly type: 'local' | 'tick' }>;

/** Everything that it asks for or tells. */
export type MempoolOutput = SessionCommand | ConnectCommand | Extract<PeerEvent, { readonly type: 'misbehaved' }> | Extract<NodeEffect, { readonly type: 'outcome' | 'notice' | 'verdict' | 'violation' }>;

/** What the machine is made of. */
export interface MempoolOptions {
  readonly params: Params;
  readonly crypto: CryptoProvider;
  /** A stream of its own: nobody else draws from it. */
  readonly rng: Rng;
  readonly networkId: Uint8Array;
  /** 32 bytes, the Ed25519 secret that signs for the node. */
  readonly identitySeed: Uint8Array;
  readonly self: PeerId;
  readonly ledger: LedgerPort | undefined;
  readonly sessionOf: (peer: PeerId) => LinkId | undefined;
}
