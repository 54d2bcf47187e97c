/** Routes through the node, to it and from it. Spec: OVL-040 to OVL-059. */
import { bigIn, envelopeIn, envelopesIn, listIn, messageIn, numberIn, seenMessage, textIn, textsIn } from '../driver/seen.ts';
import type { SeenEnvelope } from '../driver/trace.ts';
import { hex, unhex, utf8 } from '../model/bytes.ts';
import { judgeRoute, nextHop } from '../model/overlay.ts';
import type { Finding } from '../runner/check.ts';
import { attachmentTurns, turnAt } from './overlay-attachments.ts';
import { nodeRole, type OverlaySpan, type OverlayView, ROLES, type Said } from './overlay-view.ts';
import type { Rule } from './rule.ts';

/** A Route that reached the node, with what the node had to make of it. */
export interface RouteArrival {
  readonly said: Said;
  readonly target: string;
  readonly hops: number;
  readonly envelope: SeenEnvelope;
  readonly verdict: 'accept' | 'ignore' | 'reject';
  readonly code: string;
  readonly clause: string;
}

/** Every Route that the kit sent, judged by the model with what the node had to remember. */
export function routeArrivals(view: OverlayView): readonly RouteArrival[] {
  const ttlMs = view.number('gossip.seen_ttl_ms');
  const taken = new Map<string, number>();
  const arrivals: RouteArrival[] = [];
  const crashes = view.trace.events.flatMap((event, index) => (event.type === 'crashed' ? [index] : []));
  for (const said of view.said.filter(({ name }) => name === 'Route')) {
    const envelope = envelopeIn(said.fields, 'envelope');
    if (crashes.some((index) => index < said.event && index > (arrivals.at(-1)?.said.event ?? -1))) taken.clear();
    if (envelope === undefined) continue;
    if (said.by === 'node') {
      if (envelope.id !== undefined) taken.set(envelope.id, said.atMs);
      continue;
    }
    const [target, hops] = [textIn(said.fields, 'target'), numberIn(said.fields, 'hops')];
    const wallMs = BigInt(Math.round(view.trace.wallStartMs + said.atMs));
    const alone = judgeRoute(utf8(view.trace.networkId), wallMs, BigInt(hops), unhex(target), unhex(envelope.bytes));
    const before = envelope.id === undefined ? undefined : taken.get(envelope.id);
    const isEarly = ['OVL-040', 'OVL-041', 'OVL-042', 'OVL-043'].includes(alone.clause);
    const base = { said, target, hops, envelope };
    if (!isEarly && before !== undefined && said.atMs - before <= ttlMs) {
      arrivals.push({ ...base, verdict: 'ignore', code: 'E_DUPLICATE', clause: 'OVL-044' });
    } else if (alone.verdict !== 'accept') {
      arrivals.push({ ...base, verdict: alone.verdict, code: alone.code, clause: alone.clause });
    } else if (envelope.origin === view.trace.nodePeerId) {
      arrivals.push({ ...base, verdict: 'ignore', code: 'E_DUPLICATE', clause: 'OVL-047' });
    } else {
      if (envelope.id !== undefined) taken.set(envelope.id, said.atMs);
      arrivals.push({ ...base, verdict: 'accept', code: '', clause: '' });
    }
  }
  return arrivals;
}

/** Overlay sessions that are open around a moment. */
function openAround(view: OverlayView, event: number, untilMs: number): readonly OverlaySpan[] | undefined {
  const near = view.spans.filter((span) => span.overlay && span.fromEvent < event && span.toEvent > event);
  // A session that ends meanwhile leaves the choice open.
  return near.every((span) => span.toMs > untilMs) ? near : undefined;
}

function hopFrom(
  view: OverlayView,
  target: string,
  event: number,
  sessions: readonly OverlaySpan[],
  from: string | undefined,
): string | undefined {
  const role = nodeRole(view, event);
  const isLeaf = role === ROLES.leaf || role === ROLES.candidate;
  const attached = [...(turnAt(attachmentTurns(view), event)?.attachments ?? [])]
    .filter(([, state]) => state === 'attached')
    .map(([link]) => link);
  const hop = nextHop({
    own: unhex(view.trace.nodePeerId),
    target: unhex(target),
    via: claimsOf(view, target, event).via.map(unhex),
    supernodes: isLeaf ? sessions.filter(({ link }) => attached.includes(link)).map(({ peerId }) => unhex(peerId)) : [],
    from: from === undefined ? undefined : unhex(from),
    sessions: sessions.map(({ peerId }) => unhex(peerId)),
  });
  return hop === undefined ? undefined : hex(hop);
}

