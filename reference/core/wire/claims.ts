/** The forms of what a node claims of itself, in its hello and in its contact record: capabilities and addresses. */
import type { Address } from '../../../proto/gen/carillon/v1/common_pb.ts';
import { compareBytes, encodeUtf8 } from '../bytes.ts';

// "without a leading zero" leaves the version 0 alone: its only digit leads nothing.
const CAPABILITY_FORM = /^[a-z0-9-]{1,32}\/(?:0|[1-9][0-9]{0,4})$/;
const DNS_FORM = /^[a-z0-9.-]{1,253}$/;
const PORT_MAX = 65535;

/** Whether a hello's list is short enough, of the right form, ascending by bytes and without repetition. Spec: SES-021 */
export function areCapabilitiesInOrder(texts: readonly string[], countMax: number): boolean {
  if (texts.length > countMax) return false;
  let previous: Uint8Array | undefined;
  for (const text of texts) {
    if (!CAPABILITY_FORM.test(text)) return false;
    const bytes = encodeUtf8(text);
    if (previous !== undefined && compareBytes(previous, bytes) >= 0) return false;
    previous = bytes;
  }
  return true;
}

/** Whether an address names one host and a port in their forms. Spec: SES-024 */
export function isAddressInOrder(address: Address): boolean {
  const { host, port } = address;
  if (port < 1 || port > PORT_MAX) return false;
  switch (host.case) {
    case 'ip4':
      return host.value.length === 4;
    case 'ip6':
      return host.value.length === 16;
    case 'dns':
      return DNS_FORM.test(host.value);
    case undefined:
      return false;
  }
}
