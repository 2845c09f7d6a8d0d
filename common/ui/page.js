// The page itself: asks each second who leads, every other second for metrics, and shows it.

const STATUS_MS = 1000, METRICS_MS = 2000, SLOW_MS = 5000;
const FRESH_MS = 2500, STALE_MS = 30000;  // the age of a member's line: now; old
const DISK_BAR_S = 0.010;
const EVENTS_KEPT = 100;
const isProxy = document.body.dataset.role === "proxy";

const told = new Map();      // by member ID: {status, at}; a member's page hears of itself, a proxy's of one after the other
let members = [];
let leader = null, term = 0n;  // as of the highest term heard of
let lastAnswer = 0;
const cluster = new History(), proxy = new History();
const lines = {calls: [], failed: []};

const nameOf = (id) => {
  const member = members.find((each) => each.ID === id);
  return member?.name || formatId(id) || "none";
};

function happened(text, bad = false) {
  const item = element("li", bad ? {class: "bad"} : {}, `${new Date().toLocaleTimeString("en-GB")}  ${text}`);
  $("events").prepend(item);
  if ($("events").childElementCount > EVENTS_KEPT) $("events").lastElementChild.remove();
}

async function askStatus() {
  const status = await call("/v3/maintenance/status", {});
  lastAnswer = Date.now();
  told.set(status.header.member_id, {status, at: lastAnswer});
  const heard = BigInt(status.raftTerm ?? 0);
  const leads = status.leader ?? "0";
  // What a member says of an older term is no news.
  if (heard >= term && leads !== leader) {
    if (leader !== null) {
      happened(leads === "0" ? `${nameOf(status.header.member_id)} knows of no leader` : `${nameOf(leads)} leads, term ${heard}`, leads === "0");
    }
    leader = leads;
  }
  if (heard > term) term = heard;
  showCluster(status);
}

function showCluster(status) {
  show("leader", leader === "0" ? "none" : nameOf(leader), leader === "0" ? "bad" : "");
  show("term", term.toString());
  show("raft-index", formatCount(status.raftIndex));
  show("applied", formatCount(status.raftAppliedIndex));
  show("revision", formatCount(status.header.revision));
  const quota = Number(status.dbSizeQuota ?? 0), size = Number(status.dbSize ?? 0);
  show("database", quota ? `${formatBytes(size)} of ${formatBytes(quota)}` : formatBytes(size));
  $("quota").value = quota ? size / quota : 0;
  showMembers();
}

function showMembers() {
  const now = Date.now();
  const ids = new Set([...members.map((each) => each.ID), ...told.keys()]);
  setRows($("members"), [...ids].map((id) => {
    const member = members.find((each) => each.ID === id) ?? {};
    const {status, at} = told.get(id) ?? {};
    const age = at ? now - at : null;
    const role = id === leader ? "leader" : member.isLearner ? "learner" : "follower";
    return {key: id, cells: [
      nameOf(id), formatId(id), {text: role, className: id === leader ? "good" : ""},
      {text: formatCount(status?.raftTerm), className: "n"}, {text: formatCount(status?.raftIndex), className: "n"},
      {text: formatCount(status?.raftAppliedIndex), className: "n"}, {text: formatBytes(status?.dbSize), className: "n"},
      {text: formatBytes(status?.dbSizeInUse), className: "n"}, status?.version ?? "–",
      {text: age === null ? "–" : age < FRESH_MS ? "now" : `${Math.round(age / 1000)} s ago`, className: age > STALE_MS ? "bad" : ""},
      clientLink(member)]};
  }));
}

// A member's own page. Its URL is what a member said of itself: only what is HTTP becomes a link.
function clientLink(member) {
  const text = (member.clientURLs ?? [])[0] ?? "–";
  try {
    const url = new URL("/ui", text);
    if (url.protocol === "http:" || url.protocol === "https:") return {text, href: url.href};
  } catch { /* shown as text */ }
  return text;
}

async function askMembers() {
  const list = await call("/v3/cluster/member/list", {linearizable: false});
  members = list.members ?? [];
  for (const id of told.keys()) if (!members.some((each) => each.ID === id)) told.delete(id);
  const alarms = (await call("/v3/maintenance/alarm", {action: "GET"})).alarms ?? [];
  show("alarms", alarms.length ? alarms.map((each) => `${each.alarm} (${nameOf(each.memberID)})`).join(", ") : "none",
       alarms.length ? "bad" : "good");
  showMembers();
}

function callRates(history) {
  const all = history.rate("grpc_server_handled_total", {}, 2);
  const good = history.rate("grpc_server_handled_total", {grpc_code: "OK"}, 2);
  return {all, failed: all === null ? null : Math.max(0, all - good)};
}

function drawLine(id, values, value) {
  if (value === null) return;
  values.push(value);
  if (values.length > 60) values.shift();
  const most = Math.max(...values, 1);
  const points = values.map((each, at) => `${(at * 120) / 59},${23 - (each / most) * 22}`).join(" ");
  const line = $(id).firstElementChild ?? $(id).appendChild(document.createElementNS("http://www.w3.org/2000/svg", "polyline"));
  line.setAttribute("points", points);
}