/** Each Route is passed on exactly as the rules say, or not at all (OVL-040 to OVL-053). */
export const routesGoOn: Rule<OverlayView> = {
  clauses: [
    'OVL-040',
    'OVL-041',
    'OVL-042',
    'OVL-043',
    'OVL-044',
    'OVL-045',
    'OVL-046',
    'OVL-047',
    'OVL-049',
    'OVL-050',
    'OVL-051',
    'OVL-052',
    'OVL-053',
  ],
  judge(view) {
    const findings: Finding[] = [];
    const withinMs = view.number('gossip.forward_ms_max') + view.slackMs;
    const arrivals = routeArrivals(view);
    const sent = view.by('node', 'Route');
    const explained = new Set<number>();
    for (const arrival of arrivals) {
      const { said, target, hops, envelope } = arrival;
      const untilMs = said.atMs + withinMs;
      const passed = sent.filter(
        (one) => one.event > said.event && envelopeIn(one.fields, 'envelope')?.hash === envelope.hash && !explained.has(one.event),
      );
      if (arrival.verdict !== 'accept') {
        // A copy that came before in order is what was passed on.
        const isOwed = arrivals.some(
          (other) => other.verdict === 'accept' && other.envelope.hash === envelope.hash && other.said.event < said.event,
        );
        const early = passed.find((one) => one.atMs <= untilMs);
        if (early !== undefined && !isOwed) {
          explained.add(early.event);
          findings.push({
            clause: arrival.clause,
            expected: `the Route on link ${said.link} goes no further (${arrival.code})`,
            observed: `it was sent on link ${early.link}`,
            at: early.event,
          });
        }
        continue;
      }
      const from = view.spanAt(said.link, said.event)?.peerId;
      const first = passed[0];
      for (const extra of passed.slice(1)) {
        explained.add(extra.event);
        findings.push({
          clause: 'OVL-052',
          expected: 'one Route is sent once',
          observed: `it was sent on link ${passed.map(({ link }) => link).join(', ')}`,
          at: extra.event,
        });
      }
      if (first !== undefined) explained.add(first.event);
      if (target === view.trace.nodePeerId) {
        if (first !== undefined)
          findings.push({
            clause: 'OVL-049',
            expected: 'a Route for the node goes no further',
            observed: `it was sent on link ${first.link}`,
            at: first.event,
          });
        continue;
      }
      if (hops >= view.number('overlay.route_hops_max')) {
        if (first !== undefined)
          findings.push({
            clause: 'OVL-053',
            expected: `a Route with ${hops} hops goes no further`,
            observed: `it was sent on link ${first.link}`,
            at: first.event,
          });
        continue;
      }
      const sessions = openAround(view, said.event, untilMs);
      if (sessions === undefined || untilMs > view.trace.endMs) continue;
      const hop = hopFrom(view, target, said.event, sessions, from);
      const link = sessions.find(({ peerId }) => peerId === hop)?.link;
      if (link === undefined) {
        if (first !== undefined)
          findings.push({
            clause: 'OVL-051',
            expected: `the Route on link ${said.link} has no next hop`,
            observed: `it was sent on link ${first.link}`,
            at: first.event,
          });
        continue;
      }
      if (first === undefined || first.atMs > untilMs) {
        findings.push({
          clause: 'OVL-050',
          expected: `the Route on link ${said.link} goes on on link ${link} by ${untilMs} ms`,
          observed: 'it did not',
          at: said.event,
        });
        continue;
      }
      if (first.link !== link) {
        findings.push({
          clause: 'OVL-051',
          expected: `the Route on link ${said.link} goes on on link ${link}`,
          observed: `it went on on link ${first.link}`,
          at: first.event,
        });
      }
      if (numberIn(first.fields, 'hops') !== hops + 1) {
        findings.push({
          clause: 'OVL-053',
          expected: `the Route goes on with ${hops + 1} hops`,
          observed: `it has ${numberIn(first.fields, 'hops')}`,
          at: first.event,
        });
      }
    }
    return { findings, exercised: arrivals.length > 0 };
  },
};

