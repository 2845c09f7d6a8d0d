// Bytes, numbers and times as people read them; elements as they are made. Everything foreign (keys, values, names,
// errors) gets into the page as text: nothing here or elsewhere makes markup of a string.

const $ = (id) => document.getElementById(id);

function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

// Leaves what is right alone, so that selections and screen readers are not disturbed each second.
function setText(node, text, className) {
  if (node.textContent !== text) node.textContent = text;
  if (className !== undefined && node.className !== className) node.className = className;
}
const show = (id, text, className) => setText($(id), text, className);

// Rows by key: those that stay keep their elements and with them the focus. `cells`: [text | {text, className, href}].
function setRows(body, rows) {
  const known = new Map([...body.rows].map((row) => [row.dataset.key, row]));
  rows.forEach(({key, cells}, at) => {
    const row = known.get(key) ?? element("tr", {"data-key": key}, ...cells.map(() => element("td")));
    known.delete(key);
    if (body.rows[at] !== row) body.insertBefore(row, body.rows[at] ?? null);
    cells.forEach((cell, column) => setCell(row.cells[column], typeof cell === "object" ? cell : {text: cell}));
  });
  for (const row of known.values()) row.remove();
}

function setCell(cell, {text, className = "", href}) {
  if (!href) return setText(cell, text, className);
  let link = cell.querySelector("a");
  if (!link) cell.replaceChildren(link = element("a"));
  if (link.getAttribute("href") !== href) link.setAttribute("href", href);
  setText(link, text);
}

const isNumber = (value) => value !== null && value !== undefined && Number.isFinite(Number(value));
function formatCount(value) { return isNumber(value) ? Number(value).toLocaleString("en-US").replaceAll(",", " ") : "–"; }
function formatRate(value) { return isNumber(value) ? (value < 10 ? value.toFixed(1) : Math.round(value).toString()) : "–"; }
function formatSeconds(value) {
  if (!isNumber(value)) return "–";
  if (value < 0.001) return `${(value * 1e6).toFixed(0)} µs`;
  return value < 1 ? `${(value * 1e3).toFixed(value < 0.01 ? 1 : 0)} ms` : `${value.toFixed(1)} s`;
}
function formatBytes(value) {
  if (!isNumber(value)) return "–";
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let size = Number(value), unit = 0;
  while (size >= 1024 && unit + 1 < units.length) { size /= 1024; unit += 1; }
  return `${size < 10 && unit ? size.toFixed(1) : Math.round(size)} ${units[unit]}`;
}
// IDs are 64-bit numbers in JSON's strings; people know them in hex.
function formatId(decimal) { return decimal && decimal !== "0" ? BigInt(decimal).toString(16) : ""; }

function fromBase64(text) { return Uint8Array.from(atob(text ?? ""), (c) => c.charCodeAt(0)); }
function toBase64(bytes) { return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join("")); }

// Text where it is text, with \xNN for other bytes and \u{N} for characters that do not show or that reorder what does.
function escapedText(bytes, keepLines = false) {
  let text;
  try {
    text = new TextDecoder("utf-8", {fatal: true, ignoreBOM: true}).decode(bytes);
  } catch {
    return Array.from(bytes, (byte) => (byte >= 32 && byte < 127 && byte !== 92 ? String.fromCharCode(byte)
      : byte === 92 ? "\\\\" : "\\x" + byte.toString(16).padStart(2, "0"))).join("");
  }
  return text.replace(keepLines ? /[^\P{C}\n\t]/gu : /\\|\p{C}/gu,
    (c) => (c === "\\" ? "\\\\" : `\\u{${c.codePointAt(0).toString(16)}}`));
}

// The bytes of what escapedText shows.
function unescapedBytes(text) {
  const bytes = [];
  const utf8 = new TextEncoder();
  for (const [, byte, point, backslash, other] of text.matchAll(/\\x([0-9a-fA-F]{2})|\\u\{([0-9a-fA-F]{1,6})\}|(\\\\)|([^])/gu)) {
    if (byte !== undefined) bytes.push(parseInt(byte, 16));
    else if (point !== undefined && parseInt(point, 16) <= 0x10ffff) bytes.push(...utf8.encode(String.fromCodePoint(parseInt(point, 16))));
    else bytes.push(...utf8.encode(backslash ? "\\" : other ?? ""));
  }
  return Uint8Array.from(bytes);
}

function hexDump(bytes) {
  const lines = [];
  for (let at = 0; at < bytes.length; at += 16) {
    const row = bytes.subarray(at, at + 16);
    const hex = Array.from(row, (byte) => byte.toString(16).padStart(2, "0")).join(" ");
    const text = Array.from(row, (byte) => (byte >= 32 && byte < 127 ? String.fromCharCode(byte) : ".")).join("");
    lines.push(`${at.toString(16).padStart(8, "0")}  ${hex.padEnd(47)}  ${text}`);
  }
  return lines.join("\n");
}
