/** The keys of a configuration file: form, default and, for a complaint, what is expected of each. */
import { z } from 'zod';
import { encodeUtf8 } from '../core/bytes.ts';
import { parseHint } from '../core/dht/address.ts';
import { PRESET_NAMES } from '../core/parameter-table.ts';
import type { PresetName } from '../core/params.ts';
import { BOOTSTRAP_MAX, CONFIGURED_PEERS_MAX, STAKES_MAX } from './limits.ts';
import { LOG_LEVELS, type LogLevel } from './log.ts';
import { Problem } from './problem.ts';
import { isDialAddress } from './transport/ws.ts';

const UINT64_MAX = 2n ** 64n - 1n;
const ROLES = ['app', 'full', 'validator', 'relay'] as const;

/** A schema's `error` is what its value was expected to be; the path and the value are added where it is reported. */
const expected = (text: string): { error: string } => ({ error: text });

const words = (names: readonly string[]): { error: string } => expected(`one of ${names.map((name) => JSON.stringify(name)).join(', ')}`);

const host = z.string(expected('a host name or an IP address')).min(1, expected('a host name or an IP address'));
const port = z
  .number(expected('a port, 0 to 65535'))
  .int(expected('a port, 0 to 65535'))
  .min(0, expected('a port, 0 to 65535'))
  .max(65_535, expected('a port, 0 to 65535'));
const enabled = z.boolean(expected('true or false'));

const NETWORK_ID = 'a text of 1 to 32 bytes';
const AMOUNT = 'a whole number from 0 to 18446744073709551615 (above 9223372036854775807 as text)';
const ADDRESS = 'ws://HOST:PORT or wss://HOST:PORT';
const ADVERTISED = 'ws://HOST:PORT, wss://HOST:PORT or udp://HOST:PORT';
const HINT = `${ADVERTISED}, with PEERID@ before it where that is known`;
const DNS_NAME = 'a DNS name of at most 253 letters, digits, dots and hyphens';

function isAmount(value: number | bigint | string): boolean {
  if (typeof value === 'number') return Number.isSafeInteger(value) && value >= 0;
  if (typeof value === 'string') return /^[0-9]{1,20}$/.test(value) && BigInt(value) <= UINT64_MAX;
  return value >= 0n && value <= UINT64_MAX;
}

/** Whether a text is an address that a first question or dial can go to, with or without the PeerId of who is there. */
function isBootstrapAddress(text: string): boolean {
  return parseHint(text) !== undefined;
}

