// Prometheus text, and what happened between two pages of it.

// Keeps pages of one process for this long: rates and percentiles are over it.
const WINDOW_MS = 60000;

// {name: [{labels: {…}, value}]}
function parseMetrics(text) {
  const families = new Map();
  for (const line of text.split("\n")) {
    if (line === "" || line.startsWith("#")) continue;
    const found = /^([^{\s]+)(?:\{(.*)\})? (\S+)$/.exec(line);
    if (!found) continue;
    const labels = {};
    for (const [, name, value] of (found[2] ?? "").matchAll(/([A-Za-z_]\w*)="((?:[^"\\]|\\.)*)"/g)) {
      labels[name] = value.replace(/\\(.)/g, (_, c) => (c === "n" ? "\n" : c));
    }
    if (!families.has(found[1])) families.set(found[1], []);
    families.get(found[1]).push({labels, value: Number(found[3] === "+Inf" ? Infinity : found[3])});
  }
  return families;
}

const matches = (labels, wanted) => Object.entries(wanted).every(([name, value]) => labels[name] === value);

class History {
  #pages = [];  // {at, families}, oldest first

  add(at, families) {
    const started = (page) => sumOf(page, "process_start_time_seconds") + ":" + labelOf(page, "etcd_server_id", "server_id");
    // Another process, or the same one started anew: its counters have nothing to do with the last ones.
    if (this.#pages.length && started(this.#pages.at(-1).families) !== started(families)) this.#pages = [];
    this.#pages.push({at, families});
    while (this.#pages.length > 2 && this.#pages[0].at < at - WINDOW_MS) this.#pages.shift();
  }

  get latest() { return this.#pages.at(-1)?.families ?? new Map(); }
  value(name, wanted = {}) { return sumOf(this.latest, name, wanted); }

  // A second, over the last `pages` intervals (all by default); null before there are two pages.
  rate(name, wanted = {}, pages = this.#pages.length) {
    const first = this.#pages.at(-Math.min(pages + 1, this.#pages.length));
    const last = this.#pages.at(-1);
    if (!first || first === last) return null;
    const grown = sumOf(last.families, name, wanted) - sumOf(first.families, name, wanted);
    return Math.max(0, grown) / ((last.at - first.at) / 1000);
  }

  // The q-quantile of what a histogram saw in the window, in its unit; null when it saw nothing.
  quantile(q, name, wanted = {}) {
    const first = this.#pages[0];
    const last = this.#pages.at(-1);
    if (!first || first === last) return null;
    const bounds = new Map();
    const add = (families, sign) => {
      for (const {labels, value} of families.get(name + "_bucket") ?? []) {
        if (!matches(labels, wanted)) continue;
        const bound = labels.le === "+Inf" ? Infinity : Number(labels.le);
        bounds.set(bound, (bounds.get(bound) ?? 0) + sign * value);
      }
    };
    add(last.families, 1);
    add(first.families, -1);
    const sorted = [...bounds].sort((a, b) => a[0] - b[0]);
    const total = sorted.at(-1)?.[1] ?? 0;
    if (total <= 0) return null;
    let lower = 0, below = 0;
    for (const [bound, count] of sorted) {
      if (count >= q * total) {
        if (bound === Infinity) return lower;
        return lower + (bound - lower) * (count === below ? 1 : (q * total - below) / (count - below));
      }
      [lower, below] = [bound, count];
    }
    return lower;
  }
}

function sumOf(families, name, wanted = {}) {
  let sum = 0;
  for (const {labels, value} of families.get(name) ?? []) if (matches(labels, wanted)) sum += value;
  return sum;
}

function labelOf(families, name, label) { return families.get(name)?.[0]?.labels[label] ?? ""; }
function labelsOf(families, name, label) {
  return [...new Set((families.get(name) ?? []).map((sample) => sample.labels[label]))].filter((value) => value !== undefined);
}
