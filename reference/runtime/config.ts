/**
 * The node's configuration: a TOML file, a network file and flags, checked together before anything
 * starts. `carillon.example.toml` explains every key.
 */
import { readFileSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { parse, TomlError } from 'smol-toml';
import type { Address } from '../../proto/gen/carillon/v1/common_pb.ts';
import { encodeUtf8 } from '../core/bytes.ts';
import { hostOf, isAdmissible, isLocal, parseHint } from '../core/dht/address.ts';
import { makeParams, type Params, type PresetName } from '../core/params.ts';
import type { PeerId } from '../core/types.ts';
import { parsePeerId } from '../core/wire/peer-id.ts';
import { parseAdvertisedAddress } from './addresses.ts';
import { type ConfigTable, readConfigTable } from './config-schema.ts';
import { CONFIG_BYTES_MAX } from './limits.ts';
import type { LogLevel } from './log.ts';
import { messageOf, Problem, systemCodeOf } from './problem.ts';
import type { ListenAddress } from './transport/transport.ts';

/** A peer that the node keeps a session with. */
export interface ConfiguredPeer {
  readonly address: string;
  readonly expected: PeerId | undefined;
}

/** A configuration that a node can start with. */
export interface NodeConfig {
  /** 1 to 32 bytes. */
  readonly networkId: Uint8Array;
  readonly preset: PresetName;
  readonly params: Params;
  /** Absolute path; undefined for a node that takes an identity for this run alone. */
  readonly keyFile: string | undefined;
  /** Bits of the hello: 1 app, 2 full, 4 validator, 8 relay. */
  readonly roles: number;
  /** Where others reach the node; empty: where it listens, if that is one address. */
  readonly listenAddresses: readonly Address[];
  /** Undefined when the node only dials. */
  readonly listen: ListenAddress | undefined;
  /** Where the node sends and takes datagrams, port 0 for that of `listen`; undefined for a node without. */
  readonly datagrams: ListenAddress | undefined;
  /** Addresses of the first nodes, as the core takes them: `ws://…`, `udp://…`, `dns:NAME`. */
  readonly bootstrap: readonly string[];
  readonly http: ListenAddress | undefined;
  readonly logLevel: LogLevel;
  readonly peers: readonly ConfiguredPeer[];
  readonly stakes: ReadonlyMap<PeerId, bigint>;
}

/** Where a configuration comes from; later ones win: the file, the network file, the flags. */
export interface ConfigSources {
  readonly configFile?: string;
  /** The `network.toml` of chapter 23. */
  readonly networkFile?: string;
  readonly flags?: ConfigFlags;
}

/** Flags of `carillon node`; they replace what files say, `peers` are added. */
export interface ConfigFlags {
  readonly networkId?: string;
  readonly preset?: string;
  readonly keyFile?: string;
  readonly listen?: ListenAddress;
  readonly http?: ListenAddress;
  readonly logLevel?: string;
  readonly peers?: readonly string[];
  readonly bootstrap?: readonly string[];
}

const ROLE_BITS = { app: 1, full: 2, validator: 4, relay: 8 } as const;
const NETWORK_FILE_KEYS: readonly string[] = ['network_id', 'preset', 'stakes'];

interface RawTable {
  [key: string]: unknown;
  key_file?: unknown;
  peers?: unknown;
}

/** Reads a TOML file. Throws `Problem` E_FILE or E_CONFIG. */
function readToml(file: string): RawTable {
  let text: string;
  try {
    if (statSync(file).size > CONFIG_BYTES_MAX) {
      throw new Problem('E_FILE', {
        where: file,
        expected: `at most ${CONFIG_BYTES_MAX} bytes`,
        found: `${statSync(file).size} bytes`,
        todo: 'check that this is the right file',
      });
    }
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if (error instanceof Problem) throw error;
    throw new Problem('E_FILE', {
      where: file,
      expected: 'a readable file',
      found: systemCodeOf(error) ?? messageOf(error),
      todo: 'check the path; reference/runtime/carillon.example.toml is one to start from',
    });
  }
  try {
    // Stakes may exceed what a number holds exactly.
    return parse(text, { integersAsBigInt: 'asNeeded', maxDepth: 8 });
  } catch (error) {
    const where = error instanceof TomlError ? `${file}:${error.line}:${error.column}` : file;
    throw new Problem('E_CONFIG', {
      where,
      expected: 'TOML',
      found: messageOf(error).split('\n')[0] ?? '',
      todo: 'correct the line; https://toml.io describes the format',
    });
  }
}

/** `a.b.c` names of nested tables, so that `[parameters.gossip] mode` and `"gossip.mode"` are one. */
function flatten(table: RawTable, prefix: string, into: Map<string, unknown>): Map<string, unknown> {
  for (const [name, value] of Object.entries(table)) {
    const path = prefix === '' ? name : `${prefix}.${name}`;
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) flatten(value as RawTable, path, into);
    else into.set(path, value);
  }
  return into;
}

