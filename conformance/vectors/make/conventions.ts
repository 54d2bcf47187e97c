/** Vectors of chapter 01: uvarints, and the hash that every id rests on. */
import { concat, hex, u8, unhex, utf8 } from '../../model/bytes.ts';
import { encodeUvarint } from '../../model/uvarint.ts';
import { bytesOf, type Draft, type GeneratedFile, modelFile } from '../draft.ts';
import type { VectorNote } from '../file.ts';

const NOTES: Readonly<Record<string, VectorNote>> = {
  boundary: { bugType: 'EDGE_CASE', description: 'The value is the first or the last of its size.' },
  wide: {
    bugType: 'INTEGER_OVERFLOW',
    description: 'The value does not fit a double, or not 32 or 63 bits.',
    effect: 'Two nodes read different numbers from the same bytes.',
  },
  overlong: {
    bugType: 'MALLEABILITY',
    description: 'The value is written in more bytes than it needs.',
    effect: 'One object has several encodings, and several ids.',
  },
  overflow: { bugType: 'INTEGER_OVERFLOW', description: 'The value is above 2^64 − 1, or there are more than ten bytes.' },
  truncated: { bugType: 'INPUT_VALIDATION', description: 'The bytes end inside the uvarint.' },
  trailing: { bugType: 'EDGE_CASE', description: 'Bytes follow that are not part of the uvarint.' },
};

const EDGES = [0n, 1n, 2n, 127n, 128n, 129n, 255n, 256n, 300n, 16_383n, 16_384n];

function edges(): bigint[] {
  const values = new Set(EDGES);
  for (let groups = 3n; groups <= 9n; groups++) {
    values.add((1n << (7n * groups)) - 1n);
    values.add(1n << (7n * groups));
  }
  for (const bits of [31n, 32n, 53n, 63n]) {
    values.add((1n << bits) - 1n);
    values.add(1n << bits);
    values.add((1n << bits) + 1n);
  }
  values.add((1n << 64n) - 2n);
  values.add((1n << 64n) - 1n);
  return [...values].sort((a, b) => (a < b ? -1 : 1));
}

function flagsOf(value: bigint): string[] {
  return value > 2n ** 31n - 1n ? ['boundary', 'wide'] : ['boundary'];
}

/** All files of the folder. */
export function conventionsFiles(): readonly GeneratedFile[] {
  const encodings: Draft[] = edges().map((value) => ({
    id: `value-${value}`,
    comment: `${value} in ${encodeUvarint(value).length} bytes`,
    clauses: ['CNV-001'],
    flags: flagsOf(value),
    args: [value],
  }));
  return [
    modelFile('conventions/uvarint-encode.json', 'uvarint.encode', ['CNV-001'], NOTES, encodings),
    modelFile('conventions/uvarint-decode.json', 'uvarint.decode', ['CNV-002', 'CNV-003', 'CNV-004'], NOTES, [
      ...edges().map(
        (value): Draft => ({
          id: `value-${value}`,
          comment: `${value}, the whole input`,
          clauses: [value >= 1n << 63n ? 'CNV-003' : value >= 128n ? 'CNV-002' : 'CNV-004'],
          flags: flagsOf(value),
          args: [encodeUvarint(value)],
        }),
      ),
      ...malformed(),
      ...['00', 'ff', '80'].map(
        (behind): Draft => ({
          id: `trailing-${behind}`,
          comment: 'two bytes are used, the byte behind them is not looked at',
          clauses: ['CNV-004'],
          flags: ['trailing'],
          args: [unhex(`ac02${behind}`)],
        }),
      ),
    ]),
    modelFile(
      'conventions/sha256.json',
      'sha256',
      ['IDN-001'],
      NOTES,
      [
        { id: 'empty', comment: 'no bytes', size: 0 },
        ...[1, 3, 55, 56, 63, 64, 65, 119, 120, 1_000].map((size) => ({
          id: `bytes-${size}`,
          comment: `${size} bytes, around a block of 64`,
          size,
        })),
      ].map(
        ({ id, comment, size }): Draft => ({
          id,
          comment,
          clauses: ['IDN-001'],
          args: [size === 3 ? utf8('abc') : bytesOf('sha256', size)],
        }),
      ),
    ),
  ];
}

function malformed(): Draft[] {
  const drafts: Draft[] = [];
  const add = (clause: string, flag: string, id: string, bytes: Uint8Array, comment: string): void => {
    drafts.push({ id: `${flag}-${id}`, comment, clauses: [clause], flags: [flag], args: [bytes], against: 'E_VARINT' });
  };
  add('CNV-004', 'truncated', 'nothing', new Uint8Array(), 'no byte at all');
  for (let size = 1; size <= 9; size++) {
    add('CNV-004', 'truncated', `${size}`, new Uint8Array(size).fill(0x81), `${size} bytes, all with bit 7 set`);
  }
  for (const value of [0n, 1n, 127n, 128n, 2n ** 32n]) {
    const minimal = encodeUvarint(value);
    const last = minimal[minimal.length - 1] ?? 0;
    const longer = concat(minimal.slice(0, -1), u8(last | 0x80), u8(0));
    add('CNV-002', 'overlong', `${value}`, longer, `${value} with a byte of zero behind it: ${hex(longer)}`);
    add('CNV-002', 'overlong', `${value}-twice`, concat(longer.slice(0, -1), u8(0x80), u8(0)), `${value} with two bytes too many`);
  }
  add('CNV-002', 'overlong', 'ten-bytes', unhex('80808080808080808000'), '0 in ten bytes');
  add('CNV-003', 'overflow', 'two-to-64', unhex('80808080808080808002'), '2^64 in ten bytes');
  add('CNV-003', 'overflow', 'tenth-byte-7f', unhex('ffffffffffffffffff7f'), 'ten bytes, the last one 7f');
  add('CNV-003', 'overflow', 'eleven-bytes', unhex('8080808080808080808001'), '2^70 in eleven bytes');
  add('CNV-003', 'overflow', 'eleven-bytes-small', unhex('8180808080808080808000'), '1 in eleven bytes');
  return drafts;
}
