/** Bodies of frames, written and read by field numbers of the proto files. Spec: chapter 03, Bodies. */
import type { SeenBody } from '../driver/trace.ts';
import { concat, hex, text } from './bytes.ts';
import { seeEnvelope } from './envelope.ts';
import { frameRule } from './frame.ts';
import { decodeMessage, elementFault } from './message.ts';
import {
  allBytes,
  lastBytes,
  lastNumber,
  readFields,
  type WireField,
  writeBytes,
  writeBytesField,
  writeNumber,
  writeText,
} from './protobuf.ts';
import { frameMessage } from './schemas.ts';

/** What each body is written from; bytes are bytes, whatever their length, so that faults can be written too. */
export interface BodyFields {
  readonly Ping: { readonly nonce: Uint8Array };
  readonly Pong: { readonly nonce: Uint8Array };
  readonly GoAway: { readonly code: number; readonly retryAfterMs?: bigint | number };
  readonly Push: { readonly topic: string; readonly items: readonly { readonly hops: number; readonly envelope: Uint8Array }[] };
  readonly Direct: { readonly topic: string; readonly envelopes: readonly Uint8Array[] };
  readonly Prune: { readonly origins: readonly Uint8Array[]; readonly backoffMs: bigint | number };
  readonly Graft: { readonly origins: readonly Uint8Array[] };
  readonly Ihave: { readonly topic: string; readonly ids: readonly Uint8Array[] };
  readonly Iwant: { readonly ids: readonly Uint8Array[] };
  readonly Idontwant: { readonly ids: readonly Uint8Array[] };
}

/** Name of a body's message, and of its frame. */
export type BodyType = keyof BodyFields;

const WRITERS: { readonly [T in BodyType]: (fields: BodyFields[T]) => Uint8Array } = {
  Ping: ({ nonce }) => writeBytes(1, nonce),
  Pong: ({ nonce }) => writeBytes(1, nonce),
  GoAway: ({ code, retryAfterMs }) => concat(writeNumber(1, code), writeNumber(2, retryAfterMs ?? 0)),
  Push: ({ topic, items }) =>
    concat(
      writeText(1, topic),
      ...items.map((item) => writeBytesField(2, concat(writeNumber(1, item.hops), writeBytes(2, item.envelope)))),
    ),
  Direct: ({ topic, envelopes }) => concat(writeText(1, topic), ...each(2, envelopes)),
  Prune: ({ origins, backoffMs }) => concat(...each(1, origins), writeNumber(2, backoffMs)),
  Graft: ({ origins }) => concat(...each(1, origins)),
  Ihave: ({ topic, ids }) => concat(writeText(1, topic), ...each(2, ids)),
  Iwant: ({ ids }) => concat(...each(1, ids)),
  Idontwant: ({ ids }) => concat(...each(1, ids)),
};

function each(number: number, elements: readonly Uint8Array[]): readonly Uint8Array[] {
  return elements.map((element) => writeBytesField(number, element));
}

/** Whether a frame's name is that of a body with a writer of its own; the others are written by their table (`message.ts`). */
export function isBodyType(name: string): name is BodyType {
  return Object.hasOwn(WRITERS, name);
}

/** The body of a frame, fields in ascending order and defaults left out. */
export function encodeBody<T extends BodyType>(type: T, fields: BodyFields[T]): Uint8Array {
  return WRITERS[type](fields);
}

/** Fewest and most elements of each body's list. Spec: the comments of `gossip.proto`, WIR-046. */
export const ELEMENTS: Readonly<Partial<Record<BodyType, { readonly min: number; readonly max: number }>>> = {
  Push: { min: 1, max: 64 },
  Direct: { min: 1, max: 64 },
  Prune: { min: 1, max: 32 },
  Graft: { min: 1, max: 32 },
  Ihave: { min: 1, max: 1_000 },
  Iwant: { min: 1, max: 1_000 },
  Idontwant: { min: 1, max: 512 },
};

