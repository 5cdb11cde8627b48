# SPDX-License-Identifier: GPL-3.0-or-later
"""The networks that an address belongs to, from one subscriber's to a provider's; pure."""

import ipaddress
from functools import lru_cache
from typing import NamedTuple

_OWN = ("127.0.0.1", "::1")  # this machine's; who has others of 127/8 has asked for them
# Prefix lengths of IPv4 and of IPv6.
# A household has one IPv4 address, or 64 bits of IPv6 (mostly more, but never less).
_HOME = (32, 64)
# What one customer is given at most without a contract: a company's IPv4 addresses, or the 48 bits
# that tunnel brokers and hosters give away, with 65,536 homes in them.
_SITE = (24, 48)
# A provider's: who has all of it, as a member of a registry may, is one of a few ten thousand.
_BLOCK = (16, 32)


class Networks(NamedTuple):
    """Three networks, each within the next; "" for what tells nothing."""

    home: str
    site: str
    block: str


NOWHERE = Networks("", "", "")


@lru_cache(4096)
def networks(text: str) -> Networks:
    """Return the networks of an address; NOWHERE for this machine's own, or for what is none."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return NOWHERE
    if address.version == 6 and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    if str(address) in _OWN:
        return NOWHERE
    at = 0 if address.version == 4 else 1
    return Networks(*[_network(address, sizes[at]) for sizes in (_HOME, _SITE, _BLOCK)])


def of_home(home: str) -> Networks:
    """Return the networks of an address or of a home's 64 bits, as Networks.home has them."""
    return networks(home.partition("/")[0])


def _network(address, size: int) -> str:
    if size == address.max_prefixlen:
        return str(address)
    return str(ipaddress.ip_network((address, size), strict=False))
