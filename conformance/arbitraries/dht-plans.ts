/** Words from which the plans of chapter 08 are put together: contacts, questions, records, values, and peers that answer. */
import type { Json, Label, SealedSpec, Step, Value, ValueFields } from '../driver/plan.ts';
import { messageFrame } from '../driver/plan-values.ts';

/** What DHT peers offer. */
export const DHT_CAPABILITIES: readonly string[] = ['dht/1', 'gossip/1'];

/** The address of the n-th peer: public, each in a /24 of its own, hosts ending in 1. */
export function hostOf(index: number): string {
  return `5.${Math.floor(index / 200)}.${1 + (index % 200)}.1`;
}

/** Where the n-th peer listens for datagrams. */
export function endpointOf(index: number): string {
  return `${hostOf(index)}:7600`;
}

/** A session with the peer `c<link>`, which listens where it comes from; a client listens nowhere. */
export function contact(
  link: number,
  more: {
    readonly peer?: Label;
    readonly host?: string;
    readonly listens?: readonly string[];
    readonly capabilities?: readonly string[];
  } = {},
): Step {
  const host = more.host ?? hostOf(link);
  return {
    op: 'open',
    link,
    peer: more.peer ?? `c${link}`,
    mode: 'session',
    address: host,
    capabilities: more.capabilities ?? DHT_CAPABILITIES,
    listenAddresses: more.listens ?? [`ws://${host}:7600`],
  };
}

/** A session of somebody who only asks. */
export function client(link: number, host: string = hostOf(link)): Step {
  return contact(link, { peer: `asker${link}`, host, listens: [] });
}

/** Contacts `from` … `to - 1`. */
export function contacts(from: number, to: number): Step[] {
  return Array.from({ length: to - from }, (_, index) => contact(from + index));
}

/** Asks the node a question over a session. */
export function ask(link: number, message: string, fields: ValueFields): Step {
  return { op: 'frames', link, frames: [messageFrame(message, fields)] };
}

/** Asks for the contacts near a peer's id. */
export function findNode(link: number, target: Label): Step {
  return ask(link, 'FindNode', { target: { peerId: target } });
}

/** 32 bytes that belong to a name. */
export function key(name: string): Value {
  return { hash: [{ utf8: name }] };
}

/** A provider record of a label, with its own address. */
export function provider(by: Label, name: string, fields: ValueFields & { readonly host?: string } = {}): SealedSpec {
  const { host = hostOf(0), ...rest } = fields;
  return {
    context: 'provider',
    by,
    message: 'ProviderRecord',
    fields: { key: key('content'), addresses: [{ address: `udp://${host}:7600` }], createdMs: { wallMs: 0 }, ttlMs: 3_600_000, ...rest },
    name,
  };
}

/** A signed value. */
export function value(by: Label, name: string, fields: ValueFields = {}): SealedSpec {
  return {
    context: 'value',
    by,
    message: 'ValueRecord',
    fields: { namespace: 'mutable', salt: { utf8: 'salt' }, sequence: 1, data: { utf8: name }, ...fields },
    name,
  };
}

/** A value of an application that is written once. */
export function once(by: Label, name: string): SealedSpec {
  return value(by, name, { namespace: 'app/tokens', salt: { hash: [{ utf8: 'nullifier' }] }, sequence: 0 });
}

export function addProvider(link: number, sealed: SealedSpec): Step {
  return ask(link, 'AddProvider', { provider: { sealed } });
}

export function putValue(link: number, sealed: SealedSpec, fields: ValueFields = {}): Step {
  return ask(link, 'PutValue', { namespace: 'mutable', content: { sealed }, ttlMs: 3_600_000, ...fields });
}

/** The key of a `mutable` value of a label with the salt of `value`. */
export function mutableKey(by: Label): Value {
  const name = { join: [{ peerId: by }, { utf8: 'salt' }] };
  return { hash: [{ utf8: 'carillon/v1/dht-value\0' }, '07', { utf8: 'mutable' }, '24', name] };
}

/** The key of the values of `once`. */
export const onceKey: Value = {
  hash: [{ utf8: 'carillon/v1/dht-value\0' }, '0a', { utf8: 'app/tokens' }, '20', { hash: [{ utf8: 'nullifier' }] }],
};

/** Contacts of the n-th peers, as replies name them: they take datagrams. */
export function named(...indexes: readonly number[]): Value[] {
  return indexes.map((index) => ({ contact: { peer: `p${index}`, addresses: [`udp://${endpointOf(index)}`] } }));
}

/** What a peer answers that knows these contacts and has these records and values; it stores what it is given, or says why not. */
export function knows(
  known: readonly Value[],
  more: {
    readonly providers?: readonly SealedSpec[];
    readonly values?: readonly Value[];
    readonly afterMs?: number;
    readonly writeCode?: number;
  } = {},
): Json {
  const code = more.writeCode ?? 0;
  const after = more.afterMs === undefined ? {} : { afterMs: more.afterMs };
  const providers = (more.providers ?? []).map((sealed) => ({ sealed }));
  const hasProviders = providers.length > 0;
  const values = more.values ?? [];
  const answers = {
    FindNode: { message: 'FindNodeReply', fields: { contacts: known }, ...after },
    GetProviders: { message: 'GetProvidersReply', fields: hasProviders ? { providers } : { contacts: known }, ...after },
    GetValue: { message: 'GetValueReply', fields: values.length > 0 ? { values } : { contacts: known }, ...after },
    AddProvider: { message: 'AddProviderReply', fields: { code }, ...after },
    PutValue: { message: 'PutValueReply', fields: { code }, ...after },
    DhtPing: { message: 'DhtPong', fields: {}, ...after },
  };
  return answers as unknown as Json;
}

/** The n-th peer takes datagrams and answers as `knows` says. */
export function answering(index: number, settings: Json): Step {
  return { op: 'behave', as: 'answers', with: settings, at: endpointOf(index), peer: `p${index}` };
}

/** The peer `p<index>` has a session on a link of that number, takes datagrams, and answers as `knows` says. */
export function entry(index: number, settings: Json): Step[] {
  return [
    answering(index, settings),
    contact(index, { peer: `p${index}`, listens: [`udp://${endpointOf(index)}`, `ws://${endpointOf(index)}`] }),
  ];
}

/** Asks the node for something. */
export function command(label: string, name: string, ...args: readonly Value[]): Step {
  return { op: 'command', command: name, label, args };
}

export const DHT_NEEDS: readonly string[] = ['dht/1'];
export const LOOKUP_NEEDS: readonly string[] = ['dht/1', 'commands', 'datagrams'];
