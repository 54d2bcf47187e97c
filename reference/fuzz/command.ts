/** `carillon fuzz`: hostile inputs to nodes in this process, a flood in another, and a verdict. */
import { accessSync, constants, mkdirSync } from 'node:fs';
import { type Command, InvalidArgumentError } from 'commander';
import { messageOf, Problem } from '../runtime/problem.ts';

/** The flags as the parser gives them. */
interface FuzzFlags {
  readonly inputs: number;
  readonly seed?: string;
  readonly timeLimit?: number;
  readonly only?: string;
  readonly floodSeconds?: number;
  readonly replay?: string;
  readonly reportDir: string;
}

const INPUTS_DEFAULT = 200_000;
const INPUTS_MAX = 1_000_000_000;
const SECONDS_MAX = 86_400;
/** Long enough for every memory but that of accepted ids to reach its bound. */
const FLOOD_SECONDS_DEFAULT = 40;

/** Real time that a second of the flood may take on a slow machine. */
const FLOOD_MS_PER_S = 10_000;

/** Failures that are written; further ones are counted only. */
const FAILURES_MAX = 20;

function integer(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = /^[0-9]{1,12}$/.test(text) ? Number(text) : Number.NaN;
    if (value >= min && value <= max) return value;
    throw new InvalidArgumentError(`expected an integer from ${min} to ${max}; found ${JSON.stringify(text)}`);
  };
}

function hexadecimal(text: string): string {
  if (/^([0-9a-fA-F]{2}){1,32}$/.test(text)) return text.toLowerCase();
  throw new InvalidArgumentError(`expected 1 to 32 bytes as hexadecimal digits; found ${JSON.stringify(text)}`);
}

/** Makes the directory for results before a run is spent on them. Throws E_FILE. */
function requireDirectory(path: string): void {
  try {
    mkdirSync(path, { recursive: true });
    accessSync(path, constants.W_OK);
  } catch (error) {
    throw new Problem('E_FILE', {
      where: '--report-dir',
      expected: 'a directory that can be written',
      found: messageOf(error),
      todo: 'check the path and its permissions',
    });
  }
}

async function replay(path: string): Promise<number> {
  const { readFailure, replayFailure } = await import('./failure.ts');
  const failure = readFailure(path);
  const fault = replayFailure(failure);
  const origin = `${failure.generator}, seed ${failure.seed}, node ${failure.node}, ${failure.steps.length} inputs`;
  if (fault === undefined) {
    process.stdout.write(`${path} (${origin}): the node takes it now\n`);
    return 0;
  }
  process.stdout.write(`${path} (${origin}): ${fault.kind}\n${fault.message}\n`);
  return 1;
}

async function fuzz(flags: FuzzFlags): Promise<number> {
  const [{ randomBytes }, { runCampaign }, { GENERATOR_NAMES }, { runFlood }, { writeFailure }, summaries] = await Promise.all([
    import('node:crypto'),
    import('./campaign.ts'),
    import('./generators.ts'),
    import('./flood.ts'),
    import('./failure.ts'),
    import('./summary.ts'),
  ]);
  const only = GENERATOR_NAMES.find((name) => name === flags.only);
  if (flags.only !== undefined && only === undefined) {
    const expected = GENERATOR_NAMES.join(', ');
    throw new Problem('E_USAGE', {
      where: '--only',
      expected: `one of ${expected}`,
      found: JSON.stringify(flags.only),
      todo: 'name one of these',
    });
  }
  requireDirectory(flags.reportDir);
  const seed = flags.seed ?? randomBytes(8).toString('hex');
  process.stderr.write(`seed ${seed}\n`);
  const timeLimitMs = flags.timeLimit === undefined ? undefined : flags.timeLimit * 1000;

  // One generator is asked for when something is looked for: the flood then comes only when it is named.
  const floodSeconds = flags.floodSeconds ?? (only === undefined ? FLOOD_SECONDS_DEFAULT : 0);
  const floodLimitMs = Math.min(timeLimitMs ?? Number.POSITIVE_INFINITY, floodSeconds * FLOOD_MS_PER_S);
  const flooding =
    floodSeconds === 0
      ? undefined
      : runFlood({ seconds: floodSeconds, seed, timeLimitMs: floodLimitMs }).catch((error: unknown) => ({ died: messageOf(error) }));

  const failures: string[] = [];
  const campaign = runCampaign({
    inputs: flags.inputs,
    seed,
    ...(only === undefined ? {} : { only }),
    ...(timeLimitMs === undefined ? {} : { timeLimitMs }),
    onFailure: (failure) => {
      if (failures.length < FAILURES_MAX) failures.push(writeFailure(flags.reportDir, failures.length + 1, failure));
    },
  });
  const flood = await flooding;
  const summary = summaries.makeSummary(seed, campaign, flood, failures);
  summaries.writeSummary(flags.reportDir, summary);
  process.stdout.write(summaries.formatSummary(summary));
  return summaries.hasPassed(summary) ? 0 : 1;
}

const HELP = `
  carillon fuzz --inputs 40000 --flood-seconds 10     a short run
  carillon fuzz --replay reports/fuzz/failure-1.json  what failed, once more

Exit codes: 0 nothing found, 1 a failure, 2 usage or file, 70 a fault of this program.`;

/** Adds the command `fuzz` to the program. */
export function registerFuzz(program: Command): void {
  program
    .command('fuzz')
    .description('give nodes hostile inputs, flood one, and see that nothing is thrown, starved or kept without bound')
    .addHelpText('after', HELP)
    .option('--inputs <count>', 'hostile inputs', integer(1, INPUTS_MAX), INPUTS_DEFAULT)
    .option('--seed <hex>', 'repeat a run; a fresh seed if absent', hexadecimal)
    .option('--time-limit <seconds>', 'begin nothing further after that time', integer(1, SECONDS_MAX))
    .option('--only <generator>', 'bytes, frames, bodies, sequences, handshake, objects or datagrams, and no flood unless it is asked for')
    .option(
      '--flood-seconds <count>',
      `seconds of the node's time to flood, 0 for none; ${FLOOD_SECONDS_DEFAULT} if absent`,
      integer(0, SECONDS_MAX),
    )
    .option('--replay <file>', 'give a node once more what made it fail')
    .option('--report-dir <dir>', 'where the summary and failures go', 'reports/fuzz')
    .action(async (flags: FuzzFlags) => {
      process.exitCode = flags.replay === undefined ? await fuzz(flags) : await replay(flags.replay);
    });
}
