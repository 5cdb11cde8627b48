# SPDX-License-Identifier: GPL-3.0-or-later
"""What OpenWrt's umdns announces of a service, by what procd was told of it
(tests/vectors/umdns.json).
"""

PREFIX = ["data", "mdns"]


def announced(definition: list[str], host: str = "OpenWrt") -> list[dict]:
    """Every instance of a service whose definition this is: with the name that it was given, or the
    host's.
    """
    found: dict[str, dict] = {}
    if not any(line.startswith("command ") for line in definition):
        return []
    for line in definition:
        names, _, value = line.partition(": ")
        words = names.split(" ")
        if words[:2] != PREFIX:
            continue
        entry = found.setdefault(words[2], {"instance": host, "port": 0, "txt": []})
        if words[3] == "txt":
            entry["txt"].append(value)
        elif words[3] == "port":
            entry["port"] = int(value)
        elif words[3] == "instance":
            entry["instance"] = value
    return [found[name] for name in sorted(found)]
