/** Words from which the plans of chapter 10 are put together. */
import type { Label, Setup, Step } from '../driver/plan.ts';
import { session, wait } from './session-plans.ts';

/** Parameters by their names below `topology.`. */
export type Limits = Readonly<Record<string, string | number>>;

/** A node with these limits; active unless they say otherwise. */
export function topology(limits: Limits, more: Setup = {}): Setup {
  const entries = Object.entries({ mode: 'active', ...limits });
  return {
    ...more,
    overrides: { ...more.overrides, ...Object.fromEntries(entries.map(([name, value]) => [`topology.${name}`, String(value)])) },
  };
}

/** A public address of its own for each number: a /24 each. */
export function hostAt(index: number): string {
  return `45.${1 + Math.floor(index / 200)}.${1 + (index % 200)}.9`;
}

/** The n-th address of one subnet. */
export function neighbourAt(index: number): string {
  return `46.7.7.${10 + index}`;
}

/** Where a peer at a host is dialled. */
export function urlAt(host: string): string {
  return `ws://${host}:7000`;
}

/** A session with a peer that dials the node. */
export function inbound(
  link: number,
  peer: Label,
  host: string,
  more: { readonly roles?: number; readonly listenAddresses?: readonly string[] } = {},
): Step {
  return { ...session(link, peer, { address: host }), ...more } as Step;
}

/** Several of them, named `name-0` and so on, on links from `first` on. */
export function crowd(first: number, name: string, hosts: readonly string[], roles?: number): readonly Step[] {
  return hosts.map((host, index) => inbound(first + index, `${name}-${index}`, host, roles === undefined ? {} : { roles }));
}

/** Hosts in subnets of their own. */
export function hosts(count: number, from = 0): readonly string[] {
  return Array.from({ length: count }, (_, index) => hostAt(from + index));
}

/** The operator's words. */
export function ban(peer: Label, durationMs: number | string): Step {
  return { op: 'command', command: 'topology.ban', args: [{ peerId: peer }, { u64: durationMs }], label: `ban ${peer}` };
}
export function unban(peer: Label): Step {
  return { op: 'command', command: 'topology.unban', args: [{ peerId: peer }], label: `unban ${peer}` };
}
export function protect(peer: Label, ...hostList: readonly string[]): Step {
  return {
    op: 'command',
    command: 'topology.protect',
    args: [{ peerId: peer }, { utf8: hostList.map(urlAt).join('\n') }],
    label: `protect ${peer}`,
  };
}
export function candidate(peer: Label, host: string, region = ''): Step {
  return {
    op: 'command',
    command: 'topology.candidate',
    args: [{ peerId: peer }, { utf8: urlAt(host) }, { utf8: region }],
    label: `candidate ${peer}`,
  };
}

/** A peer that takes dials at a host from now on; `absent` refuses them, `lost` never answers. */
export function listens(peer: Label, host: string, as: 'silent' | 'absent' | 'lost' = 'silent'): Step {
  return { op: 'behave', as, at: urlAt(host), peer };
}

/** Candidates named `name-0` and so on that take dials, all named at once behind. */
export function candidates(
  name: string,
  hostList: readonly string[],
  as: 'silent' | 'absent' | 'lost' = 'silent',
  region = '',
): readonly Step[] {
  return [
    ...hostList.map((host, index) => listens(`${name}-${index}`, host, as)),
    ...hostList.map((host, index) => candidate(`${name}-${index}`, host, region)),
  ];
}

export { wait };
