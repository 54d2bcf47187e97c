/** The asker's side: one exchange from its first request to its last item. */
import { copyBytes } from '../bytes.ts';
import type { ClauseId, ErrorName, MessageId, MonoMs } from '../types.ts';
import type { Decoded } from '../wire/body.ts';
import {
  KIND_FETCH_REPLY,
  KIND_FETCH_REQUEST,
  KIND_RANGE_REPLY,
  KIND_RANGE_REQUEST,
  KIND_SKETCH_REPLY,
  KIND_SKETCH_REQUEST,
} from '../wire/frame.ts';
import {
  decodeFetchReply,
  decodeRangeReply,
  decodeSketchReply,
  encodeFetchRequest,
  encodeRangeRequest,
  encodeSketchRequest,
  OUTCOME_OK,
  OUTCOME_SAME,
  OUTCOME_TOO_LARGE,
  SALT_BYTES,
} from '../wire/reconciliation-body.ts';
import { digestOf } from './answering.ts';
import { nextBatch } from './batch.ts';
import { decodeSymbols, expectedInStream, expectedInTable } from './coded-symbols.ts';
import { Decoder, type Difference } from './decoder.ts';
import { continueRanges, isSingleFingerprint, openRanges } from './ranges.ts';
import { type SaltedSet, Salter, shortIdBytes, shortKey } from './salted-set.ts';
import { bitsFor, bytesOfId, idsWithin, type Partition, PREFIX_BITS_MAX, setNumber, timedItems } from './sets.ts';
import { distrust, type Exchange, type Pairing, type Phase, type ReconciliationState, type ReconcilingLink } from './state.ts';
import { decodeTable } from './table.ts';

type PhaseOf<T extends Phase['type']> = Extract<Phase, { readonly type: T }>;

/** How an exchange ended. */
export type Ending = 'same' | 'found' | 'refused' | 'silent' | 'failed' | 'tableFailed' | 'largeDifference' | 'over';

/** Puts the next request of an exchange. */
function put(state: ReconciliationState, exchange: Exchange, kind: number, body: Uint8Array): void {
  state.exchanges.delete(exchange.ask);
  state.asks += 1;
  exchange.ask = state.asks as Exchange['ask'];
  state.exchanges.set(exchange.ask, exchange);
  const timeoutMs = state.options.params['reconcile.timeout_ms'];
  state.out.push({ type: 'ask', ask: exchange.ask, link: exchange.link.link, kind, body, timeoutMs });
}

/** Begins an exchange. Spec: RCN-010, RCN-011, RCN-036 */
export function begin(state: ReconciliationState, link: ReconcilingLink, pairing: Pairing, nowMs: MonoMs): void {
  const { params, crypto } = state.options;
  state.counts.exchanges += 1;
  const common = { link, pairing, beganMs: nowMs, ask: 0 as Exchange['ask'] };
  if (pairing.useRanges) {
    const side = { crypto, items: timedItems(pairing.set), messageBytesMax: params['reconcile.range_bytes_max'] };
    const message = openRanges(side);
    const phase: Phase = { type: 'ranges', side, needed: new Set(), messages: 0, wasOpening: true };
    askRanges(state, { ...common, phase }, phase, message);
    return;
  }
  pairing.prefixBits = Math.max(pairing.prefixBits, bitsFor(pairing.set.size(), params['reconcile.partition_items_max']));
  pairing.prefix %= 2 ** pairing.prefixBits;
  const partition = { prefixBits: pairing.prefixBits, prefix: pairing.prefix };
  if (link.hasTables) {
    beginTable(state, common, partition, pairing.retry?.cells ?? FIRST_CELLS);
    return;
  }
  const { salt, own } = saltedPartition(state, pairing, partition);
  const decoder = new Decoder(salt, own, { stepsPerSymbol: params['reconcile.steps_per_symbol'] });
  const phase: PhaseOf<'sketch'> = { type: 'sketch', salt, partition, decoder, size: undefined, asked: 0 };
  askSymbols(state, { ...common, phase }, phase, digestOf(own));
}

function saltedPartition(
  state: ReconciliationState,
  { set }: Pairing,
  partition: Partition,
): { readonly salt: Uint8Array; readonly own: SaltedSet } {
  const salt = state.options.rng.bytes(SALT_BYTES);
  return { salt, own: new Salter(salt).saltAll(idsWithin(set, partition).map(bytesOfId)) };
}

