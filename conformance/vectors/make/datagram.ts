/** Vectors of chapter 03: datagrams, as far as their bytes decide. */
import { concat, hex, readLe, u8, unhex, utf8, writeLe } from '../../model/bytes.ts';
import { DATAGRAM_BYTES_MAX, type DatagramFields, encodeDatagram, makeProof } from '../../model/datagram.ts';
import { L } from '../../model/ed25519.ts';
import { encodeFrame, frameNamed } from '../../model/frame.ts';
import { writeBytesField } from '../../model/protobuf.ts';
import { bytesOf, type Draft, type GeneratedFile, modelFile } from '../draft.ts';
import type { VectorNote } from '../file.ts';
import { NETWORK, SEED } from './envelope-samples.ts';

const NOTES: Readonly<Record<string, VectorNote>> = {
  valid: { bugType: 'BASIC', description: 'A datagram in order: the twin from which the others depart.' },
  size: { bugType: 'INPUT_VALIDATION', description: 'The datagram is as long or as short as it may be, or more so.' },
  network: { bugType: 'BASIC', description: 'The datagram belongs to another network.' },
  frame: { bugType: 'INPUT_VALIDATION', description: 'The frame does not fit the datagram, or its header is out of order.' },
  kind: { bugType: 'INPUT_VALIDATION', description: 'The kind does not travel by datagram.' },
  rest: { bugType: 'MALLEABILITY', description: 'What stands behind the frame is not what its kind asks for.' },
  proof: {
    bugType: 'SIGNATURE_FORGERY',
    description: 'The proof is another datagram’s, or nobody’s.',
    effect: 'Somebody answers in the name of another.',
  },
  order: { bugType: 'CONSENSUS_SPLIT', description: 'Several clauses apply; the first in their order decides.' },
};

const COOKIE = unhex('c001c0de0badcafe');
const TOKEN = unhex('7041e2f0a1b2c3d4');
const NONE = new Uint8Array(8);
const EMPTY = new Uint8Array();
const TARGET = bytesOf('target', 32);

function frame(name: string, body: Uint8Array, requestId = 1): Uint8Array {
  return encodeFrame(frameNamed(name).kind, requestId, body);
}

const QUESTION: DatagramFields = { cookie: COOKIE, token: NONE, frame: frame('FindNode', writeBytesField(1, TARGET)) };
const REPEATED: DatagramFields = { ...QUESTION, token: TOKEN };
const RETRY: DatagramFields = { cookie: COOKIE, token: TOKEN, frame: frame('Retry', EMPTY) };
const ANSWER: DatagramFields = { cookie: COOKIE, token: NONE, frame: frame('FindNodeReply', EMPTY) };

/** A datagram with the proof of alice over what it holds, or over something else. */
function proved(fields: DatagramFields, over: Partial<DatagramFields> & { readonly network?: Uint8Array } = {}): Uint8Array {
  const signed = { ...fields, ...over };
  return encodeDatagram(NETWORK, fields, makeProof(over.network ?? NETWORK, SEED, signed.cookie, signed.frame));
}

/** An answer of exactly that many bytes, its body filled with a field that nobody knows. */
function answerOfSize(size: number): Uint8Array {
  for (let fill = size; fill >= 0; fill--) {
    const bytes = proved({ ...ANSWER, frame: frame('FindNodeReply', writeBytesField(500, new Uint8Array(fill))) });
    if (bytes.length === size) return bytes;
  }
  throw new RangeError(`no answer of ${size} bytes`);
}

function decoded(clause: string, flag: string, id: string, comment: string, bytes: Uint8Array, against?: string): Draft {
  return { id, comment, clauses: [clause], flags: [flag], args: [NETWORK, bytes], ...(against === undefined ? {} : { against }) };
}

/** Twins in order for every clause that refuses something. */
function inOrder(): readonly Draft[] {
  const valid = (clause: string, id: string, comment: string, bytes: Uint8Array): Draft => decoded(clause, 'valid', id, comment, bytes);
  const ping = (requestId: number): Uint8Array => encodeDatagram(NETWORK, { ...QUESTION, frame: frame('DhtPing', EMPTY, requestId) });
  return [
    valid('WIR-103', 'question', 'a FindNode without a token', encodeDatagram(NETWORK, QUESTION)),
    valid('WIR-104', 'question-with-token', 'the same with a token', encodeDatagram(NETWORK, REPEATED)),
    valid('WIR-107', 'retry', 'a Retry', encodeDatagram(NETWORK, RETRY)),
    valid('WIR-110', 'answer', 'an empty FindNodeReply with its proof', proved(ANSWER)),
    valid('WIR-100', 'answer-with-token', 'the same with a token', proved({ ...ANSWER, token: TOKEN })),
    valid('WIR-106', 'request-id-largest', 'request id 2^32 − 1', ping(2 ** 32 - 1)),
    valid('WIR-100', 'cookie-zero', 'a cookie of zeros', encodeDatagram(NETWORK, { ...QUESTION, cookie: NONE })),
    valid('WIR-102', 'shortest', 'a DhtPing: 23 bytes', ping(1)),
    valid('WIR-105', 'pong', 'a DhtPong with its proof', proved({ ...ANSWER, frame: frame('DhtPong', EMPTY) })),
  ];
}

