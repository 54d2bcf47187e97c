/**
 * A network inside one process: ordered pipes between nodes, for tests that want many nodes and no
 * sockets. Messages arrive in a later turn of the event loop, in the order in which they were sent.
 */
import { DATAGRAM_BYTES_MAX, DATAGRAMS_WAITING_MAX, SEND_BUFFER_BYTES_MAX } from '../limits.ts';
import { Problem } from '../problem.ts';
import type {
  CloseReason,
  Connection,
  ConnectionEvents,
  DatagramEvents,
  DatagramFault,
  DatagramPort,
  DialEvents,
  ListenAddress,
  ListenEvents,
  Transport,
} from './transport.ts';

/** A hub that the transports of one network share. */
export interface MemoryNetwork {
  /** The transport of one node; `host` is the textual IP address that its peers see. */
  transport(host: string): Transport;
}

/** One end of a connection. `bytesWaiting` counts what is on its way to this end. */
interface End {
  readonly owner: Set<End>;
  events: ConnectionEvents | undefined;
  bytesWaiting: number;
  isOver: boolean;
  /** Closes this end from its own side. */
  close: () => void;
}

interface Door {
  readonly events: ListenEvents;
  readonly host: string;
  readonly owner: Set<End>;
}

function finish(end: End, reason: CloseReason): void {
  end.owner.delete(end);
  if (end.isOver) return;
  end.isOver = true;
  end.events?.onClosed(reason);
}

/** Ends one end without a word to its own side. */
function hangUp(end: End): void {
  end.isOver = true;
  end.owner.delete(end);
}

/** A place for datagrams, and how many are on their way from it. */
interface Mailbox {
  readonly events: DatagramEvents;
  waiting: number;
}

function portTaken(where: string): Problem {
  return new Problem('E_CONFIG', {
    where,
    expected: 'a free port',
    found: 'another node of this network that listens there',
    todo: 'choose another port (0 takes any free one)',
  });
}

/** An empty network. */
export function createMemoryNetwork(): MemoryNetwork {
  const doors = new Map<string, Door>();
  const mailboxes = new Map<string, Mailbox>();
  let turns: (() => void)[] = [];
  let nextPort = 1;

  /** Everything that crosses the network goes through one queue, so what was sent first arrives first, whoever sent it. */
  function later(run: () => void): void {
    turns.push(run);
    if (turns.length > 1) return;
    setImmediate(() => {
      const due = turns;
      turns = [];
      for (const turn of due) turn();
    });
  }

  function connectionOf(own: End, other: End, remoteAddress: string): Connection {
    return {
      remoteAddress,
      confirm: () => undefined,
      send: (message) => {
        if (own.isOver) return false;
        if (other.bytesWaiting + message.length > SEND_BUFFER_BYTES_MAX) {
          finish(own, 'backpressure');
          later(() => finish(other, 'gone'));
          return false;
        }
        other.bytesWaiting += message.length;
        const copy = Uint8Array.from(message);
        later(() => {
          other.bytesWaiting -= copy.length;
          if (!other.isOver) other.events?.onMessage(copy, false);
        });
        return true;
      },
      close: () => {
        hangUp(own);
        later(() => finish(other, 'gone'));
      },
    };
  }

  function transport(host: string): Transport {
    const ownDoors = new Set<string>();
    const ownMailboxes = new Set<string>();
    const owner: Set<End> = new Set();
    let isClosed = false;

    function openMailbox(where: ListenAddress, events: DatagramEvents): DatagramPort {
      const bound = { ip: host, port: where.port === 0 ? nextPort++ : where.port };
      const key = `${bound.ip}:${bound.port}`;
      if (mailboxes.has(key)) throw portTaken(key);
      const own: Mailbox = { events, waiting: 0 };
      mailboxes.set(key, own);
      ownMailboxes.add(key);

      function send(to: { readonly ip: string; readonly port: number }, data: Uint8Array): DatagramFault | undefined {
        if (mailboxes.get(key) !== own) return 'unreachable';
        if (data.length > DATAGRAM_BYTES_MAX) return 'size';
        if (own.waiting >= DATAGRAMS_WAITING_MAX) return 'queue';
        own.waiting += 1;
        const copy = Uint8Array.from(data);
        later(() => {
          own.waiting -= 1;
          mailboxes.get(`${to.ip}:${to.port}`)?.events.onDatagram(bound, copy);
        });
        return undefined;
      }

      return {
        bound,
        send,
        close: async () => {
          mailboxes.delete(key);
          ownMailboxes.delete(key);
        },
      };
    }

    function connect(address: string, events: DialEvents): void {
      const door = doors.get(address);
      if (door === undefined || isClosed) {
        events.onFailed(isClosed ? 'the transport is closed' : `nobody listens at ${address}`);
        return;
      }
      const near: End = { owner, events: undefined, bytesWaiting: 0, isOver: false, close: () => undefined };
      const far: End = { owner: door.owner, events: undefined, bytesWaiting: 0, isOver: false, close: () => undefined };
      owner.add(near);
      door.owner.add(far);
      const farConnection = connectionOf(far, near, host);
      const nearConnection = connectionOf(near, far, door.host);
      far.close = farConnection.close;
      near.close = nearConnection.close;
      far.events = door.events.onInbound(farConnection);
      near.events = events.onOpened(nearConnection);
    }

    return {
      dial: (address, events) => later(() => connect(address, events)),
      listen: async (where, events) => {
        const port = where.port === 0 ? nextPort++ : where.port;
        const url = `ws://${host}:${port}`;
        if (doors.has(url)) throw portTaken(url);
        doors.set(url, { events, host, owner });
        ownDoors.add(url);
        return {
          url,
          bound: { ip: host, port },
          close: async () => {
            doors.delete(url);
            ownDoors.delete(url);
          },
        };
      },
      openDatagrams: async (where, events) => openMailbox(where, events),
      close: async () => {
        isClosed = true;
        for (const url of ownDoors) doors.delete(url);
        for (const key of ownMailboxes) mailboxes.delete(key);
        for (const end of [...owner]) end.close();
      },
    };
  }

  return { transport };
}
