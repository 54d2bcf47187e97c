import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { splitPlaintext } from '../../../conformance/model/frame.ts';
import { concatBytes, fromHex, toHex } from '../bytes.ts';
import { encodeFrame, FRAME_KINDS, PLAINTEXT_BYTES_MAX, readFrame } from './frame.ts';

const hex = (text: string): Uint8Array => fromHex(text) ?? new Uint8Array(0);

/** The rule that a plaintext breaks at its first frame. */
function faultOf(text: string): string {
  const reading = readFrame(hex(text), 0);
  return reading.ok ? 'none' : `${reading.code} ${reading.clause}`;
}

describe('frame kinds', () => {
  test('the table is that of chapter 03', () => {
    const chapter = readFileSync(new URL('../../../spec/03-wire.md', import.meta.url), 'utf8');
    const rows = chapter
      .split('\n')
      .filter((line) => /^\| \d/.test(line))
      .map((line) =>
        line
          .split('|')
          .map((cell) => cell.trim())
          .slice(1, -1),
      );
    const here = [...FRAME_KINDS.values()].map((row) => [
      String(row.kind),
      row.name,
      row.class,
      row.lengthMax.toLocaleString('en'),
      row.exchange,
      row.needs ?? '–',
      `\`${row.name}\``,
      row.datagram ?? '–',
    ]);
    expect(here).toEqual(rows.map((cells) => cells.map((cell, index) => (index === 4 ? cell.replace(/,.*/, '') : cell))));
    expect(here.length).toBeGreaterThan(10);
  });
});

describe('frame headers', () => {
  test('WIR-020: a frame is written with minimal uvarints', () => {
    expect(toHex(encodeFrame(2, 1, hex('0a08')))).toBe('0402010a08');
    expect(toHex(encodeFrame(300, 200, new Uint8Array(0)))).toBe('04ac02c801');
  });

  test('frames come back one by one, with their sizes', () => {
    const frame = fc.record({
      kind: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
      requestId: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
      body: fc.uint8Array({ maxLength: 300 }),
    });
    fc.assert(
      fc.property(fc.array(frame, { minLength: 1, maxLength: 5 }), (frames) => {
        const encoded = frames.map((one) => encodeFrame(one.kind, one.requestId, one.body));
        const plaintext = concatBytes(...encoded);
        let offset = 0;
        for (const [index, one] of frames.entries()) {
          const reading = readFrame(plaintext, offset);
          if (!reading.ok) throw new Error(reading.clause);
          expect({ kind: reading.kind, requestId: reading.requestId, body: reading.body }).toEqual(one);
          expect(reading.size).toBe(encoded[index]?.length);
          expect(reading.next).toBe(offset + reading.size);
          offset = reading.next;
        }
        expect(offset).toBe(plaintext.length);
      }),
    );
  });

  test('the largest frame fills a plaintext, a longer one is a bug of the sender', () => {
    const body = new Uint8Array(65516 - 2);
    const reading = readFrame(encodeFrame(32, 0, body), 0);
    expect(reading).toMatchObject({ ok: true, length: 65516, size: PLAINTEXT_BYTES_MAX, next: PLAINTEXT_BYTES_MAX });
    expect(() => encodeFrame(32, 0, new Uint8Array(65515))).toThrow('one plaintext');
  });

  test.each([
    ['length not minimal', '82000200', 'E_VARINT WIR-022'],
    ['length without an end', '80', 'E_VARINT WIR-022'],
    ['length of eleven bytes', '8080808080808080808001', 'E_VARINT WIR-022'],
    ['kind not minimal', '03820000', 'E_VARINT WIR-022'],
    ['kind that runs over the end of its frame', '0182', 'E_VARINT WIR-022'],
    ['kind that would end in the next frame', '018201020200', 'E_VARINT WIR-022'],
    ['request id not minimal', '03028000', 'E_VARINT WIR-022'],
    ['request id that runs over the end of its frame', '020280', 'E_VARINT WIR-022'],
    ['a bad kind in a frame that is too long as well', '7f8200', 'E_VARINT WIR-022'],
    ['kind 2^32', '06808080801000', 'E_VARINT WIR-023'],
    ['request id 2^32', '06028080808010', 'E_VARINT WIR-023'],
    ['request id 2^64 − 1', '0b02ffffffffffffffffff01', 'E_VARINT WIR-023'],
    ['one byte missing', '030200', 'E_FRAME_LENGTH WIR-024'],
    ['nothing behind the length', '05', 'E_FRAME_LENGTH WIR-024'],
    ['length 2^64 − 1', 'ffffffffffffffffff010200', 'E_FRAME_LENGTH WIR-024'],
    ['length 0', '00', 'E_FRAME_LENGTH WIR-025'],
    ['length 0 before another frame', '00020200', 'E_FRAME_LENGTH WIR-025'],
    ['no room for a request id', '0102', 'E_FRAME_LENGTH WIR-025'],
    ['no room for a request id before another frame', '0102020200', 'E_FRAME_LENGTH WIR-025'],
    ['kind and request id 2^32 − 1', '0affffffff0fffffffff0f', 'none'],
    ['an empty body', '020200', 'none'],
  ])('%s', (_, text, fault) => {
    expect(faultOf(text)).toBe(fault);
  });

  test('no bytes make the reader throw or step over the end', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), fc.nat(45), (plaintext, offset) => {
        const reading = readFrame(plaintext, offset);
        if (!reading.ok) return;
        expect(reading.next).toBeGreaterThan(offset);
        expect(reading.next).toBeLessThanOrEqual(plaintext.length);
      }),
      { numRuns: 3000 },
    );
  });

  test('any plaintext is taken apart as by the kit’s model', () => {
    const byte = fc.oneof(fc.constantFrom(0x00, 0x01, 0x02, 0x03, 0x04, 0x7f, 0x80, 0x82, 0xff), fc.nat(255));
    fc.assert(
      fc.property(fc.array(byte, { minLength: 1, maxLength: 24 }), (list) => {
        const plaintext = Uint8Array.from(list);
        const model = splitPlaintext(plaintext);
        let offset = 0;
        for (const frame of model.frames) {
          const reading = readFrame(plaintext, offset);
          if (!reading.ok) throw new Error(reading.clause);
          expect([reading.kind, reading.requestId, reading.body, reading.size]).toEqual([
            frame.kind,
            frame.requestId,
            frame.body,
            frame.raw.length,
          ]);
          offset = reading.next;
        }
        if (model.error === undefined) {
          expect(offset).toBe(plaintext.length);
          return;
        }
        const reading = readFrame(plaintext, offset);
        expect(reading.ok).toBe(false);
        // A header that runs over the end of its frame is at fault twice: cut short, and with too short a length.
        const crosses = ['WIR-022', 'WIR-023', 'WIR-025'];
        if (!reading.ok && !(crosses.includes(reading.clause) && crosses.includes(model.clause ?? ''))) {
          expect([reading.code, reading.clause]).toEqual([model.error, model.clause]);
        }
      }),
      { numRuns: 4000 },
    );
  });
});
