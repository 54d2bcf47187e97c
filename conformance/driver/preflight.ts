/** What a plan needs, compared with what a target declares, before the first step is taken. */
import { Clock, type HelloResponse } from '../../proto/gen/carillon/adapter/v1/adapter_pb.ts';
import { isDialAddress } from './behaviour-host.ts';
import type { Plan, Step } from './plan.ts';

/** Links that a target can have open when it names no limit. Spec: adapter.proto, Limits. */
const LINKS_MAX_DEFAULT = 64;
/** Longest time that a plan may let pass on a wall clock. */
const WALL_MS_MAX = 120_000;

/** Links that need raw transport: those opened raw, and those that handshakes or raw messages name. */
export function rawLinks(plan: Plan): ReadonlySet<number> {
  const links = new Set<number>();
  for (const step of plan.steps) {
    const isSpoilt = step.op === 'plaintext' && step.spoil !== undefined;
    if (isSpoilt || step.op === 'handshake' || step.op === 'raw' || (step.op === 'open' && step.mode === 'raw')) links.add(step.link);
  }
  return links;
}

/** What the plan needs and an adapter target lacks, as a sentence; undefined when nothing is missing. */
export function preflight(plan: Plan, hello: HelloResponse): string | undefined {
  if (hello.clock === Clock.NONE) return 'a node; the adapter only answers Evaluate (CLOCK_NONE)';
  const has = new Set(hello.capabilities);
  const raw = rawLinks(plan);
  const lacks = (capability: string, why: string): string | undefined =>
    has.has(capability) ? undefined : `adapter capability "${capability}": ${why}`;
  const linksMax = hello.limits?.linksMax || LINKS_MAX_DEFAULT;
  const links = new Set<number>();
  let totalMs = 0;
  if (plan.setup.applicationValidation === true) {
    const missing = lacks('validation', 'the plan creates a node with application validation');
    if (missing !== undefined) return missing;
  }
  if (plan.setup.ledger !== undefined) {
    const missing = lacks('ledger', 'the plan creates a node that knows a ledger');
    if (missing !== undefined) return missing;
  }
  for (const step of plan.steps) {
    let missing: string | undefined;
    switch (step.op) {
      case 'open':
        links.add(step.link);
        if (raw.has(step.link)) missing = lacks('raw', `link ${step.link} carries WebSocket messages`);
        else if (!has.has('raw')) missing = lacks('established', 'the plan opens a session, and neither this nor "raw" is declared');
        if (step.direction === 'outbound') missing ??= lacks('outbound', 'the plan answers a dial of the node');
        break;
      case 'handshake':
      case 'raw':
        missing = step.op === 'raw' && step.unfinished === true ? 'level wire: an adapter takes whole messages only' : undefined;
        break;
      case 'upgrade':
        missing = 'level wire: an adapter has no WebSocket upgrade';
        break;
      case 'connect':
        missing = lacks('outbound', 'the plan asks the node to dial');
        break;
      case 'validated':
        missing = lacks('validation', 'the plan answers as the application');
        break;
      case 'dialFailed':
        missing = lacks('outbound', 'the plan answers a dial of the node');
        break;
      case 'resolved':
        missing = lacks('resolve', 'the plan answers for a name server');
        break;
      case 'command':
        missing = lacks('commands', `the plan asks the node for ${step.command}`);
        if (!hello.commands.includes(step.command)) missing ??= `command "${step.command}", which the adapter does not name`;
        break;
      case 'datagram':
      case 'rawDatagram':
        missing = lacks('datagrams', 'the plan sends a datagram');
        break;
      case 'behave':
        for (const address of addressesOf(step)) {
          missing ??= isDialAddress(address)
            ? lacks('outbound', 'an automatic peer answers dials of the node')
            : lacks('datagrams', 'an automatic peer answers datagrams');
        }
        break;
      case 'crash':
      case 'restart':
        missing = lacks('restart', 'the plan crashes and restarts the node');
        break;
      case 'advance':
        totalMs += step.ms;
        break;
      default:
        break;
    }
    if (missing !== undefined) return missing;
  }
  if (links.size > linksMax) return `${links.size} links on one node; the adapter's limit is ${linksMax}`;
  if (hello.clock === Clock.WALL && totalMs > WALL_MS_MAX) return `a virtual clock: the plan lets ${Math.round(totalMs / 1000)} s pass`;
  return undefined;
}

/** Steps that only an adapter can carry out. */
const ADAPTER_STEPS: ReadonlySet<string> = new Set([
  'publish',
  'connect',
  'validated',
  'crash',
  'restart',
  'dialFailed',
  'resolved',
  'command',
]);

function addressesOf({ at }: Extract<Step, { op: 'behave' }>): readonly string[] {
  return typeof at === 'string' ? [at] : (at ?? []);
}

/** What the plan needs that level wire has not, as a sentence; undefined when nothing is missing. */
export function preflightWire(plan: Plan): string | undefined {
  const { overrides, applicationValidation, bootstrap, protectedPeers, roles, listenAddresses, ledger } = plan.setup;
  if (overrides !== undefined && Object.keys(overrides).length > 0)
    return `level adapter: other parameters (${Object.keys(overrides).join(', ')})`;
  if (applicationValidation === true) return 'level adapter: application validation';
  if ([bootstrap, protectedPeers, roles, listenAddresses, ledger].some((part) => part !== undefined))
    return 'level adapter: a node made for the plan';
  let totalMs = 0;
  for (const step of plan.steps) {
    if (step.op === 'open' && step.direction === 'outbound') return 'level adapter: answering a dial of the node';
    if (ADAPTER_STEPS.has(step.op)) return `level adapter: ${step.op}`;
    if (step.op === 'behave' && addressesOf(step).some(isDialAddress)) return 'level adapter: answering a dial of the node';
    if (step.op === 'advance') totalMs += step.wireMs ?? step.ms;
  }
  return totalMs > WALL_MS_MAX ? `level adapter: a virtual clock, the plan lets ${Math.round(totalMs / 1000)} s pass` : undefined;
}
