/**
 * The verdict of a plan check: plans from its generator, judged one after the other until one fails;
 * a failure is confirmed twice, then shrunk, then written to a trace file.
 */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import fc from 'fast-check';
import type { Plan } from '../driver/plan.ts';
import { SPEC_VERSION } from '../driver/target.ts';
import type { Trace } from '../driver/trace.ts';
import type { FailureDetail } from '../report/result.ts';
import { type Attempt, attemptPlan } from './attempt.ts';
import type { Finding, PlanCheck } from './check.ts';
import { canonicalJson } from './event-log.ts';
import type { Executor } from './executor.ts';
import { failureDetail } from './failure.ts';
import type { Job } from './job.ts';
import { describeJob, type JobReport, type JobResult, type RunSettings } from './run.ts';
import { isSafetyClause } from './safety.ts';
import { deriveSeed } from './seed.ts';
import { type ShrinkBudget, shrinkPlan } from './shrink.ts';
import { makeTraceFile, writeTraceFile } from './trace-file.ts';

/** Plans per check when it does not say. */
const RUNS_DEFAULT = 5;
const CONFIRMATIONS = 2;
/** Further tries, on the wall clock, to bring about the situation that a check is about: with other plans if there are any. */
const EXERCISE_RETRIES = 2;

const VIRTUAL_BUDGET: ShrinkBudget = { triesMax: 400, elapsedMsMax: 20_000 };
const WALL_BUDGET: ShrinkBudget = { triesMax: 12, elapsedMsMax: 60_000 };
/** Each crash costs a start. */
const CRASH_BUDGET: ShrinkBudget = { triesMax: 24, elapsedMsMax: 30_000 };

type Found = Extract<Attempt, { kind: 'finding' }>;

export interface PlanJobReport {
  readonly report: JobReport;
  /** Of the plans' first executions, in order. */
  readonly traces: readonly Trace[];
}

/** Runs the check's plans until one fails or all have passed. */
export async function runPlanJob(job: Job, check: PlanCheck, executor: Executor, settings: RunSettings): Promise<PlanJobReport> {
  const startMs = performance.now();
  const traces: Trace[] = [];
  let runs = 0;
  const conclude = (conclusion: Conclusion): PlanJobReport => ({
    report: {
      result: {
        ...describeJob(job, settings),
        verdict: conclusion.verdict,
        reason: conclusion.reason,
        runs,
        durationMs: Math.round(performance.now() - startMs),
        failure: conclusion.failure,
      },
      traceHash: undefined,
      protocolBroken: conclusion.protocolBroken ?? false,
    },
    traces,
  });
  let plans: readonly Plan[];
  try {
    plans = samplePlans(check, job, settings);
  } catch (error) {
    return conclude({
      verdict: 'harnessError',
      reason: `no plan could be made: ${error instanceof Error ? error.message : String(error)}`,
    });
  }
  const series = new Series(job, check, executor, settings);
  const variants = new Set<string>();
  let exercised = false;
  for (const [index, plan] of plans.entries()) {
    // On the wall clock one plan is enough; further ones are tried until the situation came about.
    if (job.level === 'wire' && exercised) break;
    let attempt = await series.attempt(plan, index);
    for (let retry = plans.length; executor.wallClock && retry <= EXERCISE_RETRIES && isIdle(attempt); retry++) {
      attempt = await series.attempt(plan, index);
    }
    runs++;
    if ('trace' in attempt) traces.push(attempt.trace);
    if (attempt.kind !== 'clean') {
      const conclusion = await series.conclude(attempt, plan, index);
      // A finding against a MAY is a choice, not a fault.
      if (conclusion.verdict !== 'variant') return conclude(conclusion);
      exercised = true;
      variants.add(conclusion.reason ?? '');
      continue;
    }
    exercised ||= attempt.exercised;
    if (attempt.variant !== undefined) variants.add(attempt.variant);
  }
  if (!exercised)
    return conclude({ verdict: 'untestable', reason: `no run brought the node into the situation of ${check.clauses.join(', ')}` });
  if (variants.size > 0) return conclude({ verdict: 'variant', reason: [...variants].sort().join('; ') });
  return conclude({ verdict: 'passed' });
}

const isIdle = (attempt: Attempt): boolean => attempt.kind === 'clean' && !attempt.exercised;

