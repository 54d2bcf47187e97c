/**
 * Catalogues of patches of the reference: mutants, each of which breaks a clause, and legal variants,
 * which use a freedom that the spec leaves. A patch is a TOML file that the reference applies to its own
 * sources while they are loaded; the kit reads only what it is about.
 */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parse } from 'smol-toml';
import { z } from 'zod';
import { packageRoot } from '../package-root.ts';
import { ToolError } from './problem.ts';

/** One patch. */
export interface SourcePatch {
  readonly id: string;
  readonly title: string;
  /** Absolute. */
  readonly path: string;
  /** The first source file that it changes, from the root of the repository. */
  readonly source: string;
}

/** A patch that breaks a clause. */
export interface Mutant extends SourcePatch {
  readonly clause: string;
}

/** A patch that no check may object to. */
export interface Variant extends SourcePatch {
  readonly freedom: string;
}

const common = { id: z.string().regex(/^[a-z0-9]+(?:-[a-z0-9]+)*$/), title: z.string().min(1), file: z.string().min(1) };
const mutantSchema = z.looseObject({ ...common, clause: z.string().regex(/^[A-Z]{3}-\d{3}$/) });
const variantSchema = z.looseObject({ ...common, freedom: z.string().min(1) });

/** Where the reference's own catalogues lie. */
export const MUTANTS_FOLDER: string = join(packageRoot(), 'reference', 'adapter', 'mutants');
export const VARIANTS_FOLDER: string = join(packageRoot(), 'reference', 'adapter', 'variants');

/** The mutants of a folder in the order of their ids. Throws E_CONFIG for a file that is not one, or whose clause is not in the spec. */
export function readMutants(folder: string, clauses: ReadonlySet<string>): readonly Mutant[] {
  return readFolder(folder).map(({ path, table }) => {
    const { id, title, file, clause } = check(path, mutantSchema, table);
    if (!clauses.has(clause)) throw badPatch(path, 'a clause of the spec', clause);
    return { id, title, path, source: file, clause };
  });
}

/** The variants of a folder in the order of their ids. Throws E_CONFIG. */
export function readVariants(folder: string): readonly Variant[] {
  return readFolder(folder).map(({ path, table }) => {
    const { id, title, file, freedom } = check(path, variantSchema, table);
    return { id, title, path, source: file, freedom };
  });
}

/** `count` of the patches, drawn by the seed, in their order. */
export function samplePatches<Patch extends SourcePatch>(patches: readonly Patch[], count: number, seed: string): readonly Patch[] {
  const rank = (patch: Patch): string => createHash('sha256').update(`${seed}\0${patch.id}`).digest('hex');
  const drawn = new Set([...patches].sort((left, right) => (rank(left) < rank(right) ? -1 : 1)).slice(0, count));
  return patches.filter((patch) => drawn.has(patch));
}

/** How a process of the reference is started with a patch. Throws E_CONFIG where there are no sources to patch. */
export function patchedStart(patch: SourcePatch): {
  readonly nodeArguments: readonly string[];
  readonly env: Readonly<Record<string, string>>;
} {
  const hook = join(packageRoot(), 'reference', 'adapter', 'patch-hook.ts');
  if (!import.meta.url.endsWith('.ts') || !existsSync(hook)) {
    throw new ToolError('E_CONFIG', {
      what: 'patches need the sources',
      expected: 'a checkout of the repository',
      found: 'a built package',
      action: 'run it in the repository with npm run mutants',
    });
  }
  return { nodeArguments: ['--import', pathToFileURL(hook).href], env: { CARILLON_PATCH: patch.path } };
}

function readFolder(folder: string): readonly { readonly path: string; readonly table: unknown }[] {
  const names = readdirSync(folder).filter((name) => name.endsWith('.toml'));
  return names.sort().map((name) => {
    const path = resolve(folder, name);
    try {
      return { path, table: parse(readFileSync(path, 'utf8')) };
    } catch (error) {
      throw badPatch(path, 'TOML', error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error));
    }
  });
}

function check<Value extends { readonly id: string }>(path: string, schema: z.ZodType<Value>, table: unknown): Value {
  const parsed = schema.safeParse(table);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw badPatch(
      path,
      'id, title, file, and clause (mutant) or freedom (variant)',
      `${issue?.message ?? 'something else'} at ${issue?.path.join('.') || 'the top'}`,
    );
  }
  if (!path.endsWith(`/${parsed.data.id}.toml`)) throw badPatch(path, 'the id as the name of the file', parsed.data.id);
  return parsed.data;
}

function badPatch(path: string, expected: string, found: string): ToolError {
  return new ToolError('E_CONFIG', {
    what: `${path} is not a patch`,
    expected,
    found,
    action: 'correct the file or move it out of the folder',
  });
}
