/** The reconciliation machine: which input goes to which part, and when the next one is due. Spec: chapter 07 */
import { assertNever } from '../errors.ts';
import type { Machine, SetName } from '../machine.ts';
import { CAPABILITY_IBLT, CAPABILITY_RECONCILE, type MonoMs, type PeerId } from '../types.ts';
import { KIND_FETCH_REQUEST, KIND_RANGE_REQUEST, KIND_SKETCH_REQUEST } from '../wire/frame.ts';
import { answerFetch, answerRange, answerSketch } from './answering.ts';
import { takeReply } from './asking.ts';
import type { ReconciliationInput, ReconciliationOptions, ReconciliationOutput } from './contract.ts';
import { beginDue, end, nextBeginMs } from './schedule.ts';
import { type Acquaintance, createState, type Pairing, type ReconciliationState } from './state.ts';

export type { ReconciliationInput, ReconciliationOptions, ReconciliationOutput } from './contract.ts';

/** The machine, with its read-only ports. */
export interface ReconciliationMachine extends Machine<ReconciliationInput, ReconciliationOutput> {
  /** The state as plain data, for people and tests; no secrets. */
  view(): unknown;
}

/** Starts a node's reconciliation without links. */
export function createReconciliation(options: ReconciliationOptions): ReconciliationMachine {
  const state = createState(options);
  let nextMs: MonoMs | undefined;
  return {
    handle(input, now) {
      state.nowMs = now.monoMs;
      take(state, input, now.monoMs);
      beginDue(state, now.monoMs);
      nextMs = nextBeginMs(state);
      return state.out.splice(0);
    },
    deadline: () => nextMs,
    view: () => describe(state),
  };
}

function take(state: ReconciliationState, input: ReconciliationInput, nowMs: MonoMs): void {
  switch (input.type) {
    case 'sessionUp':
      addLink(state, input, nowMs);
      return;
    case 'sessionDown':
      state.links.delete(input.link);
      for (const [ask, exchange] of state.exchanges) {
        if (exchange.link.link === input.link) state.exchanges.delete(ask);
      }
      forgetOldest(state);
      return;
    case 'frame': {
      const link = state.links.get(input.link);
      if (link === undefined) return;
      const asked = { link, requestId: input.requestId, body: input.body };
      if (input.kind === KIND_SKETCH_REQUEST) answerSketch(state, asked, nowMs);
      else if (input.kind === KIND_RANGE_REQUEST) answerRange(state, asked);
      else if (input.kind === KIND_FETCH_REQUEST) answerFetch(state, asked, nowMs);
      return;
    }
    case 'answered': {
      const exchange = state.exchanges.get(input.ask);
      if (exchange === undefined) return;
      const ending = takeReply(state, exchange, input.kind, input.body, nowMs);
      if (ending !== undefined) end(state, exchange, ending, nowMs);
      return;
    }
    case 'unanswered': {
      const exchange = state.exchanges.get(input.ask);
      if (exchange !== undefined) end(state, exchange, 'silent', nowMs);
      return;
    }
    case 'rtt':
    case 'dialEnded':
    case 'overrun':
    case 'tick':
      return;
    default:
      assertNever(input);
  }
}

/** The peer as it was known, or anew: how it failed and when it was asked outlasts a session. */
function meet(state: ReconciliationState, peer: PeerId, nowMs: MonoMs): Acquaintance {
  const { sets, rng, params } = state.options;
  const intervalMs = params['reconcile.interval_ms'];
  const met = state.acquaintances.get(peer);
  // Who was met last is forgotten last.
  state.acquaintances.delete(peer);
  const known: Acquaintance = met ?? {
    pairings: new Map<SetName, Pairing>(
      sets.map((set) => [
        set.name,
        {
          set,
          dueMs: 0,
          pauseMs: intervalMs,
          prefixBits: 0,
          prefix: 0,
          failures: 0,
          useRanges: false,
          isSilent: false,
          retry: undefined,
        },
      ]),
    ),
    begunMs: undefined,
  };
  for (const pairing of known.pairings.values()) {
    pairing.dueMs = nowMs + rng.below(intervalMs);
    pairing.pauseMs = intervalMs;
  }
  state.acquaintances.set(peer, known);
  return known;
}

/** Forgets those without a session beyond the number that is remembered, the one that was met first to begin with. */
function forgetOldest(state: ReconciliationState): void {
  const linked = new Set([...state.links.values()].map(({ peer }) => peer));
  let spare = state.acquaintances.size - linked.size - state.options.params['reconcile.distrusted_max'];
  for (const peer of state.acquaintances.keys()) {
    if (spare <= 0) return;
    if (linked.has(peer)) continue;
    state.acquaintances.delete(peer);
    spare -= 1;
  }
}

function addLink(
  state: ReconciliationState,
  { link, peer, capabilities }: Extract<ReconciliationInput, { type: 'sessionUp' }>,
  nowMs: MonoMs,
): void {
  if (!capabilities.has(CAPABILITY_RECONCILE)) return;
  const hasTables = capabilities.has(CAPABILITY_IBLT);
  state.links.set(link, {
    link,
    peer,
    hasTables,
    known: meet(state, peer, nowMs),
    rank: state.options.rng.below(2 ** 32),
    peerBegunMs: [],
    kept: undefined,
  });
}

function describe(state: ReconciliationState): unknown {
  return {
    links: state.links.size,
    running: [...state.exchanges.values()].map(({ pairing, phase, link }) => ({
      set: pairing.set.name,
      peer: link.peer,
      phase: phase.type,
    })),
    distrusted: [...state.distrusted].map(([peer, untilMs]) => ({ peer, untilMs })),
    kept: [...state.links.values()].filter(({ kept }) => kept !== undefined).length,
    ...state.counts,
  };
}
