/** The state of a gossip machine: its links, and one holder for each thing that it remembers. */
import type { LinkId, MessageId, MonoMs, PeerId, WallMs } from '../types.ts';
import { TRANSACTION_TOPIC } from '../wire/transaction.ts';
import { ActiveSet } from './active-set.ts';
import { Announcements } from './announcements.ts';
import type { GossipOptions, GossipOutput } from './contract.ts';
import type { LinkKind } from './direct.ts';
import { FloodBuckets } from './flood.ts';
import { Inventory } from './inventory.ts';
import { KnownLinks } from './known.ts';
import { MessageCache } from './message-cache.ts';
import { Outbox } from './outbox.ts';
import { PendingMessages } from './pending.ts';
import { OriginCounts, PruneTable } from './prune.ts';
import { PublishedIds } from './published.ts';
import { RejectedEnvelopes } from './rejected.ts';
import { PeerScores } from './score.ts';
import { SeenMemory } from './seen.ts';
import { Service } from './service.ts';
import { HeartbeatWindow } from './windows.ts';

/** One session, as gossip sees it. */
export interface GossipLink {
  readonly link: LinkId;
  readonly peer: PeerId;
  readonly address: string;
  readonly kind: LinkKind;
  /** Whether the session has `mempool/1` (MEM-026). */
  readonly takesTransactions: boolean;
  /** Whether the peer's score is at least `score.gossip_min`. */
  isEligible: boolean;
  readonly ihaveFramesIn: HeartbeatWindow;
  readonly ihaveIdsIn: HeartbeatWindow;
  readonly iwantIdsIn: HeartbeatWindow;
  readonly idontwantIdsIn: HeartbeatWindow;
  /** What the peer takes of us, by its own windows. */
  readonly iwantIdsOut: HeartbeatWindow;
  readonly idontwantIdsOut: HeartbeatWindow;
  readonly prunesReceived: PruneTable;
  readonly prunesSent: PruneTable;
  /** How often each message was sent in answer to Iwants; only of messages in the cache. */
  readonly answers: Map<MessageId, number>;
}

/**
 * Invariants: `linksOf` and `links` hold the same links; links whose session is being closed are in
 * neither, so nothing more is sent on them or taken from them; `heartbeatAtMs` is defined exactly
 * while there are links; `effects` and `outbox` are empty between inputs.
 */
export interface GossipState {
  readonly options: GossipOptions;
  readonly links: Map<LinkId, GossipLink>;
  readonly linksOf: Map<PeerId, Set<LinkId>>;
  readonly seen: SeenMemory;
  readonly published: PublishedIds;
  readonly rejected: RejectedEnvelopes;
  readonly flood: FloodBuckets;
  readonly active: ActiveSet;
  readonly cache: MessageCache;
  readonly known: KnownLinks;
  readonly announcements: Announcements;
  readonly inventory: Inventory;
  readonly pending: PendingMessages;
  readonly counts: OriginCounts;
  readonly scores: PeerScores;
  readonly service: Service;
  readonly outbox: Outbox;
  /** Peers whose score changed during this input. */
  readonly touched: Set<PeerId>;
  /** Linked peers whose score changes by itself. */
  readonly burdened: Set<PeerId>;
  readonly effects: GossipOutput[];
  /** Sequence of the next own message. */
  nextSequence: bigint;
  heartbeatAtMs: MonoMs | undefined;
  decayAtMs: MonoMs | undefined;
  /** Whether links came, went, or changed their eligibility since the active set was chosen. */
  isMembershipStale: boolean;
  nowMs: MonoMs;
  wallMs: WallMs;
}

/** Own messages start at a number of chance, so that a restarted node does not repeat ids (GSP-003). */
const SEQUENCE_START_BITS = 53n;

/** The state of a node that has just started. */
export function createState(options: GossipOptions): GossipState {
  const { params, rng, stakeOf } = options;
  const draw = new DataView(rng.fork('sequence').bytes(8).buffer).getBigUint64(0);
  return {
    options,
    links: new Map(),
    linksOf: new Map(),
    seen: new SeenMemory(params, stakeOf, rng.fork('seen')),
    published: new PublishedIds(params['gossip.seen_ttl_ms'], params['gossip.seen_unstaked_capacity']),
    rejected: new RejectedEnvelopes(params['gossip.rejected_capacity']),
    flood: new FloodBuckets(params, stakeOf),
    active: new ActiveSet(params, rng.fork('active'), options.networkSize),
    cache: new MessageCache(params),
    known: new KnownLinks(params),
    announcements: new Announcements(params),
    inventory: new Inventory(params),
    pending: new PendingMessages(params),
    counts: new OriginCounts(params),
    scores: new PeerScores(params),
    service: new Service(),
    outbox: new Outbox(),
    touched: new Set(),
    burdened: new Set(),
    effects: [],
    nextSequence: draw >> (64n - SEQUENCE_START_BITS),
    heartbeatAtMs: undefined,
    decayAtMs: undefined,
    isMembershipStale: false,
    nowMs: 0,
    wallMs: 0,
  };
}

/** A link whose session has just begun. */
export function createLink(
  options: GossipOptions,
  session: Pick<GossipLink, 'link' | 'peer' | 'address' | 'kind' | 'takesTransactions'>,
): GossipLink {
  const { params } = options;
  const heartbeatMs = params['gossip.heartbeat_ms'];
  const window = (countMax: number): HeartbeatWindow => new HeartbeatWindow(heartbeatMs, countMax);
  return {
    ...session,
    isEligible: true,
    ihaveFramesIn: window(params['gossip.ihave_frames_per_heartbeat']),
    ihaveIdsIn: window(params['gossip.ihave_ids_per_heartbeat']),
    iwantIdsIn: window(params['gossip.iwant_ids_per_heartbeat']),
    idontwantIdsIn: window(params['gossip.idontwant_ids_per_heartbeat']),
    iwantIdsOut: window(params['gossip.iwant_ids_per_heartbeat']),
    idontwantIdsOut: window(params['gossip.idontwant_ids_per_heartbeat']),
    prunesReceived: new PruneTable(params['gossip.prune_origins_tracked_max']),
    prunesSent: new PruneTable(params['gossip.prune_origins_tracked_max']),
    answers: new Map(),
  };
}

/** Whether messages of a topic are sent on a link. Spec: MEM-026 */
export function takesTopic(link: GossipLink | undefined, topic: string): boolean {
  return topic !== TRANSACTION_TOPIC || link?.takesTransactions === true;
}

/** The links of a kind in ascending order: whatever order reaches the wire is a stated one. */
export function linksOfKind(state: GossipState, kind: LinkKind): readonly GossipLink[] {
  return [...state.links.values()].filter((link) => link.kind === kind).sort((a, b) => a.link - b.link);
}
