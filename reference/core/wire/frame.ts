/** Frames: the table of kinds, and the header in both directions. Spec: chapter 03, "Frames". */
import { concatBytes } from '../bytes.ts';
import { invariant } from '../errors.ts';
import {
  CAPABILITY_DHT,
  CAPABILITY_DIRECT,
  CAPABILITY_GOSSIP,
  CAPABILITY_MEMPOOL,
  CAPABILITY_OVERLAY,
  CAPABILITY_RECONCILE,
  CAPABILITY_RECORDS,
  type ClauseId,
  type ErrorName,
} from '../types.ts';
import { encodeUvarint, readUvarintNumber } from './uvarint.ts';

/** What a frame's bytes are charged to, and in which order classes are sent. */
export type FrameClass = 'control' | 'consensus' | 'sync' | 'inventory' | 'data';

/** Every class, most urgent first. */
export const FRAME_CLASSES: readonly FrameClass[] = ['control', 'consensus', 'sync', 'inventory', 'data'];

/** What the kind of a frame fixes before its body is looked at. */
export interface FrameKind {
  readonly kind: number;
  readonly name: string;
  readonly class: FrameClass;
  /** Largest value of the frame's length field, in bytes. */
  readonly lengthMax: number;
  readonly exchange: 'request' | 'reply' | 'notice';
  /** The capability that must be in the session's intersection, if any. */
  readonly needs: string | undefined;
  /** The kind that answers a request; undefined for replies and notices. */
  readonly reply?: number;
  /** Whether it travels by datagram: also, also but as a question only from a proven address, or in no other way. */
  readonly datagram?: 'yes' | 'proven' | 'only';
}

export const KIND_PING = 2;
export const KIND_PONG = 4;
export const KIND_GO_AWAY = 6;
export const KIND_RETRY = 8;
export const KIND_PUSH = 32;
export const KIND_FORWARD = 34;
export const KIND_PRUNE = 36;
export const KIND_GRAFT = 38;
export const KIND_IHAVE = 40;
export const KIND_IWANT = 42;
export const KIND_IDONTWANT = 44;
export const KIND_DIRECT = 48;
export const KIND_SKETCH_REQUEST = 58;
export const KIND_SKETCH_REPLY = 60;
export const KIND_RANGE_REQUEST = 62;
export const KIND_RANGE_REPLY = 64;
export const KIND_FETCH_REQUEST = 66;
export const KIND_FETCH_REPLY = 68;
export const KIND_RECORD_PUSH = 50;
export const KIND_RECORD_REQUEST = 52;
export const KIND_RECORD_REPLY = 54;
export const KIND_FIND_NODE = 70;
export const KIND_FIND_NODE_REPLY = 72;
export const KIND_GET_PROVIDERS = 74;
export const KIND_GET_PROVIDERS_REPLY = 76;
export const KIND_ADD_PROVIDER = 78;
export const KIND_ADD_PROVIDER_REPLY = 80;
export const KIND_GET_VALUE = 82;
export const KIND_GET_VALUE_REPLY = 84;
export const KIND_PUT_VALUE = 86;
export const KIND_PUT_VALUE_REPLY = 88;
export const KIND_DHT_PING = 90;
export const KIND_DHT_PONG = 92;
export const KIND_ROLE = 96;
export const KIND_ATTACH = 98;
export const KIND_ATTACHED = 100;
export const KIND_DETACH = 102;
export const KIND_ROUTE = 104;

/** The plaintext of one Noise transport message holds at most this many bytes. */
export const PLAINTEXT_BYTES_MAX = 65519;

