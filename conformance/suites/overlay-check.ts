/** How the checks of chapter 09 are put together from plans and rules. */
import type { Arbitrary } from 'fast-check';
import type { Plan } from '../driver/plan.ts';
import type { Trace } from '../driver/trace.ts';
import { type OverlayView, viewOverlay } from '../invariants/overlay-view.ts';
import { applyRules, type Rule } from '../invariants/rule.ts';
import type { Judgement, PlanCheck } from '../runner/check.ts';

export interface OverlayCheckOptions {
  readonly id: string;
  readonly title: string;
  readonly clauses: readonly string[];
  readonly plans: Arbitrary<Plan>;
  /** The first decides whether the check was exercised. */
  readonly rules: readonly Rule<OverlayView>[];
  readonly levels?: PlanCheck['levels'];
  /** Besides `overlay/1` and `gossip/1`. */
  readonly needs?: readonly string[];
  readonly runs?: number;
  readonly attacks?: readonly string[];
}

/** A check of chapter 09: of what the rules find, what its own clauses name. */
export function overlayCheck(options: OverlayCheckOptions): PlanCheck {
  const { rules, levels = ['adapter'], needs = [], ...rest } = options;
  return {
    kind: 'plan',
    ...rest,
    levels,
    needs: ['overlay/1', 'gossip/1', ...needs],
    judge(trace: Trace): Judgement {
      const judgement = applyRules(viewOverlay(trace), rules);
      return { ...judgement, findings: judgement.findings.filter((finding) => options.clauses.includes(finding.clause)) };
    },
  };
}
