/** `carillon node`: flags only; what it does is loaded when it is called. */
import type { Command } from 'commander';
import type { NodeFlags } from './node-run.ts';

function collect(value: string, before: readonly string[]): readonly string[] {
  return [...before, value];
}

/** Adds the command `node` to the program. */
export function registerNode(program: Command): void {
  program
    .command('node')
    .description('run a node until SIGINT or SIGTERM')
    .option('--config <file>', 'configuration file (TOML); reference/runtime/carillon.example.toml explains every key')
    .option('--network-file <file>', 'network.toml that conform --prepare wrote: network id, preset, stakes')
    .option('--listen <host:port>', 'where to listen; port 0 takes any free one')
    .option('--key <file>', 'key file, made by carillon keygen')
    .option('--network <name>', 'network id')
    .option('--preset <name>', 'parameters to start from: main, tower, chat, devnet or conformance')
    .option('--peer <url>', 'peer to keep a session with, ws://HOST:PORT; may be given several times', collect, [])
    .option('--http <host:port>', 'serve /health, /metrics and /peers there')
    .option('--log-level <level>', 'silent, error, warn, info, debug or trace')
    .action(async (flags: NodeFlags) => {
      const { runNode } = await import('./node-run.ts');
      process.exitCode = await runNode(flags);
    });
}

export { registerNode as register };
