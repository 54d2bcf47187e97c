/** Puts rules over a `SessionView` together into the judge of a check. */
import type { Trace } from '../driver/trace.ts';
import type { Finding, Judgement } from '../runner/check.ts';
import type { Rule } from './rule.ts';
import { type SessionView, viewSessions } from './session-view.ts';

export type SessionRule = Rule<SessionView>;

/**
 * A judge that asks all rules. The trace counts as exercised when every rule of `decisive` is: the
 * stimulus and its control twin, for example.
 */
export function judgeSessions(decisive: readonly SessionRule[], others: readonly SessionRule[] = []): (trace: Trace) => Judgement {
  return (trace) => {
    const view = viewSessions(trace);
    const results = decisive.map((rule) => rule.judge(view));
    const all = [...results, ...others.map((rule) => rule.judge(view))];
    const variant = all.map((result) => result.variant).find((text) => text !== undefined);
    return {
      findings: all.flatMap((result) => result.findings),
      exercised: results.every((result) => result.exercised),
      ...(variant === undefined ? {} : { variant }),
    };
  };
}

/** The clauses that a list of rules can name, each once, in their order. */
export function clausesOf(...rules: readonly SessionRule[]): readonly string[] {
  return [...new Set(rules.flatMap((rule) => rule.clauses))];
}

/** A finding with its place in the trace. */
export function finding(clause: string, expected: string, observed: string, at: number): Finding {
  return { clause, expected, observed, at };
}
