/** What a run says on the terminal: versions and seed before it, failures first after it, then a table by chapter. */
import type { CheckLine, RunLine, Summary } from '../report/result.ts';
import { isRed } from './baseline.ts';
import type { Colors } from './colors.ts';
import { jobName } from './job.ts';
import { isBlocking } from './summary.ts';

/** Characters of a row; the reports have them all. */
const ROW_CHARACTERS_MAX = 300;
/** Lines of a failure's stimulus that are shown; the reports have them all. */
const STIMULUS_LINES_MAX = 12;

/** The header: kit, spec, adapter versions; target; seed. */
export function headerText(run: RunLine, colors: Colors): string {
  const { target } = run;
  const filters = Object.entries(run.filters).map(([name, value]) => `--${name} ${value}`);
  return [
    colors.bold(`carillon conform ${run.kitVersion}`) + colors.dim(`  spec ${run.specVersion}, adapter protocol ${run.adapterVersion}`),
    `target  ${target.name} ${target.version} (${target.language}), class ${target.conformanceClass}, clock ${target.clock}, randomness ${target.randomness}`,
    `levels  ${run.levels.join(', ')}${filters.length === 0 ? '' : `   ${filters.join(' ')}`}`,
    `seed    ${run.seed}`,
    '',
    '',
  ].join('\n');
}

/** Failures, then warnings and choices, then the table, then the counts. */
export function outcomeText(lines: readonly CheckLine[], summary: Summary, colors: Colors): string {
  const blocking = lines.filter(isBlocking);
  const noted = lines.filter((line) => !isBlocking(line) && line.verdict !== 'passed' && line.verdict !== 'notApplicable');
  return [
    ...blocking.map((line) => failureText(line, colors)),
    ...noted.map((line) => noteText(line, colors)),
    ...(noted.length > 0 ? [''] : []),
    chapterTable(lines, colors),
    '',
    countsText(summary, lines, colors),
    '',
  ].join('\n');
}

function failureText(line: CheckLine, colors: Colors): string {
  const { failure } = line;
  const verdict = line.baseline === 'stale' ? 'stale baseline entry' : line.verdict;
  const title = `${colors.red('✗')} ${colors.bold(jobName({ check: { id: line.id }, level: line.level }))}  ${colors.red(verdict)}`;
  const rows = [title, `  ${line.title}`];
  if (line.baseline === 'stale') rows.push('  The baseline expects it to fail, and it does not: remove the entry.');
  if (line.reason !== undefined && line.reason !== failure?.observed) rows.push(`  ${line.reason}`);
  if (failure !== undefined) {
    rows.push(
      `  ${colors.cyan(failure.clause)}  ${failure.clauseText}`,
      `  expected  ${shorten(failure.expected)}`,
      `  observed  ${shorten(failure.observed)}`,
      ...stimulusRows(failure.stimulus).map((row) => colors.dim(`  │ ${shorten(row)}`)),
      `  ${shrinkText(failure)}`,
      `  replay    ${failure.replay}`,
    );
  }
  return `${rows.join('\n')}\n`;
}

function stimulusRows(rows: readonly string[]): readonly string[] {
  return rows.length <= STIMULUS_LINES_MAX ? rows : [...rows.slice(0, STIMULUS_LINES_MAX), `… ${rows.length - STIMULUS_LINES_MAX} more`];
}

function shorten(row: string): string {
  return row.length <= ROW_CHARACTERS_MAX ? row : `${row.slice(0, ROW_CHARACTERS_MAX)}…`;
}

function shrinkText(failure: NonNullable<CheckLine['failure']>): string {
  const steps = failure.steps === 1 ? '1 step' : `${failure.steps} steps`;
  const flaky = failure.flaky ? ', not repeated' : '';
  return failure.steps === failure.stepsBeforeShrinking
    ? `${steps}${flaky}`
    : `${steps}, shrunk from ${failure.stepsBeforeShrinking}${flaky}`;
}

function noteText(line: CheckLine, colors: Colors): string {
  const name = jobName({ check: { id: line.id }, level: line.level });
  const why = line.failure?.observed ?? line.reason ?? '';
  if (line.baseline === 'expected') return `${colors.yellow('-')} ${name}  expected to fail: ${why}`;
  if (line.baseline === 'flaky') return `${colors.yellow('-')} ${name}  may flake: ${why}`;
  if (isRed(line.verdict)) return `${colors.yellow('-')} ${name}  ${line.verdict}, does not score: ${why}`;
  const mark = line.verdict === 'warned' ? colors.yellow('!') : colors.blue('~');
  return `${mark} ${name}  ${line.verdict}: ${why}`;
}

const COLUMNS = ['chapter', 'checks', 'passed', 'failed', 'other', 'not applicable'] as const;

function chapterTable(lines: readonly CheckLine[], colors: Colors): string {
  const chapters = [...new Set(lines.map((line) => line.chapter))].sort();
  const rowOf = (name: string, among: readonly CheckLine[]): readonly string[] => {
    const count = (wanted: (line: CheckLine) => boolean): string => String(among.filter(wanted).length);
    return [
      name,
      String(among.length),
      count((line) => ['passed', 'variant', 'warned'].includes(line.verdict)),
      count((line) => line.verdict === 'failed'),
      count((line) => isRed(line.verdict) && line.verdict !== 'failed'),
      count((line) => line.verdict === 'notApplicable'),
    ];
  };
  const rows = [
    ...chapters.map((chapter) =>
      rowOf(
        chapter,
        lines.filter((line) => line.chapter === chapter),
      ),
    ),
    rowOf('all', lines),
  ];
  const widths = COLUMNS.map((column, index) => Math.max(column.length, ...rows.map((row) => row[index]?.length ?? 0)));
  const align = (cells: readonly string[]): string =>
    cells.map((cell, index) => (index === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[index] ?? 0))).join('  ');
  return [colors.dim(align(COLUMNS)), ...rows.map(align)].join('\n');
}

function countsText(summary: Summary, lines: readonly CheckLine[], colors: Colors): string {
  if (!lines.some((line) => line.verdict !== 'notApplicable')) return colors.red('Nothing was exercised: a run without checks has failed.');
  const named: readonly (readonly [number, string])[] = [
    [summary.passed, 'passed'],
    [summary.variant, 'variant'],
    [summary.failed, 'failed'],
    [summary.crashed, 'crashed'],
    [summary.untestable, 'untestable'],
    [summary.inconclusive, 'inconclusive'],
    [summary.harnessError, 'harness errors'],
    [summary.notApplicable, 'not applicable'],
  ];
  const counts = named.filter(([count]) => count > 0).map(([count, name]) => `${count} ${name}`);
  const text = `${counts.join(', ')} in ${(summary.durationMs / 1000).toFixed(1)} s`;
  return lines.some(isBlocking) ? colors.red(text) : colors.green(text);
}
