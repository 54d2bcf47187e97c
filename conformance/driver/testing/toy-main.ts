/** The toy adapter as a process: connects back to CARILLON_ADAPTER. `TOY` chooses how it misbehaves. */
import { connect } from 'node:net';
import { serveToy } from './toy-adapter.ts';

const { TOY: how = '', CARILLON_ADAPTER: address = '' } = process.env;
if (how === 'exit') {
  console.error('toy: no configuration');
  process.exit(3);
}
const port = Number(/:(\d+)$/.exec(address)?.[1]);
const socket = connect(port, '127.0.0.1');
socket.on('close', () => process.exit(0));
serveToy(socket, {
  answer: ({ op }) => {
    if (how === 'die' && op.case === 'open') {
      console.error('toy: about to die');
      process.exit(9);
    }
    if (how === 'hang' && op.case === 'open') return 'silence';
    return undefined;
  },
});
