/** What goes into the reconciliation machine and what comes out. Spec: chapter 07 */
import type { CryptoProvider } from '../crypto/provider.ts';
import type { NodeEffect, NodeInput, PeerEvent, SessionCommand, SessionEvent, SetName } from '../machine.ts';
import type { Params } from '../params.ts';
import type { Rng } from '../rng.ts';
import type { MessageId, MonoMs, PeerId, WallMs } from '../types.ts';

/** One item of a set: its id, and when it was made, for sets in the order of time. */
export interface ReconcilableItem {
  readonly id: MessageId;
  readonly timeMs: WallMs;
}

/** A set that nodes bring into agreement; a read-only port of the machine that keeps it. */
export interface ReconcilableSet {
  readonly name: SetName;
  size(): number;
  /** All items in ascending order of their ids. */
  items(): Iterable<ReconcilableItem>;
  /** The bytes of an item, or undefined when it is not there. */
  bytesOf(id: MessageId): Uint8Array | undefined;
  /**
   * Ids that would not be taken if they came now, beyond those that the set held at `sinceMs`: what came
   * in since, and what was let go of lately. Absent when the set takes whatever it lacks. Spec: MEM-037
   */
  unwanted?(sinceMs: MonoMs, nowMs: MonoMs): readonly MessageId[];
  /** The id of bytes that came from somebody else, or undefined when they are no item of this set. */
  idOf(bytes: Uint8Array): MessageId | undefined;
}

/** What the application hears unasked. */
export type ReconciliationNotice = {
  readonly type: 'reconciliation.done';
  readonly set: SetName;
  readonly peer: PeerId;
  readonly items: number;
};

/** Everything that the machine hears of. */
export type ReconciliationInput = SessionEvent | Extract<NodeInput, { readonly type: 'tick' }>;

/** Everything that it asks for or tells. */
export type ReconciliationOutput =
  | SessionCommand
  | Extract<PeerEvent, { readonly type: 'reconciled' | 'misbehaved' }>
  | Extract<NodeEffect, { readonly type: 'notice' | 'violation' }>;

/** What the machine is made of. */
export interface ReconciliationOptions {
  readonly params: Params;
  readonly crypto: CryptoProvider;
  /** A stream of its own: nobody else draws from it. */
  readonly rng: Rng;
  readonly networkId: Uint8Array;
  /** 32 bytes, the Ed25519 secret that signs for the node. */
  readonly identitySeed: Uint8Array;
  readonly self: PeerId;
  readonly sets: readonly ReconcilableSet[];
}
