/** How the checks of chapter 10 are put together from plans and rules. */
import type { Arbitrary } from 'fast-check';
import type { Plan } from '../driver/plan.ts';
import { clausesOf, judgeTopology, type TopologyRule } from '../invariants/topology-judge.ts';
import type { PlanCheck } from '../runner/check.ts';

export interface TopologyCheckOptions {
  readonly id: string;
  readonly title: string;
  readonly plans: Arbitrary<Plan>;
  /** Each of them has to be exercised for the check to count. */
  readonly rules: readonly TopologyRule[];
  /** Judged too, whether exercised or not. */
  readonly also?: readonly TopologyRule[];
  readonly levels?: PlanCheck['levels'];
  readonly needs?: readonly string[];
  readonly runs?: number;
  readonly attacks?: readonly string[];
}

/** A check of chapter 10; its clauses are those that its rules can name. */
export function topologyCheck(options: TopologyCheckOptions): PlanCheck {
  const { rules, also = [], levels = ['adapter'], needs = ['commands'], runs = 3, ...rest } = options;
  return { kind: 'plan', ...rest, runs, needs, levels, clauses: clausesOf(...rules, ...also), judge: judgeTopology(rules, also) };
}
