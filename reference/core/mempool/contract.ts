/** What goes into the mempool machine and what comes out. Spec: chapter 05, "Mempool" */
import type { CryptoProvider } from '../crypto/provider.ts';
import type { NodeEffect, NodeInput, PeerEvent, TransactionEvent } from '../machine.ts';
import type { Params } from '../params.ts';
import type { Rng } from '../rng.ts';
import type { ErrorName, LinkId, MessageId, PeerId, WallMs } from '../types.ts';

/** What the application asks of the mempool. */
export type MempoolRequest =
  /** Takes the bytes of an Envelope with context `transaction`. */
  | { readonly type: 'mempool.submit'; readonly envelope: Uint8Array }
  /** The ready transactions in the order of MEM-023. */
  | { readonly type: 'mempool.list'; readonly countMax: number };

/** What becomes of a request. */
export type MempoolOutcome =
  | { readonly type: 'mempool.accepted'; readonly id: MessageId }
  | { readonly type: 'mempool.refused'; readonly code: ErrorName; readonly message: string }
  | { readonly type: 'mempool.listed'; readonly ids: readonly MessageId[] };

/** What the application hears unasked: a transaction left the pool; E_UNDERPRICED for one that was replaced. */
export type MempoolNotice = { readonly type: 'mempool.dropped'; readonly id: MessageId; readonly code: ErrorName };

/** What the mempool asks of the ledger; a read-only port. */
export interface LedgerPort {
  /** The slot at a moment of the wall clock. */
  slotAt(wallMs: WallMs): bigint;
  /** When a slot begins; undefined where no slots pass. */
  slotStartMs(slot: bigint): WallMs | undefined;
  /** The nonce that an account uses next, and its balance. */
  accountOf(peer: PeerId): { readonly nonce: bigint; readonly balance: bigint };
  /** Who leads a slot, or undefined when nobody knows. */
  leaderOf(slot: bigint): PeerId | undefined;
}

/** Everything that the machine hears of. */
export type MempoolInput =
  | Extract<TransactionEvent, { readonly type: 'judgeTransaction' }>
  | Extract<PeerEvent, { readonly type: 'reconciled' }>
  | Extract<NodeInput, { readonly type: 'local' | 'tick' }>;

/** Everything that it asks for or tells. */
export type MempoolOutput =
  | Exclude<TransactionEvent, { readonly type: 'judgeTransaction' }>
  | Extract<NodeEffect, { readonly type: 'outcome' | 'notice' }>;

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
  readonly ledger: LedgerPort;
  readonly sessionOf: (peer: PeerId) => LinkId | undefined;
}
