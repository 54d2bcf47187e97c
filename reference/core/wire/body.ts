/**
 * The bodies of all frame kinds: a total decoder and an encoder each. Rules are taken in the order
 * of their numbers: form (WIR-040 to WIR-044), sizes (WIR-045), counts (WIR-046, GSP-063), topic
 * (GSP-001). Groups and known fields of another wire type are skipped (WIR-049, WIR-050).
 */
import { concatBytes, copyBytes, decodeUtf8, encodeUtf8, fromHex, toHex } from '../bytes.ts';
import { invariant } from '../errors.ts';
import type { ClauseId, ErrorName, MessageId, PeerId } from '../types.ts';
import { bytesField, elementField, FieldReader, varintField, WIRE_LENGTH, WIRE_VARINT } from './fields.ts';

/** A body's content, or the rule that it breaks. */
export type Decoded<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly code: ErrorName; readonly clause: ClauseId };

/** Frame kind 2: answered by a Pong with the same 8 bytes. */
export interface Ping {
  readonly nonce: Uint8Array;
}

/** Frame kind 4. */
export interface Pong {
  readonly nonce: Uint8Array;
}

/** Frame kind 6. `code` may be one that this revision does not name. */
export interface GoAway {
  readonly code: number;
  readonly retryAfterMs: bigint;
}

/** One envelope of a Push, with the number of links that it crossed before. */
export interface PushItem {
  readonly hops: number;
  readonly envelope: Uint8Array;
}

/** Frame kind 32, 1 to 64 items. */
export interface Push {
  readonly topic: string;
  readonly items: readonly PushItem[];
}

/** Frame kind 36, 1 to 32 origins. */
export interface Prune {
  readonly origins: readonly PeerId[];
  readonly backoffMs: bigint;
}

/** Frame kind 38, 1 to 32 origins. */
export interface Graft {
  readonly origins: readonly PeerId[];
}

/** Frame kind 40, 1 to 1,000 ids. */
export interface Ihave {
  readonly topic: string;
  readonly ids: readonly MessageId[];
}

/** Frame kind 42, 1 to 1,000 ids. */
export interface Iwant {
  readonly ids: readonly MessageId[];
}

/** Frame kind 44, 1 to 512 ids. */
export interface Idontwant {
  readonly ids: readonly MessageId[];
}

/** Frame kind 48, 1 to 64 envelopes. */
export interface Direct {
  readonly topic: string;
  readonly envelopes: readonly Uint8Array[];
}

export const NONCE_BYTES = 8;
export const ID_BYTES = 32;
export const PUSH_ITEMS_MAX = 64;
export const DIRECT_ENVELOPES_MAX = 64;
export const PRUNE_ORIGINS_MAX = 32;
export const IHAVE_IDS_MAX = 1000;
export const IWANT_IDS_MAX = 1000;
export const IDONTWANT_IDS_MAX = 512;
export const TOPIC_BYTES_MAX = 64;

const TOPIC_FORM = /^[a-z0-9/-]{1,64}$/;

type Refusal = Extract<Decoded<never>, { readonly ok: false }>;

function refuse(code: ErrorName, clause: ClauseId): Refusal {
  return { ok: false, code, clause };
}

/** Whether a text is a topic: 1 to 64 bytes of a-z, 0-9, '-' and '/'. Spec: chapter 05, "Topics and messages" */
export function isTopic(text: string): boolean {
  return TOPIC_FORM.test(text);
}

/** Calls `take` for each well-formed field; a clause that it returns, or the reader's own, is the fault. */
function walk(bytes: Uint8Array, take: (field: FieldReader) => ClauseId | undefined): Refusal | undefined {
  const reader = new FieldReader(bytes);
  while (reader.next()) {
    const fault = take(reader);
    if (fault !== undefined) return refuse('E_MALFORMED', fault);
  }
  return reader.fault === undefined ? undefined : refuse('E_MALFORMED', reader.fault);
}

function isContent(field: FieldReader, number: number): boolean {
  return field.number === number && field.wireType === WIRE_LENGTH;
}

function isVarint(field: FieldReader, number: number): boolean {
  return field.number === number && field.wireType === WIRE_VARINT;
}

/** WIR-045 for every element, then the count. */
function checkIds(ids: readonly Uint8Array[], countMax: number, countClause: ClauseId): Refusal | undefined {
  if (ids.some((id) => id.length !== ID_BYTES)) return refuse('E_MALFORMED', 'WIR-045');
  return checkCount(ids.length, countMax, countClause);
}

