/** Worked examples of chapter 09, all computed by the model. */
import { concat, hex, utf8 } from '../conformance/model/bytes.ts';
import { makeEnvelope } from '../conformance/model/envelope.ts';
import { encodeFrame, frameNamed } from '../conformance/model/frame.ts';
import { encodeMessage } from '../conformance/model/message.ts';
import { AUTO_STRATEGIES, autoStrategies, choosePeers, overlayBucket, overlayScore } from '../conformance/model/overlay.ts';
import { ALICE, BOB, CREATED_MS, NETWORK, TOPIC } from './spec-example-bytes.ts';
import { dissect, fence, group, table } from './spec-example-form.ts';

/** A Route of Alice's for Bob. */
export function routeExample(): string {
  const payload = encodeMessage('SendPayload', {
    version: 1,
    createdMs: CREATED_MS,
    topic: TOPIC,
    sequence: 7,
    recipient: BOB.id,
    data: utf8('hello'),
  });
  const envelope = makeEnvelope(NETWORK, 'send', ALICE.seed, payload);
  const body = concat(
    Uint8Array.of(0x0a, 0x20),
    BOB.id,
    Uint8Array.of(0x1a, 0x80 | (envelope.length & 0x7f), envelope.length >> 7),
    envelope,
  );
  return fence(
    dissect('payload', payload, [
      [2, 'version 1'],
      [7, 'field 2, created_ms'],
      [2 + TOPIC.length, 'field 3, topic "app/chat"'],
      [2, 'field 4, sequence 7'],
      [2, 'field 5, recipient: 32 bytes'],
      [32, "Bob's PeerId"],
      [7, 'field 6, data "hello"'],
    ]),
    dissect('Route', encodeFrame(frameNamed('Route').kind, 0, body), [
      [2, 'length of what follows'],
      [1, 'kind 104'],
      [1, 'request id 0, a notice'],
      [2, 'field 1, target: 32 bytes'],
      [32, "Bob's PeerId"],
      [0, 'field 2, hops: 0'],
      [3, `field 3, envelope: ${envelope.length} bytes`],
      ['rest', 'context "send", Alice’s key, the payload, her signature'],
    ]),
  );
}

/** Scores by the minimums of preset `main`. */
export function overlayScoreExample(): string {
  const rows: readonly (readonly [number, number, number, number, number])[] = [
    [0, 0, 0, 0, 0],
    [3_600_000, 500_000, 100, 0, 20],
    [3_600_000, 500_000, 90, 10, 20],
    [3_600_000, 500_000, 80, 20, 20],
    [7_200_000, 1_000_000, 100, 0, 40],
    [7_200_000, 1_000_000, 50, 50, 40],
    [86_400_000, 0, 0, 0, 9],
  ];
  const [uptimeMin, bytesMin, connectionsMin] = [3_600_000n, 500_000n, 20n];
  return table(
    ['uptime', 'bytes/s', 'delivered', 'failed', 'connections', 'score'],
    rows.map((row) => {
      const [uptimeMs, bytesPerS, delivered, failed, connections] = row.map(BigInt) as [bigint, bigint, bigint, bigint, bigint];
      const score = overlayScore({ uptimeMs, bytesPerS, delivered, failed, connections, uptimeMin, bytesMin, connectionsMin });
      return [...row.map(group), String(score)];
    }),
  );
}

/** Which of eight links a message takes under each rule. */
export function overlayChoiceExample(): string {
  const id = (byte: number): Uint8Array => Uint8Array.from({ length: 32 }, (_, index) => (index === 0 ? byte : 0));
  const [own, message] = [id(0x00), id(0x5a)];
  const peers = [0x81, 0x9c, 0xd7, 0xf0, 0x42, 0x6b, 0x33, 0x05].map(id);
  const chosen = (rule: 'buckets' | 'first' | 'turns', count: number): ReadonlySet<string> =>
    new Set(choosePeers(rule, count, own, message, peers).map(hex));
  const rules = [chosen('buckets', 2), chosen('first', 5), chosen('turns', 5)];
  return [
    `The node is \`${hex(own).slice(0, 2)}\`, the message \`${hex(message).slice(0, 2)}\`.`,
    '',
    table(
      ['peer', 'bucket', 'key', '`kademlia`, 2 a bucket', 'mesh `random`, 5', 'mesh `kademlia`, 5'],
      peers.map((peer) => [
        `\`${hex(peer).slice(0, 2)}\``,
        String(overlayBucket(own, peer)),
        `\`${hex(peer.map((byte, index) => byte ^ (own[index] ?? 0) ^ (message[index] ?? 0))).slice(0, 2)}\``,
        ...rules.map((set) => (set.has(hex(peer)) ? 'yes' : '–')),
      ]),
    ),
  ].join('\n');
}

/** A network that grows and shrinks around the thresholds of preset `main`. */
export function overlayAutoExample(): string {
  const sizes = [49, 50, 49, 46, 45, 44, 44, 50, 50, 199, 200, 190, 180, 179, 179, 1_000, 1_000];
  const looks = sizes.map((size, index) => ({ atMs: BigInt(index * 30_000), size: BigInt(size) }));
  const rule = { kademliaAt: 50n, supernodeAt: 200n, bandPercent: 10n, dwellMs: 60_000n };
  const strategies = autoStrategies(rule, looks).map((index) => AUTO_STRATEGIES[index] ?? '');
  return table(
    ['at', 'N', 'strategy'],
    sizes.map((size, index) => [`${index * 30} s`, group(size), strategies[index] ?? '']),
  );
}
