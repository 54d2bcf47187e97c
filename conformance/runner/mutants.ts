/** `carillon mutants`: whether the checks bite, and whether they leave legal choices alone. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { packageRoot } from '../package-root.ts';
import { isRed } from './baseline.ts';
import { colorsFor } from './colors.ts';
import { loadRegistry } from './conform.ts';
import { integer } from './conform-options.ts';
import type { Executor } from './executor.ts';
import { type Job, jobName } from './job.ts';
import { killerName, lazyOriginals, type MutantResult, openPatched, runMutant } from './mutant-run.ts';
import { compareTable, mutantTable, summarizeMutants, type VariantResult } from './mutant-table.ts';
import { MUTANTS_FOLDER, type Mutant, readMutants, readVariants, samplePatches, VARIANTS_FOLDER, type Variant } from './patch-catalogue.ts';
import { EXIT_FAILED, EXIT_PASSED, ToolError } from './problem.ts';
import { type RunSettings, runJobs } from './run.ts';
import { chooseRunSeed } from './seed.ts';
import { matcherOf, nearestName } from './select.ts';

interface MutantFlags {
  readonly catalogue?: string;
  readonly variants?: string | boolean;
  readonly sample?: number;
  readonly only?: readonly string[];
  readonly runs: number;
  readonly jobs: number;
  readonly seed: string;
  readonly shrink?: boolean;
  readonly write?: boolean;
  readonly check?: boolean;
  readonly reportDir: string;
}

/** The published table, beside the suites that it is about. */
const TABLE_FILE = join(packageRoot(), 'conformance', 'MUTANTS.md');

const HELP = `
  carillon mutants --sample 12                        some of them
  carillon mutants --only 'prune-*' --no-variants     those of one kind

Exit codes: 0 all found and no false alarm, 1 not so, 2 usage or file, 70 fault of the kit.`;

/** Adds the command. */
export function registerMutants(program: Command): void {
  const collect = (id: string, before: readonly string[] = []): readonly string[] => [...before, ...id.split(',')];
  program
    .command('mutants')
    .description('judge the checks: patches of the reference that break a clause must be found, legal variants must not')
    .addHelpText('after', HELP)
    .option('--catalogue <dir>', 'mutants to run instead of reference/adapter/mutants')
    .option('--variants <dir>', 'variants to run; with --catalogue none if absent')
    .option('--no-variants', 'run no variants')
    .option('--sample <count>', 'draw that many mutants, and one variant', integer(1, 10_000))
    .option('--only <ids>', 'mutants and variants by id or pattern with *', collect)
    .option('--runs <count>', 'at most so many plans per check', integer(1, 1_000), 3)
    .option('--jobs <count>', 'patches in parallel', integer(1, 64), 2)
    .option('--seed <text>', 'draws the sample and the plans', 'mutants')
    .option('--shrink', 'shrink each kill through the adapter, and replay its trace on the mutant and on the reference')
    .option('--write', 'write conformance/MUTANTS.md')
    .option('--check', 'fail when the outcome differs from conformance/MUTANTS.md')
    .option('--report-dir <dir>', 'where summary.json goes', 'reports/mutants')
    .action(async (flags: MutantFlags) => {
      process.exitCode = await mutants(flags);
    });
}

