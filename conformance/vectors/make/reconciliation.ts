/** Vectors of chapter 07: short ids, index steps, symbols, decoding, tables, ranges. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { concat, hex, sha256, u8, u64be, unhex, utf8 } from '../../model/bytes.ts';
import { evaluate } from '../../model/evaluate.ts';
import { expectedInTable, tableOf } from '../../model/iblt.ts';
import { fingerprintOf, openMessage, react, readRanges, type TimedItem, writeNumber, writeRanges } from '../../model/ranges.ts';
import {
  type CodedSymbol,
  checksum,
  EMPTY_SYMBOL,
  expectedInStream,
  indicesOf,
  shortId,
  symbolsOf,
  withShort,
  writeSymbols,
} from '../../model/riblt.ts';
import { type Argument, bytesOf, type Draft, type GeneratedFile, modelFile, outcomeOf, REVISION } from '../draft.ts';
import type { VectorCase, VectorNote } from '../file.ts';
import { vectorsFolder } from '../load.ts';

const NOTES: Readonly<Record<string, VectorNote>> = {
  valid: { bugType: 'BASIC', description: 'What two honest nodes compute.' },
  edge: { bugType: 'EDGE_CASE', description: 'The smallest or the largest that there is.' },
  rounding: {
    bugType: 'ROUNDING',
    description: 'A step whose root lies beside a whole number, or that a double cannot hold.',
    effect: 'Two nodes put one item into different symbols, and nothing decodes.',
  },
  malformed: { bugType: 'INPUT_VALIDATION', description: 'Symbols that are not as they are written, beside their twin.' },
  hostile: {
    bugType: 'DENIAL_OF_SERVICE',
    description: 'Symbols that no set has.',
    effect: 'Peeling goes round in circles, or finds items that nobody has.',
  },
  bound: { bugType: 'INPUT_VALIDATION', description: 'Bounds that do not ascend, or an end that is not one.' },
  count: { bugType: 'DENIAL_OF_SERVICE', description: 'A list says that it is longer than its message.' },
  limit: { bugType: 'EDGE_CASE', description: 'A message that would grow too long.' },
};

const SALT = unhex('000102030405060708090a0b0c0d0e0f');

function ids(label: string, count: number): Uint8Array[] {
  return Array.from({ length: count }, (_, at) => sha256(utf8(`reconciliation ${label} ${at}`)));
}

function draft(
  clause: string,
  flag: string,
  id: string,
  comment: string,
  args: readonly Argument[],
  against?: string,
  decidedBy?: string,
): Draft {
  return {
    id,
    comment,
    clauses: [clause],
    flags: [flag],
    args,
    ...(against === undefined ? {} : { against }),
    ...(decidedBy === undefined ? {} : { decidedBy }),
  };
}

function shortIdFile(): GeneratedFile {
  const salts = [SALT, new Uint8Array(16), new Uint8Array(16).fill(255), bytesOf('salt', 16)];
  const samples = [new Uint8Array(32), new Uint8Array(32).fill(255), ...ids('short', 4)];
  const drafts = salts.flatMap((salt, s) =>
    samples.map((id, i) => ({
      ...draft('RCN-002', 'valid', `salt-${s}-id-${i}`, `salt ${s}, id ${i}`, [salt, id]),
      clauses: ['RCN-002', 'RCN-003'],
    })),
  );
  return modelFile('reconciliation/short-id.json', 'sketch.short_id', ['RCN-002', 'RCN-003'], NOTES, drafts);
}

const STATES: readonly (readonly [string, string, bigint])[] = [
  ['edge', 'zero', 0n],
  ['edge', 'one', 1n],
  ['edge', 'top-bit', 2n ** 63n],
  ['edge', 'all-bits', 2n ** 64n - 1n],
  ['valid', 'digits', 0x0123456789abcdefn],
  ['valid', 'digits-back', 0xfedcba9876543210n],
];

/** The state from which the first multiplication gives `wanted`. */
function stateBefore(wanted: bigint): bigint {
  let inverse = 1n;
  for (let i = 0; i < 6; i++) inverse = (inverse * (2n - 0xda942042e4dd58b5n * inverse)) & (2n ** 64n - 1n);
  return (wanted * inverse) & (2n ** 64n - 1n);
}

