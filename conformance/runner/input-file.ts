/** Files that a user names: read with an error that names them, and refused before a run rather than after it. */
import { accessSync, constants, existsSync, mkdirSync, readFileSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { ToolError } from './problem.ts';

/** Text of a file. Throws E_FILE with its path, which errors of the file system do not always name. */
export function readInput(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw fileError(`${path} cannot be read`, 'a file', error);
  }
}

/** Makes a directory for results. Throws E_FILE. */
export function requireDirectory(path: string): void {
  try {
    mkdirSync(path, { recursive: true });
    accessSync(path, constants.W_OK);
  } catch (error) {
    throw fileError(`${JSON.stringify(path)} cannot hold results`, 'a directory that can be written', error);
  }
}

/** Refuses a path at which no file can be written. Throws E_FILE. */
export function requireWritable(path: string): void {
  try {
    if (existsSync(path) && statSync(path).isDirectory()) throw new Error('a directory');
    accessSync(existsSync(path) ? path : dirname(path), constants.W_OK);
  } catch (error) {
    throw fileError(`${path} cannot be written`, 'a file, or a place for one', error);
  }
}

function fileError(what: string, expected: string, error: unknown): ToolError {
  const found = error instanceof Error ? error.message : String(error);
  return new ToolError('E_FILE', { what, expected, found, action: 'check the path and its permissions' });
}
