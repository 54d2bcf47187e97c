/** `carillon adapter`: the reference node under test; the kit starts it, so help does not list it. */
import type { Command } from 'commander';

/** Adds the hidden command `adapter` to the program. */
export function registerAdapter(program: Command): void {
  program
    .command('adapter', { hidden: true })
    .description('serve the reference node to a conformance kit')
    .option('--listen <address>', 'tcp://HOST:PORT or unix:/PATH; else the address in CARILLON_ADAPTER is connected to')
    .option('--crypto <name>', 'native or portable primitives', 'native')
    .action(async (flags: { readonly listen?: string; readonly crypto: string }) => {
      const { runAdapter } = await import('./run.ts');
      const listen = flags.listen === undefined ? [] : ['--listen', flags.listen];
      process.exitCode = await runAdapter([...listen, '--crypto', flags.crypto]);
    });
}

export { registerAdapter as register };
