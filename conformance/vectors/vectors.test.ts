import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { EVALUATE_FUNCTIONS, evaluate } from '../model/evaluate.ts';
import type { VectorCheck } from '../runner/check.ts';
import { suites } from '../suites/index.ts';
import { vectorCheck } from './checks.ts';
import { registerVectors, runVectorsCommand } from './command.ts';
import { clausesOf, type VectorFile } from './file.ts';
import { generatedTexts, staleFiles, writeVectors } from './generate.ts';
import { loadVectorFile, parseVectorFile, vectorsFolder } from './load.ts';
import { type EvaluateAnswer, runVectorFile } from './run.ts';

const checks: readonly VectorCheck[] = suites.flatMap((suite) => suite.checks).filter((check) => check.kind === 'vector');
let texts: ReadonlyMap<string, string> = new Map();
let files: readonly (readonly [path: string, file: VectorFile])[] = [];

beforeAll(() => {
  texts = generatedTexts();
  files = [...texts.keys()].filter((path) => !path.startsWith('schema/')).map((path) => [path, loadVectorFile(path)] as const);
});

function model(name: string, args: readonly Uint8Array[]): Promise<EvaluateAnswer> {
  return Promise.resolve(evaluate(name, args));
}

/** Ids of the clauses of chapters 01 to 05 with witness `vector`, and whether they name a code. */
function vectorClauses(): readonly { id: string; refuses: boolean }[] {
  const folder = new URL('../../spec/', import.meta.url);
  return readdirSync(folder)
    .filter((name) => /^0[1-5]-.*\.md$/.test(name))
    .flatMap((name) => [...readFileSync(new URL(name, folder), 'utf8').matchAll(/^\*\*([A-Z]{3}-\d{3})\*\*.*\n(?:.*\n)*?witness: (.*)$/gm)])
    .filter(([, , witness]) => witness?.startsWith('vector'))
    .map(([, id = '', witness = '']) => ({ id, refuses: witness.includes('code:') }));
}

describe('the committed files', () => {
  test('are those that the model writes, and no others', () => {
    expect(staleFiles(vectorsFolder(), texts)).toEqual([]);
  });

  test('each folder says what its files are', () => {
    for (const folder of ['conventions', 'identity', 'wire', 'session', 'gossip']) {
      const readme = readFileSync(join(vectorsFolder(), folder, 'README.md'), 'utf8');
      for (const heading of ['## Parameters', '## Format', '## Verification']) expect(readme).toContain(heading);
      for (const [path] of files.filter(([name]) => name.startsWith(`${folder}/`))) expect(readme).toContain(path.slice(folder.length + 1));
    }
  });

  test('the model answers every case as it stands', async () => {
    for (const [path, file] of files) {
      const failed = (await runVectorFile(model, file)).filter((result) => result.verdict !== 'passed');
      expect([path, failed]).toEqual([path, []]);
    }
  });

  test('every function of chapter 23 has a file, and every file a function of chapter 23', () => {
    const chapter = readFileSync(new URL('../../spec/23-conformance.md', import.meta.url), 'utf8');
    const named = [...chapter.matchAll(/^\| `([a-z0-9_.]+)` +\|.*\|$/gm)]
      .map((match) => match[1] ?? '')
      .filter((name) => EVALUATE_FUNCTIONS.includes(name) || name.includes('.'));
    expect([...new Set(files.map(([, file]) => file.function))].sort()).toEqual([...EVALUATE_FUNCTIONS].sort());
    for (const name of EVALUATE_FUNCTIONS) expect(named).toContain(name);
  });
});

describe('clauses', () => {
  test('every clause with witness vector has a valid case, and an invalid one where it refuses', () => {
    const cases = files.flatMap(([, file]) => file.cases.map((one) => ({ clauses: clausesOf(file, one), result: one.result })));
    const clauses = vectorClauses();
    expect(clauses.length).toBeGreaterThanOrEqual(44);
    // The predicate's clauses refuse without naming a code.
    const refusing = new Set([
      'IDN-010',
      'IDN-011',
      'IDN-012',
      'IDN-013',
      'IDN-014',
      'IDN-015',
      'IDN-016',
      ...clauses.filter((one) => one.refuses).map((one) => one.id),
    ]);
    const predicate = new Set(['IDN-010', 'IDN-011', 'IDN-012', 'IDN-013', 'IDN-014', 'IDN-015', 'IDN-016']);
    for (const { id } of clauses) {
      const own = cases.filter((one) => one.clauses.includes(id)).map((one) => one.result);
      // A valid signature is the twin of all refused ones; it stands under IDN-017.
      if (!predicate.has(id)) expect([id, own.includes('valid')]).toEqual([id, true]);
      if (refusing.has(id)) expect([id, own.includes('invalid')]).toEqual([id, true]);
    }
  });

  test('every case belongs to a check, and every check has cases', () => {
    const judged = new Set(checks.flatMap((check) => (check.cases ?? []).map((id) => `${check.file}#${id}`)));
    const all = files.flatMap(([path, file]) => file.cases.map((one) => `${path}#${one.id}`));
    expect(all.filter((name) => !judged.has(name))).toEqual([]);
    expect(judged.size).toBe(all.length);
  });

  test('there are at least 45 checks with ids of their own', () => {
    expect(new Set(checks.map((check) => check.id)).size).toBe(checks.length);
    expect(checks.length).toBeGreaterThanOrEqual(45);
    for (const check of checks) {
      const file = loadVectorFile(check.file);
      for (const id of check.cases ?? []) {
        const one = file.cases.find((candidate) => candidate.id === id);
        expect(check.clauses).toContain(one === undefined ? undefined : clausesOf(file, one)[0]);
      }
    }
  });

  test('a check of a clause that its file does not have is an error of the kit', () => {
    const check = vectorCheck({ id: 'a.b', title: 't', file: 'conventions/uvarint-encode.json', clauses: ['GSP-030'] });
    expect(() => check.cases).toThrow('has no case of GSP-030');
  });
});

