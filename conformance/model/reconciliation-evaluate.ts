/** The functions `sketch.…`, `table.…` and `ranges.…` of chapter 23. Each gives undefined for arguments of the wrong size. */
import { compare, concat, readU64be, text, u64be, unhex, utf8 } from './bytes.ts';
import { decodeTable, expectedInTable, tableOf } from './iblt.ts';
import { fingerprintOf, openMessage, react, type TimedItem } from './ranges.ts';
import {
  checksum,
  type Decoding,
  decodeSketch,
  expectedInStream,
  INDEX_END,
  nextIndex,
  nextState,
  readSymbols,
  shortId,
  symbolsOf,
  writeSymbols,
} from './riblt.ts';

type Args = readonly Uint8Array[];
type Answer = { readonly values: readonly Uint8Array[] } | { readonly error: string; readonly clause: string };

function isSalt(bytes: Uint8Array | undefined): bytes is Uint8Array {
  return bytes?.length === 16;
}

function areIds(list: Args): boolean {
  return list.every((id) => id.length === 32);
}

/** A u64 of at most `max`. */
function number(bytes: Uint8Array | undefined, max: number): number | undefined {
  if (bytes?.length !== 8) return undefined;
  const value = readU64be(bytes);
  return value > BigInt(max) ? undefined : Number(value);
}

/** Salt, id → short id, checksum. */
export function evaluateShortId([salt, id]: Args): Answer | undefined {
  if (!isSalt(salt) || id?.length !== 32) return undefined;
  const short = shortId(salt, id);
  return { values: [short, checksum(salt, short)] };
}

/** State, number of indices → those after 0 and below 2^31. */
export function evaluateIndices([start, countBytes]: Args): Answer | undefined {
  const count = number(countBytes, 1000);
  if (start?.length !== 8 || count === undefined) return undefined;
  const values: Uint8Array[] = [];
  let state = readU64be(start);
  let index = 0n;
  while (values.length < count) {
    state = nextState(state);
    index = nextIndex(index, state);
    if (index >= INDEX_END) break;
    values.push(u64be(index));
  }
  return { values };
}

/** Salt, first, count, ids → symbols. */
export function evaluateSketchEncode([salt, firstBytes, countBytes, ...ids]: Args): Answer | undefined {
  const [first, count] = [number(firstBytes, 100_000), number(countBytes, 2048)];
  if (!isSalt(salt) || first === undefined || count === undefined || !areIds(ids)) return undefined;
  return { values: [writeSymbols(symbolsOf(salt, ids, first, count), expectedInStream(ids.length, first))] };
}

const MALFORMED: Answer = { error: 'E_MALFORMED', clause: 'RCN-025' };

function decoded(decoding: Decoding): Answer {
  if (decoding.outcome === 'failed') return { error: 'E_SKETCH', clause: decoding.clause ?? 'RCN-031' };
  const found = decoding.outcome === 'decoded';
  const list = (names: readonly string[]): Uint8Array => (found ? concat(...names.map(unhex)) : new Uint8Array());
  return { values: [utf8(decoding.outcome), list(decoding.theirs), list(decoding.mine)] };
}

/** Salt, size, count, symbols from 0 on, own ids → `decoded` or `more`, short ids of theirs, of mine. */
export function evaluateSketchDecode([salt, sizeBytes, countBytes, symbols, ...own]: Args): Answer | undefined {
  const [size, count] = [number(sizeBytes, 1_000_000), number(countBytes, 2048)];
  if (!isSalt(salt) || size === undefined || count === undefined || symbols === undefined || !areIds(own)) return undefined;
  const theirs = readSymbols(symbols, count, size, expectedInStream(size, 0));
  return theirs === undefined ? MALFORMED : decoded(decodeSketch(salt, own, theirs));
}

function isCells(cells: number | undefined): cells is number {
  return cells !== undefined && cells >= 8 && cells % 4 === 0;
}

/** Salt, cells, ids → cells. */
export function evaluateTableEncode([salt, cellsBytes, ...ids]: Args): Answer | undefined {
  const cells = number(cellsBytes, 2048);
  if (!isSalt(salt) || !isCells(cells) || !areIds(ids)) return undefined;
  return { values: [writeSymbols(tableOf(salt, ids, cells), expectedInTable(ids.length, cells))] };
}

/** Salt, size, cells, bytes of the table, own ids → short ids of theirs, of mine. */
export function evaluateTableDecode([salt, sizeBytes, cellsBytes, bytes, ...own]: Args): Answer | undefined {
  const [size, cells] = [number(sizeBytes, 1_000_000), number(cellsBytes, 2048)];
  if (!isSalt(salt) || size === undefined || !isCells(cells) || bytes === undefined || !areIds(own)) return undefined;
  const table = readSymbols(bytes, cells, size, expectedInTable(size, cells));
  if (table === undefined) return MALFORMED;
  const decoding = decodeTable(salt, own, table);
  if (decoding.outcome === 'more') return { error: 'E_SKETCH', clause: 'RCN-063' };
  const answer = decoded(decoding);
  return 'values' in answer ? { values: answer.values.slice(1) } : answer;
}

/** Items as 8 bytes of time and 32 of id. */
function items(list: Args): TimedItem[] | undefined {
  if (list.some((item) => item.length !== 40)) return undefined;
  return list.map((item) => ({ time: readU64be(item.slice(0, 8)), id: item.slice(8) }));
}

/** Ids → fingerprint. */
export function evaluateFingerprint(ids: Args): Answer | undefined {
  return areIds(ids) ? { values: [fingerprintOf(ids)] } : undefined;
}

/** Items → the asker's first message. */
export function evaluateOpen(list: Args): Answer | undefined {
  const read = items(list);
  return read && { values: [openMessage(read)] };
}

/** Text `asker` or `answerer`, limit or 0, message, items → message, ids needed, ids had. */
export function evaluateReact([role, limitBytes, message, ...list]: Args): Answer | undefined {
  const limit = number(limitBytes, 65_000);
  const read = items(list);
  const name = text(role ?? new Uint8Array());
  if (limit === undefined || message === undefined || read === undefined || (name !== 'asker' && name !== 'answerer')) return undefined;
  if (limit > 0 && limit < 4096) return undefined;
  const reaction = react(read, message, name === 'asker', limit);
  if ('clause' in reaction) return { error: 'E_MALFORMED', clause: reaction.clause };
  const ids = (names: readonly string[]): Uint8Array => concat(...names.map(unhex).sort(compare));
  const said = name === 'asker' && reaction.isDone ? new Uint8Array() : reaction.message;
  return { values: [said, ids(reaction.need), ids(reaction.have)] };
}
