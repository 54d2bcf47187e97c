/** Chapter 10 by vectors: scores, regions, shares, admission, backoffs and pruning. */
import type { VectorCheck } from '../runner/check.ts';
import { vectorCheck } from '../vectors/checks.ts';

const ADMIT = 'topology/admit.json';

export const checks: readonly VectorCheck[] = [
  vectorCheck({
    id: 'topology.score.formula',
    title: 'A peer’s score follows from what was measured',
    file: 'topology/score.json',
    clauses: ['TOP-030'],
  }),
  vectorCheck({
    id: 'topology.score.health',
    title: 'A round trip that is too old counts nothing',
    file: 'topology/score.json',
    clauses: ['TOP-031'],
  }),
  vectorCheck({
    id: 'topology.region.counted',
    title: 'A claim of a region counts as far as round trips agree',
    file: 'topology/region.json',
    clauses: ['TOP-003'],
  }),
  vectorCheck({
    id: 'topology.region.shares',
    title: 'Each region has its floor and its ceiling, by the node’s own',
    file: 'topology/share.json',
    clauses: ['TOP-004'],
  }),
  vectorCheck({ id: 'topology.admit.banned', title: 'A banned peer is not let in', file: ADMIT, clauses: ['TOP-010'] }),
  vectorCheck({ id: 'topology.admit.subnet', title: 'A subnet has a limit of inbound sessions', file: ADMIT, clauses: ['TOP-011'] }),
  vectorCheck({
    id: 'topology.admit.inbound',
    title: 'Inbound sessions leave the places of outbound ones',
    file: ADMIT,
    clauses: ['TOP-012'],
  }),
  vectorCheck({ id: 'topology.admit.role', title: 'Budgets of roles bind from the target on', file: ADMIT, clauses: ['TOP-013'] }),
  vectorCheck({ id: 'topology.admit.all', title: 'No more sessions than there is room for', file: ADMIT, clauses: ['TOP-014'] }),
  vectorCheck({
    id: 'topology.admit.region',
    title: 'A region has a ceiling of sessions from the target on',
    file: ADMIT,
    clauses: ['TOP-015'],
  }),
  vectorCheck({ id: 'topology.admit.welcome', title: 'Whoever nothing speaks against is let in', file: ADMIT, clauses: ['TOP-016'] }),
  vectorCheck({
    id: 'topology.admit.room',
    title: 'A better peer that has stood for long gets a place',
    file: ADMIT,
    clauses: ['TOP-020'],
  }),
  vectorCheck({
    id: 'topology.admit.no-room',
    title: 'Nobody goes for a newcomer, outbound and protected sessions stay, and a passive node makes no room',
    file: ADMIT,
    clauses: ['TOP-021', 'TOP-022', 'TOP-023'],
  }),
  vectorCheck({
    id: 'topology.backoff.bounds',
    title: 'Pauses double up to their bound',
    file: 'topology/backoff.json',
    clauses: ['TOP-050'],
  }),
  vectorCheck({
    id: 'topology.prune.choice',
    title: 'Each strategy has its order, and exceptions stay',
    file: 'topology/prune.json',
    clauses: ['TOP-067'],
  }),
];
