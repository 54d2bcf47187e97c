/** Worked examples of chapter 07, computed by the model. */
import { hex, sha256, utf8 } from '../conformance/model/bytes.ts';
import { encodeFrame, frameNamed } from '../conformance/model/frame.ts';
import { encodeMessage } from '../conformance/model/message.ts';
import { fingerprintOf, openMessage } from '../conformance/model/ranges.ts';
import {
  checksum,
  decodeSketch,
  digestOf,
  expectedInStream,
  indicesOf,
  shortId,
  symbolsOf,
  writeSymbols,
} from '../conformance/model/riblt.ts';
import { dissect, fence, field, group, table } from './spec-example-form.ts';

const SALT = Uint8Array.from({ length: 16 }, (_, at) => at);

/** The id of an item of the examples: SHA-256 of its name. */
function item(name: string): Uint8Array {
  return sha256(utf8(name));
}

const SHARED = ['a', 'b', 'c'];
const ANSWERER = [...SHARED, 'd'];
const ASKER = [...SHARED, 'e'];

/** Short ids, checksums and the first symbols of five items. */
export function walkExample(): string {
  const rows = ['a', 'b', 'c', 'd', 'e'].map((name) => {
    const short = shortId(SALT, item(name));
    const check = checksum(SALT, short);
    return [name, `\`${hex(short)}\``, `\`${hex(check)}\``, indicesOf(check, 64n).join(' ')];
  });
  return table(['item', 'short id', 'checksum', 'symbols below 64'], rows);
}

/** What the asker says, what the answerer says, and what is left. */
export function sketchExample(): string {
  const [own, theirs] = [ASKER.map(item), ANSWERER.map(item)];
  const request = encodeFrame(
    frameNamed('SketchRequest').kind,
    1,
    encodeMessage('SketchRequest', { set: 1, salt: SALT, count: 32, digest: digestOf(SALT, own) }),
  );
  const symbols = symbolsOf(SALT, theirs, 0, 4);
  const bytes = writeSymbols(symbols, expectedInStream(theirs.length, 0));
  const decoding = decodeSketch(SALT, own, symbolsOf(SALT, theirs, 0, 32));
  return fence(
    dissect('SketchRequest', request, [
      [1, `length of what follows: ${request.length - 1}`],
      [1, 'kind 58'],
      [1, 'request id 1'],
      [2, 'field 1, set: 1, records'],
      [2, 'field 2, salt: 16 bytes'],
      [16, '  the salt'],
      [0, 'fields 3 and 4, no prefix'],
      [0, 'field 5, from symbol 0'],
      [2, 'field 6, count: 32'],
      [2, 'field 7, digest: 8 bytes'],
      [8, '  short ids of a, b, c, e'],
    ]),
    '',
    dissect(
      'symbols 0 to 3 of a, b, c, d',
      bytes,
      symbols.flatMap(({ count }, at) => [
        [8, `symbol ${at}: sum of short ids`],
        [6, '  sum of checks'],
        [1, `  count ${count}, expected ${Math.floor(8 / (at + 2))}`],
      ]),
    ),
    '',
    field('the answerer alone has', decoding.theirs.join(' '), 'd'),
    field('the asker alone has', decoding.mine.join(' '), 'e'),
  );
}

/** The first message over ranges of few items. */
export function rangesExample(): string {
  const items = SHARED.map((name, at) => ({ id: item(name), time: 1_700_000_000_000n + BigInt(at) }));
  const message = openMessage(items);
  return fence(
    dissect('message of an asker with a, b, c', message, [
      [1, 'version'],
      [1, 'time: the end of everything'],
      [1, 'no bytes of an id'],
      [1, 'mode 2, ids'],
      [1, `${items.length} ids`],
      ...items.map((_, at) => [32, `id of ${SHARED[at] ?? ''}`] as const),
    ]),
    '',
    field('fingerprint of a, b, c', fingerprintOf(items.map(({ id }) => id))),
  );
}

/** What the sizes of the tables of parameters mean in symbols. */
export function capExample(): string {
  return table(
    ['differences that are followed up', 'symbols at most', 'bytes at most'],
    [16, 2048].map((differences) => [group(differences), group(3 * differences + 64), group((3 * differences + 64) * 19)]),
  );
}
