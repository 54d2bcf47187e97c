/**
 * Checks the wire definitions: lint, format, generated code that matches, and no breaking change
 * against the newest version tag. Prints what differs; exits with 1 on any difference.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const bin = join(root, 'node_modules', '.bin');

function run(command: string, args: readonly string[]): { readonly status: number; readonly output: string } {
  const result = spawnSync(command, args, {
    cwd: root,
    encoding: 'utf8',
    timeout: 120_000,
    env: { ...process.env, PATH: `${bin}:${process.env['PATH'] ?? ''}` },
  });
  return { status: result.status ?? 1, output: `${result.stdout}${result.stderr}` };
}

function generatedMatches(): { readonly status: number; readonly output: string } {
  const directory = mkdtempSync(join(tmpdir(), 'carillon-proto-'));
  try {
    cpSync(join(root, 'proto', 'gen'), join(directory, 'committed'), { recursive: true });
    const generated = run('buf', ['generate', '--output', directory]);
    if (generated.status !== 0) return generated;
    return run('diff', ['-r', join(directory, 'committed'), join(directory, 'proto', 'gen')]);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function newestTag(): string | undefined {
  const tags = run('git', ['tag', '--list', 'v*', '--sort=-v:refname']);
  return tags.status === 0 ? tags.output.split('\n').find((line) => line !== '') : undefined;
}

const checks: [string, () => { readonly status: number; readonly output: string }][] = [
  ['buf lint', () => run('buf', ['lint'])],
  ['buf format', () => run('buf', ['format', '-d', '--exit-code'])],
  ['proto/gen matches proto/', generatedMatches],
];
const tag = newestTag();
if (tag === undefined) console.log('buf breaking: no version tag yet, nothing to compare with');
else checks.push([`buf breaking against ${tag}`, () => run('buf', ['breaking', '--against', `.git#tag=${tag}`])]);

for (const [name, check] of checks) {
  const { status, output } = check();
  console.log(`${status === 0 ? 'ok  ' : 'FAIL'} ${name}`);
  if (status !== 0) {
    console.log(output);
    process.exitCode = 1;
  }
}
