/** Whom a node gives up when it has too many sessions. Spec: chapter 10, "Pruning" */
import type { Direction, PeerId } from '../types.ts';
import { type Region, regionFloor } from './region.ts';

/** The orders in which sessions are given up. */
export type PruneStrategy = 'lru' | 'reputation' | 'latency' | 'combined';

/** A session as pruning looks at it. */
export interface PrunableSession {
  readonly peer: PeerId;
  readonly direction: Direction;
  readonly region: Region;
  readonly score: number;
  /** The latest round trip that counts, in ms; undefined when there is none. */
  readonly rttMs: number | undefined;
  /** Since the last frame of a class other than control, in ms. */
  readonly idleMs: number;
  readonly ageMs: number;
  readonly isProtected: boolean;
}

/** What pruning is measured by. */
export interface PruneLimits {
  readonly strategy: PruneStrategy;
  readonly ownRegion: Region;
  readonly target: number;
  readonly high: number;
  readonly perRoundMax: number;
  readonly outboundMin: number;
  readonly newcomerMs: number;
}

/** Places from 0 by a value, small values first, the smaller PeerId first among equals. */
function placesBy<Session extends PrunableSession>(
  sessions: readonly Session[],
  rankOf: (session: Session) => number,
): ReadonlyMap<Session, number> {
  const rows = sessions.map((session) => ({ session, value: rankOf(session) }));
  rows.sort((a, b) => {
    if (a.value !== b.value) return a.value < b.value ? -1 : 1;
    return a.session.peer < b.session.peer ? -1 : 1;
  });
  return new Map(rows.map(({ session }, place) => [session, place]));
}

function orderOf<Session extends PrunableSession>(sessions: readonly Session[], strategy: PruneStrategy): readonly Session[] {
  const lru = placesBy(sessions, ({ idleMs }) => -idleMs);
  if (strategy === 'lru') return [...lru.keys()];
  const reputation = placesBy(sessions, ({ score }) => score);
  if (strategy === 'reputation') return [...reputation.keys()];
  const latency = placesBy(sessions, ({ rttMs = Number.POSITIVE_INFINITY }) => -rttMs);
  if (strategy === 'latency') return [...latency.keys()];
  const sum = (session: Session): number => (lru.get(session) ?? 0) + (reputation.get(session) ?? 0) + (latency.get(session) ?? 0);
  return [...placesBy(sessions, sum).keys()];
}

/** The longest-standing outbound sessions, which stay. Spec: TOP-064 */
export function anchorsOf<Session extends Pick<PrunableSession, 'direction' | 'ageMs' | 'peer'>>(
  sessions: readonly Session[],
  count: number,
): ReadonlySet<Session> {
  const outbound = sessions.filter(({ direction }) => direction === 'outbound');
  outbound.sort((a, b) => b.ageMs - a.ageMs || (a.peer < b.peer ? -1 : 1));
  return new Set(outbound.slice(0, count));
}

/** The sessions that go, in their order. `sessions` are those that count. Spec: TOP-060 to TOP-067 */
export function choosePrunes<Session extends PrunableSession>(sessions: readonly Session[], limits: PruneLimits): readonly Session[] {
  const count = Math.min(limits.perRoundMax, sessions.length - limits.high);
  if (count <= 0) return [];
  const anchors = anchorsOf(sessions, limits.outboundMin);
  const left = new Map<Region, number>();
  for (const { region } of sessions) left.set(region, (left.get(region) ?? 0) + 1);
  const chosen: Session[] = [];
  // What an exception keeps stays kept: regions only get smaller while others go.
  for (const session of orderOf(sessions, limits.strategy)) {
    if (chosen.length >= count) break;
    const { region } = session;
    if (session.isProtected || session.ageMs < limits.newcomerMs || anchors.has(session)) continue;
    const ofRegion = left.get(region) ?? 0;
    if (region !== 'unknown' && limits.ownRegion !== 'unknown' && ofRegion <= regionFloor(limits.ownRegion, region, limits.target))
      continue;
    left.set(region, ofRegion - 1);
    chosen.push(session);
  }
  return chosen;
}
