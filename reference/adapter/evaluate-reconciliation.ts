/** The functions `sketch.…`, `table.…` and `ranges.…` of Evaluate, answered by the core. Spec: chapter 23, "Evaluate" */
import { concatBytes, encodeUtf8, fromHex, toHex } from '../core/bytes.ts';
import type { CryptoProvider } from '../core/crypto/provider.ts';
import { PRESETS } from '../core/params.ts';
import { decodeSymbols, encodeSymbols, expectedInStream, expectedInTable } from '../core/reconciliation/coded-symbols.ts';
import { Decoder, type Difference } from '../core/reconciliation/decoder.ts';
import { advanceWalk, startWalk } from '../core/reconciliation/mapping.ts';
import { fingerprint } from '../core/reconciliation/range-bytes.ts';
import { answerRanges, continueRanges, openRanges, type RangeItem, sortForRanges } from '../core/reconciliation/ranges.ts';
import { Salter, shortIdBytes } from '../core/reconciliation/salted-set.ts';
import { SymbolStream } from '../core/reconciliation/stream.ts';
import { decodeTable, makeTable } from '../core/reconciliation/table.ts';
import type { ErrorName } from '../core/types.ts';
import { type Arguments, RefusedArguments, u64 } from './arguments.ts';

type Answer = readonly Uint8Array[] | { readonly error: ErrorName };
type Run = (crypto: CryptoProvider, args: Arguments) => Answer;

const PARAMS = PRESETS.conformance;
const SYMBOLS_MAX = PARAMS['reconcile.batch_symbols_max'];

function idsFrom(args: Arguments, index: number): readonly Uint8Array[] {
  const ids = args.rest(index);
  if (ids.some((id) => id.length !== 32)) throw new RefusedArguments('an id has 32 bytes');
  return ids;
}

function itemsFrom(args: Arguments, index: number): readonly RangeItem[] {
  const items = args.rest(index).map((bytes) => {
    if (bytes.length !== 40) throw new RefusedArguments('an item has 40 bytes');
    return { time: Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0)), id: bytes.slice(8) };
  });
  return sortForRanges(items);
}

function cellsFrom(args: Arguments, index: number): number {
  const cells = args.number(index, SYMBOLS_MAX);
  if (cells < 8 || cells % 4 !== 0) throw new RefusedArguments('a table has a multiple of 4 cells, 8 or more');
  return cells;
}

/** Byte strings in ascending order, joined. */
function ascending(list: readonly Uint8Array[]): Uint8Array {
  return concatBytes(
    ...list
      .map((bytes) => [toHex(bytes), bytes] as const)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([, bytes]) => bytes),
  );
}

function shortIds(differences: readonly Difference[], sign: 1 | -1): Uint8Array {
  return ascending(differences.filter((one) => one.sign === sign).map(({ low, high }) => shortIdBytes(low, high)));
}

const shortId: Run = (_, args) => {
  const set = new Salter(args.bytes(0, 16)).saltAll([args.bytes(1, 32)]);
  return [
    shortIdBytes(set.shortLow[0] as number, set.shortHigh[0] as number),
    shortIdBytes(set.checkLow[0] as number, set.checkHigh[0] as number),
  ];
};

const indices: Run = (_, args) => {
  const state = args.u64(0);
  const count = args.number(1, 1000);
  const walk = startWalk(Number(state & 0xffffffffn), Number(state >> 32n));
  const values: Uint8Array[] = [];
  for (advanceWalk(walk); values.length < count && walk.index !== Number.POSITIVE_INFINITY; advanceWalk(walk)) values.push(u64(walk.index));
  return values;
};

const encodeSketch: Run = (_, args) => {
  const [first, count] = [args.number(1, 100_000), args.number(2, SYMBOLS_MAX)];
  const ids = idsFrom(args, 3);
  const stream = new SymbolStream(new Salter(args.bytes(0, 16)).saltAll(ids));
  stream.take(first);
  return [encodeSymbols(stream.take(count).symbols, expectedInStream(ids.length, first))];
};

