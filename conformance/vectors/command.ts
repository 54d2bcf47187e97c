/** `carillon vectors`: writes the vector files from the model, or checks that they match it. */
import type { Command } from 'commander';
import { EXIT_FAILED, EXIT_PASSED, ToolError } from '../runner/problem.ts';
import { generatedTexts, staleFiles, writeVectors } from './generate.ts';
import { loadVectorFile, vectorsFolder } from './load.ts';

/** Paths that one error message quotes. */
const PATHS_SHOWN_MAX = 8;

/** Adds `vectors` to the command line. */
export function registerVectors(program: Command): void {
  program
    .command('vectors')
    .description('the vector files that conformance/model writes')
    .addHelpText('after', '\nGive one of the two. Exit codes: 0 done, 1 a file differs, 2 usage or file, 70 fault of the kit.')
    .option('--write', 'write the files that differ from the generated ones')
    .option('--check', 'fail when a committed file differs from the generated one')
    .action((options: { write?: true; check?: true }) => {
      const { text, exitCode } = runVectorsCommand(options, vectorsFolder());
      (exitCode === EXIT_PASSED ? process.stdout : process.stderr).write(`${text}\n`);
      process.exitCode = exitCode;
    });
}

/** What the command says, and its exit code: 1 when `check` finds a file that differs. */
export interface VectorsOutcome {
  readonly text: string;
  readonly exitCode: number;
}

/** What the command does. Throws E_USAGE for both flags or none. */
export function runVectorsCommand(options: { readonly write?: true; readonly check?: true }, folder: string): VectorsOutcome {
  if ((options.write === true) === (options.check === true)) {
    throw new ToolError('E_USAGE', {
      what: 'vectors was not told what to do',
      expected: 'exactly one of --write and --check',
      found: options.write === true ? 'both' : 'neither',
      action: 'run `npm run vectors -- --check`',
    });
  }
  const done = (text: string): VectorsOutcome => ({ text, exitCode: EXIT_PASSED });
  const texts = generatedTexts();
  if (options.write === true) {
    const changed = writeVectors(folder, texts);
    return done(
      changed.length === 0 ? `all ${texts.size} files are as generated` : changed.map((path) => `wrote vectors/${path}`).join('\n'),
    );
  }
  const stale = staleFiles(folder, texts);
  if (stale.length > 0) {
    const left = stale.length - PATHS_SHOWN_MAX;
    const shown = [...stale.slice(0, PATHS_SHOWN_MAX), ...(left > 0 ? [`${left} more`] : [])].join(', ');
    return {
      text:
        'vector files do not match the model; expected the files that the generator writes, and no others; ' +
        `found ${shown}; run \`npm run vectors -- --write\` and look at the difference; remove files that are no longer generated`,
      exitCode: EXIT_FAILED,
    };
  }
  const cases = [...texts.keys()]
    .filter((path) => !path.startsWith('schema/'))
    .reduce((sum, path) => sum + loadVectorFile(path).cases.length, 0);
  return done(`${texts.size} files match the model, ${cases} cases`);
}
