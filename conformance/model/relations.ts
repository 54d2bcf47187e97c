/** The relations of chapter 19 between parameters, read from the chapter itself, and values that break each of them alone. Spec: PRM-001. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../package-root.ts';
import { type ParameterRow, type Preset, parseParameterTables } from './parameters.ts';

/** One comparison of two sides. A line of the chapter with two signs, or "for every class", gives several. */
export interface Relation {
  /** As the chapter writes it, without the marks of code. */
  readonly text: string;
  readonly names: readonly string[];
  /** How much is missing for the relation to hold: above 0 when it is broken. */
  missing(values: Values): number;
}

/** Values by parameter name. */
export type Values = Readonly<Record<string, number>>;

/** Overrides of a preset that break one relation and no other, each value in its range. */
export interface Breach {
  readonly relation: string;
  readonly overrides: Readonly<Record<string, string>>;
}

const NAME = /[a-z_]+\.[a-z_.]+/g;

/** The relations of a chapter's text. Throws a RangeError for a side that it cannot read. */
export function parseRelations(markdown: string): readonly Relation[] {
  const table = markdown.slice(markdown.indexOf('## Relations'));
  const classes = [...new Set([...markdown.matchAll(/`rate\.([a-z]+)\.bytes_per_s`/g)].map(([, name = '']) => name))];
  return table.split('\n').flatMap((line): readonly Relation[] => {
    if (!/^\| .*[≤≥<].* \|/.test(line)) return [];
    const plain = (line.split('|')[1] ?? '').trim().replace(' for every class', '').replaceAll(/[`,]/g, '');
    const texts = plain.includes('<class>') ? classes.map((name) => plain.replaceAll('<class>', name)) : [plain];
    return texts.flatMap(comparisons);
  });
}

function comparisons(text: string): readonly Relation[] {
  const parts = text.split(/ ([≤≥<]) /);
  return parts.flatMap((sign, index): readonly Relation[] => {
    if (index % 2 === 0) return [];
    const [left = '', right = ''] = [parts[index - 1], parts[index + 1]];
    const [small, large] = sign === '≥' ? [right, left] : [left, right];
    const least = sign === '<' ? 1 : 0;
    return [
      {
        text: `${left} ${sign} ${right}`,
        names: [...new Set([...`${left} ${right}`.matchAll(NAME)].map(([name]) => name))],
        missing: (values) => sideOf(small, values) + least - sideOf(large, values),
      },
    ];
  });
}

/** A sum of products of names, numbers and one sum in brackets. */
function sideOf(text: string, values: Values): number {
  const bracket = /^(.*)\((.*)\)(.*)$/.exec(text);
  if (bracket !== null) return sideOf(`${bracket[1]}${sideOf(bracket[2] ?? '', values)}${bracket[3]}`, values);
  const factor = (part: string): number => {
    const value = /^-?[0-9.]+$/.test(part) ? Number(part) : values[part];
    if (value === undefined) throw new RangeError(`expected a number or a parameter of chapter 19, found "${part}"`);
    return value;
  };
  const product = (term: string): number => term.split(' · ').reduce((all, part) => all * factor(part.trim()), 1);
  return text.split(' + ').reduce((sum, term) => sum + product(term), 0);
}

/** For each relation that ranges let anybody break, values that break it by as little as possible. */
export function breachesOf(markdown: string, preset: Preset): readonly Breach[] {
  const rows = parseParameterTables(markdown);
  const relations = parseRelations(markdown);
  const values: Values = Object.fromEntries(
    rows.flatMap(({ name, values: of }) => (typeof of[preset] === 'number' ? [[name, of[preset]] as const] : [])),
  );
  const ranges = new Map(rows.map((row) => [row.name, rangeOf(row)]));
  const isAlone = (relation: Relation, changed: Values): boolean =>
    relations.every((other) => other.missing(changed) > 0 === (other === relation));
  return relations.flatMap((relation): readonly Breach[] => {
    for (const name of relation.names) {
      const value = breaking(relation, name, values);
      const [low, high] = ranges.get(name) ?? [0, -1];
      if (value === undefined || value < low || value > high || !isAlone(relation, { ...values, [name]: value })) continue;
      return [{ relation: relation.text, overrides: { [name]: String(value) } }];
    }
    return [];
  });
}

/** The value of one parameter nearest to its own that breaks a relation in which it stands once. */
function breaking(relation: Relation, name: string, values: Values): number | undefined {
  const now = values[name];
  if (now === undefined) return undefined;
  const missing = relation.missing(values);
  const slope = relation.missing({ ...values, [name]: now + 1 }) - missing;
  if (slope === 0) return undefined;
  const steps = (1 - missing) / slope;
  return now + (steps > 0 ? Math.ceil(steps) : Math.floor(steps));
}

function rangeOf({ range }: ParameterRow): readonly [number, number] | undefined {
  const [, low, high] = /^(-?[0-9]+)-(-?[0-9]+)$/.exec(range) ?? [];
  return low === undefined || high === undefined ? undefined : [Number(low), Number(high)];
}

/** The breaches of the chapter that this package has. */
export function presetBreaches(preset: Preset): readonly Breach[] {
  return breachesOf(readFileSync(join(packageRoot(), 'spec', '19-parameters.md'), 'utf8'), preset);
}
