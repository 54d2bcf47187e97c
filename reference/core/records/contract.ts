/** What goes into the records machine and what comes out. Spec: chapter 06 */
import type { Address } from '../../../proto/gen/carillon/v1/common_pb.ts';
import type { CryptoProvider } from '../crypto/provider.ts';
import type { DatagramCommand, DatagramEvent, NodeEffect, NodeInput, PeerEvent, SessionCommand, SessionEvent } from '../machine.ts';
import type { Params } from '../params.ts';
import type { Rng } from '../rng.ts';
import type { ErrorName, KnownContact, PeerId } from '../types.ts';

/** One record in a list: its label and the numbers that order it. */
export interface ListedRecord {
  readonly origin: PeerId;
  readonly kind: number;
  readonly index: number;
  readonly instance: bigint;
  readonly sequence: bigint;
  readonly wallclockMs: bigint;
}

/** What the application asks of the records. */
export type RecordsRequest =
  /** Says something of the node itself from now on: the strict bytes of the kind's body, or none to say it no more. Kinds 2 and 3. */
  | { readonly type: 'records.set'; readonly kind: number; readonly index: number; readonly body: Uint8Array }
  | { readonly type: 'records.get'; readonly peer: PeerId; readonly kind: number; readonly index: number }
  | { readonly type: 'records.list' }
  /** Asks a session peer, drawn by chance, for all records of an origin. */
  | { readonly type: 'records.fetch'; readonly peer: PeerId };

/** What becomes of a request. */
export type RecordsOutcome =
  | { readonly type: 'records.set'; readonly error: ErrorName | undefined }
  /** The envelope as it came, or undefined when none is held. */
  | { readonly type: 'records.get'; readonly envelope: Uint8Array | undefined }
  /** In ascending order of origin, kind and index. */
  | { readonly type: 'records.list'; readonly records: readonly ListedRecord[] }
  /** How many records were accepted; none also when there was nobody to ask, or no answer. */
  | { readonly type: 'records.fetch'; readonly accepted: number };

/** What the application hears unasked. */
export type RecordsNotice =
  | ({ readonly type: 'records.accepted' } & ListedRecord)
  /** Another copy of this node was started later; this one publishes nothing until that one is gone. Spec: REC-051 */
  | { readonly type: 'records.superseded'; readonly instance: bigint; readonly sequence: bigint };

/** Everything that the machine hears of. */
export type RecordsInput =
  | SessionEvent
  | DatagramEvent
  | Extract<PeerEvent, { readonly type: 'reconciled' | 'placeChanged' }>
  | Extract<NodeInput, { readonly type: 'local' | 'tick' }>;

/** Everything that it asks for or tells. */
export type RecordsOutput =
  | SessionCommand
  | DatagramCommand
  | Extract<PeerEvent, { readonly type: 'candidate' | 'misbehaved' | 'envelopeRejected' }>
  | Extract<NodeEffect, { readonly type: 'outcome' | 'notice' | 'verdict' | 'violation' }>;

/** What a peer says of itself in its contact record. */
export interface PeerClaims extends KnownContact {
  readonly roles: number;
  readonly region: string;
  readonly capabilities: readonly string[];
  /** Supernodes by which it can be reached. */
  readonly via: readonly PeerId[];
  /** A number of OverlayRole. */
  readonly overlayRole: number;
}

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
  /** The region that the node claims; none if absent. */
  readonly region?: string;
  /** The supernodes by which the node can be reached and its place in the overlay, asked now and then; none if absent. */
  readonly overlayPlace?: () => { readonly role: number; readonly via: readonly PeerId[] };
  /** What the node runs, printable ASCII of 1 to 32 bytes each; the reference itself if absent. */
  readonly implementation?: { readonly name: string; readonly version: string };
}
