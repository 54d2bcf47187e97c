/** PeerIds and their text form. Spec: IDN-001 to IDN-003. */
import { sha256, u8, utf8 } from './bytes.ts';

const HUMAN_READABLE_PART = 'crl';
const ALPHABET = 'qpzry9x8gf2tvdw0s3jn54khce6mua7l';
const BECH32M_CONSTANT = 0x2bc830a3;
const GENERATORS = [0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3];

/** `H("carillon/v1/peer-id" ‖ 0x00 ‖ u8(key type) ‖ public key)`, 32 bytes. Spec: IDN-001. */
export function peerId(keyType: number, publicKey: Uint8Array): Uint8Array {
  return sha256(utf8('carillon/v1/peer-id'), u8(0), u8(keyType), publicKey);
}

/** A PeerId as text. Throws a RangeError when it is not 32 bytes. Spec: IDN-002. */
export function formatPeerId(id: Uint8Array): string {
  if (id.length !== 32) throw new RangeError(`a PeerId has 32 bytes, not ${id.length}`);
  return encodeBech32(HUMAN_READABLE_PART, toGroups(id), BECH32M_CONSTANT);
}

/** The PeerId of a text, or undefined for a text that is refused. Spec: IDN-003. */
export function parsePeerId(value: string): Uint8Array | undefined {
  const prefix = `${HUMAN_READABLE_PART}1`;
  if (!value.startsWith(prefix)) return undefined;
  const groups = [...value.slice(prefix.length)].map((character) => ALPHABET.indexOf(character));
  if (groups.includes(-1) || groups.length < 6) return undefined;
  if (checksum(HUMAN_READABLE_PART, groups) !== BECH32M_CONSTANT) return undefined;
  const bytes = fromGroups(groups.slice(0, -6));
  return bytes?.length === 32 ? bytes : undefined;
}

/** Text of 5-bit groups with the checksum that `constant` fixes: 1 for bech32, another for bech32m. */
export function encodeBech32(humanReadablePart: string, groups: readonly number[], constant: number = BECH32M_CONSTANT): string {
  const remainder = checksum(humanReadablePart, [...groups, 0, 0, 0, 0, 0, 0]) ^ constant;
  const check = [25, 20, 15, 10, 5, 0].map((shift) => (remainder >>> shift) & 31);
  return `${humanReadablePart}1${[...groups, ...check].map((group) => ALPHABET.charAt(group)).join('')}`;
}

/** 5-bit groups of bytes, the last one filled with zero bits. */
export function toGroups(bytes: Uint8Array): readonly number[] {
  const bits = [...bytes].map((byte) => byte.toString(2).padStart(8, '0')).join('');
  return (bits.match(/.{1,5}/g) ?? []).map((group) => Number.parseInt(group.padEnd(5, '0'), 2));
}

/** Bytes of 5-bit groups; undefined when more than 4 bits are left over, or a left-over bit is set. */
function fromGroups(groups: readonly number[]): Uint8Array | undefined {
  const bits = groups.map((group) => group.toString(2).padStart(5, '0')).join('');
  const whole = bits.length - (bits.length % 8);
  if (bits.length - whole > 4 || bits.slice(whole).includes('1')) return undefined;
  return Uint8Array.from(bits.slice(0, whole).match(/.{8}/g) ?? [], (byte) => Number.parseInt(byte, 2));
}

function checksum(humanReadablePart: string, groups: readonly number[]): number {
  const codes = [...humanReadablePart].map((character) => character.charCodeAt(0));
  const expanded = [...codes.map((code) => code >> 5), 0, ...codes.map((code) => code & 31), ...groups];
  let remainder = 1;
  for (const group of expanded) {
    const top = remainder >>> 25;
    remainder = ((remainder & 0x1ffffff) << 5) ^ group;
    GENERATORS.forEach((generator, bit) => {
      if ((top >>> bit) & 1) remainder ^= generator;
    });
  }
  return remainder;
}