const TABLE: readonly FrameKind[] = [
  { kind: KIND_PING, name: 'Ping', class: 'control', lengthMax: 64, exchange: 'request', needs: undefined, reply: KIND_PONG },
  { kind: KIND_PONG, name: 'Pong', class: 'control', lengthMax: 64, exchange: 'reply', needs: undefined },
  { kind: KIND_GO_AWAY, name: 'GoAway', class: 'control', lengthMax: 64, exchange: 'notice', needs: undefined },
  { kind: KIND_RETRY, name: 'Retry', class: 'control', lengthMax: 64, exchange: 'reply', needs: undefined, datagram: 'only' },
  { kind: KIND_PUSH, name: 'Push', class: 'data', lengthMax: 65516, exchange: 'notice', needs: CAPABILITY_GOSSIP },
  { kind: KIND_FORWARD, name: 'Forward', class: 'data', lengthMax: 33088, exchange: 'notice', needs: CAPABILITY_MEMPOOL },
  { kind: KIND_PRUNE, name: 'Prune', class: 'control', lengthMax: 1280, exchange: 'notice', needs: CAPABILITY_GOSSIP },
  { kind: KIND_GRAFT, name: 'Graft', class: 'control', lengthMax: 1280, exchange: 'notice', needs: CAPABILITY_GOSSIP },
  { kind: KIND_IHAVE, name: 'Ihave', class: 'inventory', lengthMax: 35072, exchange: 'notice', needs: CAPABILITY_GOSSIP },
  { kind: KIND_IWANT, name: 'Iwant', class: 'inventory', lengthMax: 35072, exchange: 'notice', needs: CAPABILITY_GOSSIP },
  { kind: KIND_IDONTWANT, name: 'Idontwant', class: 'inventory', lengthMax: 18432, exchange: 'notice', needs: CAPABILITY_GOSSIP },
  { kind: KIND_DIRECT, name: 'Direct', class: 'data', lengthMax: 65516, exchange: 'notice', needs: CAPABILITY_DIRECT },
  { kind: KIND_RECORD_PUSH, name: 'RecordPush', class: 'data', lengthMax: 30000, exchange: 'notice', needs: CAPABILITY_RECORDS },
  {
    kind: KIND_RECORD_REQUEST,
    name: 'RecordRequest',
    class: 'inventory',
    lengthMax: 2048,
    exchange: 'request',
    needs: CAPABILITY_RECORDS,
    reply: KIND_RECORD_REPLY,
    datagram: 'proven',
  },
  {
    kind: KIND_RECORD_REPLY,
    name: 'RecordReply',
    class: 'sync',
    lengthMax: 30000,
    exchange: 'reply',
    needs: CAPABILITY_RECORDS,
    datagram: 'yes',
  },
  {
    kind: KIND_SKETCH_REQUEST,
    name: 'SketchRequest',
    class: 'sync',
    lengthMax: 128,
    exchange: 'request',
    needs: CAPABILITY_RECONCILE,
    reply: KIND_SKETCH_REPLY,
  },
  { kind: KIND_SKETCH_REPLY, name: 'SketchReply', class: 'sync', lengthMax: 40960, exchange: 'reply', needs: CAPABILITY_RECONCILE },
  {
    kind: KIND_RANGE_REQUEST,
    name: 'RangeRequest',
    class: 'sync',
    lengthMax: 65516,
    exchange: 'request',
    needs: CAPABILITY_RECONCILE,
    reply: KIND_RANGE_REPLY,
  },
  { kind: KIND_RANGE_REPLY, name: 'RangeReply', class: 'sync', lengthMax: 65516, exchange: 'reply', needs: CAPABILITY_RECONCILE },
  {
    kind: KIND_FETCH_REQUEST,
    name: 'FetchRequest',
    class: 'sync',
    lengthMax: 4096,
    exchange: 'request',
    needs: CAPABILITY_RECONCILE,
    reply: KIND_FETCH_REPLY,
  },
  { kind: KIND_FETCH_REPLY, name: 'FetchReply', class: 'sync', lengthMax: 65516, exchange: 'reply', needs: CAPABILITY_RECONCILE },
  {
    kind: KIND_FIND_NODE,
    name: 'FindNode',
    class: 'sync',
    lengthMax: 192,
    exchange: 'request',
    needs: CAPABILITY_DHT,
    reply: KIND_FIND_NODE_REPLY,
    datagram: 'proven',
  },
  {
    kind: KIND_FIND_NODE_REPLY,
    name: 'FindNodeReply',
    class: 'sync',
    lengthMax: 1116,
    exchange: 'reply',
    needs: CAPABILITY_DHT,
    datagram: 'yes',
  },
  {
    kind: KIND_GET_PROVIDERS,
    name: 'GetProviders',
    class: 'sync',
    lengthMax: 64,
    exchange: 'request',
    needs: CAPABILITY_DHT,
    reply: KIND_GET_PROVIDERS_REPLY,
    datagram: 'proven',
  },
  {
    kind: KIND_GET_PROVIDERS_REPLY,
    name: 'GetProvidersReply',
    class: 'sync',
    lengthMax: 1116,
    exchange: 'reply',
    needs: CAPABILITY_DHT,
    datagram: 'yes',
  },
  {
    kind: KIND_ADD_PROVIDER,
    name: 'AddProvider',
    class: 'sync',
    lengthMax: 640,
    exchange: 'request',
    needs: CAPABILITY_DHT,
    reply: KIND_ADD_PROVIDER_REPLY,
    datagram: 'proven',
  },
  {
    kind: KIND_ADD_PROVIDER_REPLY,
    name: 'AddProviderReply',
    class: 'sync',
    lengthMax: 64,
    exchange: 'reply',
    needs: CAPABILITY_DHT,
    datagram: 'yes',
  },
  {
    kind: KIND_GET_VALUE,
    name: 'GetValue',
    class: 'sync',
    lengthMax: 128,
    exchange: 'request',
    needs: CAPABILITY_DHT,
    reply: KIND_GET_VALUE_REPLY,
    datagram: 'proven',
  },
  {
    kind: KIND_GET_VALUE_REPLY,
    name: 'GetValueReply',
    class: 'sync',
    lengthMax: 1116,
    exchange: 'reply',
    needs: CAPABILITY_DHT,
    datagram: 'yes',
  },
  {
    kind: KIND_PUT_VALUE,
    name: 'PutValue',
    class: 'sync',
    lengthMax: 1116,
    exchange: 'request',
    needs: CAPABILITY_DHT,
    reply: KIND_PUT_VALUE_REPLY,
    datagram: 'proven',
  },
  {
    kind: KIND_PUT_VALUE_REPLY,
    name: 'PutValueReply',
    class: 'sync',
    lengthMax: 64,
    exchange: 'reply',
    needs: CAPABILITY_DHT,
    datagram: 'yes',
  },
  {
    kind: KIND_DHT_PING,
    name: 'DhtPing',
    class: 'sync',
    lengthMax: 192,
    exchange: 'request',
    needs: CAPABILITY_DHT,
    reply: KIND_DHT_PONG,
    datagram: 'yes',
  },
  { kind: KIND_DHT_PONG, name: 'DhtPong', class: 'sync', lengthMax: 64, exchange: 'reply', needs: CAPABILITY_DHT, datagram: 'yes' },
  { kind: KIND_ROLE, name: 'Role', class: 'control', lengthMax: 64, exchange: 'notice', needs: CAPABILITY_OVERLAY },
  {
    kind: KIND_ATTACH,
    name: 'Attach',
    class: 'control',
    lengthMax: 64,
    exchange: 'request',
    needs: CAPABILITY_OVERLAY,
    reply: KIND_ATTACHED,
  },
  { kind: KIND_ATTACHED, name: 'Attached', class: 'control', lengthMax: 17408, exchange: 'reply', needs: CAPABILITY_OVERLAY },
  { kind: KIND_DETACH, name: 'Detach', class: 'control', lengthMax: 17408, exchange: 'notice', needs: CAPABILITY_OVERLAY },
  { kind: KIND_ROUTE, name: 'Route', class: 'data', lengthMax: 40960, exchange: 'notice', needs: CAPABILITY_OVERLAY },
];