function indexFile(): GeneratedFile {
  // After one multiplication the state r makes (2i + 3)²·2^64 / (r + 1) a square, or one off: 3·2^32/√(r + 1) is whole for these.
  const squares = [2n ** 64n, 2n ** 62n, 2n ** 60n, 9n * 2n ** 60n, 9n * 2n ** 58n, 9n * 2n ** 40n, 9n * 2n ** 20n, 9n, 2n ** 32n];
  // Here 3·2^32/√(r + 1) lies a hair above or below an odd number: the exact index is one more, or not, where a double sees no difference.
  const hairs = [5n, 7n, 9n, 11n, 101n, 65_537n].flatMap((odd) => {
    const below = (9n * 2n ** 64n) / (odd * odd);
    return [below - 1n, below];
  });
  const sharp = squares.flatMap((square) => [square - 2n, square - 1n, square].filter((r) => r >= 0n && r < 2n ** 64n));
  const drafts = [
    ...STATES.map(([flag, id, state]) => draft('RCN-005', flag, id, `from state ${state}`, [state, 24])),
    ...hairs.map((r) => draft('RCN-005', 'rounding', `hair-${r}`, `the first step has state ${r}`, [stateBefore(r), 3])),
    ...sharp.map((r) => draft('RCN-005', 'rounding', `sharp-${r}`, `the first step has state ${r}`, [stateBefore(r), 3])),
    ...Array.from({ length: 12 }, (_, at) => {
      const state = BigInt(`0x${hex(bytesOf(`state ${at}`, 8))}`);
      return draft('RCN-005', 'valid', `chance-${at}`, `from state ${state}`, [state, 24]);
    }),
  ];
  return modelFile('reconciliation/indices.json', 'sketch.indices', ['RCN-005'], NOTES, drafts);
}

function symbolFile(): GeneratedFile {
  const drafts = [
    draft('RCN-006', 'edge', 'nothing', 'symbols of an empty set', [SALT, 0, 4]),
    draft('RCN-004', 'valid', 'one', 'one item', [SALT, 0, 32, ...ids('a', 1)]),
    draft('RCN-006', 'valid', 'ten', 'ten items', [SALT, 0, 32, ...ids('a', 10)]),
    draft('RCN-012', 'valid', 'ten-later', 'the same, from symbol 100', [SALT, 100, 16, ...ids('a', 10)]),
    draft('RCN-006', 'valid', 'ten-backwards', 'the same items in another order', [SALT, 0, 8, ...ids('a', 10).reverse()]),
    draft('RCN-012', 'valid', 'two-hundred', 'counts that lie more than 63 off what is expected', [SALT, 0, 64, ...ids('a', 200)]),
    draft('RCN-012', 'edge', 'far', 'from symbol 99,999', [SALT, 99_999, 2, ...ids('a', 40)]),
  ];
  return modelFile('reconciliation/symbols.json', 'sketch.encode', ['RCN-004', 'RCN-006', 'RCN-012'], NOTES, drafts);
}

/** Symbols of a set with something done to them. */
function sketch(set: readonly Uint8Array[], count: number, change: (symbols: CodedSymbol[]) => void = () => {}): Uint8Array {
  const symbols = symbolsOf(SALT, set, 0, count);
  change(symbols);
  return writeSymbols(symbols, expectedInStream(set.length, 0));
}

