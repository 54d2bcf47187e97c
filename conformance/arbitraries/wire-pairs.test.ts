import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { judgeBody, judgeHeader } from '../invariants/session-outcome.ts';
import { splitPlaintext } from '../model/frame.ts';
import {
  badAnnouncements,
  badCounts,
  badIds,
  badNonces,
  badNumbers,
  badTexts,
  badWireTypes,
  cutBodies,
  cutKnownFields,
  deepGroups,
  GOSSIP_KINDS,
  groupedPings,
  longVarints,
  mistypedOnly,
  PING_ONLY,
  repeatedNonces,
  unknownFields,
} from './wire-bodies.ts';
import {
  cutHeaders,
  evenKinds,
  lengthsBeyond,
  lengthsTooShort,
  longestFrame,
  numberedNotices,
  oddFrames,
  overlongHeaders,
  oversizedHeaders,
  oversizeFrames,
  type Pairs,
  wideHeaders,
  zeroIds,
} from './wire-frames.ts';

const GOSSIP = new Set(['gossip/1']);

/** The clause on which a plaintext closes, buckets aside; `either …` where it may. */
function closesOn(bytes: Uint8Array): string | undefined {
  const { frames, clause } = splitPlaintext(bytes);
  for (const frame of frames) {
    const header = judgeHeader(frame, GOSSIP);
    if (header.type === 'close') return header.clause;
    // Nobody waits for a Pong here, so its body is not read.
    if (header.type === 'leftAside' || header.rule.name === 'Pong') continue;
    const body = judgeBody(header.rule, frame.body);
    if (body.type === 'close') return body.clause;
    if (body.type === 'either') return `either ${body.clause}`;
  }
  return clause;
}

const LISTS: readonly (readonly [string, string, Pairs])[] = [
  ['overlong length', 'WIR-022', overlongHeaders('length')],
  ['overlong kind', 'WIR-022', overlongHeaders('kind')],
  ['overlong request id', 'WIR-022', overlongHeaders('requestId')],
  ['oversized length', 'WIR-022', oversizedHeaders('length')],
  ['oversized kind', 'WIR-022', oversizedHeaders('kind')],
  ['oversized request id', 'WIR-022', oversizedHeaders('requestId')],
  ['cut header', 'WIR-022', cutHeaders],
  ['wide header', 'WIR-023', wideHeaders],
  ['length beyond', 'WIR-024', lengthsBeyond],
  ['length too short', 'WIR-025', lengthsTooShort],
  ['even kind', 'WIR-027', evenKinds],
  ['oversize Ping', 'WIR-029', oversizeFrames(['Ping', 'Pong'])],
  ['oversize gossip', 'WIR-029', oversizeFrames(['Prune', 'Graft', 'Ihave', 'Iwant', 'Idontwant'])],
  ['zero id', 'WIR-030', zeroIds],
  ['numbered notice', 'WIR-031', numberedNotices],
  ['cut body', 'WIR-040', cutBodies(PING_ONLY)],
  ['cut gossip body', 'WIR-040', cutBodies(GOSSIP_KINDS)],
  ['cut nonce', 'WIR-040', cutKnownFields],
  ['bad number', 'WIR-041', badNumbers(PING_ONLY)],
  ['bad gossip number', 'WIR-041', badNumbers(GOSSIP_KINDS)],
  ['bad wire type', 'WIR-042', badWireTypes(PING_ONLY)],
  ['bad gossip wire type', 'WIR-042', badWireTypes(GOSSIP_KINDS)],
  ['long varint', 'WIR-043', longVarints(PING_ONLY)],
  ['long gossip varint', 'WIR-043', longVarints(GOSSIP_KINDS)],
  ['bad text', 'WIR-044', badTexts],
  ['bad nonce', 'WIR-045', badNonces],
  ['bad id', 'WIR-045', badIds],
  ['mistyped nonce', 'WIR-045', mistypedOnly],
  ['bad count', 'WIR-046', badCounts],
  ['bad announcement', 'WIR-046', badAnnouncements],
];

describe('every defect closes for its one reason, and its twin does not', () => {
  test.each(LISTS)('%s: %s', (_, clause, pairs) => {
    for (const list of fc.sample(pairs, { seed: 1, numRuns: 5 })) {
      expect(list.map(({ bad }) => closesOn(bad))).toEqual(list.map(() => clause));
      expect(list.map(({ twin }) => closesOn(twin))).toEqual(list.map(() => undefined));
    }
  });
});

test('what has to be overlooked closes nothing', () => {
  for (const frame of fc.sample(fc.oneof(oddFrames, unknownFields, repeatedNonces), { seed: 1, numRuns: 60 }))
    expect(closesOn(frame)).toBeUndefined();
  expect(longestFrame(9).length).toBe(65_519);
});

test('groups leave a choice unless they never end', () => {
  for (const frame of fc.sample(groupedPings, { seed: 1, numRuns: 10 })) expect(closesOn(frame)).toBe('either WIR-049');
  for (const { frame, isComplete } of fc.sample(deepGroups, { seed: 1, numRuns: 4 })) {
    expect(closesOn(frame)).toBe(isComplete ? 'either WIR-049' : 'WIR-040');
  }
});
