import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { concatBytes } from '../core/bytes.ts';
import { frameMessage, MESSAGE_BYTES_MAX, MessageReader, OversizeMessage } from './framing.ts';

function readAll(pieces: readonly Uint8Array[]): { readonly messages: Uint8Array[]; readonly isInside: boolean } {
  const reader = new MessageReader();
  const messages: Uint8Array[] = [];
  for (const piece of pieces) reader.push(piece, (message) => messages.push(message));
  return { messages, isInside: reader.isInside };
}

describe('framing', () => {
  test('messages come out as they went in, however the stream is cut', () => {
    const message = fc.uint8Array({ maxLength: 40 });
    fc.assert(
      fc.property(
        fc.array(message, { maxLength: 8 }),
        fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 20 }),
        (messages, cuts) => {
          const stream = concatBytes(...messages.map(frameMessage));
          const pieces: Uint8Array[] = [];
          for (let offset = 0, cut = 0; offset < stream.length; cut++) {
            const size = cuts[cut % cuts.length] ?? 1;
            pieces.push(stream.subarray(offset, offset + size));
            offset += size;
          }
          expect(readAll(pieces)).toEqual({ messages, isInside: false });
        },
      ),
    );
  });

  test('an unfinished message is known as one', () => {
    const framed = frameMessage(Uint8Array.of(1, 2, 3));
    for (let size = 1; size < framed.length; size++) expect(readAll([framed.subarray(0, size)])).toEqual({ messages: [], isInside: true });
  });

  test('a length above 16 MiB is refused at its fourth byte', () => {
    const header = new Uint8Array(4);
    new DataView(header.buffer).setUint32(0, MESSAGE_BYTES_MAX + 1);
    expect(() => readAll([header])).toThrow(OversizeMessage);
    expect(() => frameMessage(new Uint8Array(MESSAGE_BYTES_MAX + 1))).toThrow(OversizeMessage);
    new DataView(header.buffer).setUint32(0, MESSAGE_BYTES_MAX);
    expect(readAll([header])).toEqual({ messages: [], isInside: true });
  });
});
