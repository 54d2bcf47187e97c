/** What the node does on its own: hints, its own neighbours, checks, refreshes. Spec: DHT-026, DHT-027, DHT-100 to DHT-105 */
import type { MonoMs } from '../types.ts';
import { addressText } from '../wire/contact.ts';
import { KIND_DHT_PING, KIND_FIND_NODE } from '../wire/frame.ts';
import { endpointOf, type Hint, hostOf, isAdmissible, parseListText } from './address.ts';
import { askByDatagram, put } from './asking.ts';
import { makeContact } from './contact.ts';
import { ID_BITS, idInBucket } from './distance.ts';
import { findNodeBody, startLookup } from './lookups.ts';
import { addCandidate, type DhtState } from './state.ts';

const NOTHING = new Uint8Array(0);

/** Lookups of buckets that are begun in one `dht.refresh_ms` at most; a network of 2^64 nodes has fewer buckets that matter. */
const REFRESHES = 64;

/** Does what is due. */
export function runUpkeep(state: DhtState): void {
  const { params } = state.options;
  if (state.bootstrapAtMs !== undefined && state.bootstrapAtMs <= state.nowMs) {
    state.bootstrapAtMs = state.nowMs + params['dht.bootstrap_retry_ms'];
    for (const name of state.names) state.out.push({ type: 'resolve', name });
    tryHints(state, state.hints);
  }
  if (state.checkAtMs !== undefined && state.checkAtMs <= state.nowMs) {
    checkContact(state);
    state.checkAtMs = state.table.size === 0 ? undefined : state.nowMs + params['dht.check_ms'];
  }
  if (state.candidateAtMs !== undefined && state.candidateAtMs <= state.nowMs) {
    // Without any there is still a pause: the next one waits its turn.
    state.candidateAtMs = state.candidates.size === 0 ? undefined : state.nowMs + params['dht.candidate_ms'];
    checkCandidate(state);
  }
  if (state.selfLookup === 'due' && state.table.size > 0) lookUpSelf(state);
  refresh(state);
}

/** When something is due next. */
export function upkeepDeadline(state: DhtState): MonoMs | undefined {
  const moments = [state.bootstrapAtMs, state.checkAtMs, state.candidateAtMs, refreshDeadline(state)].filter((at) => at !== undefined);
  return moments.length === 0 ? undefined : Math.min(...moments);
}

/** Texts of a list; those of no use are left aside. Spec: DHT-100, DHT-104 */
export function onTexts(state: DhtState, texts: readonly string[]): void {
  const first = texts.slice(0, state.options.params['dht.hints_max']);
  tryHints(
    state,
    first.map(parseListText).filter((hint) => hint !== undefined),
  );
}

/** Puts a first question to each hint; with a filled table they are candidates like others. Spec: DHT-103, DHT-105 */
function tryHints(state: DhtState, hints: readonly Hint[]): void {
  const { params, rng, self } = state.options;
  const policy = params['dht.address_policy'];
  const usable = hints.filter(({ peer, address }) => {
    const host = hostOf(address);
    return host !== undefined && peer !== self && isAdmissible(policy, host);
  });
  const isEmpty = state.table.size === 0;
  let asked = 0;
  for (const { peer, address } of rng.shuffle(usable)) {
    if (!isEmpty || asked >= params['dht.dials_max']) {
      const contact = peer === undefined ? undefined : makeContact(peer, [address]);
      if (contact !== undefined) addCandidate(state, contact);
      continue;
    }
    asked += 1;
    const contact = peer === undefined ? undefined : makeContact(peer, [address]);
    const question = { contact, kind: KIND_FIND_NODE, body: findNodeBody(state, state.self), purpose: { type: 'hint' } } as const;
    if (endpointOf(address) !== undefined) askByDatagram(state, question, { addresses: [address] });
    else {
      const text = addressText(address);
      // A session with it is the answer.
      if (text !== undefined) state.out.push({ type: 'connect', address: text, ...(peer === undefined ? {} : { expected: peer }) });
    }
  }
}

/** The least recently seen contact of the next bucket. Spec: DHT-026 */
function checkContact(state: DhtState): void {
  const buckets = state.table.buckets();
  const next = buckets.find(({ index }) => index > state.checkedBucket) ?? buckets[0];
  const head = next?.entries[0]?.contact;
  if (next === undefined || head === undefined) return;
  state.checkedBucket = next.index;
  put(state, { contact: head, kind: KIND_DHT_PING, body: NOTHING, purpose: { type: 'check' } });
}

/** The oldest candidate. Spec: DHT-027 */
function checkCandidate(state: DhtState): void {
  const [candidate] = state.candidates.values();
  if (candidate === undefined) return;
  state.candidates.delete(candidate.peer);
  put(state, { contact: candidate, kind: KIND_DHT_PING, body: NOTHING, purpose: { type: 'check' } });
}

/** Spec: DHT-101 */
function lookUpSelf(state: DhtState): void {
  state.selfLookup = 'running';
  const isStarted = startLookup(state, state.self, 'nodes', 'wide', ({ contacts }) => {
    state.selfLookup = contacts.length > 0 || state.table.size > 0 ? 'done' : 'due';
    if (state.isReady || contacts.length === 0) return;
    state.isReady = true;
    state.out.push({ type: 'notice', notice: { type: 'dht.ready', contacts: state.table.size } });
  });
  if (!isStarted) state.selfLookup = 'due';
}

/** When the bucket has to be looked up. */
function dueOf(state: DhtState, bucket: number): MonoMs {
  const at = state.lookedUpMs[bucket];
  return at === undefined ? 0 : at + state.options.params['dht.refresh_ms'];
}

function refreshDeadline(state: DhtState): MonoMs | undefined {
  if (state.isRefreshing || state.selfLookup !== 'done') return undefined;
  const nearest = state.table.nearestBucket;
  if (nearest === undefined) return undefined;
  let next: MonoMs = Number.POSITIVE_INFINITY;
  for (let bucket = nearest; bucket < ID_BITS; bucket++) next = Math.min(next, dueOf(state, bucket));
  return Math.max(next, state.refreshAtMs);
}

/** Looks up an id of chance in a bucket whose time has come, one at a time, the farthest first. Spec: DHT-102 */
function refresh(state: DhtState): void {
  const due = refreshDeadline(state);
  const nearest = state.table.nearestBucket;
  if (due === undefined || due > state.nowMs || nearest === undefined) return;
  for (let bucket = ID_BITS - 1; bucket >= nearest; bucket--) {
    if (dueOf(state, bucket) > state.nowMs) continue;
    state.isRefreshing = true;
    state.lookedUpMs[bucket] = state.nowMs;
    state.refreshAtMs = state.nowMs + Math.floor(state.options.params['dht.refresh_ms'] / REFRESHES);
    const target = idInBucket(state.self, bucket, state.options.rng.bytes(32));
    const finish = (): void => {
      state.isRefreshing = false;
    };
    if (!startLookup(state, target, 'nodes', 'wide', finish)) finish();
    return;
  }
}
