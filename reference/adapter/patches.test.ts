import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { applyPatch, PatchProblem, patchedModules, readPatch, readPatches } from './patches.ts';

let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'carillon-patches-'));
  mkdirSync(join(root, 'reference'));
  writeFileSync(join(root, 'reference/a.ts'), 'const one = 1;\nconst two = 2;\n');
});
afterEach(() => {
  rmSync(root, { recursive: true, force: true });
});

function patchFile(text: string): string {
  const file = join(root, 'p.toml');
  writeFileSync(file, text);
  return file;
}

const HEAD = 'id = "p"\ntitle = "t"\nclause = "CNV-002"\n';

describe('every patch of the repository', () => {
  test.each(['mutants', 'variants'])('in %s matches exactly once, and mutants name a clause', (kind) => {
    const patches = readPatches(join(import.meta.dirname, kind));
    expect(patches.length).toBeGreaterThan(0);
    for (const patch of patches) {
      expect(applyPatch(patch).size).toBeGreaterThan(0);
      expect(patch.clause !== undefined).toBe(kind === 'mutants');
    }
  });
});

describe('a patch', () => {
  test('replaces text over several lines, and several places of one file', () => {
    const patch = readPatch(
      patchFile(
        `${HEAD}file = "reference/a.ts"\nfind = """\none = 1;\nconst two"""\nreplace = "uno = 1;\\nconst due"\n[[also]]\nfile = "reference/a.ts"\nfind = "= 2"\nreplace = "= $&"\n`,
      ),
    );
    const sources = applyPatch(patch, root);
    expect(sources.get('reference/a.ts')).toBe('const uno = 1;\nconst due = $&;\n');
    expect([...patchedModules(patch, root).keys()]).toEqual([`file://${root}/reference/a.ts`]);
  });

  test.each([
    ['text that is not there', 'file = "reference/a.ts"\nfind = "three"\nreplace = "3"\n', 'occurs 0 times'],
    ['text that is there twice', 'file = "reference/a.ts"\nfind = "const"\nreplace = "let"\n', 'occurs 2 times'],
    ['a replacement that changes nothing', 'file = "reference/a.ts"\nfind = "one"\nreplace = "one"\n', 'changes nothing'],
    ['a file that is not there', 'file = "reference/b.ts"\nfind = "x"\nreplace = "y"\n', 'cannot be read'],
    ['a path that leaves its place', 'file = "reference/../a.ts"\nfind = "x"\nreplace = "y"\n', 'not a plain path'],
  ])('with %s does not apply', (_, text, reason) => {
    const patch = readPatch(patchFile(`${HEAD}${text}`));
    expect(() => applyPatch(patch, root)).toThrow(PatchProblem);
    expect(() => applyPatch(patch, root)).toThrow(reason);
  });

  const PLACE = 'file = "reference/a.ts"\nfind = "one"\nreplace = "x"\n';
  test.each([
    ['no TOML', 'id = '],
    ['both clause and freedom', `${HEAD}freedom = "f"\n${PLACE}`],
    ['neither clause nor freedom', `id = "p"\ntitle = "t"\n${PLACE}`],
    ['an unknown key', `${HEAD}fix = 1\n${PLACE}`],
    ['a clause that is none', `${HEAD.replace('CNV-002', 'CNV-2')}${PLACE}`],
    ['a file outside the reference', `${HEAD}${PLACE.replace('reference/a', 'conformance/a')}`],
    ['nothing to find', `${HEAD}${PLACE.replace('"one"', '""')}`],
  ])('with %s is not read', (_, text) => {
    expect(() => readPatch(patchFile(text))).toThrow(PatchProblem);
  });

  test('has its id as its name', () => {
    patchFile(`${HEAD.replace('"p"', '"q"')}${PLACE}`);
    expect(() => readPatches(root)).toThrow('its id is q');
  });
});
