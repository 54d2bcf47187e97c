/** The worked example of a question by datagram, computed by the model. */
import { concat, unhex, utf8 } from '../conformance/model/bytes.ts';
import { datagramFault, datagramTag, encodeDatagram, makeProof } from '../conformance/model/datagram.ts';
import { signingBytes } from '../conformance/model/envelope.ts';
import { encodeFrame, frameNamed } from '../conformance/model/frame.ts';
import { writeBytesField } from '../conformance/model/protobuf.ts';
import { ALICE, BOB, NETWORK } from './spec-example-bytes.ts';
import { dissect, fence, field } from './spec-example-form.ts';

const COOKIE = unhex('c001c0de0badcafe');
const TOKEN = unhex('7041e2f0a1b2c3d4');
const NONE = new Uint8Array(8);
const EMPTY = new Uint8Array();

function frame(name: string, body: Uint8Array): Uint8Array {
  return encodeFrame(frameNamed(name).kind, 1, body);
}

/** A datagram of Alice and Bob. Throws an Error when it would be dropped. */
function datagram(token: Uint8Array, content: Uint8Array, proof?: Uint8Array): Uint8Array {
  const bytes = encodeDatagram(NETWORK, { cookie: COOKIE, token, frame: content }, proof);
  const fault = datagramFault(NETWORK, bytes);
  if (fault !== undefined) throw new Error(`the example breaks ${fault.clause}`);
  return bytes;
}

const HEAD = (token: string): readonly (readonly [number, string])[] => [
  [4, 'tag'],
  [8, 'cookie'],
  [8, token],
];

const REQUEST_ID: readonly [number, string] = [1, 'request id 1'];

export function datagramExample(): string {
  const find = frame('FindNode', writeBytesField(1, ALICE.id));
  const findParts = [
    [1, `length of what follows: ${find.length - 1}`],
    [1, 'kind 70, FindNode'],
    REQUEST_ID,
    [2, 'field 1, target: 32 bytes'],
    [32, "Alice's PeerId"],
  ] as const;
  const nobody = frame('FindNodeReply', EMPTY);
  const proof = makeProof(NETWORK, BOB.seed, COOKIE, nobody);
  return fence(
    field('tag', datagramTag(NETWORK), 'of the network "example"'),
    dissect('question, from Alice', datagram(NONE, find), [...HEAD('no token'), ...findParts]),
    dissect('Retry, from Bob', datagram(TOKEN, frame('Retry', EMPTY)), [
      ...HEAD('a token for Alice'),
      [1, 'length of what follows: 2'],
      [1, 'kind 8, Retry'],
      REQUEST_ID,
    ]),
    dissect('question, from Alice, again', datagram(TOKEN, find), [...HEAD("Bob's token"), ...findParts]),
    dissect('answer, from Bob', datagram(TOKEN, nobody, proof), [
      ...HEAD('a token for Alice: the same, as it is early'),
      [1, 'length of what follows: 2'],
      [1, 'kind 72, FindNodeReply: no contacts'],
      REQUEST_ID,
      [32, "Bob's public key"],
      [64, 'his signature'],
    ]),
    dissect('signed by Bob', signingBytes(NETWORK, 'datagram', concat(COOKIE, nobody)), [
      [utf8('carillon/v1').length, '"carillon/v1"'],
      [1, '0x00'],
      [8, 'lp(network id)'],
      [9, 'lp("datagram")'],
      [1, 'length of the payload'],
      [8, 'cookie'],
      ['rest', 'frame'],
    ]),
  );
}
