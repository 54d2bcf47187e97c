/** A short Markdown summary for pull requests and job summaries. */
import { needsAttention, VERDICTS, worstFirst } from './order.ts';
import type { RunResult } from './read.ts';

/** Failures that the summary lists; the HTML report has all. */
const LISTED_MAX = 30;

/** The summary: verdict, counts by chapter, what needs attention. */
export function renderMarkdown({ run, checks, end }: RunResult): string {
  const attention = worstFirst(checks).filter(needsAttention);
  const { summary } = end;
  const lines = [
    `# ${end.exitCode === 0 ? 'Conforms' : 'Does not conform'}: ${run.target.name} ${run.target.version}`,
    '',
    `Spec ${run.specVersion}, kit ${run.kitVersion}, seed \`${run.seed}\`: ${summary.checks} checks, ${summary.passed} passed, ${summary.variant} variants, ${summary.failed} failed, ${summary.notApplicable} not applicable, ${summary.untestable} untestable, ${summary.inconclusive} inconclusive, ${summary.crashed} crashed, ${summary.harnessError} harness errors.`,
    '',
    '| chapter | checks | passed | failed |',
    '|---|---:|---:|---:|',
    ...Object.entries(summary.byChapter)
      .sort(([a], [b]) => a.localeCompare(b))
      .map(([chapter, counts]) => `| ${chapter} | ${counts.checks} | ${counts.passed} | ${counts.failed} |`),
  ];
  if (attention.length > 0) {
    lines.push('', '## What needs attention', '', '| verdict | clause | check | observed |', '|---|---|---|---|');
    for (const line of attention.slice(0, LISTED_MAX)) {
      lines.push(
        `| ${VERDICTS[line.verdict].label} | ${line.failure?.clause ?? line.clauses[0] ?? ''} | \`${line.id}\` (${line.level}) | ${cell(line.failure?.observed ?? line.reason ?? '')} |`,
      );
    }
    if (attention.length > LISTED_MAX) lines.push('', `${attention.length - LISTED_MAX} more are in the HTML report.`);
    lines.push(
      '',
      '## Replay',
      '',
      '```sh',
      ...attention.slice(0, LISTED_MAX).flatMap((line) => (line.failure === undefined ? [] : [line.failure.replay])),
      '```',
    );
  }
  return `${lines.join('\n')}\n`;
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ');
}
