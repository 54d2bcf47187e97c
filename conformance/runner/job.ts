/** A job: one check at one level, the unit that is selected, run, scored and reported. */
import type { Check } from './check.ts';

export const LEVELS = ['vectors', 'adapter', 'wire'] as const;
export type Level = (typeof LEVELS)[number];

export interface Job {
  readonly check: Check;
  readonly level: Level;
  /** Two digits, of the check's main clause. */
  readonly chapter: string;
}

/** Names a job among all: the check's id, and the level behind an `@`. */
export function jobName(job: { readonly check: { readonly id: string }; readonly level: Level }): string {
  return `${job.check.id}@${job.level}`;
}

/** The levels at which a check can run, cheapest first. */
export function levelsOf(check: Check): readonly Level[] {
  return check.kind === 'vector' ? ['vectors'] : LEVELS.filter((level) => level !== 'vectors' && check.levels.includes(level));
}
