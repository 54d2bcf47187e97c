/** Checks of vector files: one for each clause, so that a failing case names what it breaks. */
import type { VectorCheck } from '../runner/check.ts';
import { clausesOf } from './file.ts';
import { loadVectorFile } from './load.ts';

/** A check of the cases of a file whose main clause is among those named. */
export interface VectorCheckSpec {
  readonly id: string;
  /** What is shown, as a sentence. */
  readonly title: string;
  /** Path below `vectors/`. */
  readonly file: string;
  /** Main clause first; it gives the check its chapter. */
  readonly clauses: readonly string[];
}

/** The check itself. The file is read when its cases are asked for, not before. Asking throws a RangeError when there are none. */
export function vectorCheck({ id, title, file, clauses }: VectorCheckSpec): VectorCheck {
  return {
    kind: 'vector',
    id,
    title,
    file,
    clauses,
    get cases(): readonly string[] {
      return caseIds(file, clauses);
    },
  };
}

function caseIds(path: string, clauses: readonly string[]): readonly string[] {
  const file = loadVectorFile(path);
  const ids = file.cases.filter((one) => clauses.includes(clausesOf(file, one)[0] ?? '')).map((one) => one.id);
  if (ids.length === 0) throw new RangeError(`vectors/${path} has no case of ${clauses.join(', ')}`);
  return ids;
}
