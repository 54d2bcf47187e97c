/** What the node answers to the questions of others. Spec: DHT-040 to DHT-069 */
import { type Address, Transport } from '../../../proto/gen/carillon/v1/common_pb.ts';
import type { ErrorName, KnownContact, PeerId } from '../types.ts';
import { ErrorCode } from '../types.ts';
import type { Decoded } from '../wire/body.ts';
import {
  DHT_BODY_BYTES_MAX,
  decodeAddProvider,
  decodeFindNode,
  decodeGetProviders,
  decodeGetValue,
  decodeNothing,
  decodePutValue,
  encodeContacts,
  encodeProviders,
  encodeValues,
  encodeWriteReply,
  PROVIDERS_MAX,
  type PutValue,
} from '../wire/dht-body.ts';
import {
  KIND_ADD_PROVIDER,
  KIND_ADD_PROVIDER_REPLY,
  KIND_DHT_PING,
  KIND_DHT_PONG,
  KIND_FIND_NODE,
  KIND_FIND_NODE_REPLY,
  KIND_GET_PROVIDERS,
  KIND_GET_PROVIDERS_REPLY,
  KIND_GET_VALUE,
  KIND_GET_VALUE_REPLY,
  KIND_PUT_VALUE,
  KIND_PUT_VALUE_REPLY,
} from '../wire/frame.ts';
import { type Host, hostOf, isLocal, subnetKey } from './address.ts';
import type { Contact } from './contact.ts';
import { addCandidate, contactAt, type DhtState } from './state.ts';
import { judgeProvider, judgeValue, type Refusal } from './values.ts';

/** Who asks: the peer of a session, or somebody at the source of a datagram. */
export interface Asker {
  readonly peer: PeerId | undefined;
  readonly host: Host;
  readonly bodyBytesMax: number;
  /** The transport over which the question came: an address of it is named first. */
  readonly byDatagram: boolean;
}

/** The answer to a question, or the rule that its body breaks; undefined for a kind that is no question. */
export type Answer = Decoded<{ readonly kind: number; readonly body: Uint8Array }>;

function answer(kind: number, body: Uint8Array): Answer {
  return { ok: true, value: { kind, body } };
}

/** Answers a question; state changes only for what is stored. */
export function answerQuestion(state: DhtState, asker: Asker, kind: number, body: Uint8Array): Answer | undefined {
  switch (kind) {
    case KIND_FIND_NODE: {
      const read = decodeFindNode(body);
      if (!read.ok) return read;
      const { target, asker: named } = read.value;
      if (asker.peer === undefined && named !== undefined) considerAsker(state, named, asker.host);
      return answer(KIND_FIND_NODE_REPLY, contactsNear(state, asker, asker.peer ?? named?.peer, target, 1));
    }
    case KIND_GET_PROVIDERS: {
      const read = decodeGetProviders(body);
      return read.ok ? answer(KIND_GET_PROVIDERS_REPLY, providersOf(state, asker, read.value.key)) : read;
    }
    case KIND_GET_VALUE: {
      const read = decodeGetValue(body);
      return read.ok ? answer(KIND_GET_VALUE_REPLY, valuesOf(state, asker, read.value.key, read.value.have)) : read;
    }
    case KIND_ADD_PROVIDER: {
      const read = decodeAddProvider(body);
      return read.ok ? answer(KIND_ADD_PROVIDER_REPLY, writeReply(takeProvider(state, asker, read.value), 0n)) : read;
    }
    case KIND_PUT_VALUE: {
      const read = decodePutValue(body);
      return read.ok ? answer(KIND_PUT_VALUE_REPLY, takeValue(state, asker, read.value)) : read;
    }
    case KIND_DHT_PING: {
      const read = decodeNothing(body);
      return read.ok ? answer(KIND_DHT_PONG, new Uint8Array(0)) : read;
    }
    default:
      return undefined;
  }
}

/** Spec: DHT-030 */
function considerAsker(state: DhtState, named: KnownContact, host: Host): void {
  const contact = contactAt(state, named.peer, named.addresses, host);
  if (contact !== undefined) addCandidate(state, contact);
}

function bytesMaxOf(asker: Asker): number {
  return Math.min(DHT_BODY_BYTES_MAX, asker.bodyBytesMax);
}

