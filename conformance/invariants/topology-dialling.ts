/** Whom a node dials, when, and how often. */
import type { Hex } from '../driver/plan.ts';
import { backoffBounds } from '../model/topology.ts';
import type { Finding } from '../runner/check.ts';
import type { TopologyRule } from './topology-judge.ts';
import { hostOf, type TopologyDial, type TopologySession, type TopologyView } from './topology-view.ts';

/** Addresses that were named for peers: by the operator, or in hellos. */
function peersAt(view: TopologyView): ReadonlyMap<string, Hex> {
  const known = new Map<string, Hex>();
  for (const { peerId, addresses } of view.commands) for (const address of addresses) known.set(address, peerId);
  for (const event of view.trace.events) {
    if (event.type !== 'step' || event.value.op !== 'open') continue;
    const peerId = view.trace.peerIds[event.value.peer];
    for (const address of event.value.listenAddresses ?? []) if (peerId !== undefined) known.set(address, peerId);
  }
  return known;
}

/** Dials that wait just before an event. */
function waiting(view: TopologyView, event: number): readonly TopologyDial[] {
  const nowMs = view.trace.events[event]?.atMs ?? 0;
  return view.dials.filter(
    (dial) =>
      dial.event < event && (dial.end === undefined || dial.end.event >= event) && nowMs - dial.atMs < view.number('dial_timeout_ms'),
  );
}

function ownDials(view: TopologyView): readonly TopologyDial[] {
  return view.dials.filter(({ isWish }) => !isWish);
}

/** No more dials at a time than there may be. Spec: TOP-042. */
export const dialsFewAtOnce: TopologyRule = {
  clauses: ['TOP-042'],
  judge: (view) => {
    const findings: Finding[] = [];
    const most = view.number('dials_max');
    for (const dial of ownDials(view)) {
      const others = waiting(view, dial.event).filter(({ isWish }) => !isWish);
      if (others.length < most) continue;
      findings.push({ clause: 'TOP-042', expected: `at most ${most} dials at a time`, observed: `${others.length + 1}`, at: dial.event });
    }
    const named = view.commands.filter(({ name }) => name === 'candidate').length;
    return { findings, exercised: ownDials(view).length > 0 && named > most };
  },
};

/** Each dial has a reason: a protected peer, or too few sessions. Spec: TOP-041. */
export const dialsForAReason: TopologyRule = {
  clauses: ['TOP-041'],
  judge: (view) => {
    const findings: Finding[] = [];
    const peers = peersAt(view);
    for (const dial of ownDials(view)) {
      const peer = peers.get(dial.address);
      if (peer !== undefined && view.isProtected(peer, dial.event)) continue;
      const standing = view.standing(dial.event);
      const under = waiting(view, dial.event).length;
      const outbound = standing.filter(({ direction }) => direction === 'out').length;
      const isShort = standing.length + under < view.number('connections_target') || outbound + under < view.number('outbound_min');
      if (isShort && standing.length + under < view.number('connections_max')) continue;
      findings.push({
        clause: 'TOP-041',
        expected: 'no dial: nobody is wanted',
        observed: `a dial to ${dial.address} with ${standing.length} sessions and ${under} dials`,
        at: dial.event,
      });
    }
    return { findings, exercised: ownDials(view).length > 0 && view.commands.length > view.number('connections_target') };
  },
};

/** Banned and connected peers are not dialled. Spec: TOP-049. */
export const dialsNobodyWrong: TopologyRule = {
  clauses: ['TOP-049'],
  judge: (view) => {
    const findings: Finding[] = [];
    const peers = peersAt(view);
    for (const dial of ownDials(view)) {
      const peer = peers.get(dial.address);
      if (peer === undefined) continue;
      const isConnected = view.standing(dial.event).some(({ peerId }) => peerId === peer);
      const isSelf = peer === view.trace.nodePeerId;
      if (!isConnected && !isSelf && view.isBanned(peer, dial.event) !== true) continue;
      const why = isConnected ? 'connected' : isSelf ? 'the node itself' : 'banned';
      findings.push({
        clause: 'TOP-049',
        expected: `no dial to ${dial.address}: its peer is ${why}`,
        observed: 'it is dialled',
        at: dial.event,
      });
    }
    const tempted = view.commands.some(({ peerId, name }) => name === 'ban' || peerId === view.trace.nodePeerId);
    return { findings, exercised: tempted && ownDials(view).length > 0 };
  },
};