function beginTable(state: ReconciliationState, common: Omit<Exchange, 'phase'>, partition: Partition, cells: number): void {
  const { salt, own } = saltedPartition(state, common.pairing, partition);
  const phase: Phase = { type: 'table', salt, partition, own, cells };
  const set = setNumber(common.pairing.set.name);
  const body = encodeSketchRequest({ set, salt, ...partition, first: 0, count: 0, digest: digestOf(own), cells });
  put(state, { ...common, phase }, KIND_SKETCH_REQUEST, body);
}

/** Asks for the first or the next symbols. Spec: RCN-011, RCN-013 */
function askSymbols(state: ReconciliationState, exchange: Exchange, phase: PhaseOf<'sketch'>, digest: Uint8Array | undefined): void {
  const { params } = state.options;
  phase.asked = nextBatch({
    have: phase.decoder.size,
    estimate: phase.decoder.estimate,
    firstSymbols: params['reconcile.first_symbols'],
    batchMax: params['reconcile.batch_symbols_max'],
    cap: symbolCap(state),
  });
  const { salt, partition, decoder } = phase;
  const set = setNumber(exchange.pairing.set.name);
  const body = encodeSketchRequest({ set, salt, ...partition, first: decoder.size, count: phase.asked, digest, cells: 0 });
  put(state, exchange, KIND_SKETCH_REQUEST, body);
}

/** Symbols that are asked for at most. Spec: RCN-033 */
function symbolCap(state: ReconciliationState): number {
  return 3 * state.options.params['reconcile.differences_max'] + 64;
}

function askRanges(state: ReconciliationState, exchange: Exchange, phase: PhaseOf<'ranges'>, message: Uint8Array): void {
  phase.messages += 1;
  phase.wasOpening = !isSingleFingerprint(message);
  put(state, exchange, KIND_RANGE_REQUEST, encodeRangeRequest({ set: setNumber(exchange.pairing.set.name), message }));
}

/** Takes an answer; gives how the exchange ended, or undefined when it goes on. */
export function takeReply(
  state: ReconciliationState,
  exchange: Exchange,
  kind: number,
  body: Uint8Array,
  nowMs: MonoMs,
): Ending | undefined {
  const { phase } = exchange;
  if (kind === KIND_SKETCH_REPLY && phase.type === 'sketch') return takeSymbols(state, exchange, phase, body, nowMs);
  if (kind === KIND_SKETCH_REPLY && phase.type === 'table') return takeTable(state, exchange, phase, body, nowMs);
  if (kind === KIND_RANGE_REPLY && phase.type === 'ranges') return takeRanges(state, exchange, phase, body, nowMs);
  if (kind === KIND_FETCH_REPLY && phase.type === 'fetch') return takeItems(state, exchange, phase, body, nowMs);
  return 'over';
}

/** Closes the session for what no honest peer sends. Spec: RCN-025, RCN-045, RCN-048, RCN-078, RCN-079 */
function refuse(state: ReconciliationState, { link }: Exchange, fault: { readonly code: ErrorName; readonly clause: ClauseId }): Ending {
  state.out.push({ type: 'closeSession', link: link.link, code: fault.code, clause: fault.clause });
  distrust(state, link.peer, fault, state.nowMs);
  return 'over';
}

function read<T>(
  state: ReconciliationState,
  exchange: Exchange,
  body: Uint8Array,
  decode: (body: Uint8Array) => Decoded<T>,
): T | undefined {
  const decoded = decode(body);
  if (decoded.ok) return decoded.value;
  refuse(state, exchange, decoded);
  return undefined;
}

/** What an outcome other than an answer ends. Spec: RCN-019 */
function outcomeEnding(state: ReconciliationState, { pairing }: Exchange, partition: Partition, outcome: number, size: bigint): Ending {
  if (outcome === OUTCOME_SAME) return 'same';
  if (outcome !== OUTCOME_TOO_LARGE) return 'refused';
  const items = size > 2n ** 40n ? 2 ** 40 : Number(size);
  const more = Math.max(1, bitsFor(items, state.options.params['reconcile.partition_items_max']));
  pairing.prefixBits = Math.min(PREFIX_BITS_MAX, partition.prefixBits + more);
  pairing.prefix = 0;
  return 'refused';
}

