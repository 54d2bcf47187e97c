/** What goes into the records machine and what comes out. Spec: chapter 06 */
import type { Address } from '../../../proto/gen/carillon/v1/common_pb.ts';
import type { CryptoProvider } from '../crypto/provider.ts';
import type { DatagramCommand, DatagramEvent, NodeEffect, NodeInput, PeerEvent, SessionCommand, SessionEvent } from '../machine.ts';
import type { Params } from '../params.ts';
import type { Rng } from '../rng.ts';
import type { PeerId } from '../types.ts';

/** What the application asks of the records. */
export type RecordsRequest = { readonly type: 'records.list' };

/** What becomes of a request. */
export type RecordsOutcome = { readonly type: 'records.list'; readonly labels: readonly string[] };

/** What the application hears unasked. */
export type RecordsNotice = { readonly type: 'records.superseded' };

/** Everything that the machine hears of. */
export type RecordsInput = SessionEvent | DatagramEvent | Extract<PeerEvent, { readonly type: 'reconciled' }> | Extract<NodeInput, { readonly type: 'local' | 'tick' }>;

/** Everything that it asks for or tells. */
export type RecordsOutput = SessionCommand | DatagramCommand | Extract<PeerEvent, { readonly type: 'candidate' | 'misbehaved' }> | Extract<NodeEffect, { readonly type: 'outcome' | 'notice' | 'verdict' | 'violation' }>;

/** What the machine is made of. */
export interface RecordsOptions {
  readonly params: Params;
  readonly crypto: CryptoProvider;
  /** A stream of its own: nobody else draws from it. */
  readonly rng: Rng;
  readonly networkId: Uint8Array;
  /** 32 bytes, the Ed25519 secret that signs for the node. */
  readonly identitySeed: Uint8Array;
  readonly self: PeerId;
  readonly stakeOf: (peer: PeerId) => bigint;
  /** Role bits that the node claims. */
  readonly roles: number;
  readonly listenAddresses: readonly Address[];
  readonly capabilities: readonly string[];
}
