/** How lookups fare: how far they go, whom they find, and what liars can do to them. */
import { encodeUtf8 } from '../../core/bytes.ts';
import type { DhtOutcome } from '../../core/dht/contract.ts';
import { bucketIndex, compareDistance } from '../../core/dht/distance.ts';
import { createRng, type Rng } from '../../core/rng.ts';
import { idBytes } from '../../core/wire/body.ts';
import { DhtWorld } from '../dht-world.ts';
import { regionLatencyMs, usualRegion } from '../regions.ts';
import { worldParams } from '../world.ts';
import { type Figure, quantile, type Scenario, type ScenarioRun } from './scenario.ts';

/** Nodes that others begin with. */
const FIRST_NODES = 5;
const BUCKET_SIZE = 20;
const LOOKUP_MS_MAX = 60_000;
/** From the last start until tables are taken as settled: every node has looked its buckets up once more (`dht.refresh_ms`). */
const SETTLE_MS = 630_000;

/** Latencies between six regions, and a little more for each pair. */
function latencyMs(a: number, b: number): number {
  const [one, other] = [usualRegion(a), usualRegion(b)];
  return regionLatencyMs(one, other) + ((a * 31 + b * 17) % 20);
}

/** A network whose nodes joined one after the other, by datagram, through one of the first. */
function joinedWorld(run: ScenarioRun, isLiar: (node: number) => boolean = () => false): DhtWorld {
  const nodes = run.value('nodes');
  const rng = createRng(encodeUtf8(run.seed)).fork('begin');
  const joinMs = 60_000 + 20 * nodes;
  const entries = Array.from({ length: nodes }, (_, node) => (node === 0 ? undefined : rng.below(Math.min(node, FIRST_NODES))));
  const world = new DhtWorld({
    nodes,
    seed: run.seed,
    params: worldParams('main', {}),
    latencyMs,
    loss: run.value('loss'),
    startMs: (node) => Math.floor((node * joinMs) / nodes),
    entry: (node) => entries[node],
    isLiar,
  });
  for (let atMs = 0; atMs < joinMs + SETTLE_MS; atMs += 60_000) {
    world.runUntil(Math.min(atMs + 60_000, joinMs + SETTLE_MS));
    run.tell(`${Math.round(world.nowMs / 1000)} s: ${world.running().length} nodes, ${world.questions} questions`);
  }
  return world;
}

/** The ids that are nearest to a target, of all that run; `self` does not look for itself. */
function trueNearest(world: DhtWorld, target: Uint8Array, self: number): readonly string[] {
  return world
    .running()
    .filter((node) => node !== self)
    .map((node) => world.peerId(node))
    .sort((a, b) => compareDistance(target, idBytes(a), idBytes(b)))
    .slice(0, BUCKET_SIZE);
}

interface Asked {
  readonly node: number;
  readonly target: Uint8Array;
  readonly token: number;
}

/** Outcomes of one type, with who asked; the others are left out and counted as failures by whoever compares the numbers. */
function outcomesOf<T extends DhtOutcome['type']>(world: DhtWorld, asked: readonly Asked[], type: T) {
  return asked.flatMap((ask) => {
    const done = world.outcome(ask.token);
    if (done === undefined || done.outcome.type !== type) return [];
    return [{ ...ask, tookMs: done.atMs - done.askedMs, outcome: done.outcome as Extract<DhtOutcome, { readonly type: T }> }];
  });
}