function isDnsName(text: string): boolean {
  return /^(?=.{1,253}$)[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*\.?$/i.test(text);
}

const peer = z.strictObject(
  {
    address: z.string(expected(ADDRESS)).refine(isDialAddress, expected(ADDRESS)),
    peer_id: z.string(expected('a PeerId, crl1…')).optional(),
  },
  expected('a table with address and, if known, peer_id'),
);

const stake = z.strictObject(
  {
    peer_id: z.string(expected('a PeerId, crl1…')),
    amount: z.union([z.number(), z.bigint(), z.string()], expected(AMOUNT)).refine(isAmount, expected(AMOUNT)),
  },
  expected('a table with peer_id and amount'),
);

const CONFIG_SCHEMA = z.strictObject({
  network_id: z.string(expected(NETWORK_ID)).refine((text) => {
    const size = encodeUtf8(text).length;
    return size >= 1 && size <= 32;
  }, expected(NETWORK_ID)),
  preset: z.enum(PRESET_NAMES, words(PRESET_NAMES)),
  key_file: z.string(expected('the path of a key file')).min(1, expected('the path of a key file')),
  roles: z
    .array(z.enum(ROLES, words(ROLES)), expected('a list of roles'))
    .max(ROLES.length, expected('each role once'))
    .default(['app']),
  advertise: z
    .array(z.string(expected(ADVERTISED)), expected(`a list of addresses, ${ADVERTISED}`))
    .max(8, expected('at most 8 addresses'))
    .default([]),
  listen: z
    .strictObject(
      {
        enabled: enabled.default(true),
        host: host.default('127.0.0.1'),
        port: port.default(7600),
        udp: enabled.default(true),
        udp_port: port.default(0),
      },
      expected('a table with enabled, host, port, udp and udp_port'),
    )
    .prefault({}),
  http: z
    .strictObject(
      { enabled: enabled.default(false), host: host.default('127.0.0.1'), port: port.default(7601) },
      expected('a table with enabled, host and port'),
    )
    .prefault({}),
  bootstrap: z
    .strictObject(
      {
        addresses: z
          .array(z.string(expected(HINT)).refine(isBootstrapAddress, expected(HINT)), expected(`a list of addresses, ${HINT}`))
          .max(BOOTSTRAP_MAX, expected(`at most ${BOOTSTRAP_MAX} addresses`))
          .default([]),
        dns: z
          .array(z.string(expected(DNS_NAME)).refine(isDnsName, expected(DNS_NAME)), expected('a list of DNS names'))
          .max(BOOTSTRAP_MAX, expected(`at most ${BOOTSTRAP_MAX} names`))
          .default([]),
      },
      expected('a table with addresses and dns'),
    )
    .prefault({}),
  log: z.strictObject({ level: z.enum(LOG_LEVELS, words(LOG_LEVELS)).default('info') }, expected('a table with level')).prefault({}),
  peers: z
    .array(peer, expected('tables [[peers]]'))
    .max(CONFIGURED_PEERS_MAX, expected(`at most ${CONFIGURED_PEERS_MAX} peers`))
    .default([]),
  stakes: z
    .array(stake, expected('tables [[stakes]]'))
    .max(STAKES_MAX, expected(`at most ${STAKES_MAX} stakes`))
    .default([]),
  parameters: z.record(z.string(), z.unknown(), expected('a table of parameters')).default({}),
});

type Role = (typeof ROLES)[number];

/** A configuration file whose keys have their forms, with defaults filled in. */
export interface ConfigTable {
  readonly network_id: string;
  readonly preset: PresetName;
  readonly key_file: string;
  readonly roles: readonly Role[];
  readonly advertise: readonly string[];
  readonly listen: {
    readonly enabled: boolean;
    readonly host: string;
    readonly port: number;
    readonly udp: boolean;
    readonly udp_port: number;
  };
  readonly http: { readonly enabled: boolean; readonly host: string; readonly port: number };
  readonly bootstrap: { readonly addresses: readonly string[]; readonly dns: readonly string[] };
  readonly log: { readonly level: LogLevel };
  readonly peers: readonly { readonly address: string; readonly peer_id?: string | undefined }[];
  readonly stakes: readonly { readonly peer_id: string; readonly amount: number | bigint | string }[];
  readonly parameters: Record<string, unknown>;
}

/** Keys that hold a table with keys of its own. */
const TABLES: ReadonlySet<string> = new Set(['listen', 'http', 'bootstrap', 'log']);

/** Every key that a configuration file can hold, as dotted paths; `peers[].address` is one. */
export const CONFIG_KEYS: readonly string[] = Object.keys(CONFIG_SCHEMA.shape).flatMap((key) => {
  const inner = knownKeys([key]);
  if (key === 'peers' || key === 'stakes') return inner.map((name) => `${key}[].${name}`);
  return TABLES.has(key) ? inner.map((name) => `${key}.${name}`) : [key];
});

function pathText(path: readonly PropertyKey[]): string {
  return path.reduce<string>((text, part) => {
    if (typeof part === 'number') return `${text}[${part}]`;
    return text === '' ? String(part) : `${text}.${String(part)}`;
  }, '');
}

function valueAt(raw: unknown, path: readonly PropertyKey[]): unknown {
  let value = raw;
  for (const part of path) {
    if (typeof value !== 'object' || value === null) return undefined;
    value = (value as Record<PropertyKey, unknown>)[part];
  }
  return value;
}

function foundText(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (typeof value === 'bigint') return String(value);
  const text = JSON.stringify(value, (_key, part: unknown) => (typeof part === 'bigint' ? String(part) : part));
  return text.length > 100 ? `${text.slice(0, 100)}…` : text;
}

/** Checks the merged table. Throws `Problem` E_CONFIG for the first key that is not in order. */
export function readConfigTable(raw: Record<string, unknown>, source: (key: string) => string): ConfigTable {
  const result = CONFIG_SCHEMA.safeParse(raw);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  const path = issue?.path ?? [];
  const from = source(String(path[0] ?? ''));
  if (issue?.code === 'unrecognized_keys') {
    const key = issue.keys[0] ?? '';
    const known = knownKeys(path);
    throw new Problem('E_CONFIG', {
      where: `${path.length === 0 ? source(key) : from}: ${pathText([...path, key])}`,
      expected: `one of the keys ${known.join(', ')}`,
      found: key,
      todo: 'correct its spelling or leave it out',
    });
  }
  const found = valueAt(raw, path);
  throw new Problem('E_CONFIG', {
    where: `${from}: ${pathText(path)}`,
    expected: issue?.message ?? 'a valid configuration',
    found: foundText(found),
    todo: found === undefined ? 'set it in the file that --config names, or by a flag' : 'correct it',
  });
}

/** The keys of the table at a path. */
function knownKeys(path: readonly PropertyKey[]): readonly string[] {
  switch (path[0]) {
    case undefined:
      return Object.keys(CONFIG_SCHEMA.shape);
    case 'peers':
      return Object.keys(peer.shape);
    case 'stakes':
      return Object.keys(stake.shape);
    case 'log':
      return ['level'];
    case 'bootstrap':
      return ['addresses', 'dns'];
    case 'listen':
      return ['enabled', 'host', 'port', 'udp', 'udp_port'];
    default:
      return ['enabled', 'host', 'port'];
  }
}
