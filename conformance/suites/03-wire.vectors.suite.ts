/** Chapter 03 by vectors: frames and datagrams. */
import type { VectorCheck } from '../runner/check.ts';
import { vectorCheck } from '../vectors/checks.ts';

const DECODE = 'wire/frame-decode.json';
const DATAGRAM = 'wire/datagram-decode.json';

function datagramCheck(name: string, clause: string, title: string): VectorCheck {
  return vectorCheck({ id: `wire.datagram.${name}`, title, file: DATAGRAM, clauses: [clause] });
}

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
  vectorCheck({
    id: 'wire.datagram.tag',
    title: 'The tag of a network is the beginning of a hash of its id',
    file: 'wire/datagram-tag.json',
    clauses: ['WIR-100'],
  }),
  vectorCheck({
    id: 'wire.datagram.encode',
    title: 'A datagram is tag, cookie, token and frame, behind an answer its proof',
    file: 'wire/datagram-encode.json',
    clauses: ['WIR-100'],
  }),
  datagramCheck('decode', 'WIR-100', 'Questions, Retries and answers are taken apart as they were put together'),
  datagramCheck('long', 'WIR-101', 'A datagram of more than 1,232 bytes is dropped'),
  datagramCheck('short', 'WIR-102', 'A datagram that ends with its header is dropped'),
  datagramCheck('network', 'WIR-103', 'A datagram of another network is dropped'),
  datagramCheck('frame', 'WIR-104', 'A datagram without a whole frame is dropped'),
  datagramCheck('kind', 'WIR-105', 'A datagram of a kind that does not travel so is dropped'),
  datagramCheck('limit', 'WIR-106', 'A frame above the limit of its kind, or with request id 0, is dropped'),
  datagramCheck('behind', 'WIR-107', 'What stands behind the frame is a proof or nothing, as the kind asks'),
  datagramCheck('proof', 'WIR-110', 'An answer whose proof is not of this answer is dropped'),
];
