/** Address ranges that one owner is likely to have as a whole. Spec: chapters 03, 08 and 10 */

const MAPPED = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i;
const IPV4 = /^(\d+\.\d+\.\d+)\.\d+$/;
const GROUPS_OF_48_BITS = 3;
const GROUPS = 8;

/** The address that is meant: an IPv6 address that maps an IPv4 one is that one. */
export function plainIp(ip: string): string {
  return MAPPED.exec(ip)?.[1] ?? ip;
}

/** The /24 of an IPv4 address, the /48 of an IPv6 one, as a text to compare; the text itself when it is no IP address. */
export function subnetOf(ip: string): string {
  const plain = plainIp(ip);
  const short = IPV4.exec(plain)?.[1];
  if (short !== undefined) return short;
  if (!plain.includes(':')) return plain;
  const [head = '', tail] = plain.toLowerCase().split('::');
  const first = groupsOf(head);
  const zeros = tail === undefined ? 0 : Math.max(0, GROUPS - first.length - groupsOf(tail).length);
  const groups = [...first, ...Array.from({ length: zeros }, () => '0'), ...groupsOf(tail ?? '')];
  return groups.slice(0, GROUPS_OF_48_BITS).join(':');
}

/** Groups of 16 bits without leading zeros; a trailing IPv4 address counts as two. */
function groupsOf(text: string): readonly string[] {
  if (text === '') return [];
  return text.split(':').flatMap((group) => (group.includes('.') ? ['v4', 'v4'] : [group.replace(/^0+(?=.)/, '')]));
}
