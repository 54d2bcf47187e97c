/** The answerer's side: sketches, tables, ranges and items, each from the set as it stands. */
import { copyBytes, equalBytes, toHex } from '../bytes.ts';
import type { ClauseId, ErrorName, MessageId, MonoMs } from '../types.ts';
import type { Decoded } from '../wire/body.ts';
import { KIND_FETCH_REPLY, KIND_RANGE_REPLY, KIND_SKETCH_REPLY } from '../wire/frame.ts';
import {
  decodeFetchRequest,
  decodeRangeRequest,
  decodeSketchRequest,
  encodeFetchReply,
  encodeRangeReply,
  encodeSketchReply,
  OUTCOME_BUSY,
  OUTCOME_GONE,
  OUTCOME_NO_SET,
  OUTCOME_OK,
  OUTCOME_SAME,
  OUTCOME_TOO_LARGE,
  type SketchReply,
  type SketchRequest,
} from '../wire/reconciliation-body.ts';
import { encodeSymbols, expectedInStream, expectedInTable } from './coded-symbols.ts';
import type { ReconcilableSet } from './contract.ts';
import { INDEX_END } from './mapping.ts';
import { answerRanges } from './ranges.ts';
import { type SaltedSet, Salter, ShortIdIndex, shortIdBytes } from './salted-set.ts';
import { bytesOfId, idsWithin, PREFIX_BITS_MAX, setNumber, timedItems } from './sets.ts';
import type { KeptSketch, ReconciliationState, ReconcilingLink } from './state.ts';
import { SymbolStream } from './stream.ts';
import { makeTable } from './table.ts';

/** A request of a peer. */
export interface Asked {
  readonly link: ReconcilingLink;
  readonly requestId: number;
  readonly body: Uint8Array;
}

function close(state: ReconciliationState, link: ReconcilingLink, fault: { readonly code: ErrorName; readonly clause: ClauseId }): void {
  state.out.push({ type: 'closeSession', link: link.link, code: fault.code, clause: fault.clause });
}

function answer(state: ReconciliationState, { link, requestId }: Asked, kind: number, body: Uint8Array): void {
  state.out.push({ type: 'answer', link: link.link, requestId, kind, body });
}

/** Gives the value of a body, or closes on its fault. */
function read<T>(state: ReconciliationState, { link, body }: Asked, decode: (body: Uint8Array) => Decoded<T>): T | undefined {
  const decoded = decode(body);
  if (decoded.ok) return decoded.value;
  close(state, link, decoded);
  return undefined;
}

function setOf(state: ReconciliationState, number: number): ReconcilableSet | undefined {
  return state.options.sets.find(({ name }) => setNumber(name) === number);
}

/** Spec: RCN-020 to RCN-024, RCN-026 to RCN-029, RCN-065 */
export function answerSketch(state: ReconciliationState, asked: Asked, nowMs: MonoMs): void {
  const request = read(state, asked, decodeSketchRequest);
  if (request === undefined) return;
  const fault = requestFault(state, asked.link, request);
  if (fault !== undefined) {
    close(state, asked.link, fault);
    return;
  }
  const { outcome, size = 0n, symbols = new Uint8Array(0) } = sketch(state, asked.link, request, nowMs);
  answer(state, asked, KIND_SKETCH_REPLY, encodeSketchReply({ outcome, size, symbols }));
}

/** What makes a request one that no node sends. */
function requestFault(
  state: ReconciliationState,
  link: ReconcilingLink,
  { count, first, cells, prefixBits, prefix }: SketchRequest,
): { readonly code: ErrorName; readonly clause: ClauseId } | undefined {
  const countMax = state.options.params['reconcile.batch_symbols_max'];
  if (cells > 0) {
    const isTable = link.hasTables && cells >= 8 && cells <= countMax && cells % 4 === 0;
    if (!isTable) return { code: 'E_LIMIT', clause: 'RCN-065' };
  } else if (count < 1 || count > countMax || first + count > INDEX_END) {
    return { code: 'E_LIMIT', clause: 'RCN-028' };
  }
  if (prefixBits > PREFIX_BITS_MAX || prefix >= 2 ** prefixBits) return { code: 'E_MALFORMED', clause: 'RCN-029' };
  return undefined;
}

function sketch(
  state: ReconciliationState,
  link: ReconcilingLink,
  request: SketchRequest,
  nowMs: MonoMs,
): Partial<SketchReply> & Pick<SketchReply, 'outcome'> {
  const set = setOf(state, request.set);
  if (set === undefined) return { outcome: OUTCOME_NO_SET };
  if (request.first > 0 && request.cells === 0) return goOn(state, link, set, request, nowMs);
  const { params } = state.options;
  link.peerBegunMs = link.peerBegunMs.filter((atMs) => atMs > nowMs - params['reconcile.interval_ms']);
  if (link.peerBegunMs.length >= params['reconcile.begins_max']) return { outcome: OUTCOME_BUSY };
  link.peerBegunMs.push(nowMs);
  const ids = idsWithin(set, request);
  const size = BigInt(ids.length);
  if (ids.length > params['reconcile.partition_items_max']) return { outcome: OUTCOME_TOO_LARGE, size };

  const salted = new Salter(request.salt).saltAll(ids.map(bytesOfId));
  if (request.digest !== undefined && equalBytes(request.digest, digestOf(salted))) return { outcome: OUTCOME_SAME };
  const stream = request.cells > 0 ? undefined : new SymbolStream(salted);
  keep(state, link, request, { set, ids, index: new ShortIdIndex(salted), stream }, nowMs);
  const symbols =
    stream === undefined
      ? encodeSymbols(makeTable(salted, request.cells), expectedInTable(ids.length, request.cells))
      : encodeSymbols(stream.take(request.count).symbols, expectedInStream(ids.length, 0));
  return { outcome: OUTCOME_OK, size, symbols };
}

