/** A child process that the kit started: its last words, and its end with everything that it started. */
import { type ChildProcess, spawn } from 'node:child_process';
import { messageOf } from './errors.ts';

const LINES_KEPT = 20;
const LINE_CHARACTERS_MAX = 500;
/** Between SIGTERM and SIGKILL. */
const TERM_MS = 2_000;

/** What to start. */
export interface ChildCommand {
  /** A shell's command line, or a program with its arguments. */
  readonly command: string | readonly [string, ...string[]];
  readonly env: Readonly<Record<string, string>>;
}

/** A running or ended child process. */
export interface Child {
  /** Text such as `exit code 3; last output: …` once it has ended. */
  ended(): string | undefined;
  /** Waits up to `limitMs` for its end and says how it ended; undefined when it still runs. */
  waitForEnd(limitMs: number): Promise<string | undefined>;
  /** The last lines that it wrote, standard error and output together. */
  lastLines(): readonly string[];
  /** Ends its process group: SIGTERM, then SIGKILL after 2 s. Safe to call twice. */
  stop(): Promise<void>;
}

/** Process groups that are alive; they end with the kit even when it dies by an error. */
const alive = new Set<ChildProcess>();
let guardInstalled = false;

function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    // A negative id names the group, so that what a shell command started ends too.
    process.kill(process.platform === 'win32' ? child.pid : -child.pid, signal);
  } catch {
    // The group is gone already.
  }
}

function installGuard(): void {
  if (guardInstalled) return;
  guardInstalled = true;
  process.on('exit', () => {
    for (const child of alive) signalGroup(child, 'SIGKILL');
  });
}

/** Starts a child in a process group of its own. */
export function startChild({ command, env }: ChildCommand): Child {
  installGuard();
  const options = {
    env: { ...process.env, ...env },
    detached: process.platform !== 'win32',
    stdio: ['ignore', 'pipe', 'pipe'] as ['ignore', 'pipe', 'pipe'],
  };
  const child = typeof command === 'string' ? spawn(command, { ...options, shell: true }) : spawn(command[0], command.slice(1), options);
  alive.add(child);
  const lines: string[] = [];
  let end: string | undefined;
  const describe = (how: string): string => (lines.length === 0 ? `${how}, no output` : `${how}; last output: ${lines.join(' | ')}`);
  for (const stream of [child.stdout, child.stderr]) keepLines(stream, lines);
  const closed = new Promise<void>((resolve) => {
    child.once('error', (error) => {
      end ??= `it could not be started: ${messageOf(error)}`;
      alive.delete(child);
      resolve();
    });
    // `close` comes when the process has ended and its output has been read.
    child.once('close', (code, signal) => {
      end ??= describe(signal === null ? `exit code ${code}` : `signal ${signal}`);
      resolve();
    });
    child.once('exit', (code, signal) => {
      // A grandchild may hold the output open for ever.
      setTimeout(() => {
        end ??= describe(signal === null ? `exit code ${code}` : `signal ${signal}`);
        resolve();
      }, 200);
    });
  });
  const waitForEnd = async (limitMs: number): Promise<string | undefined> => {
    if (end !== undefined) return end;
    let timer: NodeJS.Timeout | undefined;
    const limit = new Promise<void>((resolve) => {
      // The child itself keeps the kit alive while it runs.
      timer = setTimeout(resolve, limitMs).unref();
    });
    await Promise.race([closed, limit]);
    clearTimeout(timer);
    return end;
  };
  return {
    ended: () => end,
    waitForEnd,
    lastLines: () => lines,
    stop: async () => {
      if (end === undefined) {
        signalGroup(child, 'SIGTERM');
        await waitForEnd(TERM_MS);
      }
      // Also after an end in order: members of the group may have outlived their leader.
      signalGroup(child, 'SIGKILL');
      await waitForEnd(TERM_MS);
      child.stdout?.destroy();
      child.stderr?.destroy();
      alive.delete(child);
    },
  };
}

function keepLines(stream: NodeJS.ReadableStream | null, lines: string[]): void {
  if (stream === null) return;
  let rest = '';
  const keep = (line: string): void => {
    if (line.trim() === '') return;
    lines.push(line.slice(0, LINE_CHARACTERS_MAX));
    if (lines.length > LINES_KEPT) lines.shift();
  };
  stream.setEncoding('utf8');
  stream.on('data', (text: string) => {
    const parts = (rest + text).split(/\r?\n/);
    rest = (parts.pop() ?? '').slice(0, 4 * LINE_CHARACTERS_MAX);
    for (const part of parts) keep(part);
  });
  stream.on('end', () => keep(rest));
}
