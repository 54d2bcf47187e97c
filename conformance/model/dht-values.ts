/** Provider records and values: what is taken, what is kept. Spec: chapter 08. */
import { compare, concat, equal, hex, sha256, text, u8, utf8 } from './bytes.ts';
import { type AddressPolicy, addressRule } from './dht-address.ts';
import { judgeEnvelope, readEnvelope } from './envelope.ts';
import { type AddressFields, isAddress } from './hello.ts';
import { peerId } from './peer-id.ts';
import { lastBytes, lastNumber, readFields, type WireField } from './protobuf.ts';
import { lp } from './uvarint.ts';

/** A refusal: the code, and the clause that decided. */
export interface Refused {
  readonly error: string;
  readonly clause: string;
}

/** A provider record that is in order. */
export interface Provider {
  readonly key: Uint8Array;
  readonly signer: Uint8Array;
  readonly createdMs: bigint;
  readonly ttlMs: bigint;
  /** Hosts of its addresses: 4 or 16 bytes, or a name. */
  readonly hosts: readonly (Uint8Array | string)[];
}

/** The parameters that decide about records and values; those of preset `conformance`. */
export const DHT_BOUNDS = { ttlMsMax: 172_800_000n, futureMsMax: 30_000n, valueBytesMax: 1_000 } as const;

/** Who brings a record: the peer of a session, or the host of a datagram. */
export type Sender = { readonly peerId: Uint8Array } | { readonly host: Uint8Array };

const repeated = (fields: readonly WireField[], number: number): readonly Uint8Array[] =>
  fields.filter((field) => field.number === number).map((field) => field.bytes);

/** An address of strictly encoded bytes. */
function readAddress(address: Uint8Array): AddressFields {
  const { fields = [] } = readFields(address);
  const [ip4] = repeated(fields, 1);
  const [ip6] = repeated(fields, 2);
  const [name] = repeated(fields, 3);
  return {
    ...(ip4 === undefined ? {} : { ip4 }),
    ...(ip6 === undefined ? {} : { ip6 }),
    ...(name === undefined ? {} : { dns: text(name) ?? '' }),
    port: Number(lastNumber(fields, 4)),
    transport: Number(lastNumber(fields, 5)),
  };
}

/** DHT-051 to DHT-055, in their order. */
export function judgeProvider(
  networkId: Uint8Array,
  policy: AddressPolicy,
  wallMs: bigint,
  sender: Sender,
  bytes: Uint8Array,
): Provider | Refused {
  const judged = judgeEnvelope(networkId, 'provider', bytes);
  if (judged.verdict !== 'accept') return { error: judged.code, clause: 'DHT-051' };
  const envelope = readEnvelope(bytes);
  if (envelope === undefined) throw new Error('an accepted envelope can be read');
  const { fields = [] } = readFields(envelope.payload);
  const addresses = repeated(fields, 3).map(readAddress);
  const key = lastBytes(fields, 2);
  const formed = key.length === 32 && addresses.length >= 1 && addresses.length <= 4 && addresses.every(isAddress);
  if (!formed) return { error: 'E_DHT_FORM', clause: 'DHT-052' };
  const hosts = addresses.map(({ ip4, ip6, dns }) => ip4 ?? ip6 ?? dns ?? '');
  const signer = peerId(envelope.keyType, envelope.publicKey);
  const isSender =
    'peerId' in sender ? equal(sender.peerId, signer) : hosts.some((host) => typeof host !== 'string' && equal(host, sender.host));
  if (!isSender) return { error: 'E_DHT_SENDER', clause: 'DHT-053' };
  if (!hosts.some((host) => typeof host === 'string' || addressRule(policy, host).admissible)) {
    return { error: 'E_DHT_FORM', clause: 'DHT-054' };
  }
  const [createdMs, ttlMs] = [lastNumber(fields, 4), lastNumber(fields, 5)];
  const over = createdMs + ttlMs <= wallMs;
  if (ttlMs === 0n || ttlMs > DHT_BOUNDS.ttlMsMax || over || createdMs > wallMs + DHT_BOUNDS.futureMsMax) {
    return { error: 'E_DHT_TTL', clause: 'DHT-055' };
  }
  return { key, signer, createdMs, ttlMs, hosts };
}

/** `H("carillon/v1/dht-value" ‖ 0x00 ‖ lp(namespace) ‖ lp(name))`. Spec: DHT-061 */
export function valueKey(namespace: string, name: Uint8Array): Uint8Array {
  return sha256(utf8('carillon/v1/dht-value'), u8(0), lp(utf8(namespace)), lp(name));
}

/** A value that is in order. */
export interface ReadValue {
  readonly key: Uint8Array;
  /** 0 outside `mutable`. */
  readonly sequence: bigint;
}

/** DHT-062 to DHT-065, in their order. */
export function judgeValue(networkId: Uint8Array, namespace: string, content: Uint8Array): ReadValue | Refused {
  if (content.length > DHT_BOUNDS.valueBytesMax) return { error: 'E_SIZE', clause: 'DHT-062' };
  if (!/^(hash|mutable|app\/[a-z0-9-]{1,32})$/.test(namespace)) return { error: 'E_DHT_NAMESPACE', clause: 'DHT-063' };
  if (namespace === 'hash') return { key: valueKey(namespace, content), sequence: 0n };
  const judged = judgeEnvelope(networkId, 'value', content);
  if (judged.verdict !== 'accept') return { error: judged.code, clause: 'DHT-064' };
  const envelope = readEnvelope(content);
  if (envelope === undefined) throw new Error('an accepted envelope can be read');
  const { fields = [] } = readFields(envelope.payload);
  const [salt, sequence] = [lastBytes(fields, 3), lastNumber(fields, 4)];
  const once = namespace !== 'mutable';
  const formed = equal(lastBytes(fields, 2), utf8(namespace)) && salt.length <= 64 && !(once && (salt.length === 0 || sequence !== 0n));
  if (!formed) return { error: 'E_DHT_FORM', clause: 'DHT-065' };
  const name = once ? salt : concat(peerId(envelope.keyType, envelope.publicKey), salt);
  return { key: valueKey(namespace, name), sequence };
}

/** What is kept for a key of what was stored and what comes, winner first. All contents are in order and of one key. Spec: DHT-067, DHT-068 */
export function keepValue(
  networkId: Uint8Array,
  namespace: string,
  expectedNext: bigint,
  stored: readonly Uint8Array[],
  coming: Uint8Array,
): readonly Uint8Array[] | Refused {
  if (namespace === 'hash') return [coming];
  if (namespace === 'mutable') {
    const sequenceOf = (content: Uint8Array): bigint => {
      const read = judgeValue(networkId, namespace, content);
      if ('error' in read) throw new RangeError(`a stored content is refused: ${read.error}`);
      return read.sequence;
    };
    const [held] = stored;
    const next = sequenceOf(coming);
    const refused = { error: 'E_DHT_SEQUENCE', clause: 'DHT-067' };
    if (expectedNext > 0n && (held === undefined || sequenceOf(held) + 1n !== expectedNext)) return refused;
    if (held === undefined) return [coming];
    const current = sequenceOf(held);
    return next < current || (next === current && !equal(held, coming)) ? refused : [coming];
  }
  const contents = new Map([...stored, coming].map((content) => [hex(sha256(content)), content]));
  const smallest = [...contents].sort(([a], [b]) => (a < b ? -1 : 1)).slice(0, 2);
  const kept = smallest.map(([, content]) => content);
  return kept.some((content) => compare(content, coming) === 0) ? kept : { error: 'E_DHT_SEQUENCE', clause: 'DHT-068' };
}
