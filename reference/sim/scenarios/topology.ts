/** Whether networks stay in one piece while their nodes prune, how many links nodes settle at, and what a crowd from few subnets gets. */
import { encodeUtf8 } from '../../core/bytes.ts';
import type { Params } from '../../core/params.ts';
import { createRng } from '../../core/rng.ts';
import { sharedNetwork, splitPlan, spreadAddresses } from '../addresses.ts';
import { usualRegion } from '../regions.ts';
import { TopologyNet, type TopologyNetOptions } from '../topology-net.ts';
import { worldParams } from '../world.ts';
import { type Figure, quantile, type Scenario, type ScenarioRun } from './scenario.ts';

const ROLE_APP = 1;
const ROLE_FULL = 2;
const ROLE_VALIDATOR = 4;
const STRATEGIES = ['lru', 'reputation', 'latency', 'combined'] as const;

/** Half validators, a fifth full nodes of theirs, a tenth other full nodes, a fifth apps: the budgets of preset `main`. */
function roleOf(node: number): number {
  const place = node % 10;
  if (place < 7) return ROLE_VALIDATOR;
  return place < 8 ? ROLE_FULL : ROLE_APP;
}

const hasStake = (node: number): boolean => node % 10 < 5;

/** Preset `main` where the node's region is known, made once for each region. */
function paramsBy(overrides: Readonly<Record<string, string>>): (node: number) => Params {
  const made = new Map<string, Params>();
  return (node) => {
    const region = usualRegion(node).toLowerCase();
    const params = made.get(region) ?? worldParams('main', { ...overrides, 'topology.region': region });
    made.set(region, params);
    return params;
  };
}

function netOf(seed: string, overrides: Readonly<Record<string, string>>, more: Partial<TopologyNetOptions> = {}): TopologyNet {
  return new TopologyNet({ seed, params: paramsBy(overrides), roles: roleOf, hasStake, candidates: 60, ...more });
}

function bearMany(net: TopologyNet, count: number): void {
  for (let made = 0; made < count; made++) net.bear();
}

/** Kills and bears nodes so that a share of them is replaced in each minute. */
function churn(net: TopologyNet, seed: string, untilMs: number, nodes: number, percentPerMinute: number): void {
  const rng = createRng(encodeUtf8(seed)).fork('churn');
  const everyMs = 60_000 / ((nodes * percentPerMinute) / 100);
  for (let atMs = net.nowMs + everyMs; atMs <= untilMs; atMs += everyMs) {
    net.runUntil(atMs);
    const victim = rng.pick(net.alive());
    if (victim !== undefined) net.kill(victim);
    net.bear();
  }
  net.runUntil(untilMs);
}

/** How old a node is when it has to be connected: it has had time for some rounds. */
const SETTLED_MS = 15_000;
const PIECE_MS = 5_000;

function partition(run: ScenarioRun): readonly Figure[] {
  const [runs, nodes, minutes, percent] = [run.value('runs'), run.value('nodes'), run.value('minutes'), run.value('churn')];
  const high = run.value('high');
  let apart = 0;
  let pruned = 0;
  let looks = 0;
  const fewest: number[] = [];
  for (let index = 0; index < runs; index++) {
    const seed = `${run.seed} ${index}`;
    const net = netOf(seed, {
      'topology.connections_high': String(high),
      'topology.prune_strategy': STRATEGIES[index % STRATEGIES.length] ?? 'combined',
      // Pruning begins within the run.
      'topology.newcomer_ms': '10000',
      'topology.prune_interval_ms': '5000',
    });
    bearMany(net, nodes);
    const untilMs = minutes * 60_000;
    net.runUntil(SETTLED_MS);
    let lost = 0;
    for (let atMs = SETTLED_MS + PIECE_MS; atMs <= untilMs; atMs += PIECE_MS) {
      churn(net, `${seed} ${atMs}`, atMs, nodes, percent);
      lost = Math.max(lost, net.cutOff(SETTLED_MS));
      looks += 1;
    }
    if (lost > 0) apart += 1;
    pruned += net.ended.get('E_PRUNED') ?? 0;
    fewest.push(Math.min(...net.alive(SETTLED_MS).map((node) => net.peersOf(node).length)));
    if ((index + 1) % 10 === 0) run.tell(`${index + 1} runs, ${apart} came apart`);
  }
  return [
    { name: 'runs that came apart', unit: 'runs', value: apart, most: 0 },
    { name: 'looks at the whole network', unit: 'looks', value: looks },
    { name: 'sessions pruned', unit: 'a run', value: pruned / runs, least: 1 },
    { name: 'fewest links of a node at the end', unit: 'links', value: Math.min(...fewest), least: 1 },
  ];
}

