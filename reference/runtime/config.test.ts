import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'smol-toml';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { encodeUtf8 } from '../core/bytes.ts';
import { PRESETS } from '../core/params.ts';
import { parsePeerId } from '../core/wire/peer-id.ts';
import { defineConfig, loadConfig } from './config.ts';
import { CONFIG_KEYS } from './config-schema.ts';
import { Problem } from './problem.ts';

const EXAMPLE = join(import.meta.dirname, 'carillon.example.toml');
const PEER = 'crl1cuhfyjxxxt9j8zg0c5ynasnu9v9nqkcgskvwwsdhjj2t6wm76pdsneys9v';
const BASE = 'network_id = "test"\npreset = "devnet"\nkey_file = "node.key"\n';

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'carillon-config-'));
});
afterEach(() => {
  rmSync(directory, { recursive: true, force: true });
});

function write(name: string, text: string): string {
  const file = join(directory, name);
  writeFileSync(file, text);
  return file;
}

function problemOf(act: () => unknown): Problem {
  try {
    act();
  } catch (error) {
    if (error instanceof Problem) return error;
    throw error;
  }
  throw new Error('no problem was thrown');
}

describe('the example', () => {
  test('is a configuration that a node can start with', () => {
    const config = loadConfig({ configFile: EXAMPLE });
    expect(config.networkId).toEqual(encodeUtf8('example'));
    expect(config.params).toEqual(PRESETS.devnet);
    expect(config.keyFile).toBe(join(import.meta.dirname, 'node.key'));
    expect(config.listen).toEqual({ host: '127.0.0.1', port: 7600 });
    expect(config.http).toBeUndefined();
    expect(config.peers).toHaveLength(1);
    expect([...config.stakes.values()]).toEqual([1000n]);
  });

  test('names every key, and what has a default with that default', () => {
    const table = parse(readFileSync(EXAMPLE, 'utf8'));
    const named = Object.entries(table).flatMap(([key, value]) => {
      if (key === 'parameters' || typeof value !== 'object' || value === null) return [key];
      const inner = Array.isArray(value) ? value[0] : value;
      const names = typeof inner === 'object' && inner !== null ? Object.keys(inner) : [];
      if (names.length === 0 || key === 'roles') return [key];
      return names.map((name) => (Array.isArray(value) ? `${key}[].${name}` : `${key}.${name}`));
    });
    expect(named.sort()).toEqual([...CONFIG_KEYS].sort());
    const bare = loadConfig({ configFile: write('bare.toml', BASE) });
    const example = loadConfig({ configFile: EXAMPLE });
    for (const key of ['listen', 'http', 'logLevel', 'roles', 'listenAddresses', 'params'] as const)
      expect(example[key]).toEqual(bare[key]);
  });
});

