/** Whom a node lets in, who makes room, and who is kept away. */
import { type Admission, admission, ROLES, type Role } from '../model/topology-choice.ts';
import type { Finding } from '../runner/check.ts';
import { hasOtherCause, type TopologyRule, uptimeMs } from './topology-judge.ts';
import { isTransient, type TopologySession, type TopologyView } from './topology-view.ts';

function limitsOf(view: TopologyView): Parameters<typeof admission>[2] {
  const budget = (role: Role): number => view.number(`budget_${role.replace('-', '_')}_percent`);
  return {
    active: view.isActive,
    // A plan that sets a region has rules of its own: what a peer counts for hangs on round trips.
    ownRegion: 'unknown',
    target: view.number('connections_target'),
    max: view.number('connections_max'),
    outboundMin: view.number('outbound_min'),
    subnetInboundMax: view.number('subnet_inbound_max'),
    budgetPercent: Object.fromEntries(ROLES.map((role) => [role, budget(role)])) as Record<Role, number>,
    newcomerMs: view.number('newcomer_ms'),
    evictMargin: view.number('evict_margin'),
  };
}

/** What the chapter says of a session, scores left aside: a newcomer that could make room counts as one that could not. */
function decisionOn(view: TopologyView, session: TopologySession): Admission | undefined {
  const { event } = session.up;
  const banned = view.isBanned(session.peerId, event);
  // What was dialled for a question has rules of its own (TOP-070, TOP-071).
  if (banned === undefined || isTransient(view, session)) return undefined;
  const others = view.standing(event).filter((other) => other.peerId !== session.peerId && !isTransient(view, other));
  const counted = (one: TopologySession): Parameters<typeof admission>[1][number] => ({
    ...one,
    region: 'unknown',
    score: 0,
    ageMs: 0,
    protected: view.isProtected(one.peerId, event),
  });
  return admission({ ...counted(session), banned, uptimeMs: 0 }, others.map(counted), limitsOf(view));
}

function couldMakeRoom(view: TopologyView, session: TopologySession): boolean {
  return view.isActive && uptimeMs(view, session.peerId, session.up.event) >= view.number('newcomer_ms');
}

/** When the node ended a session at its very beginning. */
function refusedAtMs(view: TopologyView, { up, end }: TopologySession): number | undefined {
  return end?.by === 'node' && end.atMs <= up.atMs + view.reactionMs ? end.atMs : undefined;
}

/** Every session that the chapter refuses by one of `clauses` ends in time; every other one is let in (TOP-016). */
export function admits(...clauses: readonly string[]): TopologyRule {
  return {
    clauses: [...clauses, 'TOP-016'],
    judge: (view) => {
      const findings: Finding[] = [];
      const decided = new Set<string>();
      for (const session of view.sessions) {
        const decision = decisionOn(view, session);
        if (decision === undefined || session.up.atMs + view.reactionMs > view.trace.endMs) continue;
        const refusedMs = refusedAtMs(view, session);
        if (decision.outcome === 'reject') {
          const clause = session.direction === 'out' && clauses.includes('TOP-018') ? 'TOP-018' : decision.clause;
          decided.add(clause);
          const mayStay = decision.code === 'E_BUDGET' && couldMakeRoom(view, session);
          if (refusedMs !== undefined || mayStay || session.end?.by === 'kit' || !clauses.includes(clause)) continue;
          findings.push({
            clause,
            expected: `the session with ${session.label} ends within ${view.reactionMs} ms (${decision.code})`,
            observed: session.end === undefined ? 'it went on' : `it ended after ${session.end.atMs - session.up.atMs} ms`,
            at: session.up.event,
          });
        } else if (refusedMs !== undefined && !hasOtherCause(view, session)) {
          findings.push({
            clause: 'TOP-016',
            expected: `the session with ${session.label} is let in`,
            observed: `it was ended after ${refusedMs - session.up.atMs} ms${session.end?.code === undefined ? '' : ` with ${session.end.code}`}`,
            at: session.up.event,
          });
        } else decided.add('TOP-016');
      }
      return { findings, exercised: [...clauses, 'TOP-016'].every((clause) => decided.has(clause)) };
    },
  };
}

