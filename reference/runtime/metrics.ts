/** Counters and gauges of a node, and their text form for Prometheus. Chapter 19 holds the registry of names. */

/** One metric of the registry. */
export interface MetricInfo {
  readonly name: string;
  readonly kind: 'counter' | 'gauge' | 'histogram';
  /** Label names in order; their values come from small fixed sets, never from peers. */
  readonly labels: readonly string[];
  readonly meaning: string;
}

/** Upper bounds of the histogram's buckets, in seconds. */
const HANDLE_BOUNDS_S: readonly number[] = [0.0001, 0.001, 0.01, 0.1, 1];

/** A metric's key in `METRICS`. */
export type MetricKey =
  | 'build'
  | 'uptime'
  | 'sessions'
  | 'links'
  | 'established'
  | 'ended'
  | 'refused'
  | 'cut'
  | 'dials'
  | 'messagesIn'
  | 'bytesIn'
  | 'messagesOut'
  | 'bytesOut'
  | 'datagramsIn'
  | 'datagramBytesIn'
  | 'datagramsOut'
  | 'datagramBytesOut'
  | 'datagramsDropped'
  | 'resolutions'
  | 'requests'
  | 'notices'
  | 'published'
  | 'delivered'
  | 'verdicts'
  | 'violations'
  | 'members'
  | 'candidates'
  | 'bans'
  | 'refusedPeers'
  | 'networkSize'
  | 'contacts'
  | 'stored'
  | 'lookups'
  | 'records'
  | 'recordOrigins'
  | 'reconciled'
  | 'overlay'
  | 'leaves'
  | 'attachments'
  | 'transactions'
  | 'transactionBytes'
  | 'questions'
  | 'inputsRefused'
  | 'queued'
  | 'handle';

