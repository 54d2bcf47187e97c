/**
 * The answers of `ed25519.ts` and of X25519 from OpenSSL: the kit makes and judges thousands of
 * signatures a run, and the model's own arithmetic takes milliseconds for each.
 *
 * OpenSSL decides the cofactorless equation; the screens of chapter 02 are done here on bytes, so that
 * every refusal of the model is one here. `quick.test.ts` holds both to the same answer on all vectors.
 */
import { createPrivateKey, createPublicKey, diffieHellman, type KeyObject, sign as signBytes, verify as verifyBytes } from 'node:crypto';
import { hex, readLe } from './bytes.ts';
import { add, BASE, decodePoint, encodePoint, IDENTITY, isSmallOrder, L, multiply, P, type Point, samePoint } from './ed25519.ts';

/** Key objects kept, per kind; the oldest goes first. */
const KEYS_MAX = 512;

const SEED_HEADER = Buffer.from('302e020100300506032b657004220420', 'hex');
const AGREEMENT_HEADER = Buffer.from('302e020100300506032b656e04220420', 'hex');

/** The y-coordinates of the eight points of small order, which tell them apart from all others. */
const SMALL_ORDER_Y: ReadonlySet<bigint> = new Set(torsion().map(({ y }) => y));

/** The public key of a secret seed; both 32 bytes. */
export function publicKey(seed: Uint8Array): Uint8Array {
  return publicBytes(seedKey(seed));
}

/** An Ed25519 signature by RFC 8032, 64 bytes. Spec: IDN-018. */
export function sign(seed: Uint8Array, message: Uint8Array): Uint8Array {
  return new Uint8Array(signBytes(null, message, seedKey(seed)));
}

/** The strict predicate. Spec: IDN-010 to IDN-017. */
export function verifyStrict(key: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  if (key.length !== 32 || signature.length !== 64) return false;
  if (readLe(signature.subarray(32)) >= L) return false;
  if (!isUsable(key) || !isUsable(signature.subarray(0, 32))) return false;
  const object = publicObject(key, 'Ed25519');
  return object !== undefined && verifyBytes(null, message, object, signature);
}

/** Canonical in y, and not of small order; x = 0 only happens for small order, so its sign bit is covered. */
function isUsable(encoding: Uint8Array): boolean {
  const y = readLe(encoding) & ((1n << 255n) - 1n);
  return y < P && !SMALL_ORDER_Y.has(y);
}

/** The X25519 public key of a secret. */
export function x25519PublicKey(secret: Uint8Array): Uint8Array {
  return publicBytes(agreementKey(secret));
}

/** The X25519 shared secret, or undefined when it is all zero. Spec: SES-005. */
export function x25519Shared(secret: Uint8Array, remote: Uint8Array): Uint8Array | undefined {
  const object = publicObject(remote, 'X25519');
  if (object === undefined) return undefined;
  try {
    const shared = new Uint8Array(diffieHellman({ privateKey: agreementKey(secret), publicKey: object }));
    return shared.every((byte) => byte === 0) ? undefined : shared;
  } catch {
    return undefined; // OpenSSL refuses a result of zero by itself.
  }
}

const seedKeys = new Map<string, KeyObject>();
const agreementKeys = new Map<string, KeyObject>();
const publicObjects = new Map<string, KeyObject>();

function seedKey(seed: Uint8Array): KeyObject {
  return kept(seedKeys, hex(seed), () => createPrivateKey({ key: Buffer.concat([SEED_HEADER, seed]), format: 'der', type: 'pkcs8' }));
}

function agreementKey(secret: Uint8Array): KeyObject {
  return kept(agreementKeys, hex(secret), () =>
    createPrivateKey({ key: Buffer.concat([AGREEMENT_HEADER, secret]), format: 'der', type: 'pkcs8' }),
  );
}

function publicObject(key: Uint8Array, curve: 'Ed25519' | 'X25519'): KeyObject | undefined {
  try {
    return kept(publicObjects, `${curve} ${hex(key)}`, () =>
      createPublicKey({ key: { kty: 'OKP', crv: curve, x: Buffer.from(key).toString('base64url') }, format: 'jwk' }),
    );
  } catch {
    return undefined;
  }
}

function publicBytes(key: KeyObject): Uint8Array {
  const { x } = createPublicKey(key).export({ format: 'jwk' });
  return new Uint8Array(Buffer.from(x ?? '', 'base64url'));
}

function kept(keys: Map<string, KeyObject>, name: string, make: () => KeyObject): KeyObject {
  const known = keys.get(name);
  if (known !== undefined) return known;
  const made = make();
  if (keys.size >= KEYS_MAX) {
    const oldest = keys.keys().next().value;
    if (oldest !== undefined) keys.delete(oldest);
  }
  keys.set(name, made);
  return made;
}

/** The points whose eightfold is the identity: L times any point that has a full component of small order generates them. */
function torsion(): Point[] {
  for (let y = 2n; ; y++) {
    const point = decodePoint(encodePoint({ x: 0n, y }));
    if (point === undefined) continue;
    const generator = multiply(L, point);
    if (!isSmallOrder(generator) || samePoint(multiply(4n, generator), IDENTITY) || samePoint(generator, BASE)) continue;
    const points: Point[] = [IDENTITY];
    for (let next = generator; !samePoint(next, IDENTITY); next = add(next, generator)) points.push(next);
    return points;
  }
}
