/** The verdict of a vector check: every case of its file, through the target's Evaluate. */
import type { FailureDetail } from '../report/result.ts';
import type { VectorCheck } from './check.ts';
import { type Executor, faultOf, type VectorOutcome } from './executor.ts';
import { replayCommand } from './failure.ts';
import type { Job } from './job.ts';
import { describeJob, type JobReport, type JobResult, type RunSettings } from './run.ts';

/** Cases quoted in a report; the count of all stands in front. */
const CASES_SHOWN_MAX = 10;

/** Evaluates the file's cases and compares. */
export async function runVectorJob(job: Job, check: VectorCheck, executor: Executor, settings: RunSettings): Promise<JobReport> {
  const startMs = performance.now();
  const report = (verdict: JobResult['verdict'], reason: string | undefined, runs = 0, failure?: FailureDetail): JobReport => ({
    result: {
      ...describeJob(job, settings),
      verdict,
      reason,
      runs,
      durationMs: Math.round(performance.now() - startMs),
      failure,
    },
    traceHash: undefined,
    protocolBroken: false,
  });
  let outcome: VectorOutcome;
  try {
    outcome = await executor.evaluate(check);
  } catch (error) {
    const { kind, message } = faultOf(error);
    if (kind === 'crashed') return report('crashed', message);
    if (kind === 'protocol') return { ...report('crashed', `the target breaks the adapter protocol: ${message}`), protocolBroken: true };
    return report(kind === 'unsupported' ? 'untestable' : 'harnessError', message);
  }
  if (outcome.missingFunctions.length > 0) {
    return report('untestable', `the adapter does not declare Evaluate function ${outcome.missingFunctions.join(', ')}`);
  }
  if (outcome.cases === 0) return report('harnessError', `vectors/${check.file} holds no case of this check`);
  if (outcome.failures.length === 0) return report('passed', undefined, outcome.cases);
  const warned = describeJob(job, settings).keyword === 'SHOULD';
  return report(
    warned ? 'warned' : 'failed',
    warned ? 'a SHOULD that does not hold' : undefined,
    outcome.cases,
    failureOf(job, check, outcome, settings),
  );
}

function failureOf(job: Job, check: VectorCheck, outcome: VectorOutcome, settings: RunSettings): FailureDetail {
  const [first] = outcome.failures;
  const clause = first !== undefined && check.clauses.includes(first.clause) ? first.clause : (check.clauses[0] ?? '');
  const shown = outcome.failures
    .slice(0, CASES_SHOWN_MAX)
    .map((failure) => `${failure.caseId}: expected ${failure.expected}, observed ${failure.observed}`);
  const left = outcome.failures.length - shown.length;
  return {
    clause,
    clauseText: settings.clauseById.get(clause)?.text ?? '',
    expected: first?.expected ?? '',
    observed: `${first?.observed ?? ''} (case ${first?.caseId ?? ''}; ${outcome.failures.length} of ${outcome.cases} cases differ)`,
    stimulus: [`vectors/${check.file}`, ...shown, ...(left > 0 ? [`and ${left} more`] : [])],
    diagram: [],
    traceFile: undefined,
    replay: replayCommand(job, settings),
    seed: settings.seed,
    steps: 1,
    stepsBeforeShrinking: 1,
    flaky: false,
  };
}
