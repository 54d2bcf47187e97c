/** Plaintexts with one defect in a frame's header, beside the same without it. */
import fc, { type Arbitrary } from 'fast-check';
import { concat, unhex } from '../model/bytes.ts';
import { encodeFrame, frameNamed } from '../model/frame.ts';
import { writeBytes, writeBytesField } from '../model/protobuf.ts';
import { encodeUvarint } from '../model/uvarint.ts';
import { nonces, plaintext, type Scene } from './session-plans.ts';

/** A defect and its twin as bytes. */
export interface BytesPair {
  readonly bad: Uint8Array;
  readonly twin: Uint8Array;
}

/** The body of a Ping. */
export const pingBodies: Arbitrary<Uint8Array> = nonces.map((nonce) => writeBytes(1, unhex(nonce)));

/** A frame as bytes whose header fields may be anything. */
export interface RawFrame {
  readonly length?: Uint8Array;
  readonly kind: Uint8Array;
  readonly requestId: Uint8Array;
  readonly body: Uint8Array;
}

/** The frame's bytes; the length is right unless it is given. */
export function writeRawFrame({ length, kind, requestId, body }: RawFrame): Uint8Array {
  const content = concat(kind, requestId, body);
  return concat(length ?? encodeUvarint(content.length), content);
}

/** The same value in `extra` more bytes than it needs, the last of them 0. */
export function overlong(value: number | bigint, extra: number): Uint8Array {
  const bytes = Array.from(encodeUvarint(value));
  const last = bytes.length - 1;
  bytes[last] = (bytes[last] ?? 0) | 0x80;
  return Uint8Array.from([...bytes, ...Array.from({ length: extra - 1 }, () => 0x80), 0]);
}

/** A Ping in order, as whole plaintext. */
const pings: Arbitrary<Uint8Array> = fc
  .tuple(fc.integer({ min: 1, max: 500 }), pingBodies)
  .map(([requestId, body]) => encodeFrame(2, requestId, body));

/** Defects of one kind with their twins; every plan has all of them. */
export type Pairs = Arbitrary<readonly BytesPair[]>;

/** One pair for each value. */
export function each<Value>(values: readonly Value[], pair: (value: Value) => Arbitrary<BytesPair>): Pairs {
  return fc.tuple(...values.map(pair));
}

/** Any pair of several lists. */
export function anyOf(...lists: readonly Pairs[]): Arbitrary<BytesPair> {
  return fc.oneof(...lists).chain((list) => fc.constantFrom(...list));
}

/** Puts each pair behind some frames in order, and a Ping behind it: the same around both. */
export function placed(pairs: Pairs): Arbitrary<readonly Scene[]> {
  return around(pairs, fc.option(pings, { nil: undefined }));
}

/** Puts each pair at the end of its plaintext: for defects that would swallow what follows. */
export function placedLast(pairs: Pairs): Arbitrary<readonly Scene[]> {
  return around(pairs, fc.constant(undefined));
}

function around(pairs: Pairs, behinds: Arbitrary<Uint8Array | undefined>): Arbitrary<readonly Scene[]> {
  const frame = fc.tuple(fc.array(pings, { maxLength: 3 }), behinds);
  return pairs.chain((list) =>
    fc.tuple(
      ...list.map((pair) =>
        frame.map(([before, behind]): Scene => {
          const whole = (bytes: Uint8Array): Uint8Array => concat(...before, bytes, behind ?? new Uint8Array());
          return { bad: (link) => [plaintext(link, whole(pair.bad))], twin: (link) => [plaintext(link, whole(pair.twin))] };
        }),
      ),
    ),
  );
}

type HeaderField = 'length' | 'kind' | 'requestId';

const headers = fc.record({ requestId: fc.constantFrom(1, 2, 127, 128, 300, 0xffff_ffff), body: pingBodies });

function headerPair(field: HeaderField, requestId: number, body: Uint8Array, bytes: Uint8Array): BytesPair {
  const good = { kind: encodeUvarint(2), requestId: encodeUvarint(requestId), body };
  return { bad: writeRawFrame({ ...good, [field]: bytes }), twin: writeRawFrame(good) };
}

