/** Capabilities that a parameter turns off. Spec: SES-028 */
import fc from 'fast-check';
import type { Step } from '../driver/plan.ts';
import type { Finding, PlanCheck } from '../runner/check.ts';

/** Capability, and the parameter of its mode. */
const SWITCHED: readonly (readonly [capability: string, parameter: string])[] = [
  ['records/1', 'records.mode'],
  ['reconcile/1', 'reconcile.mode'],
  ['iblt/1', 'reconcile.iblt'],
  ['dht/1', 'dht.mode'],
  ['overlay/1', 'overlay.mode'],
  ['mempool/1', 'mempool.mode'],
];

function switchCheck(capability: string, parameter: string): PlanCheck {
  const steps: readonly Step[] = [
    { op: 'open', link: 0, peer: 'peer', mode: 'raw', capabilities: ['gossip/1', capability].sort() },
    { op: 'handshake', link: 0, capabilities: ['gossip/1', capability].sort() },
    { op: 'advance', ms: 500 },
  ];
  return {
    kind: 'plan',
    id: `session.offers.${capability.split('/')[0]}`,
    title: `A node whose ${parameter} is off does not offer ${capability}`,
    clauses: ['SES-028'],
    levels: ['adapter'],
    needs: ['raw', capability],
    plans: fc.constant({ setup: { overrides: { [parameter]: 'off' } }, steps }),
    judge(trace) {
      const findings = trace.events.flatMap((event, index): Finding[] =>
        event.type === 'sessionUp' && event.offered?.includes(capability) === true
          ? [
              {
                clause: 'SES-028',
                expected: `no ${capability} in the hello: ${parameter} is off`,
                observed: event.offered.join(', '),
                at: index,
              },
            ]
          : [],
      );
      return { findings, exercised: trace.events.some((event) => event.type === 'sessionUp' && event.offered !== undefined) };
    },
  };
}

export const checks: readonly PlanCheck[] = SWITCHED.map(([capability, parameter]) => switchCheck(capability, parameter));
