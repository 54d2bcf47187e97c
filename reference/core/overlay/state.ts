/** The state of an overlay machine. Spec: chapter 09, "State" */
import type { Address } from '../../../proto/gen/carillon/v1/common_pb.ts';
import type { Rng } from '../rng.ts';
import type { AskId, KnownContact, LinkId, MessageId, MonoMs, PeerId } from '../types.ts';
import type { RoleName } from '../wire/overlay-body.ts';
import { Automatic, automaticRule, type SizedStrategy } from './automatic.ts';
import type { OverlayOptions, OverlayOutput } from './contract.ts';
import { type Words, wordsOf } from './distance.ts';
import { BestRate, WindowedMeasures } from './measures.ts';

/** How a node chooses its eager links. */
export type Strategy = 'off' | SizedStrategy;

/** One session, as the overlay sees it. */
export interface OverlayLink {
  readonly link: LinkId;
  readonly peer: PeerId;
  /** The exclusive or of the node's PeerId and the peer's. */
  readonly distance: Words;
  /** Whether the session has `overlay/1`. */
  readonly isOverlay: boolean;
  readonly sinceMs: MonoMs;
  readonly addresses: readonly Address[];
  /** What the peer says that it is. */
  role: RoleName;
  /** Whether the peer is taken as a supernode (OVL-030). */
  isTaken: boolean;
  readonly rate: BestRate;
  /** Attaches that the peer did not answer. */
  unanswered: number;
}

/** A supernode that this node is attached to, or has asked. */
export interface Attachment {
  readonly link: LinkId;
  readonly peer: PeerId;
  /** The question that waits; undefined once it is attached. */
  ask: AskId | undefined;
  /** When the supernode was last found to have been heard, what had been heard, and how many messages others had brought by then. */
  heardAtMs: MonoMs;
  heard: number;
  others: number;
}

/** An alternative that somebody named. */
export interface Alternative {
  readonly contact: KnownContact;
  readonly namedAtMs: MonoMs;
}

/** A message of the application that has no way yet. */
export interface WaitingSend {
  readonly token: number;
  readonly to: PeerId;
  readonly id: MessageId;
  readonly envelope: Uint8Array;
  readonly untilMs: MonoMs;
}

/** Addresses of a peer that are still to be dialled for a message that waits. */
export interface Search {
  /** The address that is being dialled. */
  dialling: string | undefined;
  rest: readonly string[];
}

/**
 * Invariants: at most `overlay.leaves_max` leaves, `overlay.supernodes_per_leaf` attachments,
 * `overlay.contacts_max` alternatives, `overlay.sends_max` sends, `overlay.route_seen_max` routes; leaves only
 * of a supernode, attachments only of a leaf or candidate; `searches` only of peers that a send waits for;
 * `effects` is empty between inputs.
 */
export interface OverlayState {
  readonly options: OverlayOptions;
  readonly chance: Rng;
  readonly automatic: Automatic;
  readonly links: Map<LinkId, OverlayLink>;
  readonly leaves: Set<LinkId>;
  readonly attachments: Map<LinkId, Attachment>;
  /** Peers that are not asked before a time. */
  readonly aside: Map<PeerId, MonoMs>;
  readonly alternatives: Map<PeerId, Alternative>;
  /** Ids of Routes that were taken or sent, with the end of their time, oldest first. */
  readonly routes: Map<MessageId, MonoMs>;
  readonly sends: WaitingSend[];
  readonly searches: Map<PeerId, Search>;
  readonly effects: OverlayOutput[];
  strategy: Strategy;
  role: RoleName;
  /** When the first session began: what uptime counts from. */
  startMs: MonoMs | undefined;
  ownRate: BestRate;
  own: WindowedMeasures;
  /** Counts of gossip at the last beat. */
  lastAnswered: number;
  lastMissed: number;
  /** Routes passed on since the last beat. */
  routed: number;
  candidateSinceMs: MonoMs;
  /** When a candidate moves up if it stays fit and needed. */
  promoteAtMs: MonoMs | undefined;
  unfitSinceMs: MonoMs | undefined;
  /** When an Attach was last refused. */
  refusedAtMs: MonoMs | undefined;
  beatAtMs: MonoMs | undefined;
  nextAsk: number;
  nextSequence: bigint;
  nowMs: MonoMs;
}

/** Own messages start at a number of chance, so that a restarted node does not repeat ids (OVL-057). */
const SEQUENCE_START_BITS = 53n;

/** The state of a node that has just started. */
export function createState(options: OverlayOptions): OverlayState {
  const { params, rng } = options;
  const configured = params['overlay.strategy'];
  const draw = new DataView(rng.fork('sequence').bytes(8).buffer).getBigUint64(0);
  const strategy: Strategy = configured === 'auto' ? 'naive' : configured;
  return {
    options,
    chance: rng.fork('chance'),
    automatic: new Automatic(automaticRule(params)),
    links: new Map(),
    leaves: new Set(),
    attachments: new Map(),
    aside: new Map(),
    alternatives: new Map(),
    routes: new Map(),
    sends: [],
    searches: new Map(),
    effects: [],
    strategy,
    role: strategy === 'supernode' ? 'leaf' : 'none',
    startMs: undefined,
    ownRate: new BestRate(0),
    own: new WindowedMeasures(params['overlay.window_ms'], 0),
    lastAnswered: 0,
    lastMissed: 0,
    routed: 0,
    candidateSinceMs: 0,
    promoteAtMs: undefined,
    unfitSinceMs: undefined,
    refusedAtMs: undefined,
    beatAtMs: undefined,
    nextAsk: 1,
    nextSequence: draw >> (64n - SEQUENCE_START_BITS),
    nowMs: 0,
  };
}

/** Words of the node's own PeerId are asked for so often that they are kept. */
const ownWords = new WeakMap<OverlayOptions, Words>();

/** The node's own PeerId as words. */
export function selfWords(options: OverlayOptions): Words {
  let words = ownWords.get(options);
  if (words === undefined) {
    words = wordsOf(options.self);
    ownWords.set(options, words);
  }
  return words;
}

/** Links with `overlay/1` in ascending order: whatever order reaches the wire is a stated one. */
export function overlayLinks(state: OverlayState): readonly OverlayLink[] {
  return [...state.links.values()].filter(({ isOverlay }) => isOverlay).sort((a, b) => a.link - b.link);
}
