/**
 * Vectors of the signature predicate, one clause at a time. Where the equation can be made to hold it holds, so that only
 * the clause itself refuses; the search for a challenge of a wanted residue modulo 8 makes components of small order
 * cancel, or not. Spec: IDN-010 to IDN-018.
 */
import { concat, readLe, utf8, writeLe } from '../../model/bytes.ts';
import {
  add,
  BASE,
  challenge,
  decodePoint,
  encodePoint,
  IDENTITY,
  isSmallOrder,
  L,
  multiply,
  P,
  type Point,
  publicKey,
  refusal,
  samePoint,
  sign,
} from '../../model/ed25519.ts';
import { bytesOf, type Draft, type GeneratedFile, modelFile, seedOf } from '../draft.ts';
import type { VectorNote } from '../file.ts';

const NOTES: Readonly<Record<string, VectorNote>> = {
  valid: { bugType: 'BASIC', description: 'A signature by RFC 8032, or one that the strict predicate takes all the same.' },
  size: { bugType: 'INPUT_VALIDATION', description: 'Key or signature has another size.' },
  'large-s': {
    bugType: 'SIGNATURE_MALLEABILITY',
    description: 'S is L or above; modulo L the equation holds.',
    effect: 'Anyone can make a second signature from a first.',
  },
  'non-canonical': {
    bugType: 'CONSENSUS_SPLIT',
    description: 'A y-coordinate of p or above, or a sign bit that is set where x is 0.',
    effect: 'Libraries that reduce the encoding accept, others do not.',
  },
  'not-on-curve': { bugType: 'INPUT_VALIDATION', description: 'The encoding is canonical and no point has it.' },
  'small-order': {
    bugType: 'CONSENSUS_SPLIT',
    description: 'A or R is of small order, and the equation holds.',
    effect: 'A key that signs messages nobody has seen; libraries differ.',
  },
  'mixed-order': {
    bugType: 'CONSENSUS_SPLIT',
    description: 'A or R has a component of small order, and the components cancel: the equation holds without the cofactor.',
    effect: 'Libraries that ask for points of prime order refuse what others accept.',
  },
  'cofactor-only': {
    bugType: 'CONSENSUS_SPLIT',
    description: 'The equation holds after both sides are multiplied by eight, and not before.',
    effect: 'Libraries with the cofactored equation, and batch verifiers, accept what others refuse.',
  },
  wrong: { bugType: 'BASIC', description: 'A bit of key, message, R or S is another.' },
};

/** Bound on searches by counting; a residue modulo 8 is found after eight tries on average. */
const TRIES_MAX = 10_000;

const MESSAGE = utf8('carillon');
const SEED = seedOf('alice');

/** A secret scalar that belongs to a label. */
function scalarOf(label: string): bigint {
  return readLe(bytesOf(label, 64)) % L;
}

/** A point of order 8, and by it all eight points of small order. */
function torsion(): Point {
  for (let y = 2n; y < 2n + BigInt(TRIES_MAX); y++) {
    const point = decodePoint(writeLe(y, 32));
    if (point === undefined) continue;
    const candidate = multiply(L, point);
    if (!samePoint(multiply(4n, candidate), IDENTITY)) return candidate;
  }
  throw new Error('no point of order 8 was found');
}

const TORSION = torsion();

/** A signature made of parts, for a message that makes the challenge's residue modulo 8 what is wanted. */
function craft(
  key: { readonly scalar: bigint; readonly point: Point },
  nonce: { readonly scalar: bigint; readonly point: Point },
  residue: number | undefined,
): { key: Uint8Array; message: Uint8Array; signature: Uint8Array } {
  const [keyBytes, rBytes] = [encodePoint(key.point), encodePoint(nonce.point)];
  for (let count = 0; count < TRIES_MAX; count++) {
    const message = utf8(`carillon ${count}`);
    const k = challenge(rBytes, keyBytes, message);
    if (residue !== undefined && Number(k % 8n) !== residue) continue;
    const s = (nonce.scalar + k * key.scalar) % L;
    return { key: keyBytes, message, signature: concat(rBytes, writeLe(s, 32)) };
  }
  throw new Error('no message with the wanted challenge was found');
}