/** The chapters' machines that frames go to. */
export type FrameOwner = 'gossip' | 'records' | 'reconciliation' | 'dht' | 'overlay' | 'topology';

/** Ranges of kinds as chapter 03 gives them out, first and last, with the machine that takes them. */
const OWNERS: readonly (readonly [number, number, FrameOwner])[] = [
  [32, 49, 'gossip'],
  [50, 57, 'records'],
  [58, 69, 'reconciliation'],
  [70, 95, 'dht'],
  [96, 111, 'overlay'],
  [112, 119, 'topology'],
];

/** The machine that takes frames of a kind; undefined for those that stay with the session. */
export function ownerOf(kind: number): FrameOwner | undefined {
  return OWNERS.find(([first, last]) => kind >= first && kind <= last)?.[2];
}

/** The kinds of this revision by number; a number that is not in it is unknown. */
export const FRAME_KINDS: ReadonlyMap<number, FrameKind> = new Map(TABLE.map((row) => [row.kind, row]));

/** The bytes of one frame. Spec: WIR-020 */
export function encodeFrame(kind: number, requestId: number, body: Uint8Array): Uint8Array {
  const kindBytes = encodeUvarint(kind);
  const requestBytes = encodeUvarint(requestId);
  const length = kindBytes.length + requestBytes.length + body.length;
  invariant(length <= PLAINTEXT_BYTES_MAX - 3, 'a frame fits one plaintext');
  return concatBytes(encodeUvarint(length), kindBytes, requestBytes, body);
}

