/** Progress on stderr: one line that is rewritten on a terminal, a few plain lines elsewhere. */

import { isRed } from './baseline.ts';
import { jobName } from './job.ts';
import type { JobResult } from './run.ts';

export interface ProgressOutput {
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
  write(text: string): unknown;
}

export interface Progress {
  done(result: JobResult): void;
  /** Leaves the line; nothing is written after it. */
  end(): void;
}

const PLAIN_LINES = 4;
const COLUMNS_DEFAULT = 80;

/** Counts results up to `total`. Plain output has a line for each quarter and for each red result. */
export function startProgress(total: number, output: ProgressOutput): Progress {
  let count = 0;
  let red = 0;
  const counted = (): string => `${count}/${total}${red === 0 ? '' : `, ${red} not passed`}`;
  return {
    done: (result) => {
      count++;
      const name = jobName({ check: { id: result.id }, level: result.level });
      if (isRed(result.verdict)) red++;
      if (output.isTTY === true) {
        const text = `${counted()}  ${name}`;
        output.write(`\r\u001b[2K${text.slice(0, (output.columns ?? COLUMNS_DEFAULT) - 1)}`);
        return;
      }
      if (isRed(result.verdict)) output.write(`${result.verdict}: ${name}\n`);
      const step = Math.max(1, Math.ceil(total / PLAIN_LINES));
      if (count % step === 0 || count === total) output.write(`${counted()}\n`);
    },
    end: () => {
      if (output.isTTY === true && count > 0) output.write('\r\u001b[2K');
    },
  };
}
