/** Frames and their table. Spec: chapter 03, Frames. */
import { concat } from './bytes.ts';
import { decodeUvarint, encodeUvarint } from './uvarint.ts';

/** One line of the frame table. `lengthMax` bounds the length field's value, in bytes. */
export interface FrameRule {
  readonly kind: number;
  readonly name: string;
  readonly class: 'control' | 'consensus' | 'sync' | 'inventory' | 'data';
  readonly lengthMax: number;
  readonly requestId: 'request' | 'reply' | 'notice';
  /** Kind of the answer to a request. */
  readonly answeredBy: number | undefined;
  /** Capability that must be in the session's intersection. */
  readonly needs: string | undefined;
  /** Whether it travels by datagram: also, also but as a question only from a proven address, or in no other way. */
  readonly datagram: 'yes' | 'proven' | 'only' | undefined;
}

function rule(
  kind: number,
  name: FrameRule['name'],
  frameClass: FrameRule['class'],
  lengthMax: number,
  requestId: FrameRule['requestId'],
  needs: FrameRule['needs'],
  answeredBy?: number,
  datagram?: FrameRule['datagram'],
): FrameRule {
  return { kind, name, class: frameClass, lengthMax, requestId, answeredBy, needs, datagram };
}

/** Every kind of this revision, in ascending order. */
export const FRAMES: readonly FrameRule[] = [
  rule(2, 'Ping', 'control', 64, 'request', undefined, 4),
  rule(4, 'Pong', 'control', 64, 'reply', undefined),
  rule(6, 'GoAway', 'control', 64, 'notice', undefined),
  rule(8, 'Retry', 'control', 64, 'reply', undefined, undefined, 'only'),
  rule(32, 'Push', 'data', 65_516, 'notice', 'gossip/1'),
  rule(34, 'Forward', 'data', 33_088, 'notice', 'mempool/1'),
  rule(36, 'Prune', 'control', 1_280, 'notice', 'gossip/1'),
  rule(38, 'Graft', 'control', 1_280, 'notice', 'gossip/1'),
  rule(40, 'Ihave', 'inventory', 35_072, 'notice', 'gossip/1'),
  rule(42, 'Iwant', 'inventory', 35_072, 'notice', 'gossip/1'),
  rule(44, 'Idontwant', 'inventory', 18_432, 'notice', 'gossip/1'),
  rule(48, 'Direct', 'data', 65_516, 'notice', 'direct/1'),
  rule(50, 'RecordPush', 'data', 30_000, 'notice', 'records/1'),
  rule(52, 'RecordRequest', 'inventory', 2_048, 'request', 'records/1', 54, 'proven'),
  rule(54, 'RecordReply', 'sync', 30_000, 'reply', 'records/1', undefined, 'yes'),
  rule(58, 'SketchRequest', 'sync', 128, 'request', 'reconcile/1', 60),
  rule(60, 'SketchReply', 'sync', 40_960, 'reply', 'reconcile/1'),
  rule(62, 'RangeRequest', 'sync', 65_516, 'request', 'reconcile/1', 64),
  rule(64, 'RangeReply', 'sync', 65_516, 'reply', 'reconcile/1'),
  rule(66, 'FetchRequest', 'sync', 4_096, 'request', 'reconcile/1', 68),
  rule(68, 'FetchReply', 'sync', 65_516, 'reply', 'reconcile/1'),
  rule(70, 'FindNode', 'sync', 192, 'request', 'dht/1', 72, 'proven'),
  rule(72, 'FindNodeReply', 'sync', 1_116, 'reply', 'dht/1', undefined, 'yes'),
  rule(74, 'GetProviders', 'sync', 64, 'request', 'dht/1', 76, 'proven'),
  rule(76, 'GetProvidersReply', 'sync', 1_116, 'reply', 'dht/1', undefined, 'yes'),
  rule(78, 'AddProvider', 'sync', 640, 'request', 'dht/1', 80, 'proven'),
  rule(80, 'AddProviderReply', 'sync', 64, 'reply', 'dht/1', undefined, 'yes'),
  rule(82, 'GetValue', 'sync', 128, 'request', 'dht/1', 84, 'proven'),
  rule(84, 'GetValueReply', 'sync', 1_116, 'reply', 'dht/1', undefined, 'yes'),
  rule(86, 'PutValue', 'sync', 1_116, 'request', 'dht/1', 88, 'proven'),
  rule(88, 'PutValueReply', 'sync', 64, 'reply', 'dht/1', undefined, 'yes'),
  rule(90, 'DhtPing', 'sync', 192, 'request', 'dht/1', 92, 'yes'),
  rule(92, 'DhtPong', 'sync', 64, 'reply', 'dht/1', undefined, 'yes'),
  rule(96, 'Role', 'control', 64, 'notice', 'overlay/1'),
  rule(98, 'Attach', 'control', 64, 'request', 'overlay/1', 100),
  rule(100, 'Attached', 'control', 17_408, 'reply', 'overlay/1'),
  rule(102, 'Detach', 'control', 17_408, 'notice', 'overlay/1'),
  rule(104, 'Route', 'data', 40_960, 'notice', 'overlay/1'),
];

