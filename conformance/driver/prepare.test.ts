import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { hex } from '../model/bytes.ts';
import { createIdentities, NODE_LABEL } from './identities.ts';
import { PreparedError, prepareNetwork, readPrepared } from './prepare.ts';

let directory: string;
beforeEach(() => {
  directory = join(mkdtempSync(join(tmpdir(), 'carillon-prepare-')), 'network');
});
afterEach(() => rmSync(join(directory, '..'), { recursive: true }));

describe('prepared files', () => {
  test('are written, read back the same, and left alone the second time', () => {
    const network = prepareNetwork(directory, 'conformance-1');
    expect(readPrepared(directory)).toEqual(network);
    expect(network.nodePeerId).toBe(createIdentities({ seed: '', runId: '', networkId: 'conformance-1' }).of(NODE_LABEL).peerIdHex);
    expect(readFileSync(join(directory, 'node.key'), 'utf8')).toBe(`${hex(network.nodeSeed)}\n`);
    expect(statSync(join(directory, 'node.key')).mode & 0o777).toBe(0o600);
    const toml = readFileSync(join(directory, 'network.toml'), 'utf8');
    expect(toml).toContain('network_id = "conformance-1"');
    expect(toml).toContain('preset = "conformance"');
    expect(toml.match(/peer_id = "crl1/g)?.length).toBe(41);
    expect(readFileSync(join(directory, 'README.txt'), 'utf8')).toContain('node.key');
    expect(prepareNetwork(directory, 'conformance-2').networkId).toBe('conformance-1');
  });

  test.each([
    ['node.key', '', 'E_KEY_FILE', /64 hexadecimal digits/],
    ['node.key', 'a'.repeat(64), 'E_KEY_FILE', /another key/],
    ['network.toml', 'network_id = ', 'E_CONFIG', /TOML/],
    ['network.toml', 'network_id = "x"\npreset = "main"\nstakes = []\n', 'E_CONFIG', /preset/],
    ['network.toml', 'network_id = "x"\npreset = "conformance"\nstakes = []\n', 'E_CONFIG', /stake table/],
    ['network.toml', `network_id = "${'x'.repeat(33)}"\npreset = "conformance"\nstakes = []\n`, 'E_CONFIG', /33 bytes/],
  ])('a changed %s is refused with what to do', (file, content, code, text) => {
    prepareNetwork(directory, 'conformance-1');
    writeFileSync(join(directory, file), content);
    const error = errorOf(() => readPrepared(directory));
    expect(error.code).toBe(code);
    expect(error.message).toMatch(text);
    expect(error.message).toMatch(/expected .*; found .*; /);
  });

  test('a key open to others, a missing file, a bad id and a bad place are refused', () => {
    prepareNetwork(directory, 'conformance-1');
    chmodSync(join(directory, 'node.key'), 0o644);
    expect(errorOf(() => readPrepared(directory)).message).toContain('chmod 600');
    rmSync(join(directory, 'node.key'));
    expect(errorOf(() => readPrepared(directory)).code).toBe('E_FILE');
    expect(errorOf(() => prepareNetwork(join(directory, 'a'), '')).code).toBe('E_CONFIG');
    expect(errorOf(() => prepareNetwork(join(directory, 'README.txt', 'below-a-file'), 'x')).code).toBe('E_FILE');
  });
});

function errorOf(work: () => unknown): PreparedError {
  try {
    work();
  } catch (error) {
    if (error instanceof PreparedError) return error;
    throw error;
  }
  throw new Error('expected a PreparedError');
}
