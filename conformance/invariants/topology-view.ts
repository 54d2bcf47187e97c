/**
 * Reads a trace the way chapter 10 does: sessions with their roles and subnets, what the operator
 * asked for, and what the node dialled. The judges of the chapter are predicates over the result.
 */
import { ErrorCode } from '../../proto/gen/carillon/v1/common_pb.ts';
import { readAddressText } from '../driver/addresses.ts';
import type { Hex, Step } from '../driver/plan.ts';
import { hasWallClock, type Trace, type TraceEvent } from '../driver/trace.ts';
import { readU64be, text, unhex } from '../model/bytes.ts';
import { addressClass } from '../model/dht-address.ts';
import { subnetOf } from '../model/topology.ts';
import type { Role } from '../model/topology-choice.ts';

/** One session, from its handshake to its end. */
export interface TopologySession {
  readonly link: number;
  readonly peerId: Hex;
  readonly label: string;
  readonly direction: 'in' | 'out';
  readonly role: Role;
  readonly subnet: string | undefined;
  readonly up: { readonly event: number; readonly atMs: number };
  /** Undefined for one that lasts to the end of the trace. `code` is what the node told of it, if anything. */
  readonly end:
    | { readonly event: number; readonly atMs: number; readonly by: 'node' | 'kit'; readonly code: string | undefined }
    | undefined;
  /** `retry_after_ms` of the node's GoAway. */
  readonly retryAfterMs: bigint | undefined;
  /** When a frame of a class other than control last passed, up to a moment. */
  usedMs(untilMs: number): number;
}

/** One dial of the node. */
export interface TopologyDial {
  readonly event: number;
  readonly atMs: number;
  readonly address: string;
  /** When something came of it: a link, or a failure. Undefined while it waits. */
  readonly end: { readonly event: number; readonly atMs: number; readonly isOpen: boolean } | undefined;
  /** The operator asked for it. */
  readonly isWish: boolean;
}

/** What the operator asked for. */
export interface TopologyCommand {
  readonly event: number;
  readonly atMs: number;
  readonly name: string;
  readonly peerId: Hex;
  readonly durationMs: bigint;
  readonly addresses: readonly string[];
}

export interface TopologyView {
  readonly trace: Trace;
  readonly sessions: readonly TopologySession[];
  readonly dials: readonly TopologyDial[];
  readonly commands: readonly TopologyCommand[];
  readonly isActive: boolean;
  readonly slackMs: number;
  /** `session.reaction_ms_max` with the slack. */
  readonly reactionMs: number;
  /** A numeric parameter under `topology.`. */
  number(name: string): number;
  /** Sessions that stand just before an event. */
  standing(event: number): readonly TopologySession[];
  isProtected(peerId: Hex, event: number): boolean;
  /** Whether a ban of the peer lasts at an event; undefined within the slack of its end. */
  isBanned(peerId: Hex, event: number): boolean | undefined;
}

const CONTROL_KINDS: ReadonlySet<number> = new Set([2, 4, 6, 36, 38]);

