/**
 * A chat for the terminal, on the reference node alone:
 *
 *   npm run chat -- --name alice --listen 127.0.0.1:7600
 *   npm run chat -- --name bob --bootstrap ws://127.0.0.1:7600
 *
 * A line goes to everybody, `/tell NAME TEXT` to one, `/who` shows who is there, `/quit` ends.
 */
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { defineConfig, formatPeerId, Problem, startNode } from '../reference/index.ts';
import { ChatRoom, isChatName, validateChat } from './chat-room.ts';

const HELP = `Usage: npm run chat -- --name NAME [--room ROOM] [--listen HOST:PORT] [--bootstrap ws://HOST:PORT] [--key FILE]
NAME and ROOM: 1 to 32 of a-z, 0-9, -`;

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      name: { type: 'string' },
      room: { type: 'string', default: 'lobby' },
      listen: { type: 'string', default: '127.0.0.1:0' },
      bootstrap: { type: 'string', multiple: true, default: [] },
      key: { type: 'string' },
    },
  });
  const { name = '', room, key } = values;
  const listen = /^(.+):(\d{1,5})$/.exec(values.listen);
  if (!isChatName(name) || !isChatName(room) || listen === null) {
    process.stderr.write(`${HELP}\n`);
    return 2;
  }
  const config = defineConfig({
    networkId: 'chat-example',
    preset: 'chat',
    // On the internet this line goes: then only addresses that everybody can reach are told to others.
    parameters: { 'dht.address_policy': 'devnet' },
    listen: { host: listen[1] ?? '', port: Number(listen[2]) },
    bootstrap: values.bootstrap,
    ...(key === undefined ? {} : { keyFile: key }),
    logLevel: 'error',
  });
  const node = await startNode(config, { validate: validateChat });
  const chat = new ChatRoom(node, room, name);
  chat.onLine(({ name: speaker, text, isPrivate }) => say(`${speaker}${isPrivate ? ' (to you)' : ''}: ${text}`));
  let isJoined = false;
  // Without a peer there is nobody to tell, so each new one is a reason to try.
  const join = async (): Promise<void> => {
    if (!isJoined) isJoined = await chat.join();
  };
  const who = async (): Promise<void> => {
    await join();
    for (const { peer, name: called } of await chat.members()) say(`* ${called ?? '?'} ${formatPeerId(peer)}`);
  };
  node.on('established', ({ peer }) => {
    say(`* session with ${formatPeerId(peer)}`);
    join().catch(() => undefined);
  });
  say(`* you are ${name}, ${node.peerIdText}, at ${node.url ?? 'no address'}`);

  const lines = createInterface({ input: process.stdin });
  process.once('SIGINT', () => lines.close());
  for await (const line of lines) {
    try {
      const tell = /^\/tell (\S+) (.+)$/.exec(line);
      if (line === '/quit') break;
      if (line === '/who') await who();
      else if (tell !== null) await chat.tell(tell[1] ?? '', tell[2] ?? '');
      else if (line.trim() !== '') await chat.say(line);
    } catch (error) {
      say(`* not said: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  // An input that stays open would keep the process alive after /quit.
  process.stdin.destroy();
  await node.stop();
  return 0;
}

try {
  process.exitCode = await main();
} catch (error) {
  // A taken port, a key file that cannot be read, an unknown flag.
  process.stderr.write(`${error instanceof Problem || error instanceof TypeError ? error.message : String(error)}\n`);
  process.exitCode = 2;
}
