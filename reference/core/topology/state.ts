/** What the topology machine remembers. Nothing of it is durable. Spec: chapter 10, "State" */
import type { Params } from '../params.ts';
import type { Rng } from '../rng.ts';
import type { Direction, LinkId, MonoMs, PeerId } from '../types.ts';
import type { Role } from './admission.ts';
import { Bans } from './bans.ts';
import { Candidates } from './candidates.ts';
import type { TopologyOptions, TopologyOutput } from './contract.ts';
import { PeerMemory } from './memory.ts';
import { countedRegion, parseRegion, type Region } from './region.ts';
import { peerScore } from './score.ts';

/** One session. */
export interface Member {
  readonly link: LinkId;
  readonly peer: PeerId;
  readonly direction: Direction;
  readonly role: Role;
  readonly subnet: string | undefined;
  readonly sinceMs: MonoMs;
  /** The node chose the peer as a candidate, or the operator did. */
  isChosen: boolean;
  /** Opened for a question only: it does not count. */
  isTransient: boolean;
  /** The node has ended it, and waits to hear so. */
  isEnding: boolean;
}

/** A dial of this machine's own. */
export interface Dial {
  readonly peer: PeerId;
  readonly address: string;
  readonly subnet: string | undefined;
  readonly region: Region;
  readonly sinceMs: MonoMs;
}

/** Wishes of the operator that are remembered; the oldest goes. */
export const WISHES_MAX = 1024;

export interface TopologyState {
  readonly options: TopologyOptions;
  readonly params: Params;
  readonly rng: Rng;
  readonly ownRegion: Region;
  readonly isActive: boolean;
  readonly members: Map<LinkId, Member>;
  readonly linkOf: Map<PeerId, LinkId>;
  readonly memory: PeerMemory;
  readonly bans: Bans;
  readonly candidates: Candidates;
  /** By configuration and by the operator. */
  readonly protectedPeers: Set<PeerId>;
  readonly dials: Map<PeerId, Dial>;
  /** Addresses that the operator wants to be connected to. */
  readonly wishes: Set<string>;
  /** An outbound session of which it is not yet known who wanted it. */
  unjudged: Member | undefined;
  /** When the node looks next whom to dial and whom to prune; undefined while there is no need. */
  roundAtMs: MonoMs | undefined;
  pruneAtMs: MonoMs | undefined;
  /** When the DHT may be asked for peers again. */
  wantMs: MonoMs;
  /** When a protected peer that cannot be reached may be looked up again. Spec: TOP-054 */
  readonly lookups: Map<PeerId, MonoMs>;
  nowMs: MonoMs;
  out: TopologyOutput[];
}

/** A machine without sessions. */
export function createState(options: TopologyOptions): TopologyState {
  const { params, rng } = options;
  const protectedPeers = new Set(options.protectedPeers);
  const isKept = (peer: PeerId): boolean => protectedPeers.has(peer) || options.consensusPeers().has(peer);
  return {
    options,
    params,
    rng: rng.fork('choice'),
    ownRegion: parseRegion(params['topology.region']),
    isActive: params['topology.mode'] === 'active',
    members: new Map(),
    linkOf: new Map(),
    memory: new PeerMemory(params),
    bans: new Bans(params),
    candidates: new Candidates(params, rng.fork('backoff'), isKept),
    protectedPeers,
    dials: new Map(),
    wishes: new Set(),
    unjudged: undefined,
    roundAtMs: undefined,
    pruneAtMs: undefined,
    wantMs: 0,
    lookups: new Map(),
    nowMs: 0,
    out: [],
  };
}

/** Whether configuration, operator or consensus protect a peer; nothing that it says of itself does. Spec: TOP-063 */
export function isProtected(state: TopologyState, peer: PeerId): boolean {
  return state.protectedPeers.has(peer) || state.options.consensusPeers().has(peer);
}

/** Sessions that count. */
export function countedMembers(state: TopologyState): readonly Member[] {
  return [...state.members.values()].filter(({ isTransient, isEnding }) => !isTransient && !isEnding);
}

/** A peer's score, 0 to 1,000,000. */
export function scoreOf(state: TopologyState, peer: PeerId): number {
  const { memory, nowMs, options, params } = state;
  const measured = {
    roundTrip: memory.roundTrip(peer, nowMs),
    milliPoints: Math.floor(options.scoreOf(peer) * 1_000),
    uptimeMs: memory.uptimeMs(peer, nowMs),
  };
  return peerScore(params, measured, nowMs);
}

/** The region that a peer is said to be in, by its record or else by whoever named it. */
export function claimedRegion(state: TopologyState, peer: PeerId): Region {
  const ofRecord = parseRegion(state.options.claimedRegionOf(peer));
  return ofRecord === 'unknown' ? (state.candidates.get(peer)?.region ?? 'unknown') : ofRecord;
}

/** The region for which a peer counts. Spec: TOP-003 */
export function regionOf(state: TopologyState, peer: PeerId): Region {
  if (state.ownRegion === 'unknown') return 'unknown';
  return countedRegion(state.ownRegion, claimedRegion(state, peer), state.memory.leastRttMs(peer, state.nowMs));
}
