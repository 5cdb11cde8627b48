// SPDX-License-Identifier: GPL-3.0-or-later
// uPlot, without what it asks of Intl as it loads: number formats and the browser's time zone, which are not used here (see dates.js).

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
