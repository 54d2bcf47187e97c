/** Whom a node lets in, who makes room, and who is pruned. Spec: chapter 10. */
import { type Region, regionBounds } from './topology.ts';

/** The roles for which there are budgets. */
export const ROLES = ['validator', 'validator-full', 'full', 'app'] as const;
export type Role = (typeof ROLES)[number];

/** A session that counts. Lists of them ascend by PeerId. */
export interface CountedSession {
  readonly direction: 'in' | 'out';
  readonly role: Role;
  /** Undefined when the address is in no subnet. */
  readonly subnet: string | undefined;
  readonly region: Region;
  readonly score: number;
  readonly ageMs: number;
  readonly protected: boolean;
}

/** A peer whose handshake is complete. */
export interface Newcomer extends Omit<CountedSession, 'ageMs'> {
  readonly banned: boolean;
  readonly uptimeMs: number;
}

/** The parameters that admission needs, without their prefix. */
export interface AdmissionLimits {
  readonly active: boolean;
  readonly ownRegion: Region;
  readonly target: number;
  readonly max: number;
  readonly outboundMin: number;
  readonly subnetInboundMax: number;
  readonly budgetPercent: Readonly<Record<Role, number>>;
  readonly newcomerMs: number;
  readonly evictMargin: number;
}

/** What becomes of a new session: kept, kept in another's place, or ended with a code by a clause. */
export type Admission =
  | { readonly outcome: 'accept' }
  | { readonly outcome: 'evict'; readonly index: number; readonly clause: string }
  | { readonly outcome: 'reject'; readonly code: string; readonly clause: string };

/** The decision on a new session. Spec: TOP-010 to TOP-016, TOP-020 to TOP-023. */
export function admission(peer: Newcomer, sessions: readonly CountedSession[], limits: AdmissionLimits): Admission {
  const inbound = sessions.filter((session) => session.direction === 'in');
  if (peer.banned) return { outcome: 'reject', code: 'E_BANNED', clause: 'TOP-010' };
  if (peer.protected) return { outcome: 'accept' };
  if (peer.direction === 'in' && peer.subnet !== undefined) {
    const neighbours = inbound.filter((session) => session.subnet === peer.subnet);
    if (neighbours.length >= limits.subnetInboundMax) return { outcome: 'reject', code: 'E_SUBNET', clause: 'TOP-011' };
  }
  if (peer.direction === 'in' && inbound.length >= limits.max - limits.outboundMin) return room('TOP-012', peer, sessions, limits);
  if (sessions.length >= limits.target) {
    const ofRole = sessions.filter((session) => session.role === peer.role);
    if (ofRole.length >= Math.ceil((limits.budgetPercent[peer.role] * limits.max) / 100)) return room('TOP-013', peer, sessions, limits);
  }
  if (sessions.length >= limits.max) return room('TOP-014', peer, sessions, limits);
  if (sessions.length >= limits.target) {
    const bounds = regionBounds(limits.ownRegion, peer.region, limits);
    const ofRegion = sessions.filter((session) => session.region === peer.region);
    if (bounds !== undefined && ofRegion.length >= bounds.ceiling) return { outcome: 'reject', code: 'E_REGION', clause: 'TOP-015' };
  }
  return { outcome: 'accept' };
}

function room(clause: string, peer: Newcomer, sessions: readonly CountedSession[], limits: AdmissionLimits): Admission {
  const rejected: Admission = { outcome: 'reject', code: 'E_BUDGET', clause };
  if (!limits.active || peer.uptimeMs < limits.newcomerMs) return rejected;
  let worst: { readonly session: CountedSession; readonly index: number } | undefined;
  sessions.forEach((session, index) => {
    if (session.direction === 'out' || session.protected) return;
    if (clause === 'TOP-013' && session.role !== peer.role) return;
    const isWorse =
      worst === undefined ||
      session.score < worst.session.score ||
      (session.score === worst.session.score && session.ageMs < worst.session.ageMs);
    if (isWorse) worst = { session, index };
  });
  if (worst === undefined || peer.score < worst.session.score + limits.evictMargin) return rejected;
  return { outcome: 'evict', index: worst.index, clause: 'TOP-020' };
}

/** The four orders of pruning. */
export const STRATEGIES = ['lru', 'reputation', 'latency', 'combined'] as const;
export type Strategy = (typeof STRATEGIES)[number];

/** A session as pruning looks at it. Lists of them ascend by PeerId. */
export interface PrunableSession {
  readonly direction: 'in' | 'out';
  readonly region: Region;
  readonly score: number;
  /** The latest round trip; undefined when unmeasured or unhealthy. */
  readonly rttMs: number | undefined;
  /** Since the last frame of a class other than control. */
  readonly idleMs: number;
  readonly ageMs: number;
  readonly protected: boolean;
}

/** The parameters that pruning needs, without their prefix. */
export interface PruneLimits {
  readonly strategy: Strategy;
  readonly ownRegion: Region;
  readonly target: number;
  readonly high: number;
  readonly perRoundMax: number;
  readonly outboundMin: number;
  readonly newcomerMs: number;
}

/** Places of the sessions that are pruned, in the order in which they go. Spec: TOP-060 to TOP-067. */
export function pruned(sessions: readonly PrunableSession[], limits: PruneLimits): readonly number[] {
  const order = pruneOrder(sessions, limits.strategy);
  const anchors = sessions
    .map((session, index) => ({ session, index }))
    .filter(({ session }) => session.direction === 'out')
    .sort((a, b) => b.session.ageMs - a.session.ageMs || a.index - b.index)
    .slice(0, limits.outboundMin)
    .map(({ index }) => index);
  const count = Math.min(limits.perRoundMax, sessions.length - limits.high);
  const gone: number[] = [];
  while (gone.length < count) {
    const next = order.find((index) => {
      const session = sessions[index];
      if (session === undefined || gone.includes(index)) return false;
      if (session.protected || session.ageMs < limits.newcomerMs || anchors.includes(index)) return false;
      const bounds = regionBounds(limits.ownRegion, session.region, { target: limits.target, max: 0 });
      const left = sessions.filter((other, at) => other.region === session.region && !gone.includes(at)).length;
      return bounds === undefined || left > bounds.floor;
    });
    if (next === undefined) break;
    gone.push(next);
  }
  return gone;
}

/** All places, the first to go first. */
function pruneOrder(sessions: readonly PrunableSession[], strategy: Strategy): readonly number[] {
  const by = (value: (session: PrunableSession, index: number) => number): number[] =>
    sessions
      .map((session, index) => ({ index, value: value(session, index) }))
      .sort((a, b) => (a.value === b.value ? a.index - b.index : a.value - b.value))
      .map(({ index }) => index);
  const lru = by(({ idleMs }) => -idleMs);
  const reputation = by(({ score }) => score);
  const latency = by(({ rttMs }) => (rttMs === undefined ? Number.NEGATIVE_INFINITY : -rttMs));
  if (strategy === 'lru') return lru;
  if (strategy === 'reputation') return reputation;
  if (strategy === 'latency') return latency;
  return by((_, index) => lru.indexOf(index) + reputation.indexOf(index) + latency.indexOf(index));
}
