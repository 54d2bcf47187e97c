/** Inputs of a node under an adapter, and the addresses that its links come from. */
import { create } from '@bufbuild/protobuf';
import {
  ClosedInputSchema,
  DatagramInputSchema,
  FrameInputSchema,
  type InputRequest,
  MessageInputSchema,
} from '../../proto/gen/carillon/adapter/v1/adapter_pb.ts';
import type { OutgoingAside } from './asides.ts';
import type { Outgoing } from './plan-run.ts';

/** The input that carries what the run sends. */
export function inputOf(outgoing: Outgoing | OutgoingAside): Exclude<InputRequest['input'], { case: undefined }> {
  switch (outgoing.kind) {
    case 'plaintext':
      return { case: 'frame', value: create(FrameInputSchema, { link: outgoing.link, plaintext: outgoing.bytes }) };
    case 'message':
      return { case: 'message', value: create(MessageInputSchema, { link: outgoing.link, data: outgoing.bytes, text: outgoing.text }) };
    case 'datagram':
      return { case: 'datagram', value: create(DatagramInputSchema, { remoteAddress: outgoing.from, data: outgoing.bytes }) };
    case 'close':
      return { case: 'closed', value: create(ClosedInputSchema, { link: outgoing.link }) };
  }
}

/** An address of the benchmarking range 198.18.0.0/15, another for each link, so that limits by address do not meet by chance. */
export function addressOf(link: number): string {
  const host = (link + 1) % 131_072;
  return `198.${18 + Math.floor(host / 65_536)}.${Math.floor(host / 256) % 256}.${host % 256}`;
}

/** The IP address in what the node dialled; a fixed one when it holds a name. */
export function hostOf(address: string): string {
  const host = /^(?:[a-z]+:\/\/)?(?:\[([0-9a-fA-F:.]+)\]|(\d+\.\d+\.\d+\.\d+))(?::\d+)?(?:\/.*)?$/.exec(address);
  return host?.[1] ?? host?.[2] ?? '203.0.113.1';
}
