/** What the command line's parser complains about, as an error line like every other. */
import type { CommanderError } from 'commander';
import { ToolError } from './problem.ts';

/** An E_USAGE error for a parser's error, with the flag or command that was probably meant. `command` is the name that was found, if it is one. */
export function usageError(error: CommanderError, command: string | undefined): ToolError {
  const [told = '', hint] = error.message.replace(/^error: /, '').split('\n');
  const near = /\(Did you mean (?:one of )?(.+?)\?\)/.exec(hint ?? '')?.[1];
  const help = command === undefined ? 'see carillon --help' : `see carillon ${command} --help`;
  // Parsers of values say themselves what they expected and found.
  const [, option, own] = /^option '([^']+)' argument .* is invalid\. (expected .*)$/.exec(told) ?? [];
  if (option !== undefined && own !== undefined) {
    const [, expected = '', found = ''] = /^expected (.*); found (.*)$/.exec(own) ?? [];
    return new ToolError('E_USAGE', { what: `${option} is not usable`, expected, found, action: help });
  }
  const [, choosing, chosen = '', choices = ''] =
    /^option '([^']+)' argument '(.*)' is invalid\. Allowed choices are (.*)\.$/.exec(told) ?? [];
  if (choosing !== undefined)
    return new ToolError('E_USAGE', { what: `${choosing} is not usable`, expected: choices, found: JSON.stringify(chosen), action: help });
  return new ToolError('E_USAGE', {
    what: told.replace(/\. Expected \d.*$|\.$/, ''),
    expected: EXPECTED[error.code] ?? 'flags and arguments as the help names them',
    found: NOTHING.has(error.code) ? 'nothing' : (/but got \d+: (.*?)\.?$/.exec(told)?.[1] ?? /'([^']+)'/.exec(told)?.[1] ?? 'others'),
    action: near === undefined ? help : `did you mean ${near}?`,
  });
}

const NOTHING: ReadonlySet<string> = new Set(['commander.missingArgument', 'commander.optionMissingArgument']);

const EXPECTED: Readonly<Record<string, string>> = {
  'commander.unknownCommand': 'a command of carillon',
  'commander.unknownOption': 'a flag of the command',
  'commander.missingArgument': 'the argument',
  'commander.optionMissingArgument': 'a value behind the flag',
  'commander.excessArguments': 'no further argument',
};
