/** What reconciliation costs: bytes for a difference between large sets, and what a peer that lies can make an asker spend. */
import { encodeUtf8, toHex } from '../../core/bytes.ts';
import type { Params } from '../../core/params.ts';
import { emptySymbols, encodeSymbols, expectedInStream } from '../../core/reconciliation/coded-symbols.ts';
import type { ReconcilableItem, ReconcilableSet, ReconciliationInput, ReconciliationOutput } from '../../core/reconciliation/contract.ts';
import { Decoder } from '../../core/reconciliation/decoder.ts';
import { createReconciliation, type ReconciliationMachine } from '../../core/reconciliation/machine.ts';
import { Salter } from '../../core/reconciliation/salted-set.ts';
import { SymbolStream } from '../../core/reconciliation/stream.ts';
import { createRng, type Rng } from '../../core/rng.ts';
import { CAPABILITY_RECONCILE, type LinkId, type MessageId, type PeerId } from '../../core/types.ts';
import {
  encodeFrame,
  KIND_FETCH_REPLY,
  KIND_FETCH_REQUEST,
  KIND_RANGE_REQUEST,
  KIND_SKETCH_REPLY,
  KIND_SKETCH_REQUEST,
} from '../../core/wire/frame.ts';
import { decodeSketchRequest, encodeSketchReply } from '../../core/wire/reconciliation-body.ts';
import { simulatedCrypto } from '../crypto.ts';
import { worldParams } from '../world.ts';
import { type Figure, quantile, type Scenario, type ScenarioRun } from './scenario.ts';

/** Items are their own ids. */
class IdSet implements ReconcilableSet {
  readonly name = 'records';
  readonly #ids: readonly MessageId[];

  constructor(ids: readonly MessageId[]) {
    this.#ids = ids;
  }

  size(): number {
    return this.#ids.length;
  }