/** What the application hears is what came for it in order, once (OVL-048). */
export const routesAreDelivered: Rule<OverlayView> = {
  clauses: ['OVL-040', 'OVL-041', 'OVL-042', 'OVL-043', 'OVL-044', 'OVL-045', 'OVL-046', 'OVL-047', 'OVL-048'],
  judge(view) {
    const findings: Finding[] = [];
    const arrivals = routeArrivals(view).filter(({ target }) => target === view.trace.nodePeerId);
    const heard = view.received.map((notice) => ({ ...notice, used: false }));
    for (const arrival of arrivals.filter(({ verdict }) => verdict === 'accept')) {
      const { said, envelope } = arrival;
      const fields = envelope.payload?.fields;
      if (fields === undefined || said.atMs + view.number('session.reaction_ms_max') > view.trace.endMs) continue;
      const topic = hex(utf8(textIn(fields, 'topic')));
      const notice = heard.find(
        (one) =>
          !one.used &&
          one.event > said.event &&
          one.values[0] === envelope.origin &&
          one.values[1] === topic &&
          one.values[2] === textIn(fields, 'data'),
      );
      if (notice !== undefined) notice.used = true;
      else
        findings.push({
          clause: 'OVL-048',
          expected: `what link ${said.link} brought is delivered`,
          observed: 'it was not',
          at: said.event,
        });
    }
    for (const extra of heard.filter(({ used }) => !used)) {
      const cause = arrivals.findLast(
        ({ said, envelope, verdict }) => said.event < extra.event && envelope.origin === extra.values[0] && verdict !== 'accept',
      );
      findings.push({
        clause: cause?.clause ?? 'OVL-048',
        expected: 'only what came for the node in order is delivered, once',
        observed: `delivered at ${extra.atMs} ms`,
        at: extra.event,
      });
    }
    return { findings, exercised: arrivals.length > 0 };
  },
};

/** Verdicts as the node reports them, where it does. */
export const routeVerdicts: Rule<OverlayView> = {
  clauses: ['OVL-040', 'OVL-041', 'OVL-042', 'OVL-043', 'OVL-044', 'OVL-045', 'OVL-046', 'OVL-047'],
  judge(view) {
    const findings: Finding[] = [];
    const arrivals = routeArrivals(view);
    if (!view.trace.observes.verdict) return { findings, exercised: arrivals.length > 0 };
    for (const { said, envelope, verdict, code, clause } of arrivals) {
      const seen = view.trace.events.find(
        (event, index) =>
          index > said.event && event.type === 'verdict' && event.link === said.link && event.envelopeHash === envelope.hash,
      );
      if (seen?.type !== 'verdict' || clause === '') continue;
      if (seen.verdict === verdict && (seen.code === '' || seen.code === code)) continue;
      findings.push({ clause, expected: `${verdict} with ${code}`, observed: `${seen.verdict} with ${seen.code}`, at: said.event });
    }
    return { findings, exercised: arrivals.length > 0 };
  },
};

/** A peer whose Routes are rejected loses its session as for any rejected envelope (OVL-055). */
export const rejectedRoutesCost: Rule<OverlayView> = {
  clauses: ['OVL-055'],
  judge(view) {
    const findings: Finding[] = [];
    const arrivals = routeArrivals(view);
    let exercised = false;
    const links = new Set(arrivals.map(({ said }) => said.link));
    for (const link of links) {
      const rejected = arrivals.filter((one) => one.said.link === link && one.verdict === 'reject');
      // I² is above 100 from the eleventh on.
      const straw = rejected[Math.floor(Math.sqrt(-view.number('score.graylist_min')))];
      const span = straw === undefined ? undefined : view.spanAt(link, straw.said.event);
      if (straw !== undefined && straw.said.atMs - (rejected[0]?.said.atMs ?? 0) < view.number('score.decay_interval_ms')) {
        exercised = true;
        const untilMs = straw.said.atMs + view.number('session.reaction_ms_max') + view.slackMs;
        if (span?.closedBy === 'node' && span.toMs <= untilMs) continue;
        if (span?.closedBy === 'kit' || untilMs > view.trace.endMs) continue;
        findings.push({
          clause: 'OVL-055',
          expected: `link ${link} is closed after ${rejected.length} rejected Routes`,
          observed: 'it is open',
          at: straw.said.event,
        });
      }
    }
    return { findings, exercised };
  },
};

/** A peer whose Routes are ignored and never rejected loses nothing by them (OVL-055). */
export const ignoredRoutesAreFree: Rule<OverlayView> = {
  clauses: ['OVL-055'],
  judge(view) {
    const arrivals = routeArrivals(view);
    const links = [...new Set(arrivals.map(({ said }) => said.link))].filter((link) => {
      const here = arrivals.filter(({ said }) => said.link === link);
      return here.every(({ verdict }) => verdict !== 'reject') && here.filter(({ verdict }) => verdict === 'ignore').length > 10;
    });
    const findings = view.spans
      .filter(({ link, closedBy }) => links.includes(link) && closedBy === 'node')
      .map(
        ({ link, fromEvent }): Finding => ({
          clause: 'OVL-055',
          expected: `link ${link}, whose Routes are only ignored, stays`,
          observed: 'the node closed it',
          at: fromEvent,
        }),
      );
    return { findings, exercised: links.length > 0 };
  },
};

