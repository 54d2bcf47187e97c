/** PeerIds: the name that a key has, in bytes and as text. Spec: chapter 02, "Keys and PeerIds". */
import { bech32m } from '@scure/base';
import { concatBytes, encodeUtf8, fromHex, toHex } from '../bytes.ts';
import type { CryptoProvider } from '../crypto/provider.ts';
import { invariant } from '../errors.ts';
import type { PeerId } from '../types.ts';

const DOMAIN = encodeUtf8('carillon/v1/peer-id\0');
const HUMAN_PART = 'crl';
const ID_BYTES = 32;

/** The PeerId of a public key of a key type (1 is Ed25519). Spec: IDN-001 */
export function derivePeerId(crypto: CryptoProvider, keyType: number, publicKey: Uint8Array): PeerId {
  return toHex(crypto.sha256(concatBytes(DOMAIN, Uint8Array.of(keyType), publicKey))) as PeerId;
}

/** The text that people and files use, `crl1…`. Spec: IDN-002 */
export function formatPeerId(id: PeerId): string {
  const bytes = fromHex(id);
  invariant(bytes?.length === ID_BYTES, 'a PeerId is 64 hexadecimal digits');
  return bech32m.encodeFromBytes(HUMAN_PART, bytes);
}

/** The PeerId of a text, or undefined when the text is not exactly what `formatPeerId` writes. Spec: IDN-003 */
export function parsePeerId(text: string): PeerId | undefined {
  const decoded = bech32m.decodeUnsafe(text);
  if (decoded === undefined || decoded.prefix !== HUMAN_PART) return undefined;
  const bytes = bech32m.fromWordsUnsafe(decoded.words);
  if (!bytes || bytes.length !== ID_BYTES) return undefined;
  const id = toHex(Uint8Array.from(bytes)) as PeerId;
  return formatPeerId(id) === text ? id : undefined;
}
