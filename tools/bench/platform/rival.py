# SPDX-License-Identifier: GPL-3.0-or-later
"""The dashboard drawn by Chart.js instead of uPlot, for comparison: fetched by npm when it is asked
for, and never part of the site.
"""

import hashlib
import shutil
import subprocess
import tarfile
from pathlib import Path

from tools.harness.testbed import Platform

ROOT = Path(__file__).resolve().parents[3]
CACHE = ROOT / ".cache" / "bench-page"
# npm package and version, the file of it that is served, SHA-512 of the archive
PACKAGES = (
    (
        "chart.js@4.6.1",
        "package/dist/chart.umd.min.js",
        "849ca78ae72c166abffc4bd762f27a73a99a84fa08de46b1763547f1ac13689fdf0cd59e4aaaaa02b8b13095a458d37a7dc62f3d4dc79de480345358b518bad6",
    ),
    (
        "chartjs-adapter-date-fns@3.0.0",
        "package/dist/chartjs-adapter-date-fns.bundle.min.js",
        "46cde2101dd0e6927def727ddce053a673fbaa81b0beade7527a0c76dc4efbd6a82687fb5057116d67080ed797b987757e002f72dff7d93f6a68bc8bb995700a",
    ),
)
SETTINGS = """
from flukso_server.project.settings import *
STATICFILES_DIRS = [{static!r}]
TEMPLATES[0]["DIRS"] = [{templates!r}]
"""
HEAD = """{% load static dashboard %}
<link rel="preload" as="fetch" crossorigin href="{{ first.wide }}">
<link rel="stylesheet" href="{% bundle 'dashboard/chart.css' %}">
<script defer src="{% static 'chart.js' %}"></script>
<script defer src="{% static 'chartjs-adapter-date-fns.js' %}"></script>
<script defer src="{% static 'rival.js' %}"></script>
{{ config|json_script:"config" }}{{ first.wide|json_script:"first" }}
"""
SCRIPT = """
const place = document.getElementById("chart");
const colours = ["#f1572f", "#44c3d3", "#7aab5a", "#fbeb0d", "#a052a0"];
fetch(JSON.parse(document.getElementById("first").textContent))
.then((answer) => answer.json()).then((told) => {
  let at = 0;
  const times = told.t.map((step) => (at += step) * 1000);
  const canvas = document.createElement("canvas");
  place.replaceChildren(canvas);
  const datasets = told.lines.map((line, i) => ({
    label: line.name, borderColor: colours[i], borderWidth: 1.5, pointRadius: 0,
    stepped: true, normalized: true, parsing: false,
    data: line.v.map((y, j) => ({ x: times[j], y })),
  }));
  new Chart(canvas, {
    type: "line", data: { datasets },
    options: {
      animation: false, maintainAspectRatio: false,
      scales: { x: { type: "time" }, y: { beginAtZero: true } },
    },
    plugins: [{ id: "mark", afterDraw: () => performance.mark("chart-drawn") }],
  });
  place.dataset.points = told.lines.reduce((sum, line) => sum + line.v.length, 0);
});
"""


def fetch() -> dict[str, bytes]:
    """name.js -> its text. SystemExit when npm is missing or an archive is another one."""
    if not shutil.which("npm"):
        raise SystemExit("bench: npm is needed to fetch what is compared with")
    CACHE.mkdir(parents=True, exist_ok=True)
    found = {}
    for package, member, digest in PACKAGES:
        archive = CACHE / (package.replace("@", "-") + ".tgz")
        if not archive.exists():
            subprocess.run(
                ["npm", "pack", "--silent", package],
                cwd=CACHE,
                check=True,
                stdout=subprocess.DEVNULL,
            )
        if hashlib.sha512(archive.read_bytes()).hexdigest() != digest:
            archive.unlink()
            raise SystemExit(f"bench: {archive.name} is not what was pinned")
        with tarfile.open(archive) as opened:
            file = opened.extractfile(member)
            assert file
            found[package.split("@")[0].removesuffix(".js") + ".js"] = file.read()
    return found


def beside(platform: Platform, folder: Path) -> Platform:
    """Another service of the same platform, with Chart.js in the dashboard's head."""
    static, templates = folder / "static", folder / "templates"
    static.mkdir(parents=True)
    (templates / "dashboard").mkdir(parents=True)
    for name, text in fetch().items():
        (static / name).write_bytes(text)
    (static / "rival.js").write_text(SCRIPT)
    (templates / "dashboard" / "chart_head.html").write_text(HEAD)
    (folder / "rival_settings.py").write_text(
        SETTINGS.format(static=str(static), templates=str(templates))
    )
    settings = {
        name: value for name, value in platform.environment.items() if name.startswith("FLUKSO_")
    }
    path = f"{folder}:{platform.environment.get('PYTHONPATH', '')}"
    return Platform(
        platform.folder, None, **settings, PYTHONPATH=path, DJANGO_SETTINGS_MODULE="rival_settings"
    )
