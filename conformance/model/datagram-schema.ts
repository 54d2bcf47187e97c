/** What travels by datagram only. Spec: `datagram.proto`. */
import { defineNoun, type NounSchema } from './schema.ts';

/** The body of kind 8 is empty: its token stands in the datagram's header. */
export const datagramSchema: NounSchema = defineNoun({ messages: { Retry: {} } });
