/** The form of plans in files: zod schemas that mirror the types of `driver/plan.ts`. */
import { z } from 'zod';
import type { Json, Plan, Setup, Step, Value, ValueFields } from '../driver/plan.ts';

const hex = z.string().regex(/^(?:[0-9a-f]{2})*$/);
const label = z.string().min(1).max(64);
const ref = z.strictObject({ ref: z.string().min(1) });
const bytesValue = z.union([hex, ref]);
const numberValue = z.union([z.number().int().nonnegative(), z.string().regex(/^\d{1,20}$/), ref]);
const amount = z.union([z.number().int().nonnegative(), z.string().regex(/^\d{1,20}$/)]);
const link = z.number().int().nonnegative();
const size = z.strictObject({ size: z.number().int().nonnegative().max(10_000_000) });
const data = z.union([hex, size]);
const texts = z.array(z.string());

const envelopeDefect = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('signature') }),
  z.strictObject({ kind: z.literal('malleatedS') }),
  z.strictObject({ kind: z.literal('resigned') }),
  z.strictObject({ kind: z.literal('smallOrderKey') }),
  z.strictObject({ kind: z.literal('context'), context: z.string() }),
  z.strictObject({ kind: z.literal('network'), networkId: z.string() }),
  z.strictObject({ kind: z.literal('keyType'), keyType: z.number().int().nonnegative() }),
  z.strictObject({ kind: z.literal('version'), version: z.number().int().nonnegative() }),
  z.strictObject({ kind: z.literal('payloadTopic'), topic: z.string() }),
  z.strictObject({ kind: z.literal('payloadTrailing'), bytes: hex }),
  z.strictObject({ kind: z.literal('payloadBytes'), bytes: hex }),
  z.strictObject({ kind: z.literal('envelopeTrailing'), bytes: hex }),
  z.strictObject({ kind: z.literal('envelopeBytes'), bytes: hex }),
]);

const envelope = z.strictObject({
  origin: label,
  topic: z.string(),
  ageMs: z.number(),
  sequence: z.number().int().nonnegative(),
  data,
  defect: envelopeDefect.exactOptional(),
  name: z.string(),
});

const origin = z.union([hex, z.strictObject({ label }), z.strictObject({ zero: z.literal(true) })]);
const id = z.union([hex, ref, z.strictObject({ of: envelope })]);

/** What a value means depends on the field that it stands in, so the driver judges it. */
const value: z.ZodType<Value> = z.lazy(() => z.union([z.string(), z.number(), z.boolean(), z.array(value), valueFields]));
const valueFields: z.ZodType<ValueFields> = z.lazy(() => z.record(z.string(), value));

const body = z.discriminatedUnion('type', [
  z.strictObject({ type: z.enum(['Ping', 'Pong']), nonce: bytesValue }),
  z.strictObject({ type: z.literal('GoAway'), code: z.number().int().nonnegative(), retryAfterMs: numberValue.exactOptional() }),
  z.strictObject({
    type: z.literal('Push'),
    topic: z.string(),
    items: z.array(z.strictObject({ hops: z.number().int().nonnegative(), envelope })),
  }),
  z.strictObject({ type: z.literal('Direct'), topic: z.string(), envelopes: z.array(envelope) }),
  z.strictObject({ type: z.literal('Prune'), origins: z.array(origin), backoffMs: numberValue }),
  z.strictObject({ type: z.literal('Graft'), origins: z.array(origin) }),
  z.strictObject({ type: z.literal('Ihave'), topic: z.string(), ids: z.array(id) }),
  z.strictObject({ type: z.enum(['Iwant', 'Idontwant']), ids: z.array(id) }),
  z.strictObject({ type: z.literal('message'), message: z.string(), fields: valueFields, tail: hex.exactOptional() }),
  z.strictObject({ type: z.literal('raw'), bytes: hex }),
]);

const frame = z.strictObject({
  kind: z.number().int().nonnegative().exactOptional(),
  requestId: numberValue.exactOptional(),
  body,
});

const handshakeMessage = z.union([z.literal(1), z.literal(2), z.literal(3)]);
const handshakeDefect = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('message1Payload'), bytes: hex }),
  z.strictObject({ kind: z.literal('message1Length'), size: z.number().int().nonnegative() }),
  z.strictObject({ kind: z.literal('zeroEphemeral') }),
  z.strictObject({ kind: z.literal('flipByte'), message: handshakeMessage, offset: z.number().int() }),
  z.strictObject({ kind: z.literal('oversize'), message: handshakeMessage, size: z.number().int().nonnegative() }),
  z.strictObject({ kind: z.literal('prologue'), networkId: z.string() }),
  z.strictObject({ kind: z.literal('staticKeySignature') }),
  z.strictObject({ kind: z.literal('otherStaticKey') }),
  z.strictObject({ kind: z.literal('side') }),
  z.strictObject({ kind: z.literal('reflectHello') }),
  z.strictObject({ kind: z.literal('context'), context: z.string() }),
  z.strictObject({ kind: z.literal('network'), networkId: z.string() }),
  z.strictObject({ kind: z.literal('version'), version: z.number().int().nonnegative() }),
  z.strictObject({ kind: z.literal('trailing'), bytes: hex }),
  z.strictObject({ kind: z.literal('minor'), min: z.number().int().nonnegative(), max: z.number().int().nonnegative() }),
  z.strictObject({ kind: z.literal('capabilities'), capabilities: texts }),
  z.strictObject({ kind: z.literal('addresses'), addresses: z.array(z.unknown()) }),
  z.strictObject({ kind: z.literal('replayMessage3') }),
  z.strictObject({ kind: z.literal('earlyData') }),
  z.strictObject({ kind: z.literal('stopAfter'), message: z.union([z.literal(0), z.literal(1), z.literal(2)]) }),
]);

