/** Chapter 20 is the registry of codes: clauses, tables, wire definitions and tools name the same ones. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { readSpec } from '../conformance/clauses/spec.ts';
import { TOOL_EXIT_CODES } from '../conformance/runner/problem.ts';
import { ErrorCode } from '../proto/gen/carillon/v1/common_pb.ts';

const SPEC = join(import.meta.dirname, '..', 'spec');
const chapter = readFileSync(join(SPEC, '20-errors.md'), 'utf8');
const { clauses } = readSpec(SPEC);

/** Codes that no clause goes with, and why. */
const WITHOUT_CLAUSE = new Set([
  'E_SHUTDOWN', // the operator's word, not a peer's fault
]);

function cellsOf(line: string): readonly string[] {
  return line
    .split('|')
    .slice(1, -1)
    .map((cell) => cell.trim());
}

/** Rows of the tables that begin with a number, by section. */
function registryOf(section: string): ReadonlyMap<string, number> {
  const from = chapter.indexOf(`\n## ${section}\n`);
  const to = chapter.indexOf('\n## ', from + 1);
  const rows = chapter
    .slice(from, to === -1 ? undefined : to)
    .split('\n')
    .filter((line) => /^\| \d/.test(line))
    .map(cellsOf);
  return new Map(rows.map(([number = '', name = '']) => [name, Number(number)]));
}

const wire = registryOf('On the wire');
const local = registryOf('Local to a session');
const verdicts = registryOf('Verdicts');
const registry = new Map([...wire, ...local, ...verdicts]);

/** Names and exit codes of the table of tool errors. */
const tools = new Map(
  chapter
    .slice(chapter.indexOf('\n## Tools\n'))
    .split('\n')
    .filter((line) => line.startsWith('| E_'))
    .map(cellsOf)
    .map(([name = '', , exitCode = '']) => [name, Number(exitCode)]),
);

describe('the registry of error codes', () => {
  test('every code of a clause is in a table', () => {
    const unknown = clauses.flatMap(({ id, code }) =>
      code === undefined || registry.has(code) || tools.has(code) ? [] : [`${id}: ${code}`],
    );
    expect(unknown).toEqual([]);
  });

  test('every code of the tables goes with a clause, or says why not', () => {
    const used = new Set(clauses.map(({ code }) => code));
    expect([...registry.keys()].filter((name) => !used.has(name) && !WITHOUT_CLAUSE.has(name))).toEqual([]);
    expect([...WITHOUT_CLAUSE].filter((name) => used.has(name))).toEqual([]);
  });

  test('every code named in the text of a chapter is in a table', () => {
    const named = clauses.flatMap(({ id, text }) => [...text.matchAll(/\bE_[A-Z_]+\b/g)].map((match) => [id, match[0]] as const));
    expect(named.filter(([, name]) => !registry.has(name) && !tools.has(name))).toEqual([]);
  });

  test('names and numbers are those of the wire definitions', () => {
    const defined = Object.entries(ErrorCode).filter(([name, number]) => typeof number === 'number' && name !== 'E_NONE');
    expect(Object.fromEntries(registry)).toEqual(Object.fromEntries(defined));
  });

  test('each table keeps to its range', () => {
    expect([...wire.values()].every((number) => number >= 1 && number <= 31)).toBe(true);
    expect([...local.values()].every((number) => number >= 32 && number <= 63)).toBe(true);
    expect([...verdicts.values()].every((number) => number >= 64 && number <= 95)).toBe(true);
  });

  test('the tools leave with the exit codes of the table', () => {
    expect(Object.fromEntries(tools)).toEqual({ ...TOOL_EXIT_CODES });
  });
});
