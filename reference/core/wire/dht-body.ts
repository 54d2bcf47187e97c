/** The bodies of chapter 08: total decoders and encoders. Elements are counted (WIR-046), ids have 32 bytes (WIR-045). */
import { concatBytes, copyBytes, decodeUtf8, encodeUtf8 } from '../bytes.ts';
import type { ClauseId, KnownContact } from '../types.ts';
import type { Decoded } from './body.ts';
import { decodeContact, encodeContact } from './contact.ts';
import { bytesField, elementField, FieldReader, varintField, WIRE_LENGTH, WIRE_VARINT } from './fields.ts';

/** No body of the chapter is longer, in bytes. Spec: DHT-041 */
export const DHT_BODY_BYTES_MAX = 1100;
/** Contacts in a reply. */
export const CONTACTS_MAX = 20;
/** Provider records in a reply. */
export const PROVIDERS_MAX = 5;
/** Values in a reply, and hashes in a GetValue. */
export const VALUES_MAX = 2;

const KEY_BYTES = 32;

/** Frame kind 70. */
export interface FindNode {
  readonly target: Uint8Array;
  readonly asker: KnownContact | undefined;
}

/** What is stored under a key. */
export interface Value {
  readonly namespace: string;
  readonly content: Uint8Array;
}

/** Frame kinds 72, 76 and 84: what a node gives of a key, or whom it knows near it. */
export interface Findings {
  readonly providers: readonly Uint8Array[];
  readonly values: readonly Value[];
  readonly contacts: readonly KnownContact[];
}

/** Frame kind 82; kind 74 without `have`. */
export interface GetValue {
  readonly key: Uint8Array;
  readonly have: readonly Uint8Array[];
}

/** Frame kind 86. */
export interface PutValue extends Value {
  readonly ttlMs: bigint;
  readonly expectedNext: bigint;
}

/** Frame kinds 80 and 88. */
export interface WriteReply {
  readonly code: number;
  readonly sequence: bigint;
}

type Refusal = Extract<Decoded<never>, { readonly ok: false }>;

function malformed(clause: ClauseId): Refusal {
  return { ok: false, code: 'E_MALFORMED', clause };
}

const OVER_LIMIT: Refusal = { ok: false, code: 'E_LIMIT', clause: 'WIR-046' };

/** Length-delimited contents and numbers by field, each list in its order; texts are not looked at. */
interface Fields {
  readonly contents: (number: number) => readonly Uint8Array[];
  readonly last: (number: number) => Uint8Array | undefined;
  readonly uint64: (number: number) => bigint;
}

function readFields(body: Uint8Array): Decoded<Fields> {
  const reader = new FieldReader(body);
  const contents = new Map<number, Uint8Array[]>();
  const numbers = new Map<number, bigint>();
  while (reader.next()) {
    if (reader.wireType === WIRE_LENGTH) {
      const list = contents.get(reader.number);
      if (list === undefined) contents.set(reader.number, [reader.content()]);
      else list.push(reader.content());
    } else if (reader.wireType === WIRE_VARINT) numbers.set(reader.number, reader.uint64());
  }
  if (reader.fault !== undefined) return malformed(reader.fault);
  return {
    ok: true,
    value: {
      contents: (number) => contents.get(number) ?? [],
      last: (number) => contents.get(number)?.at(-1),
      uint64: (number) => numbers.get(number) ?? 0n,
    },
  };
}

function readContacts(elements: readonly Uint8Array[]): Decoded<readonly KnownContact[]> {
  const contacts: KnownContact[] = [];
  for (const element of elements) {
    const contact = decodeContact(element);
    if (!contact.ok) return contact;
    contacts.push(contact.value);
  }
  return elements.length > CONTACTS_MAX ? OVER_LIMIT : { ok: true, value: contacts };
}

