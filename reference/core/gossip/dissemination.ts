/** What happens to a message once it is accepted or published. Spec: GSP-040 to GSP-046, GSP-069, GSP-075, GSP-101 */
import { create } from '@bufbuild/protobuf';
import { AppPayloadSchema } from '../../../proto/gen/carillon/v1/gossip_pb.ts';
import { copyBytes } from '../bytes.ts';
import { invariant } from '../errors.ts';
import type { ErrorName, MonoMs, Now, Verdict } from '../types.ts';
import { envelopeId, hashEnvelope, openEnvelope, PAYLOAD_VERSION, sealEnvelope } from '../wire/envelope.ts';
import { encodeStrict } from '../wire/strict.ts';
import { directTargets } from './direct.ts';
import { type GossipMessage, hopsToSend, isServedTopic, originKey } from './message.ts';
import type { Arrival, PendingMessage } from './pending.ts';
import { touch } from './standing.ts';
import { type GossipState, linksOfKind } from './state.ts';
import { APP_CONTEXT } from './verdict.ts';

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
  }
  state.effects.push({ type: 'deliver', topic, id, origin, data });

  const key = originKey(origin, state.options.stakeOf);
  const pushers = arrivals.filter(({ pushed, link }) => pushed && state.links.has(link)).map(({ link }) => link);
  state.counts.addMessage(key, origin, id, pushers);
  const first = arrivals[0];
  if (first !== undefined) {
    state.scores.countFirst(first.peer, nowMs);
    touch(state, first.peer);
    const link = state.links.get(first.link);
    if (wasAsked && link?.prunesSent.lasts(key, nowMs)) {
      link.prunesSent.end(key);
      state.outbox.graft(link.link, key);
    }
  }
  spread(state, message, nowMs);
}

/** Gives a pending message, and all copies of it, the application's verdict, or `ignore` when it did not come in time. */
export function resolve(state: GossipState, pending: PendingMessage, verdict: Verdict, clause: 'GSP-026' | 'GSP-028', nowMs: MonoMs): void {
  const { message, arrivals, wasAsked } = pending;
  if (verdict === 'accept') {
    accept(state, message, arrivals, wasAsked, nowMs);
    return;
  }
  state.flood.refund(message.origin, nowMs);
  for (const arrival of arrivals) {
    addVerdict(state, arrival, verdict, 'E_APPLICATION', clause);
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
  if (!isServedTopic(topic)) {
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
    createdMs: BigInt(Math.max(0, Math.floor(now.wallMs))),
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
  spread(state, message, now.monoMs);
}

/** Pushes to active links, sends to direct links, and leaves the rest to the next heartbeat. */
function spread(state: GossipState, message: GossipMessage, nowMs: MonoMs): void {
  if (state.links.size === 0) return;
  const { params, stakeOf } = state.options;
  const { id, topic, envelope, receivedHops } = message;
  const isOwn = receivedHops === undefined;
  const key = originKey(message.origin, stakeOf);
  const item = { hops: hopsToSend(message, params['gossip.hops_max']), envelope };
  state.known.settle(id, nowMs);
  state.announcements.add(id, topic, nowMs);

  for (const linkId of state.active.links()) {
    const link = state.links.get(linkId);
    if (link === undefined || state.known.has(linkId, id, nowMs)) continue;
    const paysOff = !isOwn && envelope.length >= params['gossip.idontwant_bytes_min'];
    if (paysOff && link.idontwantIdsOut.admit(1, nowMs) === 1) state.outbox.idontwant(linkId, id);
    if (!isOwn && receivedHops >= params['gossip.hops_max']) continue; // GSP-044
    if (!isOwn && link.prunesReceived.lasts(key, nowMs)) continue; // GSP-060, GSP-064
    state.outbox.push(linkId, topic, item);
    state.known.learn(linkId, id, nowMs);
  }
  const directLinks = linksOfKind(state, 'direct').map((link) => link.link);
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
