/** `carillon report`: reports from result files, and one result from several. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Command, Option } from 'commander';
import { readSpec } from '../clauses/spec.ts';
import { packageRoot } from '../package-root.ts';
import { readInput, requireDirectory } from '../runner/input-file.ts';
import { mergeResults } from './merge.ts';
import { readResults } from './read.ts';
import type { ResultLine } from './result.ts';
import { REPORT_FILES, type ReportFormat, writeReports } from './write.ts';

const HELP = `
  carillon report render reports/conform/results.jsonl --out reports/again
  carillon report merge shards/*/results.jsonl --out reports/merged

Exit codes: render 0; merge as conform would have ended, 0, 1 or 4, and 5 for shards of different runs;
both 2 usage or file, 70 fault of the kit.`;

/** Adds the command to the program. */
export function registerReport(program: Command): void {
  const report = program.command('report').description('make reports from the result lines of conform').addHelpText('after', HELP);
  report
    .command('render')
    .description('write the HTML, JUnit and Markdown reports of a results.jsonl')
    .argument('<results>', 'results.jsonl of a finished run')
    .option('--out <dir>', 'where to', 'reports/conform')
    .addOption(new Option('--format <format...>', 'which ones').choices(Object.keys(REPORT_FILES)))
    .action((file: string, options: { out: string; format?: ReportFormat[] }) => {
      const { run, checks, end } = readResults(readInput(file), file);
      requireDirectory(options.out);
      writeAll(options.out, [run, ...checks, end], options.format);
    });
  report
    .command('merge')
    .description('make one result, and its reports, from the results.jsonl of several shards')
    .argument('<results...>', 'results.jsonl of each shard')
    .option('--out <dir>', 'where to', 'reports/merged')
    .action((files: string[], options: { out: string }) => {
      const lines = mergeResults(files.map((file) => readResults(readInput(file), file)));
      requireDirectory(options.out);
      const merged = join(options.out, 'results.jsonl');
      writeFileSync(merged, lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
      console.log(merged);
      writeAll(options.out, lines);
      const end = lines.at(-1);
      if (end?.type === 'end') process.exitCode = end.exitCode;
    });
}

function writeAll(out: string, lines: readonly ResultLine[], formats?: readonly ReportFormat[]): void {
  const { clauses } = readSpec(join(packageRoot(), 'spec'));
  for (const path of writeReports(out, lines, clauses, formats)) console.log(path);
}
