/**
 * Bounds of the runtime that no peer can see, and that chapter 19 therefore does not name. Each
 * says what happens at the bound.
 */

/** Inputs that wait for the core; a further one is refused and, if a connection brought it, ends that connection. */
export const QUEUED_INPUTS_MAX = 16_384;

/** Inputs handled before the process looks at its timers and sockets again. */
export const INPUTS_PER_TURN_MAX = 1_024;

/** Bytes that one connection may have waiting to be sent; beyond them it is closed. */
export const SEND_BUFFER_BYTES_MAX = 8_388_608;

/** Bytes of one datagram, chapter 03; a larger one is not sent. */
export const DATAGRAM_BYTES_MAX = 1_232;

/** Datagrams that may wait to be sent; a further one is dropped. */
export const DATAGRAMS_WAITING_MAX = 1_024;

/** Inputs that may wait for the core when a datagram comes; beyond them it is dropped, for sessions must not starve. */
export const QUEUED_BEFORE_DATAGRAM_MAX = 4_096;

/** DNS names that are looked up at a time; a further one has no records. */
export const RESOLUTIONS_MAX = 16;

/** How long the look-up of a DNS name may take. */
export const RESOLUTION_MS_MAX = 5_000;

/** Texts and bytes of a DNS name's TXT records that are handed to the core; the rest is dropped. */
export const RESOLVED_TEXTS_MAX = 256;
export const RESOLVED_TEXT_BYTES_MAX = 512;

/** Requests of the application that may wait for their outcome; a further one is refused. */
export const REQUESTS_WAITING_MAX = 1_024;

/** How long the two ends may take to say goodbye; then the connection is cut. Half of the shortest `session.reaction_ms_max` in use. */
export const CLOSE_GRACE_MS = 500;

/** How long `stop` waits for connections to end by themselves. */
export const STOP_GRACE_MS = 1_500;

/** Pieces of one WebSocket message that may wait for its end; beyond them the connection is closed. */
export const MESSAGE_PIECES_MAX = 16_384;

/** WebSocket pongs that may wait to be sent; beyond them the connection is closed. */
export const WEBSOCKET_PONGS_MAX = 60;

/** Shortest and longest pause before a configured peer is dialled again. */
export const REDIAL_MS_MIN = 500;
export const REDIAL_MS_MAX = 60_000;

/** A session that lasted so long was a good one: the next pause is the shortest again. */
export const STABLE_SESSION_MS = 10_000;

/** A timer of the system cannot wait longer; the loop wakes and waits again. */
export const TIMER_MS_MAX = 2_147_483_647;

/** Peers that a configuration may name. */
export const CONFIGURED_PEERS_MAX = 1_024;

/** Addresses, and DNS names, of first nodes that a configuration may name. */
export const BOOTSTRAP_MAX = 256;

/** Entries that a stake table may have. */
export const STAKES_MAX = 100_000;

/** A configuration or network file is at most this long. */
export const CONFIG_BYTES_MAX = 16_777_216;
