/** The verdict on one record: every check in the order of its clause, cheapest first. Spec: REC-010 to REC-026 */
import type { CryptoProvider } from '../crypto/provider.ts';
import type { Params } from '../params.ts';
import type { ClauseId, ErrorName, Now, PeerId } from '../types.ts';
import { openEnvelope, verifyEnvelope } from '../wire/envelope.ts';
import { formFault } from './form.ts';
import { lastMs, RECORD_CONTEXT, type ReadRecord, RecordSchema, readRecord, ttlLimitMs } from './record.ts';

/** How a record came. */
export interface Way {
  /** In a RecordPush, so that the push window holds. */
  readonly isPushed: boolean;
  /** The peer at the other end of the session, if there is one. */
  readonly from: PeerId | undefined;
}

/** What does not change while a node runs. */
export interface RecordVerdictContext {
  readonly params: Params;
  readonly crypto: CryptoProvider;
  readonly networkId: Uint8Array;
  readonly stakeOf: (peer: PeerId) => bigint;
}

/** What the node remembers; the verdict asks and changes nothing. */
export interface RecordMemory {
  isSelf(origin: PeerId): boolean;
  /** Whether the record is newer than what the node holds, or has made, of the label. Spec: REC-020 */
  isNews(record: ReadRecord): boolean;
  /** Whether the origin's buckets hold the cost. Spec: REC-024 */
  allows(origin: PeerId): boolean;
  /** Whether the origin may have another label. Spec: REC-025 */
  hasLabelRoom(record: ReadRecord): boolean;
}

/** For judging a record alone: as a node that has just started. */
export const NO_RECORDS: RecordMemory = {
  isSelf: () => false,
  isNews: () => true,
  allows: () => true,
  hasLabelRoom: () => true,
};

/** The result of all checks; the record is there as far as the envelope told it. */
export type RecordJudgement =
  | { readonly verdict: 'pass'; readonly record: ReadRecord }
  | {
      readonly verdict: 'ignore' | 'reject';
      readonly code: ErrorName;
      readonly clause: ClauseId;
      readonly record: ReadRecord | undefined;
    };

function refuse(verdict: 'ignore' | 'reject', code: ErrorName, clause: ClauseId, record?: ReadRecord): RecordJudgement {
  return { verdict, code, clause, record };
}

/** `pass`: nothing speaks against it but the room that it needs (REC-027). */
export function judgeRecord(context: RecordVerdictContext, memory: RecordMemory, bytes: Uint8Array, way: Way, now: Now): RecordJudgement {
  const { params, crypto, networkId } = context;
  if (bytes.length > params['records.record_bytes_max']) return refuse('reject', 'E_SIZE', 'REC-010');
  const opened = openEnvelope(bytes, RECORD_CONTEXT, RecordSchema);
  if (opened.verdict !== 'ok') return refuse(opened.verdict, opened.code, opened.clause); // REC-011
  const { envelope, payload } = opened;
  const form = formFault(payload);
  if (form !== undefined) return refuse('reject', 'E_RECORD_FORM', form);

  const record = readRecord(crypto, networkId, envelope, payload, bytes);
  const { origin } = record;
  if (!memory.isNews(record)) return refuse('ignore', 'E_RECORD_OLD', 'REC-020', record);
  const isFirstHand = origin === way.from || memory.isSelf(origin);
  const wallMs = BigInt(now.wallMs);
  const windowMs = BigInt(params['records.push_window_ms']);
  if (way.isPushed && !isFirstHand && payload.wallclockMs + windowMs < wallMs) return refuse('ignore', 'E_TIME', 'REC-021', record);
  if (payload.wallclockMs > wallMs + windowMs) return refuse('ignore', 'E_TIME', 'REC-022', record);
  const limitMs = ttlLimitMs(params, context.stakeOf(origin) > 0n);
  if (lastMs(payload, limitMs) < wallMs) return refuse('ignore', 'E_RECORD_OVER', 'REC-023', record);
  if (!memory.isSelf(origin) && !memory.allows(origin)) return refuse('ignore', 'E_ORIGIN_RATE', 'REC-024', record);
  if (!memory.hasLabelRoom(record)) return refuse('ignore', 'E_RECORD_ROOM', 'REC-025', record);
  if (!verifyEnvelope(crypto, networkId, envelope)) return refuse('reject', 'E_SIGNATURE', 'REC-026', record);
  return { verdict: 'pass', record };
}
