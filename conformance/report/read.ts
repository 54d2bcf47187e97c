/** Result lines from text, checked as far as the reports rely on them. */
import { ToolError } from '../runner/problem.ts';
import type { CheckLine, EndLine, ResultLine, RunLine } from './result.ts';

/** The lines of one run, by type. */
export interface RunResult {
  readonly run: RunLine;
  readonly checks: readonly CheckLine[];
  readonly end: EndLine;
}

/** Lines as written by `conform`. Throws E_FILE for text that is not of the form; `name` is for the message. */
export function readResults(content: string, name: string): RunResult {
  const lines = content
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line, index): ResultLine => {
      try {
        return JSON.parse(line) as ResultLine;
      } catch {
        throw unreadable(name, `line ${index + 1} is no JSON`);
      }
    });
  return groupLines(lines, name);
}

/** The same from lines in memory. */
export function groupLines(lines: readonly ResultLine[], name = 'the result'): RunResult {
  const run = lines.find((line): line is RunLine => line.type === 'run');
  const end = lines.find((line): line is EndLine => line.type === 'end');
  if (run === undefined || end === undefined)
    throw unreadable(name, run === undefined ? 'no run line' : 'no end line: the run was cut short');
  if (run.schema !== 1) throw unreadable(name, `schema ${run.schema}`);
  return { run, checks: lines.filter((line): line is CheckLine => line.type === 'check'), end };
}

function unreadable(name: string, found: string): ToolError {
  return new ToolError('E_FILE', {
    what: `${name} is not a result file`,
    expected: 'JSON lines of schema 1 as carillon conform writes them to results.jsonl',
    found,
    action: 'give the results.jsonl of a finished run',
  });
}
