/** How far and how fast contact records spread, what that costs, and whether two running copies of one key end in one winner everywhere. */
import { KIND_CONTACT } from '../../core/records/record.ts';
import type { MonoMs, PeerId } from '../../core/types.ts';
import { KIND_RECORD_PUSH } from '../../core/wire/frame.ts';
import { simulatedCrypto } from '../crypto.ts';
import type { WorldOptions } from '../options.ts';
import { usualRegion } from '../regions.ts';
import { QUIET, World, worldParams } from '../world.ts';
import { type Figure, quantile, type Scenario, type ScenarioRun } from './scenario.ts';

/** When the first nodes are connected: what they said at their start is too old by then to be pushed on. */
const SETTLED_MS = 45_000;
/** From one newcomer to the next. */
const PAUSE_MS = 250;
/** How long everybody is watched afterwards. */
const WATCHED_MS = 10_000;

/** When each contact record of an origin was accepted, by node: the newest instance alone. */
class Acceptances {
  readonly #times = new Map<PeerId, Map<number, { readonly atMs: MonoMs; readonly instance: bigint }>>();
  /** Changes of mind: a node that held a later instance and took an earlier one. */
  flips = 0;

  readonly observe: NonNullable<WorldOptions['observe']> = (node, effect, atMs) => {
    if (effect.type !== 'notice' || effect.notice.type !== 'records.accepted' || effect.notice.kind !== KIND_CONTACT) return;
    const { origin, instance } = effect.notice;
    const byNode = this.#times.get(origin) ?? new Map();
    const before = byNode.get(node);
    if (before !== undefined && before.instance > instance) this.flips += 1;
    if (before === undefined || before.instance < instance) byNode.set(node, { atMs, instance });
    this.#times.set(origin, byNode);
  };

