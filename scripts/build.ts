/**
 * `npm run build`: compiles the sources to `dist`, with the extensions of imports rewritten, and puts the
 * data files beside the code that reads them. `spec`, `proto` and `vectors` are read where they lie.
 */
import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const dist = join(root, 'dist');

/** Folders of the sources whose data files the built code reads. */
const DATA_FOLDERS = ['conformance', 'reference'] as const;
const DATA_FILE = /\.(?:json|toml|md)$/;
/** Patches of the sources are of no use without the sources; a compiler's settings are not data. */
const LEFT_OUT = /(?:^|\/)(?:mutants|variants|testing)\/|(?:^|\/)tsconfig[^/]*\.json$/;

function compile(): void {
  const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  const { status } = spawnSync(process.execPath, [compiler, '-p', join(root, 'tsconfig.build.json')], { stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
}

function copyData(): number {
  let count = 0;
  const copy = (path: string): void => {
    mkdirSync(dirname(join(dist, path)), { recursive: true });
    cpSync(join(root, path), join(dist, path));
    count++;
  };
  for (const folder of DATA_FOLDERS) {
    for (const name of readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })) {
      if (DATA_FILE.test(name) && !LEFT_OUT.test(name)) copy(join(folder, name));
    }
  }
  return count;
}

rmSync(dist, { recursive: true, force: true });
compile();
const copied = copyData();
const command = join(dist, 'bin', 'carillon.js');
if (!existsSync(command)) throw new Error(`the compiler did not write ${command}`);
chmodSync(command, 0o755);
process.stdout.write(`dist: compiled, ${copied} data files\n`);