function checkCount(count: number, countMax: number, clause: ClauseId): Refusal | undefined {
  return count < 1 || count > countMax ? refuse('E_LIMIT', clause) : undefined;
}

function checkTopic(topic: string): Refusal | undefined {
  return isTopic(topic) ? undefined : refuse('E_MALFORMED', 'GSP-001');
}

function decodeNonce(body: Uint8Array): Decoded<Ping> {
  let nonce: Uint8Array | undefined;
  const fault = walk(body, (field) => {
    if (isContent(field, 1)) nonce = field.content();
    return undefined;
  });
  if (fault !== undefined) return fault;
  if (nonce?.length !== NONCE_BYTES) return refuse('E_MALFORMED', 'WIR-045');
  return { ok: true, value: { nonce: copyBytes(nonce) } };
}

/** Spec: WIR-040 to WIR-050 */
export function decodePing(body: Uint8Array): Decoded<Ping> {
  return decodeNonce(body);
}

/** Spec: WIR-040 to WIR-050 */
export function decodePong(body: Uint8Array): Decoded<Pong> {
  return decodeNonce(body);
}

/** Takes codes that this revision does not name (SES-073). Spec: WIR-040 to WIR-050 */
export function decodeGoAway(body: Uint8Array): Decoded<GoAway> {
  let code = 0;
  let retryAfterMs = 0n;
  const fault = walk(body, (field) => {
    if (isVarint(field, 1)) code = field.int32();
    else if (isVarint(field, 2)) retryAfterMs = field.uint64();
    return undefined;
  });
  return fault ?? { ok: true, value: { code, retryAfterMs } };
}

function decodePushItem(bytes: Uint8Array): Decoded<PushItem> {
  let hops = 0;
  let envelope = new Uint8Array(0);
  const fault = walk(bytes, (field) => {
    if (isVarint(field, 1)) hops = field.uint32();
    else if (isContent(field, 2)) envelope = copyBytes(field.content()) as Uint8Array<ArrayBuffer>;
    return undefined;
  });
  return fault ?? { ok: true, value: { hops, envelope } };
}

/** The topic and the raw elements of field 2, with every occurrence of the topic held to UTF-8. */
function readTopical(body: Uint8Array): Decoded<{ readonly topic: string; readonly elements: readonly Uint8Array[] }> {
  let topic = '';
  const elements: Uint8Array[] = [];
  const fault = walk(body, (field) => {
    if (isContent(field, 1)) {
      const text = decodeUtf8(field.content());
      if (text === undefined) return 'WIR-044';
      topic = text;
    } else if (isContent(field, 2)) {
      elements.push(field.content());
    }
    return undefined;
  });
  return fault ?? { ok: true, value: { topic, elements } };
}

/** Spec: WIR-040 to WIR-050, GSP-001 */
export function decodePush(body: Uint8Array): Decoded<Push> {
  const read = readTopical(body);
  if (!read.ok) return read;
  const items: PushItem[] = [];
  for (const element of read.value.elements) {
    const item = decodePushItem(element);
    if (!item.ok) return item;
    items.push(item.value);
  }
  const { topic } = read.value;
  return checkCount(items.length, PUSH_ITEMS_MAX, 'WIR-046') ?? checkTopic(topic) ?? { ok: true, value: { topic, items } };
}

/** Spec: WIR-040 to WIR-050, GSP-001 */
export function decodeDirect(body: Uint8Array): Decoded<Direct> {
  const read = readTopical(body);
  if (!read.ok) return read;
  const { topic, elements } = read.value;
  const fault = checkCount(elements.length, DIRECT_ENVELOPES_MAX, 'WIR-046') ?? checkTopic(topic);
  return fault ?? { ok: true, value: { topic, envelopes: elements.map(copyBytes) } };
}

/** Spec: WIR-040 to WIR-050, GSP-001 */
export function decodeIhave(body: Uint8Array): Decoded<Ihave> {
  const read = readTopical(body);
  if (!read.ok) return read;
  const { topic, elements } = read.value;
  const fault = checkIds(elements, IHAVE_IDS_MAX, 'WIR-046') ?? checkTopic(topic);
  return fault ?? { ok: true, value: { topic, ids: elements.map((id) => toHex(id) as MessageId) } };
}

