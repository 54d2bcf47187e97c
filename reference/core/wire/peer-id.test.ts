import { bech32, bech32m } from '@scure/base';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { encodeUtf8, fromHex, toHex } from '../bytes.ts';
import { portableCrypto } from '../crypto/portable.ts';
import type { PeerId } from '../types.ts';
import { derivePeerId, formatPeerId, parsePeerId } from './peer-id.ts';

const ids = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => toHex(bytes) as PeerId);

describe('PeerIds', () => {
  test('IDN-001: the key type is part of the hash', () => {
    const key = new Uint8Array(32).fill(1);
    const expected = portableCrypto.sha256(Uint8Array.of(...encodeUtf8('carillon/v1/peer-id'), 0, 1, ...key));
    expect(derivePeerId(portableCrypto, 1, key)).toBe(toHex(expected));
    expect(derivePeerId(portableCrypto, 2, key)).not.toBe(toHex(expected));
  });

  test('IDN-002: the text is lower case, begins with crl1, and comes back', () => {
    fc.assert(
      fc.property(ids, (id) => {
        expect(formatPeerId(id)).toMatch(/^crl1[02-9ac-hj-np-z]{58}$/);
        expect(parsePeerId(formatPeerId(id))).toBe(id);
      }),
    );
  });

  test('IDN-003: other case, part, checksum or size is refused', () => {
    const bytes = new Uint8Array(32).fill(0xab);
    const text = formatPeerId(toHex(bytes) as PeerId);
    const wrong = [
      '',
      'crl1',
      text.toUpperCase(),
      text.replace('crl1', 'CRL1'),
      `${text.slice(0, -1)}${text.slice(-1).toUpperCase()}X`,
      ` ${text}`,
      `${text}\n`,
      text.slice(0, -1),
      `${text}q`,
      bech32.encodeFromBytes('crl', bytes),
      bech32m.encodeFromBytes('crm', bytes),
      bech32m.encodeFromBytes('crl', bytes.slice(1)),
      bech32m.encodeFromBytes('crl', Uint8Array.of(...bytes, 0)),
      // 32 bytes are 51 groups of five bits and one bit more: the four bits left over are zero.
      bech32m.encode(
        'crl',
        bech32m.toWords(bytes).map((word, index) => (index === 51 ? word | 1 : word)),
      ),
      bech32m.encode('crl', [...bech32m.toWords(bytes), 0]),
    ];
    for (const entry of wrong) expect(parsePeerId(entry), JSON.stringify(entry)).toBeUndefined();
    for (let index = 4; index < text.length; index++) {
      const other = text[index] === 'q' ? 'p' : 'q';
      expect(parsePeerId(text.slice(0, index) + other + text.slice(index + 1))).toBeUndefined();
    }
  });

  test('no text makes the parser throw', () => {
    const text = fc.oneof(
      fc.string({ maxLength: 80 }),
      fc.string({ unit: fc.constantFrom(...'crl1qpzry9x8gf2tvdw0s3jn54khce6mua7l'), maxLength: 80 }),
    );
    fc.assert(fc.property(text, (value) => parsePeerId(value) === undefined));
    expect(fromHex(parsePeerId(formatPeerId('00'.repeat(32) as PeerId)) ?? '')).toEqual(new Uint8Array(32));
  });
});
