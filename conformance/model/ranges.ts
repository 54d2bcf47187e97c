/** Range messages: what the two sides of an exchange over ranges say. Spec: chapter 07, Ranges. */
import { compare, concat, hex, sha256, u8 } from './bytes.ts';

/** An item of a set in the order of time. */
export interface TimedItem {
  readonly time: bigint;
  readonly id: Uint8Array;
}

/** The end of a range; `time` undefined is the end of everything. */
interface Bound {
  readonly time: bigint | undefined;
  readonly id: Uint8Array;
}

const END: Bound = { time: undefined, id: new Uint8Array() };
const BEGINNING: Bound = { time: 0n, id: new Uint8Array() };
const NUMBER_END = 2n ** 53n;

/** Base 128, most significant digit first. */
export function writeNumber(value: bigint): Uint8Array {
  const digits = [Number(value % 128n)];
  for (let rest = value / 128n; rest > 0n; rest /= 128n) digits.unshift(Number(rest % 128n) + 128);
  return Uint8Array.from(digits);
}

function before(a: Bound, b: Bound): boolean {
  if (a.time === b.time) return compare(a.id, b.id) < 0;
  return a.time !== undefined && (b.time === undefined || a.time < b.time);
}

/** Items by time, then id, without those that have no place. Spec: RCN-072. */
export function inOrder(items: readonly TimedItem[]): TimedItem[] {
  return items.filter(({ time }) => time < NUMBER_END).sort((a, b) => (before(a, b) ? -1 : 1));
}

/** Spec: RCN-071. */
export function fingerprintOf(ids: readonly Uint8Array[]): Uint8Array {
  const sum = ids.reduce((total, id) => total + BigInt(`0x${hex(id.toReversed())}`), 0n) % 2n ** 256n;
  const digits = Uint8Array.from({ length: 32 }, (_, at) => Number((sum >> BigInt(8 * at)) & 255n));
  return sha256(concat(digits, writeNumber(BigInt(ids.length)))).slice(0, 16);
}

/** A range as it is told, and as it is read. */
export type Range = { readonly end: Bound } & (
  | { readonly mode: 'skip' }
  | { readonly mode: 'fingerprint'; readonly fingerprint: Uint8Array }
  | { readonly mode: 'ids'; readonly ids: readonly Uint8Array[] }
);

/** The bytes of ranges, as a whole message. */
export function writeRanges(ranges: readonly Range[]): Uint8Array {
  const parts: Uint8Array[] = [u8(0x61)];
  let last = 0n;
  for (const range of ranges) {
    const { end } = range;
    parts.push(writeNumber(end.time === undefined ? 0n : end.time - last + 1n), writeNumber(BigInt(end.id.length)), end.id);
    last = end.time ?? last;
    if (range.mode === 'skip') parts.push(u8(0));
    if (range.mode === 'fingerprint') parts.push(u8(1), range.fingerprint);
    if (range.mode === 'ids') parts.push(u8(2), writeNumber(BigInt(range.ids.length)), ...range.ids);
  }
  return concat(...parts);
}

/** The ranges of a message, or the clause that it breaks. Spec: RCN-078, RCN-079. */
export function readRanges(message: Uint8Array): { readonly ranges: readonly Range[] } | { readonly clause: string } {
  const wrong = { clause: 'RCN-078' };
  if (message[0] !== 0x61) return wrong;
  let at = 1;
  const number = (): bigint | undefined => {
    let value = 0n;
    for (let digit = 0; digit < 8; digit++) {
      const byte = message[at];
      if (byte === undefined) return undefined;
      at += 1;
      value = value * 128n + BigInt(byte % 128);
      if (byte < 128) return value < NUMBER_END ? value : undefined;
    }
    return undefined;
  };
  const take = (count: bigint): Uint8Array | undefined => {
    if (BigInt(message.length - at) < count) return undefined;
    at += Number(count);
    return message.slice(at - Number(count), at);
  };
  const ranges: Range[] = [];
  let reached = BEGINNING;
  let last: bigint | undefined = 0n;
  while (at < message.length) {
    const told = number();
    const length = told === undefined ? undefined : number();
    if (told === undefined || length === undefined || length > 32n) return wrong;
    const id = take(length);
    if (id === undefined) return wrong;
    last = told === 0n || last === undefined ? undefined : last + told - 1n;
    if (last !== undefined && last >= NUMBER_END) return wrong;
    const end: Bound = { time: last, id };
    const isBeginning = ranges.length === 0 && last === 0n && id.length === 0;
    if (!before(reached, end) && !isBeginning) return { clause: 'RCN-079' };
    reached = end;
    const mode = number();
    if (mode === 0n) {
      ranges.push({ end, mode: 'skip' });
    } else if (mode === 1n) {
      const fingerprint = take(16n);
      if (fingerprint === undefined) return wrong;
      ranges.push({ end, mode: 'fingerprint', fingerprint });
    } else if (mode === 2n) {
      const count = number();
      if (count === undefined || count * 32n > BigInt(message.length - at)) return wrong;
      const ids = Array.from({ length: Number(count) }, () => take(32n) ?? new Uint8Array());
      ranges.push({ end, mode: 'ids', ids });
    } else {
      return wrong;
    }
  }
  return { ranges };
}

