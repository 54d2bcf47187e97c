/** The worked examples in the chapters are those that the model computes. */
import { describe, expect, test } from 'vitest';
import { chapters, EXAMPLES, examplesIn, rewriteExamples } from './spec-examples.ts';

describe('worked examples', () => {
  test.each(chapters())('%s shows what the model computes; else run: npx node scripts/spec-examples.ts', (_name, markdown) => {
    expect(markdown).toBe(rewriteExamples(markdown));
  });

  test('every example stands in one chapter, once', () => {
    const shown = chapters().flatMap(([, markdown]) => examplesIn(markdown));
    expect([...shown].sort()).toEqual(Object.keys(EXAMPLES).sort());
  });

  test('every mark is closed', () => {
    const open = chapters().filter(([, markdown]) => (markdown.match(/<!-- example:/g)?.length ?? 0) !== examplesIn(markdown).length);
    expect(open.map(([name]) => name)).toEqual([]);
  });
});
