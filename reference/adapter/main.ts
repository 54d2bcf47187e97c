/** `node reference/adapter/main.ts`: what the kit starts when it judges the reference. */
import { enableCompileCache } from 'node:module';
import { fileURLToPath } from 'node:url';

// As for the commands: sources that are compiled at each start take most of a short run.
if (import.meta.url.endsWith('.ts')) enableCompileCache(fileURLToPath(new URL('../../node_modules/.cache/carillon', import.meta.url)));

const { runAdapter } = await import('./run.ts');
process.exitCode = await runAdapter(process.argv.slice(2));