/** Every metric, in the order in which they are written. */
export const METRICS: Readonly<Record<MetricKey, MetricInfo>> = {
  build: { name: 'carillon_build_info', kind: 'gauge', labels: ['version', 'spec_version'], meaning: 'always 1; the labels say what runs' },
  uptime: { name: 'carillon_uptime_seconds', kind: 'gauge', labels: [], meaning: 'time since the node started' },
  sessions: { name: 'carillon_sessions', kind: 'gauge', labels: [], meaning: 'open sessions' },
  links: { name: 'carillon_connections', kind: 'gauge', labels: [], meaning: 'open connections, with and without a complete handshake' },
  established: {
    name: 'carillon_sessions_established_total',
    kind: 'counter',
    labels: ['direction'],
    meaning: 'handshakes that ended well',
  },
  ended: {
    name: 'carillon_sessions_ended_total',
    kind: 'counter',
    labels: ['code'],
    meaning: 'sessions that ended, by error code; none when the peer went',
  },
  refused: {
    name: 'carillon_connections_refused_total',
    kind: 'counter',
    labels: ['code'],
    meaning: 'connections turned away before the handshake',
  },
  cut: {
    name: 'carillon_connections_cut_total',
    kind: 'counter',
    labels: ['reason'],
    meaning: 'connections that the transport ended, by reason',
  },
  dials: { name: 'carillon_dials_total', kind: 'counter', labels: ['outcome'], meaning: 'outgoing connections, opened or failed' },
  messagesIn: { name: 'carillon_messages_received_total', kind: 'counter', labels: [], meaning: 'WebSocket messages received' },
  bytesIn: { name: 'carillon_bytes_received_total', kind: 'counter', labels: [], meaning: 'bytes of WebSocket messages received' },
  messagesOut: { name: 'carillon_messages_sent_total', kind: 'counter', labels: [], meaning: 'WebSocket messages sent' },
  bytesOut: { name: 'carillon_bytes_sent_total', kind: 'counter', labels: [], meaning: 'bytes of WebSocket messages sent' },
  datagramsIn: { name: 'carillon_datagrams_received_total', kind: 'counter', labels: [], meaning: 'datagrams received' },
  datagramBytesIn: { name: 'carillon_datagram_bytes_received_total', kind: 'counter', labels: [], meaning: 'bytes of datagrams received' },
  datagramsOut: { name: 'carillon_datagrams_sent_total', kind: 'counter', labels: [], meaning: 'datagrams sent' },
  datagramBytesOut: { name: 'carillon_datagram_bytes_sent_total', kind: 'counter', labels: [], meaning: 'bytes of datagrams sent' },
  datagramsDropped: {
    name: 'carillon_datagrams_dropped_total',
    kind: 'counter',
    labels: ['reason'],
    meaning: 'datagrams that the runtime did not send or take in, by reason',
  },
  resolutions: {
    name: 'carillon_resolutions_total',
    kind: 'counter',
    labels: ['outcome'],
    meaning: 'DNS names that were looked up: found, failed or refused',
  },
  requests: { name: 'carillon_requests_waiting', kind: 'gauge', labels: [], meaning: 'requests of the application without an outcome yet' },
  notices: {
    name: 'carillon_notices_total',
    kind: 'counter',
    labels: ['notice'],
    meaning: 'what the application was told unasked, by type',
  },
  published: { name: 'carillon_published_total', kind: 'counter', labels: [], meaning: 'messages that the application published' },
  delivered: { name: 'carillon_delivered_total', kind: 'counter', labels: [], meaning: 'messages delivered to the application' },
  verdicts: {
    name: 'carillon_verdicts_total',
    kind: 'counter',
    labels: ['verdict', 'code'],
    meaning: 'envelopes judged, by verdict and error code',
  },
  violations: { name: 'carillon_violations_total', kind: 'counter', labels: ['code'], meaning: 'clauses that peers broke, by error code' },
  members: {
    name: 'carillon_sessions_counted',
    kind: 'gauge',
    labels: ['role', 'region'],
    meaning: 'sessions as the topology counts them, by role and region',
  },
  candidates: { name: 'carillon_candidates', kind: 'gauge', labels: [], meaning: 'peers that the topology may dial' },
  bans: { name: 'carillon_bans', kind: 'gauge', labels: [], meaning: 'peers that are kept away' },
  refusedPeers: {
    name: 'carillon_peers_refused_total',
    kind: 'counter',
    labels: ['reason'],
    meaning: 'sessions that the topology refused or gave up, by reason',
  },
  networkSize: {
    name: 'carillon_network_size',
    kind: 'gauge',
    labels: [],
    meaning: 'estimated number of nodes; 0 while there is no estimate',
  },
  contacts: { name: 'carillon_dht_contacts', kind: 'gauge', labels: [], meaning: 'contacts in the routing table' },
  stored: { name: 'carillon_dht_stored', kind: 'gauge', labels: [], meaning: 'provider records and values that are kept for others' },
  lookups: { name: 'carillon_dht_lookups', kind: 'gauge', labels: [], meaning: 'lookups under way' },
  records: { name: 'carillon_records', kind: 'gauge', labels: [], meaning: 'signed records that are held' },
  recordOrigins: { name: 'carillon_record_origins', kind: 'gauge', labels: [], meaning: 'nodes of which a record is held' },
  reconciled: {
    name: 'carillon_reconciled_items_total',
    kind: 'counter',
    labels: ['set'],
    meaning: 'items that came by reconciliation, by set',
  },
  overlay: {
    name: 'carillon_overlay_info',
    kind: 'gauge',
    labels: ['strategy', 'role'],
    meaning: 'always 1; the labels say how the node routes and what it is in the overlay',
  },
  leaves: { name: 'carillon_overlay_leaves', kind: 'gauge', labels: [], meaning: 'leaves that the node serves as a supernode' },
  attachments: { name: 'carillon_overlay_attachments', kind: 'gauge', labels: [], meaning: 'supernodes that serve the node as a leaf' },
  transactions: { name: 'carillon_mempool_transactions', kind: 'gauge', labels: [], meaning: 'transactions in the pool' },
  transactionBytes: { name: 'carillon_mempool_bytes', kind: 'gauge', labels: [], meaning: 'bytes of transactions in the pool' },
  questions: {
    name: 'carillon_datagram_questions',
    kind: 'gauge',
    labels: [],
    meaning: 'questions by datagram that wait for their answers',
  },
  inputsRefused: { name: 'carillon_inputs_refused_total', kind: 'counter', labels: [], meaning: 'inputs that found the queue full' },
  queued: { name: 'carillon_inputs_queued', kind: 'gauge', labels: [], meaning: 'inputs that wait for the core' },
  handle: {
    name: 'carillon_handle_seconds',
    kind: 'histogram',
    labels: ['input'],
    meaning: 'time that the core took for one input, by its type',
  },
};

