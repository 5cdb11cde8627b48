// SPDX-License-Identifier: GPL-3.0-or-later
// The last day of one sensor, by minute; drawn again each minute, and when the window changes.
"use strict";

(function () {
  const HEIGHT_PX = 320;
  const REFRESH_MS = 60000;
  const place = document.getElementById("day");
  const legend = document.getElementById("legend");
  let chart = null;

  function colour(name) {
    return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  }

  function options() {
    const axis = { stroke: colour("--soft"), grid: { stroke: colour("--line"), width: 1 } };
    return {
      width: place.clientWidth,
      height: HEIGHT_PX,
      series: [{}, { label: "W", stroke: "#F1572F", width: 1.5, spanGaps: false }],
      axes: [axis, { ...axis, size: 60 }],
      scales: { y: { range: (u, low, high) => [Math.min(0, low), Math.max(high, 10) * 1.05] } },
    };
  }

  function tell(values) {
    const known = values.filter((value) => value !== null);
    if (!known.length) {
      legend.textContent = "No value in the last day.";
      return;
    }
    const sum = known.reduce((total, value) => total + value, 0);
    legend.textContent =
      `min ${Math.min(...known)} W, max ${Math.max(...known)} W, ` + `avg ${Math.round(sum / known.length)} W, last ${known[known.length - 1]} W`;
  }

  function draw(data) {
    if (chart) {
      chart.setData(data);
    } else {
      place.textContent = "";
      chart = new uPlot(options(), data, place);
    }
    tell(data[1]);
    place.dataset.drawn = String(data[0].length);
  }

  async function refresh() {
    try {
      const answer = await fetch(place.dataset.series, { headers: { Accept: "application/json" } });
      if (!answer.ok) {
        throw new Error(`answer ${answer.status}`);
      }
      draw(await answer.json());
    } catch (error) {
      legend.textContent = "The server cannot be reached; it is tried again each minute.";
    }
  }

  addEventListener("resize", () => chart && chart.setSize({ width: place.clientWidth, height: HEIGHT_PX }));
  refresh();
  setInterval(refresh, REFRESH_MS);
})();
