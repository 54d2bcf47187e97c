/** All checks in one list, held against the spec: ids are unique, clauses exist, kinds are complete. */
import type { Clause } from '../clauses/spec.ts';
import type { Check } from './check.ts';
import { type Job, levelsOf } from './job.ts';
import { ToolError } from './problem.ts';

/** What a suite file exports, with the file's name for error messages. */
export interface Suite {
  readonly file: string;
  readonly checks: readonly Check[];
}

export interface Registry {
  /** In the order of the suites; the order of everything that is shown or hashed. */
  readonly checks: readonly Check[];
  readonly jobs: readonly Job[];
  readonly checkById: ReadonlyMap<string, Check>;
  readonly clauseById: ReadonlyMap<string, Clause>;
}

const CHECK_ID = /^[a-z0-9]+(?:[.-][a-z0-9]+)+$/;

/** Collects the suites' checks. Throws E_HARNESS that names every fault: they are the kit's own. */
export function buildRegistry(suites: readonly Suite[], clauses: readonly Clause[]): Registry {
  const clauseById = new Map(clauses.map((clause) => [clause.id, clause]));
  const checkById = new Map<string, Check>();
  const jobs: Job[] = [];
  const faults: string[] = [];
  for (const { file, checks } of suites) {
    for (const check of checks) {
      faults.push(...faultsOf(check, clauseById).map((fault) => `${file}: ${check.id}: ${fault}`));
      if (checkById.has(check.id)) faults.push(`${file}: ${check.id}: the id is used twice`);
      checkById.set(check.id, check);
      const chapter = clauseById.get(check.clauses[0] ?? '')?.chapter ?? '00';
      for (const level of levelsOf(check)) jobs.push({ check, level, chapter });
    }
  }
  if (faults.length > 0) {
    throw new ToolError('E_HARNESS', {
      what: 'the suites are not in order',
      expected: 'unique ids, clauses of the spec, and at least one level a check',
      found: faults.join(' | '),
      action: 'correct the suites',
    });
  }
  return { checks: [...checkById.values()], jobs, checkById, clauseById };
}

function faultsOf(check: Check, clauseById: ReadonlyMap<string, Clause>): string[] {
  const faults: string[] = [];
  if (!CHECK_ID.test(check.id)) faults.push('the id is not of the form noun.what.how');
  if (check.title.trim() === '') faults.push('there is no title');
  if (check.clauses.length === 0) faults.push('no clause is named');
  for (const clause of check.clauses) {
    if (!clauseById.has(clause)) faults.push(`clause ${clause} is not in the spec`);
  }
  if (levelsOf(check).length === 0) faults.push('no level is named');
  if (check.kind === 'plan' && check.runs !== undefined && !(Number.isInteger(check.runs) && check.runs > 0)) {
    faults.push('runs is not a positive integer');
  }
  return faults;
}
