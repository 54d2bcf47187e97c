import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { CheckLine, ResultLine } from '../conformance/report/result.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const directory = mkdtempSync(join(tmpdir(), 'carillon-conform-'));
afterAll(() => rmSync(directory, { recursive: true }));

function carillon(...args: readonly string[]): Promise<{ readonly code: number | null; readonly out: string; readonly err: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [join(ROOT, 'bin', 'carillon.ts'), ...args], { cwd: directory, timeout: 55_000 });
    let out = '';
    let err = '';
    child.stdout.on('data', (text) => {
      out += text;
    });
    child.stderr.on('data', (text) => {
      err += text;
    });
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, out, err }));
  });
}

const linesIn = (folder: string): ResultLine[] =>
  readFileSync(join(directory, folder, 'results.jsonl'), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as ResultLine);
const checksIn = (folder: string): CheckLine[] => linesIn(folder).filter((line) => line.type === 'check');

// A node that takes its own messages back, as an adapter that the kit starts.
const MUTANT = `id = "own-messages"
title = "Takes its own messages back"
clause = "GSP-019"
file = "reference/core/gossip/verdict.ts"
find = "if (memory.isSelf(origin))"
replace = "if (memory.isSelf(origin) && id === origin)"
`;
const CHECK = 'gossip.verdict.own-origin';
let exec = '';
beforeAll(() => {
  const patch = join(directory, 'own-messages.toml');
  writeFileSync(patch, MUTANT);
  const hook = pathToFileURL(join(ROOT, 'reference', 'adapter', 'patch-hook.ts')).href;
  exec = `CARILLON_PATCH='${patch}' '${process.execPath}' --import '${hook}' '${join(ROOT, 'reference', 'adapter', 'main.ts')}'`;
});

describe('conform on the reference', () => {
  test('passes, writes results and reports, and gives the same event log for the same seed', async () => {
    const [first, second, sharded] = await Promise.all([
      carillon('conform', '--only', `conventions.*,${CHECK}@adapter`, '--seed', '7', '--report-dir', 'first'),
      carillon('conform', '--only', `conventions.*,${CHECK}@adapter`, '--seed', '7', '--jobs', '1', '--report-dir', 'second'),
      carillon('conform', '--only', 'conventions.*', '--shard', '1/2', '--level', 'vectors', '--report-dir', 'third'),
    ]);
    for (const run of [first, second, sharded]) expect(run.code, run.out + run.err).toBe(0);
    expect(first.out).toMatch(/^carillon conform .*\ntarget {2}carillon-reference .*\nlevels {2}vectors, adapter.*\nseed {4}7\n/);
    expect(first.out).not.toContain('\u001b');
    const log = readFileSync(join(directory, 'first', 'events.log'), 'utf8');
    expect(log).toMatch(new RegExp(`^[0-9a-f]{64} ${CHECK.replaceAll('.', '\\.')}$`, 'm'));
    expect(readFileSync(join(directory, 'second', 'events.log'), 'utf8')).toBe(log);
    expect(readdirSync(join(directory, 'first')).sort()).toEqual([
      'events.log',
      'junit.xml',
      'report.html',
      'results.jsonl',
      'summary.json',
      'summary.md',
    ]);
    expect(JSON.parse(readFileSync(join(directory, 'first', 'summary.json'), 'utf8'))).toMatchObject({ seed: '7', failed: 0 });
  });

  test('a filter that leaves nothing of a level starts no target of it', async () => {
    const run = await carillon('conform', '--only', 'conventions.*', '--format', 'json', '--report-dir', 'json');
    expect(run.code).toBe(0);
    const lines = run.out
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as ResultLine);
    expect(lines[0]).toMatchObject({ type: 'run', target: { name: 'carillon-reference' } });
    expect(lines.at(-1)).toMatchObject({ type: 'end', exitCode: 0 });
  });

  test('the reference serves as an adapter of its own, which the help does not list', async () => {
    const adapter = `'${process.execPath}' '${join(ROOT, 'bin', 'carillon.ts')}' adapter`;
    const [run, help] = await Promise.all([
      carillon('conform', '--exec', adapter, '--only', 'conventions.*', '--level', 'vectors', '--report-dir', 'exec'),
      carillon('--help'),
    ]);
    expect(run.code, run.err).toBe(0);
    expect(help.out).not.toMatch(/^ {2}adapter/m);
  });

  test('an empty shard is a failure: zero checks ran', async () => {
    const run = await carillon('conform', '--only', `${CHECK}@adapter`, '--shard', '2/2', '--report-dir', 'empty');
    expect(run.code).toBe(1);
    expect(run.out).toContain('Nothing was exercised');
  });
});

