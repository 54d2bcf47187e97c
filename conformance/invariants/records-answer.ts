/** What the node answers to RecordRequests, and by that what it holds. Spec: REC-003, REC-070 to REC-072, REC-080 to REC-084 */
import type { Finding } from '../runner/check.ts';
import { type Held, labelKey, recordOf } from './records-table.ts';
import type { RecordQuestion, RecordsView } from './records-view.ts';
import type { Rule } from './rule.ts';

/** What the clauses of a check say of records that are held, or not. */
export interface HoldingClauses {
  /** For a record that is missing in an answer. */
  readonly missing: (view: RecordsView, held: Held) => string;
  /** For one that is there too many. */
  readonly extra: string;
}

/** Every answer holds exactly the records that the node has to hold of the named labels, in their order. */
export function answersHold(clauses: HoldingClauses, all: readonly string[]): Rule<RecordsView> {
  return {
    clauses: all,
    judge(view) {
      const findings: Finding[] = [];
      let exercised = false;
      const withinMs = view.number('session.reaction_ms_max') + view.slackMs;
      for (const question of view.questions) {
        const span = view.spans.find(
          (one) => one.link === question.link && one.fromEvent <= question.event && question.event <= one.toEvent,
        );
        if (span === undefined || span.toMs <= question.atMs + withinMs || view.trace.endMs <= question.atMs + withinMs) continue;
        exercised = true;
        const found = judgeAnswer(view, question, withinMs, clauses);
        if (found !== undefined) findings.push({ ...found, at: question.event });
      }
      return { findings, exercised };
    },
  };
}

function judgeAnswer(
  view: RecordsView,
  question: RecordQuestion,
  withinMs: number,
  clauses: HoldingClauses,
): Omit<Finding, 'at'> | undefined {
  const reply = view.replies.find(
    ({ link, requestId, event }) => link === question.link && requestId === question.requestId && event > question.event,
  );
  if (reply === undefined || reply.atMs > question.atMs + withinMs) {
    return {
      clause: 'REC-070',
      expected: `a RecordReply within ${withinMs} ms`,
      observed: reply === undefined ? 'none came' : 'it came later',
    };
  }
  // Own records that nobody has been shown yet are nobody's to judge.
  const got = reply.envelopes.filter(({ origin }) => origin !== view.node).map(({ id }) => id ?? '');
  const expected = question.expected.filter(({ origin }) => origin !== view.node);
  const missing = expected.find(({ id }) => !got.includes(id));
  if (missing !== undefined) {
    const what = `${missing.origin.slice(0, 8)} ${missing.record.kind}/${missing.record.index}`;
    return {
      clause: clauses.missing(view, missing),
      expected: `the record of ${what} is held and answered with`,
      observed: 'it is missing in the answer',
    };
  }
  if (reply.envelopes.length > 32) return { clause: 'REC-072', expected: 'at most 32 records', observed: `${reply.envelopes.length}` };
  const extra = got.find((id) => !expected.some((held) => held.id === id));
  if (extra !== undefined)
    return {
      clause: clauses.extra,
      expected: 'nothing but what the node holds of the named labels',
      observed: `the answer holds ${extra.slice(0, 8)}`,
    };
  if (new Set(got).size !== got.length) return { clause: 'REC-070', expected: 'each record once', observed: 'one stands there twice' };
  const isInOrder = expected.every(({ id }, index) => got[index] === id);
  return isInOrder
    ? undefined
    : {
        clause: question.labels.some(({ kind }) => kind === 0) ? 'REC-071' : 'REC-070',
        expected: 'the records in the order of the labels',
        observed: 'they stand in another order',
      };
}

/** Answers as such. */
export const answersRequests: Rule<RecordsView> = answersHold({ missing: () => 'REC-070', extra: 'REC-070' }, [
  'REC-070',
  'REC-071',
  'REC-072',
]);

/** Whoever asks for the node's own records finds every label that the node has shown, as it was or newer. Spec: REC-082 */
export const holdsItsOwn: Rule<RecordsView> = {
  clauses: ['REC-082'],
  judge(view) {
    const findings: Finding[] = [];
    let exercised = false;
    for (const question of view.questions) {
      const reply = view.replies.find(
        ({ link, requestId, event }) => link === question.link && requestId === question.requestId && event > question.event,
      );
      if (reply === undefined) continue;
      const got = reply.envelopes.filter(({ origin }) => origin === view.node).flatMap((envelope) => recordOf(envelope) ?? []);
      const shown = question.expected.filter(({ origin }) => origin === view.node);
      exercised ||= shown.length > 0;
      const lost = shown.find(({ record }) => !got.some(({ kind, index }) => kind === record.kind && index === record.index));
      if (lost === undefined) continue;
      findings.push({
        clause: 'REC-082',
        expected: `the node holds its own record ${labelKey(lost.record)}`,
        observed: 'it is missing in the answer',
        at: question.event,
      });
    }
    return { findings, exercised };
  },
};