function decodeDrafts(): readonly Draft[] {
  const shared = ids('shared', 40);
  const [theirs, mine] = [ids('theirs', 6), ids('mine', 5)];
  const [answerer, asker] = [
    [...shared, ...theirs],
    [...shared, ...mine],
  ];
  const args = (bytes: Uint8Array, count = 32, size = answerer.length): Argument[] => [SALT, size, count, bytes, ...asker];
  const decode = (
    clause: string,
    flag: string,
    id: string,
    comment: string,
    change: (symbols: CodedSymbol[]) => void,
    against?: string,
  ): Draft => draft(clause, flag, id, comment, args(sketch(answerer, 32, change)), against);
  const plain = sketch(answerer, 32);
  const one = shortId(SALT, sha256(utf8('one more')));
  const known = shortId(SALT, shared[3] as Uint8Array);
  const walk = (short: Uint8Array): number[] => indicesOf(checksum(SALT, short), 32n).map(Number);
  const put = (symbols: CodedSymbol[], short: Uint8Array, sign: number, places = walk(short)): void => {
    for (const at of places) symbols[at] = withShort(symbols[at] as CodedSymbol, SALT, short, sign);
  };
  const outside = Array.from({ length: 32 }, (_, at) => at).find((at) => at > 20 && !walk(one).includes(at)) ?? 31;
  const few = (set: readonly Uint8Array[], change: (symbols: CodedSymbol[]) => void): Argument[] => {
    const symbols = symbolsOf(SALT, set, 0, 32);
    change(symbols);
    return [SALT, set.length + 1, 32, writeSymbols(symbols, expectedInStream(set.length + 1, 0)), ...set];
  };
  const zero = new Uint8Array(8);
  const hostile = (id: string, comment: string, change: (symbols: CodedSymbol[]) => void): Draft =>
    draft('RCN-031', 'hostile', id, comment, few(shared, change), 'E_SKETCH');
  return [
    draft('RCN-030', 'valid', 'eleven', 'six items of the answerer, five of the asker', args(plain)),
    draft('RCN-030', 'valid', 'too-few', 'the same with six symbols', args(sketch(answerer, 6), 6)),
    draft('RCN-030', 'edge', 'equal', 'equal sets, one symbol', [SALT, 40, 1, sketch(shared, 1), ...shared]),
    draft('RCN-030', 'edge', 'asker-empty', 'an asker without items', [SALT, 6, 32, sketch(theirs, 32)]),
    draft('RCN-030', 'edge', 'answerer-empty', 'an answerer without items', [SALT, 0, 32, sketch([], 32), ...mine]),
    draft('RCN-030', 'valid', 'hundred', 'a hundred differences', [
      SALT,
      140,
      200,
      sketch([...shared, ...ids('many', 100)], 200),
      ...shared,
    ]),
    draft('RCN-025', 'malformed', 'cut', 'the last byte is missing', args(plain.slice(0, -1)), 'E_MALFORMED'),
    draft('RCN-025', 'malformed', 'one-too-many', 'a symbol more than asked for', args(sketch(answerer, 33)), 'E_MALFORMED'),
    draft('RCN-025', 'malformed', 'one-too-few', 'a symbol fewer than asked for', args(sketch(answerer, 31)), 'E_MALFORMED'),
    draft('RCN-025', 'malformed', 'nothing', 'no bytes', args(new Uint8Array()), 'E_MALFORMED'),
    draft('RCN-025', 'malformed', 'trailing', 'a byte of zero behind', args(concat(plain, u8(0))), 'E_MALFORMED'),
    decode(
      'RCN-025',
      'malformed',
      'count-below-zero',
      'a count of −1',
      (s) => (s[31] = { ...(s[31] ?? EMPTY_SYMBOL), count: -1 }),
      'E_MALFORMED',
    ),
    decode(
      'RCN-025',
      'malformed',
      'count-above-size',
      'a count of 47 among 46 items',
      (s) => (s[31] = { ...(s[31] ?? EMPTY_SYMBOL), count: 47 }),
      'E_MALFORMED',
    ),
    decode(
      'RCN-025',
      'malformed',
      'count-overflow',
      'a count of 2^34 − 1',
      (s) => (s[31] = { ...(s[31] ?? EMPTY_SYMBOL), count: 2 ** 34 - 1 }),
      'E_MALFORMED',
    ),
    draft(
      'RCN-025',
      'malformed',
      'count-padded',
      'a count in two bytes where one is enough',
      args(concat(plain.slice(0, 14), u8((plain[14] ?? 0) + 128), u8(0), plain.slice(15))),
      'E_MALFORMED',
    ),
    hostile('named-twice', 'a difference is also in a symbol that its walk passes over', (s) => {
      put(s, one, 1);
      put(s, one, 1, [outside]);
    }),
    hostile('own-as-theirs', 'an item that both have, as one that only the answerer has', (s) => {
      for (const at of walk(known)) {
        const { sum, check, count } = withShort(s[at] ?? EMPTY_SYMBOL, SALT, known, 0);
        s[at] = { sum, check, count: count + 1 };
      }
    }),
    hostile('foreign-as-mine', 'an item that the asker has not, as one that only the asker has', (s) => put(s, one, -1)),
    draft(
      'RCN-032',
      'hostile',
      'zero',
      'a symbol with the sum zero, a check that fits it and a count of 1',
      few(shared, (s) => put(s, zero, 1)),
    ),
    draft(
      'RCN-030',
      'hostile',
      'check',
      'a check that fits no short id',
      few(shared, (s) => {
        for (const at of walk(one)) s[at] = { ...withShort(s[at] ?? EMPTY_SYMBOL, SALT, one, 1), check: bytesOf('check', 6) };
      }),
    ),
  ];
}

