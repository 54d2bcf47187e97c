/** Identity where it is used: many signatures at once, bytes that are passed on, the puzzle. */
import type { SeenEnvelope } from '../driver/trace.ts';
import { hex, sha256, unhex, utf8 } from '../model/bytes.ts';
import { type Judged, judgeEnvelope } from '../model/envelope.ts';
import type { Finding } from '../runner/check.ts';
import { handshakeOn } from './session-handshake.ts';
import { finding, type SessionRule } from './session-judge.ts';
import type { LinkView, SessionView } from './session-view.ts';
import { notClosedInTime } from './wire-close.ts';

/** An envelope in a Push or Direct, from the kit or from the node. */
interface Sighting {
  readonly event: number;
  readonly atMs: number;
  readonly link: number;
  readonly envelope: SeenEnvelope;
  /** Number of envelopes in the frame. */
  readonly among: number;
}

function envelopesIn(view: SessionView, type: 'sentFrame' | 'frame'): readonly Sighting[] {
  return view.trace.events.flatMap((event, index): readonly Sighting[] => {
    if (event.type !== type) return [];
    const { body } = event.frame;
    const envelopes = body?.type === 'Push' ? body.items.map((item) => item.envelope) : body?.type === 'Direct' ? body.envelopes : [];
    return envelopes.map((envelope) => ({ event: index, atMs: event.atMs, link: event.link, envelope, among: envelopes.length }));
  });
}

/** Gives each different envelope its verdict once. */
function verdicts(view: SessionView): (envelope: SeenEnvelope) => Judged {
  const networkId = utf8(view.trace.networkId);
  const known = new Map<string, Judged>();
  return (envelope) => {
    const judged = known.get(envelope.hash) ?? judgeEnvelope(networkId, 'app', unhex(envelope.bytes));
    known.set(envelope.hash, judged);
    return judged;
  };
}

/** Of several signatures in one frame each counts alone: the good messages are passed on, the bad ones are not. Spec: IDN-019. */
export const judgesSignaturesAlone: SessionRule = {
  clauses: ['IDN-019'],
  judge: (view) => {
    const findings: Finding[] = [];
    const judge = verdicts(view);
    const arrivals = envelopesIn(view, 'sentFrame').filter(({ among }) => among > 1);
    const departures = envelopesIn(view, 'frame');
    const withinMs = view.number('gossip.forward_ms_max') + view.slackMs;
    const kinds = new Set<string>();
    for (const arrival of arrivals) {
      const { envelope, atMs, event } = arrival;
      const { verdict, code } = judge(envelope);
      if (code === 'E_SIGNATURE') {
        kinds.add('bad');
        const leaked = departures.find((departure) => departure.envelope.hash === envelope.hash);
        if (leaked !== undefined)
          findings.push(
            finding('IDN-019', 'a message whose signature the predicate refuses goes no further', 'it was passed on', leaked.event),
          );
      } else if (verdict === 'accept' && listeners(view, arrival).length > 0 && view.trace.endMs >= atMs + withinMs) {
        kinds.add('good');
        const isHeard = departures.some((departure) => departure.envelope.id === envelope.id && departure.atMs <= atMs + withinMs);
        if (!isHeard)
          findings.push(finding('IDN-019', 'a valid message among invalid ones is accepted and passed on', 'it was not', event));
      }
    }
    return { findings, exercised: kinds.size === 2 };
  },
};

/** Links that are told of a message that came on another: gossip sessions that stand from before it until it must have been passed on. */
function listeners(view: SessionView, arrival: Sighting): readonly LinkView[] {
  const untilMs = arrival.atMs + view.number('gossip.forward_ms_max') + view.slackMs;
  return view.links.filter(
    ({ link, session, closed }) =>
      link !== arrival.link &&
      session !== undefined &&
      session.event < arrival.event &&
      session.capabilities.has('gossip/1') &&
      (closed?.atMs ?? Number.POSITIVE_INFINITY) > untilMs,
  );
}

/** What is passed on has the bytes in which it came. Spec: IDN-042. */
export const passesBytesOn: SessionRule = {
  clauses: ['IDN-042'],
  judge: (view) => {
    const findings: Finding[] = [];
    const judge = verdicts(view);
    const given = new Map<string, Set<string>>();
    for (const { envelope } of envelopesIn(view, 'sentFrame')) {
      if (envelope.id === undefined || judge(envelope).verdict !== 'accept') continue;
      const hashes = given.get(envelope.id) ?? new Set();
      given.set(envelope.id, hashes.add(envelope.hash));
    }
    let exercised = false;
    for (const { envelope, event } of envelopesIn(view, 'frame')) {
      const hashes = envelope.id === undefined ? undefined : given.get(envelope.id);
      if (hashes === undefined) continue;
      exercised = true;
      if (!hashes.has(envelope.hash))
        findings.push(finding('IDN-042', 'the bytes that were received', 'another encoding of the same message', event));
    }
    return { findings, exercised };
  },
};

/** A peer is refused at the end of the handshake when its PeerId does not solve the puzzle, and is not when it does. Spec: IDN-070. */
export const asksForPuzzle: SessionRule = {
  clauses: ['IDN-070'],
  judge: (view) => {
    const findings: Finding[] = [];
    const seen = new Set<boolean>();
    const bits = view.number('identity.puzzle_bits');
    for (const link of view.links) {
      const last = handshakeOn(view, link)?.last;
      if (link.peerId === undefined || last === undefined || bits === 0) continue;
      const solves = leadingZeroBits(sha256(unhex(link.peerId))) >= bits;
      seen.add(solves);
      const missing = notClosedInTime(view, link, last);
      if (!solves && missing !== undefined) {
        findings.push(finding('IDN-070', `a peer without ${bits} leading zero bits is refused`, missing, last.event));
      }
      if (solves && link.closed?.by === 'node') {
        findings.push(
          finding(
            'IDN-070',
            `a peer whose H(PeerId) is ${hex(sha256(unhex(link.peerId))).slice(0, 8)}… solves the puzzle of ${bits} bits`,
            'the node closed',
            link.closed.event,
          ),
        );
      }
    }
    return { findings, exercised: seen.size === 2 };
  },
};

/** How many zero bits bytes begin with. */
export function leadingZeroBits(bytes: Uint8Array): number {
  const first = bytes.findIndex((byte) => byte !== 0);
  return first === -1 ? 8 * bytes.length : 8 * first + Math.clz32(bytes[first] ?? 0) - 24;
}
