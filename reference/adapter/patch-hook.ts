/**
 * Puts the patch that `CARILLON_PATCH` names into the sources while they are loaded:
 *
 *     CARILLON_PATCH=reference/adapter/mutants/ID.toml \
 *       node --import ./reference/adapter/patch-hook.ts reference/adapter/main.ts
 *
 * Without the variable nothing is changed. A patch that does not apply ends the process with 65
 * before any module of the program has run.
 */
import { registerHooks } from 'node:module';
import { EXIT_PATCH, PatchProblem, patchedModules, readPatch } from './patches.ts';

function modulesOf(path: string): ReadonlyMap<string, string> {
  try {
    return patchedModules(readPatch(path));
  } catch (error) {
    if (!(error instanceof PatchProblem)) throw error;
    process.stderr.write(`patch does not apply: ${error.message}\n`);
    process.exit(EXIT_PATCH);
  }
}

const { CARILLON_PATCH } = process.env;
if (CARILLON_PATCH !== undefined && CARILLON_PATCH !== '') {
  const modules = modulesOf(CARILLON_PATCH);
  registerHooks({
    load: (url, context, nextLoad) => {
      const source = modules.get(url);
      if (source === undefined) return nextLoad(url, context);
      return { format: 'module-typescript', source, shortCircuit: true };
    },
  });
}
