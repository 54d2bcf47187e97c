/**
 * Range-based reconciliation: both sides hold items in the order of time and id; the asker tells
 * fingerprints of ranges, the answerer splits those that differ, until lists of ids are short enough
 * to be told. No estimate, no failure, nothing kept by the answerer between two messages. The messages
 * are those of negentropy, version 1; its published transcripts come out byte for byte, but for the fingerprint at the end
 * of a message that is full (RCN-080).
 */
import { toHex } from '../bytes.ts';
import type { CryptoProvider } from '../crypto/provider.ts';
import type { MessageId } from '../types.ts';
import {
  compareBounds,
  END_BOUND,
  FINGERPRINT_BYTES,
  fingerprint,
  MODE_FINGERPRINT,
  MODE_IDS,
  MODE_SKIP,
  RANGE_ID_BYTES,
  RANGE_VERSION,
  type RangeBound,
  RangeReader,
  RangeWriter,
  START_BOUND,
} from './range-bytes.ts';

/** One item of a sorted list. */
export interface RangeItem {
  /** Milliseconds below 2^53. */
  readonly time: number;
  /** 32 bytes. */
  readonly id: Uint8Array;
}

/** Ranges that a differing range is split into, and the size below which ids are told instead. */
const BUCKETS = 16;

/** Room that a message leaves for its last ranges. */
const SLACK_BYTES = 200;

/** Sorts items as range messages want them: by time, then by id. */
export function sortForRanges(items: readonly RangeItem[]): readonly RangeItem[] {
  return [...items].sort(compareBounds);
}

/** One side of an exchange: its items, sorted, and the length that its messages keep below; 0 for none. */
export interface RangeSide {
  readonly crypto: CryptoProvider;
  readonly items: readonly RangeItem[];
  readonly messageBytesMax: number;
}

/** The asker's first message. Spec: RCN-074 */
export function openRanges(side: RangeSide): Uint8Array {
  const writer = newMessage();
  split(side, 0, side.items.length, END_BOUND, writer);
  return writer.finish();
}

/** The clause that a malformed message breaks. */
export type RangeFault = 'RCN-078' | 'RCN-079';

/** The answerer's message to a message, or what is wrong with that. Spec: RCN-075 */
export function answerRanges(side: RangeSide, message: Uint8Array): Uint8Array | RangeFault {
  return react(side, message, undefined);
}

/** What the asker makes of an answer. */
export interface RangeProgress {
  /** The next message, or undefined when nothing is left to ask. */
  readonly next: Uint8Array | undefined;
  /** Ids that only the answerer has. */
  readonly need: readonly MessageId[];
  /** Ids that only the asker has. */
  readonly have: readonly MessageId[];
}

/** Takes an answer, or says what is wrong with it. Spec: RCN-076 */
export function continueRanges(side: RangeSide, answer: Uint8Array): RangeProgress | RangeFault {
  const found: Found = { need: [], have: [] };
  const message = react(side, answer, found);
  if (typeof message === 'string') return message;
  return { next: message.length === 1 ? undefined : message, ...found };
}

/** Whether a message consists of one fingerprint over everything, which only ever makes the other side start again. Spec: RCN-077 */
export function isSingleFingerprint(message: Uint8Array): boolean {
  const reader = new RangeReader(message.subarray(1));
  let ranges = 0;
  let fingerprints = 0;
  while (!reader.atEnd) {
    const bound = reader.bound();
    const mode = bound && reader.number();
    if (mode === undefined) return false;
    if (mode === MODE_IDS) return false;
    if (mode === MODE_FINGERPRINT) {
      if (reader.take(FINGERPRINT_BYTES) === undefined) return false;
      fingerprints += 1;
    }
    ranges += 1;
  }
  return fingerprints === 1 && ranges === 1;
}

interface Found {
  readonly need: MessageId[];
  readonly have: MessageId[];
}

function newMessage(): RangeWriter {
  const writer = new RangeWriter();
  writer.bytes(Uint8Array.of(RANGE_VERSION));
  return writer;
}