/** A key or a nonce: `scalar` times the base point, and `small` times the point of order 8. */
function mixed(scalar: bigint, small: number): { scalar: bigint; point: Point } {
  return { scalar, point: add(multiply(scalar, BASE), multiply(BigInt(small), TORSION)) };
}

function crafted(id: string, comment: string, clause: string, flag: string, parts: ReturnType<typeof craft>): Draft {
  const isValid = clause === 'IDN-017';
  return {
    id,
    comment,
    clauses: [clause],
    flags: [flag],
    args: [parts.key, parts.message, parts.signature],
    ...(isValid ? {} : { against: '0' }),
  };
}

function componentCases(): readonly Draft[] {
  const [a, r] = [scalarOf('key'), scalarOf('nonce')];
  const drafts: Draft[] = [];
  for (const [order, small] of [
    [2, 4],
    [4, 2],
    [8, 1],
  ] as const) {
    const key = mixed(a, small);
    const residue = order === 8 ? 8 : order;
    drafts.push(
      crafted(
        `mixed-a-order-${order}`,
        `A has a component of order ${order}, the challenge is a multiple of it`,
        'IDN-017',
        'mixed-order',
        craft(key, mixed(r, 0), 0),
      ),
      crafted(
        `cofactor-a-order-${order}`,
        `A has a component of order ${order}, the challenge is odd`,
        'IDN-016',
        'cofactor-only',
        craft(key, mixed(r, 0), 1),
      ),
      crafted(
        `cofactor-r-order-${order}`,
        `R has a component of order ${order}, A has none`,
        'IDN-016',
        'cofactor-only',
        craft(mixed(a, 0), mixed(r, small), undefined),
      ),
      // small·T + k·small·T = 0 when k is −1 modulo the order.
      crafted(
        `mixed-both-order-${order}`,
        `A and R have the same component of order ${order}, and they cancel`,
        'IDN-017',
        'mixed-order',
        craft(key, mixed(r, small), residue - 1),
      ),
    );
  }
  drafts.push(
    crafted(
      'mixed-both-different',
      'A has a component of order 8, R its threefold; the challenge is 5 modulo 8',
      'IDN-017',
      'mixed-order',
      craft(mixed(a, 1), mixed(r, 3), 5),
    ),
    crafted(
      'cofactor-both',
      'A has a component of order 8, R its threefold; the challenge is 4 modulo 8',
      'IDN-016',
      'cofactor-only',
      craft(mixed(a, 1), mixed(r, 3), 4),
    ),
  );
  return drafts;
}

function smallOrderCases(): readonly Draft[] {
  const r = scalarOf('nonce');
  const a = scalarOf('key');
  const drafts: Draft[] = [];
  for (let small = 0; small < 8; small++) {
    // S = r and k·A = 0: the equation holds with any R that is in order.
    const parts = craft(mixed(0n, small), mixed(r, 0), 0);
    drafts.push(crafted(`small-a-${small}`, `A is ${small} times a point of order 8, the equation holds`, 'IDN-013', 'small-order', parts));
    // R = j·T with A = a·B + T: cancels when k is −j modulo 8.
    const nonce = craft(mixed(a, 1), mixed(0n, small), (8 - small) % 8);
    drafts.push(crafted(`small-r-${small}`, `R is ${small} times a point of order 8, the equation holds`, 'IDN-015', 'small-order', nonce));
  }
  const zero = concat(encodePoint(IDENTITY), new Uint8Array(32));
  drafts.push({
    id: 'small-a-and-r',
    comment: 'A and R are the identity and S is 0: the equation holds for every message',
    clauses: ['IDN-013'],
    flags: ['small-order'],
    args: [encodePoint(IDENTITY), utf8('any message'), zero],
    against: '0',
  });
  return drafts;
}

/** Encodings of y-coordinates from p to 2^255 − 1 that stand for a point when they are reduced, and x = 0 with a sign. */
function nonCanonical(): readonly (readonly [id: string, bytes: Uint8Array, comment: string])[] {
  const encodings: [string, Uint8Array, string][] = [];
  for (let over = 0n; over < 19n; over++) {
    if (decodePoint(writeLe(over, 32)) === undefined) continue;
    for (const sign of [0n, 1n]) {
      const bytes = writeLe(P + over + (sign << 255n), 32);
      encodings.push([`y-p-plus-${over}-sign-${sign}`, bytes, `y is p + ${over}, the sign bit is ${sign}`]);
    }
  }
  encodings.push(['y-1-sign-1', writeLe(1n + (1n << 255n), 32), 'y is 1 and x is 0, the sign bit is 1']);
  encodings.push(['y-minus-1-sign-1', writeLe(P - 1n + (1n << 255n), 32), 'y is −1 and x is 0, the sign bit is 1']);
  return encodings;
}

