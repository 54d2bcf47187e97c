/** The overlay's requests, outcomes and notices as a kit sees them. Spec: chapter 23, "Commands" */
import { copyBytes, encodeUtf8, toHex } from '../../core/bytes.ts';
import type { OverlayNotice, OverlayOutcome, OverlayRequest } from '../../core/overlay/contract.ts';
import type { PeerId } from '../../core/types.ts';
import { defineCommands, idBytes, type NamedCommands } from './table.ts';

/** PeerIds have 32 bytes, topics and names are UTF-8. */
export const overlayCommands: NamedCommands = defineCommands<OverlayRequest, OverlayOutcome, OverlayNotice>({
  requests: {
    'overlay.broadcast': (args) => ({ type: 'overlay.broadcast', topic: args.text(0), data: copyBytes(args.bytes(1)) }),
    'overlay.send': (args) => ({
      type: 'overlay.send',
      to: toHex(args.bytes(0, 32)) as PeerId,
      topic: args.text(1),
      data: copyBytes(args.bytes(2)),
    }),
  },
  outcomes: {
    'overlay.sent': () => ({ values: [] }),
    'overlay.refused': ({ code }) => ({ error: code }),
  },
  notices: {
    'overlay.received': ({ from, topic, data }) => [idBytes(from), encodeUtf8(topic), data],
    'overlay.role': ({ role }) => [encodeUtf8(role)],
    'overlay.strategy': ({ strategy }) => [encodeUtf8(strategy)],
  },
});