  /** Times at which nodes accepted a contact record of the origin of an instance begun at `fromMs` or later. */
  of(origin: PeerId, fromMs: MonoMs, wallStartMs: number): readonly MonoMs[] {
    const least = BigInt(Math.floor(wallStartMs + fromMs));
    return [...(this.#times.get(origin)?.values() ?? [])].filter(({ instance }) => instance >= least).map(({ atMs }) => atMs);
  }
}

const WALL_START_MS = 1_700_000_000_000;

/** A network in which everybody has stake, so that lifetimes are long and what is counted is the spreading. */
function netOf(run: ScenarioRun, nodes: number, more: Partial<WorldOptions>): World {
  return new World({
    nodes,
    seed: run.seed,
    crypto: simulatedCrypto,
    params: worldParams('main', { ...QUIET, 'records.mode': 'on', 'records.health_ttl_ms': '3600000' }),
    region: usualRegion,
    stakes: new Map(Array.from({ length: nodes }, (_, node) => [node, 1n + BigInt(node % 100)])),
    links: { loss: run.value('loss') },
    trace: false,
    keepDeliveries: false,
    countKinds: true,
    ...more,
  });
}

/** A ring of the nodes that run, and links of chance beside it. */
function connect(world: World, nodes: number, links: number): void {
  for (let node = 0; node < nodes; node++) {
    world.connect(node, (node + 1) % nodes);
    for (let link = 1; link <= links; link++) {
      // A stride that no other link of the node has: chance enough for the spreading, and the same in every run.
      const other = (node + 1 + link * link * 37 + ((node * 7919) % 101)) % nodes;
      if (other !== node) world.connect(node, other);
    }
  }
}

/** Everybody starts within a second: who knows whom a few seconds later, and what that took. */
function start(run: ScenarioRun): readonly Figure[] {
  const nodes = run.value('nodes');
  const seen = new Acceptances();
  const world = netOf(run, nodes, { observe: seen.observe, startMs: (node) => node % 1000 });
  world.runUntil(1_000);
  connect(world, nodes, run.value('links'));
  world.runFor(WATCHED_MS);
  const bytes = world.trafficByKind.get(KIND_RECORD_PUSH)?.bytes ?? 0;
  return [
    { name: 'coverage', unit: '% of pairs', value: settledCoverage(world, seen, nodes), least: 99 },
    { name: 'pushed for a record and node', unit: 'B', value: bytes / (3 * nodes * (nodes - 1)) },
  ];
}

/** Nodes come to a network whose own records are too old to be pushed: what travels is the newcomers' alone. */
function spread(run: ScenarioRun): readonly Figure[] {
  const [nodes, links, newcomers] = [run.value('nodes'), run.value('links'), run.value('newcomers')];
  const settled = nodes - newcomers;
  const seen = new Acceptances();
  const world = netOf(run, nodes, { observe: seen.observe, startMs: (node) => (node < settled ? node % 1000 : undefined) });
  world.runUntil(SETTLED_MS);
  connect(world, settled, links);
  world.runFor(2_000);
  run.tell(`${settled} nodes are connected`);
  const quietFrom = world.nowMs;
  const before = world.trafficByKind.get(KIND_RECORD_PUSH)?.bytes ?? 0;
  const starts = Array.from({ length: newcomers }, (_, index) => {
    const node = settled + index;
    world.runFor(PAUSE_MS);
    const startMs = world.nowMs;
    world.start(node);
    for (let link = 0; link < Math.max(1, links); link++) world.connect(node, (index * 131 + link * 197) % settled);
    return { node, startMs };
  });
  world.runFor(WATCHED_MS);
  const bytes = (world.trafficByKind.get(KIND_RECORD_PUSH)?.bytes ?? 0) - before;
  const delays = starts.flatMap(({ node, startMs }) => seen.of(world.peerId(node), startMs, WALL_START_MS).map((atMs) => atMs - startMs));
  run.tell(`watched for ${(world.nowMs - quietFrom) / 1000} s`);
  return [
    {
      name: 'coverage',
      unit: '% of nodes and newcomers',
      value: Math.min(100, (100 * delays.length) / (newcomers * (settled - 1))),
      least: 99.9,
    },
    { name: 'delay, median', unit: 'ms', value: quantile(delays, 0.5), most: 2_000 },
    { name: 'delay, 99 %', unit: 'ms', value: quantile(delays, 0.99), most: 4_000 },
    { name: 'delay, last', unit: 'ms', value: quantile(delays, 1) },
    { name: 'pushed for a record and node', unit: 'B', value: bytes / (3 * newcomers * nodes) },
  ];
}

/** Of all ordered pairs of settled nodes, the share in which the one knows the other's contact. */
function settledCoverage(world: World, seen: Acceptances, settled: number): number {
  let known = 0;
  for (let node = 0; node < settled; node++) known += Math.min(settled - 1, seen.of(world.peerId(node), 0, WALL_START_MS).length);
  return (100 * known) / (settled * (settled - 1));
}

/** One key runs twice: the copy that starts last has to win at every node, and the first has to fall silent. */
function twins(run: ScenarioRun): readonly Figure[] {
  const [nodes, links] = [run.value('nodes'), run.value('links')];
  const twin = nodes - 1;
  const seen = new Acceptances();
  const superseded: { readonly node: number; readonly atMs: MonoMs }[] = [];
  let seed: Uint8Array | undefined;
  const world = netOf(run, nodes, {
    startMs: (node) => (node === twin ? undefined : node % 1000),
    nodeOptions: ({ index, identitySeed }) => {
      if (index === 0) seed = identitySeed;
      return index === twin && seed !== undefined ? { identitySeed: seed } : {};
    },
    observe: (node, effect, atMs) => {
      seen.observe(node, effect, atMs);
      if (effect.type === 'notice' && effect.notice.type === 'records.superseded') superseded.push({ node, atMs });
    },
  });
  world.runUntil(SETTLED_MS);
  connect(world, twin, links);
  world.runFor(2_000);
  const startMs = world.nowMs;
  world.start(twin);
  for (let link = 0; link < Math.max(1, links); link++) world.connect(twin, 1 + ((link * 197) % (twin - 1)));
  // The first copy goes on renewing if nothing stops it.
  world.runFor(4 * WATCHED_MS);
  const times = seen.of(world.peerId(0), startMs, WALL_START_MS).map((atMs) => atMs - startMs);
  const silent = superseded.filter(({ node }) => node === 0).map(({ atMs }) => atMs - startMs);
  return [
    { name: 'nodes that hold the winner', unit: '% of nodes', value: Math.min(100, (100 * times.length) / (nodes - 1)), least: 99.9 },
    { name: 'delay of the winner, 99 %', unit: 'ms', value: quantile(times, 0.99), most: 4_000 },
    { name: 'silence of the first copy after', unit: 'ms', value: silent[0] ?? Number.NaN, most: 10_000 },
    { name: 'winners that were superseded', unit: 'copies', value: superseded.filter(({ node }) => node === twin).length, most: 0 },
    { name: 'changes back to the first copy', unit: 'nodes', value: seen.flips, most: 0 },
  ];
}

const NODES = { name: 'nodes', meaning: 'nodes of the network, newcomers among them', value: 1_000, range: [10, 5_000] } as const;
const LINKS = { name: 'links', meaning: 'links that each node makes beside the ring', value: 6, range: [0, 50] } as const;
const LOSS = { name: 'loss', meaning: 'chance that a packet is lost', value: 0.01, range: [0, 0.5] } as const;

export const scenarios: readonly Scenario[] = [
  {
    name: 'records.spread',
    measures: 'coverage, delay and cost of the contact records of newcomers',
    parameters: [NODES, LINKS, { name: 'newcomers', meaning: 'nodes that come later, four a second', value: 20, range: [1, 1_000] }, LOSS],
    run: spread,
  },
  {
    name: 'records.start',
    measures: 'how many nodes know each other ten seconds after all of them started, and what that cost',
    parameters: [{ ...NODES, value: 60, range: [10, 500] }, LINKS, LOSS],
    run: start,
  },
  {
    name: 'records.twins',
    measures: 'two running copies of one key: which nodes hold the later one, and when the first falls silent',
    parameters: [NODES, LINKS, LOSS],
    run: twins,
  },
];
