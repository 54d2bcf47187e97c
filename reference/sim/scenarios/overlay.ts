/** How strategies fare: what they cost, what is lost when supernodes die, whether they mix, and whether `auto` flaps. */
import { encodeUtf8 } from '../../core/bytes.ts';
import { createOverlay } from '../../core/overlay/machine.ts';
import { createRng, type Rng } from '../../core/rng.ts';
import type { LinkId, PeerId } from '../../core/types.ts';
import { simulatedCrypto } from '../crypto.ts';
import type { PublishedMessage } from '../deliveries.ts';
import { usualRegion } from '../regions.ts';
import { World, worldParams } from '../world.ts';
import { type Figure, quantile, type Scenario, type ScenarioRun } from './scenario.ts';

/** What is measured is chapters 05 and 09: nothing else is on, and nobody dials by itself. */
const ALONE = {
  'records.mode': 'off',
  'reconcile.mode': 'off',
  'dht.mode': 'off',
  'mempool.mode': 'off',
  'topology.mode': 'passive',
  'topology.connections_high': '256',
  'topology.connections_max': '256',
  'topology.budget_app_percent': '100',
  'session.sessions_max': '256',
  'overlay.leaves_max': '100',
  'score.colocation_threshold': '1000',
  'gossip.unstaked_per_s': '16',
  'gossip.seen_unstaked_capacity': '2048',
};

/** Times of minutes in place of hours, so that roles settle while one waits. */
const QUICK = { 'overlay.candidate_ms': '5000', 'overlay.observe_ms': '10000', 'overlay.observe_bytes_per_s': '2000' };

/** Who may become a supernode, and who never does. */
const ABLE = { 'overlay.uptime_ms_min': '10000', 'overlay.bytes_per_s_min': '200', 'overlay.connections_min': '12' };
const UNABLE = { 'overlay.connections_min': '60000' };

interface OverlayLook {
  readonly role: string;
  readonly attachments: number;
  readonly leaves: number;
  readonly links: readonly { readonly peer: string; readonly isAttached: boolean; readonly isTaken: boolean }[];
}

function look(world: World, node: number): OverlayLook {
  return world.view(node, 'overlay') as OverlayLook;
}

/** Links of a network with a core: the first `able` nodes among each other, every other one with some of them and its neighbours. */
function connectAround(world: World, rng: Rng, nodes: number, able: number, uplinks: number): void {
  for (let node = 0; node < able; node++) {
    const others = rng.shuffle(Array.from({ length: able }, (_, other) => other).filter((other) => other !== node));
    for (const other of [(node + 1) % able, ...others.slice(0, 6)]) if (other !== node) world.connect(node, other);
  }
  for (let node = able; node < nodes; node++) {
    const cores = rng.shuffle(Array.from({ length: able }, (_, core) => core)).slice(0, uplinks);
    for (const core of cores) world.connect(node, core);
    world.connect(node, node + 1 < nodes ? node + 1 : able);
  }
}

/** Publishes from nodes of chance that run, some a second. */
function publishSome(world: World, rng: Rng, count: number, everyMs: number, bytes: number, name: string): PublishedMessage[] {
  return Array.from({ length: count }, (_, index) => {
    world.runFor(everyMs);
    const origin = rng.pick(world.running()) ?? 0;
    return world.publish(origin, 'app/overlay', encodeUtf8(`${name} ${index} `.padEnd(bytes, 'x')));
  });
}

/** Deliveries that are missing at nodes that run, and the delays of the others. */
function outcomeOf(world: World, messages: readonly PublishedMessage[]): { readonly missing: number; readonly delays: readonly number[] } {
  const running = new Set(world.running());
  let missing = 0;
  const delays: number[] = [];
  for (const message of messages) {
    const reached = world.coverage(message).filter(({ node }) => running.has(node));
    delays.push(...reached.map(({ atMs }) => atMs - message.atMs));
    missing += running.size - (running.has(message.origin) ? 1 : 0) - reached.length;
  }
  return { missing, delays };
}

function supernodeWorld(run: ScenarioRun, strategyOf: (node: number) => string, ableCount: number): World {
  return new World({
    nodes: run.value('nodes'),
    seed: run.seed,
    crypto: simulatedCrypto,
    params: (node) =>
      worldParams('main', { ...ALONE, ...QUICK, ...(node < ableCount ? ABLE : UNABLE), 'overlay.strategy': strategyOf(node) }),
    region: usualRegion,
    links: { loss: run.value('loss') },
    trace: false,
  });
}

