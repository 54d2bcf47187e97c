/**
 * Coded symbols and cells, and their bytes: the sum of short ids, six bytes of the sum of checksums,
 * and the count as its distance from what a set of that size has there on average.
 */
import { invariant } from '../errors.ts';

/** Symbols or cells by position; a check holds 48 bits of which `checkHigh` has the upper 16. */
export interface CodedSymbols {
  readonly size: number;
  readonly sumLow: Uint32Array;
  readonly sumHigh: Uint32Array;
  readonly checkLow: Uint32Array;
  readonly checkHigh: Uint32Array;
  readonly count: Int32Array;
}

/** Symbols without items. */
export function emptySymbols(size: number): CodedSymbols {
  return {
    size,
    sumLow: new Uint32Array(size),
    sumHigh: new Uint32Array(size),
    checkLow: new Uint32Array(size),
    checkHigh: new Uint32Array(size),
    count: new Int32Array(size),
  };
}

/** Puts an item into a symbol, or takes it out: XOR is its own inverse, the count moves by `sign`. */
export function toggle(
  symbols: CodedSymbols,
  at: number,
  item: { low: number; high: number; checkLow: number; checkHigh: number },
  sign: number,
): void {
  symbols.sumLow[at] = (symbols.sumLow[at] as number) ^ item.low;
  symbols.sumHigh[at] = (symbols.sumHigh[at] as number) ^ item.high;
  symbols.checkLow[at] = (symbols.checkLow[at] as number) ^ item.checkLow;
  symbols.checkHigh[at] = (symbols.checkHigh[at] as number) ^ (item.checkHigh & 0xffff);
  symbols.count[at] = (symbols.count[at] as number) + sign;
}

/** Bytes of sum and check of one symbol. */
const FIXED_BYTES = 14;

/** The longest count: five bytes hold every difference below 2^31. */
const COUNT_BYTES_MAX = 5;

/** Bytes that so many symbols have at most. */
export function symbolBytesMax(count: number): number {
  return count * (FIXED_BYTES + COUNT_BYTES_MAX);
}

/** What a count is told against: `expected(i)` for the i-th symbol of the list. */
export type ExpectedCount = (at: number) => number;

/** For symbols from `first` on of a set of `setSize` items: floor(2·size / (i + 2)). Spec: RCN-012 */
export function expectedInStream(setSize: number, first: number): ExpectedCount {
  return (at) => Math.floor((2 * setSize) / (first + at + 2));
}

/** For cells of a table: floor(4·size / cells). Spec: RCN-062 */
export function expectedInTable(setSize: number, cells: number): ExpectedCount {
  return () => Math.floor((4 * setSize) / cells);
}

/** The bytes of symbols. Spec: RCN-012 */
export function encodeSymbols(symbols: CodedSymbols, expected: ExpectedCount): Uint8Array {
  const bytes = new Uint8Array(symbolBytesMax(symbols.size));
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (let i = 0; i < symbols.size; i++) {
    view.setUint32(at, symbols.sumLow[i] as number, true);
    view.setUint32(at + 4, symbols.sumHigh[i] as number, true);
    view.setUint32(at + 8, symbols.checkLow[i] as number, true);
    view.setUint16(at + 12, symbols.checkHigh[i] as number, true);
    at += FIXED_BYTES;
    const difference = (symbols.count[i] as number) - expected(i);
    let zigzag = difference < 0 ? -2 * difference - 1 : 2 * difference;
    invariant(zigzag < 2 ** 32, 'a count is a number of items');
    while (zigzag >= 128) {
      bytes[at++] = (zigzag % 128) + 128;
      zigzag = Math.floor(zigzag / 128);
    }
    bytes[at++] = zigzag;
  }
  return bytes.slice(0, at);
}

/**
 * Symbols from bytes of somebody else: exactly `size` of them, each with a count from 0 to
 * `countMax`, and nothing behind. Undefined otherwise. Spec: RCN-025
 */
export function decodeSymbols(bytes: Uint8Array, size: number, countMax: number, expected: ExpectedCount): CodedSymbols | undefined {
  if (bytes.length < size * (FIXED_BYTES + 1)) return undefined;
  const symbols = emptySymbols(size);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  for (let i = 0; i < size; i++) {
    if (at + FIXED_BYTES > bytes.length) return undefined;
    symbols.sumLow[i] = view.getUint32(at, true);
    symbols.sumHigh[i] = view.getUint32(at + 4, true);
    symbols.checkLow[i] = view.getUint32(at + 8, true);
    symbols.checkHigh[i] = view.getUint16(at + 12, true);
    at += FIXED_BYTES;
    let zigzag = 0;
    let scale = 1;
    for (let read = 0; ; read++) {
      const byte = bytes[at++];
      if (byte === undefined || read === COUNT_BYTES_MAX) return undefined;
      zigzag += (byte % 128) * scale;
      scale *= 128;
      if (byte < 128) {
        if (byte === 0 && read > 0) return undefined;
        break;
      }
    }
    const difference = zigzag % 2 === 0 ? zigzag / 2 : -(zigzag + 1) / 2;
    const count = expected(i) + difference;
    if (count < 0 || count > countMax) return undefined;
    symbols.count[i] = count;
  }
  return at === bytes.length ? symbols : undefined;
}
