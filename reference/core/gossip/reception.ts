/** What a peer's frames do. Spec: GSP-001, GSP-010 to GSP-029, GSP-050 to GSP-068, GSP-103 */
import type { Now } from '../types.ts';
import {
  type Decoded,
  type Direct,
  decodeDirect,
  decodeGraft,
  decodeIdontwant,
  decodeIhave,
  decodeIwant,
  decodePrune,
  decodePush,
  type Graft,
  type Idontwant,
  type Ihave,
  type Iwant,
  type Prune,
  type Push,
} from '../wire/body.ts';
import { hashEnvelope } from '../wire/envelope.ts';
import { KIND_DIRECT, KIND_FORWARD, KIND_GRAFT, KIND_IDONTWANT, KIND_IHAVE, KIND_IWANT, KIND_PRUNE, KIND_PUSH } from '../wire/frame.ts';
import { decodeForward, type Forward, TRANSACTION_TOPIC } from '../wire/transaction.ts';
import { accept, addVerdict } from './dissemination.ts';
import { type GossipMessage, hopsToSend, isServedTopic, originKey, UNSTAKED_ORIGINS } from './message.ts';
import type { Arrival } from './pending.ts';
import { closeLink, touch } from './standing.ts';
import type { GossipLink, GossipState } from './state.ts';
import { type Judgement, judgeItem, type ReceivedItem, type VerdictMemory } from './verdict.ts';

/** Takes a frame of a link's own protocol; other kinds are the session's business. */
export function receiveFrame(state: GossipState, link: GossipLink, kind: number, body: Uint8Array, now: Now): void {
  if (kind === KIND_FORWARD) {
    withBody(state, link, decodeForward(body), now, receiveForward);
    return;
  }
  if (link.kind === 'direct' && kind === KIND_DIRECT) {
    state.service.carriedBytes += body.length;
    withBody(state, link, decodeDirect(body), now, receiveDirect);
    return;
  }
  if (link.kind !== 'gossip') return;
  switch (kind) {
    case KIND_PUSH:
      state.service.carriedBytes += body.length;
      state.service.countPush(link.link, body.length);
      state.service.countHeard(link.link);
      withBody(state, link, decodePush(body), now, receivePush);
      return;
    case KIND_PRUNE:
      withBody(state, link, decodePrune(body), now, receivePrune);
      return;
    case KIND_GRAFT:
      withBody(state, link, decodeGraft(body), now, receiveGraft);
      return;
    case KIND_IHAVE:
      state.service.countHeard(link.link);
      withBody(state, link, decodeIhave(body), now, receiveIhave);
      return;
    case KIND_IWANT:
      withBody(state, link, decodeIwant(body), now, receiveIwant);
      return;
    case KIND_IDONTWANT:
      withBody(state, link, decodeIdontwant(body), now, receiveIdontwant);
      return;
    default:
      return;
  }
}

/** Passes a well-formed body on; any other ends the session. */
function withBody<T>(
  state: GossipState,
  link: GossipLink,
  decoded: Decoded<T>,
  now: Now,
  receive: (state: GossipState, link: GossipLink, body: T, now: Now) => void,
): void {
  if (decoded.ok) {
    receive(state, link, decoded.value, now);
    return;
  }
  const { code, clause } = decoded;
  state.effects.push({ type: 'violation', link: link.link, peer: link.peer, code, clause });
  closeLink(state, link.link, code, clause, now.monoMs);
}

function receivePush(state: GossipState, link: GossipLink, push: Push, now: Now): void {
  for (const { hops, envelope } of push.items) receiveItem(state, link, push.topic, hops, envelope, now);
}

/** Spec: MEM-033 */
function receiveForward(state: GossipState, link: GossipLink, { transactions }: Forward, now: Now): void {
  receiveTransactions(state, link, transactions, now);
}