/** A subnet is dialled so often and no more. Spec: TOP-043. */
export const dialsSpread: TopologyRule = {
  clauses: ['TOP-043'],
  judge: (view) => {
    const findings: Finding[] = [];
    const most = view.number('subnet_outbound_max');
    const peers = peersAt(view);
    const subnetAt = (address: string): string => hostOf(address).split('.').slice(0, 3).join('.');
    let named = 0;
    for (const dial of ownDials(view)) {
      const peer = peers.get(dial.address);
      const subnet = subnetAt(dial.address);
      named = Math.max(named, [...peers.keys()].filter((address) => subnetAt(address) === subnet).length);
      const standing = view.standing(dial.event);
      if ((peer !== undefined && view.isProtected(peer, dial.event)) || standing.length < view.number('connections_min')) continue;
      const same =
        standing.filter((session) => session.direction === 'out' && session.subnet === `4:${hexOf(subnet)}`).length +
        waiting(view, dial.event).filter(({ address }) => subnetAt(address) === subnet).length;
      if (same < most) continue;
      findings.push({
        clause: 'TOP-043',
        expected: `at most ${most} sessions and dials in ${subnet}.0/24`,
        observed: `${same + 1}`,
        at: dial.event,
      });
    }
    return { findings, exercised: named > most };
  },
};

function hexOf(subnet: string): string {
  return subnet
    .split('.')
    .map((part) => Number(part).toString(16).padStart(2, '0'))
    .join('');
}

/** What became of the dials to one address, in order: when each failure was known. */
interface Attempts {
  readonly address: string;
  readonly dials: readonly TopologyDial[];
  /** For each dial: when it, or the session that it brought, failed; and how many failures in a row that makes. */
  readonly failures: readonly ({ readonly atMs: number; readonly count: number } | undefined)[];
}

function attemptsOf(view: TopologyView): readonly Attempts[] {
  const addresses = [...new Set(ownDials(view).map(({ address }) => address))];
  return addresses.map((address) => {
    const dials = ownDials(view).filter((dial) => dial.address === address);
    let count = 0;
    const failures = dials.map((dial) => {
      const session = sessionOf(view, dial);
      if (session !== undefined) {
        if (session.end === undefined) return undefined;
        count = session.end.atMs - session.up.atMs < view.number('newcomer_ms') ? count + 1 : 1;
        return { atMs: session.end.atMs, count };
      }
      count += 1;
      return { atMs: dial.end?.atMs ?? dial.atMs + view.number('dial_timeout_ms'), count };
    });
    return { address, dials, failures };
  });
}

function sessionOf(view: TopologyView, dial: TopologyDial): TopologySession | undefined {
  const { end } = dial;
  if (end?.isOpen !== true) return undefined;
  const up = view.trace.events[end.event];
  return up?.type === 'linkUp' ? view.sessions.find(({ link }) => link === up.link) : undefined;
}

/** Nobody is dialled again before the shortest pause after the failure is over. Spec: TOP-051. */
export const backsOff: TopologyRule = {
  clauses: ['TOP-051'],
  judge: (view) => {
    const findings: Finding[] = [];
    let exercised = false;
    for (const { address, dials, failures } of attemptsOf(view)) {
      dials.forEach((dial, index) => {
        const failure = failures[index - 1];
        if (index === 0 || failure === undefined) return;
        exercised = true;
        const leastMs = Number(backoffBounds(BigInt(failure.count), view.trace.parameters).leastMs);
        if (dial.atMs - failure.atMs >= leastMs) return;
        findings.push({
          clause: 'TOP-051',
          expected: `at least ${leastMs} ms before ${address} is dialled again: it has failed ${failure.count} times`,
          observed: `${dial.atMs - failure.atMs} ms`,
          at: dial.event,
        });
      });
    }
    return { findings, exercised };
  },
};

