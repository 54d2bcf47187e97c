import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { toHex } from '../core/bytes.ts';
import { createKeyFile, readKeyFile } from './keys.ts';
import { Problem } from './problem.ts';

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'carillon-keys-'));
});
afterEach(() => {
  rmSync(directory, { recursive: true, force: true });
});

function problemOf(act: () => unknown): Problem {
  try {
    act();
  } catch (error) {
    if (error instanceof Problem) return error;
    throw error;
  }
  throw new Error('no problem was thrown');
}

const SEED = Uint8Array.from({ length: 32 }, (_, index) => 0xe0 ^ index);

describe('key files', () => {
  test('a new key file holds 64 hexadecimal digits with mode 0600 and reads back', () => {
    const file = join(directory, 'node.key');
    const seed = createKeyFile(file);
    expect(readFileSync(file, 'utf8')).toMatch(/^[0-9a-f]{64}\n$/);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(readKeyFile(file)).toEqual(seed);
    expect(readdirSync(directory)).toEqual(['node.key']);
  });

  test('two new keys differ', () => {
    expect(createKeyFile(join(directory, 'a'))).not.toEqual(createKeyFile(join(directory, 'b')));
  });

  test('a key file is never replaced', () => {
    const file = join(directory, 'node.key');
    createKeyFile(file, SEED);
    const problem = problemOf(() => createKeyFile(file));
    expect(problem.code).toBe('E_KEY_FILE');
    expect(readKeyFile(file)).toEqual(SEED);
    expect(readdirSync(directory)).toEqual(['node.key']);
  });

  test('a directory that is not there is a problem with a way out, and leaves nothing', () => {
    const problem = problemOf(() => createKeyFile(join(directory, 'missing', 'node.key')));
    expect(problem.code).toBe('E_KEY_FILE');
    expect(problem.parts.found).toBe('ENOENT');
    expect(existsSync(join(directory, 'missing'))).toBe(false);
  });

  test.each([0o640, 0o604, 0o660, 0o644])('a file that others can open is refused (mode %o)', (mode) => {
    const file = join(directory, 'node.key');
    createKeyFile(file, SEED);
    chmodSync(file, mode);
    const problem = problemOf(() => readKeyFile(file));
    expect(problem.code).toBe('E_KEY_FILE');
    expect(problem.parts.found).toBe(`mode 0${mode.toString(8)}`);
    expect(problem.parts.todo).toContain('chmod 600');
    chmodSync(file, 0o400);
    expect(readKeyFile(file)).toEqual(SEED);
  });

  test('a missing file names the command that makes one', () => {
    const problem = problemOf(() => readKeyFile(join(directory, 'node.key')));
    expect(problem.code).toBe('E_KEY_FILE');
    expect(problem.message).toContain('carillon keygen');
    expect(problem.exitCode).toBe(2);
  });

  test('a directory in its place is refused', () => {
    expect(problemOf(() => readKeyFile(directory)).code).toBe('E_KEY_FILE');
  });

  const HEX = toHex(SEED);
  test.each([
    ['63 digits', HEX.slice(1)],
    ['65 digits', `${HEX}0`],
    ['another character', `${HEX.slice(1)}g`],
    ['a space in front', ` ${HEX}`],
    ['two lines', `${HEX}\n${HEX}\n`],
    ['nothing', ''],
    ['a prefix', `0x${HEX}`],
  ])('a file with %s is refused, and no message holds a part of the key', (_, text) => {
    const file = join(directory, 'node.key');
    writeFileSync(file, text, { mode: 0o600 });
    const problem = problemOf(() => readKeyFile(file));
    expect(problem.code).toBe('E_KEY_FILE');
    for (let at = 0; at + 8 <= HEX.length; at += 8) expect(problem.message).not.toContain(HEX.slice(at, at + 8));
  });

  test.each(['', '\n', '\r\n'])('upper case digits and a line end of %j are taken', (end) => {
    const file = join(directory, 'node.key');
    writeFileSync(file, `${HEX.toUpperCase()}${end}`, { mode: 0o600 });
    expect(readKeyFile(file)).toEqual(SEED);
  });
});
