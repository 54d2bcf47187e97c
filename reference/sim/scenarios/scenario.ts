/** What a scenario is: a world of a certain making, and the figures that it gives, held against bounds. */

/** A number that a run may choose. */
export interface ScenarioParameter {
  readonly name: string;
  readonly meaning: string;
  readonly value: number;
  /** Both ends included. */
  readonly range: readonly [number, number];
}

/** One figure of a run. A figure with a bound that it misses makes the run fail. */
export interface Figure {
  readonly name: string;
  readonly unit: string;
  readonly value: number;
  /** Bounds, both included; a figure without any is for information. */
  readonly least?: number;
  readonly most?: number;
}

/** What a run is given. */
export interface ScenarioRun {
  readonly seed: string;
  /** The value of one of the scenario's parameters. Throws for a name that it does not have. */
  value(name: string): number;
  /** Says how far the run is, for whoever waits. */
  tell(line: string): void;
}

/** A measurement that anybody can repeat: the same seed and values give the same figures. */
export interface Scenario {
  /** `<noun>.<scenario>` */
  readonly name: string;
  /** One sentence: what is measured. */
  readonly measures: string;
  /** `nodes` first, where there is one. */
  readonly parameters: readonly ScenarioParameter[];
  run(run: ScenarioRun): readonly Figure[];
}

/** What a run asks for. */
export interface ScenarioRequest {
  readonly seed?: string;
  /** In place of the parameters' own values. */
  readonly values?: Readonly<Record<string, number>>;
  readonly tell?: (line: string) => void;
}

/** A parameter that a scenario does not have, or a value that it does not take. */
export class ScenarioError extends Error {
  readonly code = 'E_USAGE';

  constructor(message: string) {
    super(message);
    this.name = 'ScenarioError';
  }
}

/** Whether a figure is within its bounds. */
export function isWithin({ value, least, most }: Figure): boolean {
  return Number.isFinite(value) && value >= (least ?? value) && value <= (most ?? value);
}

/** The values of a run: the parameters' own, and in their place those that are given. Throws `ScenarioError` for what the scenario does not take. */
export function checkValues(scenario: Scenario, given: Readonly<Record<string, number>>): ReadonlyMap<string, number> {
  const values = new Map(scenario.parameters.map(({ name, value }) => [name, value]));
  for (const [name, value] of Object.entries(given)) {
    const parameter = scenario.parameters.find((each) => each.name === name);
    const names = scenario.parameters.map((each) => each.name).join(', ');
    if (parameter === undefined)
      throw new ScenarioError(
        `${scenario.name} has no such parameter; expected one of ${names}; found ${JSON.stringify(name)}; see carillon sim list`,
      );
    const [least, most] = parameter.range;
    if (!(value >= least && value <= most))
      throw new ScenarioError(
        `${name} of ${scenario.name} is out of range; expected a number from ${least} to ${most}; found ${value}; choose one within that`,
      );
    values.set(name, value);
  }
  return values;
}

/** Runs a scenario in this process. Throws `ScenarioError` for values that it does not take. */
export function runScenario(scenario: Scenario, request: ScenarioRequest = {}): readonly Figure[] {
  const values = checkValues(scenario, request.values ?? {});
  return scenario.run({
    seed: request.seed ?? scenario.name,
    value: (name) => {
      const value = values.get(name);
      if (value === undefined) throw new Error(`${scenario.name} has no parameter ${name}`);
      return value;
    },
    tell: request.tell ?? (() => undefined),
  });
}

/** A share of a list in order: 0.5 gives the median. NaN for an empty list. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
}
