/** Frames of a plan turned into bytes, each checked by the kit's own reader before it is sent. */
import { type BodyFields, type BodyType, decodeBody, encodeBody } from '../model/bodies.ts';
import { concat, equal, hex, text, unhex } from '../model/bytes.ts';
import { encodeFrame, FRAMES, frameNamed, frameRule, splitPlaintext } from '../model/frame.ts';
import { decodeMessage, encodeMessage, type FieldValue, type MessageFields } from '../model/message.ts';
import { frameMessage, messageSchema } from '../model/schemas.ts';
import { HarnessError } from './errors.ts';
import type { Identities } from './identities.ts';
import type { BodySpec, FrameSpec, IdValue, OriginValue } from './plan.ts';
import { isRef, resolveBytes, resolveNumber } from './resolve.ts';
import type { SeenBody } from './trace.ts';
import { captureFields, resolveFields, type ValueContext } from './values.ts';

/** What a frame's symbols are resolved with. */
export interface FrameContext extends ValueContext {
  readonly networkId: Uint8Array;
  /** A request id that the kit has not used on the link. */
  freshRequestId(): bigint;
}

/** A frame ready to be sent; `bytes` is the whole of it. */
export interface BuiltFrame {
  readonly kind: bigint;
  readonly requestId: bigint;
  readonly body: Uint8Array;
  readonly bytes: Uint8Array;
}

const WORD_MAX = 2n ** 32n;

/** Builds a frame; undefined when a reference in it has nothing to refer to. Throws `HarnessError` for a spec that means nothing or does not survive its own reader. */
export function buildFrame(spec: FrameSpec, context: FrameContext): BuiltFrame | undefined {
  const kind = BigInt(spec.kind ?? kindOf(spec.body));
  const requestId =
    spec.requestId === undefined ? defaultRequestId(kind, spec.body, context) : resolveNumber(spec.requestId, context.scope);
  const body = buildBody(spec.body, context);
  if (requestId === undefined || body === undefined) return undefined;
  const bytes = encodeFrame(kind, requestId, body);
  // A header beyond 32 bits is a defect that the spec asked for; no reader takes it.
  if (kind < WORD_MAX && requestId < WORD_MAX) checkFrame(bytes, kind, requestId, body);
  return { kind, requestId, body, bytes };
}

function kindOf(body: BodySpec): number {
  if (body.type === 'raw') throw new HarnessError('a frame with a raw body needs a kind');
  if (body.type !== 'message') return frameNamed(body.type).kind;
  const rule = FRAMES.find(({ name }) => frameMessage(name) === body.message);
  if (rule === undefined) throw new HarnessError(`no frame has a ${body.message}; give a kind`);
  return rule.kind;
}

function defaultRequestId(kind: bigint, body: BodySpec, context: FrameContext): bigint {
  const isRequest = kind < WORD_MAX && frameRule(Number(kind))?.requestId === 'request';
  return isRequest && !(body.type === 'raw' && kind === 2n) ? context.freshRequestId() : 0n;
}

function checkFrame(bytes: Uint8Array, kind: bigint, requestId: bigint, body: Uint8Array): void {
  const { frames, error } = splitPlaintext(bytes);
  const [frame] = frames;
  const same = frame !== undefined && BigInt(frame.kind) === kind && BigInt(frame.requestId) === requestId && equal(frame.body, body);
  if (error !== undefined || frames.length !== 1 || !same) {
    throw new HarnessError(`the kit's own frame of kind ${kind} is not in order: ${error ?? 'it reads back as another'}`);
  }
}

function buildBody(spec: BodySpec, context: FrameContext): Uint8Array | undefined {
  if (spec.type === 'raw') return unhex(spec.bytes);
  if (spec.type === 'message') {
    const fields = resolveFields(spec.message, spec.fields, context);
    return fields && concat(checkedMessage(spec.message, fields), unhex(spec.tail ?? ''));
  }
  const { scope, envelopes, wallMs } = context;
  switch (spec.type) {
    case 'Ping':
    case 'Pong': {
      const nonce = resolveBytes(spec.nonce, scope);
      return nonce && checkedBody(spec.type, { nonce }, nonce.length === 8, context);
    }
    case 'GoAway': {
      const retryAfterMs = resolveNumber(spec.retryAfterMs ?? 0, scope);
      return retryAfterMs === undefined ? undefined : checkedBody('GoAway', { code: spec.code, retryAfterMs }, true, context);
    }
    case 'Push': {
      const items = spec.items.map(({ hops, envelope }) => ({ hops, envelope: envelopes.bytesOf(envelope, wallMs) }));
      return checkedBody('Push', { topic: spec.topic, items }, true, context);
    }
    case 'Direct': {
      const list = spec.envelopes.map((envelope) => envelopes.bytesOf(envelope, wallMs));
      return checkedBody('Direct', { topic: spec.topic, envelopes: list }, true, context);
    }
    case 'Prune': {
      const origins = spec.origins.map((origin) => originBytes(origin, context.identities));
      const backoffMs = resolveNumber(spec.backoffMs, scope);
      return backoffMs === undefined ? undefined : checkedBody('Prune', { origins, backoffMs }, areIds(origins), context);
    }
    case 'Graft': {
      const origins = spec.origins.map((origin) => originBytes(origin, context.identities));
      return checkedBody('Graft', { origins }, areIds(origins), context);
    }
    case 'Ihave': {
      const ids = resolveIds(spec.ids, context);
      return ids && checkedBody('Ihave', { topic: spec.topic, ids }, areIds(ids), context);
    }
    case 'Iwant':
    case 'Idontwant': {
      const ids = resolveIds(spec.ids, context);
      return ids && checkedBody(spec.type, { ids }, areIds(ids), context);
    }
  }
}