function tableFiles(): readonly GeneratedFile[] {
  const shared = ids('shared', 40);
  const [theirs, mine] = [ids('theirs', 6), ids('mine', 5)];
  const table = (set: readonly Uint8Array[], cells: number): Uint8Array =>
    writeSymbols(tableOf(SALT, set, cells), expectedInTable(set.length, cells));
  const [answerer, asker] = [
    [...shared, ...theirs],
    [...shared, ...mine],
  ];
  const plain = table(answerer, 96);
  const encoding = [
    draft('RCN-060', 'valid', 'one', 'one item', [SALT, 24, ...ids('a', 1)]),
    draft('RCN-060', 'valid', 'ten', 'ten items', [SALT, 56, ...ids('a', 10)]),
    draft('RCN-062', 'valid', 'hundred', 'a hundred items', [SALT, 24, ...ids('a', 100)]),
    draft('RCN-060', 'edge', 'smallest', 'eight cells', [SALT, 8, ...ids('a', 10)]),
    draft('RCN-062', 'edge', 'nothing', 'an empty set', [SALT, 24]),
  ];
  const decoding = [
    draft('RCN-063', 'valid', 'eleven', 'six items of the answerer, five of the asker', [SALT, 46, 96, plain, ...asker]),
    draft('RCN-063', 'edge', 'equal', 'equal sets', [SALT, 40, 24, table(shared, 24), ...shared]),
    draft('RCN-063', 'valid', 'too-small', 'the same differences in eight cells', [SALT, 46, 8, table(answerer, 8), ...asker], 'E_SKETCH'),
    draft('RCN-025', 'malformed', 'cut', 'the last byte is missing', [SALT, 46, 96, plain.slice(0, -1), ...asker], 'E_MALFORMED'),
  ];
  return [
    modelFile('reconciliation/table.json', 'table.encode', ['RCN-060', 'RCN-062'], NOTES, encoding),
    modelFile('reconciliation/table-decode.json', 'table.decode', ['RCN-063', 'RCN-025'], NOTES, decoding),
  ];
}

function itemBytes({ time, id }: TimedItem): Uint8Array {
  return concat(u64be(time), id);
}

function timed(label: string, count: number, step = 7n): TimedItem[] {
  return ids(label, count).map((id, at) => ({ id, time: 1_700_000_000_000n + step * BigInt(at) }));
}

