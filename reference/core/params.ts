/**
 * Parameters: every bound of the node by its name in chapter 19, checked when they are built, so
 * that nobody further in has to ask whether two of them fit together. Spec: PRM-001
 */
import { type ChoiceRow, PARAMETER_ROWS, type ParameterRow, PRESET_NAMES } from './parameter-table.ts';

/** A column of chapter 19. */
export type PresetName = (typeof PRESET_NAMES)[number];

/** The name of a parameter, which is its configuration key. */
export type ParameterName = keyof typeof PARAMETER_ROWS;

/** With which peers a node gossips. Spec: GSP-100 */
export type GossipMode = 'off' | 'alongside' | 'only';

/** The words of a unit such as `off, on`. */
type WordOf<Unit extends string> = Unit extends `${infer First}, ${infer Rest}` ? First | WordOf<Rest> : Unit;

/** Every parameter by name; numbers are in the unit that the name ends in. */
export type Params = {
  readonly [Name in ParameterName]: (typeof PARAMETER_ROWS)[Name] extends { readonly range: readonly [number, number] }
    ? number
    : WordOf<(typeof PARAMETER_ROWS)[Name]['unit']>;
};

/** One row of chapter 19, as documentation and commands show it. */
export interface ParameterInfo {
  readonly name: ParameterName;
  readonly unit: string;
  /** Both ends included; undefined for a parameter that takes a word. */
  readonly range: readonly [number, number] | undefined;
  /** The words that it takes, if it takes words. */
  readonly choices: readonly string[] | undefined;
  readonly values: Readonly<Record<PresetName, number | string>>;
  readonly clause: string;
  readonly meaning: string;
}

/** What `makeParams` gives; the message says what was expected, what was found and what to do. */
export type ParamsResult =
  | { readonly ok: true; readonly params: Params }
  | { readonly ok: false; readonly code: 'E_CONFIG'; readonly message: string };

const NAMES = Object.keys(PARAMETER_ROWS) as readonly ParameterName[];

function infoOf(name: ParameterName): ParameterInfo {
  const row: ParameterRow | ChoiceRow = PARAMETER_ROWS[name];
  const values = Object.fromEntries(PRESET_NAMES.map((preset, index) => [preset, row.values[index]]));
  return {
    name,
    unit: row.unit,
    range: 'range' in row ? row.range : undefined,
    choices: 'range' in row ? undefined : row.unit.split(', '),
    values: values as Record<PresetName, number | string>,
    clause: row.clause,
    meaning: row.meaning,
  };
}

/** All parameters in the order of chapter 19. */
export const PARAMETER_TABLE: readonly ParameterInfo[] = NAMES.map(infoOf);

function presetOf(preset: PresetName): Params {
  return Object.freeze(Object.fromEntries(PARAMETER_TABLE.map((info) => [info.name, info.values[preset]]))) as Params;
}

/** The parameters of each preset as chapter 19 gives them. */
export const PRESETS: Readonly<Record<PresetName, Params>> = {
  main: presetOf('main'),
  tower: presetOf('tower'),
  chat: presetOf('chat'),
  devnet: presetOf('devnet'),
  conformance: presetOf('conformance'),
};

/** A relation of chapter 19 between parameters. */
export interface Relation {
  /** As the chapter writes it, with the class put in where it holds for every class. */
  readonly text: string;
  readonly names: readonly ParameterName[];
  readonly holds: (params: Params) => boolean;
}

const CLASSES = ['control', 'consensus', 'sync', 'inventory', 'data'] as const;

