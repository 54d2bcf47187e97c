/** Chapter 09 by vectors: buckets, choices, scores, `auto`, next hops, verdicts on Routes. */
import type { VectorCheck } from '../runner/check.ts';
import { vectorCheck } from '../vectors/checks.ts';

const JUDGE = 'overlay/judge.json';

export const checks: readonly VectorCheck[] = [
  vectorCheck({
    id: 'overlay.bucket',
    title: 'A link lies in the bucket of its highest differing bit',
    file: 'overlay/bucket.json',
    clauses: ['OVL-003'],
  }),
  vectorCheck({
    id: 'overlay.choose.buckets',
    title: 'So many links of each bucket are chosen by their keys',
    file: 'overlay/choose.json',
    clauses: ['OVL-004'],
  }),
  vectorCheck({
    id: 'overlay.choose.mesh',
    title: 'The mesh is chosen by keys, or in turns from all buckets',
    file: 'overlay/choose.json',
    clauses: ['OVL-037'],
  }),
  vectorCheck({ id: 'overlay.score', title: 'Scores are exact in thousandths', file: 'overlay/score.json', clauses: ['OVL-012'] }),
  vectorCheck({
    id: 'overlay.auto.size',
    title: 'The strategy follows the size of the network, and stays within the band',
    file: 'overlay/auto.json',
    clauses: ['OVL-005'],
  }),
  vectorCheck({
    id: 'overlay.auto.dwell',
    title: 'No change within the dwell time of the last',
    file: 'overlay/auto.json',
    clauses: ['OVL-006'],
  }),
  vectorCheck({
    id: 'overlay.next-hop',
    title: 'A Route goes to the target, its supernodes, nearer peers, own supernodes',
    file: 'overlay/next-hop.json',
    clauses: ['OVL-051'],
  }),
  vectorCheck({ id: 'overlay.judge.size', title: 'A Route above the limit is rejected', file: JUDGE, clauses: ['OVL-040'] }),
  vectorCheck({ id: 'overlay.judge.hops', title: 'A Route with too many hops is ignored', file: JUDGE, clauses: ['OVL-041'] }),
  vectorCheck({
    id: 'overlay.judge.structure',
    title: 'Envelopes of Routes get the verdicts of chapter 02',
    file: JUDGE,
    clauses: ['OVL-042'],
  }),
  vectorCheck({
    id: 'overlay.judge.recipient',
    title: 'A Route for another than its target is rejected',
    file: JUDGE,
    clauses: ['OVL-043'],
  }),
  vectorCheck({ id: 'overlay.judge.time', title: 'A Route outside the time window is ignored', file: JUDGE, clauses: ['OVL-045'] }),
  vectorCheck({ id: 'overlay.judge.signature', title: 'A Route whose signature fails is rejected', file: JUDGE, clauses: ['OVL-046'] }),
];