/** The plans of a check for a run's seed: the same alone and among others. Equal ones are tried once. */
export function samplePlans(
  check: PlanCheck,
  job: Pick<Job, 'level'>,
  settings: Pick<RunSettings, 'seed' | 'runs' | 'runsMax'>,
): readonly Plan[] {
  const wanted = Math.min(settings.runs ?? check.runs ?? RUNS_DEFAULT, settings.runsMax ?? Number.POSITIVE_INFINITY);
  const numRuns = job.level === 'wire' ? 1 + EXERCISE_RETRIES : wanted;
  const plans = fc.sample(check.plans, { seed: deriveSeed(settings.seed, check.id).int32, numRuns });
  return [...new Map(plans.map((plan) => [canonicalJson(plan), plan])).values()];
}

interface Conclusion {
  readonly verdict: JobResult['verdict'];
  readonly reason?: string;
  readonly failure?: FailureDetail;
  readonly protocolBroken?: boolean;
}

/** Executions of one check's plans on one target, with what follows a failure. */
class Series {
  readonly #job: Job;
  readonly #check: PlanCheck;
  readonly #executor: Executor;
  readonly #settings: RunSettings;
  readonly #seed: string;
  // A socket's node remembers what earlier runs did, so that each execution there needs identities of its own.
  readonly #nonce: string | undefined;
  #executions = 0;
  #down = false;

  constructor(job: Job, check: PlanCheck, executor: Executor, settings: RunSettings) {
    this.#job = job;
    this.#check = check;
    this.#executor = executor;
    this.#settings = settings;
    this.#seed = deriveSeed(settings.seed, check.id).hex;
    this.#nonce = job.level === 'wire' ? randomBytes(4).toString('hex') : undefined;
  }

  async attempt(plan: Plan, index: number): Promise<Attempt> {
    if (this.#down) {
      try {
        await this.#executor.restart();
      } catch (error) {
        return {
          kind: 'crashed',
          reason: `the target could not be started again: ${error instanceof Error ? error.message : String(error)}`,
        };
      }
      this.#down = false;
    }
    const attempt = await attemptPlan(this.#check, plan, this.#executor, { seed: this.#seed, runId: this.#runId(index) });
    this.#down = attempt.kind === 'crashed' || attempt.kind === 'protocol';
    return attempt;
  }

  #runId(index: number): string {
    this.#executions++;
    const base = `${this.#check.id}/${index}`;
    return this.#nonce === undefined ? base : `${base}/${this.#nonce}/${this.#executions}`;
  }

  async conclude(attempt: Exclude<Attempt, { kind: 'clean' }>, plan: Plan, index: number): Promise<Conclusion> {
    switch (attempt.kind) {
      case 'crashed':
        return this.#concludeCrash(attempt.reason, plan, index);
      case 'protocol':
        return { verdict: 'crashed', reason: `the target breaks the adapter protocol: ${attempt.reason}`, protocolBroken: true };
      case 'unsupported':
        return { verdict: 'untestable', reason: attempt.reason };
      case 'harness':
        return { verdict: 'harnessError', reason: attempt.reason };
      case 'finding':
        return this.#concludeFinding(attempt, plan, index);
    }
  }

  async #concludeFinding(first: Found, plan: Plan, index: number): Promise<Conclusion> {
    const finding = this.#gravest(first.findings);
    const keyword = this.#keywordOf(finding);
    if (keyword === 'MAY') return { verdict: 'variant', reason: `${finding.clause}: ${finding.observed}` };
    for (let count = 0; count < CONFIRMATIONS; count++) {
      const again = await this.attempt(plan, index);
      if (again.kind === 'crashed') return this.#concludeCrash(again.reason, plan, index);
      if (!this.#repeats(again, finding)) return this.#concludeFlaky(first, finding, again, plan, index);
    }
    let best = { plan, found: first, finding };
    const { plan: smallest } = await shrinkPlan(
      plan,
      async (candidate) => {
        // Twice, so that a candidate is not taken for a finding of chance.
        for (let count = 0; count < 2; count++) {
          const attempt = await this.attempt(candidate, index);
          const same = attempt.kind === 'finding' ? attempt.findings.find((other) => other.clause === finding.clause) : undefined;
          if (attempt.kind !== 'finding' || same === undefined) return false;
          if (count === 1) best = { plan: candidate, found: attempt, finding: same };
        }
        return true;
      },
      this.#executor.wallClock ? WALL_BUDGET : VIRTUAL_BUDGET,
    );
    const failure = this.#detail(best.finding, smallest, best.found.trace, plan, index, false);
    return keyword === 'SHOULD'
      ? { verdict: 'warned', reason: `${finding.clause} is a SHOULD that does not hold`, failure }
      : { verdict: 'failed', failure };
  }

