/** `carillon clauses`: writes or checks the data files of the spec, and shows which clause is held by what. */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { parse } from 'smol-toml';
import { z } from 'zod';
import { DOCTOR_CHECKS } from '../driver/doctor-checks.ts';
import { packageRoot } from '../package-root.ts';
import type { ResultLine } from '../report/result.ts';
import { ToolError } from '../runner/problem.ts';
import { buildRegistry } from '../runner/registry.ts';
import { suites } from '../suites/index.ts';
import { clausesJson, parametersJson, readSpec, type Spec } from './spec.ts';
import { type ClauseRow, clauseRows, faults, isMust, isWireVisible, markdown, summarise } from './table.ts';

const excuseFile = z.strictObject({ clause: z.array(z.strictObject({ id: z.string(), reason: z.string().min(20) })).default([]) });
const mutantFile = z.looseObject({ id: z.string(), clause: z.string() });

/** Adds the command to the program. */
export function registerClauses(program: Command): void {
  program
    .command('clauses')
    .description('show which clause of the spec is held by which check, vector and mutant')
    .addHelpText(
      'after',
      '\nThe table goes to reports/clauses/. Exit codes: 0 in order, 1 something is not, 2 usage or file, 70 fault of the kit.',
    )
    .option('--write', 'write spec/clauses.json and spec/parameters.json from the chapters')
    .option('--check', 'fail when a data file differs from its chapter, or a clause has no witness')
    .option('--clause <id>', 'show one clause')
    .option('--missing', 'list the MUSTs that have no check or no mutant')
    .action((options: { write?: boolean; check?: boolean; clause?: string; missing?: boolean }) => {
      process.exitCode = runClauses(packageRoot(), options);
    });
}

function runClauses(root: string, options: { write?: boolean; check?: boolean; clause?: string; missing?: boolean }): number {
  const spec = readSpec(join(root, 'spec'));
  const registry = buildRegistry(suites, spec.clauses);
  const rows = clauseRows({
    clauses: spec.clauses,
    checks: registry.checks,
    doctorItems: DOCTOR_CHECKS,
    verdicts: lastVerdicts(root),
    mutants: mutantsByClause(root),
    excuses: excuses(root),
  });
  if (options.clause !== undefined) return showOne(rows, options.clause);
  const problems = spec.problems.map(({ file, line, message }) => `spec/${file}:${line}: ${message}`);
  if (options.write === true) {
    for (const [file, content] of dataFiles(spec)) writeFileSync(join(root, file), content);
  } else {
    for (const [file, content] of dataFiles(spec)) {
      if (!existsSync(join(root, file)) || readFileSync(join(root, file), 'utf8') !== content)
        problems.push(`${file} does not match the chapters; run: npm run clauses -- --write`);
    }
  }
  problems.push(...faults(rows));
  const summary = summarise(rows);
  const directory = join(process.cwd(), 'reports', 'clauses');
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, 'summary.json'), `${JSON.stringify(summary, null, 2)}\n`);
  writeFileSync(join(directory, 'clauses.md'), markdown(rows));
  if (options.missing === true) showMissing(rows);
  console.log(`clauses     ${rows.length} in revision ${spec.revision}, ${summary.must} of them MUST`);
  console.log(`witnessed   ${summary.witnessed} of ${summary.must}`);
  console.log(`checked     ${summary.checked} of ${summary.wireVisible} that a peer can see broken`);
  console.log(`mutants     ${rows.filter(({ mutants }) => mutants.length > 0).length} clauses have a mutant that proves their check`);
  for (const [chapter, counts] of Object.entries(summary.byChapter).sort(([a], [b]) => a.localeCompare(b)))
    console.log(`chapter ${chapter}  ${counts.must} MUST, ${counts.checked} of ${counts.wireVisible} visible ones checked`);
  console.log('table       reports/clauses/clauses.md');
  for (const problem of problems) console.error(`problem     ${problem}`);
  return problems.length > 0 ? 1 : 0;
}

function dataFiles(spec: Spec): [string, string][] {
  return [
    ['spec/clauses.json', clausesJson(spec)],
    ['spec/parameters.json', parametersJson(spec)],
  ];
}

function showOne(rows: readonly ClauseRow[], id: string): number {
  const row = rows.find(({ clause }) => clause.id === id);
  if (row === undefined) {
    throw new ToolError('E_USAGE', {
      what: `there is no clause ${id}`,
      expected: 'an id such as GSP-014',
      found: id,
      action: 'see spec/clauses.json for all ids',
    });
  }
  const { clause } = row;
  console.log(`${clause.id} (${clause.actor}) ${clause.text}`);
  console.log(
    `witness: ${clause.witness}${clause.code === undefined ? '' : ` · code: ${clause.code}`}${clause.reason === undefined ? '' : ` · ${clause.reason}`}`,
  );
  console.log(`checks:  ${row.checks.join(', ') || (row.excuse ?? 'none')}`);
  console.log(`mutants: ${row.mutants.join(', ') || 'none'}`);
  console.log(`last:    ${row.lastVerdict ?? 'never run'}`);
  return 0;
}

function showMissing(rows: readonly ClauseRow[]): void {
  for (const { clause, checks, mutants } of rows) {
    if (!isMust(clause) || !isWireVisible(clause.witness)) continue;
    if (checks.length === 0) console.log(`no check    ${clause.id} ${clause.text}`);
    else if (mutants.length === 0) console.log(`no mutant   ${clause.id} ${clause.text}`);
  }
}

function lastVerdicts(root: string): Map<string, readonly string[]> {
  const file = join(root, 'reports', 'conform', 'results.jsonl');
  const verdicts = new Map<string, readonly string[]>();
  if (!existsSync(file)) return verdicts;
  for (const text of readFileSync(file, 'utf8').split('\n')) {
    if (text === '') continue;
    const line = JSON.parse(text) as ResultLine;
    if (line.type === 'check') verdicts.set(line.id, [...(verdicts.get(line.id) ?? []), line.verdict]);
  }
  return verdicts;
}

function mutantsByClause(root: string): Map<string, readonly string[]> {
  const directory = join(root, 'reference', 'adapter', 'mutants');
  const mutants = new Map<string, readonly string[]>();
  if (!existsSync(directory)) return mutants;
  for (const file of readdirSync(directory).sort()) {
    if (!file.endsWith('.toml')) continue;
    const { id, clause } = mutantFile.parse(parse(readFileSync(join(directory, file), 'utf8')));
    mutants.set(clause, [...(mutants.get(clause) ?? []), id]);
  }
  return mutants;
}

function excuses(root: string): Map<string, string> {
  const file = join(root, 'conformance', 'clauses', 'unchecked.toml');
  const read = excuseFile.parse(parse(readFileSync(file, 'utf8')));
  return new Map(read.clause.map(({ id, reason }) => [id, reason]));
}
