/** Attachments of the node at any moment, and the rules of a leaf. Spec: OVL-020 to OVL-029. */
import { flagIn, listIn, messagesIn, textIn } from '../driver/seen.ts';
import type { Finding } from '../runner/check.ts';
import { isTaken } from './overlay-observed.ts';
import { claimedRole, contactPeers, nodeRole, type OverlayView, ROLES, roleOf, type Said } from './overlay-view.ts';
import type { Rule } from './rule.ts';

/** What an attachment is at a moment. */
export type AttachmentState = 'asked' | 'attached';

/** Something that changed what the node is attached to. */
export interface Turn {
  /** Index of the event, or a number between two where only time has passed. */
  readonly event: number;
  readonly atMs: number;
  readonly attachments: ReadonlyMap<number, AttachmentState>;
  /** Links whose peers are set aside at least until, and at most until. */
  readonly aside: ReadonlyMap<number, readonly [leastMs: number, mostMs: number]>;
}

/** The attachments of the node as both sides have said, turn by turn; what ran out of time turns at the next event. */
export function attachmentTurns(view: OverlayView): readonly Turn[] {
  const timeoutMs = view.number('overlay.attach_timeout_ms');
  const retryMs = view.number('overlay.retry_ms');
  const attachments = new Map<number, AttachmentState>();
  const askedAt = new Map<number, number>();
  const aside = new Map<number, readonly [number, number]>();
  const turns: Turn[] = [];
  const note = (event: number, atMs: number): void => {
    turns.push({ event, atMs, attachments: new Map(attachments), aside: new Map(aside) });
  };
  const end = (link: number, atMs: number, setAside: boolean): void => {
    attachments.delete(link);
    askedAt.delete(link);
    if (setAside) aside.set(link, [atMs + retryMs, atMs + 2 * retryMs]);
  };
  view.trace.events.forEach((event, index) => {
    const late = [...askedAt].filter(([, atMs]) => event.atMs >= atMs + timeoutMs);
    for (const [order, [link, atMs]] of late.entries()) {
      end(link, atMs + timeoutMs, true);
      // Before whatever happens then, one after the other.
      note(index - 1 / (order + 2), atMs + timeoutMs);
    }
    if (event.type === 'closed' || event.type === 'sessionUp') {
      // Another session on the number of an old link is another peer.
      aside.delete(event.link);
      if (attachments.has(event.link)) end(event.link, event.atMs, false);
      note(index, event.atMs);
      return;
    }
    if (event.type === 'crashed') {
      attachments.clear();
      askedAt.clear();
      aside.clear();
      note(index, event.atMs);
      return;
    }
    const one = view.said.find((other) => other.event === index);
    if (one === undefined) return;
    const { link } = one;
    if (one.by === 'node' && one.name === 'Attach') {
      attachments.set(link, 'asked');
      askedAt.set(link, event.atMs);
    } else if (one.by === 'kit' && one.name === 'Attached' && attachments.get(link) === 'asked') {
      if (flagIn(one.fields, 'accepted')) attachments.set(link, 'attached');
      else end(link, event.atMs, true);
      askedAt.delete(link);
    } else if (one.name === 'Detach' && attachments.has(link)) {
      if (one.by === 'node' || attachments.get(link) === 'attached') end(link, event.atMs, true);
    } else if (one.by === 'kit' && one.name === 'Role' && roleOf(one) === ROLES.supernode) {
      const before = claimedRole(view, link, index);
      if (before === undefined || roleOf(before) !== ROLES.supernode) aside.delete(link);
    } else if (one.by === 'kit' && one.name === 'Role' && roleOf(one) !== ROLES.supernode && attachments.has(link)) {
      end(link, event.atMs, true);
    }
    note(index, event.atMs);
  });
  return turns;
}

/** The turn that holds at an event. */
export function turnAt(turns: readonly Turn[], event: number): Turn | undefined {
  return turns.findLast((turn) => turn.event < event);
}

function isLeafBy(view: OverlayView, event: number): boolean {
  const role = nodeRole(view, event);
  return role === ROLES.leaf || role === ROLES.candidate;
}

