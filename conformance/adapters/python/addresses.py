"""Addresses: their texts, their form (common.proto), class, subnet and policy (chapter 08, Addresses).

An address is the dictionary of its message's fields. An IP address alone is 4 or 16 bytes.
"""

import ipaddress
import re

WS, WSS, UDP = 1, 2, 3
SCHEMES = {"ws": WS, "wss": WSS, "udp": UDP}
NAMES = {number: name for name, number in SCHEMES.items()}
HOST_NAME = re.compile(r"[a-z0-9.-]{1,253}")
PORT = re.compile(r"[1-9][0-9]{0,4}")


def _ranges(text):
    return [ipaddress.ip_network(each) for each in text.split()]


CLASSES = (  # DHT-010: the first line that holds the address
    ("local", _ranges("::1/128")),  # "::/96 but ::1"
    ("never", _ranges("0.0.0.0/8 224.0.0.0/4 255.255.255.255/32 ::/96 ::ffff:0:0/96 ff00::/8")),
    ("local", _ranges("10.0.0.0/8 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.168.0.0/16 fc00::/7 fe80::/10")),
    (
        "reserved",
        _ranges(
            "100.64.0.0/10 192.0.0.0/24 192.0.2.0/24 192.88.99.0/24 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24"
            " 240.0.0.0/4 2001::/23 2001:db8::/32 2002::/16 3fff::/20"
        ),
    ),
    ("public", _ranges("0.0.0.0/0 2000::/3")),
)
ADMISSIBLE = {
    "public": ("public",),
    "devnet": ("public", "local"),
    "simulated": ("public", "local", "reserved"),
}


def ip_class(ip):
    address = ipaddress.ip_address(ip)
    for name, ranges in CLASSES:
        if any(address in each for each in ranges if each.version == address.version):
            return name
    return "reserved"  # everything outside 2000::/3


def limits_hold(policy, ip):
    return not (policy == "devnet" and ip_class(ip) == "local")


def subnet(ip):
    return ip[:3] if len(ip) == 4 else ip[:6]


def unmapped(ip):
    """An IPv4 address inside IPv6 is the IPv4 address."""
    return ip[12:] if len(ip) == 16 and ip[:12] == bytes(10) + b"\xff\xff" else ip


# --- addresses of messages ---------------------------------------------------------------------


def host(address):
    """4 or 16 bytes, a text, or None when the host is not of the form of common.proto."""
    given = [address[name] for name in ("ip4", "ip6", "dns") if address[name]]
    if len(given) != 1:
        return None
    if address["dns"]:
        return address["dns"] if HOST_NAME.fullmatch(address["dns"]) else None
    return given[0] if len(given[0]) == (4 if address["ip4"] else 16) else None


def well_formed(address):
    """SES-024."""
    return host(address) is not None and 1 <= address["port"] <= 65535


def admissible(policy, address):
    """DHT-011; an address that is not well-formed, or of no transport that is known, is no address."""
    if not well_formed(address) or address["transport"] not in NAMES:
        return False
    at = host(address)
    return isinstance(at, str) or ip_class(at) in ADMISSIBLE[policy]


def is_local(at):
    return not isinstance(at, str) and ip_class(at) == "local"


def make(at, port, transport):
    out = {"ip4": b"", "ip6": b"", "dns": "", "port": port, "transport": transport}
    out["dns" if isinstance(at, str) else "ip4" if len(at) == 4 else "ip6"] = at
    return out


# --- texts -------------------------------------------------------------------------------------


def text(address):
    """`ws://…`, `wss://…` or `udp://…`."""
    return NAMES[address["transport"]] + "://" + endpoint(host(address), address["port"])


def endpoint(at, port):
    """HOST:PORT, an IPv6 address in brackets."""
    if isinstance(at, str):
        return "%s:%d" % (at, port)
    shown = ipaddress.ip_address(at).compressed
    return ("[%s]:%d" if len(at) == 16 else "%s:%d") % (shown, port)


def parse_ip(shown):
    try:
        return unmapped(ipaddress.ip_address(shown).packed)
    except ValueError:
        return None


def parse_endpoint(shown):
    """(IP bytes or host name, port), or None."""
    at, colon, port = shown.rpartition(":")
    if not colon or not PORT.fullmatch(port) or int(port) > 65535:
        return None
    if "%" in at:
        return None  # a zone means something on one machine only
    if at.startswith("[") and at.endswith("]"):
        try:
            return ipaddress.IPv6Address(at[1:-1]).packed, int(port)
        except ValueError:
            return None
    try:
        return ipaddress.IPv4Address(at).packed, int(port)
    except ValueError:
        pass
    if not HOST_NAME.fullmatch(at) or not at.strip("0123456789."):  # 5.9.7.256 is no name either
        return None
    return at, int(port)


def parse(shown):
    """The address of a text `ws://HOST:PORT` and so on, or None."""
    scheme, found, rest = shown.partition("://")
    place = parse_endpoint(rest) if found and scheme in SCHEMES else None
    return make(*place, SCHEMES[scheme]) if place else None