/** A session with the target that comes before a message has waited its time gets the message (OVL-058). */
export const waitsForAWay: Rule<OverlayView> = {
  clauses: ['OVL-058'],
  judge(view) {
    const findings: Finding[] = [];
    let exercised = false;
    const withinMs = view.number('session.reaction_ms_max') + view.slackMs;
    view.trace.events.forEach((event, index) => {
      if (event.type !== 'sentCommand' || event.command !== 'overlay.send') return;
      const [to = '', , data = ''] = event.args;
      const span = view.spans.find((one) => one.peerId === to && one.overlay && one.fromEvent > index);
      if (span === undefined || span.fromMs + view.slackMs >= event.atMs + view.number('overlay.send_timeout_ms')) return;
      if (span.fromMs + withinMs > Math.min(span.toMs, view.trace.endMs)) return;
      exercised = true;
      const isSent = view.by('node', 'Route').some((one) => {
        const payload = envelopeIn(one.fields, 'envelope')?.payload?.fields;
        return one.link === span.link && payload !== undefined && textIn(payload, 'data') === data;
      });
      if (isSent) return;
      findings.push({
        clause: 'OVL-058',
        expected: `the message waits ${view.number('overlay.send_timeout_ms')} ms, and goes out on link ${span.link}`,
        observed: 'it was not sent',
        at: span.fromEvent,
      });
    });
    return { findings, exercised };
  },
};

/** What the application sends leaves as it should, or is refused in time (OVL-053, OVL-056 to OVL-059). */
export const sendsLeave: Rule<OverlayView> = {
  clauses: ['OVL-051', 'OVL-053', 'OVL-056', 'OVL-057', 'OVL-058'],
  judge(view) {
    const findings: Finding[] = [];
    let exercised = false;
    const own = view.by('node', 'Route').filter((one) => envelopeIn(one.fields, 'envelope')?.origin === view.trace.nodePeerId);
    const ids = new Set(own.map((one) => envelopeIn(one.fields, 'envelope')?.id));
    const sends = view.trace.events.flatMap((event, index) =>
      event.type === 'sentCommand' && event.command === 'overlay.send' ? [{ event, index }] : [],
    );
    for (const { event, index } of sends) {
      const [to = '', topic = '', data = ''] = event.args;
      const outcome = view.trace.events.find((other, at) => at >= index && other.type === 'outcome' && other.label === event.label);
      const withinMs = view.number('session.reaction_ms_max') + view.slackMs;
      const sessions = openAround(view, index, event.atMs + withinMs);
      const hop = sessions === undefined ? undefined : hopFrom(view, to, index, sessions, undefined);
      const matching = own.filter((one) => {
        const payload = envelopeIn(one.fields, 'envelope')?.payload?.fields;
        return (
          one.event > index &&
          payload !== undefined &&
          textIn(payload, 'recipient') === to &&
          textIn(payload, 'data') === data &&
          hex(utf8(textIn(payload, 'topic'))) === topic
        );
      });
      if (hop !== undefined && sessions !== undefined && to !== view.trace.nodePeerId) {
        exercised = true;
        const link = sessions.find(({ peerId }) => peerId === hop)?.link;
        const first = matching.find((one) => one.atMs <= event.atMs + withinMs);
        if (first === undefined) {
          findings.push({
            clause: 'OVL-056',
            expected: `a Route with the data for ${to.slice(0, 8)} on link ${link}`,
            observed: 'none was sent',
            at: index,
          });
          continue;
        }
        const envelope = envelopeIn(first.fields, 'envelope');
        const created = bigIn(envelope?.payload?.fields ?? {}, 'createdMs');
        const wallMs = BigInt(Math.round(view.trace.wallStartMs + event.atMs));
        if (view.slackMs === 0 && created !== wallMs)
          findings.push({ clause: 'OVL-056', expected: `created_ms ${wallMs}`, observed: `${created}`, at: first.event });
        if (textIn(first.fields, 'target') !== to)
          findings.push({ clause: 'OVL-056', expected: 'the target is the recipient', observed: 'it is not', at: first.event });
        if (numberIn(first.fields, 'hops') !== 0)
          findings.push({
            clause: 'OVL-053',
            expected: 'hops 0 for an own message',
            observed: `${numberIn(first.fields, 'hops')}`,
            at: first.event,
          });
        if (first.link !== link)
          findings.push({ clause: 'OVL-051', expected: `link ${link}`, observed: `link ${first.link}`, at: first.event });
        continue;
      }
      const dueMs = event.atMs + view.number('overlay.send_timeout_ms') + withinMs;
      const cameLater = view.spans.some((span) => span.overlay && span.fromEvent > index && span.fromMs <= dueMs);
      if (sessions === undefined || cameLater || dueMs > view.trace.endMs || to === view.trace.nodePeerId) continue;
      exercised = true;
      if (outcome?.type === 'outcome' && outcome.atMs <= dueMs && outcome.error !== '') continue;
      findings.push({
        clause: 'OVL-058',
        expected: `E_NO_ROUTE by ${dueMs} ms`,
        observed: outcome === undefined ? 'no outcome' : 'another outcome',
        at: index,
      });
    }
    const sentOnce = new Map<string, number>();
    for (const one of own) {
      const id = envelopeIn(one.fields, 'envelope')?.id ?? '';
      sentOnce.set(id, (sentOnce.get(id) ?? 0) + 1);
    }
    const leaving = sends.filter(({ event }) => event.args[0] !== view.trace.nodePeerId).length;
    if (own.length > ids.size && own.length <= leaving) {
      findings.push({ clause: 'OVL-057', expected: `${own.length} messages have ${own.length} ids`, observed: `they have ${ids.size}` });
    }
    return { findings, exercised };
  },
};