function rangeFiles(): readonly GeneratedFile[] {
  const shared = timed('range', 70);
  const [asker, answerer] = [
    [...shared, ...timed('asker', 3, 200n)],
    [...shared, ...timed('answerer', 4, 150n)],
  ];
  const list = (items: readonly TimedItem[]): Uint8Array[] => items.map(itemBytes);
  const sameTime = timed('same', 40, 0n);
  const opening = [
    draft('RCN-074', 'edge', 'nothing', 'no items', []),
    draft('RCN-074', 'edge', 'thirty-one', 'the longest list of ids', list(shared.slice(0, 31))),
    draft('RCN-074', 'edge', 'thirty-two', 'the first size with fingerprints', list(shared.slice(0, 32))),
    draft('RCN-074', 'valid', 'parts', 'sixteen parts, some with an item more', list(asker)),
    draft('RCN-074', 'valid', 'one-time', 'bounds that need the ids', list(sameTime)),
    draft('RCN-074', 'valid', 'unsorted', 'items out of order', list(asker.toReversed())),
  ];
  const open = openMessage(asker);
  const answer = react(answerer, open, false, 0);
  if ('clause' in answer) throw new Error('the model answers its own message');
  const reaction = (
    clause: string,
    flag: string,
    id: string,
    comment: string,
    role: string,
    limit: number,
    message: Uint8Array,
    items: readonly TimedItem[],
    against?: string,
  ): Draft => draft(clause, flag, id, comment, [role, limit, message, ...list(items)], against);
  const bound = (time: number, id: Uint8Array = new Uint8Array()): Uint8Array =>
    concat(writeNumber(BigInt(time)), writeNumber(BigInt(id.length)), id);
  const message = (...parts: readonly Uint8Array[]): Uint8Array => concat(u8(0x61), ...parts);
  const zeros = new Uint8Array(16);
  const fit = message(bound(0), u8(1), fingerprintOf(answerer.map(({ id }) => id)));
  const many = timed('many', 180, 3n);
  const wide = openMessage(timed('other', 180, 3n));
  // The eleventh of sixteen parts is right; the lists of the ten before it fill the message.
  const read = readRanges(openMessage(many));
  if ('clause' in read) throw new Error('the model reads its own message');
  const mixed = writeRanges(
    read.ranges.map((range, at) => (range.mode === 'fingerprint' && at !== 10 ? { ...range, fingerprint: zeros } : range)),
  );
  const reacting = [
    reaction('RCN-075', 'valid', 'answer', 'the answerer splits what differs', 'answerer', 0, open, answerer),
    reaction('RCN-076', 'valid', 'asked', 'the asker takes the ids that it has not', 'asker', 0, answer.message, asker),
    reaction('RCN-075', 'valid', 'same', 'a fingerprint that fits', 'answerer', 0, openMessage(shared), shared),
    reaction('RCN-075', 'edge', 'one-fingerprint', 'one fingerprint over everything that fits', 'answerer', 0, fit, answerer),
    reaction('RCN-075', 'edge', 'one-fingerprint-other', 'one that does not', 'answerer', 0, message(bound(0), u8(1), zeros), answerer),
    reaction('RCN-076', 'edge', 'only-skips', 'nothing is left to say', 'asker', 0, message(bound(0), u8(0)), asker),
    reaction('RCN-075', 'edge', 'empty', 'a message without ranges', 'answerer', 0, message(), answerer),
    reaction('RCN-080', 'limit', 'long-list', 'a list of ids that is cut', 'answerer', 4096, message(bound(0), u8(2), u8(0)), many),
    reaction('RCN-080', 'limit', 'long-split', 'fingerprints that are left out', 'answerer', 4096, wide, many),
    reaction('RCN-080', 'limit', 'long-split-asker', 'the same at the asker', 'asker', 4096, wide, many),
    reaction(
      'RCN-080',
      'limit',
      'skip-before-split',
      'a skip before fingerprints that are left out is told',
      'answerer',
      4096,
      mixed,
      many,
    ),
    reaction(
      'RCN-079',
      'bound',
      'equal-bounds',
      'the same bound twice',
      'answerer',
      0,
      message(bound(101), u8(0), bound(1), u8(0), bound(0), u8(0)),
      answerer,
      'E_MALFORMED',
    ),
    reaction(
      'RCN-079',
      'bound',
      'ascending-bounds',
      'their twin',
      'answerer',
      0,
      message(bound(101), u8(0), bound(2), u8(0), bound(0), u8(0)),
      answerer,
    ),
    reaction(
      'RCN-079',
      'bound',
      'ids-fall',
      'one time, prefixes that fall',
      'answerer',
      0,
      message(bound(101, u8(9)), u8(0), bound(1, u8(8)), u8(0)),
      answerer,
      'E_MALFORMED',
    ),
    reaction(
      'RCN-079',
      'bound',
      'after-the-end',
      'a range behind the end of everything',
      'answerer',
      0,
      message(bound(0), u8(0), bound(1), u8(0)),
      answerer,
      'E_MALFORMED',
    ),
    reaction(
      'RCN-079',
      'bound',
      'end-twice',
      'the end of everything twice',
      'asker',
      0,
      message(bound(0), u8(0), bound(0), u8(0)),
      asker,
      'E_MALFORMED',
    ),
    reaction(
      'RCN-079',
      'bound',
      'first-at-beginning',
      'a first bound at the beginning',
      'answerer',
      0,
      message(bound(1), u8(0), bound(0), u8(1), zeros),
      answerer,
    ),
    reaction(
      'RCN-079',
      'bound',
      'second-at-beginning',
      'a second one',
      'answerer',
      0,
      message(bound(1), u8(0), bound(1), u8(0)),
      answerer,
      'E_MALFORMED',
    ),
    reaction(
      'RCN-078',
      'malformed',
      'version',
      'another first byte',
      'answerer',
      0,
      concat(u8(0x62), fit.slice(1)),
      answerer,
      'E_MALFORMED',
    ),
    reaction('RCN-078', 'malformed', 'nothing', 'no bytes', 'answerer', 0, new Uint8Array(), answerer, 'E_MALFORMED'),
    reaction('RCN-078', 'malformed', 'cut', 'the last byte is missing', 'answerer', 0, fit.slice(0, -1), answerer, 'E_MALFORMED'),
    reaction('RCN-078', 'malformed', 'mode', 'mode 3', 'answerer', 0, message(bound(0), u8(3)), answerer, 'E_MALFORMED'),
    reaction(
      'RCN-078',
      'malformed',
      'prefix-33',
      'a bound with 33 bytes of an id',
      'answerer',
      0,
      message(bound(1, new Uint8Array(33)), u8(0)),
      answerer,
      'E_MALFORMED',
    ),
    reaction(
      'RCN-078',
      'malformed',
      'prefix-32',
      'its twin with 32',
      'answerer',
      0,
      message(bound(1, new Uint8Array(32)), u8(0)),
      answerer,
    ),
    reaction(
      'RCN-078',
      'count',
      'count-bomb',
      'a list of 2^53 − 1 ids',
      'answerer',
      0,
      message(bound(0), u8(2), writeNumber(2n ** 53n - 1n)),
      answerer,
      'E_MALFORMED',
    ),
    reaction(
      'RCN-078',
      'count',
      'count-one-more',
      'a list of one id more than there are',
      'asker',
      0,
      message(bound(0), u8(2), u8(2), answerer[0]?.id ?? zeros),
      asker,
      'E_MALFORMED',
    ),
    reaction('RCN-078', 'count', 'count-right', 'its twin', 'asker', 0, message(bound(0), u8(2), u8(1), answerer[0]?.id ?? zeros), asker),
    reaction(
      'RCN-078',
      'malformed',
      'time-2-53',
      'a time of 2^53',
      'answerer',
      0,
      message(concat(writeNumber(2n ** 53n - 1n), u8(0)), u8(0), bound(3), u8(0)),
      answerer,
      'E_MALFORMED',
    ),
  ];
  const prints = [
    draft('RCN-071', 'edge', 'none', 'no ids', []),
    draft('RCN-071', 'valid', 'one', 'one id', ids('fp', 1)),
    draft('RCN-071', 'valid', 'three', 'three ids', ids('fp', 3)),
    draft('RCN-071', 'valid', 'three-turned', 'the same in another order', ids('fp', 3).reverse()),
    draft('RCN-071', 'edge', 'overflow', 'a sum above 2^256', [new Uint8Array(32).fill(255), new Uint8Array(32).fill(255)]),
    draft('RCN-071', 'edge', 'count-in-two-bytes', '130 ids', ids('fp', 130)),
  ];
  return [
    modelFile('reconciliation/fingerprint.json', 'ranges.fingerprint', ['RCN-071'], NOTES, prints),
    modelFile('reconciliation/ranges-open.json', 'ranges.open', ['RCN-074'], NOTES, opening),
    modelFile('reconciliation/ranges.json', 'ranges.react', ['RCN-075', 'RCN-076', 'RCN-078', 'RCN-079', 'RCN-080'], NOTES, reacting),
  ];
}

