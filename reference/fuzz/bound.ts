/**
 * How much memory a node may hold, from its parameters: every map and queue of the core at its bound, times
 * what one entry takes. Sizes of entries are those of V8 on a 64-bit machine without pointer compression:
 * an object has a header of 24 bytes and 8 for each field; a string of 64 digits takes 80; an entry of a
 * Map takes 28 when its table is full and 56 just after the table has doubled, so 56; a small array takes 16
 * for its object and 16 + 8n for its elements; a boxed number 16.
 */
import type { Params } from '../core/params.ts';

/** What the node has to do with: how many sessions drive which of its bounds. */
export interface Load {
  /** Sessions at one moment. */
  readonly sessions: number;
  /** Sessions at one moment whose peers announce as much as they may. */
  readonly announcing: number;
  /** Sessions a second that announce and leave: what they promised outlives them. */
  readonly announcingPerS: number;
  /** Sessions whose peers name what they claim to have, in Ihaves or Idontwants. */
  readonly naming: number;
  /** Sessions whose peers prune what they can. */
  readonly pruning: number;
  /** Sessions whose peers make the node send more than their rates let it. */
  readonly asking: number;
  /** Origins with stake whose messages may come. */
  readonly stakedSenders: number;
  /** Origins with stake. */
  readonly stakeTable: number;
}

/** One line of the sum. */
export interface BoundPart {
  readonly name: string;
  readonly bytes: number;
}

const MAP_ENTRY = 56;
const ID_STRING = 80;
const NUMBER = 16;
const KIB = 1024;
const MIB = 1024 * KIB;

/** Object of a view, its ArrayBuffer, the backing store's own bookkeeping. */
const VIEW = 104;
const BUFFER = 88 + 64;

/** What a token bucket takes: three fields, two of them boxed. */
const BUCKET = 24 + 3 * 8 + 2 * NUMBER;

/** Bounds of the core that no peer can see and chapter 19 therefore does not name. */
const LANE_BYTES_MAX = 1_048_576;
const LANE_FRAMES_MAX = 1024;
const KNOWN_PER_LINK_MIN = 8192;
const FILTER_CAPACITY_MAX = 131_072;
const REST_MAX = 4096;
const ANSWERED_MAX = 4096;
const DIALS_MAX = 2 * 1024;
/** Of the native primitives: verifying keys kept as objects of OpenSSL. */
const PUBLIC_KEYS_MAX = 4096;

/** Messages that the flood buckets let pass in a time: what they hold when full, and what they gain. */
function messagesWithin(params: Params, load: Load, ms: number): number {
  const perS = params['gossip.unstaked_per_s'] + load.stakedSenders * params['gossip.origin_per_s'];
  return Math.ceil(perS * (2 + ms / 1000));
}

