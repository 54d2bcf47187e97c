/** How the checks of chapter 07 are put together from plans and rules. */
import type { Arbitrary } from 'fast-check';
import type { Plan } from '../driver/plan.ts';
import type { Trace } from '../driver/trace.ts';
import { type ReconciliationView, viewReconciliation } from '../invariants/reconciliation-view.ts';
import { applyRules, type Rule } from '../invariants/rule.ts';
import type { Judgement, PlanCheck } from '../runner/check.ts';

export interface ReconciliationCheckOptions {
  readonly id: string;
  readonly title: string;
  readonly clauses: readonly string[];
  readonly plans: Arbitrary<Plan>;
  /** The first decides whether the check was exercised. */
  readonly rules: readonly Rule<ReconciliationView>[];
  /** `adapter` alone if absent. */
  readonly levels?: PlanCheck['levels'];
  /** Beside `reconcile/1` and `records/1`, whose set the kit fills. */
  readonly needs?: readonly string[];
  readonly runs?: number;
  readonly attacks?: readonly string[];
}

/** A check of chapter 07: of what the rules find, what its own clauses name. */
export function reconciliationCheck(options: ReconciliationCheckOptions): PlanCheck {
  const { rules, levels = ['adapter'], needs = [], runs = 6, ...rest } = options;
  return {
    kind: 'plan',
    ...rest,
    runs,
    levels,
    needs: ['reconcile/1', 'records/1', ...needs],
    judge(trace: Trace): Judgement {
      const judgement = applyRules(viewReconciliation(trace), rules);
      return { ...judgement, findings: judgement.findings.filter((finding) => options.clauses.includes(finding.clause)) };
    },
  };
}
