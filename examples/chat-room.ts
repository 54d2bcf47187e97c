/** A chat room on a running node: what everybody hears, what one alone hears, and who is there. */
import { createHash } from 'node:crypto';
import { type DeliveredMessage, formatPeerId, type PeerId, type RunningNode, type Verdict } from '../reference/index.ts';

/** A line that somebody said. */
export interface ChatLine {
  readonly from: PeerId;
  /** What the speaker calls itself; anybody may say any name, the PeerId is what the signature proves. */
  readonly name: string;
  readonly text: string;
  /** Said to this node alone. */
  readonly isPrivate: boolean;
}

/** Somebody in the room. */
export interface Member {
  readonly peer: PeerId;
  /** Undefined for somebody who has said nothing yet. */
  readonly name: string | undefined;
}

const NAME = /^[a-z0-9-]{1,32}$/;
const TEXT_BYTES_MAX = 2000;
/** Names are remembered for so many speakers. */
const NAMES_MAX = 1000;

/** The name and the text of a message of the room, or undefined for what no chat sends. */
function readLine(data: Uint8Array): { readonly name: string; readonly text: string } | undefined {
  if (data.length > 33 + TEXT_BYTES_MAX) return undefined;
  let line: string;
  try {
    line = new TextDecoder('utf-8', { fatal: true }).decode(data);
  } catch {
    return undefined;
  }
  const end = line.indexOf('\n');
  const name = line.slice(0, Math.max(0, end));
  const text = line.slice(end + 1);
  // A terminal obeys control characters, so nobody gets to send any.
  if (!NAME.test(name) || text === '' || /\p{Cc}/u.test(text)) return undefined;
  return { name, text };
}

/** For `NodeEnvironment.validate`: what no chat sends is passed on by nobody, and counts against who passed it. Spec: GSP-026 */
export function validateChat(message: DeliveredMessage): Verdict {
  return readLine(message.data) === undefined ? 'reject' : 'accept';
}

/** Whether a text can name a room or a speaker. */
export function isChatName(text: string): boolean {
  return NAME.test(text);
}

/** One room, joined by one node under one name. */
export class ChatRoom {
  readonly #node: RunningNode;
  readonly #name: string;
  readonly #topic: string;
  readonly #key: Uint8Array;
  readonly #names = new Map<PeerId, string>();

  /** `room` and `name`: 1 to 32 of `a-z`, `0-9`, `-`. */
  constructor(node: RunningNode, room: string, name: string) {
    if (!NAME.test(room) || !NAME.test(name)) throw new RangeError(`a room and a name have 1 to 32 of a-z, 0-9, -; found ${room}, ${name}`);
    this.#node = node;
    this.#name = name;
    this.#topic = `app/${room}`;
    this.#key = createHash('sha256').update(`chat room ${room}`).digest();
  }

  /** Is called for each line of the room, and for each that is said to this node alone. */
  onLine(listener: (line: ChatLine) => void): void {
    const hear = (topic: string, from: PeerId, data: Uint8Array, isPrivate: boolean): void => {
      const line = topic === this.#topic ? readLine(data) : undefined;
      if (line === undefined) return;
      if (this.#names.size < NAMES_MAX || this.#names.has(from)) this.#names.set(from, line.name);
      listener({ from, ...line, isPrivate });
    };
    this.#node.on('deliver', ({ topic, origin, data }) => hear(topic, origin, data, false));
    this.#node.on('notice', ({ notice }) => {
      if (notice.type === 'overlay.received') hear(notice.topic, notice.from, notice.data, true);
    });
  }

  /** Says in the DHT that this node is here, again and again until it stops or leaves; true when somebody took it. */
  async join(): Promise<boolean> {
    return (await this.#node.provide(this.#key, true)).stored > 0;
  }

  /** Says it no more. Others forget it when what was said last is over. */
  async leave(): Promise<void> {
    await this.#node.unprovide(this.#key);
  }

  /** Says something to everybody. Rejects when nobody is there to hear it. */
  async say(text: string): Promise<void> {
    await this.#node.broadcast(this.#topic, this.#lineOf(text));
  }

  /** Says something to one alone: by name, or by the PeerId as text. Rejects with a `RangeError` for somebody unknown. */
  async tell(who: string, text: string): Promise<void> {
    const to = (await this.members()).find(({ peer, name }) => name === who || formatPeerId(peer) === who);
    if (to === undefined) throw new RangeError(`nobody here is called ${who}`);
    await this.#node.send(to.peer, this.#topic, this.#lineOf(text));
  }

  /** Everybody else in the room: who said something, and who says in the DHT to be here. */
  async members(): Promise<readonly Member[]> {
    const { providers } = await this.#node.findProviders(this.#key);
    const peers = new Set([...this.#names.keys(), ...providers.map(({ peer }) => peer)]);
    peers.delete(this.#node.peerId);
    return [...peers].map((peer) => ({ peer, name: this.#names.get(peer) }));
  }

  #lineOf(text: string): Uint8Array {
    const data = new TextEncoder().encode(`${this.#name}\n${text}`);
    if (readLine(data) === undefined) throw new RangeError(`a line has 1 to ${TEXT_BYTES_MAX} bytes and no control characters`);
    return data;
  }
}
