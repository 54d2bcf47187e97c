/** Counts connections at the door, from the first byte of TCP to the end of the handshake. Spec: SES-010, SES-011 */

/** Counts per address and in all. */
export interface HalfOpen {
  /** Counts one in; false, and nothing counted, at a bound. */
  enter(address: string): boolean;
  leave(address: string): void;
  count(): number;
}

/** Nobody at the door. */
export function createHalfOpen(totalMax: number, perAddressMax: number): HalfOpen {
  const byAddress = new Map<string, number>();
  let total = 0;
  return {
    enter: (address) => {
      const same = byAddress.get(address) ?? 0;
      if (total >= totalMax || same >= perAddressMax) return false;
      total += 1;
      byAddress.set(address, same + 1);
      return true;
    },
    leave: (address) => {
      const left = (byAddress.get(address) ?? 0) - 1;
      if (left < 0) return;
      total -= 1;
      if (left > 0) byAddress.set(address, left);
      else byAddress.delete(address);
    },
    count: () => total,
  };
}

/** The textual address as limits see it: an IPv4 address that came through an IPv6 socket is itself again. */
export function plainAddress(address: string | undefined): string {
  if (address === undefined) return '0.0.0.0';
  return address.replace(/^::ffff:(?=\d+\.\d+\.\d+\.\d+$)/i, '');
}
