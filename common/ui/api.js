// The JSON gateway and the metrics of the port that this page came from.

const TIMEOUT_MS = 3000;
let token = "";  // of the user who signed in; kept nowhere else

class ApiError extends Error {
  constructor(status, code, message) { super(message); this.status = status; this.code = code; }
}

async function call(path, request) {
  const headers = {"content-type": "application/json"};
  if (token) headers.authorization = token;
  const answer = await fetch(path, {method: "POST", headers, body: JSON.stringify(request), signal: AbortSignal.timeout(TIMEOUT_MS),
                                    cache: "no-store"});
  if (answer.status === 404) throw new ApiError(404, 12, "The REST gateway is switched off here.");
  const body = await answer.json();
  if (!answer.ok) throw new ApiError(answer.status, body.code, String(body.message ?? body.error ?? answer.statusText));
  return body;
}

async function metricsOf(path) {
  const answer = await fetch(path, {signal: AbortSignal.timeout(TIMEOUT_MS), cache: "no-store"});
  if (!answer.ok) throw new ApiError(answer.status, 0, `${path}: ${answer.status}`);
  return parseMetrics(await answer.text());
}

// Again and again, `everyMs` after it has ended; not while nobody looks.
function repeat(everyMs, work) {
  const turn = async () => {
    if (!document.hidden) await work();
    setTimeout(turn, everyMs);
  };
  turn();
}
