/**
 * Carries out jobs on executors, several at a time, and gives each its verdict. What a check's verdict
 * is depends on the run's seed and the target only, never on which jobs run beside it.
 */
import { createHash } from 'node:crypto';
import type { Clause } from '../clauses/spec.ts';
import type { CheckLine } from '../report/result.ts';
import { hashTrace } from './event-log.ts';
import type { Executor } from './executor.ts';
import { type Job, LEVELS, type Level } from './job.ts';
import { runPlanJob } from './plan-job.ts';
import { runVectorJob } from './vector-job.ts';

/** A job's result before the baseline and the required set are applied. */
export type JobResult = Omit<CheckLine, 'baseline' | 'required'>;

export interface RunSettings {
  readonly seed: string;
  /** Plans per check, instead of the check's own number. */
  readonly runs?: number | undefined;
  /** At most so many plans per check. */
  readonly runsMax?: number | undefined;
  /** Wall-clock seconds after which no further job is begun. */
  readonly timeLimitS?: number | undefined;
  /** Where trace files of failures go; none are written if absent. */
  readonly traceDir?: string | undefined;
  readonly clauseById: ReadonlyMap<string, Clause>;
  /** Flags of a replay command that reach the same target, for example ` --exec "./node"`. */
  readonly targetFlags: Readonly<Partial<Record<Level, string>>>;
}

export interface RunOutcome {
  /** In the order of the jobs. */
  readonly results: readonly JobResult[];
  /** SHA-256 of each job's traces at level adapter, in the order of the jobs. */
  readonly eventHashes: readonly { readonly job: Job; readonly hash: string }[];
  /** SHA-256 over `eventHashes`. */
  readonly eventLogHash: string;
  /** Whether the target broke the adapter protocol on the way. */
  readonly protocolBroken: boolean;
}

export interface JobReport {
  readonly result: JobResult;
  readonly traceHash: string | undefined;
  readonly protocolBroken: boolean;
}

/** Runs every job once. Executors of one level share its jobs; each runs one at a time. `onDone` hears of results as they come. */
export async function runJobs(
  jobs: readonly Job[],
  executors: readonly Executor[],
  settings: RunSettings,
  onDone: (result: JobResult) => void = () => {},
): Promise<RunOutcome> {
  const startMs = performance.now();
  const reports = new Map<Job, JobReport>();
  const queues = new Map<Level, Job[]>(LEVELS.map((level) => [level, jobs.filter((job) => job.level === level)]));
  const late = (): boolean => settings.timeLimitS !== undefined && performance.now() - startMs >= settings.timeLimitS * 1000;
  const next = (executor: Executor): Job | undefined => {
    for (const level of executor.levels) {
      const job = queues.get(level)?.shift();
      if (job !== undefined) return job;
    }
    return undefined;
  };
  const keep = (job: Job, report: JobReport): void => {
    reports.set(job, report);
    onDone(report.result);
  };
  await Promise.all(
    executors.map(async (executor) => {
      let down: string | undefined;
      for (let job = next(executor); job !== undefined; job = next(executor)) {
        if (late())
          keep(job, notRun(job, settings, 'inconclusive', `the time limit of ${settings.timeLimitS} s was reached before this check`));
        else if (down !== undefined) keep(job, notRun(job, settings, 'crashed', down));
        else {
          const report = await runJob(job, executor, settings);
          keep(job, report);
          if (report.result.verdict === 'crashed') down = await revive(executor);
        }
      }
    }),
  );
  // Jobs of a level that no executor serves were asked for and cannot be exercised.
  for (const job of jobs) {
    if (!reports.has(job)) keep(job, notRun(job, settings, 'untestable', `there is no target for level ${job.level}`));
  }
  const inOrder = jobs.map((job) => reports.get(job)).filter((report) => report !== undefined);
  const eventHashes = jobs.flatMap((job) => {
    const hash = reports.get(job)?.traceHash;
    return hash === undefined ? [] : [{ job, hash }];
  });
  const total = createHash('sha256');
  for (const { job, hash } of eventHashes) total.update(`${hash} ${job.check.id}\n`);
  return {
    results: inOrder.map((report) => report.result),
    eventHashes,
    eventLogHash: total.digest('hex'),
    protocolBroken: inOrder.some((report) => report.protocolBroken),
  };
}

async function runJob(job: Job, executor: Executor, settings: RunSettings): Promise<JobReport> {
  const lacking = (job.check.needs ?? []).filter((capability) => !executor.capabilities.has(capability));
  if (lacking.length > 0) return notRun(job, settings, 'notApplicable', `the target does not declare ${lacking.join(', ')}`);
  if (job.check.kind === 'vector') return runVectorJob(job, job.check, executor, settings);
  const { report, traces } = await runPlanJob(job, job.check, executor, settings);
  return { ...report, traceHash: job.level === 'adapter' && traces.length > 0 ? hashTrace(traces) : undefined };
}

// Says why the target stays down, so that what follows is not blamed on it one check at a time.
async function revive(executor: Executor): Promise<string | undefined> {
  try {
    await executor.restart();
    return undefined;
  } catch (error) {
    return `the target could not be started again: ${error instanceof Error ? error.message : String(error)}`;
  }
}

function notRun(job: Job, settings: RunSettings, verdict: CheckLine['verdict'], reason: string): JobReport {
  return {
    result: { ...describeJob(job, settings), verdict, reason, runs: 0, durationMs: 0, failure: undefined },
    traceHash: undefined,
    protocolBroken: false,
  };
}

/** The fields of a result that are known before the job runs. */
export function describeJob(
  job: Job,
  settings: RunSettings,
): Pick<JobResult, 'type' | 'id' | 'title' | 'level' | 'chapter' | 'clauses' | 'keyword'> {
  const { check, level, chapter } = job;
  const main = settings.clauseById.get(check.clauses[0] ?? '');
  const keyword = check.keyword ?? (main?.keyword.startsWith('SHOULD') ? 'SHOULD' : 'MUST');
  return { type: 'check', id: check.id, title: check.title, level, chapter, clauses: check.clauses, keyword };
}
