# SPDX-License-Identifier: GPL-3.0-or-later
"""Which tuples are believed, and what they count: the rule in plain words, for small series."""

WRAP = 1 << 32
HEARTBEAT_S = 8_640_000
DAY = 86_400
RATE = 20


def is_large(a, b, day_wh):
    """Over more than an hour, more than 1.5 times what days of day_wh count; but rungs of days."""
    elapsed = b[0] - a[0]
    rung = elapsed == DAY and b[0] % DAY == 0
    days = max(elapsed / DAY, 1)
    return elapsed > 3600 and not rung and b[1] - a[1] > 1.5 * day_wh * days


def rises_well(a, b):
    elapsed, rise = b[0] - a[0], b[1] - a[1]
    return 0 <= rise <= RATE * elapsed + elapsed / 60 + 1


def wraps(a, b):
    return b[1] < a[1] and b[1] - a[1] + WRAP <= RATE * (b[0] - a[0])


def is_pulse(a, b):
    rise = b[1] - a[1]
    return 0 < rise <= 10_000 and a[1] > 0 and a[1] % rise == 0


def neighbours_fit(a, b, highest):
    if b[1] < a[1] or (not rises_well(a, b) and not is_pulse(a, b)):
        return False
    return not (is_large(a, b, 10_000) and is_large(a, b, highest))


def bridges(a, b):
    """Tuples between these two may be set aside."""
    if b[0] - a[0] > DAY // 4:
        return False
    return wraps(a, b) or (rises_well(a, b) and (b[0] - a[0] <= 3600 or b[1] - a[1] <= 15_000))


def highest_day(points):
    """The Wh of the highest UTC day, of what lies in no large gap; rungs tell little."""
    days, known, rungs = {}, {}, []
    for a, b, energy, _known in counted(points, 0.0):
        elapsed = b[0] - a[0]
        if elapsed == DAY and b[0] % DAY == 0:
            rungs.append(energy)
        elif elapsed <= DAY and not is_large((a[0], 0), (b[0], energy), 10_000):
            day = (b[0] - 1) // DAY
            days[day] = days.get(day, 0) + energy
            known[day] = known.get(day, 0) + elapsed
    highest = max([*days.values(), *sorted(rungs)[-2:-1], 0])
    many = len(rungs) + sum(seconds > DAY * 3 / 4 for seconds in known.values())
    return max(highest, 10_000 if many >= 7 else 100_000)


def intervals(points):
    """(tuple, next believed tuple, energy, known seconds) of points in order."""
    return counted(points, highest_day(points))


def counted(points, highest):
    cut = [not neighbours_fit(a, b, highest) for a, b in zip(points, points[1:], strict=False)]
    runs = []  # lists of indices; a point beside a cut is a run by itself
    for i in range(len(points)):
        if i and not any(cut[max(i - 2, 0) : i + 1]):
            runs[-1].append(i)
        else:
            runs.append([i])
    believed = []  # each day's are judged by the runs of that day and six hours around it
    for day in sorted({ts // DAY for ts, _counter in points}):
        low, high = day * DAY - DAY // 4, (day + 1) * DAY + DAY // 4
        near = [r for r in runs if points[r[-1]][0] >= low and points[r[0]][0] < high]
        chain = cheapest(points, near, cut)
        believed += [i for run in chain for i in run if points[i][0] // DAY == day]
    broken = [b == a + 1 and cut[a] for a, b in zip(believed, believed[1:], strict=False)]
    answer = []
    for n, (i, j) in enumerate(zip(believed, believed[1:], strict=False)):
        a, b = points[i], points[j]
        energy, known = b[1] - a[1], b[0] - a[0]
        if broken[n]:
            reach = RATE * known
            if known > 3600:
                reach = min(reach, 1.5 * highest * max(known / DAY, 1))
            begins = b[1] < a[1] and b[1] <= reach and not any(broken[n + 1 : n + 2])
            if wraps(a, b) and energy + WRAP <= reach:
                begins, b = True, (b[0], energy + WRAP)
            energy, known = (b[1], known) if begins else (0, 0)
        elif wraps(a, b):
            energy += WRAP
        answer.append((a, points[j], energy, known if b[0] - a[0] <= HEARTBEAT_S else 0))
    return answer


def cheapest(points, runs, cut):
    """The chain of runs to the last one that costs least: 16 a step, 1.5 a wrap, and of a run left
    out one and its minutes.
    """
    best = []  # (cost, chain) that ends in each run
    for n, run in enumerate(runs):
        if not n:
            best.append((0.0, [run]))
            continue
        first = points[run[0]]
        step = 0.0
        if cut[run[0] - 1]:
            step = 1.5 if wraps(points[run[0] - 1], first) else 16.0
        options = [(best[n - 1][0] + step, best[n - 1][1])]
        for back in range(2, min(8, n) + 1):
            left = points[runs[n - back][-1]]
            if bridges(left, first):
                between = runs[n - back + 1 : n]
                out = sum(1 + (points[r[-1]][0] - points[r[0]][0]) / 60 for r in between)
                wrap = 1.5 if wraps(left, first) else 0
                options.append((best[n - back][0] + out + wrap, best[n - back][1]))
        cost, chain = min(options, key=lambda option: option[0])
        best.append((cost, [*chain, run]))
    return best[-1][1] if best else []
