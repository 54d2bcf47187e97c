/** The topology as plain data, for people and tests; no secrets. */
import { bandOf, healthOf } from './score.ts';
import { isProtected, type Member, regionOf, scoreOf, type TopologyState } from './state.ts';

/** One session of the view. */
interface MemberView {
  readonly peer: string;
  readonly direction: string;
  readonly role: string;
  readonly region: string;
  readonly score: number;
  readonly band: string;
  readonly health: string;
  readonly ageMs: number;
  readonly isProtected: boolean;
  readonly isTransient: boolean;
}

/** The whole view. */
export interface TopologyView {
  readonly mode: 'active' | 'passive';
  readonly region: string;
  readonly sessions: readonly MemberView[];
  readonly dials: readonly { readonly peer: string; readonly address: string }[];
  readonly candidates: number;
  readonly remembered: number;
  readonly bans: readonly { readonly peer: string; readonly restMs: number }[];
  readonly protectedPeers: readonly string[];
}

function describeMember(state: TopologyState, { peer, direction, role, sinceMs, isTransient }: Member): MemberView {
  const score = scoreOf(state, peer);
  return {
    peer,
    direction,
    role,
    region: regionOf(state, peer),
    score,
    band: bandOf(score),
    health: healthOf(state.params, state.memory.roundTrip(peer, state.nowMs), state.nowMs),
    ageMs: state.nowMs - sinceMs,
    isProtected: isProtected(state, peer),
    isTransient,
  };
}

/** Describes the state at the last input. */
export function describeState(state: TopologyState): TopologyView {
  return {
    mode: state.isActive ? 'active' : 'passive',
    region: state.ownRegion,
    sessions: [...state.members.values()].filter(({ isEnding }) => !isEnding).map((member) => describeMember(state, member)),
    dials: [...state.dials.values()].map(({ peer, address }) => ({ peer, address })),
    candidates: state.candidates.size,
    remembered: state.memory.size,
    bans: state.bans.list(state.nowMs),
    protectedPeers: [...state.protectedPeers].sort(),
  };
}
