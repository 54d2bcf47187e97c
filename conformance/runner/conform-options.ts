/** The flags of `conform`: their texts, and what they mean. */
import { type Command, InvalidArgumentError } from 'commander';
import type { RunLine } from '../report/result.ts';
import type { Level } from './job.ts';
import { ToolError } from './problem.ts';
import { CLASSES, type ConformanceClass } from './required.ts';
import { nearestName, parseLevels, parseShard, type Selection } from './select.ts';
import { addTargetFlags, type TargetFlags } from './target-choice.ts';

/** What a run shows and writes: text on the terminal, result lines on standard output, or a report file. */
export const FORMATS = ['terminal', 'json', 'html', 'junit', 'markdown'] as const;
export type Format = (typeof FORMATS)[number];

const JOBS_MAX = 64;
const RUNS_MAX = 10_000;
const TIME_LIMIT_S_MAX = 86_400;

/** Flags of `conform` as commander gives them. */
export interface ConformFlags extends TargetFlags {
  readonly prepare?: string;
  readonly list?: boolean;
  readonly only?: readonly string[];
  readonly clause?: readonly string[];
  readonly level?: string;
  readonly chapter?: readonly string[];
  readonly class?: string;
  readonly shard?: string;
  readonly seed?: string;
  readonly runs?: number;
  readonly timeLimit?: number;
  readonly jobs: number;
  readonly reportDir: string;
  readonly format: string;
  readonly baseline?: string;
  readonly mayFlake?: string;
  readonly writeBaseline?: string;
}

const collect = (text: string, before: readonly string[] = []): readonly string[] => [
  ...before,
  ...text.split(',').filter((part) => part !== ''),
];

/** A parser of integers from `min` to `max` for commander. */
export function integer(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= min && value <= max) return value;
    throw new InvalidArgumentError(`expected an integer from ${min} to ${max}; found ${JSON.stringify(text)}`);
  };
}

/** Adds every flag of `conform`. */
export function addConformFlags(command: Command): Command {
  return addTargetFlags(command)
    .option('--prepare <dir>', 'write the files that a node is started with for level wire, and stop')
    .option('--list', 'list the checks of the selection, and stop')
    .option('--only <ids>', 'checks by id, id@level or pattern with *; repeat or separate with commas', collect)
    .option('--clause <ids>', 'checks that cite a clause, for example GSP-014', collect)
    .option('--level <levels>', 'vectors, adapter, wire or all')
    .option('--chapter <numbers>', 'checks of a chapter, for example 05', collect)
    .option('--class <name>', `checks required of a class: ${CLASSES.join(', ')}`)
    .option('--shard <i/n>', 'the i-th of n equal parts of the selection')
    .option('--seed <text>', 'repeat a run; a fresh seed if absent')
    .option('--runs <count>', "plans per check, instead of each check's own number", integer(1, RUNS_MAX))
    .option('--time-limit <seconds>', 'begin no further check after that time', integer(1, TIME_LIMIT_S_MAX))
    .option('--jobs <count>', 'targets in parallel', integer(1, JOBS_MAX), 2)
    .option('--report-dir <dir>', 'where results and reports go', 'reports/conform')
    .option('--format <names>', `${FORMATS.join(', ')}; several with commas`, 'terminal,html,junit,markdown')
    .option('--baseline <file>', 'checks that are expected to fail (TOML)')
    .option('--may-flake <file>', 'checks that may give two results until a date (TOML)')
    .option('--write-baseline <file>', 'write a baseline of what fails in this run');
}

/** Reads `--format`. Throws E_USAGE. */
export function parseFormats(text: string): ReadonlySet<Format> {
  const names = text.split(',');
  const formats = new Set(FORMATS.filter((format) => names.includes(format)));
  const unknown = names.find((name) => !FORMATS.some((format) => format === name));
  if (unknown === undefined) return formats;
  const near = nearestName(unknown, FORMATS);
  throw new ToolError('E_USAGE', {
    what: '--format is not usable',
    expected: FORMATS.join(', '),
    found: JSON.stringify(unknown),
    action: near === undefined ? 'give for example --format terminal' : `did you mean ${near}?`,
  });
}

export interface Filters {
  readonly selection: Omit<Selection, 'levels' | 'ids'>;
  /** Undefined: every level that the target has. */
  readonly levels: readonly Level[] | undefined;
  readonly className: ConformanceClass | undefined;
  /** The flags that narrow the run, for the report; empty for a full run. */
  readonly named: RunLine['filters'];
}

/** Reads the flags that narrow a run. Throws E_USAGE. */
export function readFilters(flags: ConformFlags): Filters {
  const { only, clause, chapter, level, shard } = flags;
  const className = flags.class === undefined ? undefined : parseClass(flags.class);
  const texts = { only: only?.join(','), clause: clause?.join(','), chapter: chapter?.join(','), level, class: className, shard };
  return {
    selection: {
      ...(only === undefined ? {} : { only }),
      ...(clause === undefined ? {} : { clauses: clause.map((id) => id.toUpperCase()) }),
      ...(chapter === undefined ? {} : { chapters: chapter.map((number) => number.padStart(2, '0')) }),
      ...(shard === undefined ? {} : { shard: parseShard(shard) }),
    },
    levels: level === undefined ? undefined : parseLevels(level),
    className,
    named: Object.fromEntries(Object.entries(texts).filter((entry): entry is [string, string] => entry[1] !== undefined)),
  };
}

function parseClass(text: string): ConformanceClass {
  const known = CLASSES.find((name) => name === text);
  if (known !== undefined) return known;
  throw new ToolError('E_USAGE', {
    what: '--class is not usable',
    expected: CLASSES.join(', '),
    found: JSON.stringify(text),
    action: 'give for example --class app',
  });
}

/** Refuses `--write-baseline` on a run that leaves checks out: the file would lack them. Throws E_USAGE. */
export function requireFullRun(flags: ConformFlags, named: RunLine['filters']): void {
  if (flags.writeBaseline === undefined) return;
  const narrowing = Object.keys(named).map((name) => `--${name}`);
  if (flags.timeLimit !== undefined) narrowing.push('--time-limit');
  if (narrowing.length === 0) return;
  throw new ToolError('E_USAGE', {
    what: '--write-baseline needs a full run',
    expected: 'no flag that leaves checks out',
    found: narrowing.join(', '),
    action: 'leave those flags out',
  });
}
