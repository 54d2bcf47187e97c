/** Where the package lies, from the sources and from a build alike. */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The folder of the package's own `package.json`, with `spec/`, `proto/` and `vectors/` beside it. */
export function packageRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!(existsSync(join(folder, 'package.json')) && existsSync(join(folder, 'spec'))) && dirname(folder) !== folder)
    folder = dirname(folder);
  return folder;
}
