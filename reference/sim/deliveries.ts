/** What the nodes of a world delivered to their applications, found again by message. */
import { copyBytes, toHex } from '../core/bytes.ts';
import type { NodeEffect } from '../core/machine.ts';
import type { MessageId, PeerId } from '../core/types.ts';

/** A message that was published; `coverage` finds it again. */
export interface PublishedMessage {
  readonly origin: number;
  readonly topic: string;
  readonly data: Uint8Array;
  readonly atMs: number;
}

/** One delivery to one node's application. */
export interface Delivery {
  readonly node: number;
  readonly atMs: number;
  readonly id: MessageId;
  readonly origin: PeerId;
  readonly topic: string;
  readonly data: Uint8Array;
}

/** Deliveries in the order in which they happened. */
export interface Deliveries {
  readonly all: readonly Delivery[];
  add(node: number, atMs: number, effect: Extract<NodeEffect, { readonly type: 'deliver' }>): void;
  of(origin: PeerId, topic: string, data: Uint8Array): readonly Delivery[];
}

/** None yet. */
export function createDeliveries(): Deliveries {
  const all: Delivery[] = [];
  const byMessage = new Map<string, Delivery[]>();
  // One message is delivered at many nodes: its bytes are kept once.
  const dataOf = new Map<string, Uint8Array>();

  return {
    all,
    add: (node, atMs, { id, origin, topic, data }) => {
      const key = keyOf(origin, topic, data);
      const kept = dataOf.get(key) ?? copyBytes(data);
      dataOf.set(key, kept);
      const delivery: Delivery = { node, atMs, id, origin, topic, data: kept };
      all.push(delivery);
      const same = byMessage.get(key);
      if (same === undefined) byMessage.set(key, [delivery]);
      else same.push(delivery);
    },
    of: (origin, topic, data) => byMessage.get(keyOf(origin, topic, data)) ?? [],
  };
}

/** Names a message by what applications see of it. */
function keyOf(origin: PeerId, topic: string, data: Uint8Array): string {
  return `${origin} ${topic} ${toHex(data)}`;
}
