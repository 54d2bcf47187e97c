/** What the node sends, against the buckets of a receiver. */

import { frameRule } from '../model/frame.ts';
import type { Finding } from '../runner/check.ts';
import { SessionBuckets } from './session-buckets.ts';
import { finding, type SessionRule } from './session-judge.ts';

/** No frame of the node is an overrun for a receiver with the network's parameters. Spec: SES-065. */
export const sendsWithinRates: SessionRule = {
  clauses: ['SES-065'],
  judge: (view) => {
    const findings: Finding[] = [];
    let exercised = false;
    for (const link of view.links) {
      const buckets = new SessionBuckets(view.number, view.slackMs);
      for (const { event, atMs, frame } of link.outputs) {
        const rule = frameRule(frame.kind);
        if (rule?.name === 'GoAway') continue;
        exercised = true;
        const frameClass = rule?.class ?? 'data';
        if (buckets.admit(frameClass, frame.raw.length / 2, atMs) !== 'overrun') continue;
        findings.push(finding('SES-065', `no faster than the buckets of class ${frameClass} let pass`, 'a frame that they do not', event));
        break;
      }
    }
    return { findings, exercised };
  },
};

/** The first Ping that the kit's buckets let pass is the one that is answered, in the order of the plaintext. Spec: WIR-035. */
export const takesFramesInOrder: SessionRule = {
  clauses: ['WIR-035'],
  judge: (view) => {
    const findings: Finding[] = [];
    let exercised = false;
    for (const link of view.links) {
      const isAnswered = (requestId: number | undefined): boolean =>
        link.outputs.some(({ frame }) => frame.kind === 4 && frame.requestId === requestId);
      for (const input of link.inputs) {
        if (input.outcome.type !== 'answer') continue;
        const behind = link.inputs.filter(({ event, order, frame }) => event === input.event && order > input.order && frame?.kind === 2);
        const refused = behind.filter(({ outcome }) => outcome.type !== 'answer' && outcome.type !== 'unsure');
        if (refused.length === 0) continue;
        exercised = true;
        const taken = refused.find(({ frame }) => isAnswered(frame?.requestId));
        if (taken !== undefined) {
          findings.push(
            finding('WIR-035', 'the frames are taken in their order', 'a later Ping was answered in place of an earlier one', taken.event),
          );
        }
      }
    }
    return { findings, exercised };
  },
};
