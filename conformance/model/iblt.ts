/** Tables of a fixed number of cells, four for each item. Spec: chapter 07, Tables. */
import { readLe } from './bytes.ts';
import { type CodedSymbol, checksum, type Decoding, EMPTY_SYMBOL, isEmpty, minus, nextState, peel, shortId, withShort } from './riblt.ts';

/** The cells of a short id, one in each quarter. Spec: RCN-060. */
export function cellsOf(salt: Uint8Array, short: Uint8Array, cells: number): number[] {
  const quarter = BigInt(cells / 4);
  let state = readLe(checksum(salt, short));
  return [0n, 1n, 2n, 3n].map((part) => {
    state = nextState(state);
    return Number(part * quarter + ((state >> 32n) * quarter) / 2n ** 32n);
  });
}

/** The cells of a set. Spec: RCN-060. */
export function tableOf(salt: Uint8Array, ids: readonly Uint8Array[], cells: number): CodedSymbol[] {
  const table = new Array<CodedSymbol>(cells).fill(EMPTY_SYMBOL);
  for (const short of ids.map((id) => shortId(salt, id))) {
    for (const at of cellsOf(salt, short, cells)) table[at] = withShort(table[at] as CodedSymbol, salt, short, 1);
  }
  return table;
}

/** Expected counts of cells. Spec: RCN-062. */
export function expectedInTable(size: number, cells: number): () => number {
  return () => Math.floor((4 * size) / cells);
}

/** The differences between an asker's ids and the answerer's table; `more` means that it does not decode. Spec: RCN-063. */
export function decodeTable(salt: Uint8Array, own: readonly Uint8Array[], theirs: readonly CodedSymbol[]): Decoding {
  const differences = minus(theirs, tableOf(salt, own, theirs.length));
  return peel(
    salt,
    own,
    differences,
    (short) => cellsOf(salt, short, theirs.length),
    (table) => table.every(isEmpty),
  );
}