/** Addresses and supernodes that a peer's newest contact record named before an event, as the kit's records say. */
export function claimsOf(view: OverlayView, peer: string, event: number): { readonly addresses: number; readonly via: readonly string[] } {
  let claims: { addresses: number; via: readonly string[] } = { addresses: 0, via: [] };
  view.trace.events.slice(0, event).forEach((one) => {
    const fields = one.type === 'sentFrame' ? seenMessage(one.frame, 'RecordPush') : undefined;
    for (const record of fields === undefined ? [] : envelopesIn(fields, 'records')) {
      const contact = record.payload === undefined ? undefined : messageIn(record.payload.fields, 'contact');
      if (contact === undefined || record.origin !== peer) continue;
      claims = { addresses: listIn(contact, 'addresses').length, via: textsIn(contact, 'via') };
    }
  });
  return claims;
}

/** A target without a way is dialled, and sent the message when its session is there (OVL-059). */
export const targetsAreDialled: Rule<OverlayView> = {
  clauses: ['OVL-059'],
  judge(view) {
    const findings: Finding[] = [];
    let exercised = false;
    const withinMs = view.number('session.reaction_ms_max') + view.slackMs;
    view.trace.events.forEach((event, index) => {
      if (event.type !== 'sentCommand' || event.command !== 'overlay.send') return;
      const [to = '', , data = ''] = event.args;
      const untilMs = event.atMs + withinMs;
      const sessions = openAround(view, index, untilMs);
      if (sessions === undefined || untilMs > view.trace.endMs || claimsOf(view, to, index).addresses === 0) return;
      if (hopFrom(view, to, index, sessions, undefined) !== undefined) return;
      exercised = true;
      if (!view.dials.some((dial) => dial.event > index && dial.atMs <= untilMs)) {
        findings.push({ clause: 'OVL-059', expected: `a dial to ${to.slice(0, 8)} by ${untilMs} ms`, observed: 'none', at: index });
        return;
      }
      const span = view.spans.find((one) => one.peerId === to && one.overlay && one.fromEvent > index);
      const dueMs = (span?.fromMs ?? Number.POSITIVE_INFINITY) + withinMs;
      if (span === undefined || span.toMs <= dueMs || span.fromMs >= event.atMs + view.number('overlay.send_timeout_ms')) return;
      const sent = view.by('node', 'Route').some((one) => {
        const payload = envelopeIn(one.fields, 'envelope')?.payload?.fields;
        return one.event > span.fromEvent && one.atMs <= dueMs && payload !== undefined && textIn(payload, 'data') === data;
      });
      if (sent || dueMs > view.trace.endMs) return;
      findings.push({
        clause: 'OVL-059',
        expected: `the message on link ${span.link} by ${dueMs} ms`,
        observed: 'it was not sent',
        at: span.fromEvent,
      });
    });
    return { findings, exercised };
  },
};