/** The nearest contacts that the asker may hear of. Spec: DHT-022, DHT-040, DHT-042, DHT-043 */
function contactsNear(state: DhtState, asker: Asker, askingPeer: PeerId | undefined, target: Uint8Array, field: 1 | 2): Uint8Array {
  const count = state.options.params['dht.bucket_size'];
  const hearsLocal = isLocal(asker.host);
  const named: KnownContact[] = [];
  // Only a contact with local addresses alone, or the asker itself, is left out, so the whole table is seldom looked at.
  for (let taken = count + 1; ; taken *= 4) {
    const nearest = state.table.closest(target, taken);
    named.length = 0;
    for (const contact of nearest) {
      const visible = visibleAs(contact, hearsLocal, asker.byDatagram);
      if (contact.peer !== askingPeer && visible.addresses.length > 0 && named.length < count) named.push(visible);
    }
    if (named.length === count || nearest.length < taken) return encodeContacts(field, named, bytesMaxOf(asker));
  }
}

/** How each contact is shown to the four sorts of askers. */
const shown = new WeakMap<Contact, (KnownContact | undefined)[]>();

/** A contact without what the asker may not hear of, addresses of the asker's own transport first. Spec: DHT-042 */
function visibleAs(contact: Contact, hearsLocal: boolean, byDatagram: boolean): KnownContact {
  const sort = (hearsLocal ? 2 : 0) + (byDatagram ? 1 : 0);
  const known = shown.get(contact) ?? [];
  const ready = known[sort];
  if (ready !== undefined) return ready;
  const isSuited = ({ transport }: Address): boolean => (transport === Transport.UDP) === byDatagram;
  const heard = hearsLocal ? contact.addresses : contact.addresses.filter((address) => !isLocal(hostOf(address) ?? ''));
  const addresses = [...heard.filter(isSuited), ...heard.filter((address) => !isSuited(address))];
  const visible = { peer: contact.peer, addresses };
  known[sort] = visible;
  shown.set(contact, known);
  return visible;
}

/** Spec: DHT-044 */
function providersOf(state: DhtState, asker: Asker, key: Uint8Array): Uint8Array {
  const held = state.store.providers(key, state.wallMs);
  if (held.length === 0) return contactsNear(state, asker, asker.peer, key, 2);
  const chosen = held.length > PROVIDERS_MAX ? state.options.rng.shuffle(held) : held;
  return encodeProviders(chosen, bytesMaxOf(asker));
}

/** Spec: DHT-045 */
function valuesOf(state: DhtState, asker: Asker, key: Uint8Array, have: readonly Uint8Array[]): Uint8Array {
  const held = state.store.values(key, have, state.nowMs);
  return held.length === 0 ? contactsNear(state, asker, asker.peer, key, 2) : encodeValues(held, bytesMaxOf(asker));
}

function writeReply(refusal: Refusal | undefined, sequence: bigint): Uint8Array {
  return encodeWriteReply({ code: refusal === undefined ? 0 : numberOf(refusal.error), sequence });
}

function numberOf(code: ErrorName): number {
  return ErrorCode[code];
}

/** Spec: DHT-050 to DHT-057 */
function takeProvider(state: DhtState, asker: Asker, envelope: Uint8Array): Refusal | undefined {
  const sender = asker.peer === undefined ? { host: asker.host } : { peer: asker.peer };
  const judged = judgeProvider(state.options, sender, state.wallMs, envelope);
  if ('error' in judged) return judged;
  return state.store.addProvider(judged, envelope, subnetKey(asker.host), { monoMs: state.nowMs, wallMs: state.wallMs });
}

/** Spec: DHT-060 to DHT-068 */
function takeValue(state: DhtState, asker: Asker, { namespace, content, ttlMs, expectedNext }: PutValue): Uint8Array {
  const read = judgeValue(state.options, namespace, content);
  if ('error' in read) return writeReply(read, 0n);
  const sequence = (): bigint => (namespace === 'mutable' ? state.store.sequence(read.key) : 0n);
  if (ttlMs === 0n) return writeReply({ error: 'E_DHT_TTL', clause: 'DHT-066' }, sequence());
  const most = BigInt(state.options.params['dht.ttl_ms_max']);
  const coming = {
    ...read,
    namespace,
    content,
    hash: state.options.crypto.sha256(content),
    expectedNext,
    ttlMs: Number(ttlMs < most ? ttlMs : most),
    subnet: subnetKey(asker.host),
  };
  const refusal = state.store.putValue(coming, { monoMs: state.nowMs, wallMs: state.wallMs });
  return writeReply(refusal, sequence());
}
