/**
 * Source patches: one departure of the reference from the spec (a mutant) or within it (a variant),
 * as a TOML file, put in while the sources are loaded. The sources hold no switches for faults.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join, normalize } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parse } from 'smol-toml';
import { z } from 'zod';

/** One place of a source file. */
export interface PatchEdit {
  /** Path from the root of the repository, with `/`. */
  readonly file: string;
  /** Occurs exactly once in the file. */
  readonly find: string;
  readonly replace: string;
}

/** A patch file. A mutant names the clause that it breaks, a variant the freedom that it uses. */
export interface Patch {
  readonly id: string;
  readonly title: string;
  readonly clause: string | undefined;
  readonly freedom: string | undefined;
  readonly edits: readonly PatchEdit[];
}

/** A patch that cannot be applied as it is written. */
export class PatchProblem extends Error {}

/** The exit code of a process whose patch does not apply. */
export const EXIT_PATCH = 65;

/** The root of the repository. */
export const REPOSITORY: string = fileURLToPath(new URL('../../', import.meta.url));

const EDIT = {
  file: z.string().regex(/^(reference|proto\/gen)\/[a-zA-Z0-9_./-]+\.ts$/),
  find: z.string().min(1),
  replace: z.string(),
};

const PATCH = z
  .strictObject({
    id: z.string().regex(/^[a-z0-9]+(-[a-z0-9]+)*$/),
    title: z.string().min(1),
    clause: z
      .string()
      .regex(/^[A-Z]{3}-[0-9]{3}$/)
      .optional(),
    freedom: z.string().min(1).optional(),
    ...EDIT,
    also: z.array(z.strictObject(EDIT)).default([]),
  })
  .refine((patch) => (patch.clause === undefined) !== (patch.freedom === undefined), 'a patch has either clause or freedom');

/** Reads a patch file. Throws `PatchProblem`. */
export function readPatch(path: string): Patch {
  let table: unknown;
  try {
    table = parse(readFileSync(path, 'utf8'));
  } catch (error) {
    throw new PatchProblem(`${path}: ${error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error)}`);
  }
  const result = PATCH.safeParse(table);
  if (!result.success) {
    const issue = result.error.issues[0];
    throw new PatchProblem(`${path}: ${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'malformed'}`);
  }
  const { id, title, clause, freedom, file, find, replace, also } = result.data;
  return { id, title, clause, freedom, edits: [{ file, find, replace }, ...also] };
}

/** Every patch of a directory in the order of file names. Throws `PatchProblem`, also when a file's name is not its id. */
export function readPatches(directory: string): readonly Patch[] {
  return readdirSync(directory)
    .filter((name) => name.endsWith('.toml'))
    .sort()
    .map((name) => {
      const patch = readPatch(join(directory, name));
      if (`${patch.id}.toml` !== name) throw new PatchProblem(`${join(directory, name)}: its id is ${patch.id}`);
      return patch;
    });
}

function occurrences(source: string, find: string): number {
  return source.split(find).length - 1;
}

/** The patched sources by their path from the root. Throws `PatchProblem` when a file is missing or an edit does not match exactly once. */
export function applyPatch(patch: Patch, root: string = REPOSITORY): ReadonlyMap<string, string> {
  const sources = new Map<string, string>();
  for (const { file, find, replace } of patch.edits) {
    if (normalize(file) !== file) throw new PatchProblem(`${patch.id}: ${file} is not a plain path`);
    let source = sources.get(file);
    if (source === undefined) {
      try {
        source = readFileSync(join(root, file), 'utf8');
      } catch {
        throw new PatchProblem(`${patch.id}: ${file} cannot be read`);
      }
    }
    const count = occurrences(source, find);
    if (count !== 1) throw new PatchProblem(`${patch.id}: in ${file} the text to find occurs ${count} times instead of once`);
    if (find === replace) throw new PatchProblem(`${patch.id}: in ${file} the replacement changes nothing`);
    const at = source.indexOf(find);
    sources.set(file, source.slice(0, at) + replace + source.slice(at + find.length));
  }
  return sources;
}

/** The patched sources by the URL under which a module loader asks for them. */
export function patchedModules(patch: Patch, root: string = REPOSITORY): ReadonlyMap<string, string> {
  return new Map([...applyPatch(patch, root)].map(([file, source]) => [pathToFileURL(join(root, file)).href, source]));
}