/** Spec: WIR-040 to WIR-050 */
export function decodeFindNode(body: Uint8Array): Decoded<FindNode> {
  const read = readFields(body);
  if (!read.ok) return read;
  const target = read.value.last(1);
  if (target?.length !== KEY_BYTES) return malformed('WIR-045');
  let asker: KnownContact | undefined;
  for (const bytes of read.value.contents(2)) {
    const contact = decodeContact(bytes);
    if (!contact.ok) return contact;
    asker = contact.value;
  }
  return { ok: true, value: { target: copyBytes(target), asker } };
}

/** Of a GetProviders and of a GetValue; only the latter has hashes. Spec: WIR-040 to WIR-050 */
export function decodeGetValue(body: Uint8Array): Decoded<GetValue> {
  const read = readFields(body);
  if (!read.ok) return read;
  const key = read.value.last(1);
  const have = read.value.contents(2);
  if (key?.length !== KEY_BYTES || have.some((hash) => hash.length !== KEY_BYTES)) return malformed('WIR-045');
  if (have.length > VALUES_MAX) return OVER_LIMIT;
  return { ok: true, value: { key: copyBytes(key), have: have.map(copyBytes) } };
}

/** Spec: WIR-040 to WIR-050 */
export function decodeGetProviders(body: Uint8Array): Decoded<GetValue> {
  const read = readFields(body);
  if (!read.ok) return read;
  const key = read.value.last(1);
  return key?.length === KEY_BYTES ? { ok: true, value: { key: copyBytes(key), have: [] } } : malformed('WIR-045');
}

/** Spec: WIR-040 to WIR-050 */
export function decodeAddProvider(body: Uint8Array): Decoded<Uint8Array> {
  const read = readFields(body);
  return read.ok ? { ok: true, value: copyBytes(read.value.last(1) ?? new Uint8Array(0)) } : read;
}

function readValue(fields: Fields): Decoded<Value> {
  let namespace = '';
  for (const bytes of fields.contents(1)) {
    const text = decodeUtf8(bytes);
    if (text === undefined) return malformed('WIR-044');
    namespace = text;
  }
  return { ok: true, value: { namespace, content: copyBytes(fields.last(2) ?? new Uint8Array(0)) } };
}

/** Spec: WIR-040 to WIR-050 */
export function decodePutValue(body: Uint8Array): Decoded<PutValue> {
  const read = readFields(body);
  if (!read.ok) return read;
  const value = readValue(read.value);
  if (!value.ok) return value;
  return { ok: true, value: { ...value.value, ttlMs: read.value.uint64(3), expectedNext: read.value.uint64(4) } };
}

/** Spec: WIR-040 to WIR-050 */
export function decodeFindNodeReply(body: Uint8Array): Decoded<Findings> {
  const read = readFields(body);
  if (!read.ok) return read;
  const contacts = readContacts(read.value.contents(1));
  return contacts.ok ? { ok: true, value: { providers: [], values: [], contacts: contacts.value } } : contacts;
}

/** Spec: WIR-040 to WIR-050 */
export function decodeGetProvidersReply(body: Uint8Array): Decoded<Findings> {
  const read = readFields(body);
  if (!read.ok) return read;
  const contacts = readContacts(read.value.contents(2));
  if (!contacts.ok) return contacts;
  const providers = read.value.contents(1);
  if (providers.length > PROVIDERS_MAX) return OVER_LIMIT;
  return { ok: true, value: { providers: providers.map(copyBytes), values: [], contacts: contacts.value } };
}

/** Spec: WIR-040 to WIR-050 */
export function decodeGetValueReply(body: Uint8Array): Decoded<Findings> {
  const read = readFields(body);
  if (!read.ok) return read;
  const values: Value[] = [];
  for (const element of read.value.contents(1)) {
    const fields = readFields(element);
    if (!fields.ok) return fields;
    const value = readValue(fields.value);
    if (!value.ok) return value;
    values.push(value.value);
  }
  const contacts = readContacts(read.value.contents(2));
  if (!contacts.ok) return contacts;
  if (values.length > VALUES_MAX) return OVER_LIMIT;
  return { ok: true, value: { providers: [], values, contacts: contacts.value } };
}

