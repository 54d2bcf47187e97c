/**
 * Peeling: the asker's symbols against the answerer's leave the symbols of the differences; one that
 * holds a single difference names it, and taking that out of its other symbols may lay bare the next.
 * Every loop has a bound, whatever the answerer sent.
 */
import { type CodedSymbols, emptySymbols } from './coded-symbols.ts';
import { advanceWalk, startWalk, type Walk } from './mapping.ts';
import { type SaltedSet, Salter, ShortIdIndex, shortKey } from './salted-set.ts';
import { SymbolStream } from './stream.ts';

/** A difference: a short id, and whether the answerer has it (1) or the asker (-1). */
export interface Difference {
  readonly low: number;
  readonly high: number;
  readonly sign: 1 | -1;
}

/** How a decoder stands: `decoded` and `failed` are ends. */
export type DecoderStanding = 'more' | 'decoded' | 'failed';

interface Peeled extends Difference {
  readonly checkLow: number;
  readonly checkHigh: number;
  readonly walk: Walk;
}

/** Bounds of one decoding. */
export interface DecoderBounds {
  /** `reconcile.steps_per_symbol`: how often a difference may be taken out of a symbol, for each symbol that came. */
  readonly stepsPerSymbol: number;
}

/** Finds the differences between an asker's set and the answerer's symbols, batch by batch. Spec: RCN-030 to RCN-034 */
export class Decoder {
  readonly #salter: Salter;
  readonly #own: SymbolStream;
  readonly #ownIndex: ShortIdIndex;
  readonly #bounds: DecoderBounds;
  readonly #peeled: Peeled[] = [];
  readonly #seen = new Set<string>();
  #symbols: CodedSymbols = emptySymbols(0);
  #size = 0;
  #steps = 0;
  /** Symbols that may have become those of a single difference. */
  readonly #touched: number[] = [];
  #standing: DecoderStanding = 'more';
  #spread = 0;
  #variance = 0;
  #balance = 0;

  constructor(salt: Uint8Array, own: SaltedSet, bounds: DecoderBounds) {
    this.#salter = new Salter(salt);
    this.#own = new SymbolStream(own);
    this.#bounds = bounds;
    this.#ownIndex = new ShortIdIndex(own);
  }

  /** Symbols taken so far. */
  get size(): number {
    return this.#size;
  }

  get standing(): DecoderStanding {
    return this.#standing;
  }

  /** How often a difference was put into or taken out of a symbol. */
  get steps(): number {
    return this.#steps;
  }

  /** The differences found so far; all of them once `decoded`. */
  get differences(): readonly Difference[] {
    return this.#peeled;
  }

  /**
   * How many differences there are, from the counts: those of symbol i spread around their mean with
   * the variance p(1 − p) a difference. Right to about a quarter after 32 symbols, better with more.
   */
  get estimate(): number {
    if (this.#standing === 'decoded') return this.#peeled.length;
    const spread = this.#variance === 0 ? 0 : this.#spread / this.#variance;
    return Math.max(1, Math.abs(this.#balance), Math.round(spread), this.#peeled.length);
  }

  /** Takes the answerer's next symbols. */
  add(theirs: CodedSymbols): DecoderStanding {
    if (this.#standing !== 'more') return this.#standing;
    const first = this.#size;
    this.#grow(theirs.size);
    const { symbols: own } = this.#own.take(theirs.size);
    const symbols = this.#symbols;
    for (let at = 0; at < theirs.size; at++) {
      const to = first + at;
      symbols.sumLow[to] = (theirs.sumLow[at] as number) ^ (own.sumLow[at] as number);
      symbols.sumHigh[to] = (theirs.sumHigh[at] as number) ^ (own.sumHigh[at] as number);
      symbols.checkLow[to] = (theirs.checkLow[at] as number) ^ (own.checkLow[at] as number);
      symbols.checkHigh[to] = (theirs.checkHigh[at] as number) ^ (own.checkHigh[at] as number);
      symbols.count[to] = (theirs.count[at] as number) - (own.count[at] as number);
      this.#measure(to);
    }
    for (const one of this.#peeled) this.#takeOut(one);
    this.#peel(first);
    return this.#standing;
  }

  #grow(count: number): void {
    const size = this.#size + count;
    const grown = emptySymbols(size);
    for (const key of ['sumLow', 'sumHigh', 'checkLow', 'checkHigh', 'count'] as const) grown[key].set(this.#symbols[key]);
    this.#symbols = grown;
    this.#size = size;
  }

  #measure(index: number): void {
    const count = this.#symbols.count[index] as number;
    if (index === 0) {
      this.#balance = count;
      return;
    }
    const chance = 2 / (index + 2);
    this.#spread += (count - chance * this.#balance) ** 2;
    this.#variance += chance * (1 - chance);
  }

  /** Takes a difference out of every symbol from where its walk stands. */
  #takeOut(one: Peeled): void {
    const s = this.#symbols;
    for (; one.walk.index < this.#size; advanceWalk(one.walk)) {
      const at = one.walk.index;
      s.sumLow[at] = (s.sumLow[at] as number) ^ one.low;
      s.sumHigh[at] = (s.sumHigh[at] as number) ^ one.high;
      s.checkLow[at] = (s.checkLow[at] as number) ^ one.checkLow;
      s.checkHigh[at] = (s.checkHigh[at] as number) ^ (one.checkHigh & 0xffff);
      s.count[at] = (s.count[at] as number) - one.sign;
      this.#steps += 1;
      this.#touched.push(at);
    }
  }

  #peel(first: number): void {
    const stack = this.#touched;
    for (let at = this.#size - 1; at >= first; at--) stack.push(at);
    const stepsMax = this.#bounds.stepsPerSymbol * this.#size;
    for (let at = stack.pop(); at !== undefined; at = stack.pop()) {
      const found = this.#pureAt(at);
      if (found === undefined) continue;
      const key = shortKey(found.low, found.high);
      // What is named twice, or on the wrong side, was never in order: peeling it would go round in circles.
      const isOwn = this.#ownIndex.find(found.low, found.high) !== undefined;
      if (this.#seen.has(key) || isOwn !== (found.sign === -1) || this.#peeled.length >= this.#size || this.#steps > stepsMax) {
        this.#standing = 'failed';
        return;
      }
      this.#seen.add(key);
      this.#peeled.push(found);
      this.#takeOut(found);
    }
    if (this.#isEmpty(0)) this.#standing = 'decoded';
  }

  #pureAt(at: number): Peeled | undefined {
    const { sumLow, sumHigh, checkLow, checkHigh, count } = this.#symbols;
    const sign = count[at];
    if (sign !== 1 && sign !== -1) return undefined;
    const low = sumLow[at] as number;
    const high = sumHigh[at] as number;
    if (low === 0 && high === 0) return undefined;
    const check = this.#salter.checksum(low, high);
    if (check.low !== checkLow[at] || (check.high & 0xffff) !== checkHigh[at]) return undefined;
    return { low, high, sign, checkLow: check.low, checkHigh: check.high, walk: startWalk(check.low, check.high) };
  }

  #isEmpty(at: number): boolean {
    const { sumLow, sumHigh, checkLow, checkHigh, count } = this.#symbols;
    return sumLow[at] === 0 && sumHigh[at] === 0 && checkLow[at] === 0 && checkHigh[at] === 0 && count[at] === 0;
  }
}
