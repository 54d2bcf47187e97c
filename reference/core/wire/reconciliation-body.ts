/**
 * The bodies of chapter 07: total decoders and encoders. Fixed sizes are WIR-045; what a request may
 * ask for (RCN-028, RCN-029, RCN-042, RCN-065) is the reader's business, who knows the parameters.
 */
import { concatBytes, copyBytes } from '../bytes.ts';
import type { ClauseId } from '../types.ts';
import type { Decoded } from './body.ts';
import { bytesField, elementField, FieldReader, varintField, WIRE_LENGTH, WIRE_VARINT } from './fields.ts';

/** What became of a request. */
export const OUTCOME_OK = 0;
export const OUTCOME_SAME = 1;
export const OUTCOME_BUSY = 2;
export const OUTCOME_TOO_LARGE = 3;
export const OUTCOME_GONE = 4;
export const OUTCOME_NO_SET = 5;

export const SALT_BYTES = 16;
export const DIGEST_BYTES = 8;

/** Frame kind 58. */
export interface SketchRequest {
  readonly set: number;
  readonly salt: Uint8Array;
  readonly prefixBits: number;
  readonly prefix: number;
  readonly first: number;
  readonly count: number;
  /** 8 bytes, or undefined: one of another size is none. */
  readonly digest: Uint8Array | undefined;
  /** 0 when symbols are asked for. */
  readonly cells: number;
}

/** Frame kind 60. */
export interface SketchReply {
  readonly outcome: number;
  readonly size: bigint;
  readonly symbols: Uint8Array;
}

/** Frame kind 62. */
export interface RangeRequest {
  readonly set: number;
  readonly message: Uint8Array;
}

/** Frame kind 64. */
export interface RangeReply {
  readonly outcome: number;
  readonly message: Uint8Array;
}

/** Frame kind 66. */
export interface FetchRequest {
  readonly set: number;
  readonly shortIds: readonly Uint8Array[];
  readonly ids: readonly Uint8Array[];
}

/** Frame kind 68. */
export interface FetchReply {
  readonly outcome: number;
  readonly items: readonly Uint8Array[];
}

type Refusal = Extract<Decoded<never>, { readonly ok: false }>;

function malformed(clause: ClauseId): Refusal {
  return { ok: false, code: 'E_MALFORMED', clause };
}

/** Sorts the fields of a body by number: the last value of each varint, and all byte strings. */
function collect(
  body: Uint8Array,
): Decoded<{ readonly numbers: ReadonlyMap<number, bigint>; readonly contents: ReadonlyMap<number, readonly Uint8Array[]> }> {
  const reader = new FieldReader(body);
  const numbers = new Map<number, bigint>();
  const contents = new Map<number, Uint8Array[]>();
  while (reader.next()) {
    if (reader.wireType === WIRE_VARINT) numbers.set(reader.number, reader.uint64());
    if (reader.wireType === WIRE_LENGTH) {
      const list = contents.get(reader.number);
      if (list === undefined) contents.set(reader.number, [reader.content()]);
      else list.push(reader.content());
    }
  }
  return reader.fault === undefined ? { ok: true, value: { numbers, contents } } : malformed(reader.fault);
}

/** A uint32 as the protobuf libraries read it: the low 32 bits. */
function uint32(numbers: ReadonlyMap<number, bigint>, number: number): number {
  return Number(BigInt.asUintN(32, numbers.get(number) ?? 0n));
}

function last(contents: ReadonlyMap<number, readonly Uint8Array[]>, number: number): Uint8Array {
  return copyBytes(contents.get(number)?.at(-1) ?? new Uint8Array(0));
}

function all(contents: ReadonlyMap<number, readonly Uint8Array[]>, number: number): readonly Uint8Array[] {
  return (contents.get(number) ?? []).map(copyBytes);
}

