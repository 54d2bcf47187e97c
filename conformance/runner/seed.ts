/** Seeds: one text names a run; every check and every run of a check draws its own from it. */
import { createHash, randomBytes } from 'node:crypto';
import { ToolError } from './problem.ts';

const SEED_TEXT = /^[A-Za-z0-9._-]{1,64}$/;

/** The run's seed: what the user gave, or eight fresh bytes in hexadecimal. Throws E_USAGE on a text that could not be repeated on a command line. */
export function chooseRunSeed(text: string | undefined): string {
  if (text === undefined) return randomBytes(8).toString('hex');
  if (SEED_TEXT.test(text)) return text;
  throw new ToolError('E_USAGE', {
    what: '--seed is not usable',
    expected: '1 to 64 letters, digits, dots, underscores or hyphens',
    found: JSON.stringify(text),
    action: 'give for example --seed 7',
  });
}

export interface DerivedSeed {
  /** 64 hexadecimal digits: seeds the driver. */
  readonly hex: string;
  /** Signed 32 bits: seeds the generator of plans. */
  readonly int32: number;
}

/** A seed that depends on the run's seed and the label only, so that a check gets the same one alone and among others. */
export function deriveSeed(runSeed: string, label: string): DerivedSeed {
  const digest = createHash('sha256').update(`carillon/kit/seed\0${runSeed}\0${label}`).digest();
  return { hex: digest.toString('hex'), int32: digest.readInt32BE(0) };
}
