#!/usr/bin/env node
/** The one command. Loads only the module of the command that was called, so that `--help` is fast. */
import { enableCompileCache } from 'node:module';
import { fileURLToPath } from 'node:url';
import { Command, CommanderError } from 'commander';
import { formatProblem, TOOL_EXIT_CODES, toolCodeOf } from '../conformance/runner/problem.ts';
import { usageError } from '../conformance/runner/usage.ts';
import { kitVersion } from '../conformance/runner/version.ts';

interface Entry {
  readonly summary: string;
  /** Left out of the help: for programs, not for people. */
  readonly isHidden?: true;
  load(): Promise<(program: Command) => void>;
}

const COMMANDS: Readonly<Record<string, Entry>> = {
  conform: {
    summary: 'judge a node: vectors, over a socket, and through an adapter',
    load: async () => (await import('../conformance/runner/conform.ts')).registerConform,
  },
  doctor: {
    summary: 'check an adapter before it is judged',
    load: async () => (await import('../conformance/runner/doctor.ts')).registerDoctor,
  },
  replay: {
    summary: 'run a trace file against a target',
    load: async () => (await import('../conformance/runner/replay.ts')).registerReplay,
  },
  vectors: {
    summary: 'write or check the vector files',
    load: async () => (await import('../conformance/vectors/command.ts')).registerVectors,
  },
  clauses: {
    summary: 'show which clause of the spec is held by which check, vector and mutant',
    load: async () => (await import('../conformance/clauses/command.ts')).registerClauses,
  },
  report: {
    summary: 'make reports from the result lines of conform',
    load: async () => (await import('../conformance/report/command.ts')).registerReport,
  },
  mutants: {
    summary: 'judge the checks with patches of the reference',
    load: async () => (await import('../conformance/runner/mutants.ts')).registerMutants,
  },
  fuzz: {
    summary: 'give nodes hostile inputs and a flood',
    load: async () => (await import('../reference/fuzz/command.ts')).registerFuzz,
  },
  node: {
    summary: 'run a node until SIGINT or SIGTERM',
    load: async () => (await import('../reference/runtime/commands/node.ts')).registerNode,
  },
  devnet: {
    summary: 'run a network of nodes on this machine',
    load: async () => (await import('../reference/runtime/commands/devnet.ts')).registerDevnet,
  },
  peers: {
    summary: 'show the sessions of a running node',
    load: async () => (await import('../reference/runtime/commands/peers.ts')).registerPeers,
  },
  sim: {
    summary: 'measure the reference in simulated networks',
    load: async () => (await import('../reference/sim/command.ts')).registerSim,
  },
  keygen: {
    summary: 'make a key file and print its PeerId',
    load: async () => (await import('../reference/runtime/commands/keygen.ts')).registerKeygen,
  },
  adapter: {
    summary: 'serve the reference node to a conformance kit',
    isHidden: true,
    load: async () => (await import('../reference/adapter/command.ts')).registerAdapter,
  },
};

const { CARILLON_DEBUG } = process.env;
const debug = CARILLON_DEBUG === '1';

/** Exit codes of a shell for a process that a signal ended. */
const SIGNAL_EXITS = { SIGINT: 130, SIGTERM: 143 } as const;

// Sources are compiled at each start; what that gives is kept beside the dependencies, for a start in half the time.
if (import.meta.url.endsWith('.ts')) enableCompileCache(fileURLToPath(new URL('../node_modules/.cache/carillon', import.meta.url)));

async function main(argv: readonly string[]): Promise<void> {
  const name = nameIn(argv);
  const program = new Command('carillon')
    .description('Protocol, reference node and conformance kit for large peer-to-peer and validator networks')
    .helpCommand('help [command]', 'show the help of a command')
    .option('--version', 'print the version')
    .exitOverride()
    // Complaints are printed once, below, in the form of all errors.
    .configureOutput({ outputError: () => {} });
  for (const [known, { summary, isHidden = false, load }] of Object.entries(COMMANDS)) {
    if (known === name) (await load())(program);
    else program.command(known, { hidden: isHidden }).description(summary);
  }
  if (argv[0] === 'help' && argv[1] !== undefined && name === undefined)
    throw usageError(new CommanderError(2, 'commander.unknownCommand', `error: unknown command '${argv[1]}'`), undefined);
  if (argv.includes('--version') && name === undefined) {
    process.stdout.write(`${kitVersion()}\n`);
    return;
  }
  // Targets that the kit started end with it, which needs an orderly exit; nodes stop by themselves.
  if (name !== 'node' && name !== 'devnet') {
    for (const [signal, code] of Object.entries(SIGNAL_EXITS)) process.once(signal, () => process.exit(code));
  }
  try {
    await program.parseAsync([...argv], { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    // Help and version end the parser with 0; help without a command was written to stderr.
    if (error.exitCode === 0) return;
    if (error.code === 'commander.help') process.exitCode = TOOL_EXIT_CODES.E_USAGE;
    else throw usageError(error, name);
  }
}

/** The command among the arguments: the first that is no flag, behind `help` if that comes first. */
function nameIn(argv: readonly string[]): string | undefined {
  const words = argv.filter((word) => !word.startsWith('-'));
  const name = words[0] === 'help' ? words[1] : words[0];
  return name !== undefined && Object.hasOwn(COMMANDS, name) ? name : undefined;
}

function fail(error: unknown): void {
  process.stderr.write(`${formatProblem(error, debug)}\n`);
  process.exitCode = TOOL_EXIT_CODES[toolCodeOf(error)];
}

// A reader that has seen enough, `| head` for example, is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit();
  throw error;
});
process.on('uncaughtException', (error) => {
  fail(error);
  process.exit();
});

await main(process.argv.slice(2)).catch(fail);
