/** Writes a run's files: result lines, summary, event log. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ResultLine, Summary } from '../report/result.ts';

/** Names of the files below the report directory. */
export const RESULT_FILES = { results: 'results.jsonl', summary: 'summary.json', events: 'events.log', traces: 'traces' } as const;

/** One JSON text a line; fields that are undefined are left out. */
export function resultsText(lines: readonly ResultLine[]): string {
  return lines.map((line) => `${JSON.stringify(line)}\n`).join('');
}

/** Writes `results.jsonl`, `summary.json` and, if there is one, `events.log`. */
export function writeResults(directory: string, lines: readonly ResultLine[], summary: Summary, eventLog: string | undefined): void {
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, RESULT_FILES.results), resultsText(lines));
  writeFileSync(join(directory, RESULT_FILES.summary), `${JSON.stringify(summary, null, 2)}\n`);
  if (eventLog !== undefined) writeFileSync(join(directory, RESULT_FILES.events), eventLog);
}
