/** What the node publishes itself: to the region of its key, and again before it is over. Spec: DHT-090 to DHT-097 */
import { create } from '@bufbuild/protobuf';
import { ProviderRecordSchema } from '../../../proto/gen/carillon/v1/dht_pb.ts';
import { toHex } from '../bytes.ts';
import type { MonoMs } from '../types.ts';
import { encodeAddProvider, encodePutValue } from '../wire/dht-body.ts';
import { PAYLOAD_VERSION, sealEnvelope } from '../wire/envelope.ts';
import { KIND_ADD_PROVIDER, KIND_PUT_VALUE } from '../wire/frame.ts';
import { encodeStrict } from '../wire/strict.ts';
import { put } from './asking.ts';
import { compareDistance } from './distance.ts';
import type { LookupResult } from './lookup.ts';
import { startLookup } from './lookups.ts';
import type { DhtState, Publication } from './state.ts';
import { judgeProvider } from './values.ts';

/** Quotas count what the node keeps for itself as one place. */
const OWN_SUBNET = 'own';

/** Takes something up for publication; false when there is too much. One of the same key is replaced. */
export function publish(state: DhtState, publication: Pick<Publication, 'key' | 'ttlMs' | 'value' | 'expectedNext' | 'told'>): boolean {
  const key = toHex(publication.key);
  const { params } = state.options;
  if (!state.publications.has(key) && state.publications.size >= params['dht.published_max']) return false;
  const retryMs = params['dht.publish_retry_ms'];
  state.publications.set(key, { ...publication, nextMs: state.nowMs, isBusy: false, isTaken: false, retryMs });
  return true;
}

/** Withdraws what is published under a key; says whether there was something. Spec: DHT-093 */
export function withdraw(state: DhtState, key: Uint8Array): boolean {
  state.store.removeProvider(key, state.options.self);
  return state.publications.delete(toHex(key));
}

/** When the next publication is due. */
export function publishDeadline(state: DhtState): MonoMs | undefined {
  let next: MonoMs | undefined;
  for (const { isBusy, nextMs } of state.publications.values()) if (!isBusy) next = Math.min(next ?? nextMs, nextMs);
  return next;
}

/** Publishes what is due. */
export function publishDue(state: DhtState): void {
  for (const publication of state.publications.values()) {
    if (publication.isBusy || publication.nextMs > state.nowMs) continue;
    // Before the lookup, which is over at once when there is nobody to ask.
    publication.isBusy = true;
    publication.nextMs = nextOf(state, publication);
    if (startLookup(state, publication.key, 'nodes', 'region', (result) => write(state, publication, result))) continue;
    publication.isBusy = false;
    publication.nextMs = state.nowMs + state.options.params['dht.query_timeout_ms'];
  }
}

/** Spec: DHT-091 */
function nextOf(state: DhtState, { ttlMs }: Publication): MonoMs {
  const { params, rng } = state.options;
  const jitter = params['dht.republish_jitter_percent'];
  const tenThousandths = params['dht.republish_percent'] * (100 - jitter + rng.below(2 * jitter + 1));
  return state.nowMs + Math.floor((ttlMs * tenThousandths) / 10_000);
}

/** Puts the record or value to those who answered, and keeps it if the node itself is among the nearest. Spec: DHT-090, DHT-092, DHT-095 */
function write(state: DhtState, publication: Publication, { contacts, writers }: LookupResult): void {
  publication.isBusy = false;
  if (state.publications.get(toHex(publication.key)) !== publication) {
    publication.told?.(0, 0);
    return;
  }
  const last = contacts.at(-1);
  const isFull = contacts.length >= state.options.params['dht.bucket_size'];
  const isNear = !isFull || last === undefined || compareDistance(publication.key, state.self, last.id) < 0;
  const { kind, body } = publication.value === undefined ? record(state, publication, isNear) : value(state, publication, isNear);
  let waiting = writers.length;
  let stored = 0;
  if (waiting === 0) conclude(state, publication, 0, 0);
  const done = (isStored: boolean): void => {
    waiting -= 1;
    if (isStored) stored += 1;
    if (waiting === 0) conclude(state, publication, stored, writers.length);
  };
  for (const contact of writers) put(state, { contact, kind, body, purpose: { type: 'write', done } });
}

/** All who were asked have answered. Spec: DHT-096 */
function conclude(state: DhtState, publication: Publication, stored: number, asked: number): void {
  if (stored > 0) {
    publication.isTaken = true;
    publication.retryMs = state.options.params['dht.publish_retry_ms'];
  } else {
    publication.nextMs = Math.min(publication.nextMs, state.nowMs + publication.retryMs);
    publication.retryMs *= 2;
  }
  const { told } = publication;
  publication.told = undefined;
  told?.(stored, asked);
}

interface Frame {
  readonly kind: number;
  readonly body: Uint8Array;
}

/** A new provider record. Spec: DHT-092, DHT-094 */
function record(state: DhtState, { key, ttlMs }: Publication, isNear: boolean): Frame {
  const { crypto, networkId, identitySeed } = state.options;
  const payload = create(ProviderRecordSchema, {
    version: PAYLOAD_VERSION,
    key,
    addresses: state.own.slice(0, 4),
    createdMs: BigInt(state.wallMs),
    ttlMs: BigInt(ttlMs),
  });
  const envelope = sealEnvelope(crypto, networkId, 'provider', identitySeed, encodeStrict(ProviderRecordSchema, payload));
  const judged = isNear ? judgeProvider(state.options, undefined, state.wallMs, envelope) : undefined;
  if (judged !== undefined && !('error' in judged)) {
    state.store.addProvider(judged, envelope, OWN_SUBNET, { monoMs: state.nowMs, wallMs: state.wallMs });
  }
  return { kind: KIND_ADD_PROVIDER, body: encodeAddProvider(envelope) };
}

function value(state: DhtState, publication: Publication, isNear: boolean): Frame {
  const { value: own, ttlMs, expectedNext } = publication;
  if (own === undefined) return record(state, publication, isNear);
  const now = { monoMs: state.nowMs, wallMs: state.wallMs };
  if (isNear) state.store.putValue({ ...own, expectedNext: 0n, ttlMs, subnet: OWN_SUBNET }, now);
  // Once it is taken, the value itself is what others hold. Spec: DHT-097
  return {
    kind: KIND_PUT_VALUE,
    body: encodePutValue({ ...own, ttlMs: BigInt(ttlMs), expectedNext: publication.isTaken ? 0n : expectedNext }),
  };
}
