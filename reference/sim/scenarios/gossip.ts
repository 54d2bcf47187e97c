/** How messages spread: how many nodes they reach, how soon, and what that costs. */
import { encodeUtf8 } from '../../core/bytes.ts';
import { createRng } from '../../core/rng.ts';
import { simulatedCrypto } from '../crypto.ts';
import { usualRegion } from '../regions.ts';
import { QUIET, World, worldParams } from '../world.ts';
import { type Figure, quantile, type Scenario, type ScenarioRun } from './scenario.ts';

function spread(run: ScenarioRun): readonly Figure[] {
  const nodes = run.value('nodes');
  const count = run.value('messages');
  const size = run.value('bytes');
  const world = new World({
    nodes,
    seed: run.seed,
    crypto: simulatedCrypto,
    params: worldParams('main', QUIET),
    region: usualRegion,
    links: { loss: run.value('loss') },
    trace: false,
  });
  world.connectRing(run.value('links'));
  // Active sets are chosen and the first announcements are made.
  world.runUntil(15_000);
  const before = world.traffic.bytes;
  const rng = createRng(encodeUtf8(run.seed)).fork('origins');
  const messages = Array.from({ length: count }, (_, index) => {
    world.runFor(250);
    return world.publish(rng.below(nodes), 'app/spread', encodeUtf8(`${index} `.padEnd(size, 'x')));
  });
  const reached = (): number => messages.reduce((sum, message) => sum + world.coverage(message).length, 0);
  run.tell(`published ${count} messages`);
  world.runWhile(() => reached() < count * (nodes - 1), world.nowMs + 30_000, 250);
  const delays = messages.flatMap((message) => world.coverage(message).map((delivery) => delivery.atMs - message.atMs));
  const bytes = world.traffic.bytes - before;
  return [
    { name: 'coverage', unit: '% of nodes and messages', value: (100 * delays.length) / (count * (nodes - 1)), least: 100 },
    { name: 'delay, median', unit: 'ms', value: quantile(delays, 0.5), most: 1_000 },
    { name: 'delay, 99 %', unit: 'ms', value: quantile(delays, 0.99), most: 3_000 },
    { name: 'delay, last', unit: 'ms', value: quantile(delays, 1) },
    { name: 'bytes for a delivery', unit: 'B', value: bytes / Math.max(1, delays.length) },
    { name: 'overhead', unit: '× the message', value: bytes / Math.max(1, delays.length) / size },
  ];
}

export const scenarios: readonly Scenario[] = [
  {
    name: 'gossip.spread',
    measures: 'coverage, delay and cost of messages in a network over six regions',
    parameters: [
      { name: 'nodes', meaning: 'nodes of the network', value: 300, range: [2, 10_000] },
      { name: 'links', meaning: 'links of chance that each node makes, over the two of the ring', value: 6, range: [0, 50] },
      { name: 'messages', meaning: 'messages, from nodes of chance, four a second', value: 40, range: [1, 10_000] },
      { name: 'bytes', meaning: 'size of a message', value: 512, range: [16, 32_000] },
      { name: 'loss', meaning: 'chance that a packet is lost', value: 0.01, range: [0, 0.5] },
    ],
    run: spread,
  },
];
