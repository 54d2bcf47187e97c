/** How the checks of chapter 06 are put together from plans and rules. */
import type { Arbitrary } from 'fast-check';
import type { Plan } from '../driver/plan.ts';
import type { Trace } from '../driver/trace.ts';
import { type RecordsView, viewRecords } from '../invariants/records-view.ts';
import { applyRules, type Rule } from '../invariants/rule.ts';
import type { Judgement, PlanCheck } from '../runner/check.ts';

export interface RecordsCheckOptions {
  readonly id: string;
  readonly title: string;
  readonly clauses: readonly string[];
  readonly plans: Arbitrary<Plan>;
  /** The first decides whether the check was exercised. */
  readonly rules: readonly Rule<RecordsView>[];
  /** `adapter` alone if absent. */
  readonly levels?: PlanCheck['levels'];
  readonly needs?: readonly string[];
  readonly runs?: number;
  readonly attacks?: readonly string[];
}

/** A check of chapter 06: of what the rules find, what its own clauses name. */
export function recordsCheck(options: RecordsCheckOptions): PlanCheck {
  const { rules, levels = ['adapter'], needs = ['records/1'], ...rest } = options;
  return {
    kind: 'plan',
    ...rest,
    levels,
    needs,
    judge(trace: Trace): Judgement {
      const judgement = applyRules(viewRecords(trace), rules);
      return { ...judgement, findings: judgement.findings.filter((finding) => options.clauses.includes(finding.clause)) };
    },
  };
}
