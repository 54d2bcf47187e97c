/** Frames: what closes a session before any body is read, what is left aside, and in which order. */
import fc, { type Arbitrary } from 'fast-check';
import {
  every,
  frames,
  nonces,
  ping,
  plaintext,
  plan,
  type Scene,
  session,
  shuffled,
  some,
  staged,
  wait,
} from '../arbitraries/session-plans.ts';
import { smallEnvelope } from '../arbitraries/wire-bodies.ts';
import {
  anyOf,
  cutHeaders,
  evenKinds,
  filledFrame,
  lengthsBeyond,
  lengthsTooShort,
  longestFrame,
  NOTICES,
  numberedNotices,
  ODD_KINDS,
  oddFrames,
  overlongHeaders,
  oversizedHeaders,
  oversizeFrames,
  placed,
  placedLast,
  retries,
  smallBody,
  wideHeaders,
  zeroIds,
} from '../arbitraries/wire-frames.ts';
import type { FrameSpec, Step } from '../driver/plan.ts';
import { newest } from '../driver/plan-values.ts';
import { takesFramesInOrder } from '../invariants/session-rate.ts';
import { actsOnNothingBehind } from '../invariants/wire-close.ts';
import { answersPings, goesOnAfter, ignoredBy, leavesOverruns, serves } from '../invariants/wire-pong.ts';
import { concat } from '../model/bytes.ts';
import { encodeFrame, frameNamed } from '../model/frame.ts';
import type { Check } from '../runner/check.ts';
import { closingCheck, sessionCheck } from './session-check.ts';

const GOSSIP = ['gossip/1'];

/** The same frame on a session without the capability that its kind needs, and with it. */
function withoutCapability(names: readonly string[], bad: readonly string[], twin: readonly string[]): Arbitrary<readonly Scene[]> {
  return every(names, (name) => {
    const bytes = encodeFrame(frameNamed(name).kind, 0, smallBody(name));
    return {
      openBad: (link, peer) => [session(link, peer, { capabilities: bad })],
      openTwin: (link, peer) => [session(link, peer, { capabilities: twin })],
      bad: (link) => [plaintext(link, bytes)],
      twin: (link) => [plaintext(link, bytes)],
    };
  });
}

/** Two links: what is looked at, and a Ping behind it. */
function watched(steps: readonly Step[]): readonly Step[] {
  return [session(1, 'alice'), ...steps, ping(1), wait(2_000)];
}

