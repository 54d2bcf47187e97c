/** `carillon replay`: takes a trace file's steps again and says whether the same clause breaks. */
import { randomBytes } from 'node:crypto';
import type { Command } from 'commander';
import { SPEC_VERSION } from '../driver/target.ts';
import { type Attempt, attemptPlan } from './attempt.ts';
import type { PlanCheck } from './check.ts';
import { colorsFor } from './colors.ts';
import { loadRegistry } from './conform.ts';
import { describePlan } from './describe.ts';
import type { Executor } from './executor.ts';
import { EXIT_FAILED, EXIT_PASSED, TOOL_EXIT_CODES, ToolError } from './problem.ts';
import type { Registry } from './registry.ts';
import { addTargetFlags, chooseTarget, levelsFor, openTargets, type TargetFlags } from './target-choice.ts';
import { planOf, readTraceFile, type TraceFile } from './trace-file.ts';

const HELP = `
Without a target flag the trace is taken to the reference node.

  carillon replay reports/conform/traces/ID.jsonl --exec ./my-adapter

Exit codes: 0 the clause holds, 1 it breaks again or the target died, 2 usage or file, 3 unreachable, 4 adapter protocol,
5 incompatible, 70 fault of the kit.`;

/** Adds the command. */
export function registerReplay(program: Command): void {
  addTargetFlags(
    program.command('replay').description('run a trace file against a target: exit code 1 when its clause breaks again, 0 when not'),
  )
    .argument('<file>', 'a trace file, see conformance/runner/trace-file.md')
    .addHelpText('after', HELP)
    .action(async (path: string, flags: TargetFlags) => {
      process.exitCode = await replay(path, flags);
    });
}

/** Runs the command and resolves with its exit code. Rejects with E_TRACE, E_FILE, E_USAGE or a TargetError. */
export async function replay(path: string, flags: TargetFlags): Promise<number> {
  const file = readTraceFile(path);
  const check = checkOf(path, file, loadRegistry());
  const choice = chooseTarget(flags);
  const levels = levelsFor(choice, [file.header.level]);
  const targets = await openTargets(choice, levels, { adapters: 1, nodes: 1 }, true);
  try {
    const executor = targets.executors.find(({ levels: served }) => served.includes(file.header.level));
    if (executor === undefined) throw new Error(`no executor serves level ${file.header.level}`);
    return tell(file, await replayTrace(file, check, executor));
  } finally {
    await targets.close();
  }
}

/** Executes the file's plan with its seed and judges it with its check. */
export async function replayTrace(file: TraceFile, check: PlanCheck, executor: Executor): Promise<Attempt> {
  const { seed, runId, level } = file.header;
  // A running node remembers the identities of the first time; through an adapter it is new.
  const fresh = level === 'wire' ? `${runId}/replay-${randomBytes(4).toString('hex')}` : runId;
  return attemptPlan(check, planOf(file), executor, { seed, runId: fresh });
}

/** Whether an attempt breaks the clause that the file was written for; a crash repeats one that was recorded without anything sent. */
export function reproduces(file: TraceFile, attempt: Attempt): boolean {
  if (attempt.kind === 'finding') return attempt.findings.some((finding) => finding.clause === file.header.clause);
  return attempt.kind === 'crashed';
}

function checkOf(path: string, file: TraceFile, registry: Registry): PlanCheck {
  const { spec, check: id } = file.header;
  const bad = (expected: string, found: string): ToolError =>
    new ToolError('E_TRACE', {
      what: `${path} does not fit this kit`,
      expected,
      found,
      action: 'use the kit that wrote it, or record it again',
    });
  if (spec !== SPEC_VERSION) throw bad(`spec ${SPEC_VERSION}`, `spec ${spec}`);
  const check = registry.checkById.get(id);
  if (check === undefined) throw bad('a check of this kit', id);
  if (check.kind !== 'plan') throw bad('a check with steps', `${id}, a check of vectors`);
  return check;
}

function tell(file: TraceFile, attempt: Attempt): number {
  const colors = colorsFor(process.stdout);
  const { header, result } = file;
  const say = (...lines: readonly string[]): void => {
    process.stdout.write(`${lines.join('\n')}\n`);
  };
  say(
    colors.bold(`${header.check} at level ${header.level}, ${header.clause}`),
    ...describePlan(planOf(file)).map((line) => colors.dim(`  ${line}`)),
  );
  say(`recorded  ${result.observed}`);
  switch (attempt.kind) {
    case 'finding': {
      for (const finding of attempt.findings)
        say(`${finding.clause}   expected ${finding.expected}`, `          observed ${finding.observed}`);
      if (reproduces(file, attempt)) {
        say(colors.red(`It happens again: ${header.clause}.`));
        return EXIT_FAILED;
      }
      say(colors.yellow(`${header.clause} holds, but not every clause does.`));
      return EXIT_PASSED;
    }
    case 'crashed':
      say(colors.red(`The target died: ${attempt.reason}`));
      return EXIT_FAILED;
    case 'clean':
      say(colors.green(`It does not happen again.${attempt.exercised ? '' : ' The node was not brought into the situation.'}`));
      return EXIT_PASSED;
    case 'protocol':
      throw Object.assign(new Error(attempt.reason), { code: 'E_ADAPTER' });
    case 'unsupported':
      throw new ToolError('E_INCOMPATIBLE', {
        what: 'the target cannot take these steps',
        expected: `what the plan needs`,
        found: attempt.reason,
        action: 'replay it on the target that it was recorded on',
      });
    case 'harness':
      say(colors.red(`The kit is at fault: ${attempt.reason}`));
      return TOOL_EXIT_CODES.E_HARNESS;
  }
}