async function mutants(flags: MutantFlags): Promise<number> {
  const registry = loadRegistry();
  const { mutants: chosen, variants, isFull } = choosePatches(flags, new Set(registry.clauseById.keys()));
  if (chosen.length + variants.length === 0) {
    throw new ToolError('E_USAGE', {
      what: 'there is no patch to run',
      expected: 'a catalogue of TOML files',
      found: `none in ${flags.catalogue ?? MUTANTS_FOLDER}`,
      action: 'give another --catalogue or --variants',
    });
  }
  if (flags.write === true && !isFull) throw partial();
  const settings: RunSettings = {
    seed: chooseRunSeed(flags.seed),
    runsMax: flags.runs,
    clauseById: registry.clauseById,
    targetFlags: {},
    ...(flags.shrink === true ? { traceDir: join(flags.reportDir, 'traces') } : {}),
  };
  const results: MutantResult[] = [];
  const variantResults: VariantResult[] = [];
  const work = [
    ...chosen.map((mutant) => ({ mutant })),
    // Variants take longest, so they begin early.
    ...variants.map((variant) => ({ variant })),
  ].reverse();
  await Promise.all(
    Array.from({ length: Math.min(flags.jobs, work.length) }, async () => {
      const originals = lazyOriginals();
      try {
        for (let task = work.shift(); task !== undefined; task = work.shift()) {
          if ('mutant' in task) {
            const result = await runMutant(task.mutant, registry.jobs, originals, settings, flags.shrink === true);
            results.push(result);
            tellMutant(result);
          } else {
            const result = await runVariant(task.variant, registry.jobs, settings);
            variantResults.push(result);
            tellVariant(result);
          }
        }
      } finally {
        await originals.close();
      }
    }),
  );
  results.sort((left, right) => (left.mutant.id < right.mutant.id ? -1 : 1));
  variantResults.sort((left, right) => (left.variant.id < right.variant.id ? -1 : 1));
  return conclude(flags, results, variantResults, isFull);
}

/** The patches that the flags name. Throws E_USAGE when an id names none, E_CONFIG or E_FILE for a catalogue that is not in order. */
function choosePatches(
  flags: MutantFlags,
  clauses: ReadonlySet<string>,
): { mutants: readonly Mutant[]; variants: readonly Variant[]; isFull: boolean } {
  const { catalogue, only, sample } = flags;
  const folder =
    typeof flags.variants === 'string' ? flags.variants : flags.variants !== false && catalogue === undefined ? VARIANTS_FOLDER : undefined;
  let chosen = readMutants(catalogue ?? MUTANTS_FOLDER, clauses);
  let variants = folder === undefined ? [] : readVariants(folder);
  for (const pattern of only ?? [])
    requireOne(
      pattern,
      [...chosen, ...variants].map((patch) => patch.id),
    );
  if (only !== undefined) {
    const isNamed = ({ id }: { readonly id: string }): boolean => only.some((pattern) => matcherOf(pattern)(id));
    chosen = chosen.filter(isNamed);
    variants = variants.filter(isNamed);
  }
  if (sample !== undefined) {
    chosen = samplePatches(chosen, sample, flags.seed);
    variants = samplePatches(variants, 1, flags.seed);
  }
  return {
    mutants: chosen,
    variants,
    isFull: only === undefined && sample === undefined && catalogue === undefined && flags.variants !== false,
  };
}

/** Every check that an adapter can be asked, on the reference with the variant. */
async function runVariant(variant: Variant, jobs: readonly Job[], settings: RunSettings): Promise<VariantResult> {
  let executor: Executor;
  try {
    executor = await openPatched(variant, 'adapter');
  } catch (error) {
    return { variant, alarms: [`it does not start: ${error instanceof Error ? error.message : String(error)}`], checks: 0 };
  }
  // With fewer plans than a check asks for it may not see the situation that it is about.
  const { runsMax: _, ...own } = settings;
  try {
    const { results } = await runJobs(
      jobs.filter((job) => job.level !== 'wire'),
      [executor],
      own,
    );
    const red = results.filter((result) => isRed(result.verdict));
    const alarms = red.map(({ id, level, verdict, failure, reason }) => {
      const why = failure === undefined ? reason : `${failure.clause}: ${failure.observed}`;
      return `${jobName({ check: { id }, level })} ${verdict}${why === undefined ? '' : `: ${why}`}`;
    });
    return { variant, alarms, checks: results.length };
  } finally {
    await executor.close();
  }
}

