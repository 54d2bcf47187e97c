/** Vectors of envelopes: signing bytes, ids, sealing and verdicts. Spec: IDN-030 to IDN-041. */
import { utf8 } from '../../model/bytes.ts';
import { publicKey } from '../../model/ed25519.ts';
import { bytesOf, type Draft, type GeneratedFile, modelFile, seedOf } from '../draft.ts';
import type { VectorNote } from '../file.ts';
import { APP, HELLO, KEY, NETWORK, SEED } from './envelope-samples.ts';
import { verdictCases } from './envelope-verdict.ts';

const NOTES: Readonly<Record<string, VectorNote>> = {
  valid: { bugType: 'BASIC', description: 'An envelope in order: the twin from which the others depart.' },
  structure: { bugType: 'MALLEABILITY', description: 'Envelope or payload are not strictly encoded, or a part has another size.' },
  context: {
    bugType: 'CROSS_PROTOCOL',
    description: 'Signed for another purpose than the place of its arrival.',
    effect: 'A signature given for one thing is used for another.',
  },
  network: { bugType: 'CROSS_PROTOCOL', description: 'Signed for another network.' },
  'key-type': { bugType: 'AGILITY', description: 'A key type other than 1.' },
  version: { bugType: 'AGILITY', description: 'The payload begins with another version, or with none.' },
  signature: { bugType: 'BASIC', description: 'The predicate refuses the signature.' },
  order: { bugType: 'CONSENSUS_SPLIT', description: 'Several clauses apply; the first in their order decides.' },
  edge: { bugType: 'EDGE_CASE', description: 'Sizes and bytes at the edge of what is allowed.' },
};

/** The files about envelopes. */
export function envelopeFiles(): readonly GeneratedFile[] {
  const inputs: readonly (readonly [id: string, networkId: Uint8Array, context: string, payload: Uint8Array, comment: string])[] = [
    ['app', NETWORK, 'app', APP, 'context app'],
    ['handshake', NETWORK, 'handshake', HELLO, 'context handshake'],
    ['network-1-byte', utf8('x'), 'app', APP, 'a network id of one byte'],
    ['network-32-bytes', bytesOf('network', 32), 'app', APP, 'a network id of 32 bytes that are no text'],
    ['payload-empty', NETWORK, 'app', new Uint8Array(), 'a payload of no bytes'],
    ['payload-127', NETWORK, 'app', bytesOf('payload', 127), 'a payload whose length takes one byte'],
    ['payload-128', NETWORK, 'app', bytesOf('payload', 128), 'a payload whose length takes two bytes'],
    ['payload-16384', NETWORK, 'app', bytesOf('payload', 16_384), 'a payload whose length takes three bytes'],
    ['boundary-1', utf8('ab'), 'c', utf8('de'), 'the bytes of the next two cases, cut differently'],
    ['boundary-2', utf8('a'), 'bc', utf8('de'), 'lengths keep the parts apart'],
    ['boundary-3', utf8('a'), 'b', utf8('cde'), 'lengths keep the parts apart'],
  ];
  const draft = (clauses: readonly string[], args: (input: (typeof inputs)[number]) => Draft['args']): readonly Draft[] =>
    inputs.map((input): Draft => ({ id: input[0], comment: input[4], clauses, flags: ['edge'], args: args(input) }));
  const ids: readonly Draft[] = [
    ...draft(['IDN-031'], ([, networkId, context, payload]) => [networkId, context, 1, KEY, payload]),
    {
      id: 'other-key',
      comment: 'the signer is part of the id',
      clauses: ['IDN-031'],
      flags: ['edge'],
      args: [NETWORK, 'app', 1, publicKey(seedOf('bob')), APP],
    },
    { id: 'key-type-2', comment: 'so is the key type', clauses: ['IDN-031'], flags: ['edge'], args: [NETWORK, 'app', 2, KEY, APP] },
    {
      id: 'long-key',
      comment: 'a key whose length takes two bytes',
      clauses: ['IDN-031'],
      flags: ['edge'],
      args: [NETWORK, 'app', 2, bytesOf('ml-dsa key', 1_952), APP],
    },
  ];
  return [
    modelFile(
      'identity/envelope-signing-bytes.json',
      'envelope.signing_bytes',
      ['IDN-030'],
      NOTES,
      draft(['IDN-030'], ([, networkId, context, payload]) => [networkId, context, payload]),
    ),
    modelFile('identity/envelope-id.json', 'envelope.id', ['IDN-031'], NOTES, ids),
    modelFile(
      'identity/envelope-seal.json',
      'envelope.seal',
      ['IDN-018', 'IDN-030'],
      NOTES,
      draft(['IDN-030', 'IDN-018'], ([, networkId, context, payload]) => [networkId, context, SEED, payload]),
    ),
    modelFile(
      'identity/envelope-judge.json',
      'envelope.judge',
      ['IDN-032', 'IDN-033', 'IDN-034', 'IDN-035', 'IDN-036', 'IDN-037', 'IDN-038', 'IDN-039', 'IDN-040', 'IDN-041'],
      NOTES,
      verdictCases(),
    ),
  ];
}
