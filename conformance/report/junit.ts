/** JUnit XML: one test suite a level, one test case a check, for CI servers. */
import { needsAttention, VERDICTS } from './order.ts';
import type { RunResult } from './read.ts';
import type { CheckLine } from './result.ts';

/** The report as a JUnit document. Not applicable and excused checks are `skipped` with their reason. */
export function renderJunit({ run, checks, end }: RunResult): string {
  const levels = [...new Set(checks.map((line) => line.level))];
  const suites = levels
    .map((level) =>
      suite(
        level,
        checks.filter((line) => line.level === level),
        run.startedAt,
      ),
    )
    .join('');
  const totals = totalsOf(checks);
  return `<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="carillon" tests="${checks.length}" failures="${totals.failures}" errors="${totals.errors}" time="${seconds(end.summary.durationMs)}">
${suites}</testsuites>
`;
}

function suite(level: string, lines: readonly CheckLine[], startedAt: string): string {
  const totals = totalsOf(lines);
  const time = lines.reduce((sum, line) => sum + line.durationMs, 0);
  return `  <testsuite name="${level}" tests="${lines.length}" failures="${totals.failures}" errors="${totals.errors}" skipped="${totals.skipped}" time="${seconds(time)}" timestamp="${xml(startedAt.replace(/\.\d+Z$/, '').replace(/Z$/, ''))}" hostname="localhost">
${lines.map(testCase).join('')}  </testsuite>
`;
}

function totalsOf(lines: readonly CheckLine[]): { readonly failures: number; readonly errors: number; readonly skipped: number } {
  const kinds = lines.map(kindOf);
  const count = (kind: string): number => kinds.filter((one) => one === kind).length;
  return { failures: count('failure'), errors: count('error'), skipped: count('skipped') };
}

/** `error` is for what is not the node's judgement: a crash, or the kit's own fault. */
function kindOf(line: CheckLine): 'failure' | 'error' | 'skipped' | 'passed' {
  if (needsAttention(line)) return line.verdict === 'crashed' || line.verdict === 'harnessError' ? 'error' : 'failure';
  return VERDICTS[line.verdict].red || line.verdict === 'notApplicable' ? 'skipped' : 'passed';
}

function testCase(line: CheckLine): string {
  const head = `    <testcase name="${xml(line.id)}" classname="${xml(`carillon.${line.level}.chapter${line.chapter}`)}" time="${seconds(line.durationMs)}"`;
  const kind = kindOf(line);
  if (kind === 'passed') return `${head}/>\n`;
  if (kind === 'skipped')
    return `${head}>\n      <skipped message="${xml(line.reason ?? VERDICTS[line.verdict].label)}"/>\n    </testcase>\n`;
  const { failure } = line;
  const message = failure === undefined ? (line.reason ?? VERDICTS[line.verdict].label) : `${failure.clause}: ${failure.observed}`;
  const body =
    failure === undefined
      ? ''
      : `${failure.clause} ${failure.clauseText}\nexpected: ${failure.expected}\nobserved: ${failure.observed}\nreplay: ${failure.replay}`;
  return `${head}>\n      <${kind} message="${xml(message)}" type="${line.verdict}">${xml(body)}</${kind}>\n    </testcase>\n`;
}

function seconds(ms: number): string {
  return (ms / 1_000).toFixed(3);
}

/** Characters that XML 1.0 forbids are left out, the special ones are escaped. */
function xml(text: string): string {
  const allowed = [...text].filter((character) => {
    const code = character.codePointAt(0) ?? 0;
    return (
      code === 9 || code === 10 || code === 13 || (code >= 32 && code !== 0xfffe && code !== 0xffff && !(code >= 0xd800 && code <= 0xdfff))
    );
  });
  return allowed.join('').replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