/** All relations, in the order of the chapter. */
export const RELATIONS: readonly Relation[] = [
  {
    text: 'gossip.seen_ttl_ms ≥ clock.past_ms_max + clock.future_ms_max',
    names: ['gossip.seen_ttl_ms', 'clock.past_ms_max', 'clock.future_ms_max'],
    holds: (p) => p['gossip.seen_ttl_ms'] >= p['clock.past_ms_max'] + p['clock.future_ms_max'],
  },
  {
    text: 'gossip.seen_origin_capacity · 1000 ≥ gossip.origin_per_s · (gossip.seen_ttl_ms + 2000)',
    names: ['gossip.seen_origin_capacity', 'gossip.origin_per_s', 'gossip.seen_ttl_ms'],
    holds: (p) => p['gossip.seen_origin_capacity'] * 1000 >= p['gossip.origin_per_s'] * (p['gossip.seen_ttl_ms'] + 2000),
  },
  {
    text: 'gossip.seen_unstaked_capacity · 1000 ≥ gossip.unstaked_per_s · (gossip.seen_ttl_ms + 2000)',
    names: ['gossip.seen_unstaked_capacity', 'gossip.unstaked_per_s', 'gossip.seen_ttl_ms'],
    holds: (p) => p['gossip.seen_unstaked_capacity'] * 1000 >= p['gossip.unstaked_per_s'] * (p['gossip.seen_ttl_ms'] + 2000),
  },
  ...CLASSES.map((name): Relation => {
    const key = `rate.${name}.bytes_per_s` as const;
    return { text: `2 · ${key} ≥ 65519`, names: [key], holds: (p) => 2 * p[key] >= 65519 };
  }),
  {
    text: 'gossip.message_bytes_max ≤ 65000',
    names: ['gossip.message_bytes_max'],
    holds: (p) => p['gossip.message_bytes_max'] <= 65000,
  },
  {
    text: 'gossip.wanted_per_link_max ≥ gossip.ihave_ids_per_heartbeat',
    names: ['gossip.wanted_per_link_max', 'gossip.ihave_ids_per_heartbeat'],
    holds: (p) => p['gossip.wanted_per_link_max'] >= p['gossip.ihave_ids_per_heartbeat'],
  },
  {
    text: 'gossip.ihave_wait_ms < gossip.message_cache_ms',
    names: ['gossip.ihave_wait_ms', 'gossip.message_cache_ms'],
    holds: (p) => p['gossip.ihave_wait_ms'] < p['gossip.message_cache_ms'],
  },
  {
    text: 'score.graylist_min ≤ score.gossip_min',
    names: ['score.graylist_min', 'score.gossip_min'],
    holds: (p) => p['score.graylist_min'] <= p['score.gossip_min'],
  },
  {
    text: 'session.half_open_per_address_max ≤ session.half_open_max',
    names: ['session.half_open_per_address_max', 'session.half_open_max'],
    holds: (p) => p['session.half_open_per_address_max'] <= p['session.half_open_max'],
  },
  {
    text: 'session.pong_answer_ms_max < session.pong_timeout_ms',
    names: ['session.pong_answer_ms_max', 'session.pong_timeout_ms'],
    holds: (p) => p['session.pong_answer_ms_max'] < p['session.pong_timeout_ms'],
  },
  ...(['messages', 'bytes'] as const).map((unit): Relation => {
    const [address, subnet, total] = [
      `datagram.address_${unit}_per_s`,
      `datagram.subnet_${unit}_per_s`,
      `datagram.total_${unit}_per_s`,
    ] as const;
    return {
      text: `${address} ≤ ${subnet} ≤ ${total}`,
      names: [address, subnet, total],
      holds: (p) => p[address] <= p[subnet] && p[subnet] <= p[total],
    };
  }),
  {
    text: 'records.update_ms_min < records.change_ms_max',
    names: ['records.update_ms_min', 'records.change_ms_max'],
    holds: (p) => p['records.update_ms_min'] < p['records.change_ms_max'],
  },
  {
    text: 'records.ttl_ms ≤ records.staked_ttl_ms',
    names: ['records.ttl_ms', 'records.staked_ttl_ms'],
    holds: (p) => p['records.ttl_ms'] <= p['records.staked_ttl_ms'],
  },
  {
    text: 'records.health_ttl_ms ≤ records.staked_ttl_ms',
    names: ['records.health_ttl_ms', 'records.staked_ttl_ms'],
    holds: (p) => p['records.health_ttl_ms'] <= p['records.staked_ttl_ms'],
  },
  {
    text: 'records.records_max ≥ records.origins_max',
    names: ['records.records_max', 'records.origins_max'],
    holds: (p) => p['records.records_max'] >= p['records.origins_max'],
  },
  {
    text: 'reconcile.pause_ms_max < reconcile.round_ms_max',
    names: ['reconcile.pause_ms_max', 'reconcile.round_ms_max'],
    holds: (p) => p['reconcile.pause_ms_max'] < p['reconcile.round_ms_max'],
  },
  {
    text: 'reconcile.timeout_ms < reconcile.sketch_keep_ms',
    names: ['reconcile.timeout_ms', 'reconcile.sketch_keep_ms'],
    holds: (p) => p['reconcile.timeout_ms'] < p['reconcile.sketch_keep_ms'],
  },
  {
    text: 'reconcile.timeout_ms ≤ reconcile.exchange_ms_max',
    names: ['reconcile.timeout_ms', 'reconcile.exchange_ms_max'],
    holds: (p) => p['reconcile.timeout_ms'] <= p['reconcile.exchange_ms_max'],
  },
  {
    text: 'dht.shortlist_max ≥ 8 · dht.bucket_size',
    names: ['dht.shortlist_max', 'dht.bucket_size'],
    holds: (p) => p['dht.shortlist_max'] >= 8 * p['dht.bucket_size'],
  },
  {
    text: 'dht.subnet_bucket_max ≤ dht.subnet_table_max',
    names: ['dht.subnet_bucket_max', 'dht.subnet_table_max'],
    holds: (p) => p['dht.subnet_bucket_max'] <= p['dht.subnet_table_max'],
  },
  {
    text: 'dht.short_ttl_ms ≤ dht.provider_ttl_ms ≤ dht.ttl_ms_max',
    names: ['dht.short_ttl_ms', 'dht.provider_ttl_ms', 'dht.ttl_ms_max'],
    holds: (p) => p['dht.short_ttl_ms'] <= p['dht.provider_ttl_ms'] && p['dht.provider_ttl_ms'] <= p['dht.ttl_ms_max'],
  },
  {
    text: 'dht.lookup_queries_max ≥ dht.paths · dht.bucket_size',
    names: ['dht.lookup_queries_max', 'dht.paths', 'dht.bucket_size'],
    holds: (p) => p['dht.lookup_queries_max'] >= p['dht.paths'] * p['dht.bucket_size'],
  },
  {
    text: 'overlay.kademlia_at ≤ overlay.supernode_at',
    names: ['overlay.kademlia_at', 'overlay.supernode_at'],
    holds: (p) => p['overlay.kademlia_at'] <= p['overlay.supernode_at'],
  },
  {
    text: 'overlay.demote_min ≤ overlay.promote_min',
    names: ['overlay.demote_min', 'overlay.promote_min'],
    holds: (p) => p['overlay.demote_min'] <= p['overlay.promote_min'],
  },
  {
    text: 'overlay.revoke_min ≤ overlay.accept_min',
    names: ['overlay.revoke_min', 'overlay.accept_min'],
    holds: (p) => p['overlay.revoke_min'] <= p['overlay.accept_min'],
  },
  {
    text: 'overlay.attach_timeout_ms ≤ overlay.failover_ms_max',
    names: ['overlay.attach_timeout_ms', 'overlay.failover_ms_max'],
    holds: (p) => p['overlay.attach_timeout_ms'] <= p['overlay.failover_ms_max'],
  },
  {
    text: 'topology.connections_min ≤ topology.connections_target',
    names: ['topology.connections_min', 'topology.connections_target'],
    holds: (p) => p['topology.connections_min'] <= p['topology.connections_target'],
  },
  {
    text: 'topology.connections_target ≤ topology.connections_high',
    names: ['topology.connections_target', 'topology.connections_high'],
    holds: (p) => p['topology.connections_target'] <= p['topology.connections_high'],
  },
  {
    text: 'topology.connections_high ≤ topology.connections_max',
    names: ['topology.connections_high', 'topology.connections_max'],
    holds: (p) => p['topology.connections_high'] <= p['topology.connections_max'],
  },
  {
    text: 'topology.outbound_min ≤ topology.connections_target',
    names: ['topology.outbound_min', 'topology.connections_target'],
    holds: (p) => p['topology.outbound_min'] <= p['topology.connections_target'],
  },
  {
    text: 'topology.latency_percent + topology.delivery_percent + topology.uptime_percent ≤ 100',
    names: ['topology.latency_percent', 'topology.delivery_percent', 'topology.uptime_percent'],
    holds: (p) => p['topology.latency_percent'] + p['topology.delivery_percent'] + p['topology.uptime_percent'] <= 100,
  },
  {
    text: 'topology.latency_percent + topology.delivery_percent + topology.uptime_percent ≥ 100',
    names: ['topology.latency_percent', 'topology.delivery_percent', 'topology.uptime_percent'],
    holds: (p) => p['topology.latency_percent'] + p['topology.delivery_percent'] + p['topology.uptime_percent'] >= 100,
  },
  {
    text: 'topology.latency_good_ms < topology.latency_bad_ms',
    names: ['topology.latency_good_ms', 'topology.latency_bad_ms'],
    holds: (p) => p['topology.latency_good_ms'] < p['topology.latency_bad_ms'],
  },
  {
    text: 'topology.newcomer_ms ≤ topology.uptime_full_ms',
    names: ['topology.newcomer_ms', 'topology.uptime_full_ms'],
    holds: (p) => p['topology.newcomer_ms'] <= p['topology.uptime_full_ms'],
  },
  {
    text: 'topology.backoff_ms_min ≤ topology.backoff_ms_max',
    names: ['topology.backoff_ms_min', 'topology.backoff_ms_max'],
    holds: (p) => p['topology.backoff_ms_min'] <= p['topology.backoff_ms_max'],
  },
  {
    text: 'topology.ban_ms ≤ topology.ban_ms_max',
    names: ['topology.ban_ms', 'topology.ban_ms_max'],
    holds: (p) => p['topology.ban_ms'] <= p['topology.ban_ms_max'],
  },
];