/** Spec: WIR-040 to WIR-050 */
export function decodeSketchRequest(body: Uint8Array): Decoded<SketchRequest> {
  const read = collect(body);
  if (!read.ok) return read;
  const { numbers, contents } = read.value;
  const salt = last(contents, 2);
  if (salt.length !== SALT_BYTES) return malformed('WIR-045');
  const digest = last(contents, 7);
  const value: SketchRequest = {
    set: uint32(numbers, 1),
    salt,
    prefixBits: uint32(numbers, 3),
    prefix: uint32(numbers, 4),
    first: uint32(numbers, 5),
    count: uint32(numbers, 6),
    digest: digest.length === DIGEST_BYTES ? digest : undefined,
    cells: uint32(numbers, 8),
  };
  return { ok: true, value };
}

/** Spec: WIR-040 to WIR-050 */
export function decodeSketchReply(body: Uint8Array): Decoded<SketchReply> {
  const read = collect(body);
  if (!read.ok) return read;
  const { numbers, contents } = read.value;
  return { ok: true, value: { outcome: uint32(numbers, 1), size: numbers.get(2) ?? 0n, symbols: last(contents, 3) } };
}

/** Spec: WIR-040 to WIR-050 */
export function decodeRangeRequest(body: Uint8Array): Decoded<RangeRequest> {
  const read = collect(body);
  if (!read.ok) return read;
  return { ok: true, value: { set: uint32(read.value.numbers, 1), message: last(read.value.contents, 2) } };
}

/** Spec: WIR-040 to WIR-050 */
export function decodeRangeReply(body: Uint8Array): Decoded<RangeReply> {
  const read = collect(body);
  if (!read.ok) return read;
  return { ok: true, value: { outcome: uint32(read.value.numbers, 1), message: last(read.value.contents, 2) } };
}

/** Spec: WIR-040 to WIR-050 */
export function decodeFetchRequest(body: Uint8Array): Decoded<FetchRequest> {
  const read = collect(body);
  if (!read.ok) return read;
  const shortIds = all(read.value.contents, 2);
  const ids = all(read.value.contents, 3);
  if (shortIds.some((id) => id.length !== 8) || ids.some((id) => id.length !== 32)) return malformed('WIR-045');
  return { ok: true, value: { set: uint32(read.value.numbers, 1), shortIds, ids } };
}

/** Spec: WIR-040 to WIR-050 */
export function decodeFetchReply(body: Uint8Array): Decoded<FetchReply> {
  const read = collect(body);
  if (!read.ok) return read;
  return { ok: true, value: { outcome: uint32(read.value.numbers, 1), items: all(read.value.contents, 2) } };
}

export function encodeSketchRequest(value: SketchRequest): Uint8Array {
  return concatBytes(
    ...varintField(1, value.set),
    ...bytesField(2, value.salt),
    ...varintField(3, value.prefixBits),
    ...varintField(4, value.prefix),
    ...varintField(5, value.first),
    ...varintField(6, value.count),
    ...bytesField(7, value.digest ?? new Uint8Array(0)),
    ...varintField(8, value.cells),
  );
}

export function encodeSketchReply(value: SketchReply): Uint8Array {
  return concatBytes(...varintField(1, value.outcome), ...varintField(2, value.size), ...bytesField(3, value.symbols));
}

export function encodeRangeRequest(value: RangeRequest): Uint8Array {
  return concatBytes(...varintField(1, value.set), ...bytesField(2, value.message));
}

export function encodeRangeReply(value: RangeReply): Uint8Array {
  return concatBytes(...varintField(1, value.outcome), ...bytesField(2, value.message));
}

export function encodeFetchRequest(value: FetchRequest): Uint8Array {
  return concatBytes(
    ...varintField(1, value.set),
    ...value.shortIds.flatMap((id) => elementField(2, id)),
    ...value.ids.flatMap((id) => elementField(3, id)),
  );
}

export function encodeFetchReply(value: FetchReply): Uint8Array {
  return concatBytes(...varintField(1, value.outcome), ...value.items.flatMap((item) => elementField(2, item)));
}
