/** What a report says about a failed check: the clause, the smallest stimulus, what was expected and seen, and how to see it again. */
import { relative, resolve } from 'node:path';
import type { Plan } from '../driver/plan.ts';
import type { Trace } from '../driver/trace.ts';
import type { FailureDetail } from '../report/result.ts';
import type { Finding } from './check.ts';
import { describePlan, drawDiagram } from './describe.ts';
import type { Job } from './job.ts';
import type { RunSettings } from './run.ts';

/** How a user starts the kit: through npm beside its sources, by its name when installed. */
export const COMMAND_PREFIX: string = import.meta.url.endsWith('.ts') ? 'npm run -s carillon --' : 'npx carillon';

/** A command line that runs the check again, from its trace file if there is one. */
export function replayCommand(job: Job, settings: RunSettings, traceFile?: string): string {
  const target = settings.targetFlags[job.level] ?? '';
  if (traceFile !== undefined) return `${COMMAND_PREFIX} replay ${quote(traceFile)}${target}`;
  return `${COMMAND_PREFIX} conform --only ${job.check.id} --level ${job.level} --seed ${settings.seed}${target}`;
}

/** Text as one word of a shell's command line. */
export function quote(text: string): string {
  return /^[A-Za-z0-9_./:@=+-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

/** A path as a user in the working directory would write it. */
export function shownPath(path: string): string {
  const short = relative(process.cwd(), path);
  return short.startsWith('..') ? resolve(path) : short;
}

export interface FailureParts {
  readonly finding: Finding;
  readonly plan: Plan;
  readonly trace: Trace | undefined;
  readonly stepsBeforeShrinking: number;
  readonly flaky: boolean;
  /** Path of the trace file, if one was written. */
  readonly traceFile: string | undefined;
}

/** The report's part of a failure. */
export function failureDetail(job: Job, settings: RunSettings, parts: FailureParts): FailureDetail {
  const { finding, plan, trace } = parts;
  const traceFile = parts.traceFile === undefined ? undefined : shownPath(parts.traceFile);
  return {
    clause: finding.clause,
    clauseText: settings.clauseById.get(finding.clause)?.text ?? '',
    expected: finding.expected,
    observed: finding.observed,
    stimulus: describePlan(plan),
    diagram: trace === undefined ? [] : drawDiagram(trace, finding.at),
    traceFile,
    replay: replayCommand(job, settings, traceFile),
    seed: settings.seed,
    steps: plan.steps.length,
    stepsBeforeShrinking: parts.stepsBeforeShrinking,
    flaky: parts.flaky,
  };
}
