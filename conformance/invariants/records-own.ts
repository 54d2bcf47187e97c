/** What the node says of itself: in form, in order, in time, and not at all while it is superseded. Spec: REC-031, REC-040 to REC-052 */

import type { SeenFields } from '../driver/trace.ts';
import { unhex, utf8 } from '../model/bytes.ts';
import { judgeRecord, type RecordRead } from '../model/records.ts';
import type { Finding } from '../runner/check.ts';
import { labelKey } from './records-table.ts';
import type { RecordArrival, RecordDeparture, RecordsView } from './records-view.ts';
import type { Rule } from './rule.ts';

/** A record that the node made, where it was seen first. */
interface Made extends RecordDeparture {
  readonly record: RecordRead;
}

/** The node's own records by the first time that each was pushed; those that the kit signed with its key are not among them. */
export function madeRecords(view: RecordsView): readonly Made[] {
  const seen = new Set<string>();
  return view.departures.filter((departure): departure is Made => {
    const id = departure.envelope.id ?? '';
    const isForeign = view.arrivals.some((arrival) => arrival.envelope.id === id);
    if (departure.envelope.origin !== view.node || departure.record === undefined || isForeign || seen.has(id)) return false;
    seen.add(id);
    return true;
  });
}

/** When the running process began, as the trace knows. */
function startMs(view: RecordsView, atMs: number): number {
  const restarts = view.trace.events.filter((event) => event.type === 'restarted' && event.atMs <= atMs);
  return restarts.at(-1)?.atMs ?? 0;
}

/** Whether the process that made the one is not the one that made the other. */
function isRestartBetween(view: RecordsView, one: Made, other: Made): boolean {
  const [first, last] = [Math.min(one.event, other.event), Math.max(one.event, other.event)];
  return view.trace.events.slice(first, last).some((event) => event.type === 'restarted');
}

/** The records by which the node is superseded, in the order in which they came. */
export function winners(view: RecordsView): readonly RecordArrival[] {
  return view.arrivals.filter(({ verdict, envelope }) => verdict === 'accept' && envelope.origin === view.node);
}

/** Every record of the node is in order and ordered. */
export const ownInOrder: Rule<RecordsView> = {
  clauses: ['REC-040', 'REC-042', 'REC-044', 'REC-047', 'REC-049'],
  judge(view) {
    const made = madeRecords(view);
    const findings: Finding[] = [];
    const find = (clause: string, { event }: Made, expected: string, observed: string): void => {
      findings.push({ clause, expected, observed, at: event });
    };
    const bounds = {
      recordBytesMax: view.number('records.record_bytes_max'),
      pushWindowMs: 2n ** 62n,
      stakedTtlMs: 2n ** 62n,
      unstakedTtlMs: 2n ** 62n,
    };
    const slack = BigInt(view.slackMs);
    for (const one of made) {
      const { record, atMs } = one;
      const wallMs = view.table.wallMs(atMs);
      const alone = judgeRecord(
        utf8(view.trace.networkId),
        record.wallclockMs,
        { isPushed: false, hasStake: true },
        unhex(one.envelope.bytes),
        bounds,
      );
      if (alone.verdict !== 'accept') find('REC-040', one, 'the node signs records that are in order', `${alone.clause} refuses one`);
      if (record.wallclockMs > wallMs + slack) find('REC-042', one, 'wallclock_ms is the wall clock', 'it is ahead');
      const sinceMs = startMs(view, atMs);
      const startWall = view.table.wallMs(sinceMs);
      // At level wire nobody has told when the node started.
      const isStartKnown = view.trace.level === 'adapter';
      if (isStartKnown && record.wallclockMs < startWall - slack)
        find('REC-042', one, 'wallclock_ms is the wall clock', 'it is before the start');
      const isResumed = winners(view).some((winner) => winner.event < one.event);
      const instanceFits = record.instance >= startWall - slack && (isResumed || record.instance <= startWall + slack);
      if (isStartKnown && !instanceFits)
        find('REC-042', one, 'instance is the wall clock at the start', `it is ${record.instance - startWall} ms off`);
      // On links that were open when it was made a record shows at once: there its wall clock can be told.
      const wasOpen = view.spans.some(
        (span) => span.link === one.link && span.records && span.fromMs + view.number('session.reaction_ms_max') < atMs,
      );
      const late = wallMs - record.wallclockMs > BigInt(view.number('records.forward_ms_max')) + slack;
      if (wasOpen && late) find('REC-042', one, 'wallclock_ms is the wall clock when the record was made', 'it is older');
    }
    for (const one of made) {
      for (const other of made) {
        if (one === other || one.record.instance !== other.record.instance) continue;
        if (one.record.sequence === other.record.sequence) {
          if (made.indexOf(one) < made.indexOf(other))
            find('REC-047', other, 'one instance and sequence stand for one record', 'two records share them');
          continue;
        }
        // What follows holds within one process.
        if (isRestartBetween(view, one, other)) continue;
        if (one.record.wallclockMs < other.record.wallclockMs && one.record.sequence > other.record.sequence) {
          find('REC-044', other, 'sequences rise', 'a later record has a smaller one');
        }
        const gap = other.record.wallclockMs - one.record.wallclockMs;
        const isFirst = !made.some(
          (first) =>
            first.record.instance === one.record.instance && labelKey(first.record) === labelKey(one.record) && first.event < one.event,
        );
        if (
          labelKey(one.record) === labelKey(other.record) &&
          gap >= 0n &&
          one.event < other.event &&
          !isFirst &&
          gap < BigInt(view.number('records.update_ms_min'))
        ) {
          find('REC-049', other, `a label pauses for ${view.number('records.update_ms_min')} ms`, `two records came ${gap} ms apart`);
        }
      }
    }
    return { findings, exercised: made.length > 0 };
  },
};

