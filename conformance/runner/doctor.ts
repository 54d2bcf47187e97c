/** `carillon doctor`: whether an adapter keeps the adapter protocol, before it is judged. */
import type { Command } from 'commander';
import { formatDoctor, runDoctor } from '../driver/doctor.ts';
import { openTarget } from '../driver/target.ts';
import { EXIT_FAILED, EXIT_PASSED, ToolError } from './problem.ts';
import { addTargetFlags, chooseTarget, type TargetFlags } from './target-choice.ts';

const HELP = `
Without a target flag the reference adapter is examined.

  carillon doctor --exec ./my-adapter
  carillon doctor --adapter tcp://127.0.0.1:9000

Exit codes: 0 in order, 1 something is wrong, 2 usage, 3 unreachable, 4 adapter protocol, 5 incompatible, 70 fault of the kit.`;

/** Adds the command. */
export function registerDoctor(program: Command): void {
  addTargetFlags(
    program.command('doctor').description('check an adapter before it is judged: framing, unknown requests, reset, clock, randomness'),
  )
    .option('--json', 'print the report as JSON')
    .addHelpText('after', HELP)
    .action(async (flags: TargetFlags & { readonly json?: boolean }) => {
      process.exitCode = await doctor(flags);
    });
}

async function doctor(flags: TargetFlags & { readonly json?: boolean }): Promise<number> {
  const { adapter } = chooseTarget(flags);
  if (adapter === undefined) {
    throw new ToolError('E_USAGE', {
      what: 'doctor examines adapters',
      expected: '--adapter, --exec, or neither for the reference adapter',
      found: '--url',
      action: 'judge a node behind a socket with carillon conform',
    });
  }
  const target = await openTarget(adapter);
  try {
    const report = await runDoctor(target);
    process.stdout.write(flags.json === true ? `${JSON.stringify(report, null, 2)}\n` : formatDoctor(report));
    return report.isHealthy ? EXIT_PASSED : EXIT_FAILED;
  } finally {
    await target.close();
  }
}