describe('sources', () => {
  test('a network file gives network id, preset and stakes, as conform --prepare writes them', () => {
    const networkFile = write(
      'network.toml',
      `network_id = "prepared"\npreset = "conformance"\n[[stakes]]\npeer_id = "${PEER}"\namount = 1000\n`,
    );
    const config = loadConfig({ networkFile, flags: { keyFile: 'node.key', listen: { host: '127.0.0.1', port: 0 } } });
    expect(config.networkId).toEqual(encodeUtf8('prepared'));
    expect(config.preset).toBe('conformance');
    expect(config.stakes).toEqual(new Map([[parsePeerId(PEER), 1000n]]));
  });

  test('flags win over the network file, which wins over the configuration file; peers add up', () => {
    const configFile = write('carillon.toml', `${BASE}[[peers]]\naddress = "ws://127.0.0.1:1"\n`);
    const networkFile = write('network.toml', 'network_id = "prepared"\npreset = "conformance"\n');
    const both = loadConfig({ configFile, networkFile });
    expect(both.preset).toBe('conformance');
    const all = loadConfig({ configFile, networkFile, flags: { preset: 'chat', networkId: 'flag', peers: ['ws://127.0.0.1:2'] } });
    expect(all.preset).toBe('chat');
    expect(all.networkId).toEqual(encodeUtf8('flag'));
    expect(all.peers.map((peer) => peer.address)).toEqual(['ws://127.0.0.1:1', 'ws://127.0.0.1:2']);
  });

  test('PRM-001 parameters are taken by name, quoted or nested', () => {
    const quoted = loadConfig({ configFile: write('a.toml', `${BASE}[parameters]\n"gossip.mode" = "only"\n"score.first_weight" = 0.5\n`) });
    const nested = loadConfig({
      configFile: write('b.toml', `${BASE}[parameters.gossip]\nmode = "only"\n[parameters.score]\nfirst_weight = 0.5\n`),
    });
    expect(quoted.params['gossip.mode']).toBe('only');
    expect(quoted.params['score.first_weight']).toBe(0.5);
    expect(nested.params).toEqual(quoted.params);
  });

  test('stakes keep all 64 bits', () => {
    const config = loadConfig({
      configFile: write('a.toml', `${BASE}[[stakes]]\npeer_id = "${PEER}"\namount = "18446744073709551615"\n`),
    });
    expect([...config.stakes.values()]).toEqual([18446744073709551615n]);
    const large = loadConfig({ configFile: write('b.toml', `${BASE}[[stakes]]\npeer_id = "${PEER}"\namount = 9223372036854775807\n`) });
    expect([...large.stakes.values()]).toEqual([9223372036854775807n]);
  });

  test('first nodes are addresses, with or without who is there, and names; flags add to them', () => {
    const configFile = write(
      'a.toml',
      `${BASE}[bootstrap]\naddresses = ["udp://9.9.9.9:7600", "${PEER}@ws://[2620:fe::9]:7600"]\ndns = ["Seeds.Example.ORG."]\n`,
    );
    const expected = ['udp://9.9.9.9:7600', `${PEER}@ws://[2620:fe::9]:7600`, 'dns:seeds.example.org'];
    expect(loadConfig({ configFile }).bootstrap).toEqual(expected);
    expect(loadConfig({ configFile, flags: { bootstrap: ['ws://h:1'] } }).bootstrap).toEqual([
      ...expected.slice(0, 2),
      'ws://h:1',
      expected[2],
    ]);
  });

  test('datagrams go where sessions go, unless they are switched off', () => {
    const at = (text: string) => loadConfig({ configFile: write('a.toml', `${BASE}[listen]\n${text}\n`) }).datagrams;
    expect(at('port = 1')).toEqual({ host: '127.0.0.1', port: 0 });
    expect(at('host = "::1"\nudp_port = 9')).toEqual({ host: '::1', port: 9 });
    expect([at('udp = false'), at('enabled = false')]).toEqual([undefined, undefined]);
  });

  test('advertised addresses take their wire form', () => {
    const config = loadConfig({
      configFile: write(
        'a.toml',
        `${BASE}advertise = ["ws://192.0.2.1:7600", "ws://[2001:db8::1]:7600", "wss://node.example.org", "udp://[2001:db8::1]:7600"]\n`,
      ),
    });
    expect(config.listenAddresses.map(({ host, port, transport }) => [host.case, port, transport])).toEqual([
      ['ip4', 7600, 1],
      ['ip6', 7600, 1],
      ['dns', 443, 2],
      ['ip6', 7600, 3],
    ]);
    expect(config.listenAddresses[1]?.host.value).toEqual(Uint8Array.of(0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1));
  });
});

