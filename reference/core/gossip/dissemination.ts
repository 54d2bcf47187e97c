/** What happens to a message once it is accepted or published. Spec: GSP-040 to GSP-046, GSP-069, GSP-075, GSP-101 */
import { create } from '@bufbuild/protobuf';
import { AppPayloadSchema } from '../../../proto/gen/carillon/v1/gossip_pb.ts';
import { copyBytes } from '../bytes.ts';
import { invariant } from '../errors.ts';
import type { ClauseId, ErrorName, LinkId, MessageId, MonoMs, Now, PeerId, Verdict } from '../types.ts';
import { envelopeId, hashEnvelope, openEnvelope, PAYLOAD_VERSION, sealEnvelope } from '../wire/envelope.ts';
import { encodeStrict } from '../wire/strict.ts';
import { TRANSACTION_TOPIC } from '../wire/transaction.ts';
import { directTargets } from './direct.ts';
import { type GossipMessage, hopsToSend, isAppTopic, originKey } from './message.ts';
import type { Arrival, PendingMessage } from './pending.ts';
import { touch } from './standing.ts';
import { type GossipState, linksOfKind, takesTopic } from './state.ts';
import { APP_CONTEXT, NO_DATA } from './verdict.ts';

/** Takes a message as accepted: the first arrival brought it, the others are copies that waited with it. */
export function accept(state: GossipState, message: GossipMessage, arrivals: readonly Arrival[], wasAsked: boolean, nowMs: MonoMs): void {
  const { id, origin, topic, data } = message;
  state.seen.add(id, origin, nowMs);
  state.inventory.drop(id);
  state.cache.add(message, nowMs);
  for (const [index, arrival] of arrivals.entries()) {
    if (index === 0) addVerdict(state, arrival, 'accept');
    else addVerdict(state, arrival, 'ignore', 'E_DUPLICATE', 'GSP-015');
    // A link may have gone while the application was thinking.
    if (state.links.has(arrival.link)) state.known.learn(arrival.link, id, nowMs);
    if (index > 0 && arrival.pushed) state.service.countDelivered(arrival.link, origin);
  }
  if (message.transaction === undefined) state.effects.push({ type: 'deliver', topic, id, origin, data });

  const key = originKey(origin, state.options.stakeOf);
  const pushers = arrivals.filter(({ pushed, link }) => pushed && state.links.has(link)).map(({ link }) => link);
  state.counts.addMessage(key, origin, id, pushers);
  const first = arrivals[0];
  if (first !== undefined) {
    state.service.countFirst(first.link, origin);
    state.scores.countFirst(first.peer, nowMs);
    touch(state, first.peer);
    const link = state.links.get(first.link);
    if (wasAsked && link?.prunesSent.lasts(key, nowMs)) {
      link.prunesSent.end(key);
      state.outbox.graft(link.link, key);
    }
  }
  spread(state, message, first?.link, nowMs);
}

/** Gives a pending message, and all copies of it, the verdict of the application or the mempool, or `ignore` when it did not come in time. */
export function resolve(
  state: GossipState,
  pending: PendingMessage,
  verdict: Verdict,
  clause: ClauseId,
  nowMs: MonoMs,
  code: ErrorName = 'E_APPLICATION',
): void {
  const { message, arrivals, wasAsked } = pending;
  if (verdict === 'accept') {
    accept(state, message, arrivals, wasAsked, nowMs);
    return;
  }
  state.flood.refund(message.origin, nowMs);
  for (const arrival of arrivals) {
    addVerdict(state, arrival, verdict, code, clause);
    if (verdict === 'ignore') continue;
    state.scores.countInvalid(arrival.peer, nowMs);
    touch(state, arrival.peer);
  }
  // The application would reject the next copy like this one; what it ignored may be asked for again.
  if (verdict === 'reject') state.inventory.drop(message.id);
  else state.inventory.wake(message.id, nowMs);
}

/** Signs and spreads what the application publishes, or tells it why no node would take that. */
export function publish(state: GossipState, topic: string, data: Uint8Array, now: Now): void {
  const { crypto, networkId, identitySeed, params, self } = state.options;
  if (!isAppTopic(topic)) {
    refuse(
      state,
      'E_TOPIC',
      `expected a topic app/<name> with a name of 1 to 32 bytes of a-z, 0-9 and '-', found ${JSON.stringify(topic)}`,
    );
    return;
  }
  const bytesMax = params['gossip.message_bytes_max'];
  if (data.length > bytesMax) {
    refuseSize(state, bytesMax, data.length);
    return;
  }
  const payload = create(AppPayloadSchema, {
    version: PAYLOAD_VERSION,
    createdMs: BigInt(now.wallMs),
    topic,
    sequence: state.nextSequence,
    data: copyBytes(data),
  });
  const envelope = sealEnvelope(crypto, networkId, APP_CONTEXT, identitySeed, encodeStrict(AppPayloadSchema, payload));
  if (envelope.length > bytesMax) {
    refuseSize(state, bytesMax, envelope.length);
    return;
  }
  state.nextSequence += 1n;
  const opened = openEnvelope(envelope, APP_CONTEXT, AppPayloadSchema);
  invariant(opened.verdict === 'ok', 'the node takes its own envelope');
  const message = {
    id: envelopeId(crypto, networkId, opened.envelope),
    origin: self,
    topic,
    data: payload.data,
    envelope,
    hash: hashEnvelope(crypto, envelope),
    receivedHops: undefined,
  };
  state.published.add(message.id, now.monoMs);
  state.cache.add(message, now.monoMs);
  spread(state, message, undefined, now.monoMs);
}

