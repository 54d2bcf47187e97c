/** Whose turn it is: which set is compared with which peer, and when. Spec: RCN-014 to RCN-018, RCN-037 */
import type { MonoMs } from '../types.ts';
import { begin, type Ending } from './asking.ts';
import { distrust, type Exchange, isTrusted, type Pairing, type ReconciliationState, type ReconcilingLink } from './state.ts';

interface Candidate {
  readonly link: ReconcilingLink;
  readonly pairing: Pairing;
  /** When nothing but the others' turns stands in the way. */
  readonly fromMs: MonoMs;
}

function intervalMs(state: ReconciliationState): number {
  return state.options.params['reconcile.interval_ms'];
}

/** Every pairing that may come to its turn, with the moment from which it may. */
function candidates(state: ReconciliationState): readonly Candidate[] {
  const busy = new Set([...state.exchanges.values()].map(({ link }) => link));
  const found: Candidate[] = [];
  for (const link of state.links.values()) {
    if (busy.has(link)) continue;
    const freeMs = Math.max(
      state.distrusted.get(link.peer) ?? 0,
      link.known.begunMs === undefined ? 0 : link.known.begunMs + intervalMs(state),
    );
    for (const pairing of link.known.pairings.values()) {
      if (pairing.isSilent && hasOther(state, link)) continue;
      found.push({ link, pairing, fromMs: Math.max(freeMs, pairing.dueMs) });
    }
  }
  return found;
}

/** Whether somebody else can be asked instead of a peer that did not answer. */
function hasOther(state: ReconciliationState, link: ReconcilingLink): boolean {
  for (const other of state.links.values()) {
    if (other.peer !== link.peer && isTrusted(state, other.peer, state.nowMs)) return true;
  }
  return false;
}

/** When the next exchange with a peer that was not begun with lately may begin. */
function fanoutMs(state: ReconciliationState): MonoMs {
  const { begun } = state;
  const fanout = state.options.params['reconcile.fanout'];
  const latest = [...new Map(begun.map(({ peer, atMs }) => [peer, atMs])).values()].sort((a, b) => b - a);
  const last = latest[fanout - 1];
  return last === undefined ? 0 : last + intervalMs(state);
}

function hasRoom(state: ReconciliationState): boolean {
  return state.exchanges.size < state.options.params['reconcile.running_max'];
}

/** Begins what is due: the set that waited longest first, then the pairing that is due longest. */
export function beginDue(state: ReconciliationState, nowMs: MonoMs): void {
  state.begun = state.begun.filter(({ atMs }) => atMs > nowMs - intervalMs(state));
  while (hasRoom(state) && fanoutMs(state) <= nowMs) {
    const due = candidates(state).filter(({ fromMs }) => fromMs <= nowMs);
    if (due.length === 0) return;
    const { link, pairing } = due.reduce((a, b) => (isBefore(state, a, b) ? a : b));
    const { name } = pairing.set;
    for (const other of state.links.values()) {
      const silent = other.known.pairings.get(name);
      if (silent !== undefined) silent.isSilent = false;
    }
    link.known.begunMs = nowMs;
    state.begun.push({ peer: link.peer, atMs: nowMs });
    state.setBegunMs.set(name, nowMs);
    begin(state, link, pairing, nowMs);
  }
}

function isBefore(state: ReconciliationState, a: Candidate, b: Candidate): boolean {
  const [setA, setB] = [a, b].map(({ pairing }) => state.setBegunMs.get(pairing.set.name) ?? -1) as [number, number];
  if (setA !== setB) return setA < setB;
  if (a.pairing.dueMs !== b.pairing.dueMs) return a.pairing.dueMs < b.pairing.dueMs;
  return a.link.rank < b.link.rank;
}

/** When the next exchange can begin, or undefined when one has to end first or nobody is there. */
export function nextBeginMs(state: ReconciliationState): MonoMs | undefined {
  if (!hasRoom(state)) return undefined;
  let next: MonoMs | undefined;
  for (const { fromMs } of candidates(state)) {
    if (next === undefined || fromMs < next) next = fromMs;
  }
  return next === undefined ? undefined : Math.max(next, fanoutMs(state));
}

/** Ends an exchange and says when the pairing comes to its turn again. */
export function end(state: ReconciliationState, exchange: Exchange, ending: Ending, nowMs: MonoMs): void {
  const { pairing, link } = exchange;
  const { params } = state.options;
  state.exchanges.delete(exchange.ask);
  const found = exchange.phase.type === 'fetch' ? exchange.phase.items : 0;
  if (found > 0)
    state.out.push({ type: 'notice', notice: { type: 'reconciliation.done', set: pairing.set.name, peer: link.peer, items: found } });

  const partitions = 2 ** pairing.prefixBits;
  const hadPartition = ending === 'same' || ending === 'found';
  if (hadPartition) {
    pairing.failures = 0;
    pairing.useRanges = false;
    pairing.prefix = (pairing.prefix + 1) % partitions;
  }
  if (ending === 'same') {
    state.counts.same += 1;
    // The other partitions follow at once; only a round that found nothing makes the pause longer.
    pairing.pauseMs = pairing.prefix === 0 ? Math.min(2 * pairing.pauseMs, params['reconcile.pause_ms_max']) : intervalMs(state);
  } else {
    pairing.pauseMs = intervalMs(state);
  }
  if (ending === 'silent') pairing.isSilent = true;
  if (ending === 'largeDifference') pairing.useRanges = true;
  if (ending === 'failed') fail(state, exchange, nowMs);
  pairing.dueMs = exchange.beganMs + pairing.pauseMs + state.options.rng.below(Math.max(1, Math.floor(intervalMs(state) / 10)));
}

/** Spec: RCN-036, RCN-037 */
function fail(state: ReconciliationState, { pairing, link }: Exchange, nowMs: MonoMs): void {
  state.counts.failed += 1;
  pairing.failures += 1;
  pairing.useRanges = true;
  if (pairing.failures < state.options.params['reconcile.failures_max']) return;
  pairing.failures = 0;
  const fault = { code: 'E_SKETCH', clause: 'RCN-037' } as const;
  state.out.push({ type: 'violation', link: link.link, peer: link.peer, ...fault });
  distrust(state, link.peer, fault, nowMs);
}
