/** Admission under the limits of the preset, so that a node that runs as it is can be judged as well. */
import fc from 'fast-check';
import { plan } from '../arbitraries/session-plans.ts';
import { crowd, hosts, inbound, wait } from '../arbitraries/topology-plans.ts';
import type { Step } from '../driver/plan.ts';
import { admits, asksForRest, makesNoWrongRoom } from '../invariants/topology-admission.ts';
import type { Check } from '../runner/check.ts';
import { topologyCheck } from './topology-check.ts';

/** Sessions that the preset looks for: from there on budgets hold. */
const TARGET = 8;
/** `ceil(budget_validator_full_percent · connections_max / 100)` of the preset. */
const BUDGET = 8;

/** Peers with stake, on links from `first` on. */
function staked(first: number, count: number): readonly Step[] {
  return Array.from({ length: count }, (_, index) => inbound(first + index, `stake-${index + 1}`, hosts(1, 100 + index)[0] ?? ''));
}

export const checks: readonly Check[] = [
  topologyCheck({
    id: 'topology.preset.budget',
    title: 'Who claims to serve a validator gets the places of that role and no more; others are let in, and nobody goes for them',
    needs: [],
    levels: ['adapter', 'wire'],
    plans: fc
      .record({ roles: fc.constantFrom(4, 5, 6, 12), beyond: fc.integer({ min: 1, max: 3 }) })
      .map(({ roles, beyond }) =>
        plan(
          [
            ...crowd(1, 'app', hosts(TARGET)),
            ...crowd(20, 'claims', hosts(BUDGET + beyond, 20), roles),
            ...staked(60, 2),
            ...crowd(70, 'late', hosts(2, 70)),
            { op: 'advance', ms: 1_600, wireMs: 2_100 },
          ],
          { stakes: true },
        ),
      ),
    rules: [admits('TOP-013')],
    also: [asksForRest, makesNoWrongRoom],
    runs: 2,
    attacks: ['peer flagged "relay" to become unprunable'],
  }),
  topologyCheck({
    id: 'topology.preset.released',
    title: 'A place of a role is free again when its session has ended',
    needs: [],
    levels: ['adapter', 'wire'],
    plans: fc
      .integer({ min: 0, max: BUDGET - 1 })
      .map((gone) =>
        plan([
          ...crowd(1, 'app', hosts(TARGET)),
          ...crowd(20, 'claims', hosts(BUDGET, 20), 4),
          inbound(40, 'before', hosts(1, 40)[0] ?? '', { roles: 4 }),
          wait(700),
          { op: 'closeLink', link: 20 + gone },
          wait(200),
          inbound(41, 'behind', hosts(1, 41)[0] ?? '', { roles: 4 }),
          inbound(42, 'again', hosts(1, 42)[0] ?? '', { roles: 4 }),
          { op: 'advance', ms: 1_600, wireMs: 2_100 },
        ]),
      ),
    rules: [admits('TOP-013'), asksForRest],
    runs: 1,
  }),
];