  // On a virtual clock two traces for one plan are a fault by themselves; on the wall clock they may be the machine's.
  #concludeFlaky(first: Found, finding: Finding, other: Attempt, plan: Plan, index: number): Conclusion {
    const otherFile = 'trace' in other ? this.#record(finding, plan, other.trace, index, 'other') : undefined;
    const traces = otherFile === undefined ? '' : `; the run that did not repeat it is in ${otherFile}`;
    const observed = `${finding.observed} The same plan gave two results${traces}.`;
    const failure = this.#detail({ ...finding, observed }, plan, first.trace, plan, index, true);
    if (this.#keywordOf(finding) === 'SHOULD') return { verdict: 'warned', reason: `${finding.clause} does not always hold`, failure };
    if (isSafetyClause(finding.clause) || !this.#executor.wallClock) return { verdict: 'failed', failure };
    return { verdict: 'inconclusive', failure, reason: 'on the wall clock the same plan gave two results' };
  }

  async #concludeCrash(reason: string, plan: Plan, index: number): Promise<Conclusion> {
    const again = await this.attempt(plan, index);
    const repeats = again.kind === 'crashed';
    const smallest = repeats
      ? (await shrinkPlan(plan, async (candidate) => (await this.attempt(candidate, index)).kind === 'crashed', CRASH_BUDGET)).plan
      : plan;
    const finding: Finding = { clause: this.#check.clauses[0] ?? '', expected: 'The target goes on.', observed: reason };
    return { verdict: 'crashed', reason, failure: this.#detail(finding, smallest, undefined, plan, index, !repeats) };
  }

  #repeats(attempt: Attempt, finding: Finding): boolean {
    return attempt.kind === 'finding' && attempt.findings.some((other) => other.clause === finding.clause);
  }

  #gravest(findings: Found['findings']): Finding {
    const order = ['MUST', 'SHOULD', 'MAY'];
    return findings.reduce((gravest, finding) =>
      order.indexOf(this.#keywordOf(finding)) < order.indexOf(this.#keywordOf(gravest)) ? finding : gravest,
    );
  }

  #keywordOf(finding: Finding): 'MUST' | 'SHOULD' | 'MAY' {
    if (this.#check.keyword === 'SHOULD') return 'SHOULD';
    const keyword = this.#settings.clauseById.get(finding.clause)?.keyword ?? 'MUST';
    return keyword === 'MAY' ? 'MAY' : keyword.startsWith('SHOULD') ? 'SHOULD' : 'MUST';
  }

  #detail(finding: Finding, plan: Plan, trace: Trace | undefined, original: Plan, index: number, flaky: boolean): FailureDetail {
    const traceFile = this.#record(finding, plan, trace, index, undefined);
    return failureDetail(this.#job, this.#settings, {
      finding,
      plan,
      trace,
      stepsBeforeShrinking: original.steps.length,
      flaky,
      traceFile,
    });
  }

  #record(finding: Finding, plan: Plan, trace: Trace | undefined, index: number, suffix: string | undefined): string | undefined {
    const { traceDir } = this.#settings;
    if (traceDir === undefined || this.#job.level === 'vectors') return undefined;
    const path = join(traceDir, `${this.#check.id}.${this.#job.level}${suffix === undefined ? '' : `.${suffix}`}.jsonl`);
    const origin = {
      check: this.#check.id,
      spec: SPEC_VERSION,
      level: this.#job.level,
      seed: this.#seed,
      runId: this.#nonce === undefined ? `${this.#check.id}/${index}` : `${this.#check.id}/${index}/${this.#nonce}/${this.#executions}`,
    };
    writeTraceFile(path, makeTraceFile(origin, plan, finding, trace));
    return path;
  }
}