const BY_KIND: ReadonlyMap<number, FrameRule> = new Map(FRAMES.map((line) => [line.kind, line]));

/** The line of a kind, or undefined for kinds that this revision does not name. */
export function frameRule(kind: number): FrameRule | undefined {
  return BY_KIND.get(kind);
}

/** The line of a frame by its name. Throws a RangeError for a name that is not in the table. */
export function frameNamed(name: string): FrameRule {
  const found = FRAMES.find((line) => line.name === name);
  if (found === undefined) throw new RangeError(`no frame is called ${name}`);
  return found;
}

/** `uvarint(length) ‖ uvarint(kind) ‖ uvarint(request id) ‖ body`. Spec: WIR-020. */
export function encodeFrame(kind: number | bigint, requestId: number | bigint, body: Uint8Array): Uint8Array {
  const content = concat(encodeUvarint(kind), encodeUvarint(requestId), body);
  return concat(encodeUvarint(content.length), content);
}

/** A frame taken out of a plaintext; `raw` is the whole frame with its length field, as it stood. */
export interface SplitFrame {
  readonly kind: number;
  readonly requestId: number;
  readonly body: Uint8Array;
  readonly raw: Uint8Array;
}

/**
 * Takes a plaintext apart by WIR-021 to WIR-025, which know nothing of kinds. The frames before the first one at fault
 * are given together with its error; `clause` says which step applied.
 */
export function splitPlaintext(plaintext: Uint8Array): {
  readonly frames: readonly SplitFrame[];
  readonly error: 'E_FRAME_LENGTH' | 'E_VARINT' | undefined;
  readonly clause: string | undefined;
} {
  const frames: SplitFrame[] = [];
  if (plaintext.length === 0) return { frames, error: 'E_FRAME_LENGTH', clause: 'WIR-021' };
  let offset = 0;
  while (offset < plaintext.length) {
    const length = decodeUvarint(plaintext, offset);
    if (length.fault !== undefined) return { frames, error: 'E_VARINT', clause: 'WIR-022' };
    // Bytes behind the frame's end are not present to its header.
    const left = plaintext.length - length.end;
    const within = plaintext.subarray(0, length.end + (length.value > BigInt(left) ? left : Number(length.value)));
    const header: number[] = [];
    let position = length.end;
    while (header.length < 2 && position < within.length) {
      const field = decodeUvarint(within, position);
      if (field.fault !== undefined) return { frames, error: 'E_VARINT', clause: 'WIR-022' };
      if (field.value >> 32n !== 0n) return { frames, error: 'E_VARINT', clause: 'WIR-023' };
      header.push(Number(field.value));
      position = field.end;
    }
    if (length.value > BigInt(left)) return { frames, error: 'E_FRAME_LENGTH', clause: 'WIR-024' };
    const end = within.length;
    const [kind, requestId] = header;
    if (kind === undefined || requestId === undefined) {
      return { frames, error: 'E_FRAME_LENGTH', clause: 'WIR-025' };
    }
    frames.push({ kind, requestId, body: plaintext.slice(position, end), raw: plaintext.slice(offset, end) });
    offset = end;
  }
  return { frames, error: undefined, clause: undefined };
}
