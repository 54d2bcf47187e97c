/** Chapter 01 by vectors: uvarints. */
import type { VectorCheck } from '../runner/check.ts';
import { vectorCheck } from '../vectors/checks.ts';

const DECODE = 'conventions/uvarint-decode.json';

export const checks: readonly VectorCheck[] = [
  vectorCheck({
    id: 'conventions.uvarint.minimal',
    title: 'A uvarint is encoded in the fewest bytes',
    file: 'conventions/uvarint-encode.json',
    clauses: ['CNV-001'],
  }),
  vectorCheck({
    id: 'conventions.uvarint.overlong',
    title: 'A uvarint that ends in a byte of zero is malformed',
    file: DECODE,
    clauses: ['CNV-002'],
  }),
  vectorCheck({
    id: 'conventions.uvarint.overflow',
    title: 'A uvarint above ten bytes or 2^64 − 1 is malformed',
    file: DECODE,
    clauses: ['CNV-003'],
  }),
  vectorCheck({
    id: 'conventions.uvarint.truncated',
    title: 'A uvarint that is cut short is malformed',
    file: DECODE,
    clauses: ['CNV-004'],
  }),
];
