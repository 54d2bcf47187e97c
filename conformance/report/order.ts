/** How verdicts are named, ordered and coloured in every report. */
import { isBlocking } from '../runner/summary.ts';
import type { CheckLine, CheckVerdict } from './result.ts';

export interface VerdictStyle {
  readonly label: string;
  /** Colour class of the HTML report. */
  readonly tone: 'good' | 'bad' | 'warn' | 'muted' | 'kit';
  /** Turns the run red. */
  readonly red: boolean;
}

export const VERDICTS: Readonly<Record<CheckVerdict, VerdictStyle>> = {
  failed: { label: 'failed', tone: 'bad', red: true },
  crashed: { label: 'crashed', tone: 'bad', red: true },
  untestable: { label: 'untestable', tone: 'bad', red: true },
  inconclusive: { label: 'inconclusive', tone: 'bad', red: true },
  harnessError: { label: 'harness error', tone: 'kit', red: true },
  warned: { label: 'warned', tone: 'warn', red: false },
  variant: { label: 'variant', tone: 'good', red: false },
  passed: { label: 'passed', tone: 'good', red: false },
  notApplicable: { label: 'not applicable', tone: 'muted', red: false },
};

/** Worst first. */
export const VERDICT_ORDER: readonly CheckVerdict[] = [
  'failed',
  'crashed',
  'untestable',
  'inconclusive',
  'harnessError',
  'warned',
  'variant',
  'passed',
  'notApplicable',
];

/** Whether the line needs somebody's attention: it alone turns the run red. */
export function needsAttention(line: CheckLine): boolean {
  return isBlocking(line);
}

/** Those that need attention first, then by verdict, then in the order of the run. */
export function worstFirst(lines: readonly CheckLine[]): CheckLine[] {
  const rank = (line: CheckLine): number => (needsAttention(line) ? 0 : 100) + VERDICT_ORDER.indexOf(line.verdict);
  return [...lines].sort((a, b) => rank(a) - rank(b));
}
