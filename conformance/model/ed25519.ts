/**
 * Ed25519: signing by RFC 8032, and the strict predicate of the network in plain big-integer arithmetic, one clause a
 * line. Spec: chapter 02, "The signature predicate".
 */
import { ed25519 } from '@noble/curves/ed25519.js';
import { sha512 } from '@noble/hashes/sha2.js';
import { concat, readLe, writeLe } from './bytes.ts';

/** The field's prime, 2^255 − 19. */
export const P: bigint = 2n ** 255n - 19n;
/** The order of the base point. */
export const L: bigint = 2n ** 252n + 27742317777372353535851937790883648493n;

const D = mod(-121665n * invert(121666n));
const SQRT_MINUS_1 = power(2n, (P - 1n) / 4n);

/** A point of the twisted Edwards curve in affine coordinates, both below p. */
export interface Point {
  readonly x: bigint;
  readonly y: bigint;
}

/** The identity of the group. */
export const IDENTITY: Point = { x: 0n, y: 1n };
/** The base point. */
export const BASE: Point = basePoint();

/** Public key of a 32-byte secret seed. */
export function publicKey(seed: Uint8Array): Uint8Array {
  return ed25519.getPublicKey(seed);
}

/** The 64-byte signature that RFC 8032 prescribes. Spec: IDN-018. */
export function sign(seed: Uint8Array, message: Uint8Array): Uint8Array {
  return ed25519.sign(message, seed);
}

/** Another valid signature of the same message: with a nonce that RFC 8032 does not prescribe, which no verifier can see. */
export function signAgain(seed: Uint8Array, message: Uint8Array): Uint8Array {
  const hash = sha512(seed);
  const scalar = ((readLe(hash.slice(0, 32)) & ((1n << 254n) - 8n)) | (1n << 254n)) % L;
  const nonce = readLe(sha512(concat(seed, message, Uint8Array.of(1)))) % L;
  const rBytes = encodePoint(multiply(nonce, BASE));
  const s = (nonce + challenge(rBytes, publicKey(seed), message) * scalar) % L;
  return concat(rBytes, writeLe(s, 32));
}

/** The clause that refuses the signature, or undefined when it is valid (IDN-017). Spec: IDN-010 to IDN-016. */
export function refusal(key: Uint8Array, message: Uint8Array, signature: Uint8Array): string | undefined {
  if (key.length !== 32 || signature.length !== 64) return 'IDN-010';
  const rBytes = signature.slice(0, 32);
  const s = readLe(signature.slice(32));
  if (s >= L) return 'IDN-011';
  const a = decodePoint(key);
  if (a === undefined) return 'IDN-012';
  if (isSmallOrder(a)) return 'IDN-013';
  const r = decodePoint(rBytes);
  if (r === undefined) return 'IDN-014';
  if (isSmallOrder(r)) return 'IDN-015';
  const k = challenge(rBytes, key, message);
  return samePoint(multiply(s, BASE), add(r, multiply(k, a))) ? undefined : 'IDN-016';
}

/** The predicate of the network. Spec: IDN-010 to IDN-017. */
export function verifyStrict(key: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  return refusal(key, message, signature) === undefined;
}

/** `k = SHA-512(R bytes ‖ public key ‖ message)`, little-endian, modulo L. */
export function challenge(rBytes: Uint8Array, key: Uint8Array, message: Uint8Array): bigint {
  return readLe(sha512(concat(rBytes, key, message))) % L;
}

/** The point of a canonical encoding of 32 bytes; undefined for y ≥ p, for no point, and for x = 0 with the sign bit set. */
export function decodePoint(bytes: Uint8Array): Point | undefined {
  const number = readLe(bytes);
  const sign = number >> 255n;
  const y = number - (sign << 255n);
  if (y >= P) return undefined;
  const x = evenRoot(y);
  if (x === undefined || (x === 0n && sign === 1n)) return undefined;
  return { x: (x & 1n) === sign ? x : P - x, y };
}

/** The canonical encoding of a point, 32 bytes. */
export function encodePoint(point: Point): Uint8Array {
  return writeLe(point.y + ((point.x & 1n) << 255n), 32);
}

/** Eight times the point is the identity. */
export function isSmallOrder(point: Point): boolean {
  return samePoint(multiply(8n, point), IDENTITY);
}

/** Whether two points are one. */
export function samePoint(a: Point, b: Point): boolean {
  return a.x === b.x && a.y === b.y;
}

/** The sum of two points. */
export function add(a: Point, b: Point): Point {
  return affine(addProjective(projective(a), projective(b)));
}

/** `scalar` times the point, by doubling and adding; the scalar is taken as it is, not modulo L. */
export function multiply(scalar: bigint, point: Point): Point {
  let sum = projective(IDENTITY);
  let term = projective(point);
  for (let rest = scalar; rest > 0n; rest >>= 1n) {
    if (rest & 1n) sum = addProjective(sum, term);
    term = addProjective(term, term);
  }
  return affine(sum);
}

/** x = X/Z, y = Y/Z: spares an inversion for each addition. */
interface Projective {
  readonly x: bigint;
  readonly y: bigint;
  readonly z: bigint;
}

function projective(point: Point): Projective {
  return { ...point, z: 1n };
}

function affine(point: Projective): Point {
  const inverse = invert(point.z);
  return { x: mod(point.x * inverse), y: mod(point.y * inverse) };
}

/** The complete addition law of −x² + y² = 1 + d·x²·y², which holds for equal points too. */
function addProjective(p: Projective, q: Projective): Projective {
  const zz = mod(p.z * q.z);
  const zzzz = mod(zz * zz);
  const xx = mod(p.x * q.x);
  const yy = mod(p.y * q.y);
  const cross = mod(D * mod(xx * yy));
  const minus = mod(zzzz - cross);
  const plus = mod(zzzz + cross);
  return {
    x: mod(mod(zz * minus) * (p.x * q.y + p.y * q.x)),
    y: mod(mod(zz * plus) * (yy + xx)),
    z: mod(minus * plus),
  };
}

/** The even x with −x² + y² = 1 + d·x²·y², if there is one. */
function evenRoot(y: bigint): bigint | undefined {
  const yy = mod(y * y);
  const xx = mod((yy - 1n) * invert(D * yy + 1n));
  const candidate = power(xx, (P + 3n) / 8n);
  for (const root of [candidate, mod(candidate * SQRT_MINUS_1)]) {
    if (mod(root * root) === xx) return (root & 1n) === 0n ? root : P - root;
  }
  return undefined;
}

function basePoint(): Point {
  const y = mod(4n * invert(5n));
  const x = evenRoot(y);
  if (x === undefined) throw new Error('the base point is on the curve');
  return { x, y };
}

function mod(value: bigint): bigint {
  const rest = value % P;
  return rest < 0n ? rest + P : rest;
}

function power(base: bigint, exponent: bigint): bigint {
  let result = 1n;
  let square = mod(base);
  for (let rest = exponent; rest > 0n; rest >>= 1n) {
    if (rest & 1n) result = mod(result * square);
    square = mod(square * square);
  }
  return result;
}

function invert(value: bigint): bigint {
  return power(value, P - 2n);
}