/** Judges transactions that did not come in a Push. */
export function receiveTransactions(state: GossipState, link: GossipLink, envelopes: readonly Uint8Array[], now: Now): void {
  for (const envelope of envelopes) receiveItem(state, link, TRANSACTION_TOPIC, 0, envelope, now, false);
}

function receiveDirect(state: GossipState, link: GossipLink, direct: Direct, now: Now): void {
  for (const envelope of direct.envelopes) receiveItem(state, link, direct.topic, 0, envelope, now);
}

/** Judges one envelope by itself; what it costs its sender shows when the whole frame is judged. */
function receiveItem(
  state: GossipState,
  link: GossipLink,
  topic: string,
  hops: number,
  envelope: Uint8Array,
  now: Now,
  pushed: boolean = link.kind === 'gossip',
): void {
  const hash = hashEnvelope(state.options.crypto, envelope);
  const item: ReceivedItem = { topic, hops, envelope, hash };
  const arrival: Arrival = { link: link.link, peer: link.peer, hash, pushed };
  const judgement = judgeItem(state.options, memoryAt(state, now), item, now);
  switch (judgement.verdict) {
    case 'pass':
      takeGood(state, arrival, judgement.message, now);
      return;
    case 'pending':
      takePendingCopy(state, arrival, judgement.message, now);
      return;
    case 'ignore':
      takeIgnored(state, arrival, judgement, now);
      return;
    case 'reject':
      takeRejected(state, arrival, judgement, now);
      return;
  }
}

function memoryAt(state: GossipState, now: Now): VerdictMemory {
  return {
    hasAccepted: (id) => state.seen.has(id, now.monoMs),
    knownSignature: (hash, id) => {
      if (state.rejected.has(hash)) return false;
      return state.pending.get(id)?.message.hash === hash ? true : undefined;
    },
    isSelf: (origin) => origin === state.options.self,
    isPending: (id) => state.pending.get(id) !== undefined,
    floodAllows: (origin) => state.flood.allows(origin, now.monoMs),
  };
}

function takeGood(state: GossipState, arrival: Arrival, message: GossipMessage, now: Now): void {
  const nowMs = now.monoMs;
  const { id, topic, origin, data } = message;
  const wasAsked = state.inventory.wasAsked(id, arrival.link);
  state.inventory.keepPromise(arrival.link, id);
  state.known.learn(arrival.link, id, nowMs);
  const { transaction, envelope } = message;
  if (!state.options.applicationValidation && transaction === undefined) {
    state.flood.charge(origin, nowMs);
    accept(state, message, [arrival], wasAsked, nowMs);
    return;
  }
  if (state.pending.isFull) {
    addVerdict(state, arrival, 'ignore', 'E_APPLICATION', 'GSP-026');
    return;
  }
  // Charged now, so that what waits cannot be more than what may be accepted; given back if it is not.
  state.flood.charge(origin, nowMs);
  const { token } = state.pending.add(message, arrival, wasAsked, nowMs);
  if (transaction === undefined) state.effects.push({ type: 'validate', token, topic, id, origin, data });
  else state.effects.push({ type: 'judgeTransaction', token, id, origin, envelope, transaction });
}

function takePendingCopy(state: GossipState, arrival: Arrival, message: GossipMessage, now: Now): void {
  state.inventory.keepPromise(arrival.link, message.id);
  state.known.learn(arrival.link, message.id, now.monoMs);
  const pending = state.pending.get(message.id);
  if (pending !== undefined && state.pending.addCopy(pending, arrival)) return;
  addVerdict(state, arrival, 'ignore', 'E_DUPLICATE', 'GSP-027');
}

type Refused = Extract<Judgement, { readonly verdict: 'ignore' | 'reject' }>;

