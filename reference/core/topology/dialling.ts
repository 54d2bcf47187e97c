/** Whom a node looks for, and when. Spec: chapter 10, "Dialling" */
import type { MonoMs, PeerId } from '../types.ts';
import type { Candidate } from './candidates.ts';
import { judgeMember } from './judging.ts';
import { REGION_NAMES, type Region, regionFloor } from './region.ts';
import { claimedRegion, countedMembers, isProtected, type Member, regionOf, type TopologyState } from './state.ts';
import { limitedSubnet } from './subnet-limit.ts';

/** How many more sessions are wanted, dials under way counted; 0 when there are enough. */
function shortage(state: TopologyState, members: readonly Member[]): number {
  const { params, dials } = state;
  const outbound = members.filter(({ direction }) => direction === 'outbound').length;
  const wanted = Math.max(
    params['topology.outbound_min'] - outbound - dials.size,
    params['topology.connections_target'] - members.length - dials.size,
    0,
  );
  return Math.max(0, Math.min(wanted, params['topology.connections_max'] - members.length - dials.size));
}

/** Regions with fewer sessions and dials than their floors; a claim counts until there is a round trip to hold against it. */
function shortRegions(state: TopologyState, members: readonly Member[]): readonly Region[] {
  if (state.ownRegion === 'unknown') return [];
  const counts = new Map<Region, number>();
  const count = (region: Region): void => {
    counts.set(region, (counts.get(region) ?? 0) + 1);
  };
  for (const { peer } of members)
    count(state.memory.leastRttMs(peer, state.nowMs) === undefined ? claimedRegion(state, peer) : regionOf(state, peer));
  for (const { region } of state.dials.values()) count(region);
  const target = state.params['topology.connections_target'];
  return REGION_NAMES.filter((region) => (counts.get(region) ?? 0) < regionFloor(state.ownRegion, region, target));
}

function isResting(state: TopologyState, { peer, addresses, notBeforeMs }: Candidate): boolean {
  const [address = ''] = addresses;
  return notBeforeMs > state.nowMs || state.options.restUntilMs(address, peer) > state.nowMs;
}

/** Whether a candidate could be dialled now, subnets aside. Spec: TOP-049, TOP-051 */
function isEligible(state: TopologyState, candidate: Candidate): boolean {
  const { peer } = candidate;
  if (peer === state.options.self || state.linkOf.has(peer) || state.dials.has(peer)) return false;
  return !state.bans.has(peer, state.nowMs) && !isResting(state, candidate);
}

function dial(state: TopologyState, { peer, addresses }: Candidate): void {
  const [address] = addresses;
  if (address === undefined) return;
  const subnet = limitedSubnet(state.params, address);
  state.dials.set(peer, { peer, address, subnet, region: claimedRegion(state, peer), sinceMs: state.nowMs });
  state.out.push({ type: 'connect', address, expected: peer });
}

/** Eligible candidates, of whom chance takes one at a time. Spec: TOP-043, TOP-048 */
class Choice {
  readonly #state: TopologyState;
  readonly #left: Candidate[];
  readonly #outboundBySubnet = new Map<string, number>();

  constructor(state: TopologyState, members: readonly Member[]) {
    this.#state = state;
    this.#left = [...state.candidates.values()].filter((candidate) => isEligible(state, candidate));
    for (const { direction, subnet } of members) if (direction === 'outbound') this.#count(subnet);
    for (const { subnet } of state.dials.values()) this.#count(subnet);
  }

  /** Dials one of the candidates that `isWanted` allows, each as likely; false when there is none. */
  dialOne(isWanted: (candidate: Candidate) => boolean, anySubnet: boolean): boolean {
    const chosen = this.#state.rng.pick(this.#left.filter((candidate) => isWanted(candidate) && (anySubnet || this.#hasRoom(candidate))));
    if (chosen === undefined) return false;
    this.#left.splice(this.#left.indexOf(chosen), 1);
    this.#count(this.#subnetOf(chosen));
    dial(this.#state, chosen);
    return true;
  }

  #subnetOf({ addresses }: Candidate): string | undefined {
    return limitedSubnet(this.#state.params, addresses[0] ?? '');
  }

  #hasRoom(candidate: Candidate): boolean {
    const subnet = this.#subnetOf(candidate);
    return subnet === undefined || (this.#outboundBySubnet.get(subnet) ?? 0) < this.#state.params['topology.subnet_outbound_max'];
  }

  #count(subnet: string | undefined): void {
    if (subnet !== undefined) this.#outboundBySubnet.set(subnet, (this.#outboundBySubnet.get(subnet) ?? 0) + 1);
  }
}

/** All protected peers, ascending. */
function protectedPeers(state: TopologyState): readonly PeerId[] {
  return [...new Set<PeerId>([...state.protectedPeers, ...state.options.consensusPeers()])].sort();
}

/** Protected peers whose addresses are known, ascending. */
function protectedCandidates(state: TopologyState): readonly Candidate[] {
  return protectedPeers(state)
    .map((peer) => state.candidates.get(peer))
    .filter((candidate) => candidate !== undefined);
}

