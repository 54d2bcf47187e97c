/**
 * The bodies of chapter 06: records on their way, and the labels that ask for them. A label's origin
 * is 32 bytes (WIR-045); groups and known fields of another wire type are skipped.
 */
import { concatBytes, copyBytes, toHex } from '../bytes.ts';
import type { ClauseId, PeerId } from '../types.ts';
import { type Decoded, ID_BYTES, idBytes } from './body.ts';
import { bytesField, elementField, FieldReader, varintField, WIRE_LENGTH, WIRE_VARINT } from './fields.ts';

/** Records in one frame. */
export const RECORDS_PER_FRAME_MAX = 32;
/** Labels in one RecordRequest. */
export const RECORD_LABELS_MAX = 32;

/** Frame kind 50, 1 to 32 records; frame kind 54, 0 to 32. Envelopes as they came. */
export interface RecordList {
  readonly records: readonly Uint8Array[];
}

/** Names records of an origin: those of a kind and index, or with kind 0 all of them. */
export interface RecordName {
  readonly origin: PeerId;
  readonly kind: number;
  readonly index: number;
}

/** Frame kind 52, 1 to 32 labels. */
export interface RecordRequest {
  readonly labels: readonly RecordName[];
}

type Refusal = Extract<Decoded<never>, { readonly ok: false }>;

function malformed(clause: ClauseId): Refusal {
  return { ok: false, code: 'E_MALFORMED', clause };
}

const OVER_LIMIT: Refusal = { ok: false, code: 'E_LIMIT', clause: 'WIR-046' };

/** The contents of field 1, as views. */
function readElements(body: Uint8Array): readonly Uint8Array[] | Refusal {
  const reader = new FieldReader(body);
  const elements: Uint8Array[] = [];
  while (reader.next()) if (reader.number === 1 && reader.wireType === WIRE_LENGTH) elements.push(reader.content());
  return reader.fault === undefined ? elements : malformed(reader.fault);
}

function decodeRecords(body: Uint8Array, countMin: number): Decoded<RecordList> {
  const elements = readElements(body);
  if ('ok' in elements) return elements;
  if (elements.length < countMin || elements.length > RECORDS_PER_FRAME_MAX) return OVER_LIMIT;
  return { ok: true, value: { records: elements.map(copyBytes) } };
}

/** Spec: WIR-040 to WIR-050 */
export function decodeRecordPush(body: Uint8Array): Decoded<RecordList> {
  return decodeRecords(body, 1);
}

/** Spec: WIR-040 to WIR-050 */
export function decodeRecordReply(body: Uint8Array): Decoded<RecordList> {
  return decodeRecords(body, 0);
}

function decodeLabel(bytes: Uint8Array): RecordName | Refusal {
  const reader = new FieldReader(bytes);
  let origin = new Uint8Array(0) as Uint8Array;
  let kind = 0;
  let index = 0;
  while (reader.next()) {
    if (reader.number === 1 && reader.wireType === WIRE_LENGTH) origin = reader.content();
    else if (reader.number === 2 && reader.wireType === WIRE_VARINT) kind = reader.int32();
    else if (reader.number === 3 && reader.wireType === WIRE_VARINT) index = reader.uint32();
  }
  if (reader.fault !== undefined) return malformed(reader.fault);
  return origin.length === ID_BYTES ? { origin: toHex(origin) as PeerId, kind, index } : malformed('WIR-045');
}

/** Takes kinds that this revision does not name: nothing is held of them. Spec: WIR-040 to WIR-050 */
export function decodeRecordRequest(body: Uint8Array): Decoded<RecordRequest> {
  const elements = readElements(body);
  if ('ok' in elements) return elements;
  const labels: RecordName[] = [];
  for (const element of elements) {
    const label = decodeLabel(element);
    if ('ok' in label) return label;
    labels.push(label);
  }
  return labels.length < 1 || labels.length > RECORD_LABELS_MAX ? OVER_LIMIT : { ok: true, value: { labels } };
}

/** Both a RecordPush and a RecordReply. */
export function encodeRecordList(value: RecordList): Uint8Array {
  return concatBytes(...value.records.flatMap((bytes) => elementField(1, bytes)));
}

export function encodeRecordRequest(value: RecordRequest): Uint8Array {
  const labels = value.labels.map(({ origin, kind, index }) =>
    concatBytes(...bytesField(1, idBytes(origin)), ...varintField(2, kind), ...varintField(3, index)),
  );
  return concatBytes(...labels.flatMap((label) => elementField(1, label)));
}
