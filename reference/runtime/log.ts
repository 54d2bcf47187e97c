/** Structured logs: one JSON object a line on standard error, without secrets. Spec: SES-025 */
import { type DestinationStream, destination, type Logger, pino } from 'pino';

/** The levels of the configuration, quietest first. */
export const LOG_LEVELS = ['silent', 'error', 'warn', 'info', 'debug', 'trace'] as const;

/** How much is written. */
export type LogLevel = (typeof LOG_LEVELS)[number];

/** What the runtime writes to. */
export type Log = Logger;

/** Names under which a secret could be handed over by mistake; their values are never written. */
const SECRET_NAMES = ['seed', 'identitySeed', 'secret', 'secretKey', 'privateKey', 'key', 'password', 'token'];

/** A log at a level; `stream` takes the lines instead of standard error. */
export function createLog(level: LogLevel, stream: DestinationStream = destination({ dest: 2, sync: true })): Log {
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: {
        paths: [...SECRET_NAMES, ...SECRET_NAMES.map((name) => `*.${name}`), ...SECRET_NAMES.map((name) => `*.*.${name}`)],
        censor: '[secret]',
      },
    },
    stream,
  );
}
