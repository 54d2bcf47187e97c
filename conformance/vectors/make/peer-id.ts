/** Vectors of PeerIds and their texts. Spec: IDN-001 to IDN-003. */
import { concat, utf8 } from '../../model/bytes.ts';
import { publicKey } from '../../model/ed25519.ts';
import { encodeBech32, formatPeerId, peerId, toGroups } from '../../model/peer-id.ts';
import { bytesOf, type Draft, type GeneratedFile, modelFile, seedOf } from '../draft.ts';
import type { VectorNote } from '../file.ts';

const NOTES: Readonly<Record<string, VectorNote>> = {
  case: { bugType: 'MALLEABILITY', description: 'The text is not lower case throughout.', effect: 'One PeerId has several texts.' },
  prefix: { bugType: 'INPUT_VALIDATION', description: 'Another human-readable part, or none.' },
  checksum: { bugType: 'INPUT_VALIDATION', description: 'The bech32m checksum fails.', effect: 'A mistyped PeerId is taken for another.' },
  size: { bugType: 'INPUT_VALIDATION', description: 'The data is not exactly 32 bytes.' },
  alphabet: { bugType: 'INPUT_VALIDATION', description: 'A character that bech32 does not have.' },
  edge: { bugType: 'EDGE_CASE', description: 'Bytes that a careless reader changes.' },
};

const BECH32_CONSTANT = 1;

/** The PeerId that the text cases are about. */
const ID = peerId(1, publicKey(seedOf('alice')));

function derived(): readonly Draft[] {
  const keys: readonly (readonly [id: string, keyType: number, key: Uint8Array, comment: string])[] = [
    ['alice', 1, publicKey(seedOf('alice')), 'an Ed25519 key'],
    ['bob', 1, publicKey(seedOf('bob')), 'another Ed25519 key'],
    ['zero-key', 1, new Uint8Array(32), '32 zero bytes: the hash does not look at the key'],
    ['key-type-2', 2, publicKey(seedOf('alice')), "alice's key bytes with key type 2: the type is part of the hash"],
    ['key-type-2-long', 2, bytesOf('ml-dsa key', 1_952), 'a key of 1,952 bytes: no length stands in front of it'],
    ['key-type-255', 255, bytesOf('other key', 33), 'the largest key type of one byte'],
  ];
  return keys.map(([id, keyType, key, comment]) => ({ id, comment, clauses: ['IDN-001'], args: [keyType, key] }));
}

const IDS: readonly (readonly [id: string, bytes: Uint8Array, comment: string])[] = [
  ['alice', ID, 'a PeerId'],
  ['bob', peerId(1, publicKey(seedOf('bob'))), 'another PeerId'],
  ['all-zero', new Uint8Array(32), '32 zero bytes'],
  ['all-ones', new Uint8Array(32).fill(255), '32 bytes of ff'],
  ['leading-zeros', concat(new Uint8Array(31), Uint8Array.of(1)), 'leading zero bytes stay'],
  ['trailing-zeros', concat(Uint8Array.of(128), new Uint8Array(31)), 'trailing zero bytes stay'],
];

function refused(): readonly Draft[] {
  const text = formatPeerId(ID);
  const [groups, last] = [toGroups(ID), text.length - 1];
  const flip = (index: number): string => `${text.slice(0, index)}${text[index] === 'q' ? 'p' : 'q'}${text.slice(index + 1)}`;
  const swapped = [...text];
  const at = swapped.findIndex((character, i) => i > 4 && character !== swapped[i + 1]);
  swapped.splice(at, 2, swapped[at + 1] ?? '', swapped[at] ?? '');
  const texts: readonly (readonly [flag: string, id: string, text: string, comment: string])[] = [
    ['case', 'upper', text.toUpperCase(), 'upper case throughout, which bech32m itself would allow'],
    ['case', 'upper-data', `crl1${text.slice(4).toUpperCase()}`, 'lower-case part, upper-case data'],
    ['case', 'upper-prefix', `CRL1${text.slice(4)}`, 'upper-case part, lower-case data'],
    ['case', 'one-letter', text.replace(/[a-z](?=[^a-z]*$)/, (letter) => letter.toUpperCase()), 'one upper-case letter'],
    ['prefix', 'other-part', encodeBech32('crm', groups), 'part crm with its own checksum'],
    ['prefix', 'longer-part', encodeBech32('crl1', groups), 'part crl1 with its own checksum'],
    ['prefix', 'shorter-part', encodeBech32('cr', groups), 'part cr with its own checksum'],
    ['prefix', 'no-part', text.slice(4), 'the data alone'],
    ['prefix', 'part-alone', 'crl1', 'nothing behind the separator'],
    ['prefix', 'swapped-part', `crm1${text.slice(4)}`, "part crm with crl's checksum"],
    ['checksum', 'bech32', encodeBech32('crl', groups, BECH32_CONSTANT), 'the checksum of bech32, not of bech32m'],
    ['checksum', 'first-character', flip(4), 'the first character of the data is another'],
    ['checksum', 'middle-character', flip(30), 'a character in the middle is another'],
    ['checksum', 'last-character', flip(last), 'the last character is another'],
    ['checksum', 'swapped', swapped.join(''), 'two neighbours have changed places'],
    ['checksum', 'shortened', text.slice(0, last), 'the last character is missing'],
    ['checksum', 'lengthened', `${text}q`, 'one more q at the end'],
    ['size', 'bytes-31', encodeBech32('crl', toGroups(ID.slice(0, 31))), '31 bytes'],
    ['size', 'bytes-33', encodeBech32('crl', toGroups(concat(ID, Uint8Array.of(0)))), '33 bytes'],
    ['size', 'bytes-0', encodeBech32('crl', []), 'no data'],
    [
      'size',
      'padding-set',
      encodeBech32('crl', [...groups.slice(0, -1), (groups.at(-1) ?? 0) | 1]),
      'a padding bit is set: 32 bytes and something',
    ],
    ['size', 'group-too-many', encodeBech32('crl', [...groups, 0]), 'a group of zero bits too many'],
    ['alphabet', 'letter-b', `${text.slice(0, 10)}b${text.slice(11)}`, 'a letter that bech32 leaves out'],
    ['alphabet', 'space-before', ` ${text}`, 'a space in front'],
    ['alphabet', 'line-feed-behind', `${text}\n`, 'a line feed at the end'],
    ['alphabet', 'empty', '', 'no text at all'],
  ];
  return texts.map(([flag, id, value, comment]) => ({
    id: `${flag}-${id}`,
    comment,
    clauses: ['IDN-003'],
    flags: [flag],
    args: [utf8(value)],
    against: 'E_STRUCTURE',
  }));
}

/** The files about PeerIds. */
export function peerIdFiles(): readonly GeneratedFile[] {
  const formatted = IDS.map(([id, bytes, comment]): Draft => ({ id, comment, clauses: ['IDN-002'], flags: ['edge'], args: [bytes] }));
  const parsed = IDS.map(
    ([id, bytes, comment]): Draft => ({ id, comment, clauses: ['IDN-003'], flags: ['edge'], args: [formatPeerId(bytes)] }),
  );
  return [
    modelFile('identity/peer-id-derive.json', 'peer_id.derive', ['IDN-001'], NOTES, derived()),
    modelFile('identity/peer-id-format.json', 'peer_id.format', ['IDN-002'], NOTES, formatted),
    modelFile('identity/peer-id-parse.json', 'peer_id.parse', ['IDN-003'], NOTES, [...parsed, ...refused()]),
  ];
}