async function askMetrics() {
  cluster.add(performance.now(), await metricsOf("/metrics"));
  const id = labelOf(cluster.latest, "etcd_server_id", "server_id");
  for (const each of document.querySelectorAll(".source")) setText(each, id ? `of member ${nameOf(BigInt("0x" + id).toString())}` : "");
  const {all, failed} = callRates(cluster);
  show("calls", formatRate(all));
  show("failed", formatRate(failed));
  drawLine("calls-line", lines.calls, all);
  drawLine("failed-line", lines.failed, failed);
  show("rest", formatRate(cluster.rate("gatehouse_rest_requests_total", {}, 2)));
  show("pending", formatCount(cluster.value("etcd_server_proposals_pending")));
  show("key-count", formatCount(cluster.value("etcd_debugging_mvcc_keys_total")));
  show("watchers", formatCount(cluster.value("etcd_debugging_mvcc_watcher_total")));
  show("streams", formatCount(cluster.value("etcd_debugging_mvcc_watch_stream_total")));
  show("events-rate", formatRate(cluster.rate("etcd_debugging_mvcc_events_total", {}, 2)));
  show("slow", formatCount(cluster.value("etcd_debugging_mvcc_slow_watcher_total")));
  showMethods();
  showLatencies();
}

function latencyCells(history, metric, wanted, bar = Infinity) {
  const [half, most] = [0.5, 0.99].map((q) => history.quantile(q, metric, wanted));
  return [{text: formatSeconds(half), className: "n"}, {text: formatSeconds(most), className: most !== null && most > bar ? "n bad" : "n"}];
}

function showMethods() {
  const methods = new Map();
  for (const {labels} of cluster.latest.get("grpc_server_started_total") ?? []) methods.set(labels.grpc_service + "/" + labels.grpc_method, labels);
  const busy = [...methods].map(([key, {grpc_service, grpc_method}]) => {
    const wanted = {grpc_service, grpc_method};
    return {key, wanted, rate: cluster.rate("grpc_server_started_total", wanted) ?? 0};
  }).filter((each) => each.rate > 0).sort((a, b) => b.rate - a.rate).slice(0, 6);
  setRows($("methods"), busy.map(({key, wanted, rate}) => ({key, cells: [
    key, {text: formatRate(rate), className: "n"}, ...latencyCells(cluster, "grpc_server_handling_seconds", wanted)]})));
}

function showLatencies() {
  const row = (key, metric, wanted, bar) => ({key, cells: [
    key, {text: formatRate(cluster.rate(metric + "_count", wanted)), className: "n"}, ...latencyCells(cluster, metric, wanted, bar)]});
  const peer = "etcd_network_peer_round_trip_time_seconds";
  setRows($("latencies"), [
    row("WAL fsync", "etcd_disk_wal_fsync_duration_seconds", {}, DISK_BAR_S),
    row("Backend commit", "etcd_disk_backend_commit_duration_seconds", {}),
    ...labelsOf(cluster.latest, peer + "_count", "To").map((To) => row(`Round trip to ${nameOf(BigInt("0x" + To).toString())}`, peer, {To})),
  ]);
}

async function askProxy() {
  proxy.add(performance.now(), await metricsOf("/proxy/metrics"));
  show("connections", formatCount(proxy.value("gatehouse_proxy_client_connections")));
  show("proxy-calls", formatRate(callRates(proxy).all));
  show("proxy-rest", formatRate(proxy.rate("gatehouse_proxy_rest_requests_total", {}, 2)));
  show("retries", formatRate(proxy.rate("gatehouse_proxy_upstream_retries_total", {}, 2)));
  show("refused", formatCount(proxy.value("gatehouse_proxy_upstream_retries_refused_total")));
  setRows($("upstreams"), labelsOf(proxy.latest, "gatehouse_proxy_upstream_healthy", "endpoint").map((endpoint) => {
    const healthy = proxy.value("gatehouse_proxy_upstream_healthy", {endpoint}) > 0;
    return {key: endpoint, cells: [
      endpoint, {text: healthy ? "yes" : "left out", className: healthy ? "good" : "bad"},
      {text: formatCount(proxy.value("gatehouse_proxy_upstream_requests_in_flight", {endpoint})), className: "n"},
      {text: formatRate(proxy.rate("gatehouse_proxy_upstream_requests_total", {endpoint})), className: "n"},
      ...latencyCells(proxy, "gatehouse_proxy_upstream_request_duration_seconds", {endpoint})]};
  }));
}

// What fails is told where its result would be; the next success takes it back.
function guarded(work, tell, success) {
  return async () => {
    try {
      await work();
      tell(success, "");
    } catch (error) {
      const since = lastAnswer ? `no answer since ${new Date(lastAnswer).toLocaleTimeString("en-GB")}` : "no answer";
      tell(error instanceof ApiError ? error.message : since, "bad");
      showMembers();
    }
  };
}

function setTheme(theme) {
  if (theme === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  show("theme", `Theme: ${theme}`);
}

function startPage() {
  show("role", isProxy ? "proxy" : "member");
  show("host", location.host);
  document.title = `Gatehouse ${location.host}`;
  $("proxy").hidden = !isProxy;
  const themes = ["system", "light", "dark"];
  let theme = 0;
  $("theme").addEventListener("click", () => setTheme(themes[theme = (theme + 1) % themes.length]));
  const at = (id) => (text, bad) => show(id, text, bad || (id === "pulse" ? "good" : "note"));
  repeat(STATUS_MS, guarded(askStatus, at("pulse"), "live"));
  repeat(SLOW_MS, guarded(askMembers, at("members-note"), isProxy
    ? "The proxy asks one member after the other: each line is as old as it says."
    : "A member knows its own state only; follow the links for the others'."));
  repeat(METRICS_MS, guarded(askMetrics, at("metrics-note"), ""));
  if (isProxy) repeat(METRICS_MS, guarded(askProxy, at("proxy-note"), ""));
}
