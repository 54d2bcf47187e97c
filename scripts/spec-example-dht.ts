/** Worked examples of chapter 08, computed by the model. */
import { concat, hex, unhex, utf8 } from '../conformance/model/bytes.ts';
import { bucketIndex, distance, networkSize } from '../conformance/model/dht.ts';
import { valueKey } from '../conformance/model/dht-values.ts';
import { encodeFrame, frameNamed } from '../conformance/model/frame.ts';
import { encodeMessage } from '../conformance/model/message.ts';
import { peerId } from '../conformance/model/peer-id.ts';
import { publicKey } from '../conformance/model/quick.ts';
import { ALICE } from './spec-example-bytes.ts';
import { dissect, fence, field, group, table } from './spec-example-form.ts';

const ALICE_ID: Uint8Array = peerId(1, publicKey(ALICE.seed));

function flipped(bit: number): Uint8Array {
  const id = Uint8Array.from(ALICE_ID);
  const at = 31 - (bit >> 3);
  id[at] = (id[at] ?? 0) ^ (1 << (bit & 7));
  return id;
}

export function dhtDistanceExample(): string {
  const ids: readonly (readonly [string, Uint8Array])[] = [
    ['Alice, last bit flipped', flipped(0)],
    ['Alice, last byte inverted', concat(ALICE_ID.slice(0, 31), Uint8Array.of((ALICE_ID[31] ?? 0) ^ 0xff))],
    ['Alice, first bit flipped', flipped(255)],
    ['32 zero bytes', new Uint8Array(32)],
  ];
  const rows = ids.map(([name, id]) => {
    const d = distance(ALICE_ID, id).toString(16).padStart(64, '0');
    return [name, `\`${d.slice(0, 8)}…${d.slice(-8)}\``, String(bucketIndex(ALICE_ID, id))];
  });
  return table(['id', 'distance from Alice', 'bucket'], rows);
}

export function dhtFindNodeExample(): string {
  const frame = encodeFrame(frameNamed('FindNode').kind, 1, encodeMessage('FindNode', { target: ALICE_ID }));
  return fence(
    dissect('FindNode', frame, [
      [1, `length of what follows: ${frame.length - 1}`],
      [1, 'kind 70'],
      [1, 'request id 1'],
      [2, 'field 1, target: 32 bytes'],
      [32, "Alice's PeerId"],
      [0, 'field 2, asker'],
    ]),
  );
}

export function dhtValueKeyExample(): string {
  const salt = utf8('profile');
  return fence(
    field('hash, "hello"', valueKey('hash', utf8('hello'))),
    field('mutable, of Alice', valueKey('mutable', concat(ALICE_ID, salt)), 'salt "profile"'),
    field('app/tokens', valueKey('app/tokens', unhex('00'.repeat(32))), 'salt of 32 zero bytes'),
    field('', `all of them: H("carillon/v1/dht-value" ‖ 0x00 ‖ lp(namespace) ‖ lp(name)); for "hello" the name is ${hex(utf8('hello'))}`),
  );
}

export function dhtSizeExample(): string {
  const samples: readonly (readonly (readonly [number, bigint])[])[] = [
    [],
    [[7, 30_000n]],
    [[20, 1_311n]],
    [
      [20, 1_311n],
      [20, 1_100n],
      [20, 1_500n],
    ],
    [
      [20, 1_311n],
      [20, 1_311n],
      [20, 1n],
    ],
    [
      [20, 1_311n],
      [3, 5n],
    ],
  ];
  const rows = samples.map((list) => [
    list.map(([count, far]) => `${count} up to ${group(far)}`).join(', ') || 'none',
    group(
      networkSize(
        20,
        list.map(([count, far]) => ({ count, farthest: far << 240n })),
      ),
    ),
  ]);
  return table(['samples', 'N'], rows);
}