/** Spreads a transaction that was submitted here and is in the pool. Spec: MEM-025, MEM-026 */
export function spreadTransaction(state: GossipState, id: MessageId, origin: PeerId, envelope: Uint8Array, nowMs: MonoMs): void {
  const { crypto, self } = state.options;
  const hash = hashEnvelope(crypto, envelope);
  const message = { id, origin, topic: TRANSACTION_TOPIC, data: NO_DATA, envelope, hash, receivedHops: undefined };
  if (origin === self) state.published.add(id, nowMs);
  else state.seen.add(id, origin, nowMs);
  state.inventory.drop(id);
  state.cache.add(message, nowMs);
  spread(state, message, undefined, nowMs);
}

/** Hands transactions to a leader, as far as its link is not known to have them. Spec: MEM-030, MEM-031 */
export function forward(
  state: GossipState,
  link: LinkId,
  items: readonly { readonly id: MessageId; readonly envelope: Uint8Array }[],
  nowMs: MonoMs,
): void {
  if (!takesTopic(state.links.get(link), TRANSACTION_TOPIC)) return;
  for (const { id, envelope } of items) {
    if (state.known.has(link, id, nowMs)) continue;
    state.outbox.forward(link, envelope);
    state.known.learn(link, id, nowMs);
  }
}

/** The leaders to come get a transaction first. Spec: MEM-030 */
function forwardToLeaders(state: GossipState, message: GossipMessage, nowMs: MonoMs): void {
  if (message.topic !== TRANSACTION_TOPIC) return;
  for (const leader of state.options.comingLeaders?.(state.wallMs) ?? []) {
    for (const link of state.linksOf.get(leader) ?? []) forward(state, link, [message], nowMs);
  }
}

/** The links on which a message is pushed: those that the strategy chooses, or the active ones. Spec: chapter 09 */
function eagerLinks(state: GossipState, message: GossipMessage, from: LinkId | undefined): readonly LinkId[] {
  const { eagerLinks: choose } = state.options;
  if (choose === undefined) return state.active.links();
  const { id, origin, receivedHops } = message;
  return choose({ id, origin, from, hops: receivedHops ?? 0 }, state.active.eligible()) ?? state.active.links();
}

/** Pushes to eager links, sends to direct links, and leaves the rest to the next heartbeat. */
function spread(state: GossipState, message: GossipMessage, from: LinkId | undefined, nowMs: MonoMs): void {
  if (state.links.size === 0) return;
  const { params, stakeOf } = state.options;
  const { id, topic, envelope, receivedHops } = message;
  const isOwn = receivedHops === undefined;
  const key = originKey(message.origin, stakeOf);
  const item = { hops: hopsToSend(message, params['gossip.hops_max']), envelope };
  state.known.settle(id, nowMs);
  state.announcements.add(id, topic, nowMs);
  forwardToLeaders(state, message, nowMs);

  for (const linkId of eagerLinks(state, message, from)) {
    const link = state.links.get(linkId);
    if (link === undefined || !takesTopic(link, topic) || state.known.has(linkId, id, nowMs)) continue;
    const paysOff = !isOwn && envelope.length >= params['gossip.idontwant_bytes_min'];
    if (paysOff && link.idontwantIdsOut.admit(1, nowMs) === 1) state.outbox.idontwant(linkId, id);
    if (!isOwn && receivedHops >= params['gossip.hops_max']) continue; // GSP-044
    if (!isOwn && link.prunesReceived.lasts(key, nowMs)) continue; // GSP-060, GSP-064
    state.outbox.push(linkId, topic, item);
    state.known.learn(linkId, id, nowMs);
  }
  const directLinks = linksOfKind(state, 'direct')
    .filter((link) => takesTopic(link, topic))
    .map((link) => link.link);
  for (const link of directTargets(directLinks, state.known, id, nowMs)) {
    state.outbox.direct(link, topic, envelope);
    state.known.learn(link, id, nowMs);
  }
}

/** Reports the verdict on one arrival; an accept names no clause. */
export function addVerdict(state: GossipState, arrival: Arrival, verdict: Verdict, code?: ErrorName, clause?: string): void {
  state.effects.push({ type: 'verdict', link: arrival.link, envelopeHash: arrival.hash, verdict, code, clause });
}

function refuseSize(state: GossipState, bytesMax: number, found: number): void {
  refuse(state, 'E_SIZE', `expected a message whose envelope has at most ${bytesMax} bytes, found ${found}; publish it in parts`);
}

function refuse(state: GossipState, code: ErrorName, message: string): void {
  state.effects.push({ type: 'publishRefused', code, message });
}
