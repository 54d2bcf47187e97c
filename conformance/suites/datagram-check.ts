/** How the checks of datagrams are put together from plans and rules. */
import type { Arbitrary } from 'fast-check';
import type { Plan } from '../driver/plan.ts';
import { type DatagramRule, viewDatagrams } from '../invariants/datagram-view.ts';
import type { PlanCheck } from '../runner/check.ts';

export interface DatagramCheckOptions {
  readonly id: string;
  readonly title: string;
  readonly plans: Arbitrary<Plan>;
  /** Each of them has to be exercised for the check to count. */
  readonly rules: readonly DatagramRule[];
  /** Judged too, whether exercised or not. */
  readonly also?: readonly DatagramRule[];
  readonly levels?: PlanCheck['levels'];
  readonly runs?: number;
  readonly attacks?: readonly string[];
  readonly keyword?: 'MUST' | 'SHOULD';
}

/** A check of datagrams, which are asked with the kinds of the DHT; its clauses are those that its rules can name. */
export function datagramCheck(options: DatagramCheckOptions): PlanCheck {
  const { rules, also = [], levels = ['adapter'], ...rest } = options;
  return {
    kind: 'plan',
    ...rest,
    levels,
    needs: ['datagrams', 'dht/1'],
    clauses: [...new Set([...rules, ...also].flatMap((rule) => rule.clauses))],
    judge: (trace) => {
      const view = viewDatagrams(trace);
      const decisive = rules.map((rule) => rule.judge(view));
      const all = [...decisive, ...also.map((rule) => rule.judge(view))];
      return { findings: all.flatMap(({ findings }) => findings), exercised: decisive.every(({ exercised }) => exercised) };
    },
  };
}