function originBytes(origin: OriginValue, identities: Identities): Uint8Array {
  if (typeof origin === 'string') return unhex(origin);
  return 'zero' in origin ? new Uint8Array(32) : identities.of(origin.label).peerId;
}

function resolveIds(values: readonly IdValue[], { envelopes, wallMs, scope }: FrameContext): readonly Uint8Array[] | undefined {
  const ids: Uint8Array[] = [];
  for (const value of values) {
    const id = typeof value === 'string' || isRef(value) ? resolveBytes(value, scope) : envelopes.idOf(value.of, wallMs);
    if (id === undefined) return undefined;
    ids.push(id);
  }
  return ids;
}

function areIds(values: readonly Uint8Array[]): boolean {
  return values.every((value) => value.length === 32);
}

/** Encodes and reads back; `isInOrder` false says that the spec itself gave a part of the wrong size. */
function checkedBody<T extends BodyType>(type: T, fields: BodyFields[T], isInOrder: boolean, { networkId }: FrameContext): Uint8Array {
  const bytes = encodeBody(type, fields);
  const seen = decodeBody(frameNamed(type).kind, bytes, networkId);
  if ((seen !== undefined) !== isInOrder)
    throw new HarnessError(`the kit's own ${type} ${isInOrder ? 'cannot be read back' : 'reads although it has a part of the wrong size'}`);
  if (seen !== undefined && plain(fieldsOf(seen)) !== plain(fields)) throw new HarnessError(`the kit's own ${type} reads back as another`);
  return bytes;
}

/** Encodes and reads back: what can be read must be written the same again, and what cannot must have a part that is meant not to be. */
function checkedMessage(message: string, fields: MessageFields): Uint8Array {
  const bytes = encodeMessage(message, fields);
  const seen = decodeMessage(message, bytes, (envelope) => ({ ...UNREAD, bytes: hex(envelope) }));
  const isInOrder = isSized(message, fields);
  if ((seen !== undefined) !== isInOrder)
    throw new HarnessError(
      `the kit's own ${message} ${isInOrder ? 'cannot be read back' : 'reads although it has a part of the wrong size'}`,
    );
  if (seen !== undefined && !equal(encodeMessage(message, captureFields(message, seen)), bytes))
    throw new HarnessError(`the kit's own ${message} reads back as another`);
  return bytes;
}

const UNREAD = { hash: '', id: undefined, origin: undefined, createdMs: undefined, name: undefined } as const;

/** Whether every part of fixed size has it, and every text is one. */
function isSized(message: string, fields: MessageFields): boolean {
  return Object.entries(messageSchema(message)).every(([name, rule]) => {
    const value = fields[name];
    if (value === undefined) return rule.size === undefined || rule.repeated === true || rule.oneof !== undefined || rule.optional === true;
    const elements: readonly FieldValue[] = Array.isArray(value) ? value : [value];
    return elements.every((element) => {
      if (rule.type === 'message') return isSized(rule.message ?? '', element as MessageFields);
      if (!(element instanceof Uint8Array)) return true;
      return rule.type === 'text' ? text(element) !== undefined : rule.size === undefined || element.length === rule.size;
    });
  });
}

/** What was seen, in the shape that bodies are written from. */
function fieldsOf(seen: SeenBody): unknown {
  switch (seen.type) {
    case 'Push':
      return { topic: seen.topic, items: seen.items.map(({ hops, envelope }) => ({ hops, envelope: unhex(envelope.bytes) })) };
    case 'Direct':
      return { topic: seen.topic, envelopes: seen.envelopes.map(({ bytes }) => unhex(bytes)) };
    default: {
      const { type: _, ...fields } = seen;
      return fields;
    }
  }
}

/** A text that is equal for equal fields: bytes as hexadecimal, numbers in decimal, names in order. */
function plain(value: unknown): string {
  if (value instanceof Uint8Array) return hex(value);
  if (Array.isArray(value)) return `[${value.map(plain).join(',')}]`;
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
    return `{${entries.map(([name, inner]) => `${name}:${plain(inner)}`).join(',')}}`;
  }
  return String(value);
}

/** The plaintext of a `frames` step. Throws `HarnessError` when it is longer than a Noise message can carry. */
export function joinFrames(frames: readonly BuiltFrame[], tail: Uint8Array): Uint8Array {
  const plaintext = concat(...frames.map(({ bytes }) => bytes), tail);
  if (plaintext.length > PLAINTEXT_BYTES_MAX) {
    throw new HarnessError(`a frames step of ${plaintext.length} bytes; one plaintext holds ${PLAINTEXT_BYTES_MAX}. Use two steps.`);
  }
  return plaintext;
}

/** `wire.plaintext_bytes_max`, the same in every preset. */
export const PLAINTEXT_BYTES_MAX = 65_519;
