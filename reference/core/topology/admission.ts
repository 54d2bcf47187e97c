/** Whom a node lets in, and who makes room. Spec: chapter 10, "Admission" and "Making room" */
import { assertNever } from '../errors.ts';
import type { ClauseId, Direction, ErrorName, PeerId } from '../types.ts';
import { type Region, regionCeiling } from './region.ts';

/** The roles for which there are budgets. */
export const ROLES = ['validator', 'validator-full', 'full', 'app'] as const;
export type Role = (typeof ROLES)[number];

const ROLE_FULL = 2;
const ROLE_VALIDATOR = 4;

/** The role of a peer: only stake makes a validator. Spec: TOP-002 */
export function roleOf(stake: bigint, claimed: number): Role {
  if (stake > 0n) return 'validator';
  if ((claimed & ROLE_VALIDATOR) !== 0) return 'validator-full';
  return (claimed & ROLE_FULL) !== 0 ? 'full' : 'app';
}

/** A session that counts. */
export interface CountedSession {
  readonly peer: PeerId;
  readonly direction: Direction;
  readonly role: Role;
  /** Undefined when no limit by subnet holds for the address. */
  readonly subnet: string | undefined;
  readonly region: Region;
  readonly score: number;
  readonly ageMs: number;
  readonly isProtected: boolean;
}

/** A peer whose handshake is complete. */
export interface Newcomer extends Omit<CountedSession, 'ageMs'> {
  readonly isBanned: boolean;
  readonly uptimeMs: number;
}

/** What admission is measured by. */
export interface AdmissionLimits {
  readonly isActive: boolean;
  readonly ownRegion: Region;
  readonly target: number;
  readonly max: number;
  readonly outboundMin: number;
  readonly subnetInboundMax: number;
  readonly budgetPercent: Readonly<Record<Role, number>>;
  readonly newcomerMs: number;
  readonly evictMargin: number;
}

/** What becomes of a new session. */
export type Admission<Session> =
  | { readonly outcome: 'accept' }
  /** Kept in the place of `goes`. */
  | { readonly outcome: 'evict'; readonly goes: Session }
  | { readonly outcome: 'reject'; readonly code: ErrorName; readonly clause: ClauseId };

const ACCEPT = { outcome: 'accept' } as const;

type Shortage = 'inbound' | 'role' | 'all';

/** The decision on a new session; `sessions` are those that count, the new one not among them. Spec: TOP-010 to TOP-023 */
export function decideAdmission<Session extends CountedSession>(
  peer: Newcomer,
  sessions: readonly Session[],
  limits: AdmissionLimits,
): Admission<Session> {
  if (peer.isBanned) return { outcome: 'reject', code: 'E_BANNED', clause: 'TOP-010' };
  if (peer.isProtected) return ACCEPT;
  let inbound = 0;
  let ofSubnet = 0;
  let ofRole = 0;
  for (const session of sessions) {
    if (session.direction === 'inbound') {
      inbound += 1;
      if (session.subnet === peer.subnet) ofSubnet += 1;
    }
    if (session.role === peer.role) ofRole += 1;
  }
  const isInbound = peer.direction === 'inbound';
  if (isInbound && peer.subnet !== undefined && ofSubnet >= limits.subnetInboundMax) {
    return { outcome: 'reject', code: 'E_SUBNET', clause: 'TOP-011' };
  }
  const isBudgeted = sessions.length >= limits.target;
  if (isInbound && inbound >= limits.max - limits.outboundMin) return makeRoom('inbound', peer, sessions, limits);
  if (isBudgeted && ofRole >= roleBudget(limits, peer.role)) return makeRoom('role', peer, sessions, limits);
  if (sessions.length >= limits.max) return makeRoom('all', peer, sessions, limits);
  if (isBudgeted && isRegionFull(peer.region, sessions, limits)) return { outcome: 'reject', code: 'E_REGION', clause: 'TOP-015' };
  return ACCEPT;
}

function isRegionFull(region: Region, sessions: readonly CountedSession[], { ownRegion, max }: AdmissionLimits): boolean {
  const ceiling = regionCeiling(ownRegion, region, max);
  return sessions.length >= ceiling && sessions.filter((session) => session.region === region).length >= ceiling;
}

function roleBudget({ budgetPercent, max }: AdmissionLimits, role: Role): number {
  return Math.ceil((budgetPercent[role] * max) / 100);
}

function clauseOf(shortage: Shortage): ClauseId {
  switch (shortage) {
    case 'inbound':
      return 'TOP-012';
    case 'role':
      return 'TOP-013';
    case 'all':
      return 'TOP-014';
    default:
      return assertNever(shortage);
  }
}

/** Whether `one` makes room before `other`. */
function goesFirst(one: CountedSession, other: CountedSession): boolean {
  if (one.score !== other.score) return one.score < other.score;
  if (one.ageMs !== other.ageMs) return one.ageMs < other.ageMs;
  return one.peer < other.peer;
}

function makeRoom<Session extends CountedSession>(
  shortage: Shortage,
  peer: Newcomer,
  sessions: readonly Session[],
  limits: AdmissionLimits,
): Admission<Session> {
  const refusal = { outcome: 'reject', code: 'E_BUDGET', clause: clauseOf(shortage) } as const;
  if (!limits.isActive || peer.uptimeMs < limits.newcomerMs) return refusal;
  let goes: Session | undefined;
  for (const session of sessions) {
    if (session.direction === 'outbound' || session.isProtected) continue;
    if (shortage === 'role' && session.role !== peer.role) continue;
    if (goes === undefined || goesFirst(session, goes)) goes = session;
  }
  return goes !== undefined && peer.score >= goes.score + limits.evictMargin ? { outcome: 'evict', goes } : refusal;
}
