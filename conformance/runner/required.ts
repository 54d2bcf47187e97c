/**
 * The required checks of a spec version, by class: a frozen list. A check that is added later runs and is
 * shown, but does not score until the next version, so that nobody's green run turns red by an update.
 */
import { existsSync, readFileSync } from 'node:fs';
import { z } from 'zod';

export const CLASSES = ['app', 'full', 'validator'] as const;
export type ConformanceClass = (typeof CLASSES)[number];

export interface RequiredSet {
  readonly spec: string;
  readonly classes: Readonly<Record<ConformanceClass, readonly string[]>>;
}

const ids = z.array(z.string());
const requiredSchema: z.ZodType<RequiredSet> = z.strictObject({
  spec: z.string(),
  classes: z.strictObject({ app: ids, full: ids, validator: ids }),
});

/** The frozen list of a spec version; undefined while it has none, and then every check is required. */
export function readRequired(specVersion: string): RequiredSet | undefined {
  const file = new URL(`../required/${specVersion}.json`, import.meta.url);
  return existsSync(file) ? requiredSchema.parse(JSON.parse(readFileSync(file, 'utf8'))) : undefined;
}

/** Ids that score for a class; undefined: all of them. A class of a later revision counts as `app` while its own list is empty. */
export function requiredIds(set: RequiredSet | undefined, className: string): ReadonlySet<string> | undefined {
  if (set === undefined) return undefined;
  const known = CLASSES.find((name) => name === className) ?? 'app';
  const list = set.classes[known];
  return new Set(list.length > 0 ? list : set.classes.app);
}

/** Text of a new list with all checks for class `app`, the only one of spec revision 0.1. */
export function requiredText(specVersion: string, checkIds: readonly string[]): string {
  return `${JSON.stringify({ spec: specVersion, classes: { app: [...checkIds].sort(), full: [], validator: [] } }, null, 1)}\n`;
}