const sealedDefect = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('flip'), offset: z.number().int() }),
  z.strictObject({ kind: z.literal('cut'), count: z.number().int().positive() }),
  z.strictObject({ kind: z.literal('hold') }),
]);

const datagramDefect = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('tag') }),
  z.strictObject({ kind: z.literal('network'), networkId: z.string() }),
  z.strictObject({ kind: z.literal('proof') }),
  z.strictObject({ kind: z.literal('noProof') }),
  z.strictObject({ kind: z.literal('tail'), bytes: hex }),
  z.strictObject({ kind: z.literal('cut'), count: z.number().int().nonnegative() }),
]);

const json: z.ZodType<Json> = z.lazy(() =>
  z.union([z.string(), z.number(), z.boolean(), z.null(), z.array(json), z.record(z.string(), json)]),
);

export const stepSchema: z.ZodType<Step> = z.discriminatedUnion('op', [
  z.strictObject({
    op: z.literal('open'),
    link,
    peer: label,
    mode: z.enum(['session', 'raw']),
    direction: z.enum(['inbound', 'outbound']).exactOptional(),
    dialled: z.string().exactOptional(),
    address: z.string().exactOptional(),
    capabilities: texts.exactOptional(),
    roles: z.number().int().nonnegative().exactOptional(),
    listenAddresses: texts.exactOptional(),
  }),
  z.strictObject({
    op: z.literal('handshake'),
    link,
    defect: handshakeDefect.exactOptional(),
    roles: z.number().int().nonnegative().exactOptional(),
    capabilities: texts.exactOptional(),
  }),
  z.strictObject({ op: z.literal('frames'), link, frames: z.array(frame), tail: hex.exactOptional() }),
  z.strictObject({ op: z.literal('plaintext'), link, bytes: hex, spoil: sealedDefect.exactOptional() }),
  z.strictObject({
    op: z.literal('raw'),
    link,
    bytes: z.union([hex, size, z.strictObject({ replay: z.literal(true) })]),
    text: z.boolean().exactOptional(),
    unfinished: z.literal(true).exactOptional(),
  }),
  z.strictObject({ op: z.literal('upgrade'), link, subprotocols: texts, extensions: z.string().exactOptional() }),
  z.strictObject({
    op: z.literal('advance'),
    ms: z.number().nonnegative(),
    wireMs: z.number().nonnegative().exactOptional(),
    pongs: z.boolean().exactOptional(),
  }),
  z.strictObject({ op: z.literal('publish'), topic: z.string(), data }),
  z.strictObject({ op: z.literal('closeLink'), link }),
  z.strictObject({ op: z.literal('connect'), address: z.string(), expected: label.exactOptional() }),
  z.strictObject({ op: z.literal('validated'), index: z.number().int().nonnegative(), verdict: z.enum(['accept', 'ignore', 'reject']) }),
  z.strictObject({ op: z.literal('dialFailed'), dialled: z.string().exactOptional() }),
  z.strictObject({ op: z.literal('resolved'), name: z.string(), texts }),
  z.strictObject({ op: z.literal('command'), command: z.string(), args: z.array(value), label }),
  z.strictObject({
    op: z.literal('datagram'),
    from: z.string(),
    frame,
    cookie: bytesValue.exactOptional(),
    token: bytesValue.exactOptional(),
    by: label.exactOptional(),
    defect: datagramDefect.exactOptional(),
  }),
  z.strictObject({ op: z.literal('rawDatagram'), from: z.string(), bytes: value }),
  z.strictObject({
    op: z.literal('behave'),
    as: z.string(),
    with: json.exactOptional(),
    link: link.exactOptional(),
    at: z.union([z.string(), texts]).exactOptional(),
    peer: label.exactOptional(),
    capabilities: texts.exactOptional(),
    roles: z.number().int().nonnegative().exactOptional(),
    listenAddresses: texts.exactOptional(),
  }),
  z.strictObject({ op: z.literal('crash') }),
  z.strictObject({ op: z.literal('restart') }),
]);

export const setupSchema: z.ZodType<Setup> = z.strictObject({
  overrides: z.record(z.string(), z.string()).exactOptional(),
  stakes: z.boolean().exactOptional(),
  stakeAmounts: z.record(z.string(), z.number().int().nonnegative()).exactOptional(),
  applicationValidation: z.boolean().exactOptional(),
  bootstrap: texts.exactOptional(),
  protectedPeers: z.array(label).exactOptional(),
  roles: z.number().int().nonnegative().exactOptional(),
  listenAddresses: texts.exactOptional(),
  ledger: z
    .strictObject({
      genesisMs: z.number().int(),
      accounts: z.array(z.strictObject({ peer: label, nonce: amount, balance: amount })),
      leaders: z.array(label),
    })
    .exactOptional(),
});

export const planSchema: z.ZodType<Plan> = z.strictObject({ setup: setupSchema, steps: z.array(stepSchema) });
