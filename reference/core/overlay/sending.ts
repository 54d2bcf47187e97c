/** What the application broadcasts, and what it sends to one node. Spec: OVL-038, OVL-056 to OVL-059 */
import { create } from '@bufbuild/protobuf';
import type { Address } from '../../../proto/gen/carillon/v1/common_pb.ts';
import { SendPayloadSchema } from '../../../proto/gen/carillon/v1/overlay_pb.ts';
import { copyBytes } from '../bytes.ts';
import { invariant } from '../errors.ts';
import type { ErrorName, MonoMs, Now, PeerId } from '../types.ts';
import { idBytes } from '../wire/body.ts';
import { envelopeId, openEnvelope, PAYLOAD_VERSION, sealEnvelope } from '../wire/envelope.ts';
import { encodeStrict } from '../wire/strict.ts';
import { sessionAddresses } from './alternatives.ts';
import { isAppTopic, SEND_CONTEXT } from './route-verdict.ts';
import { findHop, rememberRoute, sendRoute } from './routing.ts';
import type { OverlayState, WaitingSend } from './state.ts';

/** What an envelope and its payload add to topic and data, at most: tags, lengths, key, signature, time, sequence. */
const ENVELOPE_OVERHEAD_BYTES_MAX = 192;

/** Publishes for the application, or says why no node would take it. Spec: OVL-038 */
export function broadcast(state: OverlayState, token: number, topic: string, data: Uint8Array): void {
  const bytesMax = state.options.params['gossip.message_bytes_max'];
  if (!isAppTopic(topic)) {
    refuseTopic(state, token, topic);
    return;
  }
  if (data.length + topic.length + ENVELOPE_OVERHEAD_BYTES_MAX > bytesMax) {
    refuseSize(state, token, bytesMax, data.length);
    return;
  }
  state.effects.push({ type: 'publish', topic, data });
  state.effects.push({ type: 'outcome', token, outcome: { type: 'overlay.sent' } });
}

/** Sends for the application, at once or when a way is found. */
export function send(state: OverlayState, token: number, to: PeerId, topic: string, data: Uint8Array, now: Now): void {
  const { params, self } = state.options;
  const bytesMax = params['overlay.send_bytes_max'];
  if (!isAppTopic(topic)) {
    refuseTopic(state, token, topic);
    return;
  }
  if (to === self) {
    refuse(state, token, 'E_SELF', 'expected another node, found this one; hand the data over directly');
    return;
  }
  if (data.length > bytesMax) {
    refuseSize(state, token, bytesMax, data.length);
    return;
  }
  const waiting = seal(state, token, to, topic, data, now);
  if (waiting.envelope.length > bytesMax) {
    refuseSize(state, token, bytesMax, waiting.envelope.length);
    return;
  }
  if (trySend(state, waiting, now.monoMs)) return;
  if (state.sends.length >= params['overlay.sends_max']) {
    refuse(state, token, 'E_BUSY', `expected fewer than ${params['overlay.sends_max']} messages that wait for a way; try again later`);
    return;
  }
  state.sends.push(waiting);
  search(state, to);
}

/** The message in its envelope. Spec: OVL-056, OVL-057 */
function seal(state: OverlayState, token: number, to: PeerId, topic: string, data: Uint8Array, now: Now): WaitingSend {
  const { crypto, networkId, identitySeed, params } = state.options;
  const payload = create(SendPayloadSchema, {
    version: PAYLOAD_VERSION,
    createdMs: BigInt(now.wallMs),
    topic,
    sequence: state.nextSequence,
    recipient: copyBytes(idBytes(to)),
    data: copyBytes(data),
  });
  state.nextSequence += 1n;
  const envelope = sealEnvelope(crypto, networkId, SEND_CONTEXT, identitySeed, encodeStrict(SendPayloadSchema, payload));
  const opened = openEnvelope(envelope, SEND_CONTEXT, SendPayloadSchema);
  invariant(opened.verdict === 'ok', 'the node takes its own envelope');
  const id = envelopeId(crypto, networkId, opened.envelope);
  return { token, to, id, envelope, untilMs: now.monoMs + params['overlay.send_timeout_ms'] };
}

