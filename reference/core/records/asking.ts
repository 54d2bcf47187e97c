/** Questions for records, both ways. Spec: REC-070 to REC-073 */
import type { AskId, LinkId, Now, PeerId } from '../types.ts';
import { envelopeOrigin, openEnvelope } from '../wire/envelope.ts';
import { KIND_RECORD_REQUEST } from '../wire/frame.ts';
import {
  decodeRecordReply,
  decodeRecordRequest,
  encodeRecordList,
  encodeRecordRequest,
  RECORDS_PER_FRAME_MAX,
  type RecordName,
} from '../wire/records-body.ts';
import { receive } from './accepting.ts';
import { RECORD_CONTEXT, RecordSchema, slotOf } from './record.ts';
import type { RecordsState } from './state.ts';
import type { HeldRecord } from './table.ts';

/** How long a question of the application waits. */
const FETCH_TIMEOUT_MS = 5000;
/** Questions of the application that wait at the same time. */
const FETCHES_MAX = 256;
/** Tag and length in front of a record of up to 16,383 bytes. */
const ELEMENT_HEADER_BYTES = 3;

/** The records that labels name, in their order, each once, as many as an answer takes. */
function namedRecords(state: RecordsState, labels: readonly RecordName[], bytesMax: number): readonly HeldRecord[] {
  const named = new Set(
    labels.flatMap(({ origin, kind, index }) => {
      if (kind === 0) return state.table.ofOrigin(origin, state.wallMs);
      const record = state.table.get(origin, slotOf(kind, index), state.wallMs);
      return record === undefined ? [] : [record];
    }),
  );
  const records: HeldRecord[] = [];
  let size = 0;
  for (const record of named) {
    size += record.envelope.length + ELEMENT_HEADER_BYTES;
    if (records.length === RECORDS_PER_FRAME_MAX || size > bytesMax) break;
    records.push(record);
  }
  return records;
}

/** The body of the answer to a request, or the fault of its body. Spec: REC-070 to REC-072 */
export function answerTo(
  state: RecordsState,
  body: Uint8Array,
  bytesMax: number,
): Uint8Array | { readonly code: 'E_MALFORMED' | 'E_LIMIT'; readonly clause: string } {
  const request = decodeRecordRequest(body);
  if (!request.ok) return { code: request.code === 'E_LIMIT' ? 'E_LIMIT' : 'E_MALFORMED', clause: request.clause };
  const records = namedRecords(state, request.value.labels, bytesMax);
  return encodeRecordList({ records: records.map(({ envelope }) => envelope) });
}

/** Asks a session peer for all records of an origin; false when there is nobody to ask. */
export function fetchRecords(state: RecordsState, token: number, origin: PeerId): boolean {
  const links = [...state.links.keys()].sort((a, b) => a - b);
  const link = state.options.rng.pick(links);
  if (link === undefined || state.fetches.size >= FETCHES_MAX) return false;
  const ask = state.nextAsk++;
  state.fetches.set(ask, { token, link, origin });
  const body = encodeRecordRequest({ labels: [{ origin, kind: 0, index: 0 }] });
  state.outputs.push({ type: 'ask', ask: ask as AskId, link, kind: KIND_RECORD_REQUEST, body, timeoutMs: FETCH_TIMEOUT_MS });
  return true;
}

/** Takes the answer to a question in; what was not asked for is left alone. Spec: REC-030, REC-073 */
export function takeAnswer(state: RecordsState, ask: number, link: LinkId, body: Uint8Array, now: Now): void {
  const fetch = state.fetches.get(ask);
  if (fetch === undefined) return;
  state.fetches.delete(ask);
  const reply = decodeRecordReply(body);
  let accepted = 0;
  if (reply.ok) {
    for (const bytes of reply.value.records) {
      if (isOf(state, bytes, fetch.origin) && receive(state, bytes, { link, isPushed: false }, now)) accepted += 1;
    }
  } else state.outputs.push({ type: 'closeSession', link, code: reply.code, clause: reply.clause });
  endFetch(state, fetch.token, accepted);
}

/** A question that found no answer. */
export function giveUp(state: RecordsState, ask: number): void {
  const fetch = state.fetches.get(ask);
  if (fetch === undefined) return;
  state.fetches.delete(ask);
  endFetch(state, fetch.token, 0);
}

function endFetch(state: RecordsState, token: number, accepted: number): void {
  state.outputs.push({ type: 'outcome', token, outcome: { type: 'records.fetch', accepted } });
}

/** Whether an envelope carries the origin that was asked for; one that cannot be read is judged all the same. */
function isOf(state: RecordsState, bytes: Uint8Array, origin: PeerId): boolean {
  const opened = openEnvelope(bytes, RECORD_CONTEXT, RecordSchema);
  return opened.verdict !== 'ok' || envelopeOrigin(state.options.crypto, opened.envelope) === origin;
}
