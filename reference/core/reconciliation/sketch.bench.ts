/** What a sketch costs its answerer, and what decoding costs its asker. */
import { bench, describe } from 'vitest';
import { createRng } from '../rng.ts';
import { Decoder } from './decoder.ts';
import { Salter } from './salted-set.ts';
import { SymbolStream } from './stream.ts';

const rng = createRng(new Uint8Array([1]));
const salt = rng.bytes(16);
const salter = new Salter(salt);
const shared = Array.from({ length: 10_000 }, () => rng.bytes(32));
const salted = salter.saltAll(shared);

describe('answering from 10,000 items', () => {
  bench('short ids and checksums', () => {
    salter.saltAll(shared);
  });
  bench('the first 32 symbols', () => {
    new SymbolStream(salted).take(32);
  });
  bench('1,500 symbols', () => {
    new SymbolStream(salted).take(1500);
  });
});

describe('decoding', () => {
  for (const differences of [10, 100, 1000]) {
    const theirs = salter.saltAll([...shared, ...Array.from({ length: differences }, () => rng.bytes(32))]);
    const symbols = new SymbolStream(theirs).take(2 * differences + 32).symbols;
    bench(`${differences} differences`, () => {
      new Decoder(salt, salted, { stepsPerSymbol: 64 }).add(symbols);
    });
  }
});