/** The parts of the bound, in bytes, without what one input makes and drops again. */
export function boundParts(params: Params, load: Load): readonly BoundPart[] {
  const { sessions, announcing, announcingPerS, naming, pruning, asking } = load;
  const beatMs = params['gossip.heartbeat_ms'];

  // An envelope's bytes in one buffer, two views of it (envelope and data), the message with eight fields, its
  // id, hash and origin, its topic; with the entry of the map, the item of the queue and its boxed time.
  const messageEntry = BUFFER + 2 * VIEW + (24 + 8 * 8) + 3 * ID_STRING + 64 + MAP_ENTRY + (24 + 2 * 8 + NUMBER + 16);
  const cachedMessages = messagesWithin(params, load, params['gossip.message_cache_ms']);
  const cache = params['gossip.message_cache_bytes_max'] + cachedMessages * messageEntry;

  // An id, its entry with a boxed time, the item of its division's queue with another.
  const seenEntry = ID_STRING + MAP_ENTRY + NUMBER + (24 + 2 * 8 + NUMBER + 16);
  const seenIds = Math.min(
    params['gossip.seen_unstaked_capacity'] + load.stakedSenders * params['gossip.seen_origin_capacity'],
    messagesWithin(params, load, params['gossip.seen_ttl_ms']),
  );
  // Two generations of a filter for 1 % of false yeses: 9.6 bits an id.
  const filters = 2 * 1.2 * Math.min(params['gossip.seen_unstaked_capacity'], FILTER_CAPACITY_MAX);

  // Until a message is announced everywhere, at the latest when it cannot be asked for any more: a set of
  // its links (a table of the next power of two, 28 bytes each) and the announcement with four fields.
  const linkSet = 64 + 28 * 2 ** Math.ceil(Math.log2(Math.max(4, sessions)));
  const waitingMessages = cachedMessages * (linkSet + MAP_ENTRY + MAP_ENTRY + (24 + 4 * 8 + NUMBER));

  // What a link is known to have of messages that did not come: an id, its entry, a boxed time.
  const knownPerLink = Math.max(
    KNOWN_PER_LINK_MIN,
    2 * (params['gossip.wanted_per_link_max'] + params['gossip.idontwant_ids_per_heartbeat']),
  );
  const known = naming * knownPerLink * (ID_STRING + MAP_ENTRY + NUMBER);

  // Wanted: the object with four fields and two arrays, its entry, the entry of the link's list, the timer.
  const wantedEntry = ID_STRING + (24 + 4 * 8 + NUMBER) + 2 * (16 + 16 + 8 * 17) + 2 * MAP_ENTRY + (24 + 4 * 8 + 2 * NUMBER);
  const timeoutS = params['gossip.iwant_timeout_ms'] / 1000;
  const wantedIds = (announcing + announcingPerS * timeoutS) * params['gossip.wanted_per_link_max'];
  // A promise lives for the timeout, though its session may have gone: the pledge, its list, entry and timer.
  const pledgeEntry = 24 + 4 * 8 + (16 + 16 + 8 * 17) + MAP_ENTRY + (24 + 3 * 8 + 2 * NUMBER + 8);
  const windows = Math.ceil(params['gossip.iwant_timeout_ms'] / beatMs) + 1;
  const pledges = (announcing * windows + announcingPerS * timeoutS) * params['gossip.iwant_ids_per_heartbeat'];

  const pending =
    params['gossip.pending_max'] *
    (params['gossip.message_bytes_max'] + messageEntry + 2 * MAP_ENTRY + sessions * (24 + 4 * 8 + 2 * ID_STRING));
  const rejected = params['gossip.rejected_capacity'] * (ID_STRING + MAP_ENTRY);
  const flood = (4 * params['gossip.unstaked_per_s'] + load.stakedSenders) * (BUCKET + MAP_ENTRY + ID_STRING);

  // Counts of an origin: a map of links, and for each message since the last count a list of two links.
  const countedOrigins = Math.min(params['gossip.prune_origins_tracked_max'], load.stakedSenders + 1);
  const countedLinks = Math.min(params['gossip.prune_links_tracked_max'], sessions);
  const countedMessages = params['gossip.prune_after'] * countedOrigins + messagesWithin(params, load, beatMs);
  const counts = countedOrigins * (512 + countedLinks * MAP_ENTRY) + countedMessages * (MAP_ENTRY + 64 + MAP_ENTRY);
  // Prunes received can name the whole table, Prunes sent only origins whose messages were counted.
  const prunes =
    pruning * Math.min(params['gossip.prune_origins_tracked_max'], load.stakeTable + 1) * (ID_STRING + MAP_ENTRY + NUMBER) +
    sessions * countedOrigins * (MAP_ENTRY + NUMBER);

  // A record with seven fields, three counters of three fields with boxed values, a list of hosts, its two entries.
  const scoreEntry = ID_STRING + (24 + 7 * 8 + 2 * NUMBER) + 3 * (24 + 3 * 8 + 2 * NUMBER) + (16 + 16 + 8 * 17 + 48) + 2 * MAP_ENTRY;
  // The ranking that finds the best has at most two rows a peer.
  const scores = (params['score.retained_max'] + sessions) * scoreEntry + 2 * params['score.retained_max'] * (24 + 2 * 8 + NUMBER + 16);

  // A session: buckets of five classes in both directions, six lanes, two ciphers, windows, sets.
  const session = 2 * 10 * BUCKET + 8 * KIB;
  // Data, inventory and control fill up to their bytes; liveness holds small frames only. A frame: two objects and a buffer.
  const lanes = 3 * (LANE_BYTES_MAX + 64 * KIB) + 4 * LANE_FRAMES_MAX * (BUFFER + VIEW + 48) + LANE_FRAMES_MAX * 32;
  // How often each kept message was sent in answer.
  const answers = cachedMessages * MAP_ENTRY;
  const halfOpen = params['session.half_open_max'] * 8 * KIB;

  const rests = 2 * REST_MAX * (ID_STRING + MAP_ENTRY + NUMBER) + (ANSWERED_MAX + DIALS_MAX) * (2 * ID_STRING + MAP_ENTRY + 48);
  const keys = PUBLIC_KEYS_MAX * (1024 + MAP_ENTRY);

  return [
    { name: 'message cache', bytes: cache },
    { name: 'seen ids', bytes: seenIds * seenEntry + filters },
    { name: 'messages waiting for their announcement', bytes: waitingMessages },
    { name: 'known links', bytes: known },
    { name: 'wanted ids', bytes: wantedIds * wantedEntry },
    { name: 'promises', bytes: pledges * pledgeEntry },
    { name: 'pending messages', bytes: pending },
    { name: 'rejected hashes', bytes: rejected },
    { name: 'flood buckets', bytes: flood },
    { name: 'counts per origin', bytes: counts },
    { name: 'prune tables', bytes: prunes },
    { name: 'scores', bytes: scores },
    { name: 'sessions', bytes: sessions * session },
    { name: 'output queues', bytes: asking * (lanes + answers) },
    { name: 'half-open connections', bytes: halfOpen },
    { name: 'dials and rests', bytes: rests },
    { name: 'verifying keys', bytes: keys },
    // Code that became hot, caches of the engine, what a collection leaves behind.
    { name: 'engine', bytes: 8 * MIB },
  ].map(({ name, bytes }) => ({ name, bytes: Math.ceil(bytes) }));
}

/** The sum of the parts, in bytes. */
export function boundBytes(params: Params, load: Load): number {
  return boundParts(params, load).reduce((sum, { bytes }) => sum + bytes, 0);
}