/** Links that a leaf could ask now for certain. */
function available(view: OverlayView, turn: Turn): readonly number[] {
  return view.spans
    .filter((span) => span.overlay && span.fromEvent <= turn.event && span.toEvent > turn.event)
    .map(({ link }) => link)
    .filter((link) => {
      const claim = claimedRole(view, link, turn.event + 1);
      const [, untilMs] = turn.aside.get(link) ?? [0, 0];
      const isAsked = claim !== undefined && (roleOf(claim) === ROLES.supernode || roleOf(claim) === ROLES.candidate);
      return isAsked && !turn.attachments.has(link) && turn.atMs >= untilMs;
    });
}

/** A leaf that lacks supernodes asks those that there are, in time (OVL-025). */
export const leafAsks: Rule<OverlayView> = {
  clauses: ['OVL-025'],
  judge(view) {
    const findings: Finding[] = [];
    let exercised = false;
    const withinMs = view.number('overlay.failover_ms_max') + view.slackMs;
    const most = view.number('overlay.supernodes_per_leaf');
    const turns = attachmentTurns(view);
    for (const turn of turns) {
      const deadline = turn.atMs + withinMs;
      if (deadline > view.trace.endMs || !isLeafBy(view, turn.event + 1) || turn.attachments.size >= most) continue;
      const later = turns.filter((other) => other.event > turn.event && other.atMs <= deadline);
      // Whoever can be asked has to stay so until the time is over.
      const free = available(view, turn).filter((link) =>
        later.every((other) => available(view, other).includes(link) || other.attachments.has(link)),
      );
      if (free.length === 0) continue;
      exercised = true;
      // Who asks others until it has enough is judged by whom it asked: those that say they are supernodes or candidates.
      const isOffer = (link: number): boolean => {
        const claim = claimedRole(view, link, turn.event + 1);
        return claim !== undefined && (roleOf(claim) === ROLES.supernode || roleOf(claim) === ROLES.candidate);
      };
      const asked = later.some(
        (other) =>
          [...other.attachments.keys()].filter(isOffer).length > [...turn.attachments.keys()].filter(isOffer).length ||
          free.some((link) => other.attachments.has(link)),
      );
      const stillLeaf = isLeafBy(view, later.at(-1)?.event ?? turn.event + 1);
      if (asked || !stillLeaf) continue;
      findings.push({
        clause: 'OVL-025',
        expected: `with ${turn.attachments.size} of ${most} supernodes, an Attach on link ${free.join(' or ')} by ${deadline} ms`,
        observed: 'none was sent',
        at: turn.event,
      });
    }
    return { findings: findings.slice(0, 1), exercised };
  },
};

/** Never more attachments and questions than a leaf keeps (OVL-026), and nobody again too soon (OVL-028). */
export const leafAsksWithinBounds: Rule<OverlayView> = {
  clauses: ['OVL-026', 'OVL-028'],
  judge(view) {
    const findings: Finding[] = [];
    const most = view.number('overlay.supernodes_per_leaf');
    const turns = attachmentTurns(view);
    const asks = view.by('node', 'Attach');
    for (const ask of asks) {
      const before = turnAt(turns, ask.event);
      const count = (before?.attachments.size ?? 0) + (before?.attachments.has(ask.link) === true ? 0 : 1);
      if (count > most) {
        findings.push({
          clause: 'OVL-026',
          expected: `at most ${most} attachments and questions`,
          observed: `an Attach on link ${ask.link} makes ${count}`,
          at: ask.event,
        });
      }
      const [leastMs] = before?.aside.get(ask.link) ?? [0];
      if (ask.atMs + view.slackMs < leastMs) {
        findings.push({
          clause: 'OVL-028',
          expected: `link ${ask.link} is not asked before ${leastMs} ms`,
          observed: `it was asked at ${ask.atMs} ms`,
          at: ask.event,
        });
      }
    }
    const offers = new Set(
      view
        .by('kit', 'Role')
        .filter((one) => roleOf(one) === ROLES.supernode)
        .map(({ link }) => link),
    );
    return { findings, exercised: asks.length > 0 && (offers.size > most || turns.some(({ aside }) => aside.size > 0)) };
  },
};

