/** The state of a gossip machine as plain data. */
import type { GossipState } from './state.ts';

/** One link in a state view. */
export interface LinkView {
  readonly link: number;
  readonly peer: string;
  readonly kind: string;
  readonly isActive: boolean;
  readonly score: number;
  readonly wanted: number;
  readonly prunesReceived: number;
  readonly prunesSent: number;
  readonly answers: number;
}

/** How much of everything is held, and who is who. */
export interface GossipView {
  readonly links: readonly LinkView[];
  readonly activeSize: number;
  readonly seen: number;
  readonly published: number;
  readonly rejected: number;
  readonly floodBuckets: number;
  readonly cachedMessages: number;
  readonly cachedBytes: number;
  readonly knownPerLink: number;
  readonly settled: number;
  readonly waitingAnnouncements: number;
  readonly wanted: number;
  readonly promises: number;
  readonly pending: number;
  readonly countedOrigins: number;
  readonly countedLinks: number;
  readonly countedMessages: number;
  readonly scoredPeers: number;
  readonly retainedPeers: number;
}

export function describeState(state: GossipState): GossipView {
  const links = [...state.links.values()]
    .sort((a, b) => a.link - b.link)
    .map((link) => ({
      link: link.link,
      peer: link.peer,
      kind: link.kind,
      isActive: state.active.has(link.link),
      score: state.scores.scoreOf(link.peer, state.nowMs),
      wanted: state.inventory.wantedOf(link.link),
      prunesReceived: link.prunesReceived.size,
      prunesSent: link.prunesSent.size,
      answers: link.answers.size,
    }));
  const counted = state.counts.largest;
  return {
    links,
    activeSize: state.active.size,
    seen: state.seen.size,
    published: state.published.size,
    rejected: state.rejected.size,
    floodBuckets: state.flood.size,
    cachedMessages: state.cache.size,
    cachedBytes: state.cache.bytes,
    knownPerLink: state.known.largestLinkSize,
    settled: state.known.settledCount,
    waitingAnnouncements: state.announcements.size,
    wanted: state.inventory.wantedCount,
    promises: state.inventory.promiseCount,
    pending: state.pending.size,
    countedOrigins: state.counts.size,
    countedLinks: counted.links,
    countedMessages: counted.messages,
    scoredPeers: state.scores.size,
    retainedPeers: state.scores.retainedCount,
  };
}
