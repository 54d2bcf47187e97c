/** What `carillon peers` does. */
import { z } from 'zod';
import { messageOf, Problem } from '../problem.ts';
import { formatTable } from './table.ts';

/** Flags as the command line gives them. */
export interface PeersFlags {
  readonly http: string;
  readonly json?: true;
}

const ANSWER_MS_MAX = 5_000;

/** A row of `/peers`, as far as the table shows it. */
export interface ShownPeer {
  readonly peer: string;
  readonly address: string;
  readonly direction: string;
  readonly role?: string | null | undefined;
  readonly region?: string | null | undefined;
  readonly rttMs?: number | null | undefined;
  readonly score: number;
  readonly topology?: { readonly score: number; readonly band: string; readonly health: string } | null | undefined;
  readonly inTable?: boolean | undefined;
  readonly hasRecord?: boolean | undefined;
}

/** What a node answers at `/peers`; further keys are left alone, for a later node may have more. */
const ANSWER: z.ZodType<{ readonly peers: readonly ShownPeer[] }> = z.object({
  peers: z.array(
    z.object({
      peer: z.string(),
      address: z.string(),
      direction: z.string(),
      role: z.string().nullish(),
      region: z.string().nullish(),
      rttMs: z.number().nullish(),
      score: z.number(),
      topology: z.object({ score: z.number(), band: z.string(), health: z.string() }).nullish(),
      inTable: z.boolean().optional(),
      hasRecord: z.boolean().optional(),
    }),
  ),
});

type Peers = readonly ShownPeer[];

function unreachable(url: string, found: string, todo: string): Problem {
  return new Problem('E_UNREACHABLE', { where: url, expected: 'a node that serves /peers there', found, todo });
}

/** The URL of the node's `/peers`. Throws `Problem` E_USAGE. */
function peersUrl(text: string): URL {
  const url = URL.parse(/^[a-z]+:\/\//i.test(text) ? text : `http://${text}`);
  if (url !== null && /^https?:$/.test(url.protocol)) return new URL('/peers', url);
  throw new Problem('E_USAGE', {
    where: '--http',
    expected: 'http://HOST:PORT',
    found: JSON.stringify(text),
    todo: 'give what the node printed behind http=',
  });
}

/** Why a request came to nothing; `fetch` itself says no more than that it failed. */
function causeOf(error: unknown): string {
  if (error instanceof Error && error.name === 'TimeoutError') return `no answer within ${ANSWER_MS_MAX / 1_000} s`;
  return error instanceof Error && error.cause !== undefined ? messageOf(error.cause) : messageOf(error);
}

async function ask(url: URL): Promise<{ readonly text: string; readonly peers: Peers }> {
  let response: Response;
  let text: string;
  try {
    response = await fetch(url, { signal: AbortSignal.timeout(ANSWER_MS_MAX), redirect: 'error' });
    text = await response.text();
  } catch (error) {
    throw unreachable(url.href, causeOf(error), 'start the node with --http HOST:PORT, or check the address');
  }
  if (!response.ok) throw unreachable(url.href, `HTTP status ${response.status}`, 'check that a carillon node listens there');
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw unreachable(url.href, 'an answer that is not JSON', 'check that a carillon node listens there');
  }
  const answer = ANSWER.safeParse(value);
  if (!answer.success)
    throw unreachable(url.href, 'JSON without a list of peers', 'check that a carillon node of this version listens there');
  return { text, peers: answer.data.peers };
}

function yesNo(value: boolean | undefined): string {
  return value === undefined ? '–' : value ? 'yes' : 'no';
}

function rowOf(peer: ShownPeer): readonly string[] {
  return [
    peer.peer,
    peer.address,
    peer.direction === 'inbound' ? 'in' : 'out',
    peer.role ?? '–',
    peer.region ?? '–',
    peer.rttMs === undefined || peer.rttMs === null ? '–' : String(Math.round(peer.rttMs)),
    peer.score.toFixed(1),
    peer.topology === undefined || peer.topology === null ? '–' : `${peer.topology.score.toFixed(2)} ${peer.topology.band}`,
    peer.topology?.health ?? '–',
    yesNo(peer.inTable),
    yesNo(peer.hasRecord),
  ];
}

const HEAD = ['peer', 'address', 'dir', 'role', 'region', 'rtt ms', 'score', 'topology', 'health', 'table', 'record'];

/** The table of what a node answers. */
export function formatPeers(peers: Peers): string {
  if (peers.length === 0) return 'the node has no sessions\n';
  const count = `${peers.length} session${peers.length === 1 ? '' : 's'}`;
  return `${formatTable(HEAD, peers.map(rowOf), new Set([5, 6]))}\n${count}\n`;
}

/** Asks a node and prints. Rejects with `Problem` E_USAGE or E_UNREACHABLE. */
export async function runPeers(flags: PeersFlags): Promise<void> {
  const { text, peers } = await ask(peersUrl(flags.http));
  process.stdout.write(flags.json === true ? `${text.trim()}\n` : formatPeers(peers));
}