function sizes(): readonly Draft[] {
  const question = encodeDatagram(NETWORK, QUESTION);
  const max = DATAGRAM_BYTES_MAX;
  const wrong = 'E_DATAGRAM_SIZE';
  return [
    decoded('WIR-101', 'size', 'size-1232', 'an answer of 1,232 bytes', answerOfSize(max)),
    decoded('WIR-101', 'size', 'size-1233', 'an answer of 1,233 bytes', answerOfSize(max + 1), wrong),
    decoded(
      'WIR-101',
      'size',
      'size-65507',
      'the longest datagram of UDP over IPv4',
      concat(question, new Uint8Array(65_507 - question.length)),
      wrong,
    ),
    decoded('WIR-102', 'size', 'size-0', 'no bytes', EMPTY, wrong),
    decoded('WIR-102', 'size', 'size-4', 'a tag', question.slice(0, 4), wrong),
    decoded('WIR-102', 'size', 'size-19', 'a header without its last byte', question.slice(0, 19), wrong),
    decoded('WIR-102', 'size', 'size-20', 'a header and no frame', question.slice(0, 20), wrong),
  ];
}

function tags(): readonly Draft[] {
  const other = (id: string, comment: string, network: Uint8Array): Draft =>
    decoded('WIR-103', 'network', id, comment, encodeDatagram(network, QUESTION), 'E_DATAGRAM_TAG');
  const question = encodeDatagram(NETWORK, QUESTION);
  const flipped = [0, 1, 2, 3].map((index) => {
    const bytes = Uint8Array.from(question);
    bytes[index] = (bytes[index] ?? 0) ^ 1;
    return decoded('WIR-103', 'network', `tag-byte-${index}`, `byte ${index} of the tag changed`, bytes, 'E_DATAGRAM_TAG');
  });
  return [
    other('other-network', 'the tag of another network', utf8('other')),
    other('longer-network', 'a network whose id begins like ours', concat(NETWORK, u8(0))),
    ...flipped,
  ];
}

function frames(): readonly Draft[] {
  const bad = (clause: string, id: string, comment: string, bytes: Uint8Array): Draft =>
    decoded(clause, 'frame', id, comment, encodeDatagram(NETWORK, { ...QUESTION, frame: bytes }), 'E_DATAGRAM_FORM');
  const find = QUESTION.frame;
  const overlong = concat(Uint8Array.of((find[0] ?? 0) | 0x80, 0), find.slice(1));
  return [
    bad('WIR-104', 'frame-cut-short', 'the datagram ends one byte before the frame', find.slice(0, -1)),
    bad('WIR-104', 'frame-length-overlong', 'the length in one byte more than it needs', overlong),
    bad('WIR-104', 'frame-length-0', 'a frame without kind and request id', u8(0)),
    bad('WIR-104', 'frame-length-1', 'a frame that ends behind its kind', unhex('0146')),
    bad('WIR-104', 'frame-kind-wide', 'kind 2^32', unhex('06808080801001')),
    bad('WIR-106', 'request-id-0', 'request id 0', frame('FindNode', writeBytesField(1, TARGET), 0)),
    bad('WIR-106', 'frame-too-long', 'a DhtPing one byte above the limit of its kind', frame('DhtPing', new Uint8Array(191))),
  ];
}

function kinds(): readonly Draft[] {
  const notTravelling = [0, 1, 2, 4, 6, 9, 32, 44, 48, 71, 250, 1_023, 65_535, 2 ** 32 - 1];
  return notTravelling.map((kind) =>
    decoded(
      'WIR-105',
      'kind',
      `kind-${kind}`,
      `kind ${kind}`,
      encodeDatagram(NETWORK, { ...QUESTION, frame: encodeFrame(kind, 1, EMPTY) }),
      'E_DATAGRAM_KIND',
    ),
  );
}

function rests(): readonly Draft[] {
  const bad = (id: string, comment: string, bytes: Uint8Array): Draft => decoded('WIR-107', 'rest', id, comment, bytes, 'E_DATAGRAM_FORM');
  const [question, retry, answer] = [encodeDatagram(NETWORK, QUESTION), encodeDatagram(NETWORK, RETRY), proved(ANSWER)];
  return [
    bad('question-and-byte', 'a byte behind a question', concat(question, u8(0))),
    bad('question-with-proof', 'a proof behind a question', proved(QUESTION)),
    bad('question-and-frame', 'two questions in one datagram', concat(question, QUESTION.frame)),
    bad('retry-with-proof', 'a proof behind a Retry', proved(RETRY)),
    bad('retry-and-byte', 'a byte behind a Retry', concat(retry, u8(0))),
    bad('answer-without-proof', 'an answer without proof', encodeDatagram(NETWORK, ANSWER)),
    bad('proof-95', 'a proof without its last byte', answer.slice(0, -1)),
    bad('proof-97', 'a byte behind the proof', concat(answer, u8(0))),
  ];
}

