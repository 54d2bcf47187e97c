/**
 * What a node has to make of one frame, in the order of chapter 03: the header and the table, then the
 * buckets (which the caller owns), then the body. Where the spec leaves a choice, both ways are said.
 */
import { type BodyType, decodeBody, ELEMENTS, isBodyType } from '../model/bodies.ts';
import { text } from '../model/bytes.ts';
import { seeEnvelope } from '../model/envelope.ts';
import { type FrameRule, frameRule, type SplitFrame } from '../model/frame.ts';
import { elementFault, messageChoice, readMessage } from '../model/message.ts';
import { allBytes, lastBytes, readFields, type WireField } from '../model/protobuf.ts';
import { frameMessage } from '../model/schemas.ts';

export type HeaderOutcome =
  /** A kind that the session has, with a request id that fits it. */
  | { readonly type: 'known'; readonly rule: FrameRule }
  /** An odd kind that it has not. */
  | { readonly type: 'leftAside' }
  | { readonly type: 'close'; readonly clause: string; readonly code: string };

/** WIR-026 to WIR-031 for a frame on a session with these capabilities (those of both hellos). */
export function judgeHeader(frame: Pick<SplitFrame, 'kind' | 'requestId' | 'raw'>, capabilities: ReadonlySet<string>): HeaderOutcome {
  const rule = frameRule(frame.kind);
  if (rule?.datagram === 'only') return { type: 'close', clause: 'WIR-114', code: 'E_UNKNOWN_KIND' };
  if (rule === undefined) {
    return frame.kind % 2 === 1 ? { type: 'leftAside' } : { type: 'close', clause: 'WIR-027', code: 'E_UNKNOWN_KIND' };
  }
  const { needs } = rule;
  // A session that has both keeps gossip/1 only.
  const has = needs === undefined || (capabilities.has(needs) && !(needs === 'direct/1' && capabilities.has('gossip/1')));
  if (!has) return { type: 'close', clause: 'WIR-028', code: 'E_UNKNOWN_KIND' };
  if (contentLength(frame.raw) > rule.lengthMax) return { type: 'close', clause: 'WIR-029', code: 'E_FRAME_SIZE' };
  const isNotice = rule.requestId === 'notice';
  if (!isNotice && frame.requestId === 0) return { type: 'close', clause: 'WIR-030', code: 'E_REQUEST_ID' };
  if (isNotice && frame.requestId !== 0) return { type: 'close', clause: 'WIR-031', code: 'E_REQUEST_ID' };
  return { type: 'known', rule };
}

/** The value of the length field of a whole frame. */
function contentLength(raw: Uint8Array): number {
  let lengthBytes = 1;
  while ((raw[lengthBytes - 1] ?? 0) >= 128) lengthBytes += 1;
  return raw.length - lengthBytes;
}

export type BodyOutcome =
  | { readonly type: 'read' }
  | { readonly type: 'close'; readonly clause: string; readonly code: string }
  /** The node may close or read the rest. */
  | { readonly type: 'either'; readonly clause: string };

const TOPIC_FORM = /^[a-z0-9/-]{1,64}$/;

/** Numbers of the fields that each kind's message names, all of wire type 2 but those in `NUMBERS`. */
const BYTES_FIELDS: Readonly<Record<string, readonly number[]>> = {
  Ping: [1],
  Pong: [1],
  GoAway: [],
  Push: [1, 2],
  Prune: [1],
  Graft: [1],
  Ihave: [1, 2],
  Iwant: [1],
  Idontwant: [1],
  Direct: [1, 2],
};
const NUMBER_FIELDS: Readonly<Record<string, readonly number[]>> = { GoAway: [1, 2], Prune: [2] };

/** WIR-040 to WIR-050 for the body of a known kind, and GSP-001 for those of chapter 05. */
export function judgeBody(rule: FrameRule, body: Uint8Array): BodyOutcome {
  return isBodyType(rule.name) ? judgeNamed(rule.name, rule.kind, body) : judgeMessage(rule.name, body);
}

/** The same by the table of the body's message. */
function judgeMessage(name: string, body: Uint8Array): BodyOutcome {
  const message = frameMessage(name);
  if (message === undefined) return { type: 'read' };
  const { fault } = readFields(body);
  const deep = fault?.body === 'WIR-042' ? deepGroups(body) : undefined;
  if (deep !== undefined) return deep === 'complete' ? { type: 'either', clause: 'WIR-049' } : malformed('WIR-040');
  const read = readMessage(message, body, (envelope) => seeEnvelope(new Uint8Array(1), envelope));
  if (read.fields === undefined) return malformed(read.clause);
  if (elementFault(message, read.fields) !== undefined) return { type: 'close', clause: 'WIR-046', code: 'E_LIMIT' };
  const clause = messageChoice(message, body);
  return clause === undefined ? { type: 'read' } : { type: 'either', clause };
}

