/** The topology machine: which input goes to which part, and when the next one is due. Spec: chapter 10 */
import type { LocalRequest, Machine, NodeInput, SessionEvent } from '../machine.ts';
import type { MonoMs, PeerId } from '../types.ts';
import { addressText } from '../wire/contact.ts';
import { roleOf } from './admission.ts';
import type { TopologyInput, TopologyOptions, TopologyOutput } from './contract.ts';
import { considerReturn, dialRound, expireDials, roundWantedMs } from './dialling.ts';
import { banPeer, endMember, judgeMember } from './judging.ts';
import { choosePrunes } from './prune.ts';
import { parseRegion, type Region } from './region.ts';
import { countedRtt } from './score.ts';
import { countedMembers, createState, isProtected, type Member, regionOf, scoreOf, type TopologyState, WISHES_MAX } from './state.ts';
import { limitedSubnet } from './subnet-limit.ts';
import { describeState } from './view.ts';

export type { TopologyInput, TopologyOptions, TopologyOutput } from './contract.ts';

/** The machine, with its read-only ports. */
export interface TopologyMachine extends Machine<TopologyInput, TopologyOutput> {
  /** Whether a session with the peer would not be refused for a ban. */
  isAllowed(peer: PeerId): boolean;
  /** Peers with a session that counts. */
  connected(): readonly PeerId[];
  /** The region for which a peer counts. */
  regionOf(peer: PeerId): Region;
  /** The state as plain data, for people and tests; no secrets. */
  view(): unknown;
}

type SessionUp = Extract<SessionEvent, { readonly type: 'sessionUp' }>;
type SessionDown = Extract<SessionEvent, { readonly type: 'sessionDown' }>;
type DialEnded = Extract<SessionEvent, { readonly type: 'dialEnded' }>;
type Local = Extract<NodeInput, { readonly type: 'local' }>;

function onSessionUp(state: TopologyState, input: SessionUp): void {
  const { link, peer, direction, address, roles, listenAddresses } = input;
  const { params, options, nowMs } = state;
  const member: Member = {
    link,
    peer,
    direction,
    role: roleOf(options.stakeOf(peer), roles),
    subnet: limitedSubnet(params, address),
    sinceMs: nowMs,
    isChosen: false,
    isTransient: false,
    isEnding: false,
  };
  state.members.set(link, member);
  state.linkOf.set(peer, link);
  state.memory.open(peer, nowMs);
  state.candidates.add(peer, textsOf(listenAddresses));
  // Who wanted an outbound session is told next.
  if (direction === 'outbound') state.unjudged = member;
  else judgeMember(state, member);
}

/** Addresses that a session can be dialled at, as text. */
function textsOf(addresses: SessionUp['listenAddresses']): readonly string[] {
  return addresses
    .map(addressText)
    .filter((text) => text !== undefined)
    .filter((text) => text.startsWith('ws'));
}

function onSessionDown(state: TopologyState, { link }: SessionDown): void {
  const member = state.members.get(link);
  if (member === undefined) return;
  const { peer } = member;
  const score = scoreOf(state, peer);
  state.members.delete(link);
  if (state.unjudged === member) state.unjudged = undefined;
  // Another session with the peer goes on.
  if (state.linkOf.get(peer) !== link) return;
  state.linkOf.delete(peer);
  state.memory.close(peer, state.nowMs);
  if (!member.isTransient) considerReturn(state, member, score);
}

function onDialEnded(state: TopologyState, { address, expected, peer }: DialEnded): void {
  const own = expected === undefined ? undefined : state.dials.get(expected);
  const isOwn = own?.address === address;
  if (isOwn && expected !== undefined) {
    state.dials.delete(expected);
    if (peer === undefined) state.candidates.failed(expected, state.nowMs);
  }
  if (peer === undefined) return;
  state.candidates.answered(peer, address);
  const member = state.unjudged;
  if (member === undefined || member.peer !== peer) return;
  state.unjudged = undefined;
  member.isChosen = isOwn || state.wishes.has(address);
  member.isTransient = state.isActive && !member.isChosen && !isProtected(state, peer);
  judgeMember(state, member);
}

function onWish(state: TopologyState, address: string): void {
  state.wishes.delete(address);
  state.wishes.add(address);
  if (state.wishes.size <= WISHES_MAX) return;
  for (const oldest of state.wishes) {
    state.wishes.delete(oldest);
    return;
  }
}

function onRequest(state: TopologyState, request: LocalRequest): boolean {
  switch (request.type) {
    case 'topology.ban':
      banPeer(state, request.peer, request.durationMs);
      return true;
    case 'topology.unban':
      state.bans.lift(request.peer);
      return true;
    case 'topology.protect':
      state.protectedPeers.add(request.peer);
      state.candidates.add(request.peer, request.addresses);
      return true;
    case 'topology.unprotect':
      state.protectedPeers.delete(request.peer);
      return true;
    case 'topology.candidate':
      state.candidates.add(request.peer, request.addresses, parseRegion(request.region));
      return true;
    default:
      return false;
  }
}

function onLocal(state: TopologyState, { token, request }: Local): void {
  if (onRequest(state, request)) state.out.push({ type: 'outcome', token, outcome: { type: 'topology.done' } });
}

/** An outbound session that nobody speaks up for within the input after it is one like all others. */
function settleUnjudged(state: TopologyState, input: TopologyInput): void {
  const member = state.unjudged;
  if (member === undefined || (input.type === 'dialEnded' && input.peer === member.peer)) return;
  state.unjudged = undefined;
  judgeMember(state, member);
}

