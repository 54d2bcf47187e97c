/** Result lines from text, checked as far as the reports rely on them. */
import { z } from 'zod';
import { ToolError } from '../runner/problem.ts';
import type { CheckLine, EndLine, ResultLine, RunLine } from './result.ts';

const texts = z.array(z.string());
const counts = z.record(z.string(), z.looseObject({ checks: z.number(), passed: z.number(), failed: z.number() }));

/** What the reports touch; other fields may be there. `result.schema.json` is the whole. */
const lineSchema = z.discriminatedUnion('type', [
  z.looseObject({
    type: z.literal('run'),
    schema: z.literal(1),
    kitVersion: z.string(),
    specVersion: z.string(),
    target: z.looseObject({ name: z.string(), version: z.string(), language: z.string(), capabilities: texts }),
    seed: z.string(),
    levels: texts,
    filters: z.record(z.string(), z.string()),
    startedAt: z.string(),
  }),
  z.looseObject({
    type: z.literal('check'),
    id: z.string(),
    title: z.string(),
    level: z.string(),
    chapter: z.string(),
    clauses: texts,
    verdict: z.string(),
    durationMs: z.number(),
    failure: z.looseObject({ clause: z.string(), expected: z.string(), observed: z.string(), stimulus: texts }).optional(),
  }),
  z.looseObject({
    type: z.literal('end'),
    summary: z.looseObject({ checks: z.number(), durationMs: z.number(), byChapter: counts, byLevel: counts }),
    exitCode: z.number(),
  }),
]);

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
      let value: unknown;
      try {
        value = JSON.parse(line);
      } catch {
        throw unreadable(name, `line ${index + 1} is no JSON`);
      }
      const issue = lineSchema.safeParse(value).error?.issues[0];
      if (issue !== undefined) throw unreadable(name, `line ${index + 1}: ${issue.message} at ${issue.path.join('.') || 'the top'}`);
      return value as ResultLine;
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
