/** What a row of chapter 19 holds. */

/** One row: values in the order of `PRESET_NAMES`, the range with both ends included. */
export interface ParameterRow {
  readonly unit: string;
  readonly values: readonly [number, number, number, number, number];
  readonly range: readonly [number, number];
  readonly clause: string;
  readonly meaning: string;
}

/** A parameter whose value is one of the words of its unit. */
export interface ChoiceRow {
  readonly unit: string;
  readonly values: readonly [string, string, string, string, string];
  readonly clause: string;
  readonly meaning: string;
}