function proofs(): readonly Draft[] {
  const bad = (id: string, comment: string, bytes: Uint8Array): Draft =>
    decoded('WIR-110', 'proof', id, comment, bytes, 'E_DATAGRAM_PROOF');
  const answer = proved(ANSWER);
  const flip = (index: number): Uint8Array => {
    const bytes = Uint8Array.from(answer);
    const at = answer.length + index;
    bytes[at] = (bytes[at] ?? 0) ^ 1;
    return bytes;
  };
  const large = concat(answer.slice(0, -32), writeLe(readLe(answer.slice(-32)) + L, 32));
  return [
    bad('proof-signature', 'one bit of the signature changed', flip(-40)),
    bad('proof-key', 'one bit of the public key changed', flip(-96)),
    bad('proof-large-s', 'the signature with S + L', large),
    bad('proof-zero', 'a proof of zeros', concat(encodeDatagram(NETWORK, ANSWER), new Uint8Array(96))),
    bad('proof-other-cookie', 'the proof of another cookie', proved(ANSWER, { cookie: NONE })),
    bad('proof-without-cookie', 'a proof over the frame alone', proved(ANSWER, { cookie: EMPTY })),
    bad('proof-other-frame', 'the proof of another frame', proved(ANSWER, { frame: frame('DhtPong', EMPTY) })),
    bad('proof-other-request', 'the proof of another request id', proved(ANSWER, { frame: frame('FindNodeReply', EMPTY, 2) })),
    bad('proof-other-network', 'a proof made for another network', proved(ANSWER, { network: utf8('other') })),
  ];
}

function order(): readonly Draft[] {
  const long = concat(answerOfSize(DATAGRAM_BYTES_MAX), u8(0));
  return [
    decoded('WIR-101', 'order', 'order-size-tag', 'too long, and of another network', concat(u8(0), long), 'E_DATAGRAM_SIZE'),
    decoded('WIR-102', 'order', 'order-short-tag', 'too short, and of another network', new Uint8Array(20), 'E_DATAGRAM_SIZE'),
    decoded(
      'WIR-103',
      'order',
      'order-tag-frame',
      'of another network, without a whole frame',
      new Uint8Array(21).fill(0x80),
      'E_DATAGRAM_TAG',
    ),
    decoded(
      'WIR-105',
      'order',
      'order-kind-rest',
      'a Push with request id 0 and bytes behind it',
      concat(encodeDatagram(NETWORK, { ...QUESTION, frame: encodeFrame(32, 0, EMPTY) }), u8(0)),
      'E_DATAGRAM_KIND',
    ),
    decoded(
      'WIR-106',
      'order',
      'order-id-rest',
      'a question with request id 0 and a byte behind it',
      concat(encodeDatagram(NETWORK, { ...QUESTION, frame: frame('DhtPing', EMPTY, 0) }), u8(0)),
      'E_DATAGRAM_FORM',
    ),
  ];
}

const NETWORKS: readonly (readonly [string, Uint8Array])[] = [
  ['conformance', NETWORK],
  ['example', utf8('example')],
  ['one-byte', u8(0)],
  ['longest', bytesOf('network', 32)],
];

/** What `datagram.encode` is given: what stands in the datagram, and who answers. */
const ENCODED: readonly (readonly [id: string, comment: string, fields: DatagramFields, seed: Uint8Array])[] = [
  ['question', 'a question without a token', QUESTION, EMPTY],
  ['question-with-token', 'a question with a token', REPEATED, EMPTY],
  ['retry', 'a Retry', RETRY, EMPTY],
  ['answer', 'an answer of alice', ANSWER, SEED],
  ['answer-with-token', 'an answer of alice with a token', { ...ANSWER, token: TOKEN }, SEED],
];

/** The files about datagrams. */
export function datagramFiles(): readonly GeneratedFile[] {
  const clauses = ['WIR-100', 'WIR-101', 'WIR-102', 'WIR-103', 'WIR-104', 'WIR-105', 'WIR-106', 'WIR-107', 'WIR-110'];
  return [
    modelFile(
      'wire/datagram-tag.json',
      'datagram.tag',
      ['WIR-100'],
      NOTES,
      NETWORKS.map(
        ([id, network]): Draft => ({
          id,
          comment: `network id ${hex(network)}`,
          clauses: ['WIR-100'],
          flags: ['network'],
          args: [network],
        }),
      ),
    ),
    modelFile(
      'wire/datagram-encode.json',
      'datagram.encode',
      ['WIR-100'],
      NOTES,
      ENCODED.map(
        ([id, comment, fields, seed]): Draft => ({
          id,
          comment,
          clauses: ['WIR-100'],
          flags: ['valid'],
          args: [NETWORK, fields.cookie, fields.token, fields.frame, seed],
        }),
      ),
    ),
    modelFile('wire/datagram-decode.json', 'datagram.decode', clauses, NOTES, [
      ...inOrder(),
      ...sizes(),
      ...tags(),
      ...frames(),
      ...kinds(),
      ...rests(),
      ...proofs(),
      ...order(),
    ]),
  ];
}