interface Mapping {
  readonly source: string;
  readonly commit: string;
  readonly mapping: readonly { readonly seed: string; readonly indices: readonly string[] }[];
}

interface Transcripts {
  readonly source: string;
  readonly commit: string;
  readonly cases: readonly {
    readonly case: number;
    readonly shared: number;
    readonly only_client: number;
    readonly only_server: number;
    readonly frame_size_limit: number;
    readonly transcript?: readonly { readonly client: string; readonly server: string }[];
  }[];
}

function published<Shape>(name: string): Shape {
  return JSON.parse(readFileSync(join(vectorsFolder(), 'external/reconciliation', name), 'utf8')) as Shape;
}

function externalFile(
  path: string,
  name: string,
  clauses: readonly string[],
  from: { source: string; commit: string },
  cases: readonly VectorCase[],
): GeneratedFile {
  for (const one of cases) {
    const answer = outcomeOf(evaluate(name, one.args.map(unhex)));
    if (JSON.stringify(answer) !== JSON.stringify({ values: one.values }))
      throw new Error(`${path} ${one.id}: the model departs from the publisher`);
  }
  return {
    path,
    file: {
      schema: 1,
      revision: REVISION,
      function: name,
      clauses: [...clauses],
      notes: {},
      source: { kind: 'external', ref: `${from.source} at ${from.commit}` },
      cases: [...cases],
    },
  };
}

