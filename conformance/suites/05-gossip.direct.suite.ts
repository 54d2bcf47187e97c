/** Peers without gossip, the bridge between both kinds, and the three modes. */
import fc from 'fast-check';
import { direct, message, ping, plan, push, sessions, spoilt, wait } from '../arbitraries/gossip-plans.ts';
import type { Step } from '../driver/plan.ts';
import { keepsToCapabilities, offersByMode, servesDirectLinks } from '../invariants/gossip-direct.ts';
import { hopsAreCounted, noEcho, publishesProperly, pushesToActiveLinks } from '../invariants/gossip-push.ts';
import { acceptedIsTaken, refusedIsSilent } from '../invariants/gossip-verdict.ts';
import type { Check } from '../runner/check.ts';
import { gossipCheck } from './gossip-check.ts';

const DIRECT = ['direct/1'] as const;
const needs = ['gossip/1', 'direct/1'];

/** Gossip links 0 … 3, direct links 10 … 12. */
const both: readonly Step[] = [...sessions(0, 4), ...sessions(10, 13, DIRECT)];

export const checks: readonly Check[] = [
  gossipCheck({
    id: 'gossip.direct.serves',
    title: 'A peer without gossip is sent every message, once',
    clauses: ['GSP-101', 'GSP-102'],
    needs,
    plans: fc
      .array(fc.record({ from: fc.integer({ min: 0, max: 3 }), copies: fc.integer({ min: 0, max: 2 }) }), { minLength: 1, maxLength: 5 })
      .map((list) =>
        plan([
          ...both,
          ...list.flatMap(({ from, copies }, index) => [
            push(from, [message(`d${index}`)]),
            ...Array.from({ length: copies }, (_, at) => push((from + at + 1) % 4, [message(`d${index}`)])),
          ]),
          wait(1_500),
        ]),
      ),
    rules: [servesDirectLinks],
  }),
  gossipCheck({
    id: 'gossip.direct.bridge',
    title: 'What comes from a peer without gossip is judged, delivered, pushed and sent on to its like, without duplicates',
    clauses: ['GSP-103', 'GSP-102', 'GSP-040', 'GSP-041'],
    needs,
    plans: fc
      .record({ count: fc.integer({ min: 1, max: 4 }), echo: fc.boolean() })
      .map(({ count, echo }) =>
        plan([
          ...both,
          ...Array.from({ length: count }, (_, index): Step[] => [
            direct(10 + (index % 3), [message(`b${index}`)]),
            ...(echo ? [push(0, [message(`b${index}`)]), direct(11, [message(`b${index}`)])] : []),
          ]).flat(),
          wait(1_500),
        ]),
      ),
    rules: [servesDirectLinks, pushesToActiveLinks, noEcho, hopsAreCounted],
    attacks: ['bridging duplicates'],
  }),
  gossipCheck({
    id: 'gossip.direct.judged',
    title: 'An envelope in a Direct gets the same verdict as in a Push',
    clauses: ['GSP-018', 'GSP-021', 'GSP-023', 'GSP-103'],
    needs,
    plans: fc
      .constantFrom<'signature' | 'malleatedS'>('signature', 'malleatedS')
      .map((kind) => plan([...both, direct(10, [spoilt(message('bad'), { kind }), message('good')]), wait(1_500), ping(10), wait(1_500)])),
    rules: [refusedIsSilent, acceptedIsTaken],
  }),
  gossipCheck({
    id: 'gossip.direct.publish',
    title: 'What the application publishes reaches peers with and without gossip',
    clauses: ['GSP-040', 'GSP-101', 'GSP-104'],
    needs,
    levels: ['adapter'],
    plans: fc
      .integer({ min: 1, max: 3 })
      .map((count) =>
        plan([
          ...both,
          ...Array.from(
            { length: count },
            (_, index): Step => ({ op: 'publish', topic: 'app/kit', data: Buffer.from(`p${index}`).toString('hex') }),
          ),
          wait(1_500),
        ]),
      ),
    rules: [servesDirectLinks, publishesProperly, keepsToCapabilities],
  }),
  gossipCheck({
    id: 'gossip.direct.capabilities',
    title: 'A session is sent only frames of the capabilities that it has',
    clauses: ['GSP-104'],
    needs,
    plans: fc
      .integer({ min: 1, max: 3 })
      .map((count) =>
        plan([
          ...both,
          ...sessions(20, 21, []),
          ...Array.from({ length: count }, (_, index) => push(index, [message(`c${index}`)])),
          wait(2_400),
        ]),
      ),
    rules: [keepsToCapabilities],
  }),
  gossipCheck({
    id: 'gossip.mode',
    title: 'The mode decides which of gossip and direct sends a node offers',
    clauses: ['GSP-100'],
    needs: ['raw'],
    levels: ['adapter'],
    plans: fc
      .record({
        mode: fc.constantFrom('off', 'alongside', 'only'),
        offers: fc.constantFrom<readonly (readonly string[])[]>([['gossip/1'], ['direct/1'], ['direct/1', 'gossip/1']]),
      })
      .map(({ mode, offers }) =>
        plan(
          [
            ...offers.map((capabilities, link): Step => ({ op: 'open', link, peer: `p${link}`, mode: 'raw', capabilities })),
            ...offers.map((capabilities, link): Step => ({ op: 'handshake', link, capabilities })),
            wait(1_500),
          ],
          { overrides: { 'gossip.mode': mode } },
        ),
      ),
    rules: [offersByMode],
    runs: 4,
  }),
  gossipCheck({
    id: 'gossip.mode.off',
    title: 'A node with gossip off serves everybody directly',
    clauses: ['GSP-101', 'GSP-104'],
    needs,
    levels: ['adapter'],
    plans: fc.integer({ min: 2, max: 5 }).map((links) =>
      plan([...sessions(0, links, ['direct/1', 'gossip/1']), direct(0, [message('one')]), wait(1_500)], {
        overrides: { 'gossip.mode': 'off' },
      }),
    ),
    rules: [servesDirectLinks, keepsToCapabilities],
    runs: 2,
  }),
];
