/** The sets by their numbers on the wire, and the items of their partitions. Spec: chapter 07, "Sets" */
import { fromHex } from '../bytes.ts';
import { invariant } from '../errors.ts';
import type { SetName } from '../machine.ts';
import type { MessageId } from '../types.ts';
import type { ReconcilableSet } from './contract.ts';
import { type RangeItem, sortForRanges } from './ranges.ts';

/** Names in the order of their numbers, from 1. */
const NAMES: readonly SetName[] = ['records', 'transactions', 'evidence', 'votes'];

/** The number of a set on the wire. */
export function setNumber(name: SetName): number {
  return NAMES.indexOf(name) + 1;
}

/** Bits of an id that may name a partition. */
export const PREFIX_BITS_MAX = 16;

/** A part of a set: the items whose ids begin with these bits. */
export interface Partition {
  readonly prefixBits: number;
  readonly prefix: number;
}

/** The 32 bytes of an item's id. */
export function bytesOfId(id: MessageId): Uint8Array {
  const bytes = fromHex(id);
  invariant(bytes?.length === 32, 'an id is 64 hexadecimal digits');
  return bytes;
}

/** Whether an id belongs to a partition. */
export function isWithin(id: MessageId, { prefixBits, prefix }: Partition): boolean {
  return prefixBits === 0 || Number.parseInt(id.slice(0, 4), 16) >>> (PREFIX_BITS_MAX - prefixBits) === prefix;
}

/** Ids of a partition. */
export function idsWithin(set: ReconcilableSet, partition: Partition): readonly MessageId[] {
  const ids: MessageId[] = [];
  for (const { id } of set.items()) {
    if (isWithin(id, partition)) ids.push(id);
  }
  return ids;
}

/** A whole set in the order of time, without items that have no place in it. Spec: RCN-072 */
export function timedItems(set: ReconcilableSet): readonly RangeItem[] {
  const items: RangeItem[] = [];
  for (const { id, timeMs } of set.items()) {
    if (timeMs < 2 ** 53) items.push({ time: timeMs, id: bytesOfId(id) });
  }
  return sortForRanges(items);
}

/** The fewest bits with which the average partition of so many items has at most half of `itemsMax`, or 0 when the whole set fits. */
export function bitsFor(items: number, itemsMax: number): number {
  if (items <= itemsMax) return 0;
  let bits = 1;
  while (bits < PREFIX_BITS_MAX && items > (itemsMax / 2) * 2 ** bits) bits += 1;
  return bits;
}
