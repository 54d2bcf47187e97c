/** `carillon keygen`: makes a key file and says whose it is. */
import type { Command } from 'commander';

async function makeKey(file: string): Promise<void> {
  const [{ createKeyFile }, { nativeCrypto }, { derivePeerId, formatPeerId }, { KEY_TYPE_ED25519 }] = await Promise.all([
    import('../keys.ts'),
    import('../crypto-native.ts'),
    import('../../core/wire/peer-id.ts'),
    import('../../core/wire/envelope.ts'),
  ]);
  const seed = createKeyFile(file);
  const peer = derivePeerId(nativeCrypto, KEY_TYPE_ED25519, nativeCrypto.ed25519PublicKey(seed));
  process.stdout.write(`${formatPeerId(peer)}\n`);
}

/** Adds the command `keygen` to the program. */
export function registerKeygen(program: Command): void {
  program
    .command('keygen')
    .description('make a key file (64 hexadecimal digits, mode 0600) and print its PeerId')
    .argument('<file>', 'where to write it; a file that is there is never replaced')
    .addHelpText('after', '\nExit codes: 0 made, 2 the file is there already or cannot be made, 70 fault of this software.')
    .action(makeKey);
}

export { registerKeygen as register };
