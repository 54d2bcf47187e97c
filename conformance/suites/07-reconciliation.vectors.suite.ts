/** Chapter 07 by vectors: what two nodes must compute alike for anything to decode. */
import type { VectorCheck } from '../runner/check.ts';
import { vectorCheck } from '../vectors/checks.ts';

const SHORT_IDS = 'reconciliation/short-id.json';
const SYMBOLS = 'reconciliation/symbols.json';
const DECODE = 'reconciliation/decode.json';
const RANGES = 'reconciliation/ranges.json';

export const checks: readonly VectorCheck[] = [
  vectorCheck({
    id: 'reconcile.sketch.short-id',
    title: 'Short ids and checksums are SipHash-2-4 under the salt',
    file: SHORT_IDS,
    clauses: ['RCN-002', 'RCN-003'],
  }),
  vectorCheck({
    id: 'reconcile.sketch.step',
    title: 'Items walk from symbol to symbol by whole numbers',
    file: 'reconciliation/indices.json',
    clauses: ['RCN-005'],
  }),
  vectorCheck({
    id: 'reconcile.sketch.step-published',
    title: 'The walk is the published one',
    file: 'reconciliation/indices-published.json',
    clauses: ['RCN-005'],
  }),
  vectorCheck({
    id: 'reconcile.sketch.symbol-0',
    title: 'Walks begin at symbol 0 with the checksum as state',
    file: SYMBOLS,
    clauses: ['RCN-004'],
  }),
  vectorCheck({ id: 'reconcile.sketch.symbols', title: 'Symbols are sums, checks and counts', file: SYMBOLS, clauses: ['RCN-006'] }),
  vectorCheck({ id: 'reconcile.sketch.bytes', title: 'Counts are written against what is expected', file: SYMBOLS, clauses: ['RCN-012'] }),
  vectorCheck({
    id: 'reconcile.decode.differences',
    title: 'Peeling finds the differences of both sides',
    file: DECODE,
    clauses: ['RCN-030'],
  }),
  vectorCheck({ id: 'reconcile.decode.form', title: 'Symbols out of form are refused', file: DECODE, clauses: ['RCN-025'] }),
  vectorCheck({
    id: 'reconcile.decode.circles',
    title: 'A difference named twice or on the wrong side ends the decoding',
    file: DECODE,
    clauses: ['RCN-031'],
  }),
  vectorCheck({ id: 'reconcile.decode.zero', title: 'A sum of zero names nothing', file: DECODE, clauses: ['RCN-032'] }),
  vectorCheck({
    id: 'reconcile.table.cells',
    title: 'An item is in one cell of each quarter',
    file: 'reconciliation/table.json',
    clauses: ['RCN-060', 'RCN-062'],
  }),
  vectorCheck({
    id: 'reconcile.table.decode',
    title: 'A table decodes, or does not',
    file: 'reconciliation/table-decode.json',
    clauses: ['RCN-063', 'RCN-025'],
  }),
  vectorCheck({
    id: 'reconcile.ranges.fingerprint',
    title: 'Fingerprints are sums of ids, hashed with their number',
    file: 'reconciliation/fingerprint.json',
    clauses: ['RCN-071'],
  }),
  vectorCheck({
    id: 'reconcile.ranges.open',
    title: 'The first message is ids or sixteen parts',
    file: 'reconciliation/ranges-open.json',
    clauses: ['RCN-074'],
  }),
  vectorCheck({ id: 'reconcile.ranges.answer', title: 'An answerer answers range by range', file: RANGES, clauses: ['RCN-075'] }),
  vectorCheck({
    id: 'reconcile.ranges.published',
    title: 'The answers are the published ones',
    file: 'reconciliation/ranges-published.json',
    clauses: ['RCN-075'],
  }),
  vectorCheck({ id: 'reconcile.ranges.continue', title: 'An asker takes the ids that it has not', file: RANGES, clauses: ['RCN-076'] }),
  vectorCheck({ id: 'reconcile.ranges.form', title: 'Range messages out of form are refused', file: RANGES, clauses: ['RCN-078'] }),
  vectorCheck({ id: 'reconcile.ranges.bounds', title: 'Bounds ascend', file: RANGES, clauses: ['RCN-079'] }),
  vectorCheck({ id: 'reconcile.ranges.limit', title: 'Messages keep within their limit', file: RANGES, clauses: ['RCN-080'] }),
];
