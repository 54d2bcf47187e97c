/** What a node knows of other nodes, gathered from the views of its chapters for operators and tests. */
import type { OverlayView } from '../core/overlay/view.ts';
import type { PeerView } from '../core/session/view.ts';
import { SCORE_MAX } from '../core/topology/score.ts';
import type { TopologyView } from '../core/topology/view.ts';
import type { PeerId } from '../core/types.ts';
import { formatPeerId } from '../core/wire/peer-id.ts';

/** Where the rows come from. */
export interface PeerSources {
  view(name: string): unknown;
  /** Origins of the records that the node holds. */
  recordOrigins(): Promise<ReadonlySet<PeerId>>;
}

/** One peer with a session, as `/peers` shows it. Times in milliseconds. */
export interface PeerRow {
  readonly peer: string;
  readonly address: string;
  readonly direction: string;
  readonly capabilities: readonly string[];
  /** Role for which the topology counts it; null where the topology does not know it. */
  readonly role: string | null;
  readonly region: string | null;
  readonly rttMs: number | null;
  /** Points of chapter 05. */
  readonly score: number;
  /** Score of chapter 10, 0 to 1, with its band and health; null where the topology does not know it. */
  readonly topology: { readonly score: number; readonly band: string; readonly health: string; readonly isProtected: boolean } | null;
  readonly ageMs: number;
  /** Whether it is in the routing table of the DHT. */
  readonly inTable: boolean;
  /** Whether the node holds a record of it. */
  readonly hasRecord: boolean;
}

type SessionRow = PeerView & { readonly score: number };

/** What the view of the DHT shows, as far as it is used here. */
interface DhtShown {
  readonly contacts: number;
  readonly networkSize: number;
  readonly buckets: readonly { readonly entries: readonly { readonly peer: PeerId }[] }[];
}

/** PeerIds of the routing table of the DHT. */
function tablePeers(sources: PeerSources): ReadonlySet<PeerId> {
  const { buckets } = sources.view('dht') as DhtShown;
  return new Set(buckets.flatMap(({ entries }) => entries.map(({ peer }) => peer)));
}

/** The peers with a session, in the order of their PeerIds. `nowMs` is the node's monotonic time. */
export async function peerRows(sources: PeerSources, nowMs: number): Promise<readonly PeerRow[]> {
  const records = await sources.recordOrigins();
  const table = tablePeers(sources);
  const topology = sources.view('topology') as TopologyView;
  const members = new Map(topology.sessions.map((member) => [member.peer, member]));
  return (sources.view('peers') as readonly SessionRow[]).map(({ peer, address, direction, capabilities, rttMs, score, establishedMs }) => {
    const member = members.get(peer);
    return {
      peer: formatPeerId(peer),
      address,
      direction,
      capabilities,
      role: member?.role ?? null,
      region: member?.region ?? null,
      rttMs,
      score,
      topology:
        member === undefined
          ? null
          : { score: member.score / SCORE_MAX, band: member.band, health: member.health, isProtected: member.isProtected },
      ageMs: nowMs - establishedMs,
      inTable: table.has(peer),
      hasRecord: records.has(peer),
    };
  });
}

/** Everybody that a node has heard of and can find: by session, record or routing table; not the node itself. */
export async function knownPeers(self: PeerId, sources: PeerSources): Promise<ReadonlySet<PeerId>> {
  const known = new Set<PeerId>(await sources.recordOrigins());
  for (const peer of tablePeers(sources)) known.add(peer);
  for (const { peer } of sources.view('peers') as readonly SessionRow[]) known.add(peer);
  known.delete(self);
  return known;
}

/** How a node stands, for `/health`. */
export interface Standing {
  readonly sessions: number;
  /** Other nodes that it knows and can find. */
  readonly known_peers: number;
  /** The estimate of chapter 08; 0 while there is none. */
  readonly network_size: number;
  readonly overlay: { readonly strategy: string; readonly role: string };
  readonly mempool: { readonly transactions: number; readonly bytes: number };
}

/** Gathers how a node stands. */
export async function standingOf(self: PeerId, sources: PeerSources): Promise<Standing> {
  const known = await knownPeers(self, sources);
  const { strategy, role } = sources.view('overlay') as OverlayView;
  const { transactions, bytes } = sources.view('mempool') as { readonly transactions: number; readonly bytes: number };
  return {
    sessions: (sources.view('peers') as readonly SessionRow[]).length,
    known_peers: known.size,
    network_size: (sources.view('dht') as DhtShown).networkSize,
    overlay: { strategy, role },
    mempool: { transactions, bytes },
  };
}