/** Of an AddProviderReply and of a PutValueReply. Spec: WIR-040 to WIR-050 */
export function decodeWriteReply(body: Uint8Array): Decoded<WriteReply> {
  const read = readFields(body);
  if (!read.ok) return read;
  return { ok: true, value: { code: Number(read.value.uint64(1) & 0xffff_ffffn), sequence: read.value.uint64(2) } };
}

/** Any body without fields that matter: DhtPing and DhtPong. Spec: WIR-040 to WIR-050 */
export function decodeNothing(body: Uint8Array): Decoded<undefined> {
  const read = readFields(body);
  return read.ok ? { ok: true, value: undefined } : read;
}

export function encodeFindNode({ target, asker }: FindNode): Uint8Array {
  return concatBytes(...bytesField(1, target), ...(asker === undefined ? [] : bytesField(2, encodeContact(asker))));
}

export function encodeGetValue({ key, have }: GetValue): Uint8Array {
  return concatBytes(...bytesField(1, key), ...have.flatMap((hash) => elementField(2, hash)));
}

export function encodeAddProvider(provider: Uint8Array): Uint8Array {
  return concatBytes(...bytesField(1, provider));
}

function encodeValue({ namespace, content }: Value): Uint8Array {
  return concatBytes(...bytesField(1, encodeUtf8(namespace)), ...bytesField(2, content));
}

export function encodePutValue(value: PutValue): Uint8Array {
  return concatBytes(encodeValue(value), ...varintField(3, value.ttlMs), ...varintField(4, value.expectedNext));
}

export function encodeWriteReply({ code, sequence }: WriteReply): Uint8Array {
  return concatBytes(...varintField(1, code), ...varintField(2, sequence));
}

/** Elements of a field, from the first on, as many as fit in `room` bytes and are at most `countMax`. */
function fitting(number: number, elements: readonly Uint8Array[], countMax: number, room: number): Uint8Array {
  const parts: Uint8Array[] = [];
  let size = 0;
  for (const element of elements.slice(0, countMax)) {
    const field = concatBytes(...elementField(number, element));
    if (size + field.length > room) break;
    parts.push(field);
    size += field.length;
  }
  return concatBytes(...parts);
}

/** Encoded contacts by how many addresses they name; a contact in a table is named many times. */
const encoded = new WeakMap<KnownContact, (Uint8Array | undefined)[]>();

function encodeShortened(contact: KnownContact, count: number): Uint8Array {
  const known = encoded.get(contact) ?? [];
  const bytes = known[count] ?? encodeContact({ peer: contact.peer, addresses: contact.addresses.slice(0, count) });
  known[count] = bytes;
  encoded.set(contact, known);
  return bytes;
}

/** Contacts in the field that the kind has for them, as many as fit; fewer addresses of each before fewer contacts. Spec: DHT-040, DHT-041, DHT-048 */
export function encodeContacts(number: 1 | 2, contacts: readonly KnownContact[], bytesMax: number): Uint8Array {
  const first = contacts.slice(0, CONTACTS_MAX);
  for (let count = Math.max(1, ...first.map(({ addresses }) => addresses.length)); count > 1; count--) {
    const elements = first.map((contact) => encodeShortened(contact, count));
    // A field of up to 127 bytes has two bytes before it, a longer one three.
    const size = elements.reduce((sum, element) => sum + element.length + (element.length < 128 ? 2 : 3), 0);
    if (size <= bytesMax) return fitting(number, elements, CONTACTS_MAX, bytesMax);
  }
  return fitting(
    number,
    first.map((contact) => encodeShortened(contact, 1)),
    CONTACTS_MAX,
    bytesMax,
  );
}

/** Spec: DHT-041, DHT-044 */
export function encodeProviders(providers: readonly Uint8Array[], bytesMax: number): Uint8Array {
  return fitting(1, providers, PROVIDERS_MAX, bytesMax);
}

/** Spec: DHT-041, DHT-045 */
export function encodeValues(values: readonly Value[], bytesMax: number): Uint8Array {
  return fitting(1, values.map(encodeValue), VALUES_MAX, bytesMax);
}
