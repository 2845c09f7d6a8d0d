// The key browser: lists keys by prefix, shows one with its value. Only ever reads.

const KEYS_AT_ONCE = 100;
const VALUE_SHOWN = 64 * 1024;
let range = null;   // {next, end}: where the list goes on
let chosen = null;  // the bytes of the value that is shown

// The first key after all that begin with `prefix`; a single zero byte means: no end.
function endOf(prefix) {
  const end = Array.from(prefix);
  while (end.length && end.at(-1) === 0xff) end.pop();
  if (!end.length) return Uint8Array.of(0);
  end[end.length - 1] += 1;
  return Uint8Array.from(end);
}

function explain(error) {
  // Unauthenticated, PermissionDenied, and etcd's InvalidArgument for "user name is empty".
  const mayHelp = error instanceof ApiError && (error.code === 16 || error.code === 7 || /user name is empty/.test(error.message));
  if (mayHelp) $("sign-in").open = true;
  return error instanceof ApiError ? error.message + (mayHelp ? " – sign in as somebody who may." : "") : "No answer.";
}

async function listKeys(event) {
  event?.preventDefault();
  const prefix = unescapedBytes($("prefix").value);
  range = {next: prefix.length ? prefix : Uint8Array.of(0), end: endOf(prefix)};
  $("key-list").replaceChildren();
  $("value").hidden = true;
  await moreKeys();
}

async function moreKeys() {
  const focusFrom = $("key-list").childElementCount;
  try {
    const found = await call("/v3/kv/range", {key: toBase64(range.next), range_end: toBase64(range.end), limit: KEYS_AT_ONCE, keys_only: true});
    const keys = (found.kvs ?? []).map((each) => fromBase64(each.key));
    $("key-list").append(...keys.map(keyItem));
    if (keys.length) range.next = Uint8Array.from([...keys.at(-1), 0]);
    $("more").hidden = !found.more;
    const shown = $("key-list").childElementCount;
    const left = Number(found.count ?? 0) - keys.length;
    show("key-status", shown === 0 ? "No such key." : `${formatCount(shown)} of ${formatCount(shown + left)} keys`, "");
    const first = $("key-list").children[focusFrom]?.firstElementChild;
    if (first) {
      for (const other of $("key-list").querySelectorAll("button")) other.tabIndex = -1;
      first.tabIndex = 0;
      if (focusFrom > 0) first.focus();
    }
  } catch (error) {
    show("key-status", explain(error), "bad");
    $("more").hidden = true;
  }
}

function keyItem(key) {
  const button = element("button", {type: "button", tabindex: "-1"}, escapedText(key));
  button.addEventListener("click", () => showKey(key, button));
  return element("li", {}, button);
}

// One stop of the Tab key for the whole list; arrows move within it.
function moveInList(event) {
  const buttons = [...$("key-list").querySelectorAll("button")];
  const at = buttons.indexOf(document.activeElement);
  const to = {ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: buttons.length - 1}[event.key];
  if (at < 0 || to === undefined || !buttons[to]) return;
  event.preventDefault();
  buttons[at].tabIndex = -1;
  buttons[to].tabIndex = 0;
  buttons[to].focus();
}

async function showKey(key, button) {
  try {
    const found = (await call("/v3/kv/range", {key: toBase64(key)})).kvs?.[0];
    if (!found) {
      $("value").hidden = true;
      return show("key-status", "That key is gone.", "bad");
    }
    for (const other of $("key-list").querySelectorAll("[aria-current]")) other.removeAttribute("aria-current");
    button.setAttribute("aria-current", "true");
    chosen = fromBase64(found.value);
    show("value-key", escapedText(key));
    const facts = {Created: formatCount(found.create_revision), Modified: formatCount(found.mod_revision), Version: formatCount(found.version),
                   Lease: formatId(found.lease) || "none", Size: formatBytes(chosen.length)};
    $("value-facts").replaceChildren(...Object.entries(facts).map(([name, text]) => element("div", {}, element("dt", {}, name), element("dd", {}, text))));
    showValue();
    $("value").hidden = false;
  } catch (error) {
    show("key-status", explain(error), "bad");
  }
}

function showValue() {
  const part = chosen.subarray(0, VALUE_SHOWN);
  show("value-note", part.length < chosen.length ? `the first ${formatBytes(part.length)}` : "");
  show("value-text", $("as-hex").checked ? hexDump(part) : escapedText(part, true));
}

async function signIn(event) {
  event.preventDefault();
  const user = $("user").value;
  try {
    token = "";
    token = (await call("/v3/auth/authenticate", {name: user, password: $("password").value})).token ?? "";
    show("who", `Signed in as ${user}`);
    show("key-status", "", "");
    $("sign-in").open = false;
    $("prefix").focus();
  } catch (error) {
    show("who", "Signed in as nobody");
    show("key-status", explain(error), "bad");
  }
  $("password").value = "";
}

function signOut() {
  token = "";
  show("who", "Signed in as nobody");
  $("key-list").replaceChildren();
  $("value").hidden = true;
  $("more").hidden = true;
  show("key-status", "", "");
}

function startKeys() {
  $("key-form").addEventListener("submit", listKeys);
  $("auth-form").addEventListener("submit", signIn);
  $("sign-out").addEventListener("click", signOut);
  $("more").addEventListener("click", moreKeys);
  $("key-list").addEventListener("keydown", moveInList);
  $("as-hex").addEventListener("change", showValue);
  document.addEventListener("keydown", (event) => {
    const typing = event.target instanceof HTMLInputElement && event.target.type !== "checkbox";
    if (event.key !== "/" || typing || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    $("prefix").focus();
  });
}

startPage();
startKeys();
