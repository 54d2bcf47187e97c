/** The coded symbols of a set, window by window: each window goes on where the last one ended. */
import { type CodedSymbols, emptySymbols } from './coded-symbols.ts';
import { advanceWalk, startWalk, type Walk } from './mapping.ts';
import type { SaltedSet } from './salted-set.ts';

/** One set's endless list of coded symbols. Memory: 40 bytes an item. */
export class SymbolStream {
  readonly #set: SaltedSet;
  readonly #low: Uint32Array;
  readonly #high: Uint32Array;
  readonly #index: Float64Array;
  #next = 0;

  constructor(set: SaltedSet) {
    this.#set = set;
    this.#low = set.checkLow.slice();
    this.#high = set.checkHigh.slice();
    this.#index = new Float64Array(set.size);
  }

  /** Index of the first symbol that was not taken yet. */
  get next(): number {
    return this.#next;
  }

  /** The next `count` symbols, and how many times an item was put into one. */
  take(count: number): { readonly symbols: CodedSymbols; readonly steps: number } {
    const { size, shortLow, shortHigh, checkLow, checkHigh } = this.#set;
    const symbols = emptySymbols(count);
    const end = this.#next + count;
    const walk: Walk = startWalk(0, 0);
    let steps = 0;
    for (let item = 0; item < size; item++) {
      walk.index = this.#index[item] as number;
      if (walk.index >= end) continue;
      walk.low = this.#low[item] as number;
      walk.high = this.#high[item] as number;
      do {
        const at = walk.index - this.#next;
        symbols.sumLow[at] = (symbols.sumLow[at] as number) ^ (shortLow[item] as number);
        symbols.sumHigh[at] = (symbols.sumHigh[at] as number) ^ (shortHigh[item] as number);
        symbols.checkLow[at] = (symbols.checkLow[at] as number) ^ (checkLow[item] as number);
        symbols.checkHigh[at] = (symbols.checkHigh[at] as number) ^ ((checkHigh[item] as number) & 0xffff);
        symbols.count[at] = (symbols.count[at] as number) + 1;
        steps += 1;
        advanceWalk(walk);
      } while (walk.index < end);
      this.#low[item] = walk.low;
      this.#high[item] = walk.high;
      this.#index[item] = walk.index;
    }
    this.#next = end;
    return { symbols, steps };
  }
}
