/** The tables of all nouns together. Each noun's file adds its line to `NOUNS`. */
import { datagramSchema } from './datagram-schema.ts';
import { dhtSchema } from './dht-schema.ts';
import { gossipSchema } from './gossip-schema.ts';
import { mempoolSchema } from './mempool-schema.ts';
import { overlaySchema } from './overlay-schema.ts';
import { reconciliationSchema } from './reconciliation-schema.ts';
import { recordsSchema } from './records-schema.ts';
import type { MessageSchema, NounSchema } from './schema.ts';
import { sessionSchema } from './session-schema.ts';

const NOUNS: readonly NounSchema[] = [
  sessionSchema,
  datagramSchema,
  gossipSchema,
  mempoolSchema,
  recordsSchema,
  reconciliationSchema,
  dhtSchema,
  overlaySchema,
];

/** One table of all entries. Throws an Error when two nouns give the same name. */
function joined<T>(what: string, tables: readonly (Readonly<Record<string, T>> | undefined)[]): ReadonlyMap<string, T> {
  const all = new Map<string, T>();
  for (const [name, entry] of tables.flatMap((table) => Object.entries(table ?? {}))) {
    if (all.has(name)) throw new Error(`two ${what} are called ${name}`);
    all.set(name, entry);
  }
  return all;
}

const MESSAGES = joined<MessageSchema>(
  'messages',
  NOUNS.map(({ messages }) => messages),
);
const FRAME_MESSAGES = joined<string>(
  'frames',
  NOUNS.map(({ frames }) => frames),
);

/** Payload message, version 1, by context. Spec: IDN-040 */
export const PAYLOADS: ReadonlyMap<string, string> = joined<string>(
  'contexts',
  NOUNS.map(({ payloads }) => payloads),
);

/** The fields of a message. Throws a RangeError for a name that no noun gives. */
export function messageSchema(name: string): MessageSchema {
  const found = MESSAGES.get(name);
  if (found === undefined) throw new RangeError(`no message is called ${name}`);
  return found;
}

/** Names of all messages. */
export const MESSAGE_NAMES: readonly string[] = [...MESSAGES.keys()];

/** The message in the body of a frame of that name, or undefined when no noun gives one. */
export function frameMessage(frame: string): string | undefined {
  const name = FRAME_MESSAGES.get(frame) ?? frame;
  return MESSAGES.has(name) ? name : undefined;
}
