/** What a simulated network is made of. */
import type { CryptoProvider } from '../core/crypto/provider.ts';
import type { NodeEffect } from '../core/machine.ts';
import type { NodeOptions } from '../core/node.ts';
import type { Params } from '../core/params.ts';
import type { Actor, Place } from './actor.ts';
import type { AddressPlan } from './addresses.ts';
import type { DatagramModel, LinkModel } from './network.ts';
import type { Region } from './regions.ts';

/** How a node can be reached by those that it has not spoken to first. */
export type Reach = 'public' | 'nat';

/**
 * What a world is made of. Two worlds of equal options do the same. Functions of a node's number
 * are asked once for each node, when its place is made.
 */
export interface WorldOptions {
  /** Places made at once, 1 to 100,000; `add` makes more. */
  readonly nodes: number;
  /** Any text; it decides every choice of the world and its nodes. */
  readonly seed: string;
  /** The same for all, or by node; preset `devnet` if absent. */
  readonly params?: Params | ((node: number) => Params);
  readonly links?: Partial<LinkModel>;
  readonly datagrams?: Partial<DatagramModel>;
  /** Run the whole Noise handshake on every link; else links start established, which is many times as fast. */
  readonly handshakes?: boolean;
  /** Each node's wall clock is off by up to so much, both ways. */
  readonly clockSkewMsMax?: number;
  /** Nodes with stake by number; none if absent. */
  readonly stakes?: ReadonlyMap<number, bigint>;
  /** `portableCrypto` if absent; `simulatedCrypto` is a hundred times as fast. */
  readonly crypto?: CryptoProvider;
  /** `spreadAddresses` if absent: a /24 for each. */
  readonly addresses?: AddressPlan;
  /** Latencies then go by region; a node without one has them from the range of the link model. */
  readonly region?: (node: number) => Region | undefined;
  /** `public` if absent. A node behind a NAT is not dialled, and gets datagrams only from where it sent one to. */
  readonly reach?: (node: number) => Reach;
  /**
   * What a node is given to begin with: a number stands for the `ws://` address of that node, a text
   * for itself (`udp://IP:PORT`, `dns:NAME`). None if absent.
   */
  readonly bootstrap?: (node: number) => readonly (number | string)[];
  /** When a node is started, in milliseconds; 0 if absent, and undefined for one that `start` starts. */
  readonly startMs?: (node: number) => number | undefined;
  /** Role bits of the hello; 1 (app) if absent. */
  readonly roles?: (node: number) => number;
  /** Further options of a node, over those that the world gives it. */
  readonly nodeOptions?: (place: Omit<Place, 'createNode' | 'rng'>) => Partial<NodeOptions>;
  /** Who drives a place; the node itself if absent or undefined. */
  readonly actor?: (place: Place) => Actor | undefined;
  /** TXT records by DNS name, for nodes that look names up; a name without any has none. */
  readonly dns?: ReadonlyMap<string, readonly string[]>;
  /** Hash what the nodes do, for `traceHash`; true if absent. */
  readonly trace?: boolean;
  /** Count frames and bytes by kind, for `traffic`; false if absent. For worlds without handshakes. */
  readonly countKinds?: boolean;
  /** Keep what nodes deliver, for `coverage`; true if absent. */
  readonly keepDeliveries?: boolean;
  /** Called with everything that a node does, before it is done. */
  readonly observe?: (node: number, effect: NodeEffect, nowMs: number) => void;
}

/** How a node ends. */
export interface KillOptions {
  /**
   * Nobody notices: its links stay open and say nothing, as when a machine loses its power. Else
   * its peers learn it after one way of latency, as when a process dies.
   */
  readonly isSilent?: boolean;
  /** Let the node say goodbye first; false if absent. */
  readonly isOrderly?: boolean;
}

/** Virtual network id of every world. */
export const NETWORK_NAME = 'sim';
/** The wall clocks' time at 0. */
export const WALL_START_MS = 1_700_000_000_000;
/** How long a dial to nowhere takes to fail. */
export const DIAL_TIMEOUT_MS = 5_000;
/** Round trips until a dialled connection is open: TCP and the upgrade, and the handshake where it is not run. */
export const OPENING_ROUND_TRIPS = 2;
export const HANDSHAKE_ROUND_TRIPS = 1.5;
/** How long a NAT lets answers in after a datagram went out. */
export const NAT_MAPPING_MS = 60_000;
/** How long looking a DNS name up takes. */
export const DNS_MS = 30;
/** Wakes of one node at one moment before it counts as stuck. */
export const WAKES_AT_ONCE_MAX = 10_000;
