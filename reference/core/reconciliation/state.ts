/** What the machine knows: its links, the exchanges that it runs, the sketches that it can go on with. */
import type { PeerEvent, SetName } from '../machine.ts';
import type { AskId, LinkId, MessageId, MonoMs, PeerId } from '../types.ts';
import type { ReconcilableSet, ReconciliationOptions, ReconciliationOutput } from './contract.ts';
import type { Decoder } from './decoder.ts';
import type { RangeSide } from './ranges.ts';
import type { SaltedSet, ShortIdIndex } from './salted-set.ts';
import type { Partition } from './sets.ts';
import type { SymbolStream } from './stream.ts';

/** One set with one peer: when it is next compared, and how. */
export interface Pairing {
  readonly set: ReconcilableSet;
  dueMs: MonoMs;
  /** Pause after an exchange that finds nothing. */
  pauseMs: number;
  prefixBits: number;
  prefix: number;
  failures: number;
  /** The next exchange uses ranges. Spec: RCN-036 */
  useRanges: boolean;
  /** The peer did not answer about this set, and nobody else was asked since. Spec: RCN-018 */
  isSilent: boolean;
  /** Cells of the next table after one that did not decode, and how many did not; undefined when the last one did. Spec: RCN-064 */
  retry: { readonly cells: number; readonly tables: number } | undefined;
}

/** A sketch that its asker may go on with, and short ids that it may ask for. */
export interface KeptSketch extends Partition {
  readonly set: ReconcilableSet;
  readonly salt: Uint8Array;
  readonly ids: readonly MessageId[];
  readonly index: ShortIdIndex;
  /** Undefined for a table. */
  readonly stream: SymbolStream | undefined;
  /** Counts sketches: the one that began first is dropped first. */
  readonly number: number;
  usedMs: MonoMs;
}

/** What a node knows of a peer, whatever sessions they have. Spec: RCN-014, RCN-018, RCN-036, RCN-037 */
export interface Acquaintance {
  readonly pairings: ReadonlyMap<SetName, Pairing>;
  /** When this node last began an exchange with the peer. */
  begunMs: MonoMs | undefined;
}

/** A session that has the capability. */
export interface ReconcilingLink {
  readonly link: LinkId;
  readonly peer: PeerId;
  readonly hasTables: boolean;
  /** A number of chance that orders links that are equally due. */
  readonly rank: number;
  readonly known: Acquaintance;
  /** When the peer began sketches, within the last interval. */
  peerBegunMs: MonoMs[];
  kept: KeptSketch | undefined;
}

/** How an exchange is carried out. */
export type Phase =
  | {
      readonly type: 'sketch';
      readonly salt: Uint8Array;
      readonly partition: Partition;
      readonly decoder: Decoder;
      size: number | undefined;
      asked: number;
    }
  | {
      readonly type: 'table';
      readonly salt: Uint8Array;
      readonly partition: Partition;
      readonly own: SaltedSet;
      readonly cells: number;
    }
  | { readonly type: 'ranges'; readonly side: RangeSide; readonly needed: Set<MessageId>; messages: number; wasOpening: boolean }
  | {
      readonly type: 'fetch';
      /** Undefined when ids are asked for. */
      readonly salt: Uint8Array | undefined;
      /** Short ids or ids in hex that did not come yet, in the order in which they are asked for. */
      readonly missing: Set<string>;
      asked: ReadonlySet<string>;
      items: number;
    };

/** One exchange of this node with a peer over a set. */
export interface Exchange {
  readonly link: ReconcilingLink;
  readonly pairing: Pairing;
  readonly beganMs: MonoMs;
  ask: AskId;
  phase: Phase;
}

/** The whole state. */
export interface ReconciliationState {
  readonly options: ReconciliationOptions;
  readonly links: Map<LinkId, ReconcilingLink>;
  /** Peers with a session, and those whose session ended last: at most `reconcile.distrusted_max` of the latter. */
  readonly acquaintances: Map<PeerId, Acquaintance>;
  readonly exchanges: Map<AskId, Exchange>;
  /** Peers that are not asked, to when. */
  readonly distrusted: Map<PeerId, MonoMs>;
  /** When each set was last begun with anybody. */
  readonly setBegunMs: Map<SetName, MonoMs>;
  /** Exchanges begun within the last interval. */
  begun: { readonly peer: PeerId; readonly atMs: MonoMs }[];
  /** The clock at the last input. */
  nowMs: MonoMs;
  asks: number;
  sketches: number;
  readonly out: ReconciliationOutput[];
  /** Counters for views. */
  readonly counts: { exchanges: number; same: number; decoded: number; failed: number; items: number };
}

/** A machine without links. */
export function createState(options: ReconciliationOptions): ReconciliationState {
  return {
    options,
    links: new Map(),
    acquaintances: new Map(),
    exchanges: new Map(),
    distrusted: new Map(),
    setBegunMs: new Map(),
    begun: [],
    nowMs: 0,
    asks: 0,
    sketches: 0,
    out: [],
    counts: { exchanges: 0, same: 0, decoded: 0, failed: 0, items: 0 },
  };
}

/** Whether exchanges with a peer may begin. */
export function isTrusted(state: ReconciliationState, peer: PeerId, nowMs: MonoMs): boolean {
  return (state.distrusted.get(peer) ?? 0) <= nowMs;
}

/** Leaves a peer alone for a while, and tells the topology why. Spec: RCN-037, RCN-048 */
export function distrust(
  state: ReconciliationState,
  peer: PeerId,
  fault: Pick<Extract<PeerEvent, { readonly type: 'misbehaved' }>, 'code' | 'clause'>,
  nowMs: MonoMs,
): void {
  const { params } = state.options;
  state.distrusted.delete(peer);
  state.distrusted.set(peer, nowMs + params['reconcile.distrust_ms']);
  for (const known of state.distrusted.keys()) {
    if (state.distrusted.size <= params['reconcile.distrusted_max']) break;
    state.distrusted.delete(known);
  }
  state.out.push({ type: 'misbehaved', peer, ...fault });
}
