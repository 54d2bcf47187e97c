/** How many strangers may be at the door: inbound connections without a complete handshake. Spec: SES-010, SES-011. */
import type { Params } from '../params.ts';
import type { ClauseId } from '../types.ts';

/** Counts of inbound connections without a complete handshake, in all and by address; an address without any has no entry. */
export interface Admission {
  total: number;
  readonly byAddress: Map<string, number>;
}

/** Nobody at the door. */
export function createAdmission(): Admission {
  return { total: 0, byAddress: new Map() };
}

/** Counts a new connection in, or names the clause that refuses it and counts nothing. */
export function admit(params: Params, admission: Admission, address: string): ClauseId | undefined {
  const sameAddress = admission.byAddress.get(address) ?? 0;
  if (sameAddress >= params['session.half_open_per_address_max']) return 'SES-010';
  if (admission.total >= params['session.half_open_max']) return 'SES-011';
  admission.total += 1;
  admission.byAddress.set(address, sameAddress + 1);
  return undefined;
}

/** Counts out a connection that was counted in: its handshake is complete, or it is gone. */
export function release(admission: Admission, address: string): void {
  const left = (admission.byAddress.get(address) ?? 0) - 1;
  admission.total -= 1;
  if (left > 0) admission.byAddress.set(address, left);
  else admission.byAddress.delete(address);
}
