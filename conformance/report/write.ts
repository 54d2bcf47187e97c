/** All reports of one run, written beside its result lines. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ClauseText, renderHtml } from './html.ts';
import { renderJunit } from './junit.ts';
import { renderMarkdown } from './markdown.ts';
import { groupLines } from './read.ts';
import type { ResultLine } from './result.ts';

/** The formats, with the file that each is written to. */
export const REPORT_FILES = { html: 'report.html', junit: 'junit.xml', markdown: 'summary.md' } as const;
export type ReportFormat = keyof typeof REPORT_FILES;

/** Writes the reports into `directory` and returns the paths. */
export function writeReports(
  directory: string,
  lines: readonly ResultLine[],
  clauses: readonly ClauseText[],
  formats: readonly ReportFormat[] = ['html', 'junit', 'markdown'],
): string[] {
  mkdirSync(directory, { recursive: true });
  return formats.map((format) => {
    const path = join(directory, REPORT_FILES[format]);
    writeFileSync(path, renderReport(format, lines, clauses));
    return path;
  });
}

/** One report as text. */
export function renderReport(format: ReportFormat, lines: readonly ResultLine[], clauses: readonly ClauseText[]): string {
  const result = groupLines(lines);
  switch (format) {
    case 'html':
      return renderHtml(result, clauses);
    case 'junit':
      return renderJunit(result);
    case 'markdown':
      return renderMarkdown(result);
  }
}