/** A supernode that brings nothing while others do is given up (OVL-027). */
export const silentIsGivenUp: Rule<OverlayView> = {
  clauses: ['OVL-027'],
  judge(view) {
    const findings: Finding[] = [];
    let exercised = false;
    const silentMs = view.number('overlay.silent_ms');
    const messagesMin = view.number('overlay.silent_messages');
    const withinMs = view.number('overlay.failover_ms_max') + view.slackMs;
    for (const accepted of view.by('kit', 'Attached').filter(({ fields }) => flagIn(fields, 'accepted'))) {
      const { link } = accepted;
      const heard = [
        accepted.atMs,
        ...view.gossip.arrivals.filter((arrival) => arrival.link === link && arrival.via === 'Push').map(({ atMs }) => atMs),
        ...view.gossip.mentions
          .filter((mention) => mention.link === link && mention.by === 'kit' && mention.kind === 'Ihave')
          .map(({ atMs }) => atMs),
      ];
      const sinceMs = Math.max(...heard.filter((atMs) => atMs >= accepted.atMs));
      if (view.gossip.prunes.some((notice) => notice.by === 'node' && notice.kind === 'Prune' && notice.link === link)) continue;
      // The node may look by the beat, so what came within one beat of the last sign may go uncounted.
      const others = view.gossip.arrivals
        .filter(
          ({ verdict, link: other, atMs }) => verdict === 'accept' && other !== link && atMs > sinceMs + view.number('overlay.beat_ms'),
        )
        .map(({ atMs }) => atMs);
      const enoughMs = others[messagesMin - 1];
      if (enoughMs === undefined) continue;
      const deadline = Math.max(enoughMs, sinceMs + silentMs) + withinMs;
      const span = view.spanAt(link, accepted.event);
      const turns = attachmentTurns(view);
      const isStill = turns.some((turn) => turn.atMs >= deadline - withinMs && turn.attachments.get(link) === 'attached');
      if (deadline > view.trace.endMs || (span?.toMs ?? 0) <= deadline || !isStill) {
        const gone = view.by('node', 'Detach').find((one) => one.link === link && one.event > accepted.event && one.atMs <= deadline);
        exercised ||= gone !== undefined;
        continue;
      }
      exercised = true;
      const detached = view.by('node', 'Detach').find((one) => one.link === link && one.event > accepted.event && one.atMs <= deadline);
      if (detached !== undefined) continue;
      findings.push({
        clause: 'OVL-027',
        expected: `a Detach on link ${link}, silent since ${sinceMs} ms, by ${deadline} ms`,
        observed: 'none was sent',
        at: accepted.event,
      });
    }
    return { findings, exercised };
  },
};

/** Alternatives are dialled when nobody else is left to ask (OVL-029). */
export const alternativesAreDialled: Rule<OverlayView> = {
  clauses: ['OVL-029'],
  judge(view) {
    const findings: Finding[] = [];
    let exercised = false;
    const withinMs = view.number('overlay.failover_ms_max') + view.slackMs;
    const turns = attachmentTurns(view);
    for (const one of [...view.by('kit', 'Attached'), ...view.by('kit', 'Detach')]) {
      const turn = turns.find(({ event }) => event === one.event);
      const contacts = messagesIn(one.fields, 'alternatives');
      const linked = new Set(
        view.spans.filter((span) => span.fromEvent <= one.event && span.toEvent > one.event).map(({ peerId }) => peerId),
      );
      const named = contacts.filter((contact) => listIn(contact, 'addresses').length > 0 && !linked.has(textIn(contact, 'peerId')));
      if (turn === undefined || named.length === 0 || !isLeafBy(view, one.event + 1)) continue;
      const wasAsked = turnAt(turns, one.event)?.attachments.has(one.link) === true;
      if (!wasAsked || available(view, turn).length > 0 || turn.attachments.size >= view.number('overlay.supernodes_per_leaf')) continue;
      if (one.atMs + withinMs > view.trace.endMs) continue;
      exercised = true;
      const dialled = view.dials.some((dial) => dial.event > one.event && dial.atMs <= one.atMs + withinMs);
      if (dialled) continue;
      findings.push({
        clause: 'OVL-029',
        expected: `a dial to one of the alternatives that link ${one.link} named, by ${one.atMs + withinMs} ms`,
        observed: 'none',
        at: one.event,
      });
    }
    return { findings, exercised };
  },
};