function overridesOf(table: RawTable, source: string): Record<string, string> {
  const overrides: Record<string, string> = {};
  for (const [name, value] of flatten(table, '', new Map())) {
    if (typeof value === 'number' || typeof value === 'bigint' || typeof value === 'string') overrides[name] = decimal(value);
    else {
      throw new Problem('E_CONFIG', {
        where: `${source}: parameters.${name}`,
        expected: 'a number or a word',
        found: JSON.stringify(value),
        todo: 'give the value as chapter 19 writes it',
      });
    }
  }
  return overrides;
}

/** Decimal text without an exponent, which is how parameters are read. */
function decimal(value: number | bigint | string): string {
  if (typeof value !== 'number' || Number.isInteger(value)) return String(value);
  const text = String(value);
  return text.includes('e') ? value.toFixed(15) : text;
}

function paramsOf(table: ConfigTable, source: (key: string) => string): Params {
  const made = makeParams(table.preset, overridesOf(table.parameters, source('parameters')));
  if (made.ok) return made.params;
  const [expected = '', found = '', todo = ''] = made.message.replace(/^expected /, '').split('; ');
  throw new Problem('E_CONFIG', { where: `${source('parameters')}: parameters`, expected, found: found.replace(/^found /, ''), todo });
}

function stakesOf(table: ConfigTable, source: string): ReadonlyMap<PeerId, bigint> {
  const stakes = new Map<PeerId, bigint>();
  for (const [index, { peer_id, amount }] of table.stakes.entries()) {
    const peer = requirePeerId(peer_id, `${source}: stakes[${index}].peer_id`);
    if (stakes.has(peer)) {
      throw new Problem('E_CONFIG', {
        where: `${source}: stakes[${index}].peer_id`,
        expected: 'each PeerId once',
        found: `${peer_id} again`,
        todo: 'leave one of the two entries out',
      });
    }
    stakes.set(peer, BigInt(amount));
  }
  return stakes;
}

function requirePeerId(text: string, where: string): PeerId {
  const peer = parsePeerId(text);
  if (peer !== undefined) return peer;
  throw new Problem('E_CONFIG', {
    where,
    expected: 'a PeerId, crl1… in lower case',
    found: JSON.stringify(text.slice(0, 80)),
    todo: 'copy it from the line that carillon node or carillon keygen prints',
  });
}

function listenAddressesOf(table: ConfigTable, source: string): readonly Address[] {
  return table.advertise.map((text, index) => {
    const address = parseAdvertisedAddress(text);
    if (address !== undefined) return address;
    throw new Problem('E_CONFIG', {
      where: `${source}: advertise[${index}]`,
      expected: 'ws://HOST:PORT, wss://HOST:PORT or udp://HOST:PORT with a host in lower case',
      found: JSON.stringify(text.slice(0, 80)),
      todo: 'give the address at which other nodes reach this one',
    });
  });
}

/** Puts the sources together; the second table names the source of each key, for complaints. */
function mergeSources(sources: ConfigSources): { readonly raw: RawTable; readonly source: (key: string) => string } {
  const raw: RawTable = {};
  const origin = new Map<string, string>();
  const put = (key: string, value: unknown, from: string): void => {
    raw[key] = value;
    origin.set(key, from);
  };
  if (sources.configFile !== undefined) {
    for (const [key, value] of Object.entries(readToml(sources.configFile))) put(key, value, sources.configFile);
    const keyFile = raw.key_file;
    if (typeof keyFile === 'string') raw.key_file = resolve(dirname(sources.configFile), keyFile);
  }
  if (sources.networkFile !== undefined) {
    for (const [key, value] of Object.entries(readToml(sources.networkFile))) {
      if (!NETWORK_FILE_KEYS.includes(key)) {
        throw new Problem('E_CONFIG', {
          where: `${sources.networkFile}: ${key}`,
          expected: `only ${NETWORK_FILE_KEYS.join(', ')} in a network file`,
          found: key,
          todo: 'move it to the file that --config names',
        });
      }
      put(key, value, sources.networkFile);
    }
  }
  putFlags(sources.flags ?? {}, raw, put);
  return { raw, source: (key) => origin.get(key) ?? sources.configFile ?? sources.networkFile ?? 'flags' };
}

function putFlags(flags: ConfigFlags, raw: RawTable, put: (key: string, value: unknown, from: string) => void): void {
  if (flags.networkId !== undefined) put('network_id', flags.networkId, '--network');
  if (flags.preset !== undefined) put('preset', flags.preset, '--preset');
  if (flags.keyFile !== undefined) put('key_file', resolve(flags.keyFile), '--key');
  if (flags.listen !== undefined) put('listen', { ...tableIn(raw, 'listen'), enabled: true, ...flags.listen }, '--listen');
  if (flags.http !== undefined) put('http', { enabled: true, ...flags.http }, '--http');
  if (flags.logLevel !== undefined) put('log', { level: flags.logLevel }, '--log-level');
  if (flags.peers !== undefined && flags.peers.length > 0) {
    const before = Array.isArray(raw.peers) ? (raw.peers as readonly unknown[]) : [];
    put('peers', [...before, ...flags.peers.map((address) => ({ address }))], '--peer');
  }
  if (flags.bootstrap !== undefined && flags.bootstrap.length > 0) {
    const table = tableIn(raw, 'bootstrap');
    const before = Array.isArray(table['addresses']) ? (table['addresses'] as readonly unknown[]) : [];
    put('bootstrap', { ...table, addresses: [...before, ...flags.bootstrap] }, '--bootstrap');
  }
}

