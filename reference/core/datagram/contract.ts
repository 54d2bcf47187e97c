/** What goes into the datagram machine and what comes out. Spec: chapter 03, Datagrams */
import type { CryptoProvider } from '../crypto/provider.ts';
import type { DatagramCommand, DatagramEvent, NodeEffect, NodeInput } from '../machine.ts';
import type { Params } from '../params.ts';
import type { Rng } from '../rng.ts';
import type { PeerId } from '../types.ts';

/** Everything that the machine hears of. */
export type DatagramInput = DatagramCommand | Extract<NodeInput, { readonly type: 'datagram' | 'tick' }>;

/** Everything that it asks for or tells. */
export type DatagramOutput = DatagramEvent | Extract<NodeEffect, { readonly type: 'datagram' }>;

/** What the machine is made of. */
export interface DatagramOptions {
  readonly params: Params;
  readonly crypto: CryptoProvider;
  /** A stream of its own: nobody else draws from it. */
  readonly rng: Rng;
  readonly networkId: Uint8Array;
  /** 32 bytes, the Ed25519 secret that signs for the node. */
  readonly identitySeed: Uint8Array;
  readonly self: PeerId;
  /** 32 bytes: the key of the identity. */
  readonly publicKey: Uint8Array;
}