/** Pings whose header field has its right value in more bytes than it needs. */
export function overlongHeaders(field: HeaderField): Pairs {
  return each([1, 2, 3, 4], (extra) =>
    headers.map(({ requestId, body }) => {
      const size = encodeUvarint(2).length + encodeUvarint(requestId).length + body.length;
      const values = { length: size, kind: 2, requestId };
      return headerPair(field, requestId, body, overlong(values[field], extra));
    }),
  );
}

/** Uvarints of more than ten bytes, or above 2^64 − 1. */
const OVERSIZED: readonly Uint8Array[] = [
  Uint8Array.from([...Array.from({ length: 9 }, () => 0x82), 0x02]), // tenth byte above 1
  Uint8Array.from([...Array.from({ length: 9 }, () => 0xff), 0x7f]),
  Uint8Array.from([...Array.from({ length: 10 }, () => 0x82), 0x01]), // eleven bytes
  Uint8Array.from([...Array.from({ length: 15 }, () => 0x80), 0x01]),
];

/** Pings whose header field is such a uvarint. */
export function oversizedHeaders(field: HeaderField): Pairs {
  return each(OVERSIZED, (long) => headers.map(({ requestId, body }) => headerPair(field, requestId, body, long)));
}

/** Plaintexts that end inside a header field. */
export const cutHeaders: Pairs = each([[0x80], [0xff, 0xff], [2, 0x82], [3, 2, 0x81, 0xff]], (bad) =>
  headers.map(({ requestId, body }) => ({ bad: Uint8Array.from(bad), twin: encodeFrame(2, requestId, body) })),
);

const WIDE = (['kind', 'requestId'] as const).flatMap((field) =>
  [1n, 2n, 256n, 2n ** 21n, 2n ** 31n, 2n ** 32n - 1n].map((high) => ({ field, high })),
);

/** Kinds and request ids of 2^32 or above, whose low 32 bits would be in order. */
export const wideHeaders: Pairs = each(WIDE, ({ field, high }) =>
  headers.map(({ requestId, body }) => {
    const low = field === 'kind' ? 2n : BigInt(requestId);
    return headerPair(field, requestId, body, encodeUvarint((high << 32n) | low));
  }),
);

/** Lengths beyond the end of the plaintext, by one up to 2^64 − 1. */
export const lengthsBeyond: Pairs = each([1n, 2n, 127n, 65_519n, 2n ** 31n, 2n ** 32n, 2n ** 53n, 2n ** 63n], (beyond) =>
  headers.map(({ requestId, body }) => {
    const size = BigInt(1 + encodeUvarint(requestId).length + body.length);
    return headerPair('length', requestId, body, encodeUvarint(beyond === 2n ** 63n ? 2n ** 64n - 1n : size + beyond));
  }),
);

/** Lengths of 0, and of the kind alone: the request id is not there, although a reader that goes on beyond the end finds one. */
export const lengthsTooShort: Pairs = each(
  [
    { size: 0, kind: 2 },
    { size: 1, kind: 2 },
    { size: 0, kind: 9 },
    { size: 1, kind: 9 },
  ],
  ({ size, kind }) =>
    headers.map(({ requestId, body }) => {
      const frame = { kind: encodeUvarint(kind), requestId: encodeUvarint(requestId), body: kind === 2 ? body : new Uint8Array() };
      return { bad: writeRawFrame({ ...frame, length: encodeUvarint(size) }), twin: writeRawFrame(frame) };
    }),
);

const bodiesOfAnything = fc.uint8Array({ maxLength: 300 });

/** Kinds that no chapter of this revision names. */
export const ODD_KINDS: readonly number[] = [1, 3, 5, 7, 9, 31, 33, 35, 47, 49, 255, 257, 1_023, 65_281, 65_535, 0xffff_ffff];
export const EVEN_KINDS: readonly number[] = [0, 10, 30, 46, 94, 120, 254, 256, 1_022, 65_280, 0xffff_fffe];

/** Frames of unknown even kinds, beside the same of the odd kind next to each. */
export const evenKinds: Pairs = each(EVEN_KINDS, (kind) =>
  fc.tuple(fc.constantFrom(0, 1, 77, 0xffff_ffff), bodiesOfAnything).map(([requestId, body]) => ({
    bad: encodeFrame(kind, requestId, body),
    twin: encodeFrame(kind + 1, requestId, body),
  })),
);