/** Points and factors may be fractions; everything that is counted or timed is whole. */
function isWhole(info: ParameterInfo): boolean {
  return info.unit !== 'points' && info.unit !== 'factor';
}

function quote(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text);
}

type Parsed = { readonly value: number | string } | { readonly expected: string };

function parseValue(info: ParameterInfo, text: string): Parsed {
  if (info.choices !== undefined) {
    return info.choices.includes(text) ? { value: text } : { expected: `one of ${info.choices.join(', ')}` };
  }
  const [least, most] = info.range ?? [0, 0];
  const kind = isWhole(info) ? 'a whole number' : 'a number';
  const bounds = least === most ? `the number ${least}, which is fixed` : `${kind} from ${least} to ${most}`;
  const expected = `${bounds} (${info.unit})`;
  const form = isWhole(info) ? /^-?[0-9]{1,15}$/ : /^-?[0-9]{1,15}(\.[0-9]{1,15})?$/;
  const value = form.test(text) ? Number(text) : Number.NaN;
  // "-0" would be a second way to write 0.
  return value >= least && value <= most && !Object.is(value, -0) ? { value } : { expected };
}

/** Parameter names that differ from an unknown one in little: the same last part or the same beginning. */
function nearNames(unknown: string): readonly ParameterName[] {
  const last = unknown.slice(unknown.lastIndexOf('.') + 1);
  return NAMES.filter((name) => name.endsWith(`.${last}`) || (unknown.length > 3 && name.startsWith(unknown))).slice(0, 3);
}

