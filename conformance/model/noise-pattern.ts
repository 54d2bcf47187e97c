/** Handshake patterns of the Noise framework, revision 34, sections 7 to 9. */

/** What one step of a message pattern does. */
export type Token = 'e' | 's' | 'ee' | 'es' | 'se' | 'ss' | 'psk';

/** A handshake pattern. */
export interface Pattern {
  /** Static keys that are known before: of the initiator, of the responder. */
  readonly pre: readonly [boolean, boolean];
  readonly messages: readonly (readonly Token[])[];
}

function pattern(initiatorKnown: boolean, responderKnown: boolean, ...messages: readonly string[]): Pattern {
  return { pre: [initiatorKnown, responderKnown], messages: messages.map((line) => line.split(' ').filter(isToken)) };
}

function isToken(word: string): word is Token {
  return ['e', 's', 'ee', 'es', 'se', 'ss', 'psk'].includes(word);
}

const PATTERNS: Readonly<Record<string, Pattern>> = {
  N: pattern(false, true, 'e es'),
  K: pattern(true, true, 'e es ss'),
  X: pattern(false, true, 'e es s ss'),
  NN: pattern(false, false, 'e', 'e ee'),
  NK: pattern(false, true, 'e es', 'e ee'),
  NX: pattern(false, false, 'e', 'e ee s es'),
  XN: pattern(false, false, 'e', 'e ee', 's se'),
  XK: pattern(false, true, 'e es', 'e ee', 's se'),
  XX: pattern(false, false, 'e', 'e ee s es', 's se'),
  KN: pattern(true, false, 'e', 'e ee se'),
  KK: pattern(true, true, 'e es ss', 'e ee se'),
  KX: pattern(true, false, 'e', 'e ee se s es'),
  IN: pattern(false, false, 'e s', 'e ee se'),
  IK: pattern(false, true, 'e es s ss', 'e ee se'),
  IX: pattern(false, false, 'e s', 'e ee se s es'),
};

/** The pattern of a protocol name, with its pre-shared keys put in. Throws a RangeError for a name that is not of 25519, ChaChaPoly and SHA256. */
export function parseProtocolName(name: string): { base: Pattern; messages: readonly (readonly Token[])[]; usesPsk: boolean } {
  const match = /^Noise_([A-Z]+)((?:psk[0-9])?(?:\+psk[0-9])*)_25519_ChaChaPoly_SHA256$/.exec(name);
  const base = PATTERNS[match?.[1] ?? ''];
  if (match === null || base === undefined) throw new RangeError(`${name} is not a protocol of this module`);
  const places = [...(match[2] ?? '').matchAll(/psk([0-9])/g)].map((place) => Number(place[1]));
  const messages = base.messages.map((tokens, index): readonly Token[] => [
    ...(index === 0 && places.includes(0) ? (['psk'] as const) : []),
    ...tokens,
    ...(places.includes(index + 1) ? (['psk'] as const) : []),
  ]);
  return { base, messages, usesPsk: places.length > 0 };
}