/** A frame whose header is in order, or the rule that it breaks. */
export type FrameReading =
  | {
      readonly ok: true;
      readonly kind: number;
      readonly requestId: number;
      /** A view into the plaintext. */
      readonly body: Uint8Array;
      /** The length field's value: what the limit of the kind is compared with. */
      readonly length: number;
      /** Bytes of the whole frame, its length field included: what the byte bucket is charged. */
      readonly size: number;
      /** Offset of the next frame, or of the plaintext's end. */
      readonly next: number;
    }
  | { readonly ok: false; readonly code: ErrorName; readonly clause: ClauseId };

function refuse(code: ErrorName, clause: ClauseId): FrameReading {
  return { ok: false, code, clause };
}

/**
 * Reads the header of the frame at `offset`. The rules of the kind (WIR-026 to WIR-031) are the
 * session's. A kind or request id is read within its frame: what lies behind the frame's end is not
 * present. Spec: WIR-022 to WIR-025
 */
export function readFrame(plaintext: Uint8Array, offset: number): FrameReading {
  const length = readUvarintNumber(plaintext, offset);
  if (length === undefined) return refuse('E_VARINT', 'WIR-022');
  const end = length.next + length.value;
  const frame = end < plaintext.length ? plaintext.subarray(0, end) : plaintext;

  // An absent number is not a malformed one: it makes the frame too long (WIR-024) or too short (WIR-025).
  const kind = readUvarintNumber(frame, length.next);
  if (kind === undefined && length.next < frame.length) return refuse('E_VARINT', 'WIR-022');
  const requestId = kind === undefined ? undefined : readUvarintNumber(frame, kind.next);
  if (kind !== undefined && requestId === undefined && kind.next < frame.length) return refuse('E_VARINT', 'WIR-022');

  if (kind !== undefined && kind.value >= 2 ** 32) return refuse('E_VARINT', 'WIR-023');
  if (requestId !== undefined && requestId.value >= 2 ** 32) return refuse('E_VARINT', 'WIR-023');
  if (end > plaintext.length) return refuse('E_FRAME_LENGTH', 'WIR-024');
  if (kind === undefined || requestId === undefined) return refuse('E_FRAME_LENGTH', 'WIR-025');
  return {
    ok: true,
    kind: kind.value,
    requestId: requestId.value,
    body: frame.subarray(requestId.next),
    length: length.value,
    size: end - offset,
    next: end,
  };
}