/** Spec: chapter 07, "The bound between two neighbours". */
function boundBetween(a: TimedItem, b: TimedItem): Bound {
  if (a.time !== b.time) return { time: b.time, id: new Uint8Array() };
  const shared = a.id.findIndex((byte, at) => byte !== b.id[at]);
  return { time: b.time, id: b.id.slice(0, shared + 1) };
}

/** A range of items told anew: their ids, or 16 fingerprints. Spec: RCN-074. */
function split(items: readonly TimedItem[], end: Bound): Range[] {
  if (items.length < 32) return [{ end, mode: 'ids', ids: items.map(({ id }) => id) }];
  const ranges: Range[] = [];
  let from = 0;
  for (let part = 0; part < 16; part++) {
    const to = from + Math.floor(items.length / 16) + (part < items.length % 16 ? 1 : 0);
    const [a, b] = [items[to - 1], items[to]];
    const bound = a === undefined || b === undefined ? end : boundBetween(a, b);
    ranges.push({ end: bound, mode: 'fingerprint', fingerprint: fingerprintOf(items.slice(from, to).map(({ id }) => id)) });
    from = to;
  }
  return ranges;
}

/** The asker's first message. Spec: RCN-074. */
export function openMessage(items: readonly TimedItem[]): Uint8Array {
  return writeRanges(split(inOrder(items), END));
}

/** What a side makes of a message. */
export interface Reaction {
  /** Empty ranges mean that the asker has nothing left to say. */
  readonly message: Uint8Array;
  readonly isDone: boolean;
  /** Ids in hex that only the other side, or only this one has; found by the asker alone. */
  readonly need: readonly string[];
  readonly have: readonly string[];
}

/** Room that a message keeps, RCN-080. */
const SLACK = 200;

/** The reaction to a message of the asker (`isAsker` false) or of the answerer. `limit` 0 is none. Spec: RCN-075, RCN-076, RCN-080. */
export function react(
  items: readonly TimedItem[],
  message: Uint8Array,
  isAsker: boolean,
  limit: number,
): Reaction | { readonly clause: string } {
  const read = readRanges(message);
  if ('clause' in read) return read;
  const sorted = inOrder(items);
  const [need, have]: [string[], string[]] = [[], []];
  const said: Range[] = [];
  let skipped: Bound | undefined;
  let lower = 0;
  const isFull = (extra: number): boolean => limit > 0 && writeRanges(said).length + extra > limit - SLACK;
  for (const range of read.ranges) {
    const found = sorted.findIndex((item, at) => at >= lower && !before(item, range.end));
    let upper = found < 0 ? sorted.length : found;
    const mine = sorted.slice(lower, upper);
    const answer: Range[] = [];
    if (range.mode === 'fingerprint') {
      const own = fingerprintOf(mine.map(({ id }) => id));
      if (compare(own, range.fingerprint) !== 0) answer.push(...split(mine, range.end));
    } else if (range.mode === 'ids' && isAsker) {
      const theirs = new Set(range.ids.map(hex));
      have.push(...mine.map(({ id }) => hex(id)).filter((id) => !theirs.has(id)));
      const own = new Set(mine.map(({ id }) => hex(id)));
      need.push(...[...theirs].filter((id) => !own.has(id)));
    } else if (range.mode === 'ids') {
      // A list that would grow too long stops before the first item that is too many.
      let told = 0;
      while (told < mine.length && !isFull(told * 32)) told += 1;
      const cut = mine[told];
      upper = lower + told;
      answer.push({ end: cut ?? range.end, mode: 'ids', ids: mine.slice(0, told).map(({ id }) => id) });
    }
    const addition: Range[] = answer.length > 0 && skipped !== undefined ? [{ end: skipped, mode: 'skip' }, ...answer] : answer;
    const length = writeRanges([...said, ...addition]).length;
    const isTooLong = limit > 0 && length > limit - SLACK;
    const isList = range.mode === 'ids' && !isAsker;
    if (!isTooLong || isList) said.push(...addition);
    if (isTooLong) {
      // The last fingerprint is of what is left: behind a list that was told, or from a split on that was not.
      if (!isList && skipped !== undefined) said.push({ end: skipped, mode: 'skip' });
      const rest = sorted.slice(isList ? upper : lower);
      said.push({ end: END, mode: 'fingerprint', fingerprint: fingerprintOf(rest.map(({ id }) => id)) });
      return { message: writeRanges(said), isDone: false, need, have };
    }
    skipped = answer.length > 0 ? undefined : range.end;
    lower = upper;
  }
  return { message: writeRanges(said), isDone: said.length === 0, need, have };
}