function tableIn(raw: RawTable, key: string): Readonly<Record<string, unknown>> {
  const table = raw[key];
  return typeof table === 'object' && table !== null && !Array.isArray(table) ? (table as Record<string, unknown>) : {};
}

/** The first addresses in the form that the core takes. */
/** First addresses and names. Throws `Problem` for an address that the node would leave aside without a word. Spec: DHT-012, DHT-103 */
function bootstrapOf({ addresses, dns }: ConfigTable['bootstrap'], params: Params, source: string): readonly string[] {
  const policy = params['dht.address_policy'];
  for (const [index, text] of addresses.entries()) {
    const address = parseHint(text)?.address;
    const host = address === undefined ? undefined : hostOf(address);
    if (host === undefined || isAdmissible(policy, host)) continue;
    throw new Problem('E_CONFIG', {
      where: `${source}: bootstrap.addresses[${index}]`,
      expected: `an address that dht.address_policy "${policy}" admits`,
      found: JSON.stringify(text),
      todo: isLocal(host)
        ? 'for a network on this machine or a local one, set the parameter dht.address_policy to "devnet" (preset devnet has it)'
        : 'name an address that everybody can reach',
    });
  }
  return [...addresses, ...dns.map((name) => `dns:${name.toLowerCase().replace(/\.$/, '')}`)];
}

/** Reads, merges and checks. Throws `Problem` E_FILE or E_CONFIG that names the source and the key. Spec: PRM-001 */
export function loadConfig(sources: ConfigSources): NodeConfig {
  const { raw, source } = mergeSources(sources);
  const table = readConfigTable(raw, source);
  const params = paramsOf(table, source);
  return {
    networkId: encodeUtf8(table.network_id),
    preset: table.preset,
    params,
    keyFile: table.key_file,
    roles: table.roles.reduce((bits, role) => bits | ROLE_BITS[role], 0),
    listenAddresses: listenAddressesOf(table, source('advertise')),
    listen: table.listen.enabled ? { host: table.listen.host, port: table.listen.port } : undefined,
    datagrams: table.listen.enabled && table.listen.udp ? { host: table.listen.host, port: table.listen.udp_port } : undefined,
    bootstrap: bootstrapOf(table.bootstrap, params, source('bootstrap')),
    http: table.http.enabled ? { host: table.http.host, port: table.http.port } : undefined,
    logLevel: table.log.level,
    peers: table.peers.map(({ address, peer_id }, index) => ({
      address,
      expected: peer_id === undefined ? undefined : requirePeerId(peer_id, `${source('peers')}: peers[${index}].peer_id`),
    })),
    stakes: stakesOf(table, source('stakes')),
  };
}

/** What a program that starts a node has to say; the rest has the defaults of a configuration file. */
export interface ConfigDraft {
  readonly networkId: string;
  readonly preset: PresetName;
  /** Departures from the preset, by the names of chapter 19. */
  readonly parameters?: Readonly<Record<string, string | number>>;
  readonly keyFile?: string;
  /** Undefined: the node only dials. */
  readonly listen?: ListenAddress;
  /** Take datagrams at the same address; true if absent. */
  readonly udp?: boolean;
  /** First nodes: `ws://…` or `udp://…`. */
  readonly bootstrap?: readonly string[];
  readonly roles?: readonly (keyof typeof ROLE_BITS)[];
  readonly http?: ListenAddress;
  readonly logLevel?: LogLevel;
  readonly peers?: readonly ConfiguredPeer[];
  readonly stakes?: ReadonlyMap<PeerId, bigint>;
}

/** The configuration of a node that a program starts; nothing is read from files. Throws `Problem` E_CONFIG. Spec: PRM-001 */
export function defineConfig(draft: ConfigDraft): NodeConfig {
  const raw: RawTable = {
    network_id: draft.networkId,
    preset: draft.preset,
    key_file: draft.keyFile ?? '-',
    parameters: { ...draft.parameters },
    bootstrap: { addresses: draft.bootstrap ?? [] },
    roles: draft.roles ?? ['app'],
  };
  const source = (): string => 'configuration';
  const table = readConfigTable(raw, source);
  const params = paramsOf(table, source);
  return {
    networkId: encodeUtf8(table.network_id),
    preset: table.preset,
    params,
    keyFile: draft.keyFile,
    roles: table.roles.reduce((bits, role) => bits | ROLE_BITS[role], 0),
    listenAddresses: [],
    listen: draft.listen,
    datagrams: draft.listen === undefined || draft.udp === false ? undefined : { host: draft.listen.host, port: 0 },
    bootstrap: bootstrapOf(table.bootstrap, params, source()),
    http: draft.http,
    logLevel: draft.logLevel ?? 'silent',
    peers: draft.peers ?? [],
    stakes: draft.stakes ?? new Map(),
  };
}
