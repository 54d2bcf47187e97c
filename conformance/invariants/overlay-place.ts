/** What the node says of its place in the overlay in its contact record. Spec: OVL-062 */
import { listIn, messageIn, numberIn } from '../driver/seen.ts';
import type { Finding } from '../runner/check.ts';
import { attachmentTurns, turnAt } from './overlay-attachments.ts';
import { nodeRole, type OverlayView } from './overlay-view.ts';
import { viewRecords } from './records-view.ts';
import type { Rule } from './rule.ts';

/** As many supernodes as a contact record may name (REC-015). */
const VIA_MAX = 3;

/** The newest contact record, once there was time for it, names role and supernodes. */
export const placeIsSaid: Rule<OverlayView> = {
  clauses: ['OVL-062'],
  judge(view) {
    const findings: Finding[] = [];
    let exercised = false;
    const turns = attachmentTurns(view);
    const quietMs = view.number('records.change_ms_max') + 1_000 + view.slackMs;
    const contacts = viewRecords(view.trace).departures.flatMap(({ event, atMs, envelope, record }) => {
      const contact = envelope.origin === view.trace.nodePeerId && record !== undefined ? messageIn(record.fields, 'contact') : undefined;
      return contact === undefined ? [] : [{ event, atMs, contact }];
    });
    for (const { event, atMs, contact } of contacts) {
      // Whoever is named is, or was a moment ago, a supernode of the node.
      const lately = turns.filter((turn, index) => turn.event < event && (turns[index + 1]?.atMs ?? atMs) >= atMs - quietMs);
      const known = new Set(
        lately.flatMap((turn) =>
          [...turn.attachments].flatMap(([link, state]) => (state === 'attached' ? [view.spanAt(link, turn.event)?.peerId] : [])),
        ),
      );
      const strange = listIn(contact, 'via')
        .map(String)
        .filter((peer) => !known.has(peer));
      if (strange.length > 0)
        findings.push({ clause: 'OVL-062', expected: 'supernodes of the node in via', observed: `${strange.length} others`, at: event });
    }
    turns.forEach((turn, index) => {
      const untilMs = turns[index + 1]?.atMs ?? view.trace.endMs;
      // Only a place that has lasted has to have been told.
      if (untilMs - turn.atMs < quietMs) return;
      const until = turns[index + 1]?.event ?? view.trace.events.length;
      const said = contacts.findLast(({ event }) => event < until);
      if (said === undefined) return;
      const attached = [...(turnAt(turns, turn.event + 0.5)?.attachments ?? [])].filter(([, state]) => state === 'attached');
      const peers = new Set(attached.map(([link]) => view.spanAt(link, turn.event)?.peerId ?? ''));
      const via = listIn(said.contact, 'via').map(String);
      exercised ||= peers.size > 0;
      const isRight =
        via.length === Math.min(VIA_MAX, peers.size) && new Set(via).size === via.length && via.every((peer) => peers.has(peer));
      if (!isRight)
        findings.push({
          clause: 'OVL-062',
          expected: `via with ${Math.min(VIA_MAX, peers.size)} of ${peers.size} supernodes`,
          observed: `${via.length}, ${via.filter((peer) => peers.has(peer)).length} of them right`,
          at: said.event,
        });
      const role = nodeRole(view, until);
      if (numberIn(said.contact, 'overlayRole') !== role)
        findings.push({
          clause: 'OVL-062',
          expected: `role ${role}`,
          observed: `${numberIn(said.contact, 'overlayRole')}`,
          at: said.event,
        });
    });
    return { findings, exercised };
  },
};