const TOPOLOGY_CODES: ReadonlySet<string> = new Set(['E_SUBNET', 'E_BUDGET', 'E_REGION', 'E_EVICTED', 'E_PRUNED']);

/** Who finds no room is asked to stay away long enough. Spec: TOP-017. */
export const asksForRest: TopologyRule = {
  clauses: ['TOP-017'],
  judge: (view) => {
    const findings: Finding[] = [];
    let exercised = false;
    for (const { label, end, retryAfterMs } of view.sessions) {
      if (end?.by !== 'node' || !TOPOLOGY_CODES.has(end.code ?? '') || retryAfterMs === undefined) continue;
      exercised = true;
      const least = BigInt(view.number('refused_retry_ms'));
      if (retryAfterMs >= least) continue;
      findings.push({ clause: 'TOP-017', expected: `at least ${least} ms for ${label}`, observed: `${retryAfterMs} ms`, at: end.event });
    }
    // A node may end a session without a word (CNV-011).
    return { findings, exercised: exercised || view.sessions.some(({ end }) => end?.by === 'node') };
  },
};

/** Sessions that had been let in and that the node ended with no word of the operator. */
function givenUp(view: TopologyView): readonly TopologySession[] {
  return view.sessions.filter((session) => {
    const decision = decisionOn(view, session);
    const wasIn = decision?.outcome === 'accept' || refusedAtMs(view, session) === undefined;
    return wasIn && session.end?.by === 'node' && !hasOtherCause(view, session);
  });
}

/** The newest session that began just before a session ended. */
function arrivalBefore(view: TopologyView, session: TopologySession): TopologySession | undefined {
  const { end } = session;
  return view.sessions.findLast(
    (other) => other !== session && end !== undefined && other.up.event < end.event && other.up.atMs >= end.atMs - view.reactionMs,
  );
}

/**
 * Nobody goes for whoever has just appeared (TOP-021), no outbound or protected session goes for anybody
 * (TOP-022), and nobody goes at all at a passive node (TOP-023).
 */
export const makesNoWrongRoom: TopologyRule = {
  clauses: ['TOP-021', 'TOP-022', 'TOP-023'],
  judge: (view) => {
    const findings: Finding[] = [];
    for (const session of givenUp(view)) {
      const arrival = arrivalBefore(view, session);
      if (arrival === undefined || session.end === undefined) continue;
      const isKept = session.direction === 'out' || view.isProtected(session.peerId, session.end.event);
      const broken = !view.isActive ? 'TOP-023' : isKept ? 'TOP-022' : couldMakeRoom(view, arrival) ? undefined : 'TOP-021';
      if (broken === undefined) continue;
      findings.push({
        clause: broken,
        expected: `the session with ${session.label} stays when ${arrival.label} comes`,
        observed: `it ended after ${session.end.atMs - arrival.up.atMs} ms`,
        at: session.end.event,
      });
    }
    const refused = view.sessions.some((session) => {
      const decision = decisionOn(view, session);
      return decision?.outcome === 'reject' && decision.code === 'E_BUDGET';
    });
    return { findings, exercised: refused };
  },
};