  *items(): Iterable<ReconcilableItem> {
    for (const id of this.#ids) yield { id, timeMs: 0 };
  }

  bytesOf(id: MessageId): Uint8Array {
    return Uint8Array.from({ length: 32 }, (_, at) => Number.parseInt(id.slice(2 * at, 2 * at + 2), 16));
  }

  idOf(bytes: Uint8Array): MessageId {
    return toHex(bytes) as MessageId;
  }
}

function freshIds(rng: Rng, count: number): readonly MessageId[] {
  return Array.from({ length: count }, () => toHex(rng.bytes(32)) as MessageId);
}

const ZEROS = new Uint8Array(32);

function machineOf(params: Params, rng: Rng, ids: readonly MessageId[]): ReconciliationMachine {
  const machine = createReconciliation({
    params,
    crypto: simulatedCrypto,
    rng,
    networkId: ZEROS.slice(0, 1),
    identitySeed: ZEROS,
    self: toHex(ZEROS) as PeerId,
    sets: [new IdSet(ids)],
  });
  machine.handle(
    {
      type: 'sessionUp',
      link: 1 as LinkId,
      peer: toHex(ZEROS.map(() => 1)) as PeerId,
      publicKey: ZEROS,
      address: '',
      direction: 'outbound',
      capabilities: new Set([CAPABILITY_RECONCILE]),
      roles: 1,
      listenAddresses: [],
    },
    { monoMs: 0, wallMs: 0 },
  );
  return machine;
}

type Ask = Extract<ReconciliationOutput, { readonly type: 'ask' }>;

/** What one exchange came to. */
interface Exchanged {
  /** Frames of both directions up to the last symbol. */
  readonly sketchBytes: number;
  /** Frames that name and carry items. */
  readonly fetchBytes: number;
  readonly rounds: number;
  readonly symbols: number;
  readonly items: number;
  /** Whether it went over to ranges. */
  readonly fellBack: boolean;
}

/** One exchange of an asker, whose questions `answer` answers, until it asks no more. */
function exchange(
  asker: ReconciliationMachine,
  answer: (ask: Ask) => { readonly kind: number; readonly body: Uint8Array } | undefined,
): Exchanged {
  const nowMs = asker.deadline() ?? 0;
  const now = { monoMs: nowMs, wallMs: nowMs };
  let [sketchBytes, fetchBytes, rounds, symbols, items] = [0, 0, 0, 0, 0];
  let fellBack = false;
  let input: ReconciliationInput = { type: 'tick' };
  for (;;) {
    const outputs = asker.handle(input, now);
    for (const output of outputs) if (output.type === 'reconciled') items += output.items.length;
    const ask = outputs.find((output): output is Ask => output.type === 'ask');
    if (ask === undefined) return { sketchBytes, fetchBytes, rounds, symbols, items, fellBack };
    if (ask.kind === KIND_RANGE_REQUEST) fellBack = true;
    const reply = answer(ask);
    if (reply === undefined) return { sketchBytes, fetchBytes, rounds, symbols, items, fellBack: true };
    // The request ids of this implementation take five bytes.
    const bytes = encodeFrame(ask.kind, 2 ** 31, ask.body).length + encodeFrame(reply.kind, 2 ** 31, reply.body).length;
    if (ask.kind === KIND_FETCH_REQUEST) {
      fetchBytes += bytes;
    } else {
      sketchBytes += bytes;
      rounds += 1;
      const request = decodeSketchRequest(ask.body);
      if (request.ok) symbols = request.value.first + request.value.count;
    }
    input = { type: 'answered', ask: ask.ask, link: ask.link, kind: reply.kind, body: reply.body };
  }
}

/** Answers as a node does. */
function honest(answerer: ReconciliationMachine): Parameters<typeof exchange>[1] {
  let nowMs = 0;
  return ({ kind, body }) => {
    nowMs += 1;
    const outputs = answerer.handle({ type: 'frame', link: 1 as LinkId, kind, requestId: 1, body }, { monoMs: nowMs, wallMs: 0 });
    const found = outputs.find((output) => output.type === 'answer');
    return found?.type === 'answer' ? found : undefined;
  };
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** What the issue of the project asks of bytes for a difference. */
const BUDGETS: readonly (readonly [number, number])[] = [
  [10, 60],
  [100, 32],
  [1000, 28],
];

const cost: Scenario = {
  name: 'reconciliation.cost',
  measures:
    'bytes of both directions for a difference between two large sets, by sketches with short ids, until every difference is known; fetching apart',
  parameters: [
    { name: 'items', meaning: 'items of each set', value: 10_000, range: [1000, 16_000] },
    { name: 'seeds', meaning: 'exchanges for each number of differences', value: 200, range: [1, 10_000] },
  ],
  run: (run: ScenarioRun): readonly Figure[] => {
    const params = worldParams('main', {});
    const figures: Figure[] = [];
    for (const [differences, most] of BUDGETS) {
      const results: Exchanged[] = [];
      let failures = 0;
      for (let seed = 0; seed < run.value('seeds'); seed++) {
        const rng = createRng(encodeUtf8(`${run.seed} ${differences} ${seed}`));
        const half = differences / 2;
        const shared = freshIds(rng, run.value('items') - half);
        const asker = machineOf(params, rng.fork('asker'), [...shared, ...freshIds(rng, half)]);
        const answerer = machineOf(params, rng.fork('answerer'), [...shared, ...freshIds(rng, half)]);
        const result = exchange(asker, honest(answerer));
        results.push(result);
        if (result.fellBack || result.items !== half) failures += 1;
      }
      const perDifference = results.map(({ sketchBytes }) => sketchBytes / differences);
      const name = `${differences} differences`;
      figures.push(
        { name: `${name}: bytes a difference, mean`, unit: 'bytes', value: mean(perDifference), most },
        { name: `${name}: bytes a difference, p99`, unit: 'bytes', value: quantile(perDifference, 0.99) },
        { name: `${name}: symbols a difference, mean`, unit: 'symbols', value: mean(results.map(({ symbols }) => symbols / differences)) },
        { name: `${name}: round trips, mean`, unit: 'round trips', value: mean(results.map(({ rounds }) => rounds)) },
        {
          name: `${name}: fetching, apart from the items`,
          unit: 'bytes an item',
          value: mean(results.map((r) => (r.fetchBytes - 32 * r.items) / Math.max(1, r.items))),
        },
        { name: `${name}: exchanges that did not decode`, unit: 'exchanges', value: failures, most: 0 },
      );
      run.tell(`${name}: ${mean(perDifference).toFixed(1)} bytes each`);
    }
    return figures;
  },
};

/** Answers that no set gives: chance, counts that look pure, honest symbols with some of them changed. */
function lie(rng: Rng, kind: number, size: number, first: number, count: number, salt: Uint8Array): Uint8Array {
  const symbols = emptySymbols(count);
  const salter = new Salter(salt);
  for (let at = 0; at < count; at++) {
    const [low, high] = [rng.below(2 ** 32), rng.below(2 ** 32)];
    const check = salter.checksum(low, high);
    symbols.sumLow[at] = low;
    symbols.sumHigh[at] = high;
    symbols.checkLow[at] = kind === 0 ? rng.below(2 ** 32) : check.low;
    symbols.checkHigh[at] = kind === 0 ? rng.below(2 ** 16) : check.high & 0xffff;
    // Counts like those of an equal set keep the asker's estimate low, so that it goes on asking.
    symbols.count[at] = kind === 2 ? 1 : Math.floor((2 * size) / (first + at + 2));
  }
  return encodeSymbols(symbols, expectedInStream(size, first));
}

const hostile: Scenario = {
  name: 'reconciliation.hostile',
  measures: 'symbols, bytes and steps of peeling that an asker spends on an answerer whose sketches are lies',
  parameters: [{ name: 'seeds', meaning: 'liars of each kind', value: 50, range: [1, 10_000] }],
  run: (run) => {
    const params = worldParams('main', {});
    const cap = 3 * params['reconcile.differences_max'] + 64;
    let [symbolsMost, bytesMost, stepsMost, itemsMost] = [0, 0, 0, 0];
    for (let seed = 0; seed < run.value('seeds'); seed++) {
      const rng = createRng(encodeUtf8(`${run.seed} ${seed}`));
      const ids = freshIds(rng, 2000);
      for (const kind of [0, 1, 2]) {
        const size = kind === 2 ? 1 : ids.length;
        const asker = machineOf(params, rng.fork(`asker ${kind}`), kind === 2 ? [] : ids);
        const result = exchange(asker, (ask) => {
          if (ask.kind === KIND_FETCH_REQUEST) return { kind: KIND_FETCH_REPLY, body: new Uint8Array(0) };
          const request = ask.kind === KIND_SKETCH_REQUEST ? decodeSketchRequest(ask.body) : undefined;
          if (request?.ok !== true) return undefined;
          const { first, count, salt } = request.value;
          return {
            kind: KIND_SKETCH_REPLY,
            body: encodeSketchReply({ outcome: 0, size: BigInt(size), symbols: lie(rng, kind, size, first, count, salt) }),
          };
        });
        symbolsMost = Math.max(symbolsMost, result.symbols);
        bytesMost = Math.max(bytesMost, result.sketchBytes);
        itemsMost = Math.max(itemsMost, result.items);
      }
      stepsMost = Math.max(stepsMost, stepsOf(rng, cap, params));
    }
    return [
      { name: 'symbols asked for, most', unit: 'symbols', value: symbolsMost, most: cap },
      { name: 'bytes of both directions, most', unit: 'bytes', value: bytesMost, most: cap * 19 + 4096 },
      { name: 'steps of peeling for each symbol, most', unit: 'steps', value: stepsMost, most: params['reconcile.steps_per_symbol'] + 1 },
      { name: 'items taken over, most', unit: 'items', value: itemsMost, most: 0 },
    ];
  },
};

/** Steps a symbol of a sketch up to the cap, in which symbols of many differences were changed. */
function stepsOf(rng: Rng, cap: number, params: Params): number {
  const salt = rng.bytes(16);
  const salter = new Salter(salt);
  const theirs = new SymbolStream(salter.saltAll(Array.from({ length: 2048 }, () => rng.bytes(32)))).take(cap).symbols;
  for (let hit = 0; hit < 16; hit++) {
    const at = rng.below(cap);
    theirs.count[at] = (theirs.count[at] ?? 0) + 1;
    theirs.sumLow[at] = (theirs.sumLow[at] ?? 0) ^ rng.below(2 ** 32);
  }
  const decoder = new Decoder(salt, salter.saltAll([]), { stepsPerSymbol: params['reconcile.steps_per_symbol'] });
  decoder.add(theirs);
  return decoder.steps / cap;
}

/** The scenarios of chapter 07. */
export const scenarios: readonly Scenario[] = [cost, hostile];
