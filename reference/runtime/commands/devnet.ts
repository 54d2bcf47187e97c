/** `carillon devnet`: flags only; what it does is loaded when it is called. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import { PRESET_NAMES } from '../../core/parameter-table.ts';
import type { DevnetFlags } from './devnet-run.ts';

function integer(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = /^[0-9]{1,6}$/.test(text) ? Number(text) : Number.NaN;
    if (value >= least && value <= most) return value;
    throw new InvalidArgumentError(`expected an integer from ${least} to ${most}; found ${JSON.stringify(text)}`);
  };
}

const HELP = `
Every node is told one address, that of node 0, and finds the others by itself. When all know all, a table is
printed and the nodes run on until Ctrl-C.

  carillon devnet --nodes 20
  carillon devnet --nodes 20 --once --json
  carillon devnet --nodes 40 --processes 2 --base-port 7600 --http-base-port 8600

Exit codes: 0 stopped, or with --once all know all; 1 the time is over before that; 2 usage, 70 fault of this software.`;

/** Adds the command `devnet` to the program. */
export function registerDevnet(program: Command): void {
  program
    .command('devnet')
    .description('run a network of nodes on the loopback interface, over WebSockets and UDP')
    .option('--nodes <count>', 'how many', integer(2, 500), 20)
    .option('--processes <count>', 'spread them over so many processes', integer(1, 64), 1)
    .option('--base-port <port>', 'port of node 0, the others follow; 0 takes any that are free', integer(0, 65_535), 0)
    .option('--http-base-port <port>', 'serve /health, /metrics and /peers of each node, from this port on', integer(0, 65_535))
    .addOption(new Option('--preset <name>', 'parameters').choices(PRESET_NAMES).default('devnet'))
    .option('--time-limit <seconds>', 'how long they may take to find each other', integer(1, 3_600), 30)
    .option('--once', 'end when all know all')
    .option('--json', 'one JSON object instead of the table')
    .addHelpText('after', HELP)
    .action(async (flags: DevnetFlags) => {
      const { runDevnet } = await import('./devnet-run.ts');
      process.exitCode = await runDevnet(flags);
    });
}

export { registerDevnet as register };