describe('PRM-001 a configuration that is not in order', () => {
  test.each([
    ['an unknown key', `${BASE}netwrk = "x"\n`, 'netwrk', 'one of the keys network_id'],
    ['an unknown key in a table', `${BASE}[listen]\nadress = "x"\n`, 'listen.adress', 'enabled, host, port'],
    ['an unknown key of a peer', `${BASE}[[peers]]\naddress = "ws://h:1"\nid = "x"\n`, 'peers[0].id', 'address, peer_id'],
    ['a preset that is none', BASE.replace('devnet', 'dev'), 'preset', '"main", "tower", "chat", "devnet", "conformance"'],
    ['a missing network id', 'preset = "devnet"\nkey_file = "k"\n', 'network_id', '1 to 32 bytes'],
    ['an empty network id', BASE.replace('"test"', '""'), 'network_id', '1 to 32 bytes'],
    ['a network id of 33 bytes', BASE.replace('test', `${'é'.repeat(16)}x`), 'network_id', '1 to 32 bytes'],
    ['a port that is none', `${BASE}[listen]\nport = 70000\n`, 'listen.port', '0 to 65535'],
    ['a port of another type', `${BASE}[listen]\nport = "7600"\n`, 'listen.port', '0 to 65535'],
    ['a peer without an address', `${BASE}[[peers]]\npeer_id = "${PEER}"\n`, 'peers[0].address', 'ws://HOST:PORT'],
    ['an address that is none', `${BASE}[[peers]]\naddress = "tcp://h:1"\n`, 'peers[0].address', 'ws://HOST:PORT'],
    [
      'a PeerId in upper case',
      `${BASE}[[peers]]\naddress = "ws://h:1"\npeer_id = "${PEER.toUpperCase()}"\n`,
      'peers[0].peer_id',
      'lower case',
    ],
    ['a stake below zero', `${BASE}[[stakes]]\npeer_id = "${PEER}"\namount = -1\n`, 'stakes[0].amount', 'a whole number'],
    [
      'a stake above 2^64 - 1',
      `${BASE}[[stakes]]\npeer_id = "${PEER}"\namount = "18446744073709551616"\n`,
      'stakes[0].amount',
      'a whole number',
    ],
    ['a fraction of a stake', `${BASE}[[stakes]]\npeer_id = "${PEER}"\namount = 0.5\n`, 'stakes[0].amount', 'a whole number'],
    [
      'two stakes of one peer',
      `${BASE}[[stakes]]\npeer_id = "${PEER}"\namount = 1\n[[stakes]]\npeer_id = "${PEER}"\namount = 2\n`,
      'stakes[1].peer_id',
      'each PeerId once',
    ],
    ['an unknown parameter', `${BASE}[parameters]\n"gossip.heartbeat" = 1000\n`, 'parameters', 'a parameter name of chapter 19'],
    ['a parameter outside its range', `${BASE}[parameters]\n"gossip.heartbeat_ms" = 1\n`, 'parameters', 'gossip.heartbeat_ms'],
    ['a broken relation', `${BASE}[parameters]\n"gossip.seen_ttl_ms" = 1000\n`, 'parameters', 'gossip.seen_ttl_ms'],
    [
      'a parameter of another type',
      `${BASE}[parameters]\n"gossip.heartbeat_ms" = true\n`,
      'parameters.gossip.heartbeat_ms',
      'a number or a word',
    ],
    ['a log level that is none', `${BASE}[log]\nlevel = "verbose"\n`, 'log.level', '"silent"'],
    ['a first address of another form', `${BASE}[bootstrap]\naddresses = ["http://h:1"]\n`, 'bootstrap.addresses[0]', 'udp://HOST:PORT'],
    [
      'a first address that the policy leaves aside',
      `${BASE}[bootstrap]\naddresses = ["ws://192.0.2.1:1"]\n`,
      'bootstrap.addresses[0]',
      'admits',
    ],
    ['a first name that is none', `${BASE}[bootstrap]\ndns = ["a b"]\n`, 'bootstrap.dns[0]', 'a DNS name'],
    ['an unknown key of the first nodes', `${BASE}[bootstrap]\nmdns = true\n`, 'bootstrap.mdns', 'addresses, dns'],
    ['datagrams that are neither on nor off', `${BASE}[listen]\nudp = "yes"\n`, 'listen.udp', 'true or false'],
    ['an advertised address with a path', `${BASE}advertise = ["ws://h:1/x"]\n`, 'advertise[0]', 'ws://HOST:PORT'],
  ])('%s is refused with E_CONFIG, the key, and what is expected', (_, text, key, expected) => {
    const file = write('carillon.toml', text);
    const problem = problemOf(() => loadConfig({ configFile: file }));
    expect(problem.code).toBe('E_CONFIG');
    expect(problem.exitCode).toBe(2);
    expect(problem.parts.where).toBe(`${file}: ${key}`);
    expect(problem.parts.expected).toContain(expected);
    expect(problem.parts.found).not.toBe('');
    expect(problem.parts.todo).not.toBe('');
  });

  test('broken TOML names line and column', () => {
    const file = write('carillon.toml', `${BASE}listen = \n`);
    const problem = problemOf(() => loadConfig({ configFile: file }));
    expect(problem.code).toBe('E_CONFIG');
    expect(problem.parts.where).toMatch(/carillon\.toml:\d+:\d+$/);
  });

  test('a missing file is E_FILE', () => {
    expect(problemOf(() => loadConfig({ configFile: join(directory, 'none.toml') })).code).toBe('E_FILE');
  });

  test('a network file holds nothing else', () => {
    const networkFile = write('network.toml', 'network_id = "x"\npreset = "devnet"\nkey_file = "other.key"\n');
    expect(problemOf(() => loadConfig({ networkFile })).parts.where).toBe(`${networkFile}: key_file`);
  });

  test('a flag is named as a flag', () => {
    const problem = problemOf(() => loadConfig({ configFile: write('a.toml', BASE), flags: { preset: 'nope' } }));
    expect(problem.parts.where).toBe('--preset: preset');
  });

  test('a program gets the same refusals', () => {
    const problem = problemOf(() => defineConfig({ networkId: 'x', preset: 'devnet', parameters: { 'gossip.heartbeat_ms': 1 } }));
    expect(problem.code).toBe('E_CONFIG');
    expect(defineConfig({ networkId: 'x', preset: 'devnet' }).listen).toBeUndefined();
  });
});
