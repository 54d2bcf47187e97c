/** Runs the cases of a vector file against whatever answers Evaluate. */
import { hex, unhex } from '../model/bytes.ts';
import { clausesOf, type VectorCase, type VectorFile } from './file.ts';

/** What Evaluate answered. */
export type EvaluateAnswer =
  | { readonly values: readonly Uint8Array[] }
  | { readonly error: string }
  | { readonly unsupported: string }
  | { readonly refused: string };

/** One function on one input, at a target or in the model. */
export type EvaluateFunction = (name: string, args: readonly Uint8Array[]) => Promise<EvaluateAnswer>;

/** What came of one case. `clause` is the one that a wrong answer breaks. */
export interface CaseResult {
  readonly caseId: string;
  readonly clause: string;
  readonly clauses: readonly string[];
  /** `unsupported`: the target does not do the function; the case is neither passed nor failed. */
  readonly verdict: 'passed' | 'failed' | 'unsupported';
  /** In the words of the file: values in hexadecimal, an error's name. */
  readonly expected: string;
  readonly observed: string;
}

/** Bytes of a value that a message quotes. */
const VALUE_BYTES_SHOWN_MAX = 80;

/**
 * Evaluates all cases of the file in their order, or those whose ids are given, and compares. Throws a RangeError for an
 * id that the file does not hold.
 */
export async function runVectorFile(
  evaluate: EvaluateFunction,
  file: VectorFile,
  caseIds?: readonly string[],
): Promise<readonly CaseResult[]> {
  const unknown = caseIds?.filter((id) => !file.cases.some((one) => one.id === id)) ?? [];
  if (unknown.length > 0) throw new RangeError(`no case is called ${unknown.join(', ')}`);
  const wanted = caseIds === undefined ? undefined : new Set(caseIds);
  const results: CaseResult[] = [];
  for (const one of file.cases) {
    if (wanted !== undefined && !wanted.has(one.id)) continue;
    results.push(compareAnswer(file, one, await evaluate(file.function, one.args.map(unhex))));
  }
  return results;
}

function compareAnswer(file: VectorFile, one: VectorCase, answer: EvaluateAnswer): CaseResult {
  const clauses = clausesOf(file, one);
  const expected = describe(one.error === undefined ? { values: (one.values ?? []).map(unhex) } : { error: one.error });
  const observed = describe(answer);
  const result = { caseId: one.id, clause: clauses[0] ?? '', clauses, expected: shorten(expected), observed: shorten(observed) };
  if ('unsupported' in answer) return { ...result, verdict: 'unsupported' };
  const right = observed === expected || ('refused' in answer && one.mayRefuse === true);
  return { ...result, verdict: right ? 'passed' : 'failed' };
}

/** Two answers are the same when their descriptions are. */
function describe(answer: EvaluateAnswer): string {
  if ('values' in answer) return `values [${answer.values.map(hex).join(', ')}]`;
  if ('error' in answer) return answer.error;
  return 'refused' in answer ? `refused: ${answer.refused}` : `unsupported: ${answer.unsupported}`;
}

function shorten(description: string): string {
  return description.replace(new RegExp(`[0-9a-f]{${2 * VALUE_BYTES_SHOWN_MAX + 1},}`, 'g'), (digits) => {
    return `${digits.slice(0, 2 * VALUE_BYTES_SHOWN_MAX)}… (${digits.length / 2} bytes)`;
  });
}
