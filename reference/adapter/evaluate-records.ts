/** The functions `record.…` of chapter 23 on the reference's records. */
import { create, type Message } from '@bufbuild/protobuf';
import type { GenMessage } from '@bufbuild/protobuf/codegenv2';
import {
  ContactRecordSchema,
  HealthRecordSchema,
  LedgerRangeRecordSchema,
  type RecordKind,
  RecordSchema,
  SnapshotHashesRecordSchema,
  VersionRecordSchema,
} from '../../proto/gen/carillon/v1/records_pb.ts';
import { copyBytes, encodeUtf8 } from '../core/bytes.ts';
import type { CryptoProvider } from '../core/crypto/provider.ts';
import { PRESETS } from '../core/params.ts';
import { formFault } from '../core/records/form.ts';
import { isNewer, lastMs, RECORD_CONTEXT, type ReadRecord, type RecordPayload, readRecord, ttlLimitMs } from '../core/records/record.ts';
import { judgeRecord, NO_RECORDS } from '../core/records/verdict.ts';
import type { ErrorName } from '../core/types.ts';
import { openEnvelope, PAYLOAD_VERSION } from '../core/wire/envelope.ts';
import { decodeStrict, encodeStrict } from '../core/wire/strict.ts';
import { type Arguments, RefusedArguments, u64 } from './arguments.ts';

type Answer = readonly Uint8Array[] | { readonly error: ErrorName };
type Body = RecordPayload['body'];

const PARAMS = PRESETS.conformance;
const UINT32_MAX = 2 ** 32 - 1;
const KIND_MAX = 5;
const SAFE_MAX = Number.MAX_SAFE_INTEGER;

/** The bodies of the kinds, read and written strictly. */
const BODIES: Readonly<
  Record<number, { readonly read: (bytes: Uint8Array) => Body | undefined; readonly write: (body: Body) => Uint8Array }>
> = {
  1: bodyOf('contact', ContactRecordSchema),
  2: bodyOf('snapshotHashes', SnapshotHashesRecordSchema),
  3: bodyOf('ledgerRange', LedgerRangeRecordSchema),
  4: bodyOf('health', HealthRecordSchema),
  5: bodyOf('nodeVersion', VersionRecordSchema),
};

function bodyOf<T extends Message>(name: NonNullable<Body['case']>, schema: GenMessage<T>) {
  return {
    read: (bytes: Uint8Array): Body | undefined => {
      const value = decodeStrict(schema, bytes);
      return value === undefined ? undefined : ({ case: name, value } as unknown as Body);
    },
    write: (body: Body): Uint8Array => encodeStrict(schema, body.value as unknown as T),
  };
}

export function encodeRecord(args: Arguments): Answer {
  const kind = args.number(0, KIND_MAX);
  const body = BODIES[kind]?.read(args.bytes(6));
  if (body === undefined) throw new RefusedArguments('the body is the strict encoding of the message that the kind names');
  const record = create(RecordSchema, {
    version: PAYLOAD_VERSION,
    kind: kind as RecordKind,
    index: args.number(1, UINT32_MAX),
    instance: args.u64(2),
    sequence: args.u64(3),
    wallclockMs: args.u64(4),
    ttlMs: args.u64(5),
    body,
  });
  return [encodeStrict(RecordSchema, record)];
}

export function decodeRecord(args: Arguments): Answer {
  const record = decodeStrict(RecordSchema, args.bytes(0));
  if (record === undefined || record.version !== PAYLOAD_VERSION) return { error: 'E_STRUCTURE' };
  const body = BODIES[record.kind];
  if (body === undefined || formFault(record) !== undefined) return { error: 'E_RECORD_FORM' };
  const numbers = [record.kind, record.index, record.instance, record.sequence, record.wallclockMs, record.ttlMs];
  return [...numbers.map((number) => u64(number)), body.write(record.body)];
}

export function compareRecords(crypto: CryptoProvider, args: Arguments): Answer {
  const networkId = args.networkId(0);
  const [held, other] = [1, 2].map((index): ReadRecord => {
    const bytes = args.bytes(index);
    const opened = openEnvelope(bytes, RECORD_CONTEXT, RecordSchema);
    if (opened.verdict !== 'ok') throw new RefusedArguments(`argument ${index} holds no record`);
    return readRecord(crypto, networkId, opened.envelope, opened.payload, bytes);
  });
  return [u64(held !== undefined && other !== undefined && isNewer(held, other) ? 1 : 0)];
}

export function judgeOver(args: Arguments): Answer {
  const payload = create(RecordSchema, { wallclockMs: args.u64(0), ttlMs: args.u64(1) });
  const limitMs = ttlLimitMs(PARAMS, args.u64(2) !== 0n);
  return [u64(lastMs(payload, limitMs) < args.u64(3) ? 1 : 0)];
}

export function judgeRecordAlone(crypto: CryptoProvider, args: Arguments): Answer {
  const hasStake = args.u64(3) !== 0n;
  const context = { params: PARAMS, crypto, networkId: args.networkId(0), stakeOf: () => (hasStake ? 1n : 0n) };
  const now = { monoMs: 0, wallMs: args.number(1, SAFE_MAX) };
  const way = { isPushed: args.u64(2) !== 0n, from: undefined };
  const judgement = judgeRecord(context, NO_RECORDS, copyBytes(args.bytes(4)), way, now);
  const [verdict, code] = judgement.verdict === 'pass' ? ['accept', ''] : [judgement.verdict, judgement.code];
  return [encodeUtf8(verdict), encodeUtf8(code)];
}