/** The first position from `from` on whose item is not below the bound. */
function findBound(items: readonly RangeItem[], from: number, bound: RangeBound): number {
  let low = from;
  let high = items.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (compareBounds(items[middle] as RangeItem, bound) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The shortest bound between two neighbours. Spec: RCN-074 */
function boundBetween(before: RangeItem, after: RangeItem): RangeBound {
  if (before.time !== after.time) return { time: after.time, id: new Uint8Array(0) };
  let shared = 0;
  while (shared < RANGE_ID_BYTES - 1 && before.id[shared] === after.id[shared]) shared += 1;
  return { time: after.time, id: after.id.slice(0, shared + 1) };
}

function split({ crypto, items }: RangeSide, lower: number, upper: number, end: RangeBound, writer: RangeWriter): void {
  const count = upper - lower;
  if (count < 2 * BUCKETS) {
    writer.bound(end);
    writer.number(MODE_IDS);
    writer.number(count);
    for (let at = lower; at < upper; at++) writer.bytes((items[at] as RangeItem).id);
    return;
  }
  let from = lower;
  for (let bucket = 0; bucket < BUCKETS; bucket++) {
    const to = from + Math.floor(count / BUCKETS) + (bucket < count % BUCKETS ? 1 : 0);
    writer.bound(to === upper ? end : boundBetween(items[to - 1] as RangeItem, items[to] as RangeItem));
    writer.number(MODE_FINGERPRINT);
    writer.bytes(fingerprint(crypto, items, from, to));
    from = to;
  }
}

/** Walks through a message and writes the answer; with `found` as the asker, who answers no list of ids. */
function react(side: RangeSide, message: Uint8Array, found: Found | undefined): Uint8Array | RangeFault {
  const { crypto, items, messageBytesMax } = side;
  const reader = new RangeReader(message);
  const version = reader.take(1)?.[0];
  if (version !== RANGE_VERSION) return 'RCN-078';
  const writer = newMessage();
  const isFull = (length: number): boolean => messageBytesMax > 0 && length > messageBytesMax - SLACK_BYTES;

  let reached = START_BOUND;
  let lower = 0;
  let skipping = false;
  const told = (): void => {
    if (skipping) {
      writer.bound(reached);
      writer.number(MODE_SKIP);
    }
    skipping = false;
  };

  for (let isFirst = true; !reader.atEnd; isFirst = false) {
    const bound = reader.bound();
    const mode = bound && reader.number();
    if (bound === undefined || mode === undefined) return 'RCN-078';
    // Bounds ascend, so no item is looked at twice.
    if (compareBounds(bound, reached) <= 0 && !(isFirst && bound.time === 0 && bound.id.length === 0)) return 'RCN-079';
    const started = writer.length;
    let upper = findBound(items, lower, bound);
    let end = bound;
    let isKept = false;
    let splitAt = started;
    if (mode === MODE_SKIP) {
      skipping = true;
    } else if (mode === MODE_FINGERPRINT) {
      const theirs = reader.take(FINGERPRINT_BYTES);
      if (theirs === undefined) return 'RCN-078';
      if (areEqual(theirs, fingerprint(crypto, items, lower, upper))) {
        skipping = true;
      } else {
        told();
        splitAt = writer.length;
        split(side, lower, upper, bound, writer);
      }
    } else if (mode === MODE_IDS) {
      const ids = readIds(reader);
      if (ids === undefined) return 'RCN-078';
      if (found !== undefined) {
        skipping = true;
        compareIds(items, lower, upper, ids, found);
      } else {
        told();
        const from = lower;
        let to = from;
        while (to < upper && !isFull(started + (to - from) * RANGE_ID_BYTES)) to += 1;
        if (to < upper) {
          end = items[to] as RangeItem;
          upper = to;
        }
        writer.bound(end);
        writer.number(MODE_IDS);
        writer.number(to - from);
        for (let at = from; at < to; at++) writer.bytes((items[at] as RangeItem).id);
        isKept = true;
      }
    } else {
      return 'RCN-078';
    }
    if (isFull(writer.length)) {
      const fault = checkRest(reader, bound);
      if (fault !== undefined) return fault;
      // A split that does not fit is put off with the rest; a list of ids was cut to fit.
      if (!isKept) writer.rewind(splitAt);
      writer.bound(END_BOUND);
      writer.number(MODE_FINGERPRINT);
      writer.bytes(fingerprint(crypto, items, isKept ? upper : lower, items.length));
      break;
    }
    lower = upper;
    reached = bound;
  }
  return writer.finish();
}

/** What a full message leaves unanswered is still held to its form. */
function checkRest(reader: RangeReader, from: RangeBound): RangeFault | undefined {
  let reached = from;
  while (!reader.atEnd) {
    const bound = reader.bound();
    const mode = bound && reader.number();
    if (bound === undefined || mode === undefined) return 'RCN-078';
    if (compareBounds(bound, reached) <= 0) return 'RCN-079';
    if (mode === MODE_FINGERPRINT) {
      if (reader.take(FINGERPRINT_BYTES) === undefined) return 'RCN-078';
    } else if (mode === MODE_IDS) {
      if (readIds(reader) === undefined) return 'RCN-078';
    } else if (mode !== MODE_SKIP) {
      return 'RCN-078';
    }
    reached = bound;
  }
  return undefined;
}

/** A list of ids: its number is compared with what is left of the message before anything is kept. Spec: RCN-078 */
function readIds(reader: RangeReader): ReadonlySet<MessageId> | undefined {
  const count = reader.number();
  if (count === undefined || count * RANGE_ID_BYTES > reader.left) return undefined;
  const ids = new Set<MessageId>();
  for (let read = 0; read < count; read++) {
    const id = reader.take(RANGE_ID_BYTES);
    if (id === undefined) return undefined;
    ids.add(toHex(id) as MessageId);
  }
  return ids;
}

function compareIds(items: readonly RangeItem[], lower: number, upper: number, theirs: ReadonlySet<MessageId>, found: Found): void {
  const left = new Set(theirs);
  for (let at = lower; at < upper; at++) {
    const id = toHex((items[at] as RangeItem).id) as MessageId;
    if (!left.delete(id)) found.have.push(id);
  }
  found.need.push(...left);
}

function areEqual(a: Uint8Array, b: Uint8Array): boolean {
  return a.every((byte, at) => byte === b[at]);
}
