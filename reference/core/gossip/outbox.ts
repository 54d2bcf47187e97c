/** What one input makes the node send, joined into as few frames as the limits allow. Spec: GSP-045, GSP-076 */
import type { LinkId, MessageId, PeerId } from '../types.ts';
import {
  DIRECT_ENVELOPES_MAX,
  encodeDirect,
  encodeGraft,
  encodeIdontwant,
  encodeIhave,
  encodeIwant,
  encodePrune,
  encodePush,
  IDONTWANT_IDS_MAX,
  IHAVE_IDS_MAX,
  IWANT_IDS_MAX,
  PRUNE_ORIGINS_MAX,
  PUSH_ITEMS_MAX,
  type PushItem,
} from '../wire/body.ts';
import {
  FRAME_KINDS,
  KIND_DIRECT,
  KIND_FORWARD,
  KIND_GRAFT,
  KIND_IDONTWANT,
  KIND_IHAVE,
  KIND_IWANT,
  KIND_PRUNE,
  KIND_PUSH,
} from '../wire/frame.ts';
import { encodeForward, FORWARD_TRANSACTIONS_MAX, TRANSACTION_TOPIC } from '../wire/transaction.ts';

/** A frame to send, without its header. */
export interface OutgoingFrame {
  readonly link: LinkId;
  readonly kind: number;
  readonly body: Uint8Array;
}

/** Bytes that a frame's length counts besides the body: its kind and request id 0, one byte each. */
const HEADER_BYTES = 2;

/** Bytes around the content of a repeated item, at most: two tags, two lengths, and the hops. */
const ITEM_OVERHEAD_BYTES = 1 + 4 + 1 + 4 + 6;

/** Bytes of a Forward, and of a Push of topic `tx`, overheads included; a single transaction may be longer by them. Spec: MEM-032 */
const TRANSACTION_BATCH_BYTES = 32768;

/** Bytes around a topic: a tag and a length below 128. */
const TOPIC_OVERHEAD_BYTES = 2;

interface LinkBox {
  readonly prunes: PeerId[];
  readonly grafts: PeerId[];
  readonly iwants: MessageId[];
  readonly idontwants: MessageId[];
  readonly ihaves: Map<string, MessageId[]>;
  readonly pushes: Map<string, PushItem[]>;
  readonly directs: Map<string, Uint8Array[]>;
  readonly forwards: Uint8Array[];
}

/** Collects what is to be sent until `flush`. */
export class Outbox {
  readonly #boxes = new Map<LinkId, LinkBox>();