/** The elements of field 1, each a view, and field 2 as a uint64. */
function readList(body: Uint8Array): Decoded<{ readonly elements: readonly Uint8Array[]; readonly second: bigint }> {
  const elements: Uint8Array[] = [];
  let second = 0n;
  const fault = walk(body, (field) => {
    if (isContent(field, 1)) elements.push(field.content());
    else if (isVarint(field, 2)) second = field.uint64();
    return undefined;
  });
  return fault ?? { ok: true, value: { elements, second } };
}

/** A body that is a list of 1 to `countMax` byte strings in field 1, copied. Spec: WIR-040 to WIR-050 */
export function readElements(body: Uint8Array, countMax: number): Decoded<readonly Uint8Array[]> {
  const read = readList(body);
  if (!read.ok) return read;
  const { elements } = read.value;
  return checkCount(elements.length, countMax, 'WIR-046') ?? { ok: true, value: elements.map(copyBytes) };
}

/** Spec: WIR-040 to WIR-050, GSP-063 */
export function decodePrune(body: Uint8Array): Decoded<Prune> {
  const read = readList(body);
  if (!read.ok) return read;
  const { elements, second } = read.value;
  const fault = checkIds(elements, PRUNE_ORIGINS_MAX, 'GSP-063');
  return fault ?? { ok: true, value: { origins: elements.map((id) => toHex(id) as PeerId), backoffMs: second } };
}

/** Spec: WIR-040 to WIR-050, GSP-063 */
export function decodeGraft(body: Uint8Array): Decoded<Graft> {
  const read = readList(body);
  if (!read.ok) return read;
  const { elements } = read.value;
  const fault = checkIds(elements, PRUNE_ORIGINS_MAX, 'GSP-063');
  return fault ?? { ok: true, value: { origins: elements.map((id) => toHex(id) as PeerId) } };
}

function decodeIds(body: Uint8Array, countMax: number): Decoded<Iwant> {
  const read = readList(body);
  if (!read.ok) return read;
  const { elements } = read.value;
  const fault = checkIds(elements, countMax, 'WIR-046');
  return fault ?? { ok: true, value: { ids: elements.map((id) => toHex(id) as MessageId) } };
}

/** Spec: WIR-040 to WIR-050 */
export function decodeIwant(body: Uint8Array): Decoded<Iwant> {
  return decodeIds(body, IWANT_IDS_MAX);
}

/** Spec: WIR-040 to WIR-050 */
export function decodeIdontwant(body: Uint8Array): Decoded<Idontwant> {
  return decodeIds(body, IDONTWANT_IDS_MAX);
}

/** An id back in its bytes; ids are made by decoders, so another text is a bug. */
export function idBytes(id: PeerId | MessageId): Uint8Array {
  const bytes = fromHex(id);
  invariant(bytes?.length === ID_BYTES, 'an id is 64 hexadecimal digits');
  return bytes;
}

export function encodePing(value: Ping): Uint8Array {
  return concatBytes(...bytesField(1, value.nonce));
}

export function encodePong(value: Pong): Uint8Array {
  return concatBytes(...bytesField(1, value.nonce));
}

export function encodeGoAway(value: GoAway): Uint8Array {
  return concatBytes(...varintField(1, value.code), ...varintField(2, value.retryAfterMs));
}

export function encodePush(value: Push): Uint8Array {
  const items = value.items.map((item) => concatBytes(...varintField(1, item.hops), ...bytesField(2, item.envelope)));
  return concatBytes(...bytesField(1, encodeUtf8(value.topic)), ...items.flatMap((item) => elementField(2, item)));
}

export function encodePrune(value: Prune): Uint8Array {
  return concatBytes(...value.origins.flatMap((id) => elementField(1, idBytes(id))), ...varintField(2, value.backoffMs));
}

export function encodeGraft(value: Graft): Uint8Array {
  return concatBytes(...value.origins.flatMap((id) => elementField(1, idBytes(id))));
}

export function encodeIhave(value: Ihave): Uint8Array {
  return concatBytes(...bytesField(1, encodeUtf8(value.topic)), ...value.ids.flatMap((id) => elementField(2, idBytes(id))));
}

export function encodeIwant(value: Iwant): Uint8Array {
  return concatBytes(...value.ids.flatMap((id) => elementField(1, idBytes(id))));
}

export function encodeIdontwant(value: Idontwant): Uint8Array {
  return concatBytes(...value.ids.flatMap((id) => elementField(1, idBytes(id))));
}

export function encodeDirect(value: Direct): Uint8Array {
  return concatBytes(...bytesField(1, encodeUtf8(value.topic)), ...value.envelopes.flatMap((bytes) => elementField(2, bytes)));
}