/** The contact record comes with the session, and says what the hello says. */
export const introducesItself: Rule<RecordsView> = {
  clauses: ['REC-001', 'REC-041', 'REC-043'],
  judge(view) {
    const findings: Finding[] = [];
    let exercised = false;
    const withinMs = view.number('session.reaction_ms_max') + view.slackMs;
    for (const span of view.spans) {
      if (span.offered !== undefined && !span.offered.includes('records/1')) {
        findings.push({ clause: 'REC-001', expected: 'the node offers records/1', observed: span.offered.join(' '), at: span.fromEvent });
      }
      if (!span.records || span.toMs <= span.fromMs + withinMs || view.trace.endMs <= span.fromMs + withinMs) continue;
      if (winners(view).some(({ atMs }) => atMs <= span.fromMs + withinMs)) continue;
      exercised = true;
      const contact = view.departures.find(
        ({ link, event, envelope, record }) =>
          link === span.link && event > span.fromEvent && envelope.origin === view.node && record?.kind === 1,
      );
      if (contact === undefined || contact.atMs > span.fromMs + withinMs) {
        findings.push({
          clause: 'REC-043',
          expected: `the contact record within ${withinMs} ms of the session`,
          observed: contact === undefined ? 'none came' : `it came after ${contact.atMs - span.fromMs} ms`,
          at: span.fromEvent,
        });
        continue;
      }
      const said = contact.record?.fields['contact'] as SeenFields | undefined;
      const wrong =
        said === undefined ? 'nothing' : contactFault(view, said, span.capabilities, span.offered, contact.envelope.bytes.length / 2);
      if (wrong !== undefined)
        findings.push({ clause: 'REC-041', expected: 'the contact record says what the hello says', observed: wrong, at: contact.event });
    }
    return { findings, exercised };
  },
};

