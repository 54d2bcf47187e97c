/** The gossip machine: which input goes to which part, and when the next one is due. Spec: chapter 05 */
import { assertNever } from '../errors.ts';
import type { Machine } from '../machine.ts';
import type { LinkService, OwnService } from '../ports.ts';
import type { LinkId, MonoMs, Now, PeerId } from '../types.ts';
import { KIND_DIRECT, KIND_PUSH } from '../wire/frame.ts';
import type { GossipInput, GossipOptions, GossipOutput } from './contract.ts';
import { forward, publish, resolve, spreadTransaction } from './dissemination.ts';
import { beat, nextExpiryMs } from './heartbeat.ts';
import { ask } from './questions.ts';
import { receiveFrame, receiveTransactions } from './reception.ts';
import { addLink, removeLink, review, touch, touchBurdened } from './standing.ts';
import { createState, type GossipState } from './state.ts';
import { describeState } from './view.ts';

export type { GossipInput, GossipOptions, GossipOutput } from './contract.ts';

/** A gossip machine, with its ports for reading. */
export interface GossipMachine extends Machine<GossipInput, GossipOutput> {
  /** The peer's score at the last input; 0 for a peer that nothing is known of. */
  scoreOf(peer: PeerId): number;
  /** What the peer of an open link has done. */
  serviceOf(link: LinkId): LinkService | undefined;
  /** What the node has done. */
  ownService(): OwnService;
  /** Whether a Prune that this node sent lasts on the link. */
  isPruned(link: LinkId): boolean;
  /** The state as plain data, for people and tests; no secrets, no message bytes. */
  view(): unknown;
}

/** Starts a node's gossip without links. */
export function createGossip(options: GossipOptions): GossipMachine {
  const state = createState(options);
  return {
    handle(input, now) {
      state.nowMs = now.monoMs;
      state.wallMs = now.wallMs;
      take(state, input, now);
      runTimers(state, now.monoMs);
      review(state, now.monoMs);
      return flush(state);
    },
    deadline: () => nextDeadline(state),
    scoreOf: (peer) => state.scores.scoreOf(peer, state.nowMs),
    serviceOf: (link) => state.service.of(link),
    ownService: () => state.service,
    isPruned: (link) => (state.links.get(link)?.prunesSent.size ?? 0) > 0,
    view: () => describeState(state),
  };
}

function take(state: GossipState, input: GossipInput, now: Now): void {
  switch (input.type) {
    case 'sessionUp':
      addLink(state, input, now.monoMs);
      return;
    case 'sessionDown':
      removeLink(state, input.link, now.monoMs);
      return;
    case 'frame': {
      const link = state.links.get(input.link);
      if (link !== undefined) receiveFrame(state, link, input.kind, input.body, now);
      return;
    }
    case 'envelopeRejected':
      state.scores.countInvalid(input.peer, now.monoMs);
      touch(state, input.peer);
      return;
    case 'overrun':
      state.scores.countOverrun(input.peer, now.monoMs);
      touch(state, input.peer);
      return;
    case 'publish':
      publish(state, input.topic, input.data, now);
      return;
    case 'validated': {
      const pending = state.pending.take(input.token);
      if (pending !== undefined) resolve(state, pending, input.verdict, 'GSP-026', now.monoMs);
      return;
    }
    case 'transactionJudged': {
      const pending = state.pending.take(input.token);
      if (pending !== undefined) resolve(state, pending, input.verdict, input.clause ?? 'MEM-017', now.monoMs, input.code);
      return;
    }
    case 'transactionsArrived': {
      const link = state.links.get(input.link);
      if (link !== undefined) receiveTransactions(state, link, input.envelopes, now);
      return;
    }
    case 'spreadTransaction':
      spreadTransaction(state, input.id, input.origin, input.envelope, now.monoMs);
      return;
    case 'forwardTransactions':
      forward(state, input.link, input.items, now.monoMs);
      return;
    case 'tick':
      return;
    default:
      assertNever(input);
  }
}

/** An input that comes at the very moment of a timer is taken first: what is due "within" a time may come at its end. */
function runTimers(state: GossipState, nowMs: MonoMs): void {
  touchBurdened(state, nowMs);
  for (let late = state.pending.takeDue(nowMs); late !== undefined; late = state.pending.takeDue(nowMs)) {
    resolve(state, late, 'ignore', 'GSP-028', nowMs);
  }
  ask(state, nowMs);
  state.active.rotate(nowMs);
  beat(state, nowMs);
}

function flush(state: GossipState): readonly GossipOutput[] {
  const effects = state.effects.splice(0);
  const frames = state.outbox.flush(state.options.params['gossip.prune_ms']);
  for (const frame of frames) {
    if (frame.kind === KIND_PUSH || frame.kind === KIND_DIRECT) state.service.carriedBytes += frame.body.length;
    effects.push({ type: 'sendFrame', ...frame });
  }
  return effects;
}

function nextDeadline(state: GossipState): MonoMs | undefined {
  const moments = [
    state.heartbeatAtMs ?? nextExpiryMs(state),
    state.inventory.nextMs,
    state.pending.nextMs,
    state.active.rotateAtMs,
    state.decayAtMs,
  ].filter((moment) => moment !== undefined);
  return moments.length === 0 ? undefined : Math.min(...moments);
}
