/** The kill table: as Markdown for readers, and read back to see whether a kill was lost. */
import { killerName, type MutantResult } from './mutant-run.ts';
import type { Variant } from './patch-catalogue.ts';

/** A variant and the checks that object to it. */
export interface VariantResult {
  readonly variant: Variant;
  /** Jobs that are red, with what they say. */
  readonly alarms: readonly string[];
  /** Checks that were run. */
  readonly checks: number;
}

/** The keys of `reports/mutants/summary.json`, stable. */
export interface MutantSummary {
  readonly mutants: number;
  /** By any finding, or because the target died. */
  readonly killed: number;
  /** By a finding that names the clause that the mutant breaks. */
  readonly killedByClause: number;
  readonly variants: number;
  readonly falseAlarms: number;
  /** Ids of mutants that no finding names the clause of. */
  readonly survivors: readonly string[];
  /** Those among them whose patched reference does not start: they judge no check. */
  readonly notStarted: readonly string[];
  /** Over mutants killed through the adapter, with `--shrink`. */
  readonly medianShrunkSteps?: number;
  /** Trace files of those that break the clause on the mutant again and hold on the reference, of how many. */
  readonly replays?: { readonly traces: number; readonly reproduced: number; readonly heldOnReference: number };
}

/** Counts. */
export function summarizeMutants(results: readonly MutantResult[], variants: readonly VariantResult[]): MutantSummary {
  const shrunk = results.flatMap((result) => result.shrunk ?? []);
  const steps = shrunk.map((kill) => kill.steps).sort((left, right) => left - right);
  const median = steps[Math.floor(steps.length / 2)];
  return {
    mutants: results.length,
    killed: results.filter((result) => result.verdict === 'byClause' || result.verdict === 'otherwise').length,
    killedByClause: results.filter((result) => result.verdict === 'byClause').length,
    variants: variants.length,
    falseAlarms: variants.filter((variant) => variant.alarms.length > 0).length,
    survivors: results.filter((result) => result.verdict !== 'byClause').map((result) => result.mutant.id),
    notStarted: results.filter((result) => result.verdict === 'notStarted').map((result) => result.mutant.id),
    ...(median === undefined
      ? {}
      : {
          medianShrunkSteps: median,
          replays: {
            traces: shrunk.length,
            reproduced: shrunk.filter((kill) => kill.reproduces).length,
            heldOnReference: shrunk.filter((kill) => kill.holdsOnReference).length,
          },
        }),
  };
}

const OUTCOMES = {
  byClause: 'killed',
  otherwise: 'killed by another clause',
  survived: 'survives',
  notStarted: 'does not start',
} as const;

/** Text of `MUTANTS.md`. */
export function mutantTable(results: readonly MutantResult[], variants: readonly VariantResult[]): string {
  const { mutants, killedByClause, survivors, falseAlarms } = summarizeMutants(results, variants);
  return [
    '# Mutants and variants',
    '',
    'Each mutant is the reference node with one place changed so that it breaks one clause. It is killed when a',
    'check names that clause; the reference itself passes the same plan. Each variant is the reference with another',
    "choice inside the spec's freedom; no check may object to it. Written by `npm run mutants -- --write`.",
    '',
    `${killedByClause} of ${mutants} mutants are killed by their clause, ${survivors.length} are not; ${variants.length} variants, ${falseAlarms} false alarms.`,
    '',
    '| mutant | clause | what it does | outcome | check |',
    '| --- | --- | --- | --- | --- |',
    ...results.map((result) => {
      const { id, clause, title } = result.mutant;
      return row([id, clause, title, OUTCOMES[result.verdict], killerName(result)]);
    }),
    '',
    '| variant | freedom | what it does | outcome |',
    '| --- | --- | --- | --- |',
    ...variants.map(({ variant, alarms }) =>
      row([variant.id, variant.freedom, variant.title, alarms.length === 0 ? 'green' : `false alarm: ${alarms.join('; ')}`]),
    ),
    '',
  ].join('\n');
}

function row(cells: readonly string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|').replaceAll('\n', ' ')).join(' | ')} |`;
}

/** Outcome by mutant id, as a table says. */
export function readTable(markdown: string): ReadonlyMap<string, string> {
  const rows = markdown.split('\n').map((line) => line.split(/(?<!\\)\|/).map((cell) => cell.trim()));
  return new Map(
    rows.flatMap((cells) =>
      cells.length === 7 && /^[A-Z]{3}-\d{3}$/.test(cells[2] ?? '') ? [[cells[1] ?? '', cells[4] ?? ''] as const] : [],
    ),
  );
}

/** How results depart from a table: lost kills, kills that it does not know, and mutants that it lacks or, in a full run, no longer exist. */
export function compareTable(markdown: string, results: readonly MutantResult[], isFull: boolean): readonly string[] {
  const table = readTable(markdown);
  const differences = results.flatMap(({ mutant, verdict, observed }) => {
    const told = table.get(mutant.id);
    if (told === OUTCOMES[verdict]) return [];
    return [`${mutant.id} (${mutant.clause}): the table says ${told ?? 'nothing'}, the run ${OUTCOMES[verdict]}: ${observed}`];
  });
  const known = new Set(results.map((result) => result.mutant.id));
  const gone = isFull
    ? [...table.keys()].filter((id) => !known.has(id)).map((id) => `${id}: is in the table and not in the catalogue`)
    : [];
  return [...differences, ...gone];
}
