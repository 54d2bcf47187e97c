/** Coded symbols: which ones an item is in, what they are made of, and how differences are found. Spec: chapter 07. */
import { concat, hex, readLe } from './bytes.ts';
import { sipHash24 } from './siphash.ts';

const MULTIPLIER = 0xda942042e4dd58b5n;
const TWO_64 = 2n ** 64n;

/** Indices from here on are never asked for. */
export const INDEX_END: bigint = 2n ** 31n;

/** The state after one multiplication. */
export function nextState(state: bigint): bigint {
  return (state * MULTIPLIER) % TWO_64;
}

/** The index that follows `index` for a state. Spec: RCN-005. */
export function nextIndex(index: bigint, state: bigint): bigint {
  const base = 2n * index + 3n;
  const divisor = state + 1n;
  const quotient = (base * base * TWO_64 + divisor - 1n) / divisor;
  const next = (ceilRoot(quotient) - 2n) / 2n;
  return next > index ? next : index + 1n;
}

/** The smallest whole t with t² ≥ value, by Newton's steps from above. */
function ceilRoot(value: bigint): bigint {
  let root = 1n << BigInt(Math.ceil(value.toString(2).length / 2));
  for (;;) {
    const next = (root + value / root) / 2n;
    if (next >= root) break;
    root = next;
  }
  return root * root >= value ? root : root + 1n;
}

/** Indices below `end` of the symbols that hold an item with this checksum, 0 first. Spec: RCN-004, RCN-005. */
export function indicesOf(checksum: Uint8Array, end: bigint): bigint[] {
  const indices: bigint[] = [];
  let state = readLe(checksum);
  for (let index = 0n; index < end && index < INDEX_END; ) {
    indices.push(index);
    state = nextState(state);
    index = nextIndex(index, state);
  }
  return indices;
}

/** Spec: RCN-002. */
export function shortId(salt: Uint8Array, id: Uint8Array): Uint8Array {
  return sipHash24(salt, id);
}

/** Spec: RCN-003. */
export function checksum(salt: Uint8Array, short: Uint8Array): Uint8Array {
  return sipHash24(salt, short);
}

/** A symbol or a cell: 8 bytes, 6 bytes, a number. */
export interface CodedSymbol {
  readonly sum: Uint8Array;
  readonly check: Uint8Array;
  readonly count: number;
}

export const EMPTY_SYMBOL: CodedSymbol = { sum: new Uint8Array(8), check: new Uint8Array(6), count: 0 };

function xor(a: Uint8Array, b: Uint8Array): Uint8Array {
  return a.map((byte, at) => byte ^ (b[at] ?? 0));
}

/** The symbol with a short id put in or taken out. */
export function withShort(symbol: CodedSymbol, salt: Uint8Array, short: Uint8Array, sign: number): CodedSymbol {
  return { sum: xor(symbol.sum, short), check: xor(symbol.check, checksum(salt, short).slice(0, 6)), count: symbol.count + sign };
}

/** Symbols `first` to `first + count − 1` of a set. Spec: RCN-004 to RCN-006. */
export function symbolsOf(salt: Uint8Array, ids: readonly Uint8Array[], first: number, count: number): CodedSymbol[] {
  const symbols = new Array<CodedSymbol>(count).fill(EMPTY_SYMBOL);
  for (const id of ids) {
    const short = shortId(salt, id);
    for (const index of indicesOf(checksum(salt, short), BigInt(first + count))) {
      const at = Number(index) - first;
      if (at >= 0) symbols[at] = withShort(symbols[at] as CodedSymbol, salt, short, 1);
    }
  }
  return symbols;
}

/** Expected counts of symbols. Spec: RCN-012. */
export function expectedInStream(size: number, first: number): (at: number) => number {
  return (at) => Number((2n * BigInt(size)) / BigInt(first + at + 2));
}

/** Spec: RCN-012. */
export function writeSymbols(symbols: readonly CodedSymbol[], expected: (at: number) => number): Uint8Array {
  return concat(
    ...symbols.flatMap(({ sum, check, count }, at) => {
      const difference = BigInt(count) - BigInt(expected(at));
      let zigzag = difference >= 0n ? 2n * difference : -2n * difference - 1n;
      const digits: number[] = [];
      for (; zigzag >= 128n; zigzag /= 128n) digits.push(Number(zigzag % 128n) + 128);
      return [sum, check, Uint8Array.of(...digits, Number(zigzag))];
    }),
  );
}