function takeIgnored(state: GossipState, arrival: Arrival, { code, clause, id, origin }: Refused, now: Now): void {
  addVerdict(state, arrival, 'ignore', code, clause);
  if (id === undefined || origin === undefined) return;
  state.inventory.keepPromise(arrival.link, id);
  if (code !== 'E_DUPLICATE') {
    state.known.learn(arrival.link, id, now.monoMs);
    return;
  }
  // A copy counts as delivered once, as long as the message is fresh.
  if (arrival.pushed && state.known.lacks(arrival.link, id)) state.service.countDelivered(arrival.link, origin);
  state.known.confirm(arrival.link, id);
  if (arrival.pushed) state.counts.addCopy(originKey(origin, state.options.stakeOf), id, arrival.link);
}

function takeRejected(state: GossipState, arrival: Arrival, { code, clause }: Refused, now: Now): void {
  addVerdict(state, arrival, 'reject', code, clause);
  if (code === 'E_SIGNATURE') state.rejected.add(arrival.hash);
  state.scores.countInvalid(arrival.peer, now.monoMs);
  state.service.countFailed([arrival.link]);
  touch(state, arrival.peer);
}

function receiveIhave(state: GossipState, link: GossipLink, { topic, ids }: Ihave, { monoMs }: Now): void {
  if (!isHeard(state, link, monoMs)) return;
  if (link.ihaveFramesIn.admit(1, monoMs) === 0) return;
  const admitted = link.ihaveIdsIn.admit(ids.length, monoMs);
  // A message on a topic that the node does not serve would be ignored when it came.
  if (!isServedTopic(topic, state.options.params)) return;
  for (const id of ids.slice(0, admitted)) {
    if (state.seen.has(id, monoMs) || state.published.has(id)) state.known.confirm(link.link, id);
    else if (state.inventory.hear(link.link, id, monoMs)) state.known.learn(link.link, id, monoMs);
  }
}

function receiveIwant(state: GossipState, link: GossipLink, { ids }: Iwant, { monoMs }: Now): void {
  if (!isHeard(state, link, monoMs)) return;
  const admitted = link.iwantIdsIn.admit(ids.length, monoMs);
  for (const id of new Set(ids.slice(0, admitted))) {
    const message = state.cache.get(id, monoMs);
    const sends = link.answers.get(id) ?? 0;
    if (message === undefined && (state.seen.has(id, monoMs) || state.published.has(id))) state.service.missed += 1;
    if (message === undefined || sends >= state.options.params['gossip.iwant_sends_max']) continue;
    state.service.answered += 1;
    link.answers.set(id, sends + 1);
    state.known.confirm(link.link, id);
    state.outbox.push(link.link, message.topic, {
      hops: hopsToSend(message, state.options.params['gossip.hops_max']),
      envelope: message.envelope,
    });
  }
}

function receiveIdontwant(state: GossipState, link: GossipLink, { ids }: Idontwant, { monoMs }: Now): void {
  const admitted = link.idontwantIdsIn.admit(ids.length, monoMs);
  for (const id of ids.slice(0, admitted)) {
    if (state.seen.has(id, monoMs) || state.published.has(id)) state.known.confirm(link.link, id);
    else state.known.learn(link.link, id, monoMs);
  }
}

function receivePrune(state: GossipState, link: GossipLink, { origins, backoffMs }: Prune, { monoMs }: Now): void {
  const { params, stakeOf } = state.options;
  const longest = BigInt(params['gossip.prune_backoff_ms_max']);
  const lastsMs = Number(backoffMs < longest ? backoffMs : longest);
  for (const origin of origins) {
    if (origin !== UNSTAKED_ORIGINS && stakeOf(origin) === 0n) continue; // GSP-065
    link.prunesReceived.set(origin, monoMs + lastsMs, monoMs);
  }
}

function receiveGraft(_: GossipState, link: GossipLink, { origins }: Graft): void {
  for (const origin of origins) link.prunesReceived.end(origin);
}

/** Whether the peer's announcements and questions count. Spec: GSP-094 */
function isHeard(state: GossipState, link: GossipLink, nowMs: number): boolean {
  return state.scores.scoreOf(link.peer, nowMs) >= state.options.params['score.gossip_min'];
}