function takeSymbols(
  state: ReconciliationState,
  exchange: Exchange,
  phase: PhaseOf<'sketch'>,
  body: Uint8Array,
  nowMs: MonoMs,
): Ending | undefined {
  const reply = read(state, exchange, body, decodeSketchReply);
  if (reply === undefined) return 'over';
  if (reply.outcome !== OUTCOME_OK) return outcomeEnding(state, exchange, phase.partition, reply.outcome, reply.size);
  const { decoder } = phase;
  const size = Number(reply.size);
  const isSize = reply.size < 2n ** 31n && (phase.size === undefined || phase.size === size);
  const symbols = isSize ? decodeSymbols(reply.symbols, phase.asked, size, expectedInStream(size, decoder.size)) : undefined;
  if (symbols === undefined) return refuse(state, exchange, { code: 'E_MALFORMED', clause: 'RCN-025' });
  phase.size = size;
  const standing = decoder.add(symbols);
  if (standing === 'decoded') return fetchDifferences(state, exchange, phase.salt, decoder.differences, nowMs);
  if (standing === 'failed') return 'failed';
  // Far more differences than sketches are for: ranges are cheaper than going on to the cap.
  if (decoder.estimate > 2 * state.options.params['reconcile.differences_max']) return 'largeDifference';
  if (decoder.size >= symbolCap(state)) return 'failed';
  askSymbols(state, exchange, phase, undefined);
  return undefined;
}

/** Spec: RCN-063, RCN-064 */
function takeTable(
  state: ReconciliationState,
  exchange: Exchange,
  phase: PhaseOf<'table'>,
  body: Uint8Array,
  nowMs: MonoMs,
): Ending | undefined {
  const reply = read(state, exchange, body, decodeSketchReply);
  if (reply === undefined) return 'over';
  const { cells, partition } = phase;
  if (reply.outcome !== OUTCOME_OK) return outcomeEnding(state, exchange, partition, reply.outcome, reply.size);
  const size = Number(reply.size);
  const table = reply.size < 2n ** 29n ? decodeSymbols(reply.symbols, cells, size, expectedInTable(size, cells)) : undefined;
  if (table === undefined) return refuse(state, exchange, { code: 'E_MALFORMED', clause: 'RCN-025' });
  const found = decodeTable(phase.salt, phase.own, table);
  if (found !== undefined) {
    exchange.pairing.retry = undefined;
    return fetchDifferences(state, exchange, phase.salt, found, nowMs);
  }
  const tables = (exchange.pairing.retry?.tables ?? 0) + 1;
  const isLast = tables === TABLES_MAX || 2 * cells > state.options.params['reconcile.batch_symbols_max'];
  exchange.pairing.retry = isLast ? undefined : { cells: 2 * cells, tables };
  return isLast ? 'failed' : 'tableFailed';
}

/** Cells of a first table: enough for 32 differences. */
const FIRST_CELLS = 96;

/** A table and two larger ones. Spec: RCN-064 */
const TABLES_MAX = 3;

function fetchDifferences(
  state: ReconciliationState,
  exchange: Exchange,
  salt: Uint8Array,
  found: readonly Difference[],
  nowMs: MonoMs,
): Ending | undefined {
  state.counts.decoded += 1;
  const missing = found.filter(({ sign }) => sign === 1).map(({ low, high }) => shortKey(low, high));
  return fetch(state, exchange, copyBytes(salt), missing, nowMs);
}

/** Spec: RCN-076, RCN-077, RCN-081 */
function takeRanges(
  state: ReconciliationState,
  exchange: Exchange,
  phase: PhaseOf<'ranges'>,
  body: Uint8Array,
  nowMs: MonoMs,
): Ending | undefined {
  const reply = read(state, exchange, body, decodeRangeReply);
  if (reply === undefined) return 'over';
  if (reply.outcome !== OUTCOME_OK) return 'refused';
  const progress = continueRanges(phase.side, reply.message);
  if (typeof progress === 'string') return refuse(state, exchange, { code: 'E_MALFORMED', clause: progress });
  for (const id of progress.need) phase.needed.add(id);
  if (progress.next === undefined) {
    state.counts.decoded += 1;
    return fetch(state, exchange, undefined, [...phase.needed], nowMs);
  }
  const isEcho = phase.wasOpening && isSingleFingerprint(reply.message);
  if (isEcho || phase.messages >= state.options.params['reconcile.range_rounds_max']) return 'failed';
  askRanges(state, exchange, phase, progress.next);
  return undefined;
}

