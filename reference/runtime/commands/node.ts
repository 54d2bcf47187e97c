/** `carillon node`: flags only; what it does is loaded when it is called. */
import type { Command } from 'commander';
import type { NodeFlags } from './node-run.ts';

function collect(value: string, before: readonly string[]): readonly string[] {
  return [...before, value];
}

const HELP_EXAMPLES = `
Flags win over the file of --config. When the node can be reached it prints one line: ready url=… peer_id=…

  carillon keygen node.key
  carillon node --network example --preset devnet --key node.key --listen 127.0.0.1:7600
  carillon node --network-file DIR/network.toml --key DIR/node.key --listen 127.0.0.1:7600

Exit codes: 0 stopped by a signal, 2 usage, configuration or key, 70 fault of the node, 130 and 143 ended by a second signal.`;

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
    .option('--bootstrap <url>', 'node to find others by, ws:// or udp://HOST:PORT; may be given several times', collect, [])
    .option('--http <host:port>', 'serve /health, /metrics and /peers there')
    .option('--log-level <level>', 'silent, error, warn, info, debug or trace')
    .addHelpText('after', HELP_EXAMPLES)
    .action(async (flags: NodeFlags) => {
      const { runNode } = await import('./node-run.ts');
      process.exitCode = await runNode(flags);
    });
}

export { registerNode as register };