/**
 * A body as the kit reads it: undefined when WIR-040 to WIR-045 find it malformed, type `unknown` for other kinds. The
 * number of elements is not judged here (see `bodyFault`), so that a judge sees what is too much. Envelope ids need the
 * network id.
 */
export function decodeBody(kind: number, bytes: Uint8Array, networkId: Uint8Array): SeenBody | undefined {
  const { fields } = readFields(bytes);
  if (fields === undefined) return undefined;
  const name = frameRule(kind)?.name;
  switch (name) {
    case 'Ping':
    case 'Pong': {
      const nonce = lastBytes(fields, 1);
      return nonce.length === 8 ? { type: name, nonce: hex(nonce) } : undefined;
    }
    case 'GoAway':
      return { type: name, code: Number(lastNumber(fields, 1) & 0xffff_ffffn), retryAfterMs: lastNumber(fields, 2) };
    case 'Push': {
      const topic = topicOf(fields);
      const items = allBytes(fields, 2).map((item) => readFields(item).fields);
      if (topic === undefined || items.some((item) => item === undefined)) return undefined;
      return {
        type: name,
        topic,
        items: items
          .filter((item) => item !== undefined)
          .map((item) => ({
            hops: Number(lastNumber(item, 1) & 0xffff_ffffn),
            envelope: seeEnvelope(networkId, lastBytes(item, 2)),
          })),
      };
    }
    case 'Direct': {
      const topic = topicOf(fields);
      if (topic === undefined) return undefined;
      return { type: name, topic, envelopes: allBytes(fields, 2).map((envelope) => seeEnvelope(networkId, envelope)) };
    }
    case 'Prune': {
      const origins = ids(fields, 1);
      return origins && { type: name, origins, backoffMs: lastNumber(fields, 2) };
    }
    case 'Graft': {
      const origins = ids(fields, 1);
      return origins && { type: name, origins };
    }
    case 'Ihave': {
      const topic = topicOf(fields);
      const named = ids(fields, 2);
      return topic === undefined || named === undefined ? undefined : { type: name, topic, ids: named };
    }
    case 'Iwant':
    case 'Idontwant': {
      const named = ids(fields, 1);
      return named && { type: name, ids: named };
    }
    default: {
      const message = name === undefined ? undefined : frameMessage(name);
      if (message === undefined) return { type: 'unknown' };
      const seen = decodeMessage(message, bytes, (envelope) => seeEnvelope(networkId, envelope));
      return seen && { type: 'message', message, fields: seen };
    }
  }
}

/** The topic, field 1; undefined when any occurrence of it is not valid UTF-8. Spec: WIR-044, WIR-048 */
function topicOf(fields: readonly WireField[]): string | undefined {
  const occurrences = allBytes(fields, 1).map(text);
  return occurrences.includes(undefined) ? undefined : (occurrences.at(-1) ?? '');
}

/** All elements as hexadecimal, or undefined when one is not 32 bytes. Spec: WIR-045. */
function ids(fields: readonly WireField[], number: number): readonly string[] | undefined {
  const elements = allBytes(fields, number);
  return elements.every((element) => element.length === 32) ? elements.map(hex) : undefined;
}

/** The code on which a receiver closes for this body, by WIR-040 to WIR-046; undefined for a body that is in order. */
export function bodyFault(kind: number, bytes: Uint8Array): 'E_MALFORMED' | 'E_LIMIT' | undefined {
  const body = decodeBody(kind, bytes, new Uint8Array(1));
  if (body === undefined) return 'E_MALFORMED';
  if (body.type === 'unknown') return undefined;
  if (body.type === 'message') return elementFault(body.message, body.fields) === undefined ? undefined : 'E_LIMIT';
  const bounds = ELEMENTS[body.type];
  const count = elementCount(body);
  return bounds !== undefined && (count < bounds.min || count > bounds.max) ? 'E_LIMIT' : undefined;
}

function elementCount(body: SeenBody): number {
  if ('items' in body) return body.items.length;
  if ('envelopes' in body) return body.envelopes.length;
  if ('origins' in body) return body.origins.length;
  return 'ids' in body ? body.ids.length : 0;
}
