import { describe, expect, test } from 'vitest';
import { colorsFor } from './colors.ts';
import { formatProblem, TOOL_EXIT_CODES, ToolError, toolCodeOf } from './problem.ts';
import { startProgress } from './progress.ts';
import type { JobResult } from './run.ts';
import { chooseRunSeed } from './seed.ts';

const coded = (code: string, message: string): Error => Object.assign(new Error(message), { code });

describe('error lines', () => {
  test('have a code, what is wrong, what was expected and found, and what to do', () => {
    const error = new ToolError('E_USAGE', { what: 'a flag is wrong', expected: 'this', found: 'that', action: 'give this' });
    expect(formatProblem(error, false)).toBe('[E_USAGE] a flag is wrong; expected this; found that; give this');
  });

  test('come from whatever was thrown, with its own code once', () => {
    expect(formatProblem(coded('E_CONFIG', 'E_CONFIG: node.toml: expected a number'), false)).toBe(
      '[E_CONFIG] node.toml: expected a number',
    );
    expect(formatProblem(coded('E_ADAPTER', 'the reply is cut off'), false)).toBe('[E_ADAPTER] the reply is cut off');
    expect(formatProblem(coded('ENOENT', "open 'x'"), false)).toMatch(/^\[E_FILE\] .*open 'x'; check the path/);
    expect(toolCodeOf(coded('ECONNREFUSED', ''))).toBe('E_UNREACHABLE');
    expect(toolCodeOf(new TypeError('oops'))).toBe('E_HARNESS');
    expect(toolCodeOf('text')).toBe('E_HARNESS');
    expect(TOOL_EXIT_CODES[toolCodeOf(coded('E_SCORE', ''))]).toBe(70);
  });

  test('have a stack trace only when it is asked for', () => {
    expect(formatProblem(new Error('oops'), false)).not.toContain('\n');
    expect(formatProblem(new Error('oops'), true)).toContain('\n    at ');
  });
});

describe('colours', () => {
  test('NO_COLOR wins, then FORCE_COLOR, then the terminal', () => {
    const red = (isTTY: boolean, env: Record<string, string>): boolean => colorsFor({ isTTY }, env).red('x') !== 'x';
    expect(red(true, {})).toBe(true);
    expect(red(false, {})).toBe(false);
    expect(red(true, { TERM: 'dumb' })).toBe(false);
    expect(red(true, { NO_COLOR: '1' })).toBe(false);
    expect(red(true, { NO_COLOR: '1', FORCE_COLOR: '1' })).toBe(false);
    expect(red(false, { FORCE_COLOR: '1' })).toBe(true);
    expect(red(true, { FORCE_COLOR: '0' })).toBe(false);
  });
});

describe('progress', () => {
  const result = (id: string, verdict: JobResult['verdict']): JobResult => ({
    type: 'check',
    id,
    title: '',
    level: 'adapter',
    chapter: '04',
    clauses: [],
    keyword: 'MUST',
    verdict,
    reason: undefined,
    runs: 1,
    durationMs: 0,
    failure: undefined,
  });
  const record = (isTTY: boolean): string => {
    let text = '';
    const progress = startProgress(8, {
      isTTY,
      columns: 20,
      write: (more) => {
        text += more;
      },
    });
    for (let index = 0; index < 8; index++) progress.done(result(`test.number-${index}`, index === 2 ? 'failed' : 'passed'));
    progress.end();
    return text;
  };

  test('is one line on a terminal, cut to its width and erased at the end', () => {
    const text = record(true);
    expect(text).not.toContain('\n');
    expect(text.endsWith('\r\u001b[2K')).toBe(true);
    expect(text).toContain('\r\u001b[2K1/8  test.number-0@');
  });

  test('is a line for each quarter and each red result elsewhere', () => {
    expect(record(false)).toBe('2/8\nfailed: test.number-2@adapter\n4/8, 1 not passed\n6/8, 1 not passed\n8/8, 1 not passed\n');
  });
});

describe('seeds', () => {
  test('are what was given, or fresh', () => {
    expect(chooseRunSeed('7')).toBe('7');
    expect(chooseRunSeed(undefined)).toMatch(/^[0-9a-f]{16}$/);
    expect(chooseRunSeed(undefined)).not.toBe(chooseRunSeed(undefined));
    for (const text of ['', 'a b', 'x'.repeat(65), '$(x)']) expect(() => chooseRunSeed(text)).toThrow(/--seed is not usable/);
  });
});
