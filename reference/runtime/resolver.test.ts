import { describe, expect, test } from 'vitest';
import { RESOLUTIONS_MAX, RESOLVED_TEXT_BYTES_MAX, RESOLVED_TEXTS_MAX } from './limits.ts';
import { createTextResolver, type LookUpTexts, type Resolution } from './resolver.ts';

function resolving(lookUp: LookUpTexts): {
  readonly resolve: (name: string) => Promise<readonly [readonly string[], Resolution]>;
  readonly stop: () => void;
} {
  const waiting = new Map<string, (found: readonly [readonly string[], Resolution]) => void>();
  const resolver = createTextResolver({
    lookUp,
    onResolved: (name, texts, resolution) => waiting.get(name)?.([texts, resolution]),
  });
  return {
    resolve: (name) =>
      new Promise((resolve) => {
        waiting.set(name, resolve);
        resolver.resolve(name);
      }),
    stop: resolver.stop,
  };
}

describe('the resolver', () => {
  test('joins the pieces of a record, and gives none for a name without any', async () => {
    const { resolve } = resolving(async (name) => {
      if (name === 'none.example') throw new Error('ENOTFOUND');
      return [['carillon=ws://192', '.0.2.1:7600'], ['other']];
    });
    expect(await resolve('seeds.example')).toEqual([['carillon=ws://192.0.2.1:7600', 'other'], 'found']);
    expect(await resolve('none.example')).toEqual([[], 'failed']);
  });

  test('hands over no more and no longer texts than the bounds', async () => {
    const { resolve } = resolving(async () => [
      ['x'.repeat(RESOLVED_TEXT_BYTES_MAX + 1)],
      ...Array.from({ length: RESOLVED_TEXTS_MAX + 5 }, (_, index) => [`${index}`]),
    ]);
    const [texts] = await resolve('many.example');
    expect(texts).toHaveLength(RESOLVED_TEXTS_MAX);
    expect(texts[0]).toBe('0');
  });

  test('looks up a bounded number at a time, and answers nothing once it is stopped', async () => {
    const answers: (() => void)[] = [];
    const { resolve, stop } = resolving(() => new Promise((answer) => answers.push(() => answer([['late']]))));
    const slow = Array.from({ length: RESOLUTIONS_MAX }, (_, index) => resolve(`slow-${index}.example`));
    expect(await resolve('one-more.example')).toEqual([[], 'refused']);
    for (const answer of answers) answer();
    expect((await Promise.all(slow)).every(([, resolution]) => resolution === 'found')).toBe(true);
    let isAnswered = false;
    void resolve('stopped.example').then(() => {
      isAnswered = true;
    });
    stop();
    answers.at(-1)?.();
    await new Promise((turn) => setImmediate(turn));
    expect(isAnswered).toBe(false);
  });
});