  push(link: LinkId, topic: string, item: PushItem): void {
    append(this.#box(link).pushes, topic, item);
  }

  direct(link: LinkId, topic: string, envelope: Uint8Array): void {
    append(this.#box(link).directs, topic, envelope);
  }

  forward(link: LinkId, envelope: Uint8Array): void {
    this.#box(link).forwards.push(envelope);
  }

  ihave(link: LinkId, topic: string, id: MessageId): void {
    append(this.#box(link).ihaves, topic, id);
  }

  iwant(link: LinkId, id: MessageId): void {
    this.#box(link).iwants.push(id);
  }

  idontwant(link: LinkId, id: MessageId): void {
    this.#box(link).idontwants.push(id);
  }

  prune(link: LinkId, origin: PeerId): void {
    this.#box(link).prunes.push(origin);
  }

  graft(link: LinkId, origin: PeerId): void {
    this.#box(link).grafts.push(origin);
  }

  /** Nothing more is sent on the link. */
  discard(link: LinkId): void {
    this.#boxes.delete(link);
  }

  /** Takes all out: links in ascending order, small frames before large ones, so that an Idontwant overtakes pushes. */
  flush(pruneMs: number): readonly OutgoingFrame[] {
    const links = [...this.#boxes].sort(([a], [b]) => a - b);
    this.#boxes.clear();
    return links.flatMap(([link, box]) => framesOf(box, pruneMs).map(([kind, body]) => ({ link, kind, body })));
  }

  #box(link: LinkId): LinkBox {
    let box = this.#boxes.get(link);
    if (box === undefined) {
      box = {
        prunes: [],
        grafts: [],
        iwants: [],
        idontwants: [],
        ihaves: new Map(),
        pushes: new Map(),
        directs: new Map(),
        forwards: [],
      };
      this.#boxes.set(link, box);
    }
    return box;
  }
}

function append<T>(lists: Map<string, T[]>, topic: string, item: T): void {
  const list = lists.get(topic);
  if (list === undefined) lists.set(topic, [item]);
  else list.push(item);
}

function framesOf(box: LinkBox, pruneMs: number): readonly (readonly [number, Uint8Array])[] {
  const frames: (readonly [number, Uint8Array])[] = [];
  const backoffMs = BigInt(pruneMs);
  for (const origins of chunks(box.prunes, PRUNE_ORIGINS_MAX)) frames.push([KIND_PRUNE, encodePrune({ origins, backoffMs })]);
  for (const origins of chunks(box.grafts, PRUNE_ORIGINS_MAX)) frames.push([KIND_GRAFT, encodeGraft({ origins })]);
  for (const ids of chunks(box.iwants, IWANT_IDS_MAX)) frames.push([KIND_IWANT, encodeIwant({ ids })]);
  for (const ids of chunks(box.idontwants, IDONTWANT_IDS_MAX)) frames.push([KIND_IDONTWANT, encodeIdontwant({ ids })]);
  for (const [topic, all] of box.ihaves) {
    for (const ids of chunks(all, IHAVE_IDS_MAX)) frames.push([KIND_IHAVE, encodeIhave({ topic, ids })]);
  }
  for (const transactions of batches(box.forwards, FORWARD_TRANSACTIONS_MAX, TRANSACTION_BATCH_BYTES, (envelope) => envelope.length)) {
    frames.push([KIND_FORWARD, encodeForward({ transactions })]);
  }
  for (const [topic, all] of box.pushes) {
    const bytesMax = topic === TRANSACTION_TOPIC ? TRANSACTION_BATCH_BYTES : bodyBytesMax(KIND_PUSH, topic);
    for (const items of batches(all, PUSH_ITEMS_MAX, bytesMax, (item) => item.envelope.length)) {
      frames.push([KIND_PUSH, encodePush({ topic, items })]);
    }
  }
  for (const [topic, all] of box.directs) {
    const bytesMax = bodyBytesMax(KIND_DIRECT, topic);
    for (const envelopes of batches(all, DIRECT_ENVELOPES_MAX, bytesMax, (envelope) => envelope.length)) {
      frames.push([KIND_DIRECT, encodeDirect({ topic, envelopes })]);
    }
  }
  return frames;
}

/** Bytes that the items of a frame may take. */
function bodyBytesMax(kind: number, topic: string): number {
  const lengthMax = FRAME_KINDS.get(kind)?.lengthMax ?? 0;
  return lengthMax - HEADER_BYTES - TOPIC_OVERHEAD_BYTES - topic.length;
}

function chunks<T>(items: readonly T[], countMax: number): readonly (readonly T[])[] {
  const parts: (readonly T[])[] = [];
  for (let index = 0; index < items.length; index += countMax) parts.push(items.slice(index, index + countMax));
  return parts;
}

/** Divides items, in their order, so that none of the parts has too many or too many bytes. */
function batches<T>(items: readonly T[], countMax: number, bytesMax: number, sizeOf: (item: T) => number): readonly (readonly T[])[] {
  const parts: T[][] = [];
  let part: T[] = [];
  let bytes = 0;
  for (const item of items) {
    const size = sizeOf(item) + ITEM_OVERHEAD_BYTES;
    if (part.length === countMax || (part.length > 0 && bytes + size > bytesMax)) {
      parts.push(part);
      part = [];
      bytes = 0;
    }
    part.push(item);
    bytes += size;
  }
  if (part.length > 0) parts.push(part);
  return parts;
}