describe('running a file', () => {
  test('a wrong answer names the clause of its case', async () => {
    const file = loadVectorFile('conventions/uvarint-decode.json');
    const lenient = (name: string, args: readonly Uint8Array[]): Promise<EvaluateAnswer> => {
      const answer = evaluate(name, args);
      return Promise.resolve('clause' in answer && answer.clause === 'CNV-002' ? { values: [] } : answer);
    };
    const failed = (await runVectorFile(lenient, file)).filter((result) => result.verdict === 'failed');
    expect(failed.length).toBeGreaterThan(5);
    expect(new Set(failed.map((result) => result.clause))).toEqual(new Set(['CNV-002']));
    expect(failed[0]).toMatchObject({ expected: 'E_VARINT', observed: 'values []' });
  });

  test('a right verdict with another code is wrong', async () => {
    const file = loadVectorFile('identity/envelope-judge.json');
    const answer: EvaluateAnswer = { values: [new TextEncoder().encode('reject'), new TextEncoder().encode('E_SIGNATURE')] };
    const [result] = await runVectorFile(() => Promise.resolve(answer), file, ['encoding-trailing-zero']);
    expect(result?.verdict).toBe('failed');
  });

  test('refused is right only where the case says so, unsupported is neither passed nor failed', async () => {
    const file = loadVectorFile('identity/ed25519-strict.json');
    const ids = ['key-31', 's-is-l'];
    const refused = await runVectorFile(() => Promise.resolve({ refused: 'size' }), file, ids);
    expect(refused.map((result) => result.verdict)).toEqual(['passed', 'failed']);
    const unsupported = await runVectorFile(() => Promise.resolve({ unsupported: 'x' }), file, ids);
    expect(unsupported.map((result) => result.verdict)).toEqual(['unsupported', 'unsupported']);
    await expect(runVectorFile(model, file, ['no-such'])).rejects.toThrow('no case is called no-such');
  });
});

describe('loading', () => {
  const good = {
    schema: 1,
    revision: '0.1',
    function: 'sha256',
    clauses: ['IDN-001'],
    notes: {},
    source: { kind: 'model', ref: 'test' },
    cases: [{ id: 'a', comment: '', flags: [], args: ['00'], result: 'valid', values: ['01'] }],
  };
  const parse = (change: object): VectorFile => parseVectorFile('x.json', JSON.stringify({ ...good, ...change }));
  const oneCase = (change: object): VectorFile => parse({ cases: [{ ...good.cases[0], ...change }] });

  test('a file of the form is taken', () => {
    expect(parse({}).cases.length).toBe(1);
  });

  test.each([
    ['no JSON', () => parseVectorFile('x.json', '{'), 'JSON'],
    ['another schema', () => parse({ schema: 2 }), 'schema'],
    ['an unknown key', () => parse({ more: 1 }), 'more'],
    ['no cases', () => parse({ cases: [] }), 'cases'],
    ['upper-case hexadecimal', () => oneCase({ args: ['AA'] }), 'cases.0.args.0'],
    ['half a byte', () => oneCase({ args: ['0'] }), 'cases.0.args.0'],
    ['two outcomes', () => oneCase({ error: 'E_VARINT' }), 'exactly one of values and error'],
    ['no outcome', () => oneCase({ values: undefined }), 'exactly one of values and error'],
    ['a valid case with an error', () => oneCase({ values: undefined, error: 'E_VARINT' }), 'a valid case has no error'],
    ['a flag without a note', () => oneCase({ flags: ['x'] }), 'flag x has no note'],
    ['an id twice', () => parse({ cases: [good.cases[0], good.cases[0]] }), 'used twice'],
  ])('%s is refused with the place', (_, load, part) => {
    expect(load).toThrow('vectors/x.json is not a vector file');
    expect(load).toThrow(part);
  });
});

describe('the command', () => {
  const folder = mkdtempSync(join(tmpdir(), 'vectors-'));
  afterAll(() => rmSync(folder, { recursive: true }));

  test('asks for exactly one flag', () => {
    expect(() => runVectorsCommand({}, folder)).toThrow('exactly one of --write and --check');
    expect(() => runVectorsCommand({ write: true, check: true }, folder)).toThrow('found both');
  });

  test('check fails on missing, changed and superfluous files, write mends the first two', () => {
    expect(staleFiles(folder, texts)).toHaveLength(texts.size);
    expect(writeVectors(folder, texts)).toHaveLength(texts.size);
    expect(staleFiles(folder, texts)).toEqual([]);
    expect(writeVectors(folder, texts)).toEqual([]);
    writeFileSync(join(folder, 'wire', 'frame-encode.json'), '{}');
    writeFileSync(join(folder, 'wire', 'old.json'), '{}');
    expect(staleFiles(folder, texts)).toEqual(['wire/frame-encode.json', 'wire/old.json']);
    const { text, exitCode } = runVectorsCommand({ check: true }, folder);
    expect(exitCode).toBe(1);
    expect(text).toContain('wire/frame-encode.json, wire/old.json');
  });

  test('checks the committed files from the command line', async () => {
    const program = new Command().exitOverride();
    registerVectors(program);
    const lines: string[] = [];
    const write = process.stdout.write;
    process.stdout.write = (line: string | Uint8Array): boolean => lines.push(String(line)) > 0;
    try {
      await program.parseAsync(['node', 'carillon', 'vectors', '--check']);
    } finally {
      process.stdout.write = write;
    }
    expect(lines.join('')).toMatch(/^\d+ files match the model, \d+ cases\n$/);
  });
});
