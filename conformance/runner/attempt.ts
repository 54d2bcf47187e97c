/** One execution of one plan and what its judge says, with every way in which it can end. Never throws. */
import type { Plan } from '../driver/plan.ts';
import type { Trace } from '../driver/trace.ts';
import type { Finding, Judgement, PlanCheck } from './check.ts';
import { type ExecuteOptions, type Executor, type FaultKind, faultOf } from './executor.ts';

export type Attempt =
  | { readonly kind: 'clean'; readonly trace: Trace; readonly exercised: boolean; readonly variant: string | undefined }
  | { readonly kind: 'finding'; readonly trace: Trace; readonly findings: readonly [Finding, ...Finding[]] }
  | { readonly kind: FaultKind; readonly reason: string };

/** Longest time that an execution may take apart from the time that the plan itself asks for. */
const EXECUTION_MS_MAX = 60_000;

/** Executes and judges. A target that does not come back in time counts as crashed; a judge that throws or names a foreign clause is the kit's fault. */
export async function attemptPlan(check: PlanCheck, plan: Plan, executor: Executor, options: ExecuteOptions): Promise<Attempt> {
  let trace: Trace;
  try {
    const missing = executor.preflight(plan);
    if (missing !== undefined) return { kind: 'unsupported', reason: missing };
    trace = await withinTime(executor.execute(plan, options), EXECUTION_MS_MAX + (executor.wallClock ? 2 * plannedMs(plan) : 0));
  } catch (error) {
    const { kind, message } = faultOf(error);
    return { kind, reason: message };
  }
  return judgeTrace(check, trace);
}

/** What the check's judge makes of a trace. */
export function judgeTrace(check: PlanCheck, trace: Trace): Attempt {
  let judgement: Judgement;
  try {
    judgement = check.judge(trace);
  } catch (error) {
    return { kind: 'harness', reason: `the judge of ${check.id} threw: ${error instanceof Error ? error.message : String(error)}` };
  }
  const foreign = judgement.findings.find((finding) => !check.clauses.includes(finding.clause));
  if (foreign !== undefined)
    return { kind: 'harness', reason: `the judge of ${check.id} named ${foreign.clause}, which is not one of its clauses` };
  const [first, ...others] = judgement.findings;
  if (first !== undefined) return { kind: 'finding', trace, findings: [first, ...others] };
  return { kind: 'clean', trace, exercised: judgement.exercised, variant: judgement.variant };
}

/** Milliseconds that the plan lets pass. */
export function plannedMs(plan: Plan): number {
  return plan.steps.reduce((total, step) => total + (step.op === 'advance' ? step.ms : 0), 0);
}

async function withinTime<Value>(work: Promise<Value>, limitMs: number): Promise<Value> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(Object.assign(new Error(`the target did not answer within ${limitMs} ms`), { code: 'E_CRASHED' }));
    }, limitMs);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
