/** New sessions: who stays, who goes, and what is said. Spec: chapter 10, "Admission", "Making room", "Bans" */
import type { ClauseId, Direction, ErrorName, PeerId } from '../types.ts';
import { type AdmissionLimits, type CountedSession, decideAdmission, type Role } from './admission.ts';
import type { Region } from './region.ts';
import { countedMembers, isProtected, type Member, regionOf, scoreOf, type TopologyState } from './state.ts';

/** A session as admission looks at it; score and region are looked up when somebody asks, since most decisions need neither. */
class Counted implements CountedSession {
  readonly #state: TopologyState;
  readonly member: Member;

  constructor(state: TopologyState, member: Member) {
    this.#state = state;
    this.member = member;
  }

  get peer(): PeerId {
    return this.member.peer;
  }
  get direction(): Direction {
    return this.member.direction;
  }
  get role(): Role {
    return this.member.role;
  }
  get subnet(): string | undefined {
    return this.member.subnet;
  }
  get region(): Region {
    return regionOf(this.#state, this.peer);
  }
  get score(): number {
    return scoreOf(this.#state, this.peer);
  }
  get ageMs(): number {
    return this.#state.nowMs - this.member.sinceMs;
  }
  get uptimeMs(): number {
    return this.#state.memory.uptimeMs(this.peer, this.#state.nowMs);
  }
  get isProtected(): boolean {
    return isProtected(this.#state, this.peer);
  }
  get isBanned(): boolean {
    return this.#state.bans.has(this.peer, this.#state.nowMs);
  }
}

function limitsOf({ params, isActive, ownRegion }: TopologyState): AdmissionLimits {
  return {
    isActive,
    ownRegion,
    target: params['topology.connections_target'],
    max: params['topology.connections_max'],
    outboundMin: params['topology.outbound_min'],
    subnetInboundMax: params['topology.subnet_inbound_max'],
    budgetPercent: {
      validator: params['topology.budget_validator_percent'],
      'validator-full': params['topology.budget_validator_full_percent'],
      full: params['topology.budget_full_percent'],
      app: params['topology.budget_app_percent'],
    },
    newcomerMs: params['topology.newcomer_ms'],
    evictMargin: params['topology.evict_margin'],
  };
}

/** Ends a session for a reason of this chapter. Spec: TOP-017 */
export function endMember(state: TopologyState, member: Member, code: ErrorName, clause: ClauseId): void {
  if (member.isEnding) return;
  member.isEnding = true;
  const { params, nowMs } = state;
  const restMs = state.bans.restMs(member.peer, nowMs);
  const retryAfterMs = code === 'E_BANNED' ? Math.min(restMs, params['session.goaway_retry_ms_max']) : params['topology.refused_retry_ms'];
  // Whom the node has sent away it does not fetch back at once.
  state.candidates.rest(member.peer, retryAfterMs, nowMs);
  state.out.push({ type: 'closeSession', link: member.link, code, clause, retryAfterMs });
  state.out.push({ type: 'notice', notice: { type: 'topology.refused', peer: member.peer, reason: code } });
}

/** Decides on a session whose handshake has just ended well. Spec: TOP-010 to TOP-023, TOP-071 */
export function judgeMember(state: TopologyState, member: Member): void {
  const { peer } = member;
  if (member.isTransient) {
    const transients = [...state.members.values()].filter(({ isTransient, isEnding }) => isTransient && !isEnding).length;
    if (state.bans.has(peer, state.nowMs)) endMember(state, member, 'E_BANNED', 'TOP-010');
    else if (transients > state.params['topology.transient_max']) endMember(state, member, 'E_BUDGET', 'TOP-071');
    return;
  }
  const sessions = countedMembers(state)
    .filter((other) => other !== member)
    .map((other) => new Counted(state, other));
  const decision = decideAdmission(new Counted(state, member), sessions, limitsOf(state));
  if (decision.outcome === 'reject') endMember(state, member, decision.code, decision.clause);
  else if (decision.outcome === 'evict') endMember(state, decision.goes.member, 'E_EVICTED', 'TOP-020');
}

/** Keeps a peer away for a time, and ends its session. Spec: TOP-080 */
export function banPeer(state: TopologyState, peer: PeerId, durationMs: number): void {
  state.bans.add(peer, durationMs, state.nowMs);
  const link = state.linkOf.get(peer);
  const member = link === undefined ? undefined : state.members.get(link);
  if (member !== undefined) endMember(state, member, 'E_BANNED', 'TOP-080');
}
