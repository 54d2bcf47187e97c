import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { packageRoot } from '../package-root.ts';
import { breachesOf, parseRelations } from './relations.ts';

const chapter = readFileSync(join(packageRoot(), 'spec', '19-parameters.md'), 'utf8');

describe('the relations of chapter 19', () => {
  test('each line is read: several signs and every class as comparisons of their own', () => {
    const lines = chapter
      .slice(chapter.indexOf('## Relations'))
      .split('\n')
      .filter((line) => line.startsWith('| ') && line.includes('`')).length;
    const relations = parseRelations(chapter);
    expect(relations.length).toBeGreaterThanOrEqual(lines);
    expect(relations.filter(({ text }) => text.startsWith('2 · rate.'))).toHaveLength(5);
    expect(relations.map(({ text }) => text)).toContain('dht.provider_ttl_ms ≤ dht.ttl_ms_max');
  });

  test('sums, products and brackets are added up', () => {
    const [first] = parseRelations('## Relations\n| `a.x` · 10 ≥ `a.y` · (`a.z` + 2,000) | why |');
    expect(first?.names).toEqual(['a.x', 'a.y', 'a.z']);
    expect(first?.missing({ 'a.x': 600, 'a.y': 3, 'a.z': 0 })).toBe(0);
    expect(first?.missing({ 'a.x': 599, 'a.y': 3, 'a.z': 0 })).toBe(10);
  });

  test('a sign without equality needs one more', () => {
    const [first] = parseRelations('## Relations\n| `a.x` < `a.y` | why |');
    expect(first?.missing({ 'a.x': 1, 'a.y': 2 })).toBe(0);
    expect(first?.missing({ 'a.x': 2, 'a.y': 2 })).toBe(1);
  });

  test('a side that cannot be read is an error', () => {
    expect(() => parseRelations('## Relations\n| `a.x` ≤ twice as much | why |')[0]?.missing({ 'a.x': 1 })).toThrow(RangeError);
  });

  test('in every preset most relations can be broken alone, by one value', () => {
    const relations = parseRelations(chapter).map(({ text }) => text);
    for (const preset of ['main', 'conformance'] as const) {
      const breaches = breachesOf(chapter, preset);
      expect(breaches.length).toBeGreaterThan(30);
      for (const { relation, overrides } of breaches) {
        expect(relations).toContain(relation);
        expect(Object.keys(overrides)).toHaveLength(1);
      }
    }
  });
});