describe('conform on a node that breaks a clause', () => {
  test('fails with the clause, a shrunk trace that breaks it again, and not on the reference', async () => {
    const run = await carillon('conform', '--exec', exec, '--only', `${CHECK}@adapter`, '--seed', '7', '--report-dir', 'broken');
    expect(run.code, run.err).toBe(1);
    const [line] = checksIn('broken');
    expect(line).toMatchObject({ id: CHECK, verdict: 'failed', failure: { clause: 'GSP-019', flaky: false } });
    expect(line?.failure?.steps).toBeLessThan(line?.failure?.stepsBeforeShrinking ?? 0);
    expect(run.out).toContain(`replay    ${line?.failure?.replay}`);

    const trace = join('broken', 'traces', `${CHECK}.adapter.jsonl`);
    const [onMutant, onReference] = await Promise.all([carillon('replay', trace, '--exec', exec), carillon('replay', trace)]);
    expect(onMutant.code, onMutant.err).toBe(1);
    expect(onMutant.out).toContain('It happens again: GSP-019.');
    expect(onReference.code, onReference.err).toBe(0);
    expect(onReference.out).toContain('It does not happen again.');
  });

  test('a baseline excuses it, and is stale on the reference', async () => {
    const entry = `[[expected]]\ncheck = "${CHECK}"\nlevel = "adapter"\nreason = "not done yet"\nlink = "https://example.org/7"\n`;
    writeFileSync(join(directory, 'baseline.toml'), entry);
    const select = ['--only', `${CHECK}@adapter`, '--baseline', 'baseline.toml'];
    const [excused, stale] = await Promise.all([
      carillon('conform', '--exec', exec, ...select, '--report-dir', 'excused'),
      carillon('conform', ...select, '--report-dir', 'stale'),
    ]);
    expect(excused.code, excused.out).toBe(0);
    expect(excused.out).toContain('expected to fail');
    expect(stale.code).toBe(1);
    expect(stale.out).toContain('remove the entry');
  });

  test('a patch that does not apply is a target that does not start: exit code 3', async () => {
    writeFileSync(
      join(directory, 'lost.toml'),
      MUTANT.replace('own-messages', 'lost').replace('memory.isSelf(origin))"', 'memory.isNobody(origin))"'),
    );
    const run = await carillon('conform', '--exec', exec.replace('own-messages.toml', 'lost.toml'), '--level', 'vectors');
    expect(run.code).toBe(3);
    expect(run.err).toContain('patch does not apply');
  });
});

describe('mutants', () => {
  test('a catalogue is run, kills are told from survivors, and kills are shrunk and replayed', async () => {
    const catalogue = mkdtempSync(join(directory, 'catalogue-'));
    writeFileSync(join(catalogue, 'own-messages.toml'), MUTANT);
    const harmless = MUTANT.replace('own-messages', 'harmless').replace('id === origin', 'id !== origin');
    writeFileSync(join(catalogue, 'harmless.toml'), harmless);
    const run = await carillon('mutants', '--catalogue', catalogue, '--shrink', '--report-dir', 'mutants');
    expect(run.code, run.err).toBe(1);
    expect(run.out).toMatch(new RegExp(`killed +GSP-019 {2}own-messages {2}${CHECK}@adapter`));
    expect(run.out).toMatch(/survives +GSP-019 {2}harmless/);
    expect(JSON.parse(readFileSync(join(directory, 'mutants', 'summary.json'), 'utf8'))).toMatchObject({
      mutants: 2,
      killed: 1,
      killedByClause: 1,
      survivors: ['harmless'],
      replays: { traces: 1, reproduced: 1, heldOnReference: 1 },
    });
  });
});
