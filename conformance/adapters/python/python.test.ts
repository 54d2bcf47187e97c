/** The second node, judged by the kit. It needs Debian's packages, which not every machine has. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';

const PYTHON = '/usr/bin/python3';
const FOLDER = import.meta.dirname;
const REPORTS = mkdtempSync(join(tmpdir(), 'carillon-python-'));
const hasPackages = spawnSync(PYTHON, ['-c', 'import google.protobuf, cryptography'], { stdio: 'ignore' }).status === 0;
const reason = hasPackages ? '' : ' (skipped: it needs the Debian packages python3-protobuf and python3-cryptography)';

afterAll(() => rmSync(REPORTS, { recursive: true, force: true }));

async function run(command: string, args: readonly string[]): Promise<{ readonly exitCode: number | null; readonly said: string }> {
  const child = spawn(command, [...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (data: Buffer) => {
      said = (said + data.toString()).slice(-4000);
    });
  }
  const [exitCode] = (await once(child, 'close')) as [number | null];
  return { exitCode, said };
}

describe.skipIf(!hasPackages)(`the node in Python${reason}`, () => {
  test.each(['test_adapter.py', 'test_network.py', 'test_sets.py'])(
    'passes its own %s',
    async (file) => {
      const { exitCode, said } = await run(PYTHON, [join(FOLDER, file)]);
      expect(exitCode, said).toBe(0);
    },
    120_000,
  );

  test.each([
    ['vectors', ['--level', 'vectors']],
    ['adapter', ['--level', 'adapter', '--runs', '2', '--seed', 'python']],
  ])(
    'conforms at level %s',
    async (level, flags) => {
      const target = `${PYTHON} ${join(FOLDER, 'adapter.py')}`;
      const { exitCode, said } = await run(process.execPath, [
        'bin/carillon.ts',
        'conform',
        '--exec',
        target,
        ...flags,
        '--report-dir',
        join(REPORTS, level),
      ]);
      expect(exitCode, said).toBe(0);
    },
    600_000,
  );
});