function settle(run: ScenarioRun): readonly Figure[] {
  const nodes = run.value('nodes');
  const net = netOf(run.seed, {});
  bearMany(net, nodes);
  const untilMs = run.value('minutes') * 60_000;
  net.runUntil(Math.min(untilMs, 60_000));
  churn(net, run.seed, untilMs, nodes, run.value('churn'));
  const degrees = net.alive(60_000).map((node) => net.peersOf(node).length);
  return [
    { name: 'links, fewest', unit: 'links', value: quantile(degrees, 0), least: 50 },
    { name: 'links, median', unit: 'links', value: quantile(degrees, 0.5) },
    { name: 'links, most', unit: 'links', value: quantile(degrees, 1), most: run.value('most') },
    { name: 'sessions pruned', unit: 'sessions', value: net.ended.get('E_PRUNED') ?? 0 },
    { name: 'sessions refused for budget', unit: 'sessions', value: net.ended.get('E_BUDGET') ?? 0 },
    { name: 'sessions refused for region', unit: 'sessions', value: net.ended.get('E_REGION') ?? 0 },
  ];
}

/** A crowd in few subnets dials a few nodes again and again, as soon as each of them lets it. */
function swarm(run: ScenarioRun): readonly Figure[] {
  const nodes = run.value('nodes');
  const subnets = run.value('subnets');
  const targets = 10;
  const crowd = run.value('times') * run.value('inbound');
  const perSubnet = Math.ceil(crowd / subnets);
  const plan = splitPlan(nodes, spreadAddresses, (node) => sharedNetwork(`203.0.${Math.floor(node / perSubnet)}`)(node % perSubnet));
  const params = paramsBy({});
  const silent = worldParams('main', { 'topology.mode': 'passive' });
  const net = netOf(run.seed, {}, { address: plan, params: (node) => (node < nodes ? params(node) : silent) });
  bearMany(net, nodes);
  net.runUntil(30_000);
  const first = nodes;
  bearMany(net, crowd);
  let most = 0;
  let honest = Number.POSITIVE_INFINITY;
  for (let second = 0; second < run.value('seconds'); second++) {
    for (let one = 0; one < crowd; one++) net.dial(first + one, (one + second) % targets);
    net.runUntil(net.nowMs + 1_000);
    for (let target = 0; target < targets; target++) {
      const peers = net.peersOf(target);
      most = Math.max(most, peers.filter((peer) => peer >= first).length);
      honest = Math.min(honest, peers.filter((peer) => peer < first).length);
    }
  }
  // A node that looks for peers may also dial some of the crowd: it has heard of them in their hellos.
  const share = subnets * (silent['topology.subnet_inbound_max'] + silent['topology.subnet_outbound_max']);
  return [
    { name: 'identities in the crowd', unit: 'identities', value: crowd },
    { name: 'sessions of a node with the crowd, most', unit: 'sessions', value: most, most: share },
    {
      name: 'sessions of a node with others, fewest',
      unit: 'sessions',
      value: honest,
      least: silent['topology.connections_target'] - share,
    },
    { name: 'refused for their subnet', unit: 'sessions', value: net.ended.get('E_SUBNET') ?? 0, least: 1 },
  ];
}

const NODES = { name: 'nodes', meaning: 'nodes of the network', value: 500, range: [20, 10_000] } as const;
const CHURN = { name: 'churn', meaning: 'percent of the nodes that are replaced in a minute', value: 10, range: [0, 100] } as const;

export const scenarios: readonly Scenario[] = [
  {
    name: 'topology.partition',
    measures: 'whether networks come apart that prune as much as they may, by each strategy in turn (TOP-068)',
    parameters: [
      NODES,
      { name: 'runs', meaning: 'networks, one after the other', value: 200, range: [1, 10_000] },
      { name: 'minutes', meaning: 'how long each lives', value: 1, range: [0.5, 1_000] },
      CHURN,
      { name: 'high', meaning: 'sessions down to which nodes prune', value: 52, range: [50, 100] },
    ],
    run: partition,
  },
  {
    name: 'topology.settle',
    measures: 'how many links nodes have when they have found what they look for, with preset main',
    parameters: [
      NODES,
      { name: 'minutes', meaning: 'how long the network lives', value: 8, range: [1, 1_000] },
      { ...CHURN, value: 0 },
      { name: 'most', meaning: 'links that a node may have at the end', value: 80, range: [1, 1_000] },
    ],
    run: settle,
  },
  {
    name: 'topology.swarm',
    measures: 'what a crowd of identities from few subnets gets of the nodes that it dials (TOP-069)',
    parameters: [
      { ...NODES, value: 100 },
      { name: 'subnets', meaning: 'subnets of the crowd', value: 4, range: [1, 100] },
      { name: 'times', meaning: 'the crowd as a multiple of the inbound sessions of a node', value: 5, range: [1, 100] },
      { name: 'inbound', meaning: 'inbound sessions of a node', value: 40, range: [1, 1_000] },
      { name: 'seconds', meaning: 'how long the crowd dials', value: 120, range: [1, 10_000] },
    ],
    run: swarm,
  },
];
