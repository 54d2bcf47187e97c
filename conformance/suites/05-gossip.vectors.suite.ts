/** Chapter 05 by vectors: the active size and the verdict on a message. */
import type { VectorCheck } from '../runner/check.ts';
import { vectorCheck } from '../vectors/checks.ts';

const JUDGE = 'gossip/judge.json';

export const checks: readonly VectorCheck[] = [
  vectorCheck({
    id: 'gossip.active-size.formula',
    title: 'The active size follows the size of the network',
    file: 'gossip/active-size.json',
    clauses: ['GSP-030'],
  }),
  vectorCheck({ id: 'gossip.judge.size', title: 'An envelope above the limit is rejected', file: JUDGE, clauses: ['GSP-010'] }),
  vectorCheck({ id: 'gossip.judge.hops', title: 'An item with too many hops is ignored', file: JUDGE, clauses: ['GSP-011'] }),
  vectorCheck({ id: 'gossip.judge.topic-served', title: 'A topic that is not served is ignored', file: JUDGE, clauses: ['GSP-012'] }),
  vectorCheck({ id: 'gossip.judge.structure', title: 'Envelopes get the verdicts of chapter 02', file: JUDGE, clauses: ['GSP-013'] }),
  vectorCheck({
    id: 'gossip.judge.topic-named',
    title: 'A payload that names another topic is rejected',
    file: JUDGE,
    clauses: ['GSP-014'],
  }),
  vectorCheck({ id: 'gossip.judge.past', title: 'A message that is too old is ignored', file: JUDGE, clauses: ['GSP-016'] }),
  vectorCheck({ id: 'gossip.judge.future', title: 'A message that is too far ahead is ignored', file: JUDGE, clauses: ['GSP-017'] }),
  vectorCheck({ id: 'gossip.judge.signature', title: 'A message whose signature fails is rejected', file: JUDGE, clauses: ['GSP-018'] }),
];