function encodingCases(): readonly Draft[] {
  const drafts: Draft[] = [];
  const nonce = scalarOf('nonce');
  const secret = scalarOf('key');
  const key = encodePoint(multiply(secret, BASE));
  const good = sign(SEED, MESSAGE);
  for (const [id, bytes, comment] of nonCanonical()) {
    const rBytes = encodePoint(multiply(nonce, BASE));
    drafts.push(refusedEncoding(`a-${id}`, `A: ${comment}`, 'IDN-012', 'non-canonical', bytes, concat(rBytes, writeLe(nonce, 32))));
    // With R reduced to the identity, S = k·a makes the equation hold.
    const s = (challenge(bytes, key, MESSAGE) * secret) % L;
    drafts.push(refusedEncoding(`r-${id}`, `R: ${comment}`, 'IDN-014', 'non-canonical', key, concat(bytes, writeLe(s, 32))));
  }
  let found = 0;
  for (let y = 2n; found < 3; y++) {
    const bytes = writeLe(y, 32);
    if (decodePoint(bytes) !== undefined) continue;
    found += 1;
    drafts.push(refusedEncoding(`a-no-point-${y}`, `A: no point has y = ${y}`, 'IDN-012', 'not-on-curve', bytes, good));
    drafts.push(
      refusedEncoding(
        `r-no-point-${y}`,
        `R: no point has y = ${y}`,
        'IDN-014',
        'not-on-curve',
        publicKey(SEED),
        concat(bytes, good.slice(32)),
      ),
    );
  }
  return drafts;
}

function refusedEncoding(id: string, comment: string, clause: string, flag: string, key: Uint8Array, signature: Uint8Array): Draft {
  return { id, comment, clauses: [clause], flags: [flag], args: [key, MESSAGE, signature], against: '0' };
}

function plainCases(): readonly Draft[] {
  const key = publicKey(SEED);
  const good = sign(SEED, MESSAGE);
  const r = good.slice(0, 32);
  const s = readLe(good.slice(32));
  const flipped = (bytes: Uint8Array, index: number): Uint8Array => bytes.map((byte, i) => (i === index ? byte ^ 1 : byte));
  const drafts: Draft[] = [];
  const add1 = (id: string, comment: string, clause: string, flag: string, k: Uint8Array, m: Uint8Array, sig: Uint8Array): void => {
    const size = flag === 'size' ? { mayRefuse: true as const } : {};
    drafts.push({
      id,
      comment,
      clauses: [clause],
      flags: [flag],
      args: [k, m, sig],
      ...(clause === 'IDN-017' ? {} : { against: '0' }),
      ...size,
    });
  };
  for (const size of [0, 1, 31, 32, 33, 64, 127, 128, 1_023]) {
    const message = bytesOf('message', size);
    add1(`valid-message-${size}`, `a message of ${size} bytes`, 'IDN-017', 'valid', key, message, sign(SEED, message));
  }
  add1('valid-twin', 'the signature that the cases about sizes, S and bits depart from', 'IDN-017', 'valid', key, MESSAGE, good);
  add1('key-31', 'a key of 31 bytes', 'IDN-010', 'size', key.slice(0, 31), MESSAGE, good);
  add1('key-33', 'a key of 33 bytes', 'IDN-010', 'size', concat(key, Uint8Array.of(0)), MESSAGE, good);
  add1('key-0', 'no key', 'IDN-010', 'size', new Uint8Array(), MESSAGE, good);
  add1('signature-63', 'a signature of 63 bytes', 'IDN-010', 'size', key, MESSAGE, good.slice(0, 63));
  add1('signature-65', 'a signature of 65 bytes', 'IDN-010', 'size', key, MESSAGE, concat(good, Uint8Array.of(0)));
  add1('signature-0', 'no signature', 'IDN-010', 'size', key, MESSAGE, new Uint8Array());
  for (const times of [1n, 2n, 8n, 14n]) {
    add1(
      `s-plus-${times}-l`,
      `S + ${times}·L: the same modulo L`,
      'IDN-011',
      'large-s',
      key,
      MESSAGE,
      concat(r, writeLe(s + times * L, 32)),
    );
  }
  for (const bit of [255n, 254n, 253n]) {
    add1(`s-bit-${bit}`, `bit ${bit} of S is set`, 'IDN-011', 'large-s', key, MESSAGE, concat(r, writeLe(s | (1n << bit), 32)));
  }
  add1('s-is-l', 'S is L', 'IDN-011', 'large-s', key, MESSAGE, concat(r, writeLe(L, 32)));
  add1('s-is-l-minus-1', 'S is L − 1, which only the equation refuses', 'IDN-016', 'wrong', key, MESSAGE, concat(r, writeLe(L - 1n, 32)));
  add1('s-is-0', 'S is 0, which only the equation refuses', 'IDN-016', 'wrong', key, MESSAGE, concat(r, new Uint8Array(32)));
  add1('wrong-message', 'another message', 'IDN-016', 'wrong', key, flipped(MESSAGE, 0), good);
  add1('wrong-s', 'the lowest bit of S is another', 'IDN-016', 'wrong', key, MESSAGE, flipped(good, 32));
  add1('wrong-key', "bob's key", 'IDN-016', 'wrong', publicKey(seedOf('bob')), MESSAGE, good);
  add1(
    'wrong-r',
    'R of a signature of another message',
    'IDN-016',
    'wrong',
    key,
    MESSAGE,
    concat(sign(SEED, utf8('other')).slice(0, 32), good.slice(32)),
  );
  add1('negated-s', 'L − S', 'IDN-016', 'wrong', key, MESSAGE, concat(r, writeLe(L - s, 32)));
  return drafts;
}