/** A candidate that is wanted is tried again when the longest pause is over, as long as it is not given up. Spec: TOP-040. */
export const triesAgain: TopologyRule = {
  clauses: ['TOP-040'],
  judge: (view) => {
    const findings: Finding[] = [];
    let exercised = false;
    for (const { address, dials, failures } of attemptsOf(view)) {
      dials.forEach((dial, index) => {
        const failure = failures[index];
        if (failure === undefined || failure.count >= view.number('reconnect_attempts_max')) return;
        const most = Number(backoffBounds(BigInt(failure.count), view.trace.parameters).greatestMs) + 2 * view.number('round_ms');
        const next = dials[index + 1];
        if (failure.atMs + most > view.trace.endMs) return;
        exercised = true;
        if (next !== undefined && next.atMs <= failure.atMs + most) return;
        findings.push({
          clause: 'TOP-040',
          expected: `${address} is dialled again within ${most} ms of its failure number ${failure.count}`,
          observed: next === undefined ? 'it was not' : `after ${next.atMs - failure.atMs} ms`,
          at: dial.event,
        });
      });
    }
    return { findings, exercised };
  },
};

/** Who fails again and again is left alone. Spec: TOP-053. */
export const givesUp: TopologyRule = {
  clauses: ['TOP-053'],
  judge: (view) => {
    const findings: Finding[] = [];
    let exercised = false;
    const most = view.number('reconnect_attempts_max');
    const peers = peersAt(view);
    for (const { address, dials, failures } of attemptsOf(view)) {
      const last = failures.findIndex((failure) => failure !== undefined && failure.count >= most);
      const peer = peers.get(address);
      if (last === -1 || peer === undefined || view.isProtected(peer, dials[last]?.event ?? 0)) continue;
      exercised = true;
      const later = dials[last + 1];
      if (later === undefined) continue;
      findings.push({
        clause: 'TOP-053',
        expected: `${address} is given up after ${most} failures`,
        observed: 'it is dialled again',
        at: later.event,
      });
    }
    return { findings, exercised };
  },
};

/** The sessions that a node looks for stand at the end of the plan, as far as candidates take dials. Spec: TOP-040. */
export function fills(within: { readonly candidates: number }): TopologyRule {
  return {
    clauses: ['TOP-040'],
    judge: (view) => {
      const findings: Finding[] = [];
      const end = view.trace.events.length;
      const standing = view.standing(end);
      const outbound = standing.filter(({ direction }) => direction === 'out').length;
      const inbound = standing.length - outbound;
      const wanted = Math.min(within.candidates, Math.max(view.number('outbound_min'), view.number('connections_target') - inbound));
      if (outbound < wanted) {
        findings.push({ clause: 'TOP-040', expected: `${wanted} outbound sessions`, observed: `${outbound}`, at: end - 1 });
      }
      return { findings, exercised: ownDials(view).length > 0 || findings.length > 0 };
    },
  };
}

/** A protected peer is dialled soon, however many sessions there are. Spec: TOP-044. */
export const dialsProtected: TopologyRule = {
  clauses: ['TOP-044'],
  judge: (view) => {
    const findings: Finding[] = [];
    let exercised = false;
    for (const command of view.commands) {
      const [address] = command.addresses;
      const dueMs = command.atMs + 2 * view.number('round_ms');
      if (command.name !== 'protect' || address === undefined || dueMs > view.trace.endMs) continue;
      if (view.standing(command.event).some(({ peerId }) => peerId === command.peerId)) continue;
      exercised = true;
      if (view.dials.some((dial) => dial.address === address && dial.event > command.event && dial.atMs <= dueMs)) continue;
      findings.push({
        clause: 'TOP-044',
        expected: `a dial to ${address} within ${2 * view.number('round_ms')} ms`,
        observed: 'none',
        at: command.event,
      });
    }
    return { findings, exercised };
  },
};

