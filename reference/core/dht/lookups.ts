/** Lookups under way: whom they ask, what the answers are worth, and what is told at the end. Spec: DHT-070 to DHT-088 */
import { compareBytes, equalBytes, toHex } from '../bytes.ts';
import type { PeerId } from '../types.ts';
import { encodeFindNode, encodeGetValue, type Findings, VALUES_MAX } from '../wire/dht-body.ts';
import { KIND_FIND_NODE, KIND_GET_PROVIDERS, KIND_GET_VALUE } from '../wire/frame.ts';
import type { Host } from './address.ts';
import { put } from './asking.ts';
import type { Contact } from './contact.ts';
import { distanceNumber, regionRadius } from './distance.ts';
import { Lookup, type LookupResult } from './lookup.ts';
import { addSample, type DhtState, type FoundValue, hearOf, networkSizeOf, type Purpose, type RunningLookup } from './state.ts';
import { judgeProvider, judgeValue, keepRivals } from './values.ts';

type TurnPurpose = Extract<Purpose, { readonly type: 'turn' }>;

/** How a lookup is made: on one path, on several that are disjoint, or on several and through the whole region. */
export type LookupStyle = 'narrow' | 'wide' | 'region';

/** Begins a lookup; false when there are too many. `finish` is called once, perhaps at once. */
export function startLookup(
  state: DhtState,
  target: Uint8Array,
  seeks: RunningLookup['seeks'],
  style: LookupStyle,
  finish: RunningLookup['finish'],
): boolean {
  const { params, self } = state.options;
  if (state.lookups.size >= params['dht.lookups_max']) return false;
  const bucketSize = params['dht.bucket_size'];
  const size = networkSizeOf(state);
  const lookup = new Lookup(self, target, state.table.closest(target, bucketSize), {
    bucketSize,
    alpha: params['dht.alpha'],
    paths: style === 'narrow' ? 1 : params['dht.paths'],
    shortlistMax: params['dht.shortlist_max'],
    queriesMax: params['dht.lookup_queries_max'],
    radius: style === 'region' ? regionRadius(params['dht.region_nodes'], size) : 0n,
    asksAllOfStart: style !== 'narrow',
  });
  const running: RunningLookup = { lookup, seeks, providers: new Map(), values: new Map(), finish };
  state.lookups.add(running);
  advance(state, running);
  return true;
}

/** Asks whom it is time to ask, or ends the lookup. */
function advance(state: DhtState, running: RunningLookup): void {
  for (const turn of running.lookup.next()) askFirst(state, running, { type: 'turn', running, turn, hasFound: false });
  if (!running.lookup.isOver || !state.lookups.delete(running)) return;
  const result = running.lookup.result();
  if (running.seeks === 'nodes') sampleOf(state, running.lookup.target, result);
  running.finish(result, running);
}

/** Spec: DHT-110 */
function sampleOf(state: DhtState, target: Uint8Array, { contacts }: LookupResult): void {
  const last = contacts.at(-1);
  const farthest = last === undefined ? 0n : distanceNumber(target, last.id);
  if (farthest > 0n) addSample(state, { count: contacts.length, farthest });
}

function askFirst(state: DhtState, running: RunningLookup, purpose: TurnPurpose): void {
  const { contact } = purpose.turn;
  const { target: key } = running.lookup;
  switch (running.seeks) {
    case 'nodes':
      askForContacts(state, purpose);
      return;
    case 'providers':
      put(state, { contact, kind: KIND_GET_PROVIDERS, body: encodeGetValue({ key, have: [] }), purpose });
      return;
    case 'values': {
      const have = [...running.values.values()].slice(0, VALUES_MAX).map((value) => value.hash);
      put(state, { contact, kind: KIND_GET_VALUE, body: encodeGetValue({ key, have }), purpose });
    }
  }
}

function askForContacts(state: DhtState, purpose: TurnPurpose): void {
  const { target } = purpose.running.lookup;
  put(state, { contact: purpose.turn.contact, kind: KIND_FIND_NODE, body: findNodeBody(state, target), purpose });
}

/** A FindNode with the node's own addresses, if it has any. */
export function findNodeBody(state: DhtState, target: Uint8Array): Uint8Array {
  const addresses = state.own.slice(0, 2);
  const asker = addresses.length === 0 ? undefined : { peer: state.options.self, addresses };
  return encodeFindNode({ target, asker });
}

/** Takes a reply; one with providers or values is followed by a FindNode. Spec: DHT-076, DHT-079, DHT-084, DHT-085 */
export function onFindings(state: DhtState, purpose: TurnPurpose, findings: Findings, from: Host): void {
  const { running, turn } = purpose;
  if (!state.lookups.has(running)) return;
  for (const bytes of findings.providers) takeProvider(state, running, bytes);
  for (const { namespace, content } of findings.values) takeValue(state, running, namespace, content);
  const named = findings.contacts.map((contact) => hearOf(state, contact, from)).filter((contact) => contact !== undefined);
  running.lookup.named(turn, named);
  if (findings.providers.length + findings.values.length > 0 && !purpose.hasFound) {
    askForContacts(state, { ...purpose, hasFound: true });
    return;
  }
  running.lookup.settle(turn, 'answered');
  advance(state, running);
}

/** Nobody answered; who gave something before counts as having answered. Spec: DHT-087 */
export function onNoFindings(state: DhtState, { running, turn, hasFound }: TurnPurpose): void {
  if (!state.lookups.has(running)) return;
  running.lookup.settle(turn, hasFound ? 'answered' : 'failed');
  advance(state, running);
}

/** Spec: DHT-084 */
function takeProvider(state: DhtState, running: RunningLookup, bytes: Uint8Array): void {
  if (running.seeks !== 'providers') return;
  const judged = judgeProvider(state.options, undefined, state.wallMs, bytes);
  if ('error' in judged || !equalBytes(judged.record.key, running.lookup.target)) return;
  const before = running.providers.get(judged.peer);
  if (before === undefined || before.createdMs < judged.createdMs) running.providers.set(judged.peer, judged);
}

/** Spec: DHT-085 */
function takeValue(state: DhtState, running: RunningLookup, namespace: string, content: Uint8Array): void {
  if (running.seeks !== 'values') return;
  const read = judgeValue(state.options, namespace, content);
  if ('error' in read || !equalBytes(read.key, running.lookup.target)) return;
  const value: FoundValue = { namespace, content, hash: state.options.crypto.sha256(content), ...read };
  const others = [...running.values.values()].sort((a, b) => compareBytes(a.hash, b.hash));
  const kept = keepRivals(namespace, 0n, others, value);
  if ('error' in kept) return;
  running.values.clear();
  for (const one of kept) running.values.set(toHex(one.hash), one);
}

/** Looks for a peer; `found` is the contact that answered under that id. */
export function findPeer(state: DhtState, peer: PeerId, id: Uint8Array, found: (contact: Contact | undefined) => void): void {
  const known = state.table.get(peer, id);
  if (known !== undefined) {
    found(known);
    return;
  }
  const finish = ({ contacts }: LookupResult): void => found(contacts.find((contact) => contact.peer === peer));
  if (!startLookup(state, id, 'nodes', 'wide', finish)) found(undefined);
}
