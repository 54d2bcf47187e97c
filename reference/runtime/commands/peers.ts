/** `carillon peers`: flags only; what it does is loaded when it is called. */
import type { Command } from 'commander';
import type { PeersFlags } from './peers-run.ts';

const HELP = `
  carillon node --network example --preset devnet --key node.key --http 127.0.0.1:7601
  carillon peers --http http://127.0.0.1:7601

Exit codes: 0 shown, 2 usage, 3 no node answers there, 70 fault of this software.`;

/** Adds the command `peers` to the program. */
export function registerPeers(program: Command): void {
  program
    .command('peers')
    .description('show the sessions of a running node')
    .requiredOption('--http <url>', 'the HTTP window of the node, http://HOST:PORT')
    .option('--json', 'the answer as it came')
    .addHelpText('after', HELP)
    .action(async (flags: PeersFlags) => {
      const { runPeers } = await import('./peers-run.ts');
      await runPeers(flags);
    });
}

export { registerPeers as register };
