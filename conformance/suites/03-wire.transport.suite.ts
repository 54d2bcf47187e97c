/** Transport: upgrades, and WebSocket messages that no Noise message can be. */
import fc from 'fast-check';
import {
  type Act,
  every,
  frames,
  inPlaceOfMessage1,
  nonces,
  ping,
  plaintext,
  plan,
  rawSession,
  type Scene,
  session,
  staged,
  wait,
} from '../arbitraries/session-plans.ts';
import { longestFrame, smallBody } from '../arbitraries/wire-frames.ts';
import type { Plan, SealedDefect, Step } from '../driver/plan.ts';
import { oneNoiseMessageEach, refusesFirstMessages } from '../invariants/session-handshake.ts';
import { answersPings, goesOnAfter, ignoredBy, serves } from '../invariants/wire-pong.ts';
import { refusesForeignUpgrades, selectsSubprotocol, takesNoCompression } from '../invariants/wire-upgrade.ts';
import { hex } from '../model/bytes.ts';
import { encodeFrame } from '../model/frame.ts';
import type { Check } from '../runner/check.ts';
import { closingCheck, sessionCheck } from './session-check.ts';

const RAW = ['raw'];

/** A defect on a raw link with a session, beside a plain Ping on another. */
function inSession(bad: Act): Scene {
  const open = (link: number, peer: string): readonly Step[] => rawSession(link, peer);
  return { openBad: open, openTwin: open, bad, twin: (link) => [ping(link)] };
}

type RawBytes = Extract<Step, { op: 'raw' }>['bytes'];

function rawMessage(link: number, bytes: RawBytes, options: { readonly text?: boolean; readonly unfinished?: true } = {}): Step {
  return { op: 'raw', link, bytes, ...options };
}

const TEXTS = ['00', '7b7d', '61'.repeat(32), '20'.repeat(300)];
const OVERSIZES = [65_536, 65_537, 131_072, 300_000];

/** An upgrade with each of these, on links of their own. */
function upgrades(list: readonly { readonly subprotocols: readonly string[]; readonly extensions?: string }[]): Plan {
  return plan(list.map((asked, index): Step => ({ op: 'upgrade', link: index + 1, ...asked })));
}