function conclude(flags: MutantFlags, results: readonly MutantResult[], variants: readonly VariantResult[], isFull: boolean): number {
  const colors = colorsFor(process.stdout);
  const summary = summarizeMutants(results, variants);
  mkdirSync(flags.reportDir, { recursive: true });
  writeFileSync(join(flags.reportDir, 'summary.json'), `${JSON.stringify(summary, null, 2)}\n`);
  if (flags.write === true) writeFileSync(TABLE_FILE, mutantTable(results, variants));
  const lost = flags.check === true ? compareTable(existsSync(TABLE_FILE) ? readFileSync(TABLE_FILE, 'utf8') : '', results, isFull) : [];
  const say = (text: string): boolean => process.stdout.write(`${text}\n`);
  say(
    `\n${summary.killedByClause} of ${summary.mutants} mutants killed by their clause, ${summary.killed} at all; ${summary.variants} variants, ${summary.falseAlarms} false alarms`,
  );
  if (summary.notStarted.length > 0) say(colors.red(`do not start: ${summary.notStarted.join(', ')}`));
  if (summary.survivors.length > 0) say(colors.red(`not killed by their clause: ${summary.survivors.join(', ')}`));
  if (summary.medianShrunkSteps !== undefined && summary.replays !== undefined) {
    const { traces, reproduced, heldOnReference } = summary.replays;
    say(
      `median of ${summary.medianShrunkSteps} steps after shrinking; of ${traces} traces ${reproduced} break the clause again, ${heldOnReference} hold on the reference`,
    );
  }
  for (const difference of lost) say(colors.red(difference));
  const replaysHold =
    summary.replays === undefined ||
    (summary.replays.reproduced === summary.replays.traces && summary.replays.heldOnReference === summary.replays.traces);
  const isIntact = flags.check === true ? lost.length === 0 : summary.survivors.length === 0;
  return isIntact && summary.falseAlarms === 0 && replaysHold ? EXIT_PASSED : EXIT_FAILED;
}

const MARKS = { otherwise: 'elsewhere', survived: 'survives', notStarted: 'no start ' } as const;

function tellMutant(result: MutantResult): void {
  const colors = colorsFor(process.stdout);
  const { mutant, verdict, observed, shrunk } = result;
  const steps =
    shrunk === undefined
      ? ''
      : `  ${shrunk.steps} steps of ${shrunk.stepsBefore}${shrunk.reproduces ? '' : ', does not reproduce'}${shrunk.holdsOnReference ? '' : ', breaks on the reference'}`;
  const line = `${mutant.clause}  ${mutant.id}  ${killerName(result)}${steps}`;
  if (verdict === 'byClause') process.stdout.write(`${colors.green('killed')}    ${line}\n`);
  else process.stdout.write(`${colors.red(MARKS[verdict])}  ${line}\n          ${mutant.title}: ${observed}\n`);
}

function tellVariant({ variant, alarms, checks }: VariantResult): void {
  const colors = colorsFor(process.stdout);
  process.stdout.write(
    `${alarms.length === 0 ? colors.green('green') : colors.red('alarm')}     variant ${variant.id}, ${checks} checks\n`,
  );
  for (const alarm of alarms) process.stdout.write(`          ${alarm}\n`);
}

function requireOne(pattern: string, ids: readonly string[]): void {
  if (ids.some(matcherOf(pattern))) return;
  const near = nearestName(pattern, ids);
  throw new ToolError('E_USAGE', {
    what: '--only names nothing',
    expected: 'the id of a mutant or variant',
    found: JSON.stringify(pattern),
    action: near === undefined ? 'see the files of the catalogue' : `did you mean ${near}?`,
  });
}

function partial(): ToolError {
  return new ToolError('E_USAGE', {
    what: '--write needs a full run',
    expected: 'the whole catalogue of the reference',
    found: '--catalogue, --only, --sample or --no-variants',
    action: 'leave those flags out',
  });
}