/** Answers to Attaches: accepted exactly by supernodes with room (OVL-020 to OVL-022). */
export const attachesAreAnswered: Rule<OverlayView> = {
  clauses: ['OVL-020', 'OVL-021', 'OVL-022'],
  judge(view) {
    const findings: Finding[] = [];
    let exercised = false;
    const withinMs = view.number('session.reaction_ms_max') + view.slackMs;
    const leavesMax = view.number('overlay.leaves_max');
    for (const ask of view.by('kit', 'Attach')) {
      const span = view.spanAt(ask.link, ask.event);
      if (span?.overlay !== true) continue;
      const answer = view
        .by('node', 'Attached')
        .find((one) => one.link === ask.link && one.requestId === ask.requestId && one.event > ask.event);
      const isSupernode = nodeRole(view, ask.event) === ROLES.supernode;
      const others = leavesAt(view, ask.event);
      others.delete(ask.link);
      const clause = !isSupernode ? 'OVL-022' : others.size < leavesMax ? 'OVL-020' : 'OVL-021';
      if (answer === undefined || answer.atMs > ask.atMs + withinMs) {
        if (ask.atMs + withinMs > view.trace.endMs || span.toMs <= ask.atMs + withinMs) continue;
        findings.push({
          clause,
          expected: `an answer to the Attach on link ${ask.link} within ${withinMs} ms`,
          observed: 'none',
          at: ask.event,
        });
        continue;
      }
      // A role that changes meanwhile leaves the answer open.
      if ((nodeRole(view, answer.event) === ROLES.supernode) !== isSupernode) continue;
      exercised = true;
      const accepted = flagIn(answer.fields, 'accepted');
      const expected = isSupernode && others.size < leavesMax;
      if (accepted === expected) continue;
      findings.push({
        clause,
        expected: `the Attach on link ${ask.link} is ${expected ? 'accepted' : 'not accepted'}: ${isSupernode ? `${others.size} of ${leavesMax} leaves` : 'the node is no supernode'}`,
        observed: accepted ? 'it was accepted' : 'it was not',
        at: answer.event,
      });
    }
    return { findings, exercised };
  },
};

/** Links that are leaves of the node before an event. */
export function leavesAt(view: OverlayView, event: number): Set<number> {
  const leaves = new Set<number>();
  view.trace.events.slice(0, event).forEach((other, index) => {
    if (other.type === 'closed') leaves.delete(other.link);
    if (other.type === 'crashed') leaves.clear();
    const one = view.said.find((candidate) => candidate.event === index);
    if (one === undefined) return;
    if (one.by === 'node' && one.name === 'Attached' && flagIn(one.fields, 'accepted')) leaves.add(one.link);
    if (one.name === 'Detach') leaves.delete(one.link);
  });
  return leaves;
}

/** Who is named as an alternative, and who is not (OVL-023, OVL-024). */
export const alternativesAreHonest: Rule<OverlayView> = {
  clauses: ['OVL-023', 'OVL-024'],
  judge(view) {
    const findings: Finding[] = [];
    let exercised = false;
    const answers: readonly Said[] = [...view.by('node', 'Attached'), ...view.by('node', 'Detach')];
    for (const answer of answers) {
      const peers = contactPeers(answer.fields);
      const receiver = view.spanAt(answer.link, answer.event)?.peerId;
      const claimed = view.spans.filter(
        (span) => span.fromEvent < answer.event && claimedRole(view, span.link, answer.event) !== undefined,
      );
      exercised ||= claimed.length > 0;
      if (peers.length > 8 || peers.some((peer) => peer === receiver || peer === view.trace.nodePeerId)) {
        findings.push({
          clause: 'OVL-023',
          expected: 'at most 8 alternatives, neither the receiver nor the node itself',
          observed: `${peers.length} alternatives${peers.includes(receiver ?? '') ? ', the receiver among them' : ''}`,
          at: answer.event,
        });
      }
      for (const peer of peers) {
        const span = view.spans.find((one) => one.peerId === peer && one.fromEvent < answer.event && one.toEvent > answer.event);
        if (span !== undefined && isTaken(view, span.link, answer.event, answer.atMs) !== 'no') continue;
        findings.push({
          clause: 'OVL-024',
          expected: 'alternatives are peers that the node has observed as supernodes',
          observed: `${peer.slice(0, 8)} is named, which has shown nothing of the kind`,
          at: answer.event,
        });
      }
    }
    return { findings, exercised };
  },
};
