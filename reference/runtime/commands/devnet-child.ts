/** A process with a share of a devnet's nodes: it is told what to start, and tells what they find. */
import { type Group, type GroupOptions, startGroup } from '../devnet-group.ts';
import { messageOf } from '../problem.ts';
import type { ChildReport } from './devnet-process.ts';

const POLL_MS = 100;

function report(message: ChildReport): void {
  // The parent may be gone, which ends this process as well.
  process.send?.(message, () => undefined);
}

async function watch(group: Group): Promise<void> {
  for (;;) {
    report({ type: 'found', found: await group.found() });
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

let group: Group | undefined;

process.on('message', (options: GroupOptions) => {
  startGroup(options)
    .then((started) => {
      group = started;
      report({ type: 'started', members: started.members });
      return watch(started);
    })
    .catch((error: unknown) => {
      const code = error instanceof Error && 'code' in error ? String(error.code) : undefined;
      report({ type: 'failed', message: messageOf(error), code });
    });
});
process.on('disconnect', () => {
  void (group?.stop() ?? Promise.resolve()).finally(() => process.exit(0));
});
// The parent hears the signal as well, and lets go in order.
process.on('SIGINT', () => undefined);
process.on('SIGTERM', () => undefined);
