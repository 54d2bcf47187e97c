/** Result lines of every verdict, with text that would break a report that does not escape it. */
import { VERDICT_ORDER } from './order.ts';
import type { CheckLine, CheckVerdict, ResultLine } from './result.ts';

const NASTY = `<script>alert("1")</script> & 'quotes' \u0007 ]]>`;

/** One check line; a failed one has everything that a failure can have. */
export function checkLine(id: string, verdict: CheckVerdict, changes: Partial<CheckLine> = {}): CheckLine {
  const failed = verdict === 'failed';
  return {
    type: 'check',
    id,
    title: `A title with ${NASTY}`,
    level: 'adapter',
    chapter: '05',
    clauses: ['GSP-040', 'GSP-041'],
    keyword: 'MUST',
    verdict,
    reason: verdict === 'passed' || failed ? undefined : `because ${NASTY}`,
    runs: 3,
    durationMs: 12.5,
    baseline: undefined,
    required: true,
    failure: failed
      ? {
          clause: 'GSP-040',
          clauseText: NASTY,
          expected: `expected ${NASTY}`,
          observed: `observed ${NASTY}`,
          stimulus: ['0. open a session', `1. push ${NASTY}`],
          diagram: [
            { atMs: 0, from: 'kit', to: 'node', label: `Push ${NASTY}`, marked: false },
            { atMs: 200, from: 'node', to: 'node', label: 'nothing', marked: true },
          ],
          traceFile: 'reports/conform/traces/x.jsonl',
          replay: 'npm run -s carillon -- replay reports/conform/traces/x.jsonl',
          seed: 'ab',
          steps: 2,
          stepsBeforeShrinking: 9,
          flaky: false,
        }
      : undefined,
    ...changes,
  };
}

/** A whole run with one check of each verdict. */
export function resultLines(
  checks: readonly CheckLine[] = VERDICT_ORDER.map((verdict) => checkLine(`gossip.${verdict.toLowerCase()}`, verdict)),
  shard?: string,
): ResultLine[] {
  const groups = { checks: checks.length, passed: 2, failed: 5 };
  return [
    {
      type: 'run',
      schema: 1,
      kitVersion: '0.1.0',
      specVersion: '0.1',
      adapterVersion: 1,
      target: {
        name: `node ${NASTY}`,
        version: '1',
        language: 'Go',
        specVersion: '0.1',
        conformanceClass: 'app',
        capabilities: ['raw'],
        clock: 'virtual',
        randomness: 'seeded',
      },
      seed: 'ab',
      levels: ['adapter'],
      filters: shard === undefined ? {} : { shard },
      startedAt: '2027-01-15T00:00:00.000Z',
    },
    ...checks,
    {
      type: 'end',
      summary: {
        checks: checks.length,
        passed: 1,
        failed: 1,
        variant: 1,
        notApplicable: 1,
        untestable: 1,
        inconclusive: 1,
        crashed: 1,
        harnessError: 1,
        byChapter: { '05': groups, '19': groups, '01': groups },
        byLevel: { adapter: groups },
        seed: 'ab',
        durationMs: 100,
      },
      exitCode: 1,
    },
  ];
}
