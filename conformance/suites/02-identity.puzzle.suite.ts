/** The identity puzzle: who solves it is taken, who does not is refused at the end of the handshake. */
import fc from 'fast-check';
import { plan, wait } from '../arbitraries/gossip-plans.ts';
import type { Step } from '../driver/plan.ts';
import type { Trace } from '../driver/trace.ts';
import { sha256, unhex } from '../model/bytes.ts';
import type { Check, Finding, Judgement } from '../runner/check.ts';

const PEERS = 8;

export const checks: readonly Check[] = [
  {
    kind: 'plan',
    id: 'identity.puzzle',
    title: 'With a puzzle of some bits, the peers whose PeerId solves it get a session and the others do not',
    clauses: ['IDN-070'],
    levels: ['adapter'],
    needs: ['raw'],
    runs: 3,
    // With one bit half of the fresh identities solve the puzzle, so nearly every plan has both kinds.
    plans: fc.constantFrom('1', '2').map((bits) => {
      const links = Array.from({ length: PEERS }, (_, link) => link);
      const steps = links.flatMap((link): Step[] => [
        { op: 'open', link, peer: `solver${link}`, mode: 'raw', address: `127.0.1.${link + 1}` },
        { op: 'handshake', link },
      ]);
      return plan([...steps, wait(1_200)], { overrides: { 'identity.puzzle_bits': bits } });
    }),
    judge,
  },
];

function judge(trace: Trace): Judgement {
  const bits = Number(trace.parameters['identity.puzzle_bits']);
  const findings: Finding[] = [];
  let solved = 0;
  let unsolved = 0;
  trace.events.forEach((event, index) => {
    if (event.type !== 'linkUp') return;
    const tried = trace.events.some((other) => other.type === 'step' && other.value.op === 'handshake' && other.value.link === event.link);
    if (!tried || event.atMs + Number(trace.parameters['session.reaction_ms_max']) > trace.endMs) return;
    const closed = trace.events.some((other) => other.type === 'closed' && other.link === event.link && other.by === 'node');
    const solves = leadingZeroBits(sha256(unhex(event.peerId))) >= bits;
    if (solves) solved++;
    else unsolved++;
    if (solves === closed) {
      findings.push({
        clause: 'IDN-070',
        expected: solves
          ? `link ${event.link} gets a session: its PeerId solves the puzzle of ${bits} bits`
          : `link ${event.link} is refused: its PeerId does not solve the puzzle of ${bits} bits`,
        observed: closed ? 'the node closed it' : 'the node kept it',
        at: index,
      });
    }
  });
  return { findings, exercised: unsolved > 0 && solved + unsolved > 0 };
}

function leadingZeroBits(bytes: Uint8Array): number {
  let bits = 0;
  for (const byte of bytes) {
    bits += Math.clz32(byte) - 24;
    if (byte !== 0) break;
  }
  return bits;
}
