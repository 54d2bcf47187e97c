/** What a listener answers to a WebSocket upgrade. */
import type { Step } from '../driver/plan.ts';
import type { TraceEvent } from '../driver/trace.ts';
import type { Finding } from '../runner/check.ts';
import { finding, type SessionRule } from './session-judge.ts';
import type { SessionView } from './session-view.ts';

const SUBPROTOCOL = 'carillon.v1';

interface Upgrade {
  readonly event: number;
  readonly asked: Extract<Step, { op: 'upgrade' }>;
  readonly answer: Extract<TraceEvent, { type: 'upgraded' }>;
}

function upgradesIn(view: SessionView): readonly Upgrade[] {
  return view.trace.events.flatMap((answer, event) => {
    if (answer.type !== 'upgraded') return [];
    const step = view.trace.events.find((one) => one.type === 'step' && one.step === answer.step);
    return step?.type === 'step' && step.value.op === 'upgrade' ? [{ event, asked: step.value, answer }] : [];
  });
}

function upgradeRule(
  clause: string,
  concerns: (asked: Upgrade['asked']) => boolean,
  fault: (answer: Upgrade['answer']) => string | undefined,
  expected: string,
): SessionRule {
  return {
    clauses: [clause],
    judge: (view) => {
      const findings: Finding[] = [];
      const upgrades = upgradesIn(view).filter(({ asked }) => concerns(asked));
      for (const { event, answer } of upgrades) {
        const observed = fault(answer);
        if (observed !== undefined) findings.push(finding(clause, expected, observed, event));
      }
      return { findings, exercised: upgrades.length > 0 };
    },
  };
}

const offersIt = ({ subprotocols }: Upgrade['asked']): boolean => subprotocols.includes(SUBPROTOCOL);

/** Without `carillon.v1` among the subprotocols there is no upgrade. Spec: WIR-002. */
export const refusesForeignUpgrades: SessionRule = upgradeRule(
  'WIR-002',
  (asked) => !offersIt(asked),
  ({ status }) => (status === 101 ? 'status 101' : undefined),
  'an upgrade without the subprotocol carillon.v1 is refused',
);

/** `carillon.v1` is selected when it is offered. Spec: WIR-003. */
export const selectsSubprotocol: SessionRule = upgradeRule(
  'WIR-003',
  offersIt,
  ({ status, subprotocol }) =>
    status === 101 && subprotocol === SUBPROTOCOL ? undefined : `status ${status}, subprotocol ${subprotocol ?? 'none'}`,
  'carillon.v1 is selected',
);

/** No extension that compresses is taken. Spec: WIR-005. */
export const takesNoCompression: SessionRule = upgradeRule(
  'WIR-005',
  ({ extensions }) => extensions !== undefined,
  ({ extensions }) => (/deflate|compress|zip|brotli|zstd|snappy|lz4/i.test(extensions ?? '') ? extensions : undefined),
  'no extension that compresses',
);
