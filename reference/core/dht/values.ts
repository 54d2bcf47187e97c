/** Provider records and values: what is taken, under which key, and which of several stays. Spec: chapter 08 */
import { type ProviderRecord, ProviderRecordSchema, ValueRecordSchema } from '../../../proto/gen/carillon/v1/dht_pb.ts';
import { compareBytes, concatBytes, encodeUtf8, equalBytes } from '../bytes.ts';
import type { CryptoProvider } from '../crypto/provider.ts';
import type { Params } from '../params.ts';
import type { ClauseId, ErrorName, PeerId, WallMs } from '../types.ts';
import { idBytes } from '../wire/body.ts';
import { isAddressInOrder } from '../wire/claims.ts';
import { envelopeOrigin, openEnvelope, verifyEnvelope } from '../wire/envelope.ts';
import { lengthPrefixed } from '../wire/uvarint.ts';
import { type Host, hostOf, isAdmissible, isSameHost } from './address.ts';

/** Why something is not taken. */
export interface Refusal {
  readonly error: ErrorName;
  readonly clause: ClauseId;
}

/** A provider record that is in order. */
export interface Provider {
  readonly peer: PeerId;
  readonly record: ProviderRecord;
  readonly createdMs: number;
  /** The first moment at which it is over, on the wall clock. */
  readonly overMs: WallMs;
}

/** Who brings a record: the peer of a session, the host of a datagram; undefined when it was asked for. */
export type Sender = { readonly peer: PeerId } | { readonly host: Host } | undefined;

/** What the rules need to know of the node. */
export interface Rules {
  readonly params: Params;
  readonly crypto: CryptoProvider;
  readonly networkId: Uint8Array;
}

const ADDRESSES_MAX = 4;
const KEY_BYTES = 32;
const SALT_BYTES_MAX = 64;
const KEY_DOMAIN = encodeUtf8('carillon/v1/dht-value\0');
const NAMESPACE_FORM = /^(?:hash|mutable|app\/[a-z0-9-]{1,32})$/;

/** Spec: DHT-051 to DHT-055 */
export function judgeProvider(rules: Rules, sender: Sender, wallMs: WallMs, bytes: Uint8Array): Provider | Refusal {
  const { params, crypto, networkId } = rules;
  const opened = openEnvelope(bytes, 'provider', ProviderRecordSchema);
  if (opened.verdict !== 'ok') return { error: opened.code, clause: 'DHT-051' };
  if (!verifyEnvelope(crypto, networkId, opened.envelope)) return { error: 'E_SIGNATURE', clause: 'DHT-051' };
  const record = opened.payload;
  const { addresses, key } = record;
  if (key.length !== KEY_BYTES || addresses.length < 1 || addresses.length > ADDRESSES_MAX || !addresses.every(isAddressInOrder)) {
    return { error: 'E_DHT_FORM', clause: 'DHT-052' };
  }
  const peer = envelopeOrigin(crypto, opened.envelope);
  const hosts = addresses.map(hostOf).filter((host) => host !== undefined);
  if (!isSentBy(sender, peer, hosts)) return { error: 'E_DHT_SENDER', clause: 'DHT-053' };
  if (!hosts.some((host) => isAdmissible(params['dht.address_policy'], host))) return { error: 'E_DHT_FORM', clause: 'DHT-054' };
  const overMs = record.createdMs + record.ttlMs;
  const isTimely =
    record.ttlMs > 0n &&
    record.ttlMs <= BigInt(params['dht.ttl_ms_max']) &&
    overMs > BigInt(wallMs) &&
    record.createdMs <= BigInt(wallMs + params['dht.future_ms_max']);
  if (!isTimely) return { error: 'E_DHT_TTL', clause: 'DHT-055' };
  return { peer, record, createdMs: Number(record.createdMs), overMs: Number(overMs) };
}

function isSentBy(sender: Sender, signer: PeerId, hosts: readonly Host[]): boolean {
  if (sender === undefined) return true;
  return 'peer' in sender ? sender.peer === signer : hosts.some((host) => isSameHost(host, sender.host));
}

/** The key of a value. Spec: DHT-061 */
export function valueKey(crypto: CryptoProvider, namespace: string, name: Uint8Array): Uint8Array {
  return crypto.sha256(concatBytes(KEY_DOMAIN, ...lengthPrefixed(encodeUtf8(namespace)), ...lengthPrefixed(name)));
}

/** A value that is in order. */
export interface ReadValue {
  readonly key: Uint8Array;
  /** 0 outside `mutable`. */
  readonly sequence: bigint;
}

/** Spec: DHT-062 to DHT-065 */
export function judgeValue(rules: Rules, namespace: string, content: Uint8Array): ReadValue | Refusal {
  const { params, crypto, networkId } = rules;
  if (content.length > params['dht.value_bytes_max']) return { error: 'E_SIZE', clause: 'DHT-062' };
  if (!NAMESPACE_FORM.test(namespace)) return { error: 'E_DHT_NAMESPACE', clause: 'DHT-063' };
  if (namespace === 'hash') return { key: valueKey(crypto, namespace, content), sequence: 0n };
  const opened = openEnvelope(content, 'value', ValueRecordSchema);
  if (opened.verdict !== 'ok') return { error: opened.code, clause: 'DHT-064' };
  if (!verifyEnvelope(crypto, networkId, opened.envelope)) return { error: 'E_SIGNATURE', clause: 'DHT-064' };
  const { namespace: named, salt, sequence } = opened.payload;
  const isMutable = namespace === 'mutable';
  if (named !== namespace || salt.length > SALT_BYTES_MAX) return { error: 'E_DHT_FORM', clause: 'DHT-065' };
  if (!isMutable && (salt.length === 0 || sequence !== 0n)) return { error: 'E_DHT_FORM', clause: 'DHT-065' };
  const name = isMutable ? concatBytes(idBytes(envelopeOrigin(crypto, opened.envelope)), salt) : salt;
  return { key: valueKey(crypto, namespace, name), sequence };
}

/** A content and what decides between it and others of its key. */
export interface Rival {
  readonly content: Uint8Array;
  readonly hash: Uint8Array;
  readonly sequence: bigint;
}

/** Contents of one key in `app/<name>` that are kept: the winner and the proof that there was another. */
const RIVALS_MAX = 2;

/** What is kept of what is there and what comes, the winner first; a refusal when what comes is not kept. Spec: DHT-067, DHT-068 */
export function keepRivals<T extends Rival>(
  namespace: string,
  expectedNext: bigint,
  held: readonly T[],
  coming: T,
): readonly T[] | Refusal {
  if (namespace === 'hash') return [coming];
  if (namespace === 'mutable') {
    const [current] = held;
    const refused: Refusal = { error: 'E_DHT_SEQUENCE', clause: 'DHT-067' };
    if (expectedNext > 0n && current?.sequence !== expectedNext - 1n) return refused;
    if (current === undefined || coming.sequence > current.sequence) return [coming];
    return coming.sequence === current.sequence && equalBytes(coming.content, current.content) ? [coming] : refused;
  }
  const others = held.filter((rival) => !equalBytes(rival.hash, coming.hash));
  const kept = [...others, coming].sort((a, b) => compareBytes(a.hash, b.hash)).slice(0, RIVALS_MAX);
  return kept.includes(coming) ? kept : { error: 'E_DHT_SEQUENCE', clause: 'DHT-068' };
}
