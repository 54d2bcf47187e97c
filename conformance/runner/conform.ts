/** `carillon conform`: judges a target and says what came of it. */
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { readSpec } from '../clauses/spec.ts';
import { prepareNetwork } from '../driver/prepare.ts';
import { ADAPTER_VERSION, SPEC_VERSION } from '../driver/target.ts';
import { packageRoot } from '../package-root.ts';
import type { CheckLine, EndLine, RunLine } from '../report/result.ts';
import { REPORT_FILES, type ReportFormat, writeReports } from '../report/write.ts';
import { suites } from '../suites/index.ts';
import { baselineText, expiredFlakes, markOf, readBaseline, readMayFlake } from './baseline.ts';
import { colorsFor } from './colors.ts';
import { addConformFlags, type ConformFlags, type Filters, parseFormats, readFilters, requireFullRun } from './conform-options.ts';
import { eventLogText } from './event-log.ts';
import { COMMAND_PREFIX, shownPath } from './failure.ts';
import { requireDirectory, requireWritable } from './input-file.ts';
import { type Job, jobName } from './job.ts';
import { ToolError } from './problem.ts';
import { startProgress } from './progress.ts';
import { buildRegistry, type Registry } from './registry.ts';
import { readRequired, requiredIds } from './required.ts';
import { RESULT_FILES, resultsText, writeResults } from './results.ts';
import { type RunOutcome, runJobs } from './run.ts';
import { chooseRunSeed } from './seed.ts';
import { selectJobs } from './select.ts';
import { exitCodeOf, summarize } from './summary.ts';
import { chooseTarget, levelsFor, openTargets, parallelFor } from './target-choice.ts';
import { headerText, outcomeText } from './terminal.ts';
import { kitVersion } from './version.ts';

/** Adds the command. */
export function registerConform(program: Command): void {
  addConformFlags(program.command('conform').description('judge a node: vectors, over a socket, and through an adapter'))
    .addHelpText('after', HELP_EXAMPLES)
    .action(async (flags: ConformFlags) => {
      process.exitCode = await conform(flags);
    });
}

const HELP_EXAMPLES = `
Without a target flag the reference node is judged at all levels.

  carillon conform --exec ./my-adapter               judge a node through its adapter
  carillon conform --prepare DIR                     write the files that a node is started with, then
  carillon conform --url ws://127.0.0.1:7600 --prepared DIR
  carillon conform --only 'gossip.prune.*' --seed 7  some checks, repeatably

Exit codes: 0 passed, 1 failed, 2 usage or file, 3 unreachable, 4 adapter protocol, 5 incompatible, 70 fault of the kit.`;