interface Histogram {
  readonly counts: number[];
  sum: number;
  count: number;
}

/** The numbers of one node. */
export interface Metrics {
  /** Adds to a counter; `labels` are the values of its labels in order. */
  add(key: MetricKey, labels?: readonly string[], amount?: number): void;
  /** Sets a gauge. */
  set(key: MetricKey, value: number, labels?: readonly string[]): void;
  /** Forgets all values of a gauge, before those that hold now are set. */
  clear(key: MetricKey): void;
  /** Notes one duration, in milliseconds, in a histogram. */
  observe(key: MetricKey, elapsedMs: number, labels?: readonly string[]): void;
  /** The value of a counter or gauge; 0 when nothing was ever noted. */
  get(key: MetricKey, labels?: readonly string[]): number;
  /** Prometheus text exposition, version 0.0.4. */
  text(): string;
}

function escapeLabel(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}

function labelText(names: readonly string[], values: readonly string[], extra?: string): string {
  const parts = names.map((name, index) => `${name}="${escapeLabel(values[index] ?? '')}"`);
  if (extra !== undefined) parts.push(extra);
  return parts.length === 0 ? '' : `{${parts.join(',')}}`;
}

/** All counters at 0. */
export function createMetrics(): Metrics {
  const numbers = new Map<MetricKey, Map<string, { readonly labels: readonly string[]; value: number }>>();
  const histograms = new Map<MetricKey, Map<string, Histogram & { readonly labels: readonly string[] }>>();

  function cell(key: MetricKey, labels: readonly string[]): { value: number } {
    let cells = numbers.get(key);
    if (cells === undefined) {
      cells = new Map();
      numbers.set(key, cells);
    }
    const name = labels.join('\n');
    let found = cells.get(name);
    if (found === undefined) {
      found = { labels, value: 0 };
      cells.set(name, found);
    }
    return found;
  }

  function histogram(key: MetricKey, labels: readonly string[]): Histogram {
    let cells = histograms.get(key);
    if (cells === undefined) {
      cells = new Map();
      histograms.set(key, cells);
    }
    const name = labels.join('\n');
    let found = cells.get(name);
    if (found === undefined) {
      found = { labels, counts: HANDLE_BOUNDS_S.map(() => 0), sum: 0, count: 0 };
      cells.set(name, found);
    }
    return found;
  }

  function linesOf(key: MetricKey): string[] {
    const info: MetricInfo = METRICS[key];
    const lines = [`# HELP ${info.name} ${info.meaning}`, `# TYPE ${info.name} ${info.kind}`];
    for (const { labels, value } of numbers.get(key)?.values() ?? []) lines.push(`${info.name}${labelText(info.labels, labels)} ${value}`);
    for (const { labels, counts, sum, count } of histograms.get(key)?.values() ?? []) {
      HANDLE_BOUNDS_S.forEach((bound, index) => {
        lines.push(`${info.name}_bucket${labelText(info.labels, labels, `le="${bound}"`)} ${counts[index]}`);
      });
      lines.push(`${info.name}_bucket${labelText(info.labels, labels, 'le="+Inf"')} ${count}`);
      lines.push(
        `${info.name}_sum${labelText(info.labels, labels)} ${sum}`,
        `${info.name}_count${labelText(info.labels, labels)} ${count}`,
      );
    }
    if (lines.length === 2 && info.kind === 'counter' && info.labels.length === 0) lines.push(`${info.name} 0`);
    return lines;
  }

  return {
    add: (key, labels = [], amount = 1) => {
      cell(key, labels).value += amount;
    },
    set: (key, value, labels = []) => {
      cell(key, labels).value = value;
    },
    clear: (key) => {
      numbers.delete(key);
    },
    observe: (key, elapsedMs, labels = []) => {
      const into = histogram(key, labels);
      const seconds = elapsedMs / 1000;
      into.sum += seconds;
      into.count += 1;
      HANDLE_BOUNDS_S.forEach((bound, index) => {
        if (seconds <= bound) into.counts[index] = (into.counts[index] ?? 0) + 1;
      });
    },
    get: (key, labels = []) => numbers.get(key)?.get(labels.join('\n'))?.value ?? 0,
    text: () => `${(Object.keys(METRICS) as MetricKey[]).flatMap(linesOf).join('\n')}\n`,
  };
}