/** A network whose nodes have met up to 20 others of each bucket, by chance, and then looked for their neighbours. */
function metWorld(run: ScenarioRun): DhtWorld {
  const nodes = run.value('nodes');
  const rng = createRng(encodeUtf8(run.seed)).fork('met');
  const ids: Uint8Array[] = [];
  const world: DhtWorld = new DhtWorld({
    nodes,
    seed: run.seed,
    // Nobody looks its buckets up again while this is measured.
    params: worldParams('main', { 'dht.refresh_ms': '86400000' }),
    latencyMs,
    loss: run.value('loss'),
    startMs: () => 0,
    entry: () => undefined,
    met: (node) => {
      if (ids.length === 0) for (let other = 0; other < nodes; other++) ids.push(idBytes(world.peerId(other)));
      const own = ids[node];
      const room = Array.from({ length: 256 }, () => BUCKET_SIZE);
      const met: number[] = [];
      const first = rng.below(nodes);
      // Ids are hashes: in the order of numbers they are by chance, too.
      for (let step = 0; step < nodes; step++) {
        const other = (first + step) % nodes;
        const id = ids[other];
        const bucket = own === undefined || id === undefined ? undefined : bucketIndex(own, id);
        if (bucket === undefined || room[bucket] === 0) continue;
        room[bucket] = (room[bucket] ?? 0) - 1;
        met.push(other);
      }
      return met;
    },
  });
  world.runUntil(5_000);
  run.tell(`${world.questions} questions`);
  return world;
}

function lookups(run: ScenarioRun): readonly Figure[] {
  const world = run.value('joined') === 1 ? joinedWorld(run) : metWorld(run);
  const count = run.value('lookups');
  const nodes = run.value('nodes');
  const rng = createRng(encodeUtf8(run.seed)).fork('lookups');
  const asked = Array.from({ length: count }, (): Asked => {
    const node = rng.below(nodes);
    const target = rng.bytes(32);
    world.runFor(100);
    return { node, target, token: world.request(node, { type: 'dht.lookup', target }) };
  });
  world.runFor(LOOKUP_MS_MAX / 4);
  const done = outcomesOf(world, asked, 'dht.lookup');
  const found = done.map(({ node, target, outcome }) => {
    const nearest = new Set(trueNearest(world, target, node));
    return outcome.contacts.filter(({ peer }) => nearest.has(peer)).length / nearest.size;
  });
  const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
  const sizes = world.running().map((node) => (world.view(node) as { readonly networkSize: number }).networkSize);
  const contacts = world.running().map((node) => (world.view(node) as { readonly contacts: number }).contacts);
  return [
    { name: 'lookups that ended', unit: '%', value: (100 * done.length) / count, least: 100 },
    { name: 'hops, most', unit: 'referrals', value: Math.max(...done.map(({ outcome }) => outcome.hops)), most: 10 },
    { name: 'depth, mean', unit: 'referrals', value: mean(done.map(({ outcome }) => outcome.depth)), most: nodes > 2_000 ? 4 : 3 },
    { name: 'depth, most', unit: 'referrals', value: Math.max(...done.map(({ outcome }) => outcome.depth)) },
    { name: 'recall of the 20 nearest', unit: '%', value: 100 * mean(found), least: 99 },
    { name: 'nodes asked, mean', unit: 'nodes', value: mean(done.map(({ outcome }) => outcome.queries)) },
    {
      name: 'time, median',
      unit: 'ms',
      value: quantile(
        done.map(({ tookMs }) => tookMs),
        0.5,
      ),
    },
    {
      name: 'time, 99 %',
      unit: 'ms',
      value: quantile(
        done.map(({ tookMs }) => tookMs),
        0.99,
      ),
    },
    { name: 'contacts in a table, mean', unit: 'contacts', value: mean(contacts) },
    { name: 'estimate of the size, median', unit: '× the size', value: quantile(sizes, 0.5) / nodes, least: 0.5, most: 2 },
    { name: 'estimate, 5 %', unit: '× the size', value: quantile(sizes, 0.05) / nodes },
    { name: 'estimate, 95 %', unit: '× the size', value: quantile(sizes, 0.95) / nodes },
  ];
}

function pickHonest(rng: Rng, nodes: number, isLiar: (node: number) => boolean): number {
  for (;;) {
    const node = rng.below(nodes);
    if (!isLiar(node)) return node;
  }
}