/** Retries, which sessions do not have, beside the odd kind next to them. */
export const retries: Pairs = each([0, 1, 77], (requestId) =>
  fc.constantFrom(new Uint8Array(), unhex('0a080011223344556677')).map((body) => ({
    bad: encodeFrame(frameNamed('Retry').kind, requestId, body),
    twin: encodeFrame(frameNamed('Retry').kind + 1, requestId, body),
  })),
);

const oddKinds = fc.oneof(
  fc.constantFrom(...ODD_KINDS),
  fc.integer({ min: 60, max: 0x7fff_fffe }).map((half) => half * 2 + 1),
);

/** A frame of any unknown odd kind. */
export const oddFrames: Arbitrary<Uint8Array> = fc
  .tuple(oddKinds, fc.constantFrom(0, 1, 5, 0xffff_ffff), bodiesOfAnything)
  .map(([kind, id, body]) => encodeFrame(kind, id, body));

/** `wire.plaintext_bytes_max`, the same in every preset. */
const PLAINTEXT_BYTES_MAX = 65_519;

/** A frame that fills a plaintext to its last byte. */
export function longestFrame(kind: number): Uint8Array {
  const header = encodeUvarint(kind).length + 1;
  return encodeFrame(kind, 0, new Uint8Array(PLAINTEXT_BYTES_MAX - 3 - header).fill(0x61));
}

/** Fewest fields that make the body of a kind be in order; what the node makes of it is another chapter's. */
export function smallBody(name: string): Uint8Array {
  const id = new Uint8Array(32).fill(0x5a);
  const topic = writeBytes(1, new TextEncoder().encode('app/kit'));
  if (name === 'Ping' || name === 'Pong') return writeBytes(1, new Uint8Array(8).fill(0x33));
  if (name === 'Ihave') return concat(topic, writeBytesField(2, id));
  return writeBytesField(1, id);
}

/** Field number that no message has. */
const UNKNOWN_FIELD = 500;

/** A body in order that is filled with an unknown field so that its frame's length is exactly `length`. */
export function filledFrame(name: string, requestId: number, length: number): Uint8Array {
  const kind = frameNamed(name).kind;
  const small = smallBody(name);
  const header = encodeUvarint(kind).length + encodeUvarint(requestId).length;
  for (let size = length; size >= 0; size--) {
    const body = concat(small, writeBytesField(UNKNOWN_FIELD, new Uint8Array(size)));
    if (header + body.length === length) return encodeFrame(kind, requestId, body);
  }
  throw new RangeError(`no ${name} of ${length} bytes`);
}

/** Kinds whose limit a plaintext can exceed, and can be filled without other effects. */
const FILLED = ['Ping', 'Pong', 'Prune', 'Graft', 'Ihave', 'Iwant', 'Idontwant'] as const;

/** Frames one byte or more above the limit of their kind, beside frames exactly at it. */
export function oversizeFrames(names: readonly (typeof FILLED)[number][]): Pairs {
  const cases = names.flatMap((name) => [1, 64].map((beyond) => ({ name, beyond })));
  return each(cases, ({ name, beyond }) => {
    const { lengthMax, requestId } = frameNamed(name);
    const id = requestId === 'notice' ? 0 : 600;
    return fc.constant({ bad: filledFrame(name, id, lengthMax + beyond), twin: filledFrame(name, id, lengthMax) });
  });
}

/** Requests and replies with request id 0. */
export const zeroIds: Pairs = each([2, 4], (kind) =>
  fc
    .tuple(pingBodies, fc.constantFrom(1, 0xffff_ffff))
    .map(([body, id]) => ({ bad: encodeFrame(kind, 0, body), twin: encodeFrame(kind, id, body) })),
);

/** Notices of chapter 05 that change nothing by themselves. */
export const NOTICES = ['Prune', 'Graft', 'Iwant', 'Idontwant'] as const;

const NUMBERED = NOTICES.flatMap((name) => [1, 128, 0xffff_ffff].map((id) => ({ name, id })));

/** Notices with a request id. */
export const numberedNotices: Pairs = each(NUMBERED, ({ name, id }) => {
  const { kind } = frameNamed(name);
  return fc.constant({ bad: encodeFrame(kind, id, smallBody(name)), twin: encodeFrame(kind, 0, smallBody(name)) });
});