const decodeSketch: Run = (_, args) => {
  const salt = args.bytes(0, 16);
  const [size, count] = [args.number(1, 1_000_000), args.number(2, SYMBOLS_MAX)];
  const own = new Salter(salt).saltAll(idsFrom(args, 4));
  const symbols = decodeSymbols(args.bytes(3), count, size, expectedInStream(size, 0));
  if (symbols === undefined) return { error: 'E_MALFORMED' };
  const decoder = new Decoder(salt, own, { stepsPerSymbol: PARAMS['reconcile.steps_per_symbol'] });
  const standing = decoder.add(symbols);
  if (standing === 'failed') return { error: 'E_SKETCH' };
  const found = standing === 'decoded' ? decoder.differences : [];
  return [encodeUtf8(standing), shortIds(found, 1), shortIds(found, -1)];
};

const encodeTable: Run = (_, args) => {
  const cells = cellsFrom(args, 1);
  const ids = idsFrom(args, 2);
  return [encodeSymbols(makeTable(new Salter(args.bytes(0, 16)).saltAll(ids), cells), expectedInTable(ids.length, cells))];
};

const openTable: Run = (_, args) => {
  const salt = args.bytes(0, 16);
  const size = args.number(1, 1_000_000);
  const cells = cellsFrom(args, 2);
  const own = new Salter(salt).saltAll(idsFrom(args, 4));
  const table = decodeSymbols(args.bytes(3), cells, size, expectedInTable(size, cells));
  if (table === undefined) return { error: 'E_MALFORMED' };
  const found = decodeTable(salt, own, table);
  return found === undefined ? { error: 'E_SKETCH' } : [shortIds(found, 1), shortIds(found, -1)];
};

const fingerprintOf: Run = (crypto, args) => {
  const ids = idsFrom(args, 0).map((id) => ({ id }));
  return [fingerprint(crypto, ids, 0, ids.length)];
};

const reactToRanges: Run = (crypto, args) => {
  const role = args.text(0);
  const messageBytesMax = args.number(1, 65_000);
  if (messageBytesMax > 0 && messageBytesMax < 4096) throw new RefusedArguments('a limit is 0 or at least 4,096');
  const side = { crypto, items: itemsFrom(args, 3), messageBytesMax };
  const message = args.bytes(2);
  if (role === 'answerer') {
    const answer = answerRanges(side, message);
    return typeof answer === 'string' ? { error: 'E_MALFORMED' } : [answer, new Uint8Array(0), new Uint8Array(0)];
  }
  if (role !== 'asker') throw new RefusedArguments('a side is asker or answerer');
  const progress = continueRanges(side, message);
  if (typeof progress === 'string') return { error: 'E_MALFORMED' };
  const bytes = (ids: readonly string[]): Uint8Array => ascending(ids.map((id) => fromHex(id) ?? new Uint8Array(0)));
  return [progress.next ?? new Uint8Array(0), bytes(progress.need), bytes(progress.have)];
};

/** The functions of this chapter by name, with the number of their arguments where it is fixed. */
export const RECONCILIATION_FUNCTIONS: Readonly<Record<string, { readonly arity: number | undefined; readonly run: Run }>> = {
  'sketch.short_id': { arity: 2, run: shortId },
  'sketch.indices': { arity: 2, run: indices },
  'sketch.encode': { arity: undefined, run: encodeSketch },
  'sketch.decode': { arity: undefined, run: decodeSketch },
  'table.encode': { arity: undefined, run: encodeTable },
  'table.decode': { arity: undefined, run: openTable },
  'ranges.fingerprint': { arity: undefined, run: fingerprintOf },
  'ranges.open': {
    arity: undefined,
    run: (crypto, args) => [openRanges({ crypto, items: itemsFrom(args, 0), messageBytesMax: 0 })],
  },
  'ranges.react': { arity: undefined, run: reactToRanges },
};
