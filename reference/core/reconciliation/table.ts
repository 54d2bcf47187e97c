/**
 * A table of a fixed number of cells, each item in one cell of each quarter: the capability `iblt/1`.
 * It decodes or it does not; a larger one under another salt is the only second try.
 */
import { type CodedSymbols, emptySymbols, toggle } from './coded-symbols.ts';
import type { Difference } from './decoder.ts';
import { multiplyState, startWalk } from './mapping.ts';
import { type SaltedSet, Salter, ShortIdIndex, shortKey } from './salted-set.ts';

/** Cells that hold an item. */
export const TABLE_HASHES = 4;

/** The cells of one item: one in each quarter of the table. Spec: RCN-060 */
export function cellsOf(checkLow: number, checkHigh: number, cells: number): readonly number[] {
  const quarter = cells / TABLE_HASHES;
  const walk = startWalk(checkLow, checkHigh);
  const places: number[] = [];
  for (let part = 0; part < TABLE_HASHES; part++) {
    multiplyState(walk);
    places.push(part * quarter + Math.floor((walk.high * quarter) / 2 ** 32));
  }
  return places;
}

/** The table of a set; `cells` is a multiple of 4. Spec: RCN-060 */
export function makeTable(set: SaltedSet, cells: number): CodedSymbols {
  const table = emptySymbols(cells);
  for (let at = 0; at < set.size; at++) {
    const item = {
      low: set.shortLow[at] as number,
      high: set.shortHigh[at] as number,
      checkLow: set.checkLow[at] as number,
      checkHigh: set.checkHigh[at] as number,
    };
    for (const cell of cellsOf(item.checkLow, item.checkHigh, cells)) toggle(table, cell, item, 1);
  }
  return table;
}

/**
 * The differences between an asker's set and the answerer's table, or undefined when the table does
 * not decode: cells are left over, or a difference is named twice or on the wrong side. Spec: RCN-063
 */
export function decodeTable(salt: Uint8Array, own: SaltedSet, theirs: CodedSymbols): readonly Difference[] | undefined {
  const cells = theirs.size;
  const salter = new Salter(salt);
  const index = new ShortIdIndex(own);
  const table = makeTable(own, cells);
  for (let at = 0; at < cells; at++) {
    for (const key of ['sumLow', 'sumHigh', 'checkLow', 'checkHigh'] as const) {
      table[key][at] = (table[key][at] as number) ^ (theirs[key][at] as number);
    }
    table.count[at] = (theirs.count[at] as number) - (table.count[at] as number);
  }

  const found: Difference[] = [];
  const seen = new Set<string>();
  const stack = Array.from({ length: cells }, (_, at) => at);
  for (let at = stack.pop(); at !== undefined; at = stack.pop()) {
    const sign = table.count[at];
    if (sign !== 1 && sign !== -1) continue;
    const low = table.sumLow[at] as number;
    const high = table.sumHigh[at] as number;
    if (low === 0 && high === 0) continue;
    const { low: checkLow, high: checkHigh } = salter.checksum(low, high);
    if (checkLow !== table.checkLow[at] || (checkHigh & 0xffff) !== table.checkHigh[at]) continue;
    const key = shortKey(low, high);
    const isOwn = index.find(low, high) !== undefined;
    if (seen.has(key) || isOwn !== (sign === -1) || found.length >= cells) return undefined;
    seen.add(key);
    found.push({ low, high, sign });
    for (const cell of cellsOf(checkLow, checkHigh, cells)) {
      toggle(table, cell, { low, high, checkLow, checkHigh }, -sign);
      stack.push(cell);
    }
  }
  const left = (['sumLow', 'sumHigh', 'checkLow', 'checkHigh', 'count'] as const).some((key) => table[key].some((value) => value !== 0));
  return left ? undefined : found;
}