function contactFault(
  view: RecordsView,
  said: SeenFields,
  shared: readonly string[],
  offered: readonly string[] | undefined,
  /** Of the whole envelope. */
  bytes: number,
): string | undefined {
  const capabilities = said['capabilities'] as readonly string[];
  if (offered !== undefined && capabilities.join(' ') !== offered.join(' ')) return `capabilities ${capabilities.join(' ')}`;
  const missing = shared.find((capability) => !capabilities.includes(capability));
  if (missing !== undefined) return `no capability ${missing}`;
  const { setup } = view.trace;
  if (setup?.roles !== undefined && said['roles'] !== setup.roles) return `roles ${String(said['roles'])}`;
  if (setup?.listenAddresses === undefined) return undefined;
  const addresses = (said['addresses'] as readonly SeenFields[]).map((address) => {
    const host = address['dns'] === undefined ? [...unhex(String(address['ip4'] ?? ''))].join('.') : String(address['dns']);
    return `ws://${host}:${String(address['port'])}`;
  });
  if (addresses.join(' ') === setup.listenAddresses.join(' ')) return undefined;
  // What makes the record too long is left out from the end, and nothing else.
  const next = setup.listenAddresses[addresses.length];
  const isCut = addresses.every((address, index) => address === setup.listenAddresses?.[index]);
  const isNeeded = next !== undefined && bytes + next.length > view.number('records.record_bytes_max');
  return isCut && isNeeded ? undefined : `addresses ${addresses.join(' ')}`;
}

/** Records are published anew before half of their time is over. */
export const renewsInTime: Rule<RecordsView> = {
  clauses: ['REC-045'],
  judge(view) {
    const findings: Finding[] = [];
    let exercised = false;
    const made = madeRecords(view);
    const limit = view.number(view.table.hasStake(view.node) ? 'records.staked_ttl_ms' : 'records.unstaked_ttl_ms');
    const graceMs = view.number('records.forward_ms_max') + view.slackMs;
    for (const one of made) {
      const halfMs = Math.floor(Math.min(Number(one.record.ttlMs), limit) / 2);
      const madeMs = Number(one.record.wallclockMs) - view.trace.wallStartMs;
      const dueMs = madeMs + halfMs + graceMs;
      const isWatched = view.spans.some((span) => span.records && span.fromMs <= madeMs && span.toMs > dueMs);
      const isSilenced = winners(view).some(({ atMs }) => atMs <= dueMs) || view.trace.events.some((event) => event.type === 'crashed');
      if (!isWatched || isSilenced || dueMs >= view.trace.endMs) continue;
      exercised = true;
      const isRenewed = made.some(
        (other) =>
          labelKey(other.record) === labelKey(one.record) && other.record.wallclockMs > one.record.wallclockMs && other.atMs <= dueMs,
      );
      if (!isRenewed) {
        findings.push({
          clause: 'REC-045',
          expected: `the record ${labelKey(one.record)} is published anew within ${halfMs} ms`,
          observed: 'it was not',
          at: one.event,
        });
      }
    }
    return { findings, exercised };
  },
};

/** What the application sets is published in time. */
export const publishesChanges: Rule<RecordsView> = {
  clauses: ['REC-046'],
  judge(view) {
    const findings: Finding[] = [];
    let exercised = false;
    const withinMs = view.number('records.change_ms_max') + view.number('records.forward_ms_max') + view.slackMs;
    const sets = view.trace.events.flatMap((event, index) =>
      event.type === 'step' && event.value.op === 'command' && event.value.command === 'records.set'
        ? [{ index, atMs: event.atMs, step: event.value }]
        : [],
    );
    sets.forEach(({ index, atMs, step }, turn) => {
      const refused = view.trace.events.some((event) => event.type === 'outcome' && event.label === step.label && event.error !== '');
      const isReplaced = sets.some((later, at) => at > turn && later.atMs <= atMs + withinMs);
      const body = step.args[2];
      if (refused || isReplaced || typeof body !== 'object' || !('encoded' in body) || atMs + withinMs >= view.trace.endMs) return;
      if (!view.spans.some((span) => span.records && span.fromMs <= atMs && span.toMs > atMs + withinMs)) return;
      exercised = true;
      const wanted = (body as { readonly encoded: { readonly fields: Readonly<Record<string, unknown>> } }).encoded.fields;
      const made = madeRecords(view).some(({ record, atMs: seenMs }) => {
        const range = record.fields['ledgerRange'] as SeenFields | undefined;
        return seenMs >= atMs && seenMs <= atMs + withinMs && range !== undefined && Number(range['lastSlot']) === wanted['lastSlot'];
      });
      if (!made)
        findings.push({
          clause: 'REC-046',
          expected: `what was set is published within ${withinMs} ms`,
          observed: 'it was not',
          at: index,
        });
    });
    return { findings, exercised };
  },
};