/** The XOR of all short ids. Spec: RCN-011 */
export function digestOf(salted: SaltedSet): Uint8Array {
  let low = 0;
  let high = 0;
  for (let at = 0; at < salted.size; at++) {
    low ^= salted.shortLow[at] as number;
    high ^= salted.shortHigh[at] as number;
  }
  return shortIdBytes(low >>> 0, high >>> 0);
}

/** Spec: RCN-024 */
function keep(
  state: ReconciliationState,
  link: ReconcilingLink,
  { salt, prefixBits, prefix }: SketchRequest,
  parts: Pick<KeptSketch, 'set' | 'ids' | 'index' | 'stream'>,
  nowMs: MonoMs,
): void {
  state.sketches += 1;
  link.kept = { ...parts, salt: copyBytes(salt), prefixBits, prefix, number: state.sketches, usedMs: nowMs };
  const keeping = [...state.links.values()].filter(({ kept }) => kept !== undefined);
  // Its own and those that others began since: one more than the parameter.
  if (keeping.length <= state.options.params['reconcile.sketches_kept_max']) return;
  const oldest = keeping.reduce((a, b) => ((a.kept?.number ?? 0) < (b.kept?.number ?? 0) ? a : b));
  oldest.kept = undefined;
}

/** The sketch that a link's peer may go on with. */
function keptOf(state: ReconciliationState, link: ReconcilingLink, set: ReconcilableSet, nowMs: MonoMs): KeptSketch | undefined {
  const { kept } = link;
  if (kept !== undefined && nowMs - kept.usedMs > state.options.params['reconcile.sketch_keep_ms']) link.kept = undefined;
  return link.kept?.set === set ? link.kept : undefined;
}

/** Spec: RCN-020, RCN-023 */
function goOn(
  state: ReconciliationState,
  link: ReconcilingLink,
  set: ReconcilableSet,
  request: SketchRequest,
  nowMs: MonoMs,
): Partial<SketchReply> & Pick<SketchReply, 'outcome'> {
  const kept = keptOf(state, link, set, nowMs);
  const isSame = kept?.stream?.next === request.first && equalBytes(kept.salt, request.salt);
  if (kept?.stream === undefined || !isSame || kept.prefixBits !== request.prefixBits || kept.prefix !== request.prefix) {
    return { outcome: OUTCOME_GONE };
  }
  kept.usedMs = nowMs;
  const size = kept.ids.length;
  const symbols = encodeSymbols(kept.stream.take(request.count).symbols, expectedInStream(size, request.first));
  return { outcome: OUTCOME_OK, size: BigInt(size), symbols };
}

/** Spec: RCN-027, RCN-075, RCN-078 to RCN-080 */
export function answerRange(state: ReconciliationState, asked: Asked): void {
  const request = read(state, asked, decodeRangeRequest);
  if (request === undefined) return;
  const set = setOf(state, request.set);
  if (set === undefined) {
    answer(state, asked, KIND_RANGE_REPLY, encodeRangeReply({ outcome: OUTCOME_NO_SET, message: new Uint8Array(0) }));
    return;
  }
  const { crypto, params } = state.options;
  const message = answerRanges({ crypto, items: timedItems(set), messageBytesMax: params['reconcile.range_bytes_max'] }, request.message);
  if (typeof message === 'string') close(state, asked.link, { code: 'E_MALFORMED', clause: message });
  else answer(state, asked, KIND_RANGE_REPLY, encodeRangeReply({ outcome: OUTCOME_OK, message }));
}

/** Spec: RCN-027, RCN-042 to RCN-044 */
export function answerFetch(state: ReconciliationState, asked: Asked, nowMs: MonoMs): void {
  const request = read(state, asked, decodeFetchRequest);
  if (request === undefined) return;
  const { params } = state.options;
  const count = request.shortIds.length + request.ids.length;
  if (count < 1 || count > params['reconcile.items_max']) {
    close(state, asked.link, { code: 'E_LIMIT', clause: 'RCN-042' });
    return;
  }
  const set = setOf(state, request.set);
  const kept = set && keptOf(state, asked.link, set, nowMs);
  let outcome = OUTCOME_OK;
  const items: Uint8Array[] = [];
  if (set === undefined) {
    outcome = OUTCOME_NO_SET;
  } else if (request.shortIds.length > 0 && kept === undefined) {
    outcome = OUTCOME_GONE;
  } else {
    let bytes = 0;
    for (const id of [...request.shortIds.map((short) => kept && longId(kept, short)), ...request.ids.map(idOfBytes)]) {
      const item = id === undefined ? undefined : set.bytesOf(id);
      if (item === undefined) continue;
      bytes += item.length;
      if (bytes > params['reconcile.reply_bytes_max']) break;
      items.push(item);
    }
    if (kept !== undefined) kept.usedMs = nowMs;
  }
  answer(state, asked, KIND_FETCH_REPLY, encodeFetchReply({ outcome, items }));
}

function longId(kept: KeptSketch, short: Uint8Array): MessageId | undefined {
  const view = new DataView(short.buffer, short.byteOffset);
  const at = kept.index.find(view.getUint32(0, true), view.getUint32(4, true));
  return at === undefined ? undefined : kept.ids[at];
}

function idOfBytes(bytes: Uint8Array): MessageId {
  return toHex(bytes) as MessageId;
}