/** Whether the model's points are what the cases say they are: stops the generator when they are not. */
function assertPoints(): void {
  const small = Array.from({ length: 8 }, (_, i) => multiply(BigInt(i), TORSION));
  const different = new Set(small.map((point) => point.y * 2n + (point.x & 1n))).size === 8;
  if (!different || !small.every(isSmallOrder)) throw new Error('the points of small order are not eight');
  if (refusal(publicKey(SEED), MESSAGE, sign(SEED, MESSAGE)) !== undefined) throw new Error('the model refuses its own signature');
}

/** The files about signatures. */
export function signatureFiles(): readonly GeneratedFile[] {
  assertPoints();
  const clauses = ['IDN-010', 'IDN-011', 'IDN-012', 'IDN-013', 'IDN-014', 'IDN-015', 'IDN-016', 'IDN-017'];
  const signed = [0, 1, 32, 64, 128, 1_000].map(
    (size): Draft => ({
      id: `message-${size}`,
      comment: `a message of ${size} bytes`,
      clauses: ['IDN-018'],
      flags: ['valid'],
      args: [SEED, bytesOf('message', size)],
    }),
  );
  const other = ['bob', 'carol', 'dave'].map(
    (label): Draft => ({
      id: `key-${label}`,
      comment: `another key; signing again gives the same bytes`,
      clauses: ['IDN-018'],
      flags: ['valid'],
      args: [seedOf(label), MESSAGE],
    }),
  );
  const seeds = ['alice', 'bob', 'carol'].map(
    (label): Draft => ({
      id: label,
      comment: 'the key that RFC 8032 derives from the seed',
      clauses: ['IDN-018'],
      args: [seedOf(label)],
    }),
  );
  return [
    modelFile('identity/ed25519-strict.json', 'ed25519.verify', clauses, NOTES, [
      ...plainCases(),
      ...encodingCases(),
      ...smallOrderCases(),
      ...componentCases(),
    ]),
    modelFile('identity/ed25519-sign.json', 'ed25519.sign', ['IDN-018'], NOTES, [...signed, ...other]),
    modelFile('identity/ed25519-public-key.json', 'ed25519.public_key', ['IDN-018'], NOTES, [
      ...seeds,
      { id: 'zero-seed', comment: 'a seed of zero bytes', clauses: ['IDN-018'], args: [new Uint8Array(32)] },
      { id: 'ff-seed', comment: 'a seed of bytes ff', clauses: ['IDN-018'], args: [new Uint8Array(32).fill(255)] },
    ]),
  ];
}
