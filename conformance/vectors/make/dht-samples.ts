/** What the vectors of chapter 08 are made of. */
import { unhex } from '../../model/bytes.ts';
import { peerId } from '../../model/peer-id.ts';
import { publicKey } from '../../model/quick.ts';
import { type Argument, type Draft, seedOf } from '../draft.ts';
import type { VectorNote } from '../file.ts';
import { KEY } from './envelope-samples.ts';

/** What the flags of the vectors mean. */
export const NOTES: Readonly<Record<string, VectorNote>> = {
  valid: { bugType: 'BASIC', description: 'In order: the twin from which the others depart.' },
  edge: { bugType: 'EDGE_CASE', description: 'At a limit, or one beside it.' },
  order: { bugType: 'CONSENSUS_SPLIT', description: 'Several clauses apply; the first in their order decides.' },
  policy: { bugType: 'INPUT_VALIDATION', description: 'The first and last address of a range, and their neighbours.' },
  eviction: {
    bugType: 'AUTHORITY',
    description: 'Newcomers, failures and the limits by subnet.',
    effect: 'Whoever comes often or from one place takes over a table.',
  },
  signature: { bugType: 'BASIC', description: 'The envelope is out of order, or signed for something else.' },
  form: { bugType: 'INPUT_VALIDATION', description: 'A part has the wrong size or number, or says what it cannot say.' },
  rounding: { bugType: 'ROUNDING', description: 'Numbers beyond 2^53, or a division that leaves something over.' },
};

/** The wall clock of the vectors, in ms. */
export const WALL = 1_700_000_000_000;
/** One hour, in ms. */
export const HOUR = 3_600_000;
/** The PeerId of the key that signs unless it is said otherwise. */
export const ALICE: Uint8Array = peerId(1, KEY);
/** Somebody else, and what that one signs with. */
export const BOB_SEED: Uint8Array = seedOf('bob');
export const BOB: Uint8Array = peerId(1, publicKey(BOB_SEED));
/** The id 0. */
export const ZERO: Uint8Array = new Uint8Array(32);

/** A vector of one clause and one flag. */
export function one(clause: string, flag: string, id: string, comment: string, args: readonly Argument[], against?: string): Draft {
  return { id, comment, clauses: [clause], flags: [flag], args, ...(against === undefined ? {} : { against }) };
}

/** 32 bytes with the value of a power of two. */
export function bit(position: number): Uint8Array {
  const bytes = new Uint8Array(32);
  bytes[31 - Math.floor(position / 8)] = 1 << (position % 8);
  return bytes;
}

/** 32 bytes with a value. */
export function number(value: bigint): Uint8Array {
  return unhex(value.toString(16).padStart(64, '0'));
}

export function xor(a: Uint8Array, b: Uint8Array): Uint8Array {
  return a.map((byte, index) => byte ^ (b[index] ?? 0));
}

/** The 4 bytes of an IPv4 address. */
export function ip(dotted: string): Uint8Array {
  return Uint8Array.from(dotted.split('.'), Number);
}