/** Runs the command and resolves with its exit code. Rejects with a ToolError when there is nothing to judge. */
export async function conform(flags: ConformFlags): Promise<number> {
  if (flags.prepare !== undefined) return prepare(flags.prepare);
  const filters = readFilters(flags);
  requireFullRun(flags, filters.named);
  const formats = parseFormats(flags.format);
  const seed = chooseRunSeed(flags.seed);
  const choice = chooseTarget(flags);
  const registry = loadRegistry();
  const ids = registry.checks.map((check) => check.id);
  const expected = flags.baseline === undefined ? [] : readBaseline(flags.baseline, ids);
  const flakes = flags.mayFlake === undefined ? [] : readMayFlake(flags.mayFlake, ids);
  if (flags.list === true) return list(select(registry, filters));

  const levels = levelsFor(choice, filters.levels);
  const wanted = select(registry, filters).filter((job) => levels.includes(job.level));
  if (wanted.length === 0 && filters.selection.shard === undefined) throw nothingSelected(filters);
  requireDirectory(flags.reportDir);
  if (flags.writeBaseline !== undefined) requireWritable(flags.writeBaseline);
  const needed = levels.filter((level) => wanted.some((job) => job.level === level));
  const targets = await openTargets(choice, needed, parallelFor(flags.jobs, wanted), filters.levels !== undefined);
  const startedAt = new Date();
  const startMs = performance.now();
  const run: RunLine = {
    type: 'run',
    schema: 1,
    kitVersion: kitVersion(),
    specVersion: SPEC_VERSION,
    adapterVersion: ADAPTER_VERSION,
    target: targets.target,
    seed,
    levels: targets.levels,
    filters: filters.named,
    startedAt: startedAt.toISOString(),
  };
  const colors = colorsFor(process.stdout);
  const say = (text: string): void => {
    if (formats.has('terminal')) process.stdout.write(text);
  };
  say(headerText(run, colors));
  const jobs = wanted.filter((job) => targets.levels.includes(job.level));
  const progress = startProgress(jobs.length, process.stderr);
  let outcome: RunOutcome;
  try {
    const settings = {
      seed,
      runs: flags.runs,
      timeLimitS: flags.timeLimit,
      traceDir: join(flags.reportDir, RESULT_FILES.traces),
      clauseById: registry.clauseById,
      targetFlags: choice.replayFlags,
    };
    outcome = await runJobs(jobs, targets.executors, settings, (result) => progress.done(result));
  } finally {
    progress.end();
    await targets.close();
  }

  const required = requiredIds(readRequired(SPEC_VERSION), run.target.conformanceClass);
  const today = startedAt.toISOString().slice(0, 10);
  const lines = outcome.results.map(
    (result): CheckLine => ({
      ...result,
      baseline: markOf(result, expected, flakes, today),
      required: required === undefined || required.has(result.id),
    }),
  );
  const summary = summarize(lines, seed, performance.now() - startMs);
  const end: EndLine = { type: 'end', summary, exitCode: exitCodeOf(lines, outcome.protocolBroken) };
  const eventLog = eventLogOf(outcome);
  writeResults(flags.reportDir, [run, ...lines, end], summary, eventLog);
  const reportFormats = (Object.keys(REPORT_FILES) as ReportFormat[]).filter((format) => formats.has(format));
  const reports = writeReports(flags.reportDir, [run, ...lines, end], [...registry.clauseById.values()], reportFormats);
  if (formats.has('json')) process.stdout.write(resultsText([run, ...lines, end]));
  say(outcomeText(lines, summary, colors));
  for (const entry of expiredFlakes(flakes, today))
    say(`the day of may-flake entry ${entry.check} is over (${entry.expires}): it excuses nothing\n`);
  if (eventLog !== undefined) say(`event log  ${outcome.eventLogHash}\n`);
  const files = [RESULT_FILES.results, RESULT_FILES.summary].map((file) => join(flags.reportDir, file));
  say(`reports    ${[...files, ...reports].map(shownPath).join(', ')}\n`);
  if (flags.writeBaseline !== undefined) {
    writeFileSync(flags.writeBaseline, baselineText(lines, expected));
    say(`baseline   ${flags.writeBaseline}: fill in reason and link of each entry\n`);
  }
  return end.exitCode;
}

/** The registry of all suites, held against the chapters of this package. */
export function loadRegistry(): Registry {
  return buildRegistry(suites, readSpec(join(packageRoot(), 'spec')).clauses);
}

function select(registry: Registry, filters: Filters): readonly Job[] {
  const required = filters.className === undefined ? undefined : requiredIds(readRequired(SPEC_VERSION), filters.className);
  return selectJobs(registry.jobs, {
    ...filters.selection,
    ...(filters.levels === undefined ? {} : { levels: filters.levels }),
    ...(required === undefined ? {} : { ids: required }),
  });
}

function nothingSelected({ named }: Filters): ToolError {
  const flags = Object.entries(named).map(([name, value]) => `--${name} ${value}`);
  return new ToolError('E_USAGE', {
    what: 'no check is selected',
    expected: 'flags that leave something to judge at the levels of the target',
    found: flags.join(' ') || 'a target without checks',
    action: 'see the same flags with --list',
  });
}

function list(jobs: readonly Job[]): number {
  const width = Math.max(0, ...jobs.map((job) => jobName(job).length));
  for (const job of jobs) process.stdout.write(`${jobName(job).padEnd(width)}  ${job.check.clauses.join(' ')}  ${job.check.title}\n`);
  process.stdout.write(`${jobs.length} checks\n`);
  return jobs.length > 0 ? 0 : 1;
}

function prepare(directory: string): number {
  const { networkId } = prepareNetwork(directory, `conformance-${randomBytes(4).toString('hex')}`);
  process.stdout.write(
    [
      `Network ${networkId} is in ${directory}: network.toml and node.key.`,
      'Start the node with both files, listening on the loopback interface; then run',
      `  ${COMMAND_PREFIX} conform --url ws://127.0.0.1:PORT --prepared ${directory}`,
      '',
    ].join('\n'),
  );
  return 0;
}

function eventLogOf(outcome: RunOutcome): string | undefined {
  if (outcome.eventHashes.length === 0) return undefined;
  const hashes = outcome.eventHashes.map(({ job, hash }) => ({ id: job.check.id, hash }));
  return eventLogText(hashes, outcome.eventLogHash);
}
