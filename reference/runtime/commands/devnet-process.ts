/** A group of nodes in another process. */
import { fork } from 'node:child_process';
import { join } from 'node:path';
import type { Found, GroupMember, GroupOptions } from '../devnet-group.ts';
import { STOP_GRACE_MS } from '../limits.ts';

/** What the child tells. */
export type ChildReport =
  | { readonly type: 'started'; readonly members: readonly GroupMember[] }
  | { readonly type: 'found'; readonly found: readonly Found[] }
  | { readonly type: 'failed'; readonly message: string; readonly code: string | undefined };

/** Nodes of a devnet, wherever they run. */
export interface RemoteGroup {
  readonly members: readonly GroupMember[];
  found(): Promise<readonly Found[]>;
  stop(): Promise<void>;
}

/** Starts nodes in a process of their own. Rejects with what the child says when they cannot start, or the child ends. */
export function startGroupProcess(options: Omit<GroupOptions, 'transport'>): Promise<RemoteGroup> {
  const child = fork(join(import.meta.dirname, import.meta.filename.endsWith('.ts') ? 'devnet-child.ts' : 'devnet-child.js'), {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  let latest: readonly Found[] = [];
  return new Promise((resolve, reject) => {
    const fail = (message: string, code: string | undefined): void => {
      child.kill('SIGKILL');
      reject(Object.assign(new Error(message), code === undefined ? {} : { code }));
    };
    child.once('error', (error) => fail(error.message, undefined));
    child.once('exit', (code, signal) => fail(`a process of the devnet ended with ${signal ?? `exit code ${code}`}`, undefined));
    child.on('message', (report: ChildReport) => {
      switch (report.type) {
        case 'found':
          latest = report.found;
          return;
        case 'failed':
          fail(report.message, report.code);
          return;
        case 'started':
          resolve({
            members: report.members,
            found: async () => latest,
            stop: async () => {
              if (child.connected) child.disconnect();
              const timer = setTimeout(() => child.kill('SIGKILL'), 2 * STOP_GRACE_MS);
              await ended;
              clearTimeout(timer);
            },
          });
      }
    });
    child.send(options);
  });
}
