/** Links in the prose lead somewhere: files that are there, headings that are there. */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { describe, expect, test } from 'vitest';

const root = join(import.meta.dirname, '..');

function pagesBelow(directory: string): readonly string[] {
  return readdirSync(join(root, directory), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md') && !/(?:^|\/)(?:node_modules|external)\//.test(name))
    .map((name) => join(directory, name));
}

const pages = ['README.md', 'CONTRIBUTING.md', 'SECURITY.md', ...['spec', 'vectors', 'conformance'].flatMap(pagesBelow)];

/** A page without its fenced blocks, whose contents are no links. */
function proseOf(path: string): string {
  return readFileSync(join(root, path), 'utf8').replaceAll(/^```[\s\S]*?^```$/gm, '');
}

/** Anchors of a page's headings: lower case, hyphens for blanks, no other marks. */
function anchorsOf(path: string): readonly string[] {
  return [...proseOf(path).matchAll(/^#+ (.*)$/gm)].map((match) =>
    (match[1] ?? '')
      .toLowerCase()
      .replaceAll(/[^a-z0-9 _-]/g, '')
      .replaceAll(' ', '-'),
  );
}

describe('links', () => {
  test.each(pages)('%s', (page) => {
    const broken = [...proseOf(page).matchAll(/\]\(([^)\s]+)\)/g)].flatMap(([, target = '']) => {
      if (/^[a-z]+:/.test(target)) return [];
      const [file = '', anchor] = target.split('#');
      const path = file === '' ? page : relative(root, join(root, dirname(page), file));
      if (!existsSync(join(root, path))) return [`${target}: there is no ${path}`];
      if (anchor === undefined || statSync(join(root, path)).isDirectory()) return [];
      return anchorsOf(path).includes(anchor) ? [] : [`${target}: ${path} has no such heading`];
    });
    expect(broken).toEqual([]);
  });
});