/** Begins to fetch, or ends when nothing lacks. Spec: RCN-040 */
function fetch(
  state: ReconciliationState,
  exchange: Exchange,
  salt: Uint8Array | undefined,
  missing: readonly string[],
  nowMs: MonoMs,
): Ending | undefined {
  const phase: PhaseOf<'fetch'> = { type: 'fetch', salt, missing: new Set(missing), asked: new Set(), items: 0 };
  forgetUnwanted(exchange, phase, nowMs);
  if (phase.missing.size === 0) return 'same';
  exchange.phase = phase;
  askItems(state, exchange, phase);
  return undefined;
}

/** Takes out of what lacks whatever has come in since the exchange began, or would not be taken. Spec: MEM-037 */
function forgetUnwanted({ pairing, beganMs }: Exchange, { missing, salt }: PhaseOf<'fetch'>, nowMs: MonoMs): void {
  if (missing.size === 0) return;
  const unwanted = pairing.set.unwanted?.(beganMs, nowMs) ?? [];
  const salter = salt === undefined ? undefined : new Salter(salt);
  for (const id of unwanted) missing.delete(salter === undefined ? id : shortKeyOf(salter, id));
}

function askItems(state: ReconciliationState, exchange: Exchange, phase: PhaseOf<'fetch'>): void {
  const asked = [...phase.missing].slice(0, state.options.params['reconcile.items_max']);
  phase.asked = new Set(asked);
  const set = setNumber(exchange.pairing.set.name);
  const bytes = asked.map((key) => (phase.salt === undefined ? bytesOfId(key as MessageId) : shortFromKey(key)));
  const body = encodeFetchRequest(phase.salt === undefined ? { set, shortIds: [], ids: bytes } : { set, shortIds: bytes, ids: [] });
  put(state, exchange, KIND_FETCH_REQUEST, body);
}

function shortFromKey(key: string): Uint8Array {
  return shortIdBytes(Number.parseInt(key.slice(8), 16), Number.parseInt(key.slice(0, 8), 16));
}

/** Spec: RCN-045 to RCN-047 */
function takeItems(
  state: ReconciliationState,
  exchange: Exchange,
  phase: PhaseOf<'fetch'>,
  body: Uint8Array,
  nowMs: MonoMs,
): Ending | undefined {
  const reply = read(state, exchange, body, decodeFetchReply);
  if (reply === undefined) return 'over';
  if (reply.outcome !== OUTCOME_OK) return 'refused';
  const { set } = exchange.pairing;
  const salter = phase.salt === undefined ? undefined : new Salter(phase.salt);
  const came = new Set<string>();
  for (const item of reply.items) {
    const id = set.idOf(item);
    const key = id === undefined ? undefined : salter === undefined ? id : shortKeyOf(salter, id);
    if (key === undefined || !phase.asked.has(key) || came.has(key))
      return refuse(state, exchange, { code: 'E_MALFORMED', clause: 'RCN-045' });
    came.add(key);
  }
  if (reply.items.length === 0) return phase.items > 0 ? 'found' : 'refused';
  phase.items += reply.items.length;
  state.counts.items += reply.items.length;
  state.out.push({ type: 'reconciled', set: set.name, link: exchange.link.link, items: reply.items });
  // What did not come goes behind what was not asked for yet.
  for (const key of phase.asked) {
    phase.missing.delete(key);
    if (!came.has(key)) phase.missing.add(key);
  }
  forgetUnwanted(exchange, phase, nowMs);
  const isOver = nowMs - exchange.beganMs >= state.options.params['reconcile.exchange_ms_max'];
  if (phase.missing.size === 0 || isOver) return 'found';
  askItems(state, exchange, phase);
  return undefined;
}

function shortKeyOf(salter: Salter, id: MessageId): string {
  const { shortLow, shortHigh } = salter.saltAll([bytesOfId(id)]);
  return shortKey(shortLow[0] as number, shortHigh[0] as number);
}
