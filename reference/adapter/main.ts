/** `node reference/adapter/main.ts`: what the kit starts when it judges the reference. */
import { runAdapter } from './run.ts';

process.exitCode = await runAdapter(process.argv.slice(2));
