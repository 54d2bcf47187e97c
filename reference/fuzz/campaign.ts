/** A campaign: node after node, each under one generator for a while, until the inputs are spent. */
import { createHash } from 'node:crypto';
import type { PresetName } from '../core/params.ts';
import { createRng, type Rng } from '../core/rng.ts';
import { Arena } from './arena.ts';
import type { Failure } from './failure.ts';
import { createGenerator, GENERATOR_NAMES, type GeneratorName } from './generators.ts';
import { oneIn, pick } from './mutation.ts';
import { makeStock, type Stock } from './stock.ts';
import { type Fault, type MakeNode, Subject, SubjectFailure, type SubjectOptions, WALL_START_MS } from './subject.ts';

/** What a campaign is to do. */
export interface CampaignOptions {
  readonly inputs: number;
  /** Hexadecimal, of any length. */
  readonly seed: string;
  readonly only?: GeneratorName;
  /** Real time after which no further batch begins; none if absent. */
  readonly timeLimitMs?: number;
  /** Told of each failure. */
  readonly onFailure: (failure: Failure) => void;
  /** Tests put another node in the place of the core's. */
  readonly makeNode?: MakeNode;
}

/** What one generator did. */
export interface GeneratorCount {
  inputs: number;
  nodes: number;
  throws: number;
  starved: number;
}

/** What a campaign did. */
export interface CampaignResult {
  readonly inputs: number;
  readonly throws: number;
  readonly starved: number;
  readonly byGenerator: Readonly<Partial<Record<GeneratorName, GeneratorCount>>>;
  readonly durationMs: number;
  /** Whether the time limit came before the last input. */
  readonly isCutShort: boolean;
}

/** Hostile inputs that one node gets, and those between two looks at the bystander. */
const INPUTS_PER_NODE = 400;
const INPUTS_PER_BATCH = 50;

/** How often each generator has its turn in a round; a handshake costs most time. */
const ROUND: readonly GeneratorName[] = [
  'bytes',
  'frames',
  'bodies',
  'objects',
  'sequences',
  'handshake',
  'datagrams',
  'bodies',
  'frames',
  'objects',
  'sequences',
];

const PRESET_CHOICE: readonly PresetName[] = ['conformance', 'conformance', 'main', 'tower', 'chat', 'devnet'];

function seedOfNode(seed: string, generator: GeneratorName, node: number): Uint8Array {
  return Uint8Array.from(createHash('sha256').update(`${seed} ${generator} ${node}`).digest());
}

function someOptions(rng: Rng, stock: Stock): SubjectOptions {
  const isStaked = oneIn(rng, 2);
  const stakes = isStaked ? stock.origins.filter(() => oneIn(rng, 2)).map((peer) => [peer, String(rng.below(1000))]) : [];
  return {
    preset: pick(rng, PRESET_CHOICE),
    applicationValidation: oneIn(rng, 3),
    stakes: Object.fromEntries(stakes),
    seed: Buffer.from(rng.bytes(32)).toString('hex'),
  };
}

/** Spends the inputs. Each node depends on the seed, its generator and its number only. */
export function runCampaign(options: CampaignOptions): CampaignResult {
  const startMs = performance.now();
  const stock = makeStock(WALL_START_MS);
  const byGenerator: Partial<Record<GeneratorName, GeneratorCount>> = {};
  const round = options.only === undefined ? ROUND : [options.only];
  const isLate = (): boolean => options.timeLimitMs !== undefined && performance.now() - startMs >= options.timeLimitMs;
  let inputs = 0;
  for (let turn = 0; inputs < options.inputs && !isLate(); turn++) {
    const generator = round[turn % round.length] ?? 'bytes';
    const count = byGenerator[generator] ?? { inputs: 0, nodes: 0, throws: 0, starved: 0 };
    byGenerator[generator] = count;
    const budget = Math.min(INPUTS_PER_NODE, options.inputs - inputs);
    const node = attack(options, stock, generator, count.nodes, budget, isLate);
    count.nodes += 1;
    count.inputs += node.inputs;
    inputs += node.inputs;
    if (node.fault?.kind === 'throw') count.throws += 1;
    if (node.fault?.kind === 'starved') count.starved += 1;
  }
  const counts = GENERATOR_NAMES.flatMap((name) => byGenerator[name] ?? []);
  const sum = (of: (count: GeneratorCount) => number): number => counts.reduce((total, count) => total + of(count), 0);
  return {
    inputs,
    throws: sum((count) => count.throws),
    starved: sum((count) => count.starved),
    byGenerator,
    durationMs: Math.round(performance.now() - startMs),
    isCutShort: inputs < options.inputs,
  };
}

/** One node's turn: it ends with the budget or with a fault. */
function attack(
  campaign: CampaignOptions,
  stock: Stock,
  generator: GeneratorName,
  node: number,
  budget: number,
  isLate: () => boolean,
): { readonly inputs: number; readonly fault: Fault | undefined } {
  const rng = createRng(seedOfNode(campaign.seed, generator, node));
  const options = someOptions(rng.fork('options'), stock);
  let subject: Subject | undefined;
  let arena: Arena | undefined;
  try {
    subject = new Subject(options, campaign.makeNode);
    arena = new Arena(subject, rng.fork('inputs'), stock);
    const generate = createGenerator(generator, arena);
    let checkAt = INPUTS_PER_BATCH;
    while (arena.inputs < budget) {
      generate();
      if (arena.inputs < checkAt && arena.inputs < budget) continue;
      checkAt = arena.inputs + INPUTS_PER_BATCH;
      subject.checkService();
      if (isLate()) break;
    }
    return { inputs: arena.inputs, fault: undefined };
  } catch (error) {
    if (!(error instanceof SubjectFailure)) throw error;
    const input = arena?.inputs ?? 0;
    const { fault } = error;
    campaign.onFailure({ generator, seed: campaign.seed, node, input, fault, options, steps: subject?.steps ?? [] });
    return { inputs: input, fault };
  }
}