/** A peer that has stood for long gets a place of one that has not. Spec: TOP-020. */
export const makesRoom: TopologyRule = {
  clauses: ['TOP-020'],
  judge: (view) => {
    const findings: Finding[] = [];
    let exercised = false;
    for (const session of view.sessions) {
      const decision = decisionOn(view, session);
      if (decision?.outcome !== 'reject' || decision.code !== 'E_BUDGET' || !couldMakeRoom(view, session)) continue;
      const { up } = session;
      // Below a tenth of a newcomer's time the score is below 100,000; the newcomer's is at least 250,000 when nothing speaks against it.
      const young = view
        .standing(up.event)
        .filter(
          ({ peerId, direction }) =>
            direction === 'in' &&
            !view.isProtected(peerId, up.event) &&
            uptimeMs(view, peerId, up.event) * 10 <= view.number('newcomer_ms'),
        );
      if (young.length === 0 || up.atMs + view.reactionMs > view.trace.endMs) continue;
      exercised = true;
      if (refusedAtMs(view, session) !== undefined) {
        findings.push({ clause: 'TOP-020', expected: `${session.label} gets a place`, observed: 'it was refused', at: up.event });
      } else if (!young.some(({ end }) => end?.by === 'node' && end.event > up.event && end.atMs <= up.atMs + view.reactionMs)) {
        findings.push({
          clause: 'TOP-020',
          expected: `one of ${young.length} newcomers makes room`,
          observed: 'nobody went',
          at: up.event,
        });
      }
    }
    return { findings, exercised };
  },
};

/** A ban ends the session in time. Spec: TOP-080. */
export const bansEndSessions: TopologyRule = {
  clauses: ['TOP-080'],
  judge: (view) => {
    const findings: Finding[] = [];
    let exercised = false;
    for (const command of view.commands) {
      if (command.name !== 'ban' || command.durationMs === 0n || command.atMs + view.reactionMs > view.trace.endMs) continue;
      for (const { peerId, label, end } of view.standing(command.event)) {
        if (peerId !== command.peerId) continue;
        exercised = true;
        if (end !== undefined && end.atMs <= command.atMs + view.reactionMs) continue;
        findings.push({ clause: 'TOP-080', expected: `the session with ${label} ends`, observed: 'it went on', at: command.event });
      }
    }
    return { findings, exercised };
  },
};

/** Which clause of the chapter a session under test is about: what ended a ban that the peer had. */
export function returnsAfterBan(clause: 'TOP-081' | 'TOP-082' | 'TOP-083'): TopologyRule {
  return {
    clauses: [clause],
    judge: (view) => {
      const findings: Finding[] = [];
      let exercised = false;
      for (const session of view.sessions) {
        const { up, peerId, label } = session;
        if (!view.commands.some((command) => command.name === 'ban' && command.peerId === peerId && command.event < up.event)) continue;
        const banned = view.isBanned(peerId, up.event);
        if (banned === undefined || up.atMs + view.reactionMs > view.trace.endMs) continue;
        const isRefused = refusedAtMs(view, session) !== undefined;
        exercised ||= !banned;
        if (banned === isRefused) continue;
        findings.push({
          clause,
          expected: banned ? `${label} is kept away: the ban lasts` : `${label} is let in: its ban is over`,
          observed: isRefused ? 'the session was ended' : 'the session went on',
          at: up.event,
        });
      }
      return { findings, exercised };
    },
  };
}

/** A passive node neither dials nor gives up sessions by itself. Spec: TOP-001. */
export const passiveIsStill: TopologyRule = {
  clauses: ['TOP-001'],
  judge: (view) => {
    const findings: Finding[] = [];
    for (const dial of view.dials) {
      if (dial.isWish) continue;
      findings.push({
        clause: 'TOP-001',
        expected: 'no dial but on the operator’s word',
        observed: `a dial to ${dial.address}`,
        at: dial.event,
      });
    }
    for (const { label, end } of givenUp(view)) {
      if (end === undefined) continue;
      findings.push({
        clause: 'TOP-001',
        expected: `the session with ${label} stays`,
        observed: `it was ended with ${end.code ?? 'no code'}`,
        at: end.event,
      });
    }
    const hasNamed = view.commands.some(({ name }) => name === 'candidate' || name === 'protect');
    return { findings, exercised: !view.isActive && hasNamed && view.sessions.length > view.number('connections_high') };
  },
};
