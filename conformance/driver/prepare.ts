/** The files that a node under test is started with at level wire. Spec: chapter 23, Prepared files. */
import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'smol-toml';
import { z } from 'zod';
import { hex, unhex, utf8 } from '../model/bytes.ts';
import { formatPeerId, peerId } from '../model/peer-id.ts';
import { publicKey } from '../model/quick.ts';
import { messageOf } from './errors.ts';
import { NODE_LABEL, networkSeed, STAKE_AMOUNT, STAKE_LABELS } from './identities.ts';
import type { Hex } from './plan.ts';

/** A prepared directory as the kit uses it. */
export interface PreparedNetwork {
  readonly directory: string;
  readonly networkId: string;
  /** The node's Ed25519 secret seed, 32 bytes. */
  readonly nodeSeed: Uint8Array;
  readonly nodePeerId: Hex;
}

/** A prepared file is missing, unreadable or not as the kit writes it; code as in chapter 20, Tools. */
export class PreparedError extends Error {
  override readonly name = 'PreparedError';
  readonly code: 'E_FILE' | 'E_CONFIG' | 'E_KEY_FILE';

  constructor(code: PreparedError['code'], what: string, expected: string, found: string, action: string) {
    super(`${what}; expected ${expected}; found ${found}; ${action}`);
    this.code = code;
  }
}

const NETWORK_FILE = 'network.toml';
const KEY_FILE = 'node.key';
const README_FILE = 'README.txt';
const PREPARE_AGAIN = 'run `carillon conform --prepare DIR` with a new directory';

/**
 * Writes the files into `directory`, which is made when it is not there. A directory that already
 * holds a network of the kit is left as it is. Throws `PreparedError`.
 */
export function prepareNetwork(directory: string, networkId: string): PreparedNetwork {
  if (existsSync(join(directory, NETWORK_FILE))) return readPrepared(directory);
  if (!isNetworkId(networkId)) {
    throw new PreparedError(
      'E_CONFIG',
      `"${networkId}" is no network id`,
      'a text of 1 to 32 bytes',
      `${utf8(networkId).length} bytes`,
      'choose another one',
    );
  }
  const seed = networkSeed(networkId, NODE_LABEL);
  try {
    mkdirSync(directory, { recursive: true });
    const keyFile = join(directory, KEY_FILE);
    writeFileSync(keyFile, `${hex(seed)}\n`, { mode: 0o600 });
    chmodSync(keyFile, 0o600); // the mode above does not change a file that was there
    writeFileSync(join(directory, README_FILE), README);
    writeFileSync(join(directory, NETWORK_FILE), networkToml(networkId));
  } catch (error) {
    throw new PreparedError(
      'E_FILE',
      `cannot write the files into ${directory}`,
      'a directory that can be written',
      messageOf(error),
      'check the path and its permissions',
    );
  }
  return readPrepared(directory);
}

function networkToml(networkId: string): string {
  const stakes = stakeTable(networkId).map(({ peer_id, amount }) => `[[stakes]]\npeer_id = "${peer_id}"\namount = ${amount}\n`);
  return [`network_id = ${JSON.stringify(networkId)}\npreset = "conformance"\n`, ...stakes].join('\n');
}

function stakeTable(networkId: string): readonly { readonly peer_id: string; readonly amount: number }[] {
  return [NODE_LABEL, ...STAKE_LABELS].map((label) => ({
    peer_id: formatPeerId(peerId(1, publicKey(networkSeed(networkId, label)))),
    amount: STAKE_AMOUNT,
  }));
}

const README = `Files for a node under test, written by carillon conform --prepare.

network.toml  network id, parameter preset and stake table that the node runs with
node.key      Ed25519 secret seed of the node's identity, 64 hexadecimal digits

Start the node with both, listening on the loopback interface, then run
  carillon conform --level wire --url ws://127.0.0.1:PORT --prepared THIS_DIRECTORY
The keys of this network can be computed by everybody who knows its id. Use it for tests only.
`;

const networkSchema = z.strictObject({
  network_id: z.string(),
  preset: z.literal('conformance'),
  stakes: z.array(z.strictObject({ peer_id: z.string(), amount: z.number().int() })),
});

/** Reads a prepared directory back. Throws `PreparedError` when a file is missing or is not what the kit wrote. */
export function readPrepared(directory: string): PreparedNetwork {
  const networkId = readNetwork(join(directory, NETWORK_FILE));
  const nodeSeed = readKey(join(directory, KEY_FILE), networkId);
  return { directory, networkId, nodeSeed, nodePeerId: hex(peerId(1, publicKey(nodeSeed))) };
}

function readNetwork(path: string): string {
  let content: unknown;
  try {
    content = parse(readText(path));
  } catch (error) {
    if (error instanceof PreparedError) throw error;
    throw new PreparedError('E_CONFIG', `${path} cannot be read`, 'TOML', messageOf(error).split('\n', 1).join(), PREPARE_AGAIN);
  }
  const read = networkSchema.safeParse(content);
  if (!read.success) {
    const found = read.error.issues.map(({ path: at, message }) => `${at.join('.') || 'the file'}: ${message}`).join(', ');
    throw new PreparedError(
      'E_CONFIG',
      `${path} is not as the kit writes it`,
      'network_id, preset "conformance" and [[stakes]]',
      found,
      PREPARE_AGAIN,
    );
  }
  const { network_id: networkId, stakes } = read.data;
  if (!isNetworkId(networkId)) {
    throw new PreparedError('E_CONFIG', `${path}: network_id`, '1 to 32 bytes', `${utf8(networkId).length} bytes`, PREPARE_AGAIN);
  }
  const expected = stakeTable(networkId);
  const same =
    stakes.length === expected.length &&
    expected.every((stake, i) => stake.peer_id === stakes[i]?.peer_id && stake.amount === stakes[i]?.amount);
  if (!same) {
    throw new PreparedError(
      'E_CONFIG',
      `${path}: the stake table`,
      `the ${expected.length} entries that belong to network "${networkId}"`,
      `${stakes.length} entries, not those`,
      PREPARE_AGAIN,
    );
  }
  return networkId;
}

function readKey(path: string, networkId: string): Uint8Array {
  const content = readText(path).trim();
  if (process.platform !== 'win32') {
    const mode = statSync(path).mode & 0o777;
    if ((mode & 0o077) !== 0) {
      throw new PreparedError(
        'E_KEY_FILE',
        `${path} is open to other users`,
        'mode 600',
        `mode ${mode.toString(8)}`,
        `run chmod 600 ${path}`,
      );
    }
  }
  if (!/^[0-9a-f]{64}$/.test(content)) {
    throw new PreparedError('E_KEY_FILE', `${path} holds no key`, '64 hexadecimal digits', `${content.length} characters`, PREPARE_AGAIN);
  }
  if (content !== hex(networkSeed(networkId, NODE_LABEL))) {
    throw new PreparedError(
      'E_KEY_FILE',
      `${path} is not the key of this network`,
      `the key that was written with network "${networkId}"`,
      'another key',
      PREPARE_AGAIN,
    );
  }
  return unhex(content);
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new PreparedError('E_FILE', `${path} cannot be read`, 'a file that the kit prepared', messageOf(error), PREPARE_AGAIN);
  }
}

function isNetworkId(networkId: string): boolean {
  const { length } = utf8(networkId);
  return length >= 1 && length <= 32;
}