function liars(run: ScenarioRun): readonly Figure[] {
  const nodes = run.value('nodes');
  const count = run.value('lookups');
  const share = run.value('share');
  const rng = createRng(encodeUtf8(run.seed)).fork('liars');
  // The first nodes are those that somebody configured, and are trusted to be there.
  const order = rng.shuffle(Array.from({ length: nodes - FIRST_NODES }, (_, index) => FIRST_NODES + index));
  const lying = new Set(order.slice(0, Math.round((share / 100) * nodes)));
  const isLiar = (node: number): boolean => lying.has(node);
  const world = joinedWorld(run, isLiar);
  run.tell(`${lying.size} of ${nodes} nodes answer only liars`);
  const providers = Array.from({ length: count }, () => {
    const node = pickHonest(rng, nodes, isLiar);
    const key = rng.bytes(32);
    world.runFor(200);
    return { node, key, token: world.request(node, { type: 'dht.provide', key, short: false }) };
  });
  world.runFor(LOOKUP_MS_MAX);
  run.tell(`${count} keys are provided`);
  const asked = providers.map(({ key }): Asked => {
    const node = pickHonest(rng, nodes, isLiar);
    world.runFor(200);
    return { node, target: key, token: world.request(node, { type: 'dht.providers', key }) };
  });
  world.runFor(LOOKUP_MS_MAX);
  const done = outcomesOf(world, asked, 'dht.providers');
  const found = done.filter(({ target, outcome }) => {
    const provider = providers.find(({ key }) => key === target);
    return provider !== undefined && outcome.providers.some(({ peer }) => peer === world.peerId(provider.node));
  });
  const falseOnes = done.map(({ outcome }) => outcome.providers.length - 1);
  return [
    { name: 'lookups that ended', unit: '%', value: (100 * done.length) / count, least: 100 },
    { name: 'lookups that found the provider', unit: '%', value: (100 * found.length) / count, least: 99 },
    { name: 'false providers beside it, median', unit: 'providers', value: quantile(falseOnes, 0.5) },
    {
      name: 'nodes asked, median',
      unit: 'nodes',
      value: quantile(
        done.map(({ outcome }) => outcome.queries),
        0.5,
      ),
    },
    { name: 'nodes asked, most', unit: 'nodes', value: Math.max(...done.map(({ outcome }) => outcome.queries)), most: 256 },
    {
      name: 'time, median',
      unit: 'ms',
      value: quantile(
        done.map(({ tookMs }) => tookMs),
        0.5,
      ),
    },
    {
      name: 'time, 99 %',
      unit: 'ms',
      value: quantile(
        done.map(({ tookMs }) => tookMs),
        0.99,
      ),
    },
  ];
}

const LOSS = { name: 'loss', meaning: 'chance that a datagram is lost', value: 0.01, range: [0, 0.5] } as const;

export const scenarios: readonly Scenario[] = [
  {
    name: 'dht.lookup',
    measures: 'how far lookups go and whom they find, in a network whose nodes joined one by one',
    parameters: [
      { name: 'nodes', meaning: 'nodes of the network', value: 1_000, range: [10, 20_000] },
      { name: 'lookups', meaning: 'lookups of ids of chance, ten a second', value: 300, range: [1, 10_000] },
      { name: 'joined', meaning: '1: nodes joined one by one; 0: their tables were filled before', value: 1, range: [0, 1] },
      LOSS,
    ],
    run: lookups,
  },
  {
    name: 'dht.liars',
    measures: 'whether providers are found when some nodes name only liars and give false providers',
    parameters: [
      { name: 'nodes', meaning: 'nodes of the network', value: 1_000, range: [20, 20_000] },
      { name: 'share', meaning: 'per cent of the nodes that lie', value: 30, range: [0, 90] },
      { name: 'lookups', meaning: 'keys that are provided and looked for', value: 200, range: [1, 10_000] },
      LOSS,
    ],
    run: liars,
  },
];