/** The symbols that bytes hold, or undefined when they are malformed. Spec: RCN-025. */
export function readSymbols(bytes: Uint8Array, count: number, size: number, expected: (at: number) => number): CodedSymbol[] | undefined {
  const symbols: CodedSymbol[] = [];
  let at = 0;
  for (let i = 0; i < count; i++) {
    const sum = bytes.slice(at, at + 8);
    const check = bytes.slice(at + 8, at + 14);
    at += 14;
    let zigzag = 0n;
    for (let digit = 0; ; digit++) {
      const byte = bytes[at];
      if (byte === undefined || digit === 5) return undefined;
      at += 1;
      zigzag += BigInt(byte % 128) * 128n ** BigInt(digit);
      if (byte < 128 && byte === 0 && digit > 0) return undefined;
      if (byte < 128) break;
    }
    const difference = zigzag % 2n === 0n ? zigzag / 2n : -(zigzag + 1n) / 2n;
    const value = Number(BigInt(expected(i)) + difference);
    if (value < 0 || value > size) return undefined;
    symbols.push({ sum, check, count: value });
  }
  return at === bytes.length ? symbols : undefined;
}

/** What came of decoding: `failed` when a clause says to give up, `more` when symbols lack. */
export interface Decoding {
  readonly outcome: 'decoded' | 'more' | 'failed';
  /** Clause by which it was given up. */
  readonly clause?: string;
  /** Short ids in hex, sorted: those that the answerer has, and those that the asker has. */
  readonly theirs: readonly string[];
  readonly mine: readonly string[];
}

/** Peels symbols from which the asker's own were taken. `places` says where a short id is. Spec: RCN-030 to RCN-032. */
export function peel(
  salt: Uint8Array,
  own: readonly Uint8Array[],
  differences: readonly CodedSymbol[],
  places: (short: Uint8Array) => readonly number[],
  isDone: (symbols: readonly CodedSymbol[]) => boolean,
): Decoding {
  const symbols = [...differences];
  const mineAll = new Set(own.map((id) => hex(shortId(salt, id))));
  const found = new Map<string, number>();
  for (;;) {
    const pure = symbols.find(
      ({ sum, check, count }) =>
        (count === 1 || count === -1) && sum.some((byte) => byte !== 0) && hex(checksum(salt, sum).slice(0, 6)) === hex(check),
    );
    if (pure === undefined) break;
    const { sum: short, count: sign } = pure;
    const name = hex(short);
    if (found.has(name) || mineAll.has(name) !== (sign === -1) || found.size >= symbols.length) {
      return { outcome: 'failed', clause: 'RCN-031', theirs: [], mine: [] };
    }
    found.set(name, sign);
    for (const at of places(short)) symbols[at] = withShort(symbols[at] as CodedSymbol, salt, short, -sign);
  }
  const names = [...found].sort(([a], [b]) => (a < b ? -1 : 1));
  return {
    outcome: isDone(symbols) ? 'decoded' : 'more',
    theirs: names.filter(([, sign]) => sign === 1).map(([name]) => name),
    mine: names.filter(([, sign]) => sign === -1).map(([name]) => name),
  };
}

/** Whether a symbol holds nothing. */
export function isEmpty({ sum, check, count }: CodedSymbol): boolean {
  return count === 0 && sum.every((byte) => byte === 0) && check.every((byte) => byte === 0);
}

/** Symbols with another side's taken off. */
export function minus(theirs: readonly CodedSymbol[], own: readonly CodedSymbol[]): CodedSymbol[] {
  return theirs.map((symbol, at) => {
    const other = own[at] ?? EMPTY_SYMBOL;
    return { sum: xor(symbol.sum, other.sum), check: xor(symbol.check, other.check), count: symbol.count - other.count };
  });
}

/** The differences between an asker's ids and the answerer's symbols from 0 on. Spec: RCN-030 to RCN-032. */
export function decodeSketch(salt: Uint8Array, own: readonly Uint8Array[], theirs: readonly CodedSymbol[]): Decoding {
  const differences = minus(theirs, symbolsOf(salt, own, 0, theirs.length));
  const places = (short: Uint8Array): number[] => indicesOf(checksum(salt, short), BigInt(theirs.length)).map(Number);
  return peel(salt, own, differences, places, (symbols) => isEmpty(symbols[0] ?? EMPTY_SYMBOL));
}

/** The XOR of the short ids of a set: what a first request gives as digest. Spec: RCN-011. */
export function digestOf(salt: Uint8Array, ids: readonly Uint8Array[]): Uint8Array {
  return ids.map((id) => shortId(salt, id)).reduce(xor, new Uint8Array(8));
}

/** Whether an id belongs to a partition. Spec: chapter 07, Sets. */
export function isInPartition(id: Uint8Array, prefixBits: number, prefix: number): boolean {
  const first = ((id[0] ?? 0) << 8) | (id[1] ?? 0);
  return prefixBits === 0 || first >> (16 - prefixBits) === prefix;
}
