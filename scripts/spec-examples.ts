/**
 * The worked examples of the chapters: computed by the kit's model and written between
 * `<!-- example: NAME -->` and `<!-- end -->`. Run it to rewrite them; `spec-examples.test.ts` fails
 * when one differs.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ErrorCode } from '../proto/gen/carillon/v1/common_pb.ts';
import {
  envelopeExample,
  handshakeExample,
  inventoryExample,
  peerIdExample,
  pingPongExample,
  pruneExample,
  pushExample,
  twoFramesExample,
} from './spec-example-bytes.ts';
import { datagramExample } from './spec-example-datagrams.ts';
import { dhtDistanceExample, dhtFindNodeExample, dhtSizeExample, dhtValueKeyExample } from './spec-example-dht.ts';
import { overlayAutoExample, overlayChoiceExample, overlayScoreExample, routeExample } from './spec-example-overlay.ts';
import { capExample, rangesExample, sketchExample, walkExample } from './spec-example-reconciliation.ts';
import { recordNewerExample, recordPushExample, recordWindowExample } from './spec-example-records.ts';
import {
  activeSizeExample,
  bodyFaultExample,
  capabilityExample,
  clausesOf,
  codeUse,
  decayExample,
  envelopeVerdictExample,
  frameFaultExample,
  keptLinksExample,
  minorExample,
  rateExample,
  scoreExample,
  timeWindowExample,
  uvarintExample,
} from './spec-example-tables.ts';
import { topologyBackoffExample, topologyRegionExample, topologyScoreExample } from './spec-example-topology.ts';

const SPEC: string = join(import.meta.dirname, '..', 'spec');

const CODES = Object.entries(ErrorCode)
  .filter(([name, number]) => typeof number === 'number' && name !== 'E_NONE')
  .map(([name]) => name);

/** Every example by name. */
export const EXAMPLES: Readonly<Record<string, () => string>> = {
  uvarint: uvarintExample,
  'peer-id': peerIdExample,
  envelope: envelopeExample,
  'envelope-verdicts': envelopeVerdictExample,
  'ping-pong': pingPongExample,
  'two-frames': twoFramesExample,
  datagrams: datagramExample,
  'frame-faults': frameFaultExample,
  'body-faults': bodyFaultExample,
  handshake: handshakeExample,
  minor: minorExample,
  capabilities: capabilityExample,
  rate: rateExample,
  push: pushExample,
  prune: pruneExample,
  inventory: inventoryExample,
  'active-size': activeSizeExample,
  'time-window': timeWindowExample,
  'kept-links': keptLinksExample,
  score: scoreExample,
  decay: decayExample,
  route: routeExample,
  'overlay-score': overlayScoreExample,
  'overlay-choice': overlayChoiceExample,
  'overlay-auto': overlayAutoExample,
  'record-push': recordPushExample,
  'record-newer': recordNewerExample,
  'record-window': recordWindowExample,
  walk: walkExample,
  sketch: sketchExample,
  ranges: rangesExample,
  'symbol-cap': capExample,
  'topology-score': topologyScoreExample,
  'topology-region': topologyRegionExample,
  'topology-backoff': topologyBackoffExample,
  'dht-distance': dhtDistanceExample,
  'dht-find-node': dhtFindNodeExample,
  'dht-value-key': dhtValueKeyExample,
  'dht-size': dhtSizeExample,
  'code-use': () => codeUse(clausesOf(SPEC), CODES),
};

const BLOCK = /<!-- example: ([a-z-]+) -->\n[\s\S]*?<!-- end -->/g;

/** A chapter with each of its examples as the model gives it. Throws a RangeError for a name that is no example. */
export function rewriteExamples(markdown: string): string {
  return markdown.replaceAll(BLOCK, (_block, name: string) => {
    const example = Object.hasOwn(EXAMPLES, name) ? EXAMPLES[name] : undefined;
    if (example === undefined) throw new RangeError(`no example is called ${name}`);
    return `<!-- example: ${name} -->\n\n${example()}\n\n<!-- end -->`;
  });
}

/** Names of the examples in a text, in its order. */
export function examplesIn(markdown: string): readonly string[] {
  return [...markdown.matchAll(BLOCK)].map((match) => match[1] ?? '');
}

/** Files that may hold examples, with their texts. */
export function chapters(): readonly (readonly [file: string, markdown: string])[] {
  return readdirSync(SPEC)
    .filter((name) => name.endsWith('.md'))
    .sort()
    .map((name) => [name, readFileSync(join(SPEC, name), 'utf8')]);
}

if (process.argv[1] === import.meta.filename) {
  for (const [name, markdown] of chapters()) {
    const rewritten = rewriteExamples(markdown);
    if (rewritten === markdown) continue;
    writeFileSync(join(SPEC, name), rewritten);
    process.stdout.write(`spec/${name}\n`);
  }
}