function trySend(state: OverlayState, { token, to, id, envelope }: WaitingSend, nowMs: MonoMs): boolean {
  const hop = findHop(state, to, undefined);
  if (hop === undefined) return false;
  rememberRoute(state, id, nowMs);
  sendRoute(state, hop.link, { target: to, hops: 0, envelope });
  state.effects.push({ type: 'outcome', token, outcome: { type: 'overlay.sent' } });
  return true;
}

/** Sends what has a way now; called when sessions, roles or records may have changed. */
export function retrySends(state: OverlayState, nowMs: MonoMs): void {
  for (const waiting of [...state.sends]) if (trySend(state, waiting, nowMs)) drop(state, waiting);
}

/** Tells the application of the messages whose time is over. Spec: OVL-058 */
export function expireSends(state: OverlayState, nowMs: MonoMs): void {
  for (const waiting of [...state.sends]) {
    if (nowMs < waiting.untilMs) continue;
    drop(state, waiting);
    refuse(state, waiting.token, 'E_NO_ROUTE', `expected a way to ${waiting.to}, found none in time; try again when it is reachable`);
  }
}

/** When the next message runs out of time, or undefined when none waits. */
export function nextSendExpiryMs(state: OverlayState): MonoMs | undefined {
  return state.sends.length === 0 ? undefined : Math.min(...state.sends.map(({ untilMs }) => untilMs));
}

function drop(state: OverlayState, waiting: WaitingSend): void {
  state.sends.splice(state.sends.indexOf(waiting), 1);
  if (!state.sends.some(({ to }) => to === waiting.to)) state.searches.delete(waiting.to);
}

/** Looks for a session with the target: dials its addresses one by one, or asks the table for them. Spec: OVL-059 */
function search(state: OverlayState, to: PeerId): void {
  if (state.searches.has(to)) return;
  const addresses = sessionAddresses(state.options.contactOf(to)?.addresses ?? []);
  state.searches.set(to, { dialling: undefined, rest: addresses });
  if (addresses.length === 0) state.effects.push({ type: 'wantContact', peer: to });
  else dialNext(state, to);
}

/** The table has answered. */
export function takeFound(state: OverlayState, to: PeerId, addresses: readonly Address[]): void {
  const searching = state.searches.get(to);
  if (searching === undefined || searching.dialling !== undefined) return;
  searching.rest = sessionAddresses(addresses);
  dialNext(state, to);
}

/** A dial is over; when nothing came of it the next address is tried. */
export function takeDialEnded(state: OverlayState, address: string, expected: PeerId | undefined, isSession: boolean): void {
  if (expected === undefined || isSession) return;
  if (state.searches.get(expected)?.dialling === address) dialNext(state, expected);
}

function dialNext(state: OverlayState, to: PeerId): void {
  const searching = state.searches.get(to);
  if (searching === undefined) return;
  const [address, ...rest] = searching.rest;
  searching.dialling = address;
  searching.rest = rest;
  if (address !== undefined) state.effects.push({ type: 'connect', address, expected: to });
}

function refuse(state: OverlayState, token: number, code: ErrorName, message: string): void {
  state.effects.push({ type: 'outcome', token, outcome: { type: 'overlay.refused', code, message } });
}

function refuseTopic(state: OverlayState, token: number, topic: string): void {
  const found = JSON.stringify(topic);
  refuse(state, token, 'E_TOPIC', `expected a topic app/<name> with a name of 1 to 32 bytes of a-z, 0-9 and '-', found ${found}`);
}

function refuseSize(state: OverlayState, token: number, bytesMax: number, found: number): void {
  refuse(state, token, 'E_SIZE', `expected a message whose envelope has at most ${bytesMax} bytes, found ${found}; send it in parts`);
}