export const checks: readonly Check[] = [
  closingCheck({
    id: 'wire.frame.empty-plaintext',
    title: 'A plaintext of 0 bytes closes the session',
    clause: 'WIR-021',
    plans: staged(
      every(
        [2, 4],
        (kind): Scene => ({
          bad: (link) => [plaintext(link, new Uint8Array())],
          twin: (link) => [plaintext(link, encodeFrame(kind, 1, smallBody('Ping')))],
        }),
      ),
    ),
  }),
  ...(['length', 'kind', 'requestId'] as const).flatMap((field) => [
    closingCheck({
      id: `wire.frame.overlong-${field === 'requestId' ? 'request-id' : field}`,
      title: `A ${field === 'requestId' ? 'request id' : field} in more bytes than it needs closes the session`,
      clause: 'WIR-022',
      plans: staged(placed(overlongHeaders(field))),
      attacks: ['overlong varint'],
    }),
    closingCheck({
      id: `wire.frame.oversized-${field === 'requestId' ? 'request-id' : field}`,
      title: `A ${field === 'requestId' ? 'request id' : field} of more than ten bytes or above 2^64 − 1 closes the session`,
      clause: 'WIR-022',
      plans: staged(placed(oversizedHeaders(field))),
      attacks: ['10th byte > 1'],
    }),
  ]),
  closingCheck({
    id: 'wire.frame.cut-header',
    title: 'A plaintext that ends inside a length, kind or request id closes the session',
    clause: 'WIR-022',
    plans: staged(placedLast(cutHeaders)),
    attacks: ['truncated', 'slow-loris frame'],
  }),
  closingCheck({
    id: 'wire.frame.wide-header',
    title: 'A kind or request id of 2^32 or above closes the session, whatever its low bits say',
    clause: 'WIR-023',
    plans: staged(placed(wideHeaders)),
  }),
  closingCheck({
    id: 'wire.frame.length-beyond',
    title: 'A length beyond the end of the plaintext closes the session, by one byte as by 2^64 − 1',
    clause: 'WIR-024',
    plans: staged(placedLast(lengthsBeyond)),
    attacks: ['length prefix > remaining', 'length prefix 2^63', 'slow-loris frame'],
  }),
  closingCheck({
    id: 'wire.frame.length-too-short',
    title: 'A length that does not hold the kind and the request id closes the session',
    clause: 'WIR-025',
    plans: staged(placed(lengthsTooShort)),
    attacks: ['empty frames flood'],
  }),
  sessionCheck({
    id: 'wire.frame.odd-kind',
    title: 'Frames of unknown odd kinds are left aside, whatever is in them, up to the longest',
    plans: fc
      .tuple(shuffled(ODD_KINDS), fc.array(oddFrames, { maxLength: 4 }), fc.constantFrom(0, 1, 77))
      .map(([kinds, others, requestId]) => {
        const list = [...kinds.map((kind) => encodeFrame(kind, requestId, Uint8Array.of(0xff, 0x80))), ...others];
        return plan([
          ...list.flatMap((frame, index) => [session(index + 1, `peer-${index}`), plaintext(index + 1, frame), ping(index + 1)]),
          wait(2_000),
        ]);
      }),
    rules: [goesOnAfter('WIR-026', ignoredBy('WIR-026'))],
    runs: 2,
  }),
  sessionCheck({
    id: 'wire.frame.odd-kind-among-others',
    title: 'A frame of an unknown odd kind does not touch the frames around it in the same plaintext',
    plans: oddFrames
      .filter((odd) => odd.length < 60_000)
      .map((odd) => {
        const around = (requestId: number): Uint8Array => encodeFrame(2, requestId, smallBody('Ping'));
        return plan([session(1, 'alice'), plaintext(1, concat(around(501), odd, around(502))), ping(1), wait(2_000)]);
      }),
    rules: [goesOnAfter('WIR-026', ignoredBy('WIR-026')), answersPings()],
  }),
  sessionCheck({
    id: 'wire.frame.largest-plaintext',
    title: 'A plaintext of 65,519 bytes is taken',
    plans: fc.constantFrom(9, 255, 65_281).map((kind) => plan(watched([plaintext(1, longestFrame(kind))]))),
    rules: [goesOnAfter('WIR-026', ignoredBy('WIR-026'))],
    runs: 3,
    attacks: ['length prefix > limit'],
  }),
  closingCheck({
    id: 'wire.frame.even-kind',
    title: 'A frame of an unknown even kind closes the session; the odd kind next to it does not',
    clause: 'WIR-027',
    twinClause: 'WIR-026',
    plans: staged(placed(evenKinds)),
  }),
  closingCheck({
    id: 'wire.frame.datagram-kind',
    title: 'A kind that travels only by datagram closes a session; the odd kind next to it does not',
    clause: 'WIR-114',
    plans: staged(placed(retries)),
    levels: ['adapter'],
  }),
  closingCheck({
    id: 'wire.frame.no-capability',
    title: 'A gossip frame on a session without gossip/1 closes it as an unknown kind',
    clause: 'WIR-028',
    needs: GOSSIP,
    plans: staged(withoutCapability([...NOTICES, 'Ihave'], [], GOSSIP)),
  }),
  closingCheck({
    id: 'wire.frame.foreign-capability',
    title: 'A Direct on a session with gossip/1 closes it; so it does when direct/1 was offered beside gossip/1',
    clause: 'WIR-028',
    needs: ['gossip/1', 'direct/1'],
    plans: staged(
      every([GOSSIP, ['direct/1', 'gossip/1']], (bad) => {
        const envelope = { origin: 'author', topic: 'app/kit', ageMs: 1_000, sequence: 1, data: '61', name: 'direct' };
        const direct = (link: number): readonly Step[] => [
          frames(link, { body: { type: 'Direct', topic: 'app/kit', envelopes: [envelope] } }),
        ];
        return {
          openBad: (link, peer) => [session(link, peer, { capabilities: bad })],
          openTwin: (link, peer) => [session(link, peer, { capabilities: ['direct/1'] })],
          bad: direct,
          twin: direct,
        };
      }),
    ),
  }),
  closingCheck({
    id: 'wire.frame.oversize-ping',
    title: 'A Ping or Pong of 65 bytes closes the session; one of 64 does not',
    clause: 'WIR-029',
    twinClause: 'WIR-029',
    plans: staged(placed(oversizeFrames(['Ping', 'Pong']))),
    attacks: ['length prefix > limit'],
  }),
  closingCheck({
    id: 'wire.frame.oversize-gossip',
    title: 'A gossip frame above the limit of its kind closes the session; one at the limit does not',
    clause: 'WIR-029',
    twinClause: 'WIR-029',
    needs: GOSSIP,
    plans: staged(placed(oversizeFrames(['Prune', 'Graft', 'Ihave', 'Iwant', 'Idontwant']))),
    attacks: ['length prefix > limit'],
  }),
  closingCheck({
    id: 'wire.frame.zero-request-id',
    title: 'A request or a reply with request id 0 closes the session',
    clause: 'WIR-030',
    plans: staged(placed(zeroIds)),
  }),
  closingCheck({
    id: 'wire.frame.numbered-notice',
    title: 'A notice with a request id closes the session',
    clause: 'WIR-031',
    needs: GOSSIP,
    plans: staged(placed(numberedNotices)),
  }),
  sessionCheck({
    id: 'wire.frame.stray-pong',
    title: 'A Pong that nobody waits for is ignored, whatever its body',
    plans: fc
      .array(
        fc.record({
          requestId: fc.constantFrom(1, 2, 3, 127, 5_000, 0xffff_ffff),
          body: fc.constantFrom('0a083333333333333333', '', 'ff', '0a0133'),
        }),
        {
          minLength: 1,
          maxLength: 4,
        },
      )
      .map((list) =>
        plan(watched(list.map(({ requestId, body }) => frames(1, { kind: 4, requestId, body: { type: 'raw', bytes: body } })))),
      ),
    rules: [goesOnAfter('WIR-032', ignoredBy('WIR-032'))],
  }),
  sessionCheck({
    id: 'wire.frame.reply-of-another-kind',
    title: 'A reply of another kind than was asked for is ignored, whatever its body',
    levels: ['adapter'],
    needs: ['dht/1'],
    plans: fc
      .array(fc.constantFrom([76, 'ff'], [92, 'ff'], [92, ''], [84, '0a0133'], [4, '0a083333333333333333']), { minLength: 1, maxLength: 4 })
      .map((list) =>
        plan([
          {
            op: 'open',
            link: 1,
            peer: 'alice',
            mode: 'session',
            address: '5.0.1.1',
            capabilities: ['dht/1'],
            listenAddresses: ['ws://5.0.1.1:7600'],
          },
          // Whom the node has only just met it asks for its own neighbours (DHT-101).
          ...list.map(([kind = 0, bytes = '']) =>
            frames(1, { kind: Number(kind), requestId: newest('FindNode', 'requestId'), body: { type: 'raw', bytes: String(bytes) } }),
          ),
          ping(1),
          wait(2_000),
        ]),
      ),
    rules: [goesOnAfter('WIR-032', ignoredBy('WIR-032'))],
  }),
  sessionCheck({
    id: 'wire.frame.request-ids',
    title: 'Each Ping is answered under its own request id, at the edges of its range and with equal nonces too',
    plans: fc
      .tuple(
        fc.shuffledSubarray([1, 2, 127, 128, 16_383, 16_384, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1], { minLength: 2, maxLength: 9 }),
        nonces,
        fc.boolean(),
      )
      .map(([ids, nonce, together]) => {
        const list: FrameSpec[] = ids.map((requestId) => ({ requestId, body: { type: 'Ping', nonce } }));
        return plan([session(1, 'alice'), ...(together ? [frames(1, ...list)] : list.map((frame) => frames(1, frame))), wait(2_000)]);
      }),
    rules: [answersPings({ missing: 'WIR-033', misaddressed: 'WIR-033', late: 'SES-051' })],
  }),
  sessionCheck({
    id: 'wire.frame.order',
    title: 'The frames of one plaintext are taken in their order: the first Pings get what the bucket still holds',
    levels: ['adapter'],
    plans: fc
      .tuple(fc.integer({ min: 36, max: 39 }), fc.array(nonces, { minLength: 5, maxLength: 8 }))
      .map(([before, list]) =>
        plan([
          session(1, 'alice'),
          ...Array.from({ length: before }, () => ping(1)),
          frames(1, ...list.map((nonce, index): FrameSpec => ({ requestId: 600 + index, body: { type: 'Ping', nonce } }))),
          wait(1_000),
        ]),
      ),
    rules: [takesFramesInOrder],
    also: [leavesOverruns()],
  }),
  sessionCheck({
    id: 'wire.frame.behind-goaway',
    title: 'A Ping behind a GoAway in the same plaintext is not answered',
    plans: nonces.map((nonce) =>
      plan([
        session(1, 'alice'),
        session(2, 'twin'),
        frames(1, { body: { type: 'GoAway', code: 1 } }, { requestId: 600, body: { type: 'Ping', nonce } }),
        frames(2, { requestId: 600, body: { type: 'Ping', nonce } }),
        wait(2_000),
      ]),
    ),
    rules: [actsOnNothingBehind, serves('twin', 'SES-050')],
    runs: 2,
  }),
  sessionCheck({
    id: 'wire.frame.behind-defect',
    title: 'No frame behind the one that closes is acted upon',
    plans: staged(
      some(
        fc
          .tuple(anyOf(wideHeaders, zeroIds, overlongHeaders('kind'), evenKinds), fc.integer({ min: 1, max: 3 }))
          .map(([pair, count]): Scene => {
            const behind = concat(...Array.from({ length: count }, (_, index) => encodeFrame(2, 600 + index, smallBody('Ping'))));
            return {
              bad: (link) => [plaintext(link, concat(pair.bad, behind))],
              twin: (link) => [plaintext(link, concat(pair.twin, behind))],
            };
          }),
        6,
      ),
    ),
    rules: [actsOnNothingBehind, serves('twin', 'SES-050')],
    runs: 3,
  }),
  sessionCheck({
    id: 'wire.frame.behind-defect-message',
    title: 'A message behind the frame that closes is not taken; behind one that is left aside it is',
    needs: GOSSIP,
    plans: staged(
      every<FrameSpec>(
        [
          { kind: 10, body: { type: 'raw', bytes: '' } },
          { kind: 2, requestId: 0, body: { type: 'raw', bytes: '0a080000000000000000' } },
          { kind: 36, requestId: 7, body: { type: 'raw', bytes: `0a20${'5a'.repeat(32)}` } },
        ],
        (closing) => {
          const push = (link: number): FrameSpec => ({
            body: { type: 'Push', topic: 'app/kit', items: [{ hops: 1, envelope: smallEnvelope(link) }] },
          });
          return {
            bad: (link) => [frames(link, closing, push(link))],
            twin: (link) => [frames(link, { kind: 9, body: { type: 'raw', bytes: '' } }, push(link))],
          };
        },
      ),
    ),
    rules: [actsOnNothingBehind, serves('twin', 'SES-050')],
    runs: 2,
  }),
  sessionCheck({
    id: 'wire.frame.filled-ping',
    title: 'A Ping filled to its 64 bytes with a field that nobody knows is answered',
    plans: fc
      .constantFrom(64, 63, 32)
      .map((length) => plan([session(1, 'alice'), plaintext(1, filledFrame('Ping', 600, length)), wait(2_000)])),
    rules: [answersPings({ missing: 'WIR-047', misaddressed: 'WIR-033', late: 'SES-051' })],
    runs: 3,
  }),
];