function refuse(expected: string, found: string, todo: string): ParamsResult {
  return { ok: false, code: 'E_CONFIG', message: `expected ${expected}; found ${found}; ${todo}` };
}

/**
 * The parameters of a preset with some values replaced by their texts. Refuses an unknown name, a
 * value outside its range and a broken relation. Spec: PRM-001
 */
export function makeParams(preset: PresetName, overrides: Readonly<Record<string, string>> = {}): ParamsResult {
  if (!PRESET_NAMES.includes(preset)) {
    return refuse(`a preset: ${PRESET_NAMES.join(', ')}`, quote(preset), 'name one of these');
  }
  const chosen: Record<string, number | string> = { ...PRESETS[preset] };
  for (const [name, text] of Object.entries(overrides)) {
    const info = PARAMETER_TABLE.find((row) => row.name === name);
    if (info === undefined) {
      const near = nearNames(name);
      const todo = near.length > 0 ? `did you mean ${near.join(' or ')}?` : 'spec/19-parameters.md lists all names';
      return refuse('a parameter name of chapter 19', quote(name), todo);
    }
    const parsed = parseValue(info, text);
    if ('expected' in parsed) {
      return refuse(`${name} to be ${parsed.expected}`, quote(text), `set it within that, or leave it out for ${info.values[preset]}`);
    }
    chosen[name] = parsed.value;
  }
  const params = Object.freeze(chosen) as Params;
  const broken = RELATIONS.find((relation) => !relation.holds(params));
  if (broken === undefined) return { ok: true, params };
  const found = broken.names.map((name) => `${name} = ${params[name]}`).join(', ');
  return refuse(broken.text, found, 'change one of them so that the relation holds');
}