function judgeNamed(name: BodyType, kind: number, body: Uint8Array): BodyOutcome {
  const { fields, fault } = readFields(body);
  if (fields === undefined) {
    const deep = fault.body === 'WIR-042' ? deepGroups(body) : undefined;
    return deep === 'complete' ? { type: 'either', clause: 'WIR-049' } : malformed(deep === 'cut' ? 'WIR-040' : fault.body);
  }
  const items = name === 'Push' ? allBytes(fields, 2).map(readFields) : [];
  for (const item of items) if (item.fields === undefined) return malformed(item.fault.body);
  const isText = !hasTopic(name) || allBytes(fields, 1).every((bytes) => text(bytes) !== undefined);
  const named = hasTopic(name) ? text(lastBytes(fields, 1)) : '';
  if (!isText || named === undefined) return malformed('WIR-044');
  const decoded = decodeBody(kind, body, new Uint8Array(1));
  if (decoded === undefined) return malformed('WIR-045');
  const bounds = ELEMENTS[name];
  const count = bounds === undefined ? 0 : allBytes(fields, hasTopic(name) ? 2 : 1).length;
  if (bounds !== undefined && (count < bounds.min || count > bounds.max)) return { type: 'close', clause: 'WIR-046', code: 'E_LIMIT' };
  if (hasTopic(name) && !TOPIC_FORM.test(named)) return { type: 'close', clause: 'GSP-001', code: 'E_MALFORMED' };
  const inner = items.flatMap((item) => item.fields ?? []);
  const clause = choiceIn(fields, name) ?? choiceInItems(inner);
  return clause === undefined ? { type: 'read' } : { type: 'either', clause };
}

/**
 * What the reader, which gives up on groups that stand too deep in each other, would have found in
 * bytes of nothing but groups behind their known fields: all ended, or one that is not.
 */
function deepGroups(body: Uint8Array): 'complete' | 'cut' | undefined {
  const start = body.findIndex((byte, index) => (byte & 7) === 3 && byte < 128 && isGroupRun(body.subarray(index)));
  if (start === -1) return undefined;
  let depth = 0;
  for (const byte of body.subarray(start)) depth += (byte & 7) === 3 ? 1 : -1;
  return depth === 0 ? 'complete' : 'cut';
}

/** Whether the bytes are start-group tags of one field, then no more end-group tags of it than those. */
function isGroupRun(bytes: Uint8Array): boolean {
  const [open = 0] = bytes;
  const close = open + 1;
  const opened = bytes.findIndex((byte) => byte !== open);
  const starts = opened === -1 ? bytes.length : opened;
  return starts > GROUP_DEPTH_SEEN && bytes.length <= 2 * starts && bytes.subarray(starts).every((byte) => byte === close);
}

/** Groups that stand deeper than this in each other are beyond the kit's reader. */
const GROUP_DEPTH_SEEN = 32;

function malformed(clause: string): BodyOutcome {
  return { type: 'close', clause, code: 'E_MALFORMED' };
}

function hasTopic(name: string): boolean {
  return name === 'Push' || name === 'Ihave' || name === 'Direct';
}

/** The clause that lets a node close on these fields although the rest can be read, if one does. */
function choiceIn(fields: readonly WireField[], name: string): string | undefined {
  const ofBytes = BYTES_FIELDS[name] ?? [];
  const ofNumbers = NUMBER_FIELDS[name] ?? [];
  for (const { number, wireType, minimal } of fields) {
    if (wireType === 3) return 'WIR-049';
    if ((ofBytes.includes(number) && wireType !== 2) || (ofNumbers.includes(number) && wireType !== 0)) return 'WIR-050';
    if (!minimal) return 'WIR-043';
  }
  return undefined;
}

function choiceInItems(fields: readonly WireField[]): string | undefined {
  for (const { number, wireType, minimal } of fields) {
    if (wireType === 3) return 'WIR-049';
    if ((number === 1 && wireType !== 0) || (number === 2 && wireType !== 2)) return 'WIR-050';
    if (!minimal) return 'WIR-043';
  }
  return undefined;
}
