/** The rules of records that are functions of their arguments. Spec: chapter 06. */
import type { SeenFields, SeenValue } from '../driver/trace.ts';
import { compare, concat, u64be, unhex } from './bytes.ts';
import { envelopeId, type Judged, judgeSignature, judgeUnsigned, readEnvelope } from './envelope.ts';
import { areCapabilities, isAddress } from './hello.ts';
import { decodeMessage, encodeMessage, type MessageFields } from './message.ts';
import { lastBytes, readFields, writeBytesField } from './protobuf.ts';
import { strictFault } from './strict.ts';

/** Kinds by their numbers, with the member of the body that each names. */
export const RECORD_KINDS: Readonly<Record<number, string>> = {
  1: 'contact',
  2: 'snapshotHashes',
  3: 'ledgerRange',
  4: 'health',
  5: 'nodeVersion',
};

/** Messages of the bodies by kind. */
export const RECORD_BODIES: Readonly<Record<number, string>> = {
  1: 'ContactRecord',
  2: 'SnapshotHashesRecord',
  3: 'LedgerRangeRecord',
  4: 'HealthRecord',
  5: 'VersionRecord',
};

/** A record that was read; `fields` holds its body too. */
export interface RecordRead {
  readonly kind: number;
  readonly index: number;
  readonly instance: bigint;
  readonly sequence: bigint;
  readonly wallclockMs: bigint;
  readonly ttlMs: bigint;
  readonly fields: SeenFields;
}

/** The bounds that the verdict needs; the defaults are those of preset `conformance`. */
export interface RecordBounds {
  readonly recordBytesMax: number;
  readonly pushWindowMs: bigint;
  readonly stakedTtlMs: bigint;
  readonly unstakedTtlMs: bigint;
}

/** `records.record_bytes_max`, `records.push_window_ms`, `records.staked_ttl_ms` and `records.unstaked_ttl_ms` of preset `conformance`. */
export const RECORD_BOUNDS: RecordBounds = {
  recordBytesMax: 928,
  pushWindowMs: 30_000n,
  stakedTtlMs: 172_800_000n,
  unstakedTtlMs: 15_000n,
};

const OPAQUE = (): never => {
  throw new Error('no record holds an envelope');
};

/** The strict encoding of a Record in version 1, whatever its fields hold. */
export function makeRecord(fields: MessageFields): Uint8Array {
  return encodeMessage('Record', { version: 1, ...fields });
}

/** A record's fields, or undefined when the bytes are not its strict encoding in version 1. */
export function readRecord(payload: Uint8Array): RecordRead | undefined {
  if (strictFault('Record', payload) !== undefined) return undefined;
  const fields = decodeMessage('Record', payload, OPAQUE);
  if (fields === undefined || fields['version'] !== 1) return undefined;
  return {
    kind: fields['kind'] as number,
    index: fields['index'] as number,
    instance: fields['instance'] as bigint,
    sequence: fields['sequence'] as bigint,
    wallclockMs: fields['wallclockMs'] as bigint,
    ttlMs: fields['ttlMs'] as bigint,
    fields,
  };
}

/** The clause of REC-012 to REC-019 that a record breaks first, or undefined. */
export function formFault(record: RecordRead): string | undefined {
  const { kind, index, fields } = record;
  const member = RECORD_KINDS[kind];
  const body = member === undefined ? undefined : (fields[member] as SeenFields | undefined);
  if (body === undefined) return 'REC-012';
  const indexMax = kind === 2 || kind === 3 ? 15 : 0;
  if (index > indexMax) return 'REC-013';
  if (record.instance > record.wallclockMs) return 'REC-014';
  switch (kind) {
    case 1:
      return isContact(body) ? undefined : 'REC-015';
    case 2:
      return areSnapshots(body) ? undefined : 'REC-016';
    case 3:
      return (body['lastSlot'] as bigint) >= (body['firstSlot'] as bigint) ? undefined : 'REC-017';
    case 4:
      return (body['loadPermille'] as number) <= 1_000 ? undefined : 'REC-018';
    default:
      return ['implementation', 'version', 'specRevision'].every((name) => /^[\x20-\x7e]{1,32}$/.test(body[name] as string))
        ? undefined
        : 'REC-019';
  }
}

function elements(fields: SeenFields, name: string): readonly SeenValue[] {
  return fields[name] as readonly SeenValue[];
}

function isContact(body: SeenFields): boolean {
  const addresses = elements(body, 'addresses') as readonly SeenFields[];
  const via = elements(body, 'via') as readonly string[];
  const inOrder = addresses.every((address) => {
    const host = (name: string): Uint8Array | undefined => (address[name] === undefined ? undefined : unhex(address[name] as string));
    const [ip4, ip6, dns] = [host('ip4'), host('ip6'), address['dns'] as string | undefined];
    return isAddress({
      ...(ip4 === undefined ? {} : { ip4 }),
      ...(ip6 === undefined ? {} : { ip6 }),
      ...(dns === undefined ? {} : { dns }),
      port: address['port'] as number,
    });
  });
  return (
    addresses.length <= 8 &&
    inOrder &&
    /^[a-z0-9-]{0,16}$/.test(body['region'] as string) &&
    areCapabilities(elements(body, 'capabilities') as readonly string[], 32) &&
    via.length <= 3 &&
    via.every((peer) => peer.length === 64) &&
    new Set(via).size === via.length
  );
}

