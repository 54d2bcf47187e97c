/** Chapter 03 by vectors: frames. */
import type { VectorCheck } from '../runner/check.ts';
import { vectorCheck } from '../vectors/checks.ts';

const DECODE = 'wire/frame-decode.json';

export const checks: readonly VectorCheck[] = [
  vectorCheck({
    id: 'wire.frame.encode',
    title: 'A frame is encoded with minimal uvarints',
    file: 'wire/frame-encode.json',
    clauses: ['WIR-020'],
  }),
  vectorCheck({
    id: 'wire.frame.decode',
    title: 'Frames are taken out of a plaintext as they were put in',
    file: DECODE,
    clauses: ['WIR-020'],
  }),
  vectorCheck({
    id: 'wire.frame.empty',
    title: 'A plaintext of no bytes is at fault, one of several frames is not',
    file: DECODE,
    clauses: ['WIR-021'],
  }),
  vectorCheck({ id: 'wire.frame.varint', title: 'A header with a malformed uvarint is at fault', file: DECODE, clauses: ['WIR-022'] }),
  vectorCheck({ id: 'wire.frame.range', title: 'A kind or request id of 2^32 or above is at fault', file: DECODE, clauses: ['WIR-023'] }),
  vectorCheck({ id: 'wire.frame.long', title: 'A frame longer than its plaintext is at fault', file: DECODE, clauses: ['WIR-024'] }),
  vectorCheck({ id: 'wire.frame.short', title: 'A frame too short for its header is at fault', file: DECODE, clauses: ['WIR-025'] }),
];