/** Candidates of a region that is short come first, while no round trip speaks for or against anybody. Spec: TOP-046. */
export function regionFirst(region: string): TopologyRule {
  return {
    clauses: ['TOP-046'],
    judge: (view) => {
      const findings: Finding[] = [];
      const claims = new Map<string, string>();
      for (const event of view.trace.events) {
        if (event.type !== 'step' || event.value.op !== 'command' || event.value.command !== 'topology.candidate') continue;
        const [, address, claim] = event.value.args as readonly { readonly utf8?: string }[];
        claims.set(address?.utf8 ?? '', claim?.utf8 ?? '');
      }
      const short = [...claims].filter(([, claim]) => claim === region).map(([address]) => address);
      const lastShort = Math.max(
        ...short.map((address) => ownDials(view).find((dial) => dial.address === address)?.event ?? Number.POSITIVE_INFINITY),
      );
      const firstOther = ownDials(view).find(({ address }) => !short.includes(address));
      if (firstOther !== undefined && firstOther.event < lastShort) {
        findings.push({
          clause: 'TOP-046',
          expected: `the candidates of ${region} are dialled first`,
          observed: `${firstOther.address} is`,
          at: firstOther.event,
        });
      }
      return { findings, exercised: ownDials(view).length > 0 && short.length > 0 };
    },
  };
}

/** Who has answered is dialled again although others were heard of since. Spec: TOP-045. */
export const remembersWhoAnswered: TopologyRule = {
  clauses: ['TOP-045'],
  judge: (view) => {
    const findings: Finding[] = [];
    let exercised = false;
    for (const session of view.sessions) {
      if (session.direction !== 'out' || session.end?.by !== 'kit') continue;
      const [first] = ownDials(view).filter((dial) => sessionOf(view, dial) === session);
      if (first === undefined) continue;
      const heard = view.commands.filter(({ name, event }) => name === 'candidate' && event > first.event).length;
      if (heard < view.number('candidates_max')) continue;
      exercised = true;
      const { event } = session.end;
      if (ownDials(view).some((dial) => dial.address === first.address && dial.event > event)) continue;
      findings.push({
        clause: 'TOP-045',
        expected: `${first.address}, which has answered, is dialled again`,
        observed: 'it was forgotten',
        at: event,
      });
    }
    return { findings, exercised };
  },
};

/** Who came by itself, stayed for a moment and left is not fetched back. Spec: TOP-052. */
export const fetchesNobodyBack: TopologyRule = {
  clauses: ['TOP-052'],
  judge: (view) => {
    const findings: Finding[] = [];
    let exercised = false;
    for (const session of view.sessions) {
      if (session.direction !== 'in' || session.end?.by !== 'kit') continue;
      // Below a tenth of a newcomer's time no score is above 100,000.
      const isPoor =
        (session.end.atMs - session.up.atMs) * 10 <= view.number('newcomer_ms') && view.number('reconnect_score_min') > 100_000;
      const addresses = [...peersAt(view)].filter(([, peer]) => peer === session.peerId).map(([address]) => address);
      if (!isPoor || addresses.length === 0 || view.isProtected(session.peerId, session.end.event)) continue;
      const { event, atMs } = session.end;
      exercised ||= atMs + 10 * view.number('round_ms') <= view.trace.endMs;
      const dial = ownDials(view).find((one) => one.event > event && addresses.includes(one.address));
      if (dial === undefined) continue;
      findings.push({
        clause: 'TOP-052',
        expected: `${session.label} is not fetched back`,
        observed: `a dial to ${dial.address}`,
        at: dial.event,
      });
    }
    return { findings, exercised };
  },
};