/** The host of a textual address with or without scheme and port; IPv6 in brackets. */
export function hostOf(address: string): string {
  const rest = address.replace(/^[a-z]+:\/\//, '');
  if (rest.startsWith('[')) return rest.slice(0, rest.indexOf(']') + 1);
  return rest.split(':').length > 2 ? `[${rest}]` : rest.replace(/:\d+$/, '');
}

/** The subnet for whose limits an address counts, under a policy of chapter 08. */
function limitedSubnet(address: string, policy: string): string | undefined {
  const { ip4, ip6, dns } = readAddressText(`ws://${hostOf(address)}:1`);
  const ip = ip4 ?? ip6;
  if (ip === undefined) return dns;
  const plain = subnetOf(ip)?.startsWith('4:') === true ? ip.slice(-4) : ip;
  return policy === 'devnet' && addressClass(plain) === 'local' ? undefined : subnetOf(ip);
}

function codeName(code: number): string {
  return Object.entries(ErrorCode).find(([, value]) => value === code)?.[0] ?? `${code}`;
}

type LinkUp = Extract<TraceEvent, { type: 'linkUp' }>;

/** Role bits of the link's hello, as the step says that brought it about. */
function rolesOf(trace: Trace, { link, address, peer }: LinkUp): number {
  let roles = 1;
  for (const event of trace.events) {
    if (event.type !== 'step') continue;
    const { value } = event;
    if ((value.op === 'open' || value.op === 'handshake') && value.link === link) roles = value.roles ?? roles;
    if (value.op === 'behave' && value.peer === peer && addressesOf(value).some((at) => hostOf(at) === address))
      roles = value.roles ?? roles;
  }
  return roles;
}

function addressesOf({ at }: Extract<Step, { op: 'behave' }>): readonly string[] {
  if (at === undefined) return [];
  return typeof at === 'string' ? [at] : at;
}

function roleOf(trace: Trace, peerId: Hex, roles: number): Role {
  if ((trace.stakes[peerId] ?? 0) > 0) return 'validator';
  if ((roles & 4) !== 0) return 'validator-full';
  return (roles & 2) !== 0 ? 'full' : 'app';
}

function readSession(trace: Trace, up: LinkUp): TopologySession | undefined {
  const at = trace.events.findIndex((event) => event.type === 'sessionUp' && event.link === up.link);
  let end: TopologySession['end'];
  let code: string | undefined;
  let retryAfterMs: bigint | undefined;
  let upEvent = at;
  const used: number[] = [];
  trace.events.forEach((event, index) => {
    if (!('link' in event) || event.link !== up.link) return;
    if (event.type === 'sentFrame' || event.type === 'frame') {
      const { kind, body } = event.frame;
      if (!CONTROL_KINDS.has(kind)) used.push(event.atMs);
      if (body?.type === 'GoAway') {
        const by = event.type === 'frame' ? 'node' : 'kit';
        if (by === 'node') {
          code = codeName(body.code);
          retryAfterMs = body.retryAfterMs;
        }
        end ??= { event: index, atMs: event.atMs, by, code };
      }
    } else if (event.type === 'closed') {
      end ??= { event: index, atMs: event.atMs, by: event.by, code: code ?? event.code };
    }
  });
  // One that is refused at once may never be seen up.
  if (upEvent === -1) {
    if (end === undefined || end.by !== 'node') return undefined;
    upEvent = trace.events.indexOf(up);
  }
  const policy = String(trace.parameters['dht.address_policy']);
  const upMs = trace.events[upEvent]?.atMs ?? 0;
  return {
    link: up.link,
    peerId: up.peerId,
    label: up.peer,
    direction: up.direction === 'inbound' ? 'in' : 'out',
    role: roleOf(trace, up.peerId, rolesOf(trace, up)),
    subnet: limitedSubnet(up.address, policy),
    up: { event: upEvent, atMs: upMs },
    end,
    retryAfterMs,
    usedMs: (untilMs) => Math.max(upMs, ...used.filter((usedMs) => usedMs <= untilMs)),
  };
}

function readDials(trace: Trace): readonly TopologyDial[] {
  const wishes = new Set(
    trace.events.flatMap((event) => (event.type === 'step' && event.value.op === 'connect' ? [event.value.address] : [])),
  );
  const claimed = new Set<number>();
  return trace.events.flatMap((event, index): TopologyDial[] => {
    if (event.type !== 'dial') return [];
    const { address, atMs } = event;
    let end: TopologyDial['end'];
    trace.events.forEach((later, at) => {
      if (at <= index || end !== undefined || claimed.has(at)) return;
      const opens = later.type === 'linkUp' && later.direction === 'outbound' && later.address === hostOf(address);
      const fails = later.type === 'step' && later.value.op === 'dialFailed' && later.value.dialled === address;
      if (!opens && !fails) return;
      claimed.add(at);
      end = { event: at, atMs: later.atMs, isOpen: opens };
    });
    const isAbsent = trace.events.some(
      (other, at) =>
        at < index &&
        other.type === 'step' &&
        other.value.op === 'behave' &&
        other.value.as === 'absent' &&
        addressesOf(other.value).includes(address),
    );
    if (end === undefined && isAbsent) end = { event: index, atMs, isOpen: false };
    return [{ event: index, atMs, address, end, isWish: wishes.has(address) }];
  });
}

function readCommands(trace: Trace): readonly TopologyCommand[] {
  return trace.events.flatMap((event, index): TopologyCommand[] => {
    if (event.type !== 'sentCommand' || !event.command.startsWith('topology.')) return [];
    const [peerId = '', second = ''] = event.args;
    const isBan = event.command === 'topology.ban';
    const lines = isBan ? '' : (text(unhex(second)) ?? '');
    return [
      {
        event: index,
        atMs: event.atMs,
        name: event.command.slice('topology.'.length),
        peerId,
        durationMs: isBan ? readU64be(unhex(second)) : 0n,
        addresses: lines === '' ? [] : lines.split('\n'),
      },
    ];
  });
}

/** Ends of the bans that stand just behind an event, those that are over not left out. Spec: TOP-081 to TOP-083. */
function bansAt(commands: readonly TopologyCommand[], event: number, longestMs: number, most: number): ReadonlyMap<Hex, number> {
  const ends = new Map<Hex, number>();
  for (const command of commands) {
    if (command.event > event) break;
    if (command.name === 'unban') ends.delete(command.peerId);
    if (command.name !== 'ban') continue;
    const endMs = command.atMs + Math.min(Number(command.durationMs), longestMs);
    ends.set(command.peerId, Math.max(endMs, ends.get(command.peerId) ?? 0));
    if (ends.size <= most) continue;
    const [soonest] = [...ends].filter(([peer]) => peer !== command.peerId).sort((a, b) => a[1] - b[1]);
    if (soonest !== undefined) ends.delete(soonest[0]);
  }
  return ends;
}

/** Reads a trace; undefined parameters count as 0. */
export function viewTopology(trace: Trace): TopologyView {
  const slackMs = hasWallClock(trace) ? 1_000 : 0;
  const number = (name: string): number => Number(trace.parameters[`topology.${name}`] ?? 0);
  const sessions = trace.events
    .filter((event) => event.type === 'linkUp')
    .map((up) => readSession(trace, up))
    .filter((session) => session !== undefined)
    .sort((a, b) => a.up.event - b.up.event);
  const commands = readCommands(trace);
  const configured = (trace.setup?.protectedPeers ?? []).map((label) => trace.peerIds[label]);
  return {
    trace,
    sessions,
    dials: readDials(trace),
    commands,
    isActive: trace.parameters['topology.mode'] === 'active',
    slackMs,
    reactionMs: Number(trace.parameters['session.reaction_ms_max']) + slackMs,
    number,
    standing: (event) =>
      sessions.filter((session) => session.up.event < event && (session.end === undefined || session.end.event >= event)),
    isProtected: (peerId, event) => {
      const last = commands.findLast((command) => command.event < event && command.peerId === peerId && command.name.endsWith('protect'));
      return last === undefined ? configured.includes(peerId) : last.name === 'protect';
    },
    isBanned: (peerId, event) => {
      const atMs = trace.events[event]?.atMs ?? 0;
      const endMs = bansAt(commands, event, number('ban_ms_max'), number('bans_max')).get(peerId) ?? 0;
      if (endMs > 0 && slackMs > 0 && Math.abs(endMs - atMs) <= slackMs) return undefined;
      return endMs > atMs;
    },
  };
}

/** Whether a session was dialled for a question, while enough others stood that nobody else wanted it. Spec: TOP-070 */
export function isTransient(view: TopologyView, session: TopologySession): boolean {
  const named = new Set(view.commands.flatMap(({ addresses }) => addresses));
  const dial = view.dials.find(({ end }) => {
    const up = end?.isOpen === true ? view.trace.events[end.event] : undefined;
    return up?.type === 'linkUp' && up.link === session.link;
  });
  if (!view.isActive || dial === undefined || dial.isWish || named.has(dial.address) || view.isProtected(session.peerId, session.up.event))
    return false;
  return view.standing(session.up.event).length >= Math.max(view.number('connections_target'), view.number('outbound_min'));
}
