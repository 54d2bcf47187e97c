/** House rules, checked by reading the sources: import arrows, clause ids, patches, generated files, banned words. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, relative } from 'node:path';
import { parse } from 'smol-toml';
import { describe, expect, test } from 'vitest';
import { clausesJson, parametersJson, readSpec } from '../conformance/clauses/spec.ts';

const root = join(import.meta.dirname, '..');
const spec = readSpec(join(root, 'spec'));
const clauseIds = new Set(spec.clauses.map((clause) => clause.id));

function filesBelow(directory: string, ending: string): string[] {
  const skipped = new Set(['node_modules', 'dist', 'reports', 'gen', 'external', '.git', '.conform']);
  return readdirSync(join(root, directory), { withFileTypes: true }).flatMap((entry) => {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) return skipped.has(entry.name) ? [] : filesBelow(path, ending);
    return entry.name.endsWith(ending) ? [path] : [];
  });
}

const sources = ['bin', 'conformance', 'reference', 'scripts'].flatMap((directory) => filesBelow(directory, '.ts'));
const read = (path: string): string => readFileSync(join(root, path), 'utf8');

/** Module names that a file imports, relative ones as paths from the root. */
function importsOf(path: string): string[] {
  const found = [...read(path).matchAll(/(?:from\s+|import\s+|import\()\s*'([^']+)'/g)].map((match) => match[1] ?? '');
  return found.map((name) => (name.startsWith('.') ? relative(root, normalize(join(root, dirname(path), name))) : name));
}

const isTest = (path: string): boolean => /\.(test|bench)\.ts$/.test(path);
const below = (path: string, ...directories: string[]): boolean => directories.some((directory) => path.startsWith(`${directory}/`));
const inProject = (name: string): boolean => sources.includes(name) || below(name, 'proto', 'reference', 'conformance', 'bin', 'scripts');

describe('import arrows', () => {
  test('the core imports the generated types, protobuf, noble, scure and itself', () => {
    const wrong = sources
      .filter((path) => below(path, 'reference/core') && !isTest(path))
      .flatMap((path) =>
        importsOf(path)
          .filter(
            (name) =>
              !below(name, 'reference/core', 'proto/gen', '@bufbuild/protobuf', '@noble', '@scure') &&
              name !== '@bufbuild/protobuf' &&
              name !== '@scure/base',
          )
          .map((name) => `${path} -> ${name}`),
      );
    expect(wrong).toEqual([]);
  });

  test('machines do not import each other', () => {
    const machines = ['session', 'gossip'];
    const wrong = machines.flatMap((machine) =>
      sources
        .filter((path) => below(path, `reference/core/${machine}`) && !isTest(path))
        .flatMap((path) =>
          importsOf(path)
            .filter((name) => machines.some((other) => other !== machine && below(name, `reference/core/${other}`)))
            .map((name) => `${path} -> ${name}`),
        ),
    );
    expect(wrong).toEqual([]);
  });

  test('the simulator does not import the runtime, and the kit imports nothing of the reference', () => {
    const wrong = sources.flatMap((path) => {
      const names = importsOf(path).filter(inProject);
      if (below(path, 'reference/sim') && !isTest(path))
        return names.filter((name) => below(name, 'reference/runtime', 'conformance')).map((name) => `${path} -> ${name}`);
      if (below(path, 'conformance')) return names.filter((name) => below(name, 'reference')).map((name) => `${path} -> ${name}`);
      // The fuzzer is a tool beside the reference: it writes what it sends with the model's writers.
      if (below(path, 'reference/fuzz') && !isTest(path))
        return names.filter((name) => below(name, 'conformance') && !below(name, 'conformance/model')).map((name) => `${path} -> ${name}`);
      if (below(path, 'reference') && !isTest(path))
        return names.filter((name) => below(name, 'conformance')).map((name) => `${path} -> ${name}`);
      return [];
    });
    expect(wrong).toEqual([]);
  });

  test('the core reads no clock and draws no chance of its own', () => {
    const wrong = sources.filter(
      (path) => below(path, 'reference/core') && !isTest(path) && /\b(Date\.now|new Date|Math\.random|performance\.now)\b/.test(read(path)),
    );
    expect(wrong).toEqual([]);
  });
});

describe('clauses', () => {
  test('the chapters are in order', () => {
    expect(spec.problems).toEqual([]);
  });

  test('every clause id in the sources is in the spec', () => {
    const prefixes = [...new Set(spec.clauses.map(({ id }) => id.slice(0, 3)))].join('|');
    const pattern = new RegExp(`\\b(?:${prefixes})-\\d{3}\\b`, 'g');
    const files = [...sources, ...filesBelow('proto', '.proto'), ...filesBelow('spec', '.md'), ...filesBelow('conformance', '.md')];
    const wrong = files.flatMap((path) =>
      [...new Set(read(path).match(pattern) ?? [])].filter((id) => !clauseIds.has(id)).map((id) => `${path}: ${id}`),
    );
    expect(wrong).toEqual([]);
  });

  test('clauses.json and parameters.json match the chapters', () => {
    expect(read('spec/clauses.json')).toBe(clausesJson(spec));
    expect(read('spec/parameters.json')).toBe(parametersJson(spec));
  });
});

describe('patches', () => {
  const patches = ['reference/adapter/mutants', 'reference/adapter/variants'].flatMap((directory) => filesBelow(directory, '.toml'));

  test.each(patches)('%s matches its source exactly once and names a clause', (path) => {
    const patch = parse(read(path)) as Record<string, unknown>;
    const places = [patch, ...((patch['also'] as Record<string, unknown>[] | undefined) ?? [])];
    for (const place of places) {
      const source = read(String(place['file']));
      expect(source.split(String(place['find'])).length - 1, `${path}: occurrences in ${String(place['file'])}`).toBe(1);
    }
    if (below(path, 'reference/adapter/mutants')) expect(clauseIds.has(String(patch['clause']))).toBe(true);
  });
});

describe('words', () => {
  test('file names are kebab-case nouns, and no file is a drawer', () => {
    const wrong = sources.filter(
      (path) =>
        !/^[a-z0-9]+(?:[-.][a-z0-9]+)*\.ts$/.test(path.split('/').at(-1) ?? '') || /(^|\/)(utils?|helpers?|misc|common)\.ts$/.test(path),
    );
    expect(wrong).toEqual([]);
  });

  test('the sources name no machine path and switch nothing off', () => {
    const banned = /@ts-(?:ignore|nocheck)|\bas any[;),\]]|(?:describe|test|it)\.only\(|\/work\/|\bFIXME\b|\bTODO\b/;
    const wrong = sources.filter((path) => path !== 'scripts/tidy.test.ts' && banned.test(read(path)));
    expect(wrong).toEqual([]);
  });
});
