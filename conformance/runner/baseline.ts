/**
 * What a user expects to fail: a baseline of known failures, each with a reason and a link, and a list of
 * checks that may flake until a date. Both belong to the user; an entry that no longer holds fails the
 * run, so neither can rot.
 */
import { parse, stringify } from 'smol-toml';
import { z } from 'zod';
import type { CheckLine } from '../report/result.ts';
import { readInput } from './input-file.ts';
import { jobName, LEVELS, type Level } from './job.ts';
import { ToolError } from './problem.ts';
import type { JobResult } from './run.ts';
import { matcherOf, nearestName } from './select.ts';

/** Checks that one entry with a wildcard may stand for. */
export const WILDCARD_CHECKS_MAX = 20;

/** One known failure. */
export interface ExpectedFailure {
  /** A check's id, or a pattern with `*`. */
  readonly check: string;
  readonly level?: Level;
  readonly reason: string;
  readonly link: string;
  /** Beginning of what was observed, or of the reason of a verdict without an observation. */
  readonly message?: string;
}

/** One check that may give two results on the wall clock. */
export interface MayFlake {
  readonly check: string;
  readonly level?: Level;
  readonly reason: string;
  readonly link: string;
  /** Last day, `YYYY-MM-DD`. */
  readonly expires: string;
}

const sentence = z.string().trim().min(1);
const level = z.enum(LEVELS);
const expectedEntry = z.strictObject({
  check: sentence,
  level: level.exactOptional(),
  reason: sentence,
  link: z.url(),
  message: sentence.exactOptional(),
});
const day = z
  .union([z.string(), z.date().transform((date) => date.toISOString())])
  .transform((text) => text.slice(0, 10))
  .refine((text) => /^\d{4}-\d{2}-\d{2}$/.test(text) && !Number.isNaN(Date.parse(text)), 'not a date of the form YYYY-MM-DD');
const flakeEntry = z.strictObject({ check: sentence, level: level.exactOptional(), reason: sentence, link: z.url(), expires: day });

/** Reads a baseline file. Throws E_FILE, or E_BASELINE that names the entry; `ids` are the checks that exist. */
export function readBaseline(path: string, ids: readonly string[]): readonly ExpectedFailure[] {
  return parseBaseline(path, readInput(path), ids);
}

/** Reads a baseline's text. Throws E_BASELINE. */
export function parseBaseline(path: string, text: string, ids: readonly string[]): readonly ExpectedFailure[] {
  const { expected } = parseToml(path, text, z.strictObject({ expected: z.array(expectedEntry).default([]) }));
  checkNames(path, expected, ids);
  return expected;
}

/** Reads a may-flake file. Throws E_FILE or E_BASELINE. */
export function readMayFlake(path: string, ids: readonly string[]): readonly MayFlake[] {
  return parseMayFlake(path, readInput(path), ids);
}

/** Reads a may-flake list's text. Throws E_BASELINE. */
export function parseMayFlake(path: string, text: string, ids: readonly string[]): readonly MayFlake[] {
  const { flake } = parseToml(path, text, z.strictObject({ flake: z.array(flakeEntry).default([]) }));
  checkNames(path, flake, ids);
  return flake;
}

/** Verdicts that make a run red unless something excuses them. */
export function isRed(verdict: CheckLine['verdict']): boolean {
  return (
    verdict === 'failed' || verdict === 'untestable' || verdict === 'inconclusive' || verdict === 'crashed' || verdict === 'harnessError'
  );
}

/**
 * How the lists bear on a result: `expected` and `flaky` excuse it; `stale` means that an entry names it
 * and it does not fail. An entry whose message does not fit, or whose day is over, has no effect. A
 * fault of the kit is never excused.
 */
export function markOf(
  result: JobResult,
  expected: readonly ExpectedFailure[],
  flakes: readonly MayFlake[],
  today: string,
): CheckLine['baseline'] {
  if (result.verdict === 'harnessError' || result.verdict === 'notApplicable') return undefined;
  const entries = expected.filter((entry) => isNamed(entry, result));
  const said = result.failure?.observed ?? result.reason ?? '';
  const fits = entries.some((entry) => entry.message === undefined || said.startsWith(entry.message));
  if (isRed(result.verdict) && fits) return 'expected';
  const wavers = result.verdict === 'inconclusive' || (result.verdict === 'failed' && result.failure?.flaky === true);
  if (wavers && flakes.some((entry) => isNamed(entry, result) && entry.expires >= today)) return 'flaky';
  return entries.length > 0 && !isRed(result.verdict) ? 'stale' : undefined;
}

/** Entries of a may-flake list whose day is over. */
export function expiredFlakes(flakes: readonly MayFlake[], today: string): readonly MayFlake[] {
  return flakes.filter((entry) => entry.expires < today);
}

/**
 * Text of a baseline that expects what failed in this run. Entries of the baseline in use are kept where
 * they still hold; new ones have no reason and no link, and the file is not accepted before they do.
 */
export function baselineText(lines: readonly CheckLine[], previous: readonly ExpectedFailure[]): string {
  const expected = lines
    .filter((line) => isRed(line.verdict) && line.verdict !== 'harnessError')
    .map((line) => {
      const known = previous.find((entry) => line.baseline === 'expected' && isNamed(entry, line));
      const named = { check: line.id, level: line.level };
      return known === undefined
        ? { ...named, reason: '', link: '' }
        : { ...named, reason: known.reason, link: known.link, ...(known.message === undefined ? {} : { message: known.message }) };
    });
  const comment = '# Checks that are expected to fail. Each entry needs a reason and a link before the file is accepted.\n';
  return expected.length === 0 ? comment : `${comment}\n${stringify({ expected })}\n`;
}

function isNamed(entry: { readonly check: string; readonly level?: Level }, result: Pick<JobResult, 'id' | 'level'>): boolean {
  return (entry.level === undefined || entry.level === result.level) && matcherOf(entry.check)(result.id);
}

function parseToml<Value>(path: string, text: string, schema: z.ZodType<Value>): Value {
  let value: unknown;
  try {
    value = parse(text);
  } catch (error) {
    throw badBaseline(path, 'TOML', error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error));
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw badBaseline(
    path,
    'entries with check, reason and link (and expires in a may-flake list)',
    `${issue?.message ?? 'something else'} at ${issue?.path.join('.') || 'the top'}`,
  );
}

function checkNames(path: string, entries: readonly { readonly check: string; readonly level?: Level }[], ids: readonly string[]): void {
  const seen = new Set<string>();
  for (const entry of entries) {
    const matches = matcherOf(entry.check);
    const count = ids.filter(matches).length;
    if (count === 0) {
      const near = nearestName(entry.check, ids);
      throw badBaseline(path, 'checks that exist', `${entry.check}${near === undefined ? '' : ` (did you mean ${near}?)`}`);
    }
    if (count > WILDCARD_CHECKS_MAX)
      throw badBaseline(path, `at most ${WILDCARD_CHECKS_MAX} checks behind one pattern`, `${count} behind ${entry.check}`);
    const name = entry.level === undefined ? entry.check : jobName({ check: { id: entry.check }, level: entry.level });
    if (seen.has(name)) throw badBaseline(path, 'each check once', `${name} twice`);
    seen.add(name);
  }
}

function badBaseline(path: string, expected: string, found: string): ToolError {
  return new ToolError('E_BASELINE', { what: `${path} is not in order`, expected, found, action: 'correct the entry or remove it' });
}
