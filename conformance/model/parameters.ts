/** The parameter tables of chapter 19, read from the chapter itself. Spec: chapter 19. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../package-root.ts';

/** The presets of chapter 19. */
export const PRESETS = ['main', 'tower', 'chat', 'devnet', 'conformance'] as const;

/** Name of a preset. */
export type Preset = (typeof PRESETS)[number];

/** One line of a table: values by preset, numbers where they are numbers. */
export interface ParameterRow {
  readonly name: string;
  readonly unit: string;
  readonly values: Readonly<Record<Preset, number | string>>;
  /** `min-max`, one value, or `-`. */
  readonly range: string;
  readonly clause: string;
  readonly meaning: string;
}

/**
 * All parameters of the tables in a chapter's text, in its order. Throws a RangeError for a line that names a parameter
 * and has not the columns of the header.
 */
export function parseParameterTables(markdown: string): readonly ParameterRow[] {
  const lines = markdown.split('\n').filter((line) => /^\|\s*`[a-z_.]+`\s*\|.*\|\s*$/.test(line));
  return (
    lines
      .map((line) =>
        line
          .trim()
          .slice(1, -1)
          .split('|')
          .map((cell) => cell.trim()),
      )
      // The table of relations begins with a parameter in some lines; it has two columns.
      .filter((cells) => cells.length > 2)
      .map((cells) => {
        if (cells.length !== 10) throw new RangeError(`expected 10 columns, found ${cells.length} in the line of ${cells[0]}`);
        const [
          name = '',
          unit = '',
          main = '',
          tower = '',
          chat = '',
          devnet = '',
          conformance = '',
          range = '',
          clause = '',
          meaning = '',
        ] = cells;
        const values = { main: cell(main), tower: cell(tower), chat: cell(chat), devnet: cell(devnet), conformance: cell(conformance) };
        return { name: name.slice(1, -1), unit, values, range, clause, meaning };
      })
  );
}

function cell(value: string): number | string {
  return /^-?[0-9]+(\.[0-9]+)?$/.test(value) ? Number(value) : value;
}

/** The chapter as it was when it was first asked for: it does not change under a run. */
let rows: readonly ParameterRow[] | undefined;

/** Values of a preset by parameter name. Throws a RangeError for a name that is no preset. */
export function presetParameters(preset: string): Readonly<Record<string, number | string>> {
  const known = PRESETS.find((name) => name === preset);
  if (known === undefined) throw new RangeError(`expected a preset (${PRESETS.join(', ')}), found "${preset}"`);
  rows ??= parseParameterTables(readFileSync(join(packageRoot(), 'spec', '19-parameters.md'), 'utf8'));
  return Object.fromEntries(rows.map((row) => [row.name, row.values[known]]));
}
