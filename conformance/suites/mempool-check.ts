/** How the checks of the mempool are put together from plans and rules. */
import type { Arbitrary } from 'fast-check';
import type { Plan } from '../driver/plan.ts';
import { type MempoolView, viewMempool } from '../invariants/mempool-view.ts';
import { applyRules, type Rule } from '../invariants/rule.ts';
import type { PlanCheck } from '../runner/check.ts';

export interface MempoolCheckOptions {
  readonly id: string;
  readonly title: string;
  readonly clauses: readonly string[];
  readonly plans: Arbitrary<Plan>;
  readonly rules: readonly Rule<MempoolView>[];
  readonly runs?: number;
  readonly needs?: readonly string[];
}

/** A check of the mempool at level adapter: the ledger is the kit's. */
export function mempoolCheck({ rules, needs = [], ...options }: MempoolCheckOptions): PlanCheck {
  return {
    kind: 'plan',
    ...options,
    levels: ['adapter'],
    needs: ['gossip/1', 'mempool/1', 'ledger', 'commands', ...needs],
    judge(trace) {
      const judgement = applyRules(viewMempool(trace), rules);
      return { ...judgement, findings: judgement.findings.filter((finding) => options.clauses.includes(finding.clause)) };
    },
  };
}
