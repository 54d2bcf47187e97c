/** What `carillon sim` does. */
import { type ChildLimits, type ChildResult, runInChild } from './scenario-process.ts';
import { allScenarios } from './scenarios/index.ts';
import { checkValues, type Figure, isWithin, type Scenario, ScenarioError } from './scenarios/scenario.ts';

/** What the flags ask for. */
export interface SimRequest {
  readonly values: Readonly<Record<string, number>>;
  /** The scenario's own if undefined. */
  readonly seed: string | undefined;
  readonly isJson: boolean;
  readonly limits: ChildLimits;
}

function nearestOf(name: string, scenarios: readonly Scenario[]): string {
  const noun = name.replace(/\..*$/, '');
  const near = scenarios.filter((scenario) => scenario.name.startsWith(`${noun}.`)).map((scenario) => scenario.name);
  return near.length === 0 ? 'see carillon sim list' : `did you mean ${near.join(' or ')}?`;
}

/** The scenarios of names and of `noun.*`, each once. Throws `ScenarioError` for a name that says nothing. */
export function selectScenarios(names: readonly string[], scenarios: readonly Scenario[]): readonly Scenario[] {
  const chosen = new Set<Scenario>();
  for (const name of names) {
    const found = name.endsWith('*')
      ? scenarios.filter((scenario) => scenario.name.startsWith(name.slice(0, -1)))
      : scenarios.filter((scenario) => scenario.name === name);
    if (found.length === 0)
      throw new ScenarioError(
        `the scenario does not exist; expected list or a name such as gossip.spread; found ${JSON.stringify(name)}; ${nearestOf(name, scenarios)}`,
      );
    for (const scenario of found) chosen.add(scenario);
  }
  return [...chosen];
}

function list(scenarios: readonly Scenario[], isJson: boolean): string {
  if (isJson)
    return `${JSON.stringify(
      scenarios.map(({ name, measures, parameters }) => ({ name, measures, parameters })),
      undefined,
      2,
    )}\n`;
  const lines = scenarios.flatMap(({ name, measures, parameters }) => [
    name,
    `  ${measures}`,
    ...parameters.map(
      (each) => `  ${each.name.padEnd(14)} ${String(each.value).padStart(8)}  ${each.meaning} (${each.range.join(' to ')})`,
    ),
    '',
  ]);
  return `${lines.join('\n')}`;
}

/** A number with as many digits as say something. */
function digits(value: number): string {
  if (Number.isInteger(value) || Math.abs(value) >= 1_000) return String(Math.round(value));
  return value.toPrecision(4).replace(/\.?0+$/, '');
}

function boundText({ least, most }: Figure): string {
  if (least !== undefined && most !== undefined) return `${digits(least)} to ${digits(most)}`;
  if (least !== undefined) return `≥ ${digits(least)}`;
  return most === undefined ? '' : `≤ ${digits(most)}`;
}

/** The figures of one run as a table. */
export function formatRun(scenario: Scenario, seed: string, result: ChildResult): string {
  const head = `${scenario.name}  seed ${seed}`;
  if (result.outcome === 'overdue')
    return `${head}\n  the time was over after ${digits(result.durationMs / 1_000)} s; nothing was measured\n`;
  if (result.outcome === 'failed') return `${head}\n  ${result.message}; nothing was measured\n`;
  const rows = result.figures.map((figure) => {
    const bound = boundText(figure);
    return [figure.name, digits(figure.value), figure.unit, bound, bound === '' ? '' : isWithin(figure) ? 'pass' : 'FAIL'];
  });
  const widths = [0, 1, 2, 3].map((column) => Math.max(0, ...rows.map((row) => [...(row[column] ?? '')].length)));
  const lines = rows.map(
    (row) =>
      `  ${row
        .map((cell, column) => (column === 1 ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0)))
        .join('  ')
        .trimEnd()}`,
  );
  const cost = `${digits(result.durationMs / 1_000)} s, ${digits(result.rssBytesMax / 1_048_576)} MiB`;
  return `${head}  (${cost})\n${lines.join('\n')}\n`;
}

function hasPassed(result: ChildResult): boolean {
  return result.outcome === 'figures' && result.figures.every(isWithin);
}

/** Lists or runs, and writes to standard output; resolves with the exit code. Rejects with `ScenarioError` for a wrong name or value. */
export async function runSim(names: readonly string[], request: SimRequest): Promise<number> {
  const scenarios = await allScenarios();
  if (names.length === 1 && names[0] === 'list') {
    process.stdout.write(list(scenarios, request.isJson));
    return 0;
  }
  const chosen = selectScenarios(names, scenarios);
  for (const scenario of chosen) checkValues(scenario, request.values);
  const runs: object[] = [];
  let passed = true;
  for (const scenario of chosen) {
    const seed = request.seed ?? scenario.name;
    const result = await runInChild({ name: scenario.name, seed, values: request.values }, request.limits);
    passed &&= hasPassed(result);
    runs.push({ scenario: scenario.name, seed, values: request.values, passed: hasPassed(result), ...result });
    if (!request.isJson) process.stdout.write(formatRun(scenario, seed, result));
  }
  if (request.isJson) process.stdout.write(`${JSON.stringify({ passed, runs }, undefined, 2)}\n`);
  return passed ? 0 : 1;
}
