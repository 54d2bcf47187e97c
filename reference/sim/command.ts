/** `carillon sim`: lists scenarios and runs them. */
import { type Command, InvalidArgumentError } from 'commander';

/** The flags as the parser gives them. */
interface SimFlags {
  readonly nodes?: number;
  readonly seed?: string;
  readonly set: readonly (readonly [string, number])[];
  readonly json?: true;
  readonly timeLimit: number;
  readonly heap: number;
}

const SECONDS_MAX = 86_400;
const SECONDS_DEFAULT = 600;
const HEAP_MIB_DEFAULT = 8_192;

function integer(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = /^[0-9]{1,9}$/.test(text) ? Number(text) : Number.NaN;
    if (value >= least && value <= most) return value;
    throw new InvalidArgumentError(`expected an integer from ${least} to ${most}; found ${JSON.stringify(text)}`);
  };
}

function setting(text: string, before: readonly (readonly [string, number])[]): readonly (readonly [string, number])[] {
  const [, name = '', value = ''] = /^([a-z0-9_]+)=(-?[0-9]{1,15}(?:\.[0-9]{1,15})?)$/.exec(text) ?? [];
  if (name === '') throw new InvalidArgumentError(`expected NAME=NUMBER; found ${JSON.stringify(text)}`);
  return [...before, [name, Number(value)]];
}

const HELP = `
  carillon sim list
  carillon sim gossip.spread --nodes 1000 --seed 7
  carillon sim gossip.spread --set loss=0.05 --json

The same seed and values give the same figures. Each run has a process of its own.
Exit codes: 0 all figures within their bounds, 1 a bound is missed or the time is over, 2 usage, 70 fault of this software.`;

/** Adds the command `sim` to the program. */
export function registerSim(program: Command): void {
  program
    .command('sim')
    .description('measure the reference in simulated networks')
    .argument('<scenario...>', 'list, or names of scenarios such as gossip.spread; gossip.* for all of a noun')
    .option('--nodes <count>', 'the parameter nodes', integer(1, 100_000))
    .option('--seed <text>', "repeat a run; the scenario's own if absent")
    .option('--set <name=number>', 'another parameter of the scenario; may be given several times', setting, [])
    .option('--json', 'one JSON object instead of tables')
    .option('--time-limit <seconds>', 'real time that one run may take', integer(1, SECONDS_MAX), SECONDS_DEFAULT)
    .option('--heap <mib>', 'memory for the objects of one run', integer(128, 1_048_576), HEAP_MIB_DEFAULT)
    .addHelpText('after', HELP)
    .action(async (names: readonly string[], flags: SimFlags) => {
      const { runSim } = await import('./command-run.ts');
      const { nodes, seed, set, json, timeLimit, heap } = flags;
      process.exitCode = await runSim(names, {
        values: { ...(nodes === undefined ? {} : { nodes }), ...Object.fromEntries(set) },
        seed,
        isJson: json === true,
        limits: { timeLimitMs: timeLimit * 1_000, heapMibMax: heap },
      });
    });
}
