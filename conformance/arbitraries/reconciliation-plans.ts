/** Words from which the plans of chapter 07 are put together: sessions, automatic peers, records, requests. */
import type { Json, Label, Plan, Setup, Step, ValueFields } from '../driver/plan.ts';
import { messageFrame } from '../driver/plan-values.ts';
import { plan } from './gossip-plans.ts';
import { contactRecord, pushRecords, recordsSession } from './records-plans.ts';

/** A session that has nothing but reconciliation. */
export function reconciler(link: number, peer: Label = `r${link}`, capabilities: readonly string[] = ['reconcile/1']): Step {
  return { op: 'open', link, peer, mode: 'session', capabilities };
}

/** A peer that has records of staked identities and answers; `settings` as the behaviour has them. */
export function holder(link: number, settings: Json = {}, peer?: Label, capabilities?: readonly string[]): Step[] {
  return [reconciler(link, peer, capabilities), { op: 'behave', as: 'reconcile.holder', with: settings, link }];
}

/** A peer that pulls the node's records; `settings` as the behaviour has them. */
export function puller(link: number, settings: Json = {}, capabilities?: readonly string[]): Step[] {
  return [reconciler(link, undefined, capabilities), { op: 'behave', as: 'reconcile.puller', with: settings, link }];
}

/** The link on which records come in. */
const PUSHER = 900;

/** Records of `count` staked identities, from the n-th on, pushed to the node. */
export function given(count: number, from = 1): Step[] {
  const records = Array.from({ length: count }, (_, i) => contactRecord(`given-${from + i}`, { by: `stake-${from + i}` }));
  const pushes: Step[] = [];
  for (let at = 0; at < records.length; at += 16) pushes.push(pushRecords(PUSHER, ...records.slice(at, at + 16)));
  return [recordsSession(PUSHER, 'pusher'), ...pushes, { op: 'advance', ms: 600, wireMs: 600 }];
}

/** Requests as they are, each in a plaintext of its own. */
export function pose(link: number, ...requests: readonly (readonly [message: string, fields: ValueFields])[]): Step[] {
  return requests.map(([message, fields]) => ({ op: 'frames', link, frames: [messageFrame(message, fields)] }));
}

/** A salt that differs by its number. */
export function saltOf(number: number): string {
  return number.toString(16).padStart(32, '0');
}

/** Fields of a first request in order. */
export function sketchFields(salt: number, fields: ValueFields = {}): ValueFields {
  return { set: 1, salt: saltOf(salt), count: 32, ...fields };
}

/** A plan in a network with stakes. */
export function stakedPlan(steps: readonly Step[], overrides: Setup['overrides'] = {}): Plan {
  return plan(steps, { stakes: true, ...(Object.keys(overrides).length === 0 ? {} : { overrides }) });
}