/** Takes an input; false when it changes nothing that a timer hangs on. */
function take(state: TopologyState, input: TopologyInput): boolean {
  settleUnjudged(state, input);
  switch (input.type) {
    case 'sessionUp':
      onSessionUp(state, input);
      return true;
    case 'sessionDown':
      onSessionDown(state, input);
      return true;
    case 'rtt':
      return state.memory.measure(input.peer, input.ms, state.nowMs);
    case 'dialEnded':
      onDialEnded(state, input);
      return true;
    case 'candidate':
      state.candidates.add(input.peer, textsOf(input.addresses));
      return true;
    case 'contactFound':
      // The overlay asks where peers are, too; what it finds is its own.
      if (state.lookups.has(input.peer)) state.candidates.found(input.peer, textsOf(input.addresses));
      return true;
    case 'misbehaved':
      if (state.isActive && state.memory.misbehaved(input.peer, state.nowMs)) banPeer(state, input.peer, state.params['topology.ban_ms']);
      return true;
    case 'connect':
      onWish(state, input.address);
      return true;
    case 'local':
      onLocal(state, input);
      return true;
    default:
      // What else sessions tell is for other machines; a tick is for the timers.
      return input.type === 'tick';
  }
}

/** Gives up what is too much. Spec: TOP-060 to TOP-067 */
function prune(state: TopologyState): void {
  const { params, nowMs, memory } = state;
  const sessions = countedMembers(state).map((member) => ({
    member,
    peer: member.peer,
    direction: member.direction,
    region: regionOf(state, member.peer),
    score: scoreOf(state, member.peer),
    rttMs: countedRtt(params, memory.roundTrip(member.peer, nowMs), nowMs),
    idleMs: nowMs - (state.options.usedMsOf(member.link) ?? member.sinceMs),
    ageMs: nowMs - member.sinceMs,
    isProtected: isProtected(state, member.peer),
  }));
  const chosen = choosePrunes(sessions, {
    strategy: params['topology.prune_strategy'],
    ownRegion: state.ownRegion,
    target: params['topology.connections_target'],
    high: params['topology.connections_high'],
    perRoundMax: params['topology.prune_per_round_max'],
    outboundMin: params['topology.outbound_min'],
    newcomerMs: params['topology.newcomer_ms'],
  });
  for (const { member } of chosen) endMember(state, member, 'E_PRUNED', 'TOP-060');
}

/** The next multiple of a beat after a moment. */
function nextBeat(afterMs: MonoMs, beatMs: number): MonoMs {
  return (Math.floor(afterMs / beatMs) + 1) * beatMs;
}

/** Does what is due. */
function runTimers(state: TopologyState): void {
  const { params, nowMs } = state;
  expireDials(state);
  for (const member of state.members.values()) {
    if (member.isTransient && nowMs - member.sinceMs >= params['topology.transient_ms']) endMember(state, member, 'E_PRUNED', 'TOP-070');
  }
  if (state.pruneAtMs !== undefined && state.pruneAtMs <= nowMs) {
    state.pruneAtMs = undefined;
    prune(state);
  }
  if (state.roundAtMs !== undefined && state.roundAtMs <= nowMs) {
    state.roundAtMs = undefined;
    dialRound(state);
  }
}

/** Sets the timers that what has just happened asks for. */
function setTimers(state: TopologyState): void {
  const { params, nowMs } = state;
  const isTooMany = countedMembers(state).length > params['topology.connections_high'];
  state.pruneAtMs = isTooMany ? (state.pruneAtMs ?? nextBeat(nowMs, params['topology.prune_interval_ms'])) : undefined;
  const beatMs = params['topology.round_ms'];
  // A round that is due at the next beat finds out by itself whether anybody is still wanted.
  if (state.roundAtMs === nextBeat(nowMs, beatMs)) return;
  const wantedMs = roundWantedMs(state);
  state.roundAtMs = wantedMs === undefined ? undefined : nextBeat(wantedMs, beatMs);
}

function deadlineOf(state: TopologyState): MonoMs | undefined {
  if (!state.isActive) return undefined;
  const { params } = state;
  let next = Math.min(state.pruneAtMs ?? Number.POSITIVE_INFINITY, state.roundAtMs ?? Number.POSITIVE_INFINITY);
  for (const { sinceMs } of state.dials.values()) next = Math.min(next, sinceMs + params['topology.dial_timeout_ms']);
  for (const { isTransient, isEnding, sinceMs } of state.members.values()) {
    if (isTransient && !isEnding) next = Math.min(next, sinceMs + params['topology.transient_ms']);
  }
  return next === Number.POSITIVE_INFINITY ? undefined : next;
}

/** Starts the machine. */
export function createTopology(options: TopologyOptions): TopologyMachine {
  const state = createState(options);
  /** What `deadline` last found, until something may have changed it. */
  let known: { readonly at: MonoMs | undefined } | undefined;
  const deadline = (): MonoMs | undefined => {
    known ??= { at: deadlineOf(state) };
    return known.at;
  };
  return {
    handle(input, now) {
      const dueMs = deadline();
      state.nowMs = now.monoMs;
      const hasChanged = take(state, input);
      if (hasChanged || (dueMs !== undefined && dueMs <= state.nowMs)) {
        known = undefined;
        if (state.isActive) {
          runTimers(state);
          setTimers(state);
        }
      }
      const { out } = state;
      state.out = [];
      return out;
    },
    deadline,
    isAllowed: (peer) => !state.bans.has(peer, state.nowMs),
    connected: () => countedMembers(state).map(({ peer }) => peer),
    regionOf: (peer) => regionOf(state, peer),
    view: () => describeState(state),
  };
}