/** Lets roles settle: traffic shows who brings what. */
function settle(world: World, rng: Rng, run: ScenarioRun): void {
  for (let step = 0; step < 5; step++) {
    publishSome(world, rng, 10, 1_000, 300, `settle ${step}`);
    const roles = world.running().map((node) => look(world, node).role);
    run.tell(`${Math.round(world.nowMs / 1000)} s: ${roles.filter((role) => role === 'supernode').length} supernodes`);
  }
}

/** Waits until all messages are where they should be, at most half a minute. */
function drain(world: World, messages: readonly PublishedMessage[]): void {
  world.runFor(2_000);
  world.runWhile(() => outcomeOf(world, messages).missing > 0, world.nowMs + 30_000, 1_000);
}

function failover(run: ScenarioRun): readonly Figure[] {
  const nodes = run.value('nodes');
  const able = run.value('able');
  const rng = createRng(encodeUtf8(run.seed)).fork('failover');
  const world = supernodeWorld(run, () => 'supernode', able);
  connectAround(world, rng, nodes, able, run.value('uplinks'));
  settle(world, rng, run);

  const before = publishSome(world, rng, run.value('messages'), 250, 300, 'before');
  drain(world, before);
  const quiet = outcomeOf(world, before);

  const victims = new Set<number>();
  const watched: number[] = [];
  for (const leaf of rng.shuffle(Array.from({ length: nodes - able }, (_, index) => able + index))) {
    if (watched.length >= run.value('rounds')) break;
    const supernodes = look(world, leaf)
      .links.filter(({ isAttached }) => isAttached)
      .map(({ peer }) => world.nodeOf(peer as PeerId) ?? -1);
    const two = rng.shuffle(supernodes).slice(0, 2);
    // Any two of a leaf's three die; the third stays for this leaf.
    if (supernodes.length < 3 || two.some((node) => victims.has(node)) || supernodes.some((node) => victims.has(node))) continue;
    watched.push(leaf);
    for (const node of two) victims.add(node);
  }
  for (const node of victims) world.kill(node, { isSilent: run.value('silent') === 1 });
  const orphans = world.running().filter((node) => node >= able && look(world, node).attachments < 3);
  const killedMs = world.nowMs;
  run.tell(`killed ${victims.size} supernodes of ${watched.length} leaves; ${orphans.length} leaves lack one at once`);
  const meanwhile = publishSome(world, rng, 40, 250, 300, 'meanwhile');
  let recoveredMs = Number.MAX_SAFE_INTEGER;
  world.runWhile(
    () => {
      const lacking = world.running().filter((node) => node >= able && lacksLiving(world, node));
      if (lacking.length === 0) recoveredMs = Math.min(recoveredMs, world.nowMs - killedMs);
      return lacking.length > 0;
    },
    world.nowMs + 60_000,
    500,
  );
  const after = publishSome(world, rng, run.value('messages'), 250, 300, 'after');
  drain(world, [...meanwhile, ...after]);
  const during = outcomeOf(world, meanwhile);
  const settled = outcomeOf(world, after);
  const looks = world.running().map((node) => look(world, node));
  const leaves = looks.filter(({ role }) => role === 'leaf');
  return [
    { name: 'supernodes killed', unit: 'nodes', value: victims.size, least: 2 },
    { name: 'leaves that lost two of three', unit: 'leaves', value: watched.length, least: 1 },
    { name: 'missing before', unit: 'deliveries', value: quiet.missing, most: 0 },
    { name: 'missing, published during the failover', unit: 'deliveries', value: during.missing, most: 0 },
    { name: 'missing, published after the failover', unit: 'deliveries', value: settled.missing, most: 0 },
    { name: 'until every leaf has a living supernode again', unit: 'ms', value: recoveredMs, most: 60_000 },
    { name: 'delay before, median', unit: 'ms', value: quantile(quiet.delays, 0.5) },
    { name: 'delay before, 99 %', unit: 'ms', value: quantile(quiet.delays, 0.99) },
    { name: 'delay during the failover, 99 %', unit: 'ms', value: quantile(during.delays, 0.99) },
    { name: 'delay during the failover, last', unit: 'ms', value: quantile(during.delays, 1) },
    { name: 'delay after, median', unit: 'ms', value: quantile(settled.delays, 0.5) },
    { name: 'delay after, 99 %', unit: 'ms', value: quantile(settled.delays, 0.99) },
    { name: 'supernodes at the end', unit: 'nodes', value: looks.filter(({ role }) => role === 'supernode').length },
    { name: 'leaves of a supernode, most', unit: 'leaves', value: Math.max(...looks.map((one) => one.leaves)), most: 100 },
    {
      name: 'leaves with a supernode that has proved itself',
      unit: '%',
      value: (100 * leaves.filter(hasTaken).length) / Math.max(1, leaves.length),
    },
  ];
}

