/**
 * Automatic peers: what the kit answers by itself while a plan runs. A behaviour is a function of what
 * it hears and of its own state; it draws no chance but from its keys and reads no clock but the run's.
 */
import type { DatagramSpec } from '../datagrams.ts';
import type { Identities, Identity } from '../identities.ts';
import type { FrameSpec, Json } from '../plan.ts';
import type { SeenDatagram, SeenFrame } from '../trace.ts';

/** What a behaviour has at hand. */
export interface BehaviourKit {
  /** Who it plays. */
  readonly self: Identity;
  readonly identities: Identities;
  readonly networkId: Uint8Array;
  /** The run's clock, in ms. */
  nowMs(): number;
  /** The node's wall clock, in ms. */
  wallMs(): number;
  /** A numeric parameter of chapter 19 in this run. Throws `HarnessError` for a name that is none. */
  parameter(name: string): number;
}

/** What a behaviour hears. */
export type Heard =
  /** A session exists on one of its links; for a link that had one before, at once. */
  | { readonly type: 'sessionUp'; readonly link: number; readonly capabilities: readonly string[] }
  | { readonly type: 'frame'; readonly link: number; readonly frame: SeenFrame }
  /** A datagram of the node to one of its addresses. */
  | { readonly type: 'datagram'; readonly at: string; readonly datagram: SeenDatagram }
  | { readonly type: 'closed'; readonly link: number }
  /** The time of a `wake` has come. */
  | { readonly type: 'due'; readonly wake: string };

/** What it does, at once or after so many ms. */
export type Said = { readonly afterMs?: number } & (
  | { readonly frames: readonly FrameSpec[]; readonly link: number }
  /** `by` is itself where it is left out. */
  | { readonly datagram: DatagramSpec }
  | { readonly close: number }
  | { readonly wake: string }
);

/** An automatic peer. */
export interface Behaviour {
  hear(event: Heard): readonly Said[];
  /** What becomes of a dial to one of its addresses: a link if absent. `lost`: no answer ever. */
  dialled?(address: string): 'open' | 'failed' | 'lost';
}

/** Makes an automatic peer from what the plan says of it. Throws `HarnessError` for settings that mean nothing. */
export type BehaviourMaker = (settings: Json | undefined, kit: BehaviourKit) => Behaviour;
