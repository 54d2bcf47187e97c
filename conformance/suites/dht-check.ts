/** How the checks of chapter 08 are put together from plans and rules. */
import type { Arbitrary } from 'fast-check';
import { DHT_NEEDS } from '../arbitraries/dht-plans.ts';
import type { Plan } from '../driver/plan.ts';
import type { Trace } from '../driver/trace.ts';
import { type DhtRule, viewDht } from '../invariants/dht-view.ts';
import { applyRules } from '../invariants/rule.ts';
import type { Judgement, PlanCheck } from '../runner/check.ts';

export interface DhtCheckOptions {
  readonly id: string;
  readonly title: string;
  readonly clauses: readonly string[];
  readonly plans: Arbitrary<Plan>;
  /** The first decides whether the check was exercised. */
  readonly rules: readonly DhtRule[];
  readonly levels?: PlanCheck['levels'];
  readonly needs?: readonly string[];
  readonly runs?: number;
  readonly attacks?: readonly string[];
}

/** A check of chapter 08: of what the rules find, what its own clauses name. */
export function dhtCheck(options: DhtCheckOptions): PlanCheck {
  const { rules, levels = ['adapter'], needs = DHT_NEEDS, ...rest } = options;
  return {
    kind: 'plan',
    ...rest,
    levels,
    needs,
    judge(trace: Trace): Judgement {
      const judgement = applyRules(viewDht(trace), rules);
      return { ...judgement, findings: judgement.findings.filter((finding) => options.clauses.includes(finding.clause)) };
    },
  };
}