/** Whether none of a leaf's attachments is to a node that runs. */
function lacksLiving(world: World, node: number): boolean {
  const attached = look(world, node).links.filter(({ isAttached }) => isAttached);
  return !attached.some(({ peer }) => world.isRunning(world.nodeOf(peer as PeerId) ?? -1));
}

function hasTaken({ links }: OverlayLook): boolean {
  return links.some(({ isAttached, isTaken }) => isAttached && isTaken);
}

const STRATEGIES = ['naive', 'kademlia', 'supernode', 'auto'] as const;

function mixed(run: ScenarioRun): readonly Figure[] {
  const nodes = run.value('nodes');
  const able = run.value('able');
  const rng = createRng(encodeUtf8(run.seed)).fork('mixed');
  const world = supernodeWorld(run, (node) => STRATEGIES[node % STRATEGIES.length] ?? 'naive', able);
  connectAround(world, rng, nodes, able, run.value('uplinks'));
  settle(world, rng, run);
  const beforeBytes = world.traffic.bytes;
  const messages = publishSome(world, rng, run.value('messages'), 250, 300, 'mixed');
  drain(world, messages);
  const { missing, delays } = outcomeOf(world, messages);
  const roles = world.running().map((node) => look(world, node).role);
  const count = (role: string): number => roles.filter((one) => one === role).length;
  return [
    { name: 'missing', unit: 'deliveries', value: missing, most: 0 },
    {
      name: 'delivered twice',
      unit: 'deliveries',
      value: delays.length - new Set(messages.flatMap((message) => world.coverage(message).map(({ node, id }) => `${node} ${id}`))).size,
      most: 0,
    },
    { name: 'delay, median', unit: 'ms', value: quantile(delays, 0.5) },
    { name: 'delay, 99 %', unit: 'ms', value: quantile(delays, 0.99) },
    { name: 'delay, last', unit: 'ms', value: quantile(delays, 1) },
    { name: 'bytes for a delivery', unit: 'B', value: (world.traffic.bytes - beforeBytes) / Math.max(1, delays.length) },
    { name: 'nodes without a role', unit: 'nodes', value: count('none') },
    { name: 'supernodes', unit: 'nodes', value: count('supernode'), least: 1 },
    { name: 'leaves and candidates', unit: 'nodes', value: count('leaf') + count('candidate') },
  ];
}

function compare(run: ScenarioRun): readonly Figure[] {
  const nodes = run.value('nodes');
  const able = run.value('able');
  return (['off', 'naive', 'kademlia', 'supernode'] as const).flatMap((strategy) => {
    const rng = createRng(encodeUtf8(run.seed)).fork('compare');
    const world = supernodeWorld(run, () => strategy, able);
    connectAround(world, rng, nodes, able, run.value('uplinks'));
    settle(world, rng, run);
    const before = world.traffic.bytes;
    const messages = publishSome(world, rng, run.value('messages'), 250, 300, strategy);
    drain(world, messages);
    const { missing, delays } = outcomeOf(world, messages);
    run.tell(strategy);
    return [
      { name: `${strategy}: missing`, unit: 'deliveries', value: missing, most: 0 },
      { name: `${strategy}: delay, median`, unit: 'ms', value: quantile(delays, 0.5) },
      { name: `${strategy}: delay, 99 %`, unit: 'ms', value: quantile(delays, 0.99) },
      { name: `${strategy}: bytes for a delivery`, unit: 'B', value: (world.traffic.bytes - before) / Math.max(1, delays.length) },
    ];
  });
}