export const checks: readonly Check[] = [
  sessionCheck({
    id: 'wire.upgrade.foreign',
    title: 'An upgrade that does not offer carillon.v1 is refused; one that does is not',
    levels: ['wire'],
    plans: fc.constant(
      upgrades([
        { subprotocols: [] },
        { subprotocols: ['chat'] },
        { subprotocols: ['carillon.v2', 'carillon'] },
        { subprotocols: ['Carillon.V1'] },
        { subprotocols: ['carillon.v1'] },
      ]),
    ),
    rules: [refusesForeignUpgrades, selectsSubprotocol],
  }),
  sessionCheck({
    id: 'wire.upgrade.selected',
    title: 'carillon.v1 is selected wherever it stands among the subprotocols offered',
    levels: ['wire'],
    plans: fc.constant(
      upgrades([
        { subprotocols: ['carillon.v1'] },
        { subprotocols: ['chat', 'carillon.v1'] },
        { subprotocols: ['carillon.v1', 'carillon.v2'] },
        { subprotocols: ['carillon.v9', 'carillon.v1', 'chat'] },
      ]),
    ),
    rules: [selectsSubprotocol],
  }),
  sessionCheck({
    id: 'wire.upgrade.compression',
    title: 'No extension that compresses is taken',
    levels: ['wire'],
    plans: fc.constant(
      upgrades([
        { subprotocols: ['carillon.v1'], extensions: 'permessage-deflate' },
        { subprotocols: ['carillon.v1'], extensions: 'permessage-deflate; client_max_window_bits; server_no_context_takeover' },
        { subprotocols: ['carillon.v1'], extensions: 'x-webkit-deflate-frame, permessage-deflate; client_no_context_takeover' },
      ]),
    ),
    rules: [takesNoCompression],
    attacks: ['decompression bomb'],
  }),
  closingCheck({
    id: 'wire.message.text',
    title: 'A WebSocket message of type text closes the session',
    clause: 'WIR-007',
    needs: RAW,
    plans: staged(every(TEXTS, (bytes) => inSession((link) => [rawMessage(link, bytes, { text: true })]))),
    runs: 2,
  }),
  sessionCheck({
    id: 'wire.message.text-first',
    title: 'A text message in place of message 1 ends the connection in silence',
    needs: RAW,
    plans: inPlaceOfMessage1(
      TEXTS.map(
        (bytes): Act =>
          (link) => [rawMessage(link, bytes, { text: true })],
      ),
    ),
    rules: [refusesFirstMessages(['WIR-007'], ({ text }) => (text === true ? 'WIR-007' : undefined)), serves('twin', 'SES-050')],
    also: [serves('bystander', 'CNV-014')],
    runs: 2,
  }),
  closingCheck({
    id: 'wire.message.oversize',
    title: 'A WebSocket message above 65,535 bytes closes the session',
    clause: 'WIR-008',
    needs: RAW,
    plans: staged(every(OVERSIZES, (size) => inSession((link) => [rawMessage(link, { size })]))),
    runs: 2,
    attacks: ['length prefix > limit'],
  }),
  sessionCheck({
    id: 'wire.message.oversize-first',
    title: 'A message above 65,535 bytes in place of message 1 ends the connection in silence',
    needs: RAW,
    plans: inPlaceOfMessage1(
      OVERSIZES.map(
        (size): Act =>
          (link) => [rawMessage(link, { size })],
      ),
    ),
    rules: [
      refusesFirstMessages(['WIR-008'], ({ bytes }) => (typeof bytes === 'object' && 'size' in bytes ? 'WIR-008' : undefined)),
      serves('twin', 'SES-050'),
    ],
    also: [serves('bystander', 'CNV-014')],
    runs: 2,
    attacks: ['length prefix > limit'],
  }),
  closingCheck({
    id: 'wire.message.oversize-unfinished',
    title: 'A message that passes 65,535 bytes closes the session although its end never comes',
    clause: 'WIR-008',
    levels: ['wire'],
    plans: staged(every([65_536, 70_000, 300_000], (size) => inSession((link) => [rawMessage(link, { size }, { unfinished: true })]))),
    attacks: ['slow-loris frame', 'length prefix > limit'],
  }),
  sessionCheck({
    id: 'wire.message.largest',
    title: 'A Noise message of exactly 65,535 bytes is taken',
    needs: RAW,
    plans: fc.constantFrom(9, 255).map((kind) => plan([...rawSession(1, 'alice'), plaintext(1, longestFrame(kind)), ping(1), wait(2_000)])),
    rules: [goesOnAfter('WIR-008', ignoredBy('WIR-026'))],
    runs: 2,
  }),
  closingCheck({
    id: 'wire.message.empty',
    title: 'An empty WebSocket message closes the session',
    clause: 'WIR-010',
    needs: RAW,
    plans: staged(every([0], () => inSession((link) => [rawMessage(link, '')]))),
    runs: 1,
    attacks: ['empty frames flood'],
  }),
  sessionCheck({
    id: 'wire.message.empty-first',
    title: 'An empty message in place of message 1 ends the connection in silence',
    needs: RAW,
    plans: inPlaceOfMessage1([(link) => [rawMessage(link, '')]]),
    rules: [refusesFirstMessages(['WIR-010'], ({ bytes }) => (bytes === '' ? 'WIR-010' : undefined)), serves('twin', 'SES-050')],
    also: [serves('bystander', 'CNV-014')],
    runs: 1,
  }),
  sessionCheck({
    id: 'wire.message.one-noise-message',
    title: 'Each WebSocket message of the node is one Noise message, however many frames are due',
    needs: RAW,
    plans: fc.array(nonces, { minLength: 5, maxLength: 30 }).map((list) => {
      const half = Math.floor(list.length / 2);
      const one = list.slice(0, half).map((nonce) => ({ body: { type: 'Ping' as const, nonce } }));
      return plan([
        ...rawSession(1, 'alice'),
        session(2, 'bob'),
        frames(1, ...one),
        ...list.slice(half).map((nonce) => ping(1, nonce)),
        wait(2_000),
      ]);
    }),
    rules: [oneNoiseMessageEach, answersPings()],
  }),
  closingCheck({
    id: 'wire.message.altered',
    title: 'A transport message with one byte altered closes the session, at the start, in the middle and in the tag',
    clause: 'SES-030',
    needs: RAW,
    plans: staged(every([0, 5, -17, -16, -1], (offset) => spoiltPing({ kind: 'flip', offset }))),
    runs: 2,
  }),
  closingCheck({
    id: 'wire.message.cut',
    title: 'A transport message without its last bytes closes the session',
    clause: 'SES-030',
    needs: RAW,
    plans: staged(every([1, 15, 16, 17], (count) => spoiltPing({ kind: 'cut', count }))),
    runs: 2,
    attacks: ['truncated'],
  }),
  closingCheck({
    id: 'wire.message.reordered',
    title: 'A transport message that overtakes the one before it closes the session',
    clause: 'SES-030',
    needs: RAW,
    plans: staged(
      every([601, 1], (requestId) => {
        const bytes = encodeFrame(2, requestId, smallBody('Ping'));
        return {
          ...inSession((link) => [{ op: 'plaintext', link, bytes: hex(bytes), spoil: { kind: 'hold' } }, plaintext(link, bytes)]),
          twin: (link) => [plaintext(link, bytes), plaintext(link, bytes)],
        };
      }),
    ),
    runs: 2,
  }),
  closingCheck({
    id: 'wire.message.repeated',
    title: 'A transport message that was received before closes the session',
    clause: 'SES-030',
    needs: RAW,
    plans: staged(
      every([1, 2, 3], (before) => {
        const pings = (link: number): Step[] => Array.from({ length: before }, () => ping(link));
        return {
          ...inSession((link) => [...pings(link), rawMessage(link, { replay: true })]),
          twin: (link) => [...pings(link), ping(link)],
        };
      }),
    ),
    runs: 2,
  }),
  closingCheck({
    id: 'wire.message.foreign',
    title: 'A transport message that was never sealed closes the session',
    clause: 'SES-030',
    needs: RAW,
    plans: staged(every([1, 15, 16, 17, 100, 65_535], (size) => inSession((link) => [rawMessage(link, 'a5'.repeat(size))]))),
    runs: 2,
  }),
];

function spoiltPing(spoil: SealedDefect): Scene {
  const bytes = hex(encodeFrame(2, 601, smallBody('Ping')));
  return { ...inSession((link) => [{ op: 'plaintext', link, bytes, spoil }]), twin: (link) => [{ op: 'plaintext', link, bytes }] };
}