function areSnapshots(body: SeenFields): boolean {
  const full = body['full'] as SeenFields | undefined;
  const incremental = elements(body, 'incremental') as readonly SeenFields[];
  if (full === undefined || incremental.length > 16) return false;
  const all = [full, ...incremental];
  if (!all.every((snapshot) => (snapshot['hash'] as string).length === 64)) return false;
  return incremental.every((snapshot, index) => (snapshot['slot'] as bigint) > (all[index]?.['slot'] as bigint));
}

/** Whether a record is over at a time of the wall clock. Spec: REC-003. */
export function isOver(
  record: { readonly wallclockMs: bigint; readonly ttlMs: bigint },
  wallMs: bigint,
  hasStake: boolean,
  bounds: RecordBounds = RECORD_BOUNDS,
): boolean {
  const limit = hasStake ? bounds.stakedTtlMs : bounds.unstakedTtlMs;
  const livesMs = record.ttlMs < limit ? record.ttlMs : limit;
  return wallMs - record.wallclockMs > livesMs;
}

/** Order of two records of one label: below 0 when the first is older, 0 when they are the same. Ids are 32 bytes. Spec: REC-002. */
export function compareRecords(
  one: { readonly instance: bigint; readonly sequence: bigint; readonly id: Uint8Array },
  other: { readonly instance: bigint; readonly sequence: bigint; readonly id: Uint8Array },
): number {
  if (one.instance !== other.instance) return one.instance < other.instance ? -1 : 1;
  if (one.sequence !== other.sequence) return one.sequence < other.sequence ? -1 : 1;
  return compare(one.id, other.id);
}

/** Whether the second envelope holds the newer record; undefined when one of them holds none. */
export function isNewer(networkId: Uint8Array, held: Uint8Array, other: Uint8Array): boolean | undefined {
  const [one, two] = [held, other].map((bytes) => {
    const envelope = readEnvelope(bytes);
    const record = envelope === undefined ? undefined : readRecord(envelope.payload);
    if (envelope === undefined || record === undefined) return undefined;
    const { context, keyType, publicKey, payload } = envelope;
    return { ...record, id: envelopeId(networkId, context, keyType, publicKey, payload) };
  });
  return one === undefined || two === undefined ? undefined : compareRecords(one, two) < 0;
}

/**
 * The verdict on an envelope by REC-010 to REC-019, REC-021 to REC-023 and REC-026, in their order; what needs memory
 * (REC-020, REC-024, REC-025, REC-027) is left out. The clause is the chapter 06 one, also where an IDN clause decided.
 */
export function judgeRecord(
  networkId: Uint8Array,
  wallMs: bigint | number,
  way: { readonly isPushed: boolean; readonly hasStake: boolean },
  envelope: Uint8Array,
  bounds: RecordBounds = RECORD_BOUNDS,
): Judged {
  const now = BigInt(wallMs);
  const decided = (verdict: 'ignore' | 'reject', code: string, clause: string): Judged => ({ verdict, code, clause });
  if (envelope.length > bounds.recordBytesMax) return decided('reject', 'E_SIZE', 'REC-010');
  const structure = judgeUnsigned('record', envelope);
  if (structure.verdict !== 'accept') return { ...structure, clause: 'REC-011' };
  const record = readRecord(readEnvelope(envelope)?.payload ?? new Uint8Array());
  if (record === undefined) throw new Error('a payload that passed IDN-040 can be read');
  const form = formFault(record);
  if (form !== undefined) return decided('reject', 'E_RECORD_FORM', form);
  if (way.isPushed && now - record.wallclockMs > bounds.pushWindowMs) return decided('ignore', 'E_TIME', 'REC-021');
  if (record.wallclockMs - now > bounds.pushWindowMs) return decided('ignore', 'E_TIME', 'REC-022');
  if (isOver(record, now, way.hasStake, bounds)) return decided('ignore', 'E_RECORD_OVER', 'REC-023');
  const signature = judgeSignature(networkId, envelope);
  return signature.verdict === 'accept' ? signature : { ...signature, clause: 'REC-026' };
}

/** A Record in version 1 around the strict bytes of a body; undefined when the kind has no body or the bytes are no strict body of it. */
export function encodeRecord(
  fields: { readonly kind: number; readonly index: number; readonly instance: bigint; readonly sequence: bigint },
  times: { readonly wallclockMs: bigint; readonly ttlMs: bigint },
  body: Uint8Array,
): Uint8Array | undefined {
  const member = RECORD_BODIES[fields.kind];
  if (member === undefined || strictFault(member, body) !== undefined) return undefined;
  // Members of the body stand behind all other fields, so the content goes to the end as it is.
  return concat(makeRecord({ ...fields, ...times }), writeBytesField(7 + fields.kind, body));
}

/** What `record.decode` of chapter 23 answers: the fields in their order and the strict bytes of the body, or the error. */
export function decodeRecord(
  payload: Uint8Array,
): { readonly values: readonly Uint8Array[] } | { readonly error: string; readonly clause: string } {
  const record = readRecord(payload);
  if (record === undefined) return { error: 'E_STRUCTURE', clause: 'REC-011' };
  const form = formFault(record);
  if (form !== undefined) return { error: 'E_RECORD_FORM', clause: form };
  const body = lastBytes(readFields(payload).fields ?? [], 7 + record.kind);
  const numbers = [record.kind, record.index, record.instance, record.sequence, record.wallclockMs, record.ttlMs];
  return { values: [...numbers.map((number) => u64be(number)), body] };
}