/** How often a node in `auto` changes while the size of its network moves by one around a threshold, looked at by every beat. */
function changesAround(run: ScenarioRun, threshold: number, start: number): number {
  const rng = createRng(encodeUtf8(run.seed)).fork(`auto ${threshold}`);
  const params = worldParams('main', { ...ALONE, 'overlay.strategy': 'auto' });
  let size = start;
  const overlay = createOverlay({
    params,
    crypto: simulatedCrypto,
    rng: rng.fork('node'),
    networkId: encodeUtf8('sim'),
    identitySeed: new Uint8Array(32).fill(7),
    self: '00'.repeat(32) as PeerId,
    networkSize: () => size,
    contactOf: () => undefined,
    serviceOf: () => undefined,
    isPruned: () => false,
    ownService: () => ({ carriedBytes: 0, accepted: 0, answered: 0, missed: 0 }),
  });
  const session = {
    type: 'sessionUp',
    link: 1 as LinkId,
    peer: '11'.repeat(32) as PeerId,
    publicKey: new Uint8Array(32),
    address: '192.0.2.1:7600',
    direction: 'inbound',
    capabilities: new Set(['gossip/1', 'overlay/1']),
    roles: 1,
    listenAddresses: [],
  } as const;
  overlay.handle(session, { monoMs: 0, wallMs: 0 });
  let changes = 0;
  const endMs = run.value('minutes') * 60_000;
  for (let nowMs = overlay.deadline() ?? endMs; nowMs < endMs; nowMs = overlay.deadline() ?? endMs) {
    size = threshold - 1 + rng.below(3);
    const effects = overlay.handle({ type: 'tick' }, { monoMs: nowMs, wallMs: nowMs });
    changes += effects.filter((effect) => effect.type === 'notice' && effect.notice.type === 'overlay.strategy').length;
  }
  return changes;
}

function automatic(run: ScenarioRun): readonly Figure[] {
  const { 'overlay.kademlia_at': kademliaAt, 'overlay.supernode_at': supernodeAt } = worldParams('main', {});
  const cases = [
    [kademliaAt, kademliaAt - 1],
    [supernodeAt, supernodeAt - 1],
    [(kademliaAt * 9) / 10, kademliaAt],
    [(supernodeAt * 9) / 10, supernodeAt],
  ] as const;
  // The one change is that across the threshold, or out of the band.
  return cases.map(([threshold, start]) => ({
    name: `changes around ${threshold} nodes, from ${start}`,
    unit: 'changes',
    value: changesAround(run, threshold, start),
    least: 1,
    most: 1,
  }));
}

const NETWORK = [
  { name: 'able', meaning: 'nodes that may become supernodes', value: 40, range: [4, 1_000] },
  { name: 'uplinks', meaning: 'links of every other node to some of them', value: 4, range: [1, 20] },
  { name: 'messages', meaning: 'messages that are measured, four a second', value: 40, range: [1, 10_000] },
  { name: 'loss', meaning: 'chance that a packet is lost', value: 0.01, range: [0, 0.5] },
] as const;

export const scenarios: readonly Scenario[] = [
  {
    name: 'overlay.failover',
    measures: 'what is lost, and for how long it is late, when two of three supernodes of some leaves die at once',
    parameters: [
      { name: 'nodes', meaning: 'nodes of the network', value: 1_000, range: [50, 10_000] },
      ...NETWORK,
      { name: 'rounds', meaning: 'leaves whose supernodes die', value: 5, range: [1, 100] },
      { name: 'silent', meaning: '1: the machines vanish and their links stay open; 0: the processes die', value: 1, range: [0, 1] },
    ],
    run: failover,
  },
  {
    name: 'overlay.mixed',
    measures: 'delivery in a network in which each strategy has a quarter of the nodes',
    parameters: [{ name: 'nodes', meaning: 'nodes of the network', value: 400, range: [40, 10_000] }, ...NETWORK],
    run: mixed,
  },
  {
    name: 'overlay.compare',
    measures: 'delay and cost of each strategy on one graph of links',
    parameters: [{ name: 'nodes', meaning: 'nodes of the network', value: 300, range: [40, 10_000] }, ...NETWORK],
    run: compare,
  },
  {
    name: 'overlay.auto',
    measures: 'how often strategy auto changes while the size of the network moves by one around its thresholds and the ends of its bands',
    parameters: [{ name: 'minutes', meaning: 'how long the size moves', value: 60, range: [1, 10_000] }],
    run: automatic,
  },
];
