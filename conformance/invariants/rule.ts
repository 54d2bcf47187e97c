/** The form of a judge's building block: a predicate over what was seen, with the clauses it can name. */
import type { Finding, Judgement } from '../runner/check.ts';

/** What a rule makes of one trace. */
export interface RuleResult {
  readonly findings: readonly Finding[];
  /** Whether the trace held a case in which the rule could have been broken. */
  readonly exercised: boolean;
  readonly variant?: string;
}

/** A rule over a reading `View` of a trace. */
export interface Rule<View> {
  readonly clauses: readonly string[];
  judge(view: View): RuleResult;
}

/** One judgement from several rules: all findings, exercised if the first rule is. */
export function applyRules<View>(view: View, rules: readonly Rule<View>[]): Judgement {
  const results = rules.map((rule) => rule.judge(view));
  const variant = results.map((result) => result.variant).find((text) => text !== undefined);
  return {
    findings: results.flatMap((result) => result.findings),
    exercised: results[0]?.exercised ?? false,
    ...(variant === undefined ? {} : { variant }),
  };
}
