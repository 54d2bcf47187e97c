/**
 * Writes `conformance/required/VERSION.json`: the checks that score for a spec version. Done once, when the
 * version is released; a list that exists is never replaced, because users' results depend on it.
 */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { SPEC_VERSION } from '../conformance/driver/target.ts';
import { packageRoot } from '../conformance/package-root.ts';
import { loadRegistry } from '../conformance/runner/conform.ts';
import { requiredText } from '../conformance/runner/required.ts';

const file = join(packageRoot(), 'conformance', 'required', `${SPEC_VERSION}.json`);
if (existsSync(file) && !process.argv.includes('--force')) {
  process.stderr.write(`${file} is frozen; checks that are newer do not score before the next spec version (--force before a release)\n`);
  process.exitCode = 1;
} else {
  const ids = loadRegistry().checks.map((check) => check.id);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, requiredText(SPEC_VERSION, ids));
  process.stdout.write(`${file}: ${ids.length} checks\n`);
}