/** Protected peers that have to be looked up before they can be dialled, or because they were not where they were thought to be. */
function lostPeers(state: TopologyState): readonly PeerId[] {
  if (state.params['dht.mode'] === 'off') return [];
  return protectedPeers(state).filter((peer) => {
    if (state.linkOf.has(peer) || state.dials.has(peer)) return false;
    if (state.options.self === peer || state.bans.has(peer, state.nowMs)) return false;
    return (state.candidates.get(peer)?.failures ?? 1) > 0;
  });
}

/** Asks the DHT where protected peers are. Spec: TOP-054 */
function lookUp(state: TopologyState): void {
  const lost = lostPeers(state);
  for (const peer of lost) {
    if ((state.lookups.get(peer) ?? 0) > state.nowMs) continue;
    state.lookups.set(peer, state.nowMs + state.params['topology.want_ms']);
    state.out.push({ type: 'wantContact', peer });
  }
  for (const peer of state.lookups.keys()) if (!isProtected(state, peer)) state.lookups.delete(peer);
}

/** Takes transient sessions as ordinary ones, the oldest first, while sessions are wanted. */
function adoptTransients(state: TopologyState): void {
  for (const member of state.members.values()) {
    if (!member.isTransient || member.isEnding) continue;
    if (shortage(state, countedMembers(state)) === 0) return;
    member.isTransient = false;
    member.isChosen = true;
    judgeMember(state, member);
  }
}

/** One round. Spec: TOP-040 to TOP-049 */
export function dialRound(state: TopologyState): void {
  const { params, dials } = state;
  lookUp(state);
  adoptTransients(state);
  const hasRoom = (): boolean => dials.size < params['topology.dials_max'];
  for (const candidate of protectedCandidates(state)) if (hasRoom() && isEligible(state, candidate)) dial(state, candidate);
  const members = countedMembers(state);
  const wanted = shortage(state, members);
  const short = new Set(shortRegions(state, members));
  if ((wanted === 0 && short.size === 0) || !hasRoom()) return;
  const choice = new Choice(state, members);
  const isOfShort = ({ peer }: Candidate): boolean => short.has(claimedRegion(state, peer));
  const isLonely = members.length < params['topology.connections_min'];
  const anybody = (): boolean => true;
  let dialled = 0;
  while (dialled < wanted && hasRoom()) {
    const found =
      (short.size > 0 && choice.dialOne(isOfShort, false)) || choice.dialOne(anybody, false) || (isLonely && choice.dialOne(anybody, true));
    if (!found) break;
    dialled += 1;
    for (const region of [...short]) if (!shortRegions(state, members).includes(region)) short.delete(region);
  }
  if (dialled < wanted) askForPeers(state, wanted - dialled);
  for (const region of short) {
    if (!hasRoom() || members.length + dials.size >= params['topology.connections_high']) break;
    choice.dialOne(({ peer }) => claimedRegion(state, peer) === region, false);
  }
}

/** Tells the DHT that candidates have run out. Spec: TOP-047 */
function askForPeers(state: TopologyState, count: number): void {
  if (state.wantMs > state.nowMs || state.dials.size >= state.params['topology.dials_max']) return;
  state.wantMs = state.nowMs + state.params['topology.want_ms'];
  state.out.push({ type: 'wantPeers', count });
}

/** From when on a round could lead to something, undefined while nobody is wanted or nobody could be had. */
export function roundWantedMs(state: TopologyState): MonoMs | undefined {
  const members = countedMembers(state);
  const isShort = shortage(state, members) > 0;
  const hasRefill = !isShort && members.length < state.params['topology.connections_high'] && shortRegions(state, members).length > 0;
  let nextMs = isShort ? state.wantMs : Number.POSITIVE_INFINITY;
  const looksAt = isShort || hasRefill ? state.candidates.values() : protectedCandidates(state);
  for (const candidate of looksAt) {
    if (state.linkOf.has(candidate.peer) || state.dials.has(candidate.peer)) continue;
    const [address = ''] = candidate.addresses;
    nextMs = Math.min(nextMs, Math.max(candidate.notBeforeMs, state.options.restUntilMs(address, candidate.peer)));
    if (nextMs <= state.nowMs) break;
  }
  for (const peer of lostPeers(state)) nextMs = Math.min(nextMs, state.lookups.get(peer) ?? state.nowMs);
  return nextMs === Number.POSITIVE_INFINITY ? undefined : Math.max(nextMs, state.nowMs);
}

/** Gives up dials that have lasted too long, and counts them as failed. Spec: TOP-042 */
export function expireDials(state: TopologyState): void {
  for (const { peer, sinceMs } of [...state.dials.values()]) {
    if (state.nowMs - sinceMs < state.params['topology.dial_timeout_ms']) continue;
    state.dials.delete(peer);
    state.candidates.failed(peer, state.nowMs);
  }
}

/** Whether a peer's loss is worth a dial, and when. Spec: TOP-050, TOP-052 */
export function considerReturn(state: TopologyState, member: Member, score: number): void {
  const { params, nowMs, candidates } = state;
  const isWorth = member.isChosen || isProtected(state, member.peer) || score >= params['topology.reconnect_score_min'];
  if (!isWorth) candidates.forget(member.peer);
  else if (nowMs - member.sinceMs < params['topology.newcomer_ms']) candidates.failed(member.peer, nowMs);
  else candidates.ended(member.peer, nowMs);
}
