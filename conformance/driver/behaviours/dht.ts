/** Automatic peers of chapter 08 that are not what they seem. */
import { HarnessError } from '../errors.ts';
import { messageFrame } from '../plan-values.ts';
import type { BehaviourMaker } from './behaviour.ts';

/** Answers questions by datagram in order but for the proof, which is that of `signer`. */
const impostor: BehaviourMaker = (settings) => {
  const signer = typeof settings === 'object' && settings !== null && 'signer' in settings ? settings['signer'] : undefined;
  if (typeof signer !== 'string') throw new HarnessError('the behaviour "dht.impostor" needs {signer: LABEL}');
  const replies: Readonly<Record<string, string>> = {
    FindNode: 'FindNodeReply',
    GetProviders: 'GetProvidersReply',
    GetValue: 'GetValueReply',
    DhtPing: 'DhtPong',
  };
  return {
    hear: (event) => {
      const frame = event.type === 'datagram' ? event.datagram.frame : undefined;
      const reply = frame?.body?.type === 'message' ? replies[frame.body.message] : undefined;
      if (event.type !== 'datagram' || frame === undefined || reply === undefined) return [];
      const answer = messageFrame(reply, {}, frame.requestId);
      return [{ datagram: { from: event.at, frame: answer, cookie: event.datagram.cookie ?? '', by: signer } }];
    },
  };
};

/** By the names that plans use. */
export const dhtBehaviours: Readonly<Record<string, BehaviourMaker>> = { 'dht.impostor': impostor };
