/**
 * Clauses whose breach is a fault even when it shows once: what was forged, replayed or not accepted has
 * had an effect, or two peers were confused. No schedule of a busy machine brings that about.
 */
const SAFETY_CLAUSES: ReadonlySet<string> = new Set([
  'IDN-042', // other bytes passed on than were received
  'SES-004', // an ephemeral key used twice
  'SES-005', // a zero secret taken
  'SES-006', // an undecryptable handshake message taken
  'SES-012', // frames before the handshake was complete
  'SES-013', // a session across networks
  'SES-014', // an identity that was not proven
  'SES-015',
  'SES-016',
  'SES-017',
  'SES-018',
  'SES-030', // a forged or repeated transport message taken
  'SES-056', // a Ping nonce used twice
  'GSP-014', // a message of another topic taken
  'GSP-018', // a forged message taken
  'GSP-022', // a message delivered twice
  'GSP-023', // a message passed on that was not accepted
  'WIR-036', // a frame taken behind the one that ended the session
]);

/** Whether a single finding against the clause is failed although it does not repeat. */
export function isSafetyClause(clause: string): boolean {
  return SAFETY_CLAUSES.has(clause);
}
