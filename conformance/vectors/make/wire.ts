/** Vectors of chapter 03: frames. What depends on kinds is judged on running nodes. */
import { concat, unhex } from '../../model/bytes.ts';
import { encodeFrame } from '../../model/frame.ts';
import { bytesOf, type Draft, type GeneratedFile, modelFile } from '../draft.ts';
import type { VectorNote } from '../file.ts';

const NOTES: Readonly<Record<string, VectorNote>> = {
  boundary: { bugType: 'EDGE_CASE', description: 'A length, kind or request id is the first or the last of its size.' },
  batch: { bugType: 'EDGE_CASE', description: 'A plaintext of several frames.' },
  overlong: { bugType: 'MALLEABILITY', description: 'A header field is not a minimal uvarint.' },
  overflow: { bugType: 'INTEGER_OVERFLOW', description: 'A header field is 2^32 or above, or no 64-bit number.' },
  length: { bugType: 'INPUT_VALIDATION', description: 'The length does not fit what follows it.' },
};

/** A refused plaintext, and the clause that refuses it. */
type Refused = readonly [clause: string, flag: string, id: string, bytes: string, comment: string];

const REFUSED: readonly Refused[] = [
  ['WIR-021', 'length', 'empty-plaintext', '', 'a plaintext of 0 bytes'],
  ['WIR-022', 'overlong', 'length-overlong', '82000200', 'length 2 written in two bytes'],
  ['WIR-022', 'overlong', 'kind-overlong', '03820000', 'kind 2 written in two bytes'],
  ['WIR-022', 'overlong', 'request-id-overlong', '03028100', 'request id 1 written in two bytes'],
  ['WIR-022', 'overflow', 'length-above-64-bits', '808080808080808080020200', 'length 2^64'],
  ['WIR-022', 'overflow', 'kind-above-64-bits', '0b8080808080808080800200', 'kind 2^64'],
  ['WIR-022', 'overlong', 'length-cut-short', '80', 'the plaintext ends inside the length'],
  ['WIR-022', 'length', 'kind-behind-frame', '01820100', 'a frame of one byte ends inside its kind; the bytes behind it are not its own'],
  ['WIR-022', 'length', 'request-id-behind-frame', '0202810100', 'a frame of two bytes ends inside its request id'],
  ['WIR-022', 'overlong', 'second-length-cut-short', '02060080', 'a frame, then a length that is cut short'],
  ['WIR-023', 'overflow', 'kind-2-to-32', '06808080801000', 'kind 2^32'],
  ['WIR-023', 'overflow', 'request-id-2-to-32', '06028080808010', 'request id 2^32'],
  ['WIR-023', 'overflow', 'request-id-2-to-63', '0b0280808080808080808001', 'request id 2^63'],
  ['WIR-024', 'length', 'one-byte-short', '030200', 'the plaintext ends one byte before the frame does'],
  ['WIR-024', 'length', 'length-2-to-32', '80808080100200', 'length 2^32 in a plaintext of 7 bytes'],
  ['WIR-024', 'length', 'length-2-to-63', '808080808080808080010200', 'length 2^63 in a plaintext of 12 bytes'],
  ['WIR-024', 'length', 'second-frame-short', '020600030600', 'a frame, then one that is cut short'],
  ['WIR-024', 'length', 'length-alone', '02', 'a length and nothing behind it'],
  ['WIR-025', 'length', 'length-0', '00', 'a frame without kind and request id'],
  ['WIR-025', 'length', 'length-1', '0102', 'a frame that ends behind its kind'],
  ['WIR-025', 'length', 'length-0-then-frame', '00020600', 'a frame of no bytes, then one in order'],
];

/** All files of the folder. */
export function wireFiles(): readonly GeneratedFile[] {
  const encodings: readonly (readonly [id: string, kind: number, requestId: number, body: Uint8Array])[] = [
    ['ping', 2, 1, unhex('0a080102030405060708')],
    ['empty-body', 6, 0, new Uint8Array()],
    ['request-id-127', 2, 127, unhex('0a080102030405060708')],
    ['request-id-128', 2, 128, unhex('0a080102030405060708')],
    ['request-id-largest', 2, 2 ** 32 - 1, unhex('0a080102030405060708')],
    ['kind-1', 1, 0, unhex('00')],
    ['kind-127', 127, 0, unhex('00')],
    ['kind-128', 128, 0, unhex('00')],
    ['kind-65535', 65_535, 5, unhex('00')],
    ['kind-largest', 2 ** 32 - 1, 2 ** 32 - 1, unhex('00')],
    ['length-127', 32, 0, bytesOf('body', 125)],
    ['length-128', 32, 0, bytesOf('body', 126)],
    ['length-16383', 32, 0, bytesOf('body', 16_381)],
    ['length-16384', 32, 0, bytesOf('body', 16_382)],
  ];
  const [first, second] = [encodeFrame(2, 7, unhex('0a080102030405060708')), encodeFrame(48, 0, bytesOf('body', 130))];
  return [
    modelFile(
      'wire/frame-encode.json',
      'frame.encode',
      ['WIR-020'],
      NOTES,
      encodings.map(
        ([id, kind, requestId, body]): Draft => ({
          id,
          comment: `kind ${kind}, request id ${requestId}, ${body.length} bytes of body`,
          clauses: ['WIR-020'],
          flags: ['boundary'],
          args: [kind, requestId, body],
        }),
      ),
    ),
    modelFile('wire/frame-decode.json', 'frame.decode', ['WIR-020', 'WIR-021', 'WIR-022', 'WIR-023', 'WIR-024', 'WIR-025'], NOTES, [
      ...encodings.map(
        ([id, kind, requestId, body], index): Draft => ({
          id,
          comment: `kind ${kind}, request id ${requestId}, ${body.length} bytes of body`,
          clauses: [['WIR-020', 'WIR-022', 'WIR-023', 'WIR-024', 'WIR-025'][index % 5] ?? 'WIR-020'],
          flags: ['boundary'],
          args: [encodeFrame(kind, requestId, body)],
        }),
      ),
      { id: 'two-frames', comment: 'two frames end to end', clauses: ['WIR-020'], flags: ['batch'], args: [concat(first, second)] },
      {
        id: 'three-frames',
        comment: 'the same frame twice, then another',
        clauses: ['WIR-021'],
        flags: ['batch'],
        args: [concat(first, first, second)],
      },
      ...REFUSED.map(
        ([clause, flag, id, bytes, comment]): Draft => ({
          id,
          comment,
          clauses: [clause],
          flags: [flag],
          args: [unhex(bytes)],
          against: clause === 'WIR-022' || clause === 'WIR-023' ? 'E_VARINT' : 'E_FRAME_LENGTH',
        }),
      ),
    ]),
  ];
}
