/** Key files: 64 hexadecimal digits that nobody but their owner can read. Spec: chapter 23, "Prepared files" */
import { randomBytes } from 'node:crypto';
import { closeSync, constants, fstatSync, fsyncSync, linkSync, openSync, readSync, unlinkSync, writeSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fromHex, toHex } from '../core/bytes.ts';
import { messageOf, Problem, systemCodeOf } from './problem.ts';

/** 64 digits and at most a line end of either kind. */
const FILE_BYTES_MAX = 66;
const OTHERS_MASK = 0o077;

/** Windows has no such modes; access lists are the operator's there. */
const HAS_MODES = process.platform !== 'win32';

function problem(file: string, expected: string, found: string, todo: string): Problem {
  return new Problem('E_KEY_FILE', { where: file, expected, found, todo });
}

/** The 32-byte Ed25519 secret seed of a key file. Throws `Problem` E_KEY_FILE; the message never holds a byte of the key. */
export function readKeyFile(file: string): Uint8Array {
  let descriptor: number;
  try {
    descriptor = openSync(file, 'r');
  } catch (error) {
    const todo = systemCodeOf(error) === 'ENOENT' ? `make one with: carillon keygen ${file}` : 'let the user that runs the node read it';
    throw problem(file, 'a readable key file', systemCodeOf(error) ?? messageOf(error), todo);
  }
  try {
    const status = fstatSync(descriptor);
    if (!status.isFile()) throw problem(file, 'a key file', 'something that is not a file', 'give the path of a file');
    const mode = status.mode & 0o777;
    if (HAS_MODES && (mode & OTHERS_MASK) !== 0) {
      throw problem(
        file,
        'a file that only its owner can open',
        `mode ${mode.toString(8).padStart(4, '0')}`,
        `close it to others with: chmod 600 ${file}`,
      );
    }
    const buffer = Buffer.alloc(FILE_BYTES_MAX + 1);
    const size = readSync(descriptor, buffer, 0, buffer.length, 0);
    const text = buffer.toString('latin1', 0, size).replace(/\r?\n$/, '');
    buffer.fill(0);
    const seed = /^[0-9a-fA-F]{64}$/.test(text) ? fromHex(text) : undefined;
    if (seed === undefined) {
      const found = size > FILE_BYTES_MAX ? `more than ${FILE_BYTES_MAX} bytes` : `${text.length} characters of another form`;
      throw problem(file, '64 hexadecimal digits', found, 'restore the file from a copy, or make a new key with: carillon keygen FILE');
    }
    return seed;
  } finally {
    closeSync(descriptor);
  }
}

/**
 * Makes a key file with a fresh seed and returns the seed. The file appears whole or not at all, and
 * a file that is there is never replaced. Throws `Problem` E_KEY_FILE.
 */
export function createKeyFile(file: string, seed: Uint8Array = randomBytes(32)): Uint8Array {
  const directory = dirname(file);
  const draft = join(directory, `.${basename(file)}.${toHex(randomBytes(8))}.draft`);
  let isDrafted = false;
  try {
    const descriptor = openSync(draft, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600);
    isDrafted = true;
    try {
      writeSync(descriptor, `${toHex(seed)}\n`);
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
    // A link fails where a rename would replace.
    linkSync(draft, file);
    syncDirectory(directory);
  } catch (error) {
    const code = systemCodeOf(error);
    if (code === 'EEXIST') throw problem(file, 'no file yet', 'a file', 'choose another name, or move the old key away first');
    throw problem(file, 'a place where a file can be made', code ?? messageOf(error), 'check the directory and its permissions');
  } finally {
    if (isDrafted) unlinkSync(draft);
  }
  return Uint8Array.from(seed);
}

/** Makes the new name durable, where directories can be synced. */
function syncDirectory(directory: string): void {
  if (!HAS_MODES) return;
  const descriptor = openSync(directory, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
