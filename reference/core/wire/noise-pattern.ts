/** The handshake patterns as the Noise Protocol Framework writes them. */
import { invariant } from '../errors.ts';

export type NoiseToken = 'e' | 's' | 'ee' | 'es' | 'se' | 'ss' | 'psk';

interface PatternRow {
  /** Whose static key the other side knows before the first message. */
  readonly known?: readonly ('initiator' | 'responder')[];
  /** Tokens of the messages in turn, the initiator's first. */
  readonly messages: readonly (readonly NoiseToken[])[];
}

type BasePattern = 'NN' | 'NK' | 'NX' | 'XN' | 'XK' | 'XX' | 'IK' | 'IX' | 'KK' | 'N' | 'X';

const PATTERNS: Readonly<Record<BasePattern, PatternRow>> = {
  NN: { messages: [['e'], ['e', 'ee']] },
  NK: {
    known: ['responder'],
    messages: [
      ['e', 'es'],
      ['e', 'ee'],
    ],
  },
  NX: { messages: [['e'], ['e', 'ee', 's', 'es']] },
  XN: { messages: [['e'], ['e', 'ee'], ['s', 'se']] },
  XK: {
    known: ['responder'],
    messages: [
      ['e', 'es'],
      ['e', 'ee'],
      ['s', 'se'],
    ],
  },
  XX: { messages: [['e'], ['e', 'ee', 's', 'es'], ['s', 'se']] },
  IK: {
    known: ['responder'],
    messages: [
      ['e', 'es', 's', 'ss'],
      ['e', 'ee', 'se'],
    ],
  },
  IX: {
    messages: [
      ['e', 's'],
      ['e', 'ee', 'se', 's', 'es'],
    ],
  },
  KK: {
    known: ['initiator', 'responder'],
    messages: [
      ['e', 'es', 'ss'],
      ['e', 'ee', 'se'],
    ],
  },
  N: { known: ['responder'], messages: [['e', 'es']] },
  X: { known: ['responder'], messages: [['e', 'es', 's', 'ss']] },
};

/** A pattern, with the modifier that puts a pre-shared key before message 1 (psk0) or behind message n (pskn). */
export type NoisePattern = BasePattern | `${BasePattern}psk${0 | 1 | 2 | 3}`;

function splitName(pattern: NoisePattern): { readonly row: PatternRow; readonly psk: number | undefined } {
  const [base = '', position] = pattern.split('psk');
  invariant(Object.hasOwn(PATTERNS, base), 'the pattern stands in the table');
  return { row: PATTERNS[base as BasePattern], psk: position === undefined ? undefined : Number(position) };
}

/** The tokens of each message of the pattern, psk tokens put in. */
export function patternMessages(pattern: NoisePattern): readonly (readonly NoiseToken[])[] {
  const { row, psk } = splitName(pattern);
  if (psk === undefined) return row.messages;
  invariant(psk <= row.messages.length, 'the pre-shared key belongs to a message of the pattern');
  return row.messages.map((tokens, index): readonly NoiseToken[] => {
    if (psk === 0 && index === 0) return ['psk', ...tokens];
    return index === psk - 1 ? [...tokens, 'psk'] : tokens;
  });
}

/** Whose static keys are mixed in before the first message. */
export function patternPreMessages(pattern: NoisePattern): { readonly initiator: boolean; readonly responder: boolean } {
  const { known } = splitName(pattern).row;
  return { initiator: known?.includes('initiator') ?? false, responder: known?.includes('responder') ?? false };
}
