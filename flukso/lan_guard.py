# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may ask what of the LAN API: any page for readings, our own page and programs for everything
(docs/guide/lan.md); pure.
"""

from flukso.numerals import digits

READINGS = "/sensor/"  # what begins so is for every page, under every name
PAGE = "/"

# every page may read readings: what they show is no secret within the LAN
CORS = "Access-Control-Allow-Origin: *\r\n"
PREFLIGHT = (
    "Access-Control-Allow-Methods: GET\r\nAccess-Control-Allow-Headers: "
    "X-Version\r\nAccess-Control-Max-Age: 86400\r\n"
)
# neither in a frame nor as a part of another origin's page
_PRIVATE = (
    "X-Frame-Options: DENY\r\nCross-Origin-Resource-Policy: same-origin\r\nReferrer-Policy: "
    "no-referrer\r\n"
    "Content-Security-Policy: default-src 'none'; {}frame-ancestors 'none'; base-uri 'none'; "
    "form-action 'none'\r\n"
)
PRIVATE = _PRIVATE.format("")
# the page's own style and script, its own data, nothing from elsewhere
PRIVATE_PAGE = _PRIVATE.format(
    "style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'; "
)

HOST_MAX = 253  # characters of a DNS name
HOST_LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789-_."


def is_reading(target: str) -> bool:
    return target.startswith(READINGS)


def headers_for(target: str) -> str:
    """Return the header lines that tell browsers who may use the answer to this target."""
    if is_reading(target):
        return CORS
    return PRIVATE_PAGE if target.partition("?")[0] == PAGE else PRIVATE


def why_not(headers: dict, own_names) -> "str | None":
    """Return the sentence that refuses a request for other things than readings, or None.

    headers have lower-case names. own_names() returns the device's names in lower case, beside
    addresses and localhost: by DNS rebinding a hostile page reaches the device under a name of its
    own, and is of the same origin to the browser.
    """
    site = headers.get("sec-fetch-site", "none")
    if "origin" in headers or site not in ("none", "same-origin", "same-site"):
        return "pages of other sites may read the sensors alone: type this address yourself"
    if site == "same-site" and headers.get("sec-fetch-mode") != "navigate":
        return (
            "pages of other servers on this machine may read the sensors alone: type this "
            "address yourself"
        )
    name = host_name(headers.get("host", ""))
    if name is None or not (is_address(name) or name == "localhost" or name in own_names()):
        return (
            "this is not a name of this device: use its address or its own name, or set the "
            "option lan_name"
        )
    return None


def host_name(host: str) -> "str | None":
    """Return the name or address in a Host header, in lower case; None when there is none.

    An IPv6 address stands in brackets.
    """
    text = host.lower()
    if text.startswith("["):
        name, bracket, port = text.partition("]")
        name += bracket
        known = is_address(name)
    else:
        name, colon, port = text.partition(":")
        port = colon + port
        name = name[:-1] if name.endswith(".") else name
        known = 0 < len(name) <= HOST_MAX and all(letter in HOST_LETTERS for letter in name)
    if not known or not (port in ("", ":") or (port[0] == ":" and digits(port[1:], 5) is not None)):
        return None
    return name


def is_address(name: str) -> bool:
    """Say whether this is an IPv4 address in its usual form, or an IPv6 address in brackets."""
    if name.startswith("["):
        inner = name[1:-1]
        return (
            name.endswith("]")
            and ":" in inner
            and len(inner) <= 45
            and all(letter in "0123456789abcdef:." for letter in inner)
        )
    parts = name.split(".")
    return len(parts) == 4 and all(
        digits(part, 3) is not None and int(part) <= 255 for part in parts
    )


def names(hostname: str, announced: str, configured: str, domains) -> set:
    """Return the names that are the device's.

    Its machine's and its announced host name, each bare, under .local and under the LAN's domains;
    the machine's whole name; the configured one.
    """
    known = set()
    whole = _name(hostname)
    bare, _, own_domain = whole.partition(".")
    for host in (bare, _name(announced)):
        if host:
            known.add(host)
            for domain in ["local", own_domain] + [_name(domain) for domain in domains]:
                if domain:
                    known.add(host + "." + domain)
    if _name(configured):
        known.add(_name(configured))
    return known


def _name(text):
    """Return a name as host_name() does, "" for what is none."""
    return host_name(text.strip()) or ""


def search_domains(resolv_conf: str) -> list:
    """Return the domains of a resolv.conf, of its `domain` and `search` lines."""
    domains = []
    for line in resolv_conf.split("\n"):
        words = line.split()
        if words and words[0] in ("domain", "search"):
            domains += words[1:]
    return domains
