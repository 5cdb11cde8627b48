// SPDX-License-Identifier: GPL-3.0-or-later
// Loads uPlot without Intl, from which it would ask number formats and the browser's time zone;
// neither is used here (see dates.js).

const Intl = {
  NumberFormat: class {
    format(value) {
      return String(value);
    }
  },
  DateTimeFormat: class {
    resolvedOptions() {
      return {};
    }
  },
};

import "./vendor/uPlot.iife.min.js";

export { uPlot };
