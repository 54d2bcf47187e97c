/** Vector files from disk. A file that is not of the form is refused with what is wrong and where. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../package-root.ts';
import { ToolError } from '../runner/problem.ts';
import { type VectorFile, vectorFileSchema } from './file.ts';

/** Faults that one error message quotes. */
const FAULTS_SHOWN_MAX = 5;

/** The folder `vectors` of the package. */
export function vectorsFolder(): string {
  return join(packageRoot(), 'vectors');
}

const loaded = new Map<string, VectorFile>();

/** A vector file by its path below `vectors/`, read once. Throws E_FILE when it is missing or not of the form. */
export function loadVectorFile(path: string): VectorFile {
  const known = loaded.get(path);
  if (known !== undefined) return known;
  const file = parseVectorFile(path, readFileSync(join(vectorsFolder(), path), 'utf8'));
  loaded.set(path, file);
  return file;
}

/** A vector file from its text; `path` is for the error message. Throws E_FILE for text that is not of the form. */
export function parseVectorFile(path: string, content: string): VectorFile {
  let json: unknown;
  try {
    json = JSON.parse(content);
  } catch (error) {
    throw notOfTheForm(path, [error instanceof Error ? error.message : 'no JSON']);
  }
  const parsed = vectorFileSchema.safeParse(json);
  if (!parsed.success) {
    throw notOfTheForm(
      path,
      parsed.error.issues.map((issue) => `${issue.path.join('.') || 'the file'}: ${issue.message}`),
    );
  }
  const faults = faultsOf(parsed.data);
  if (faults.length > 0) throw notOfTheForm(path, faults);
  return parsed.data;
}

/** What the schema cannot say: unique ids, exactly one outcome, flags that have a note. */
function faultsOf(file: VectorFile): string[] {
  const faults: string[] = [];
  const ids = new Set<string>();
  for (const one of file.cases) {
    if (ids.has(one.id)) faults.push(`case ${one.id}: the id is used twice`);
    ids.add(one.id);
    if ((one.values === undefined) === (one.error === undefined)) faults.push(`case ${one.id}: exactly one of values and error is needed`);
    if (one.result === 'valid' && one.error !== undefined) faults.push(`case ${one.id}: a valid case has no error`);
    for (const flag of one.flags) {
      if (!Object.hasOwn(file.notes, flag)) faults.push(`case ${one.id}: flag ${flag} has no note`);
    }
  }
  return faults;
}

function notOfTheForm(path: string, faults: readonly string[]): ToolError {
  const left = faults.length - FAULTS_SHOWN_MAX;
  return new ToolError('E_FILE', {
    what: `vectors/${path} is not a vector file`,
    expected: 'the form of vectors/schema/vector.schema.json',
    found: [...faults.slice(0, FAULTS_SHOWN_MAX), ...(left > 0 ? [`and ${left} more`] : [])].join(' | '),
    action: 'restore the file, or run `npm run vectors -- --write` if it is generated',
  });
}