function publishedIndices(): GeneratedFile {
  const from = published<Mapping>('riblt-known-answers.json');
  const cases = from.mapping.map(
    ({ seed, indices }): VectorCase => ({
      id: `seed-${seed}`,
      comment: `the first ${indices.length} indices after 0`,
      flags: [],
      args: [seed, hex(u64be(indices.length))],
      result: 'valid',
      values: indices.map((index) => hex(u64be(BigInt(index)))),
    }),
  );
  return externalFile('reconciliation/indices-published.json', 'sketch.indices', ['RCN-005'], from, cases);
}

/** Published transcripts that are short enough to stand in full: every message of the server, and what the client makes of it where it is the last. */
function publishedRanges(): GeneratedFile {
  const from = published<Transcripts>('negentropy-v1-transcripts.json');
  const item = (k: number): string => hex(concat(u64be(1_700_000_000 + ((k * 7919) % 10_007)), sha256(utf8(`item-${k}`))));
  const cases = from.cases.flatMap((one) => {
    const count = (first: number, size: number): string[] => Array.from({ length: size }, (_, at) => item(first + at));
    const server = [...count(0, one.shared), ...count(one.shared + one.only_client, one.only_server)];
    if (server.length > 200) return [];
    return (one.transcript ?? []).map(
      ({ client, server: answer }, round): VectorCase => ({
        id: `case-${one.case}-round-${round + 1}`,
        comment: `${one.shared} shared items, ${one.only_client} of the asker, ${one.only_server} of the answerer`,
        flags: [],
        args: [hex(utf8('answerer')), hex(u64be(one.frame_size_limit)), client, ...server],
        result: 'valid',
        values: [answer, '', ''],
      }),
    );
  });
  return externalFile('reconciliation/ranges-published.json', 'ranges.react', ['RCN-075'], from, cases);
}

/** Every file of the chapter. */
export function reconciliationFiles(): readonly GeneratedFile[] {
  const decode = modelFile(
    'reconciliation/decode.json',
    'sketch.decode',
    ['RCN-025', 'RCN-030', 'RCN-031', 'RCN-032'],
    NOTES,
    decodeDrafts(),
  );
  return [shortIdFile(), indexFile(), symbolFile(), decode, ...tableFiles(), ...rangeFiles(), publishedIndices(), publishedRanges()];
}
