/** How the checks of chapters 01 to 04 are put together from plans and rules. */
import type { Arbitrary } from 'fast-check';
import type { Plan } from '../driver/plan.ts';
import { clausesOf, judgeSessions, type SessionRule } from '../invariants/session-judge.ts';
import { closesOn, nothingBehindGoAway } from '../invariants/wire-close.ts';
import { serves } from '../invariants/wire-pong.ts';
import type { PlanCheck } from '../runner/check.ts';

export interface SessionCheckOptions {
  readonly id: string;
  readonly title: string;
  readonly plans: Arbitrary<Plan>;
  /** Each of them has to be exercised for the check to count. */
  readonly rules: readonly SessionRule[];
  /** Judged too, whether exercised or not. */
  readonly also?: readonly SessionRule[];
  readonly levels?: PlanCheck['levels'];
  readonly needs?: readonly string[];
  readonly runs?: number;
  readonly attacks?: readonly string[];
  readonly keyword?: 'MUST' | 'SHOULD';
}

/** A check of chapters 01 to 04; its clauses are those that its rules can name. */
export function sessionCheck(options: SessionCheckOptions): PlanCheck {
  const { rules, also = [], levels = ['adapter', 'wire'], ...rest } = options;
  return { kind: 'plan', ...rest, levels, clauses: clausesOf(...rules, ...also), judge: judgeSessions(rules, also) };
}

export interface ClosingOptions extends Omit<SessionCheckOptions, 'rules' | 'also'> {
  readonly clause: string;
  /** Clauses under which the oracle may file the same defect; the clause itself if absent. */
  readonly filedAs?: readonly string[];
  /** Clause that is named when the twin is not served: the same for values at a limit, else SES-050. */
  readonly twinClause?: string;
  readonly also?: readonly SessionRule[];
}

/** A staged check that each defect closes its session in time, that the twins are served (SES-050), and a bystander too (CNV-014). Three plans if `runs` is absent. */
export function closingCheck(options: ClosingOptions): PlanCheck {
  const { clause, filedAs = [clause], twinClause = 'SES-050', also = [], runs = 3, ...rest } = options;
  return sessionCheck({
    ...rest,
    runs,
    rules: [closesOn(filedAs, clause), serves('twin', twinClause)],
    also: [serves('bystander', 'CNV-014'), nothingBehindGoAway, ...also],
  });
}
