/** Counts of a run and its exit code. */
import type { CheckLine, Summary } from '../report/result.ts';
import { isRed } from './baseline.ts';
import { EXIT_FAILED, EXIT_PASSED, TOOL_EXIT_CODES } from './problem.ts';

type Group = 'byChapter' | 'byLevel';
interface Tally {
  checks: number;
  passed: number;
  failed: number;
}

/** The summary of a run's lines. A SHOULD that does not hold counts as passed: it warns and no more. In the groups every red verdict counts as failed, and variants as passed. */
export function summarize(lines: readonly CheckLine[], seed: string, durationMs: number): Summary {
  const count = (...verdicts: readonly CheckLine['verdict'][]): number => lines.filter((line) => verdicts.includes(line.verdict)).length;
  return {
    checks: lines.length,
    passed: count('passed', 'warned'),
    failed: count('failed'),
    variant: count('variant'),
    notApplicable: count('notApplicable'),
    untestable: count('untestable'),
    inconclusive: count('inconclusive'),
    crashed: count('crashed'),
    harnessError: count('harnessError'),
    byChapter: tally(lines, (line) => line.chapter),
    byLevel: tally(lines, (line) => line.level),
    seed,
    durationMs: Math.round(durationMs),
  };
}

function tally(lines: readonly CheckLine[], keyOf: (line: CheckLine) => string): Summary[Group] {
  const groups = new Map<string, Tally>();
  for (const line of lines) {
    const key = keyOf(line);
    const group = groups.get(key) ?? { checks: 0, passed: 0, failed: 0 };
    groups.set(key, group);
    group.checks++;
    if (isRed(line.verdict)) group.failed++;
    else if (line.verdict !== 'notApplicable') group.passed++;
  }
  return Object.fromEntries([...groups].sort(([left], [right]) => (left < right ? -1 : 1)));
}

/** Whether a line alone makes the run fail. */
export function isBlocking(line: CheckLine): boolean {
  if (line.verdict === 'harnessError') return true;
  if (!line.required) return false;
  return line.baseline === 'stale' || (isRed(line.verdict) && line.baseline !== 'expected' && line.baseline !== 'flaky');
}

/** Exit code of a run: the kit's own fault before the target's broken protocol, that before failed checks. A run in which nothing was exercised has failed. */
export function exitCodeOf(lines: readonly CheckLine[], protocolBroken: boolean): number {
  if (lines.some((line) => line.verdict === 'harnessError')) return TOOL_EXIT_CODES.E_HARNESS;
  if (protocolBroken) return TOOL_EXIT_CODES.E_ADAPTER;
  const ran = lines.some((line) => line.verdict !== 'notApplicable');
  return ran && !lines.some(isBlocking) ? EXIT_PASSED : EXIT_FAILED;
}
