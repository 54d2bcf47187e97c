/**
 * Byte strings: joining, comparing, hexadecimal, UTF-8. The core has no TextDecoder and no Buffer,
 * so the strict forms stand here, once.
 */

/** One fresh array with the bytes of all parts in their order. */
export function concatBytes(...parts: readonly Uint8Array[]): Uint8Array {
  let size = 0;
  for (const part of parts) size += part.length;
  const joined = new Uint8Array(size);
  let offset = 0;
  for (const part of parts) {
    joined.set(part, offset);
    offset += part.length;
  }
  return joined;
}

/** A fresh array with the same bytes: what is kept beyond a call is copied. */
export function copyBytes(bytes: Uint8Array): Uint8Array {
  return Uint8Array.from(bytes);
}

/** Whether both hold the same bytes. Not constant in time: never for secrets. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let index = 0; index < a.length; index++) {
    if (a[index] !== b[index]) return false;
  }
  return true;
}

/** Order by unsigned bytes, a prefix before what it begins: negative, 0 or positive. */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const shared = Math.min(a.length, b.length);
  for (let index = 0; index < shared; index++) {
    const difference = (a[index] ?? 0) - (b[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

/** Character codes of the 16 digits. */
const HEX_DIGITS: readonly number[] = Array.from('0123456789abcdef', (digit) => digit.charCodeAt(0));

/** Bytes that one call of `String.fromCharCode` takes as digits. */
const HEX_CHUNK_BYTES = 1024;

/**
 * Lower-case hexadecimal, two digits a byte. The text is made in one piece: one that is joined digit by
 * digit is kept by engines as a tree of its parts, of eight times the size, for as long as it is a key of a map.
 */
export function toHex(bytes: Uint8Array): string {
  let text = '';
  for (let start = 0; start < bytes.length; start += HEX_CHUNK_BYTES) {
    const codes: number[] = [];
    for (const byte of bytes.subarray(start, start + HEX_CHUNK_BYTES)) {
      codes.push(HEX_DIGITS[byte >> 4] ?? 0, HEX_DIGITS[byte & 15] ?? 0);
    }
    text += String.fromCharCode(...codes);
  }
  return text;
}

function hexDigit(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  if (code >= 0x61 && code <= 0x66) return code - 0x61 + 10;
  if (code >= 0x41 && code <= 0x46) return code - 0x41 + 10;
  return -1;
}

/** The bytes of hexadecimal text of either case, or undefined for an odd length or another character. */
export function fromHex(text: string): Uint8Array | undefined {
  if (text.length % 2 !== 0) return undefined;
  const bytes = new Uint8Array(text.length / 2);
  for (let index = 0; index < bytes.length; index++) {
    const high = hexDigit(text.charCodeAt(2 * index));
    const low = hexDigit(text.charCodeAt(2 * index + 1));
    if (high < 0 || low < 0) return undefined;
    bytes[index] = high * 16 + low;
  }
  return bytes;
}

/** 8 bytes, most significant first; takes 0 to 2^64 − 1 and wraps around beyond. */
export function u64be(value: bigint | number): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(value));
  return bytes;
}

/** UTF-8 of a text; a surrogate without its partner becomes U+FFFD. */
export function encodeUtf8(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length * 3);
  let size = 0;
  for (const character of text) {
    let point = character.codePointAt(0) ?? 0;
    if (point >= 0xd800 && point <= 0xdfff) point = 0xfffd;
    if (point < 0x80) {
      bytes[size++] = point;
    } else if (point < 0x800) {
      bytes[size++] = 0xc0 | (point >> 6);
      bytes[size++] = 0x80 | (point & 0x3f);
    } else if (point < 0x10000) {
      bytes[size++] = 0xe0 | (point >> 12);
      bytes[size++] = 0x80 | ((point >> 6) & 0x3f);
      bytes[size++] = 0x80 | (point & 0x3f);
    } else {
      bytes[size++] = 0xf0 | (point >> 18);
      bytes[size++] = 0x80 | ((point >> 12) & 0x3f);
      bytes[size++] = 0x80 | ((point >> 6) & 0x3f);
      bytes[size++] = 0x80 | (point & 0x3f);
    }
  }
  return bytes.slice(0, size);
}

/** Decodes the sequence at `offset`; the result packs the code point and its size, or is −1. */
function readCodePoint(bytes: Uint8Array, offset: number): number {
  const first = bytes[offset] ?? 0;
  if (first < 0x80) return first * 8 + 1;
  const size = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  // 80..bf continue, c0 and c1 would be overlong, f5..ff lie beyond U+10FFFF.
  if (first < 0xc2 || first > 0xf4 || offset + size > bytes.length) return -1;
  let point = first & (0xff >> (size + 1));
  for (let index = 1; index < size; index++) {
    const next = bytes[offset + index] ?? 0;
    if ((next & 0xc0) !== 0x80) return -1;
    point = point * 64 + (next & 0x3f);
  }
  const least = size === 4 ? 0x10000 : size === 3 ? 0x800 : 0x80;
  if (point < least || point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff)) return -1;
  return point * 8 + size;
}

/** The text of strict UTF-8, or undefined: overlong forms, surrogates and points above U+10FFFF are refused. */
export function decodeUtf8(bytes: Uint8Array): string | undefined {
  let text = '';
  let offset = 0;
  while (offset < bytes.length) {
    const packed = readCodePoint(bytes, offset);
    if (packed < 0) return undefined;
    text += String.fromCodePoint(packed >> 3);
    offset += packed & 7;
  }
  return text;
}
