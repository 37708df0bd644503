// The page: asks for status.json every two seconds, and draws what has changed.

import { colourOf, drawBridge, numberLogicalSwitches, vnisOf } from "./picture.js";

const PAUSE = 2000; // milliseconds
const PATIENCE = 10000;
const MOST_NAMES = 24; // of logical switches in the legend
const MOST_VNIS = 3; // of one of them
const MOST_ROWS = 20; // of a MAC address that is in many logical switches

const by = (id) => document.getElementById(id);
const drawn = new Map(); // what each part of the page was drawn from
let highlighted = new Set();

function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

async function fetchJson(address) {
  const response = await fetch(address, { signal: AbortSignal.timeout(PATIENCE) });
  if (!response.ok) throw new Error((await response.text()).trim());
  return response.json();
}

/** Draw a part of the page again if what it shows has changed; the focus stays where it is. */
function drawIfChanged(part, source, draw) {
  const text = JSON.stringify(source);
  if (drawn.get(part) === text) return;
  drawn.set(part, text);
  const key = document.activeElement?.dataset?.key;
  draw();
  if (key && !document.activeElement?.dataset?.key) findItem(key)?.focus();
}

function findItem(key) {
  return [...document.querySelectorAll(".item")].find((each) => each.dataset.key === key);
}

function duration(seconds) {
  const units = [["d", 86400], ["h", 3600], ["min", 60]];
  const [unit, size] = units.find(([, each]) => seconds >= each) ?? ["s", 1];
  return `${Math.floor(seconds / size)} ${unit}`;
}

async function refresh() {
  try {
    if (!document.hidden) show(await fetchJson("status.json"));
  } catch (error) {
    fail(`vtep-ofapp-web does not answer: ${error.message}`);
  }
  setTimeout(refresh, PAUSE);
}

function fail(reason) {
  by("banner").hidden = false;
  by("banner").textContent = `${reason}. The picture is that of before.`;
  by("status").textContent = "no answer";
  document.body.classList.add("stale");
}

function show(status) {
  if (!status.answers) {
    fail(`The application does not answer: ${status.reason}`);
    return;
  }
  document.body.classList.remove("stale");
  by("banner").hidden = true;
  const state = (status.ready ? "ready" : "not ready yet") + (status.paused ? " · PAUSED: nothing is written" : "");
  by("status").textContent = `${status.status} · ${state} · ${status.role} · version ${status.version} · ` +
    `running for ${duration(status.running_for_s)}`;
  const numbers = numberLogicalSwitches(status.bridges);
  const vnis = vnisOf(status.bridges);
  drawIfChanged("legend", [[...numbers], [...vnis]], () => drawLegend(numbers, vnis));
  const databases = status.databases.map(databaseLine);
  drawIfChanged("databases", [databases, status.more_databases], () => drawDatabases(databases, status));
  drawIfChanged("faults", [status.faults.map((each) => each.fault), status.more_faults], () => drawFaults(status));
  drawIfChanged("bridges", [status.bridges.map(withoutTimes), status.more_bridges], () =>
    drawBridges(status, numbers));
}

/** A bridge without what changes all the time and is not drawn. */
function withoutTimes(bridge) {
  const tunnels = bridge.tunnels.map(({ state_for_s, bfd_for_s, ...rest }) => rest);
  const ports = bridge.ports.map(({ away_for_s, ...rest }) => rest);
  return { ...bridge, tunnels, ports };
}

function vniWords(vnis) {
  if (!vnis.length) return "no VNI";
  const more = vnis.length > MOST_VNIS ? ` and ${vnis.length - MOST_VNIS} more` : "";
  return `VNI ${vnis.slice(0, MOST_VNIS).join(", ")}${more}`;
}

function drawLegend(numbers, vnis) {
  const rows = [...numbers].slice(0, MOST_NAMES).map(([name, number]) =>
    element("li", {}, element("span", { class: `swatch ${colourOf(number)}` }, String(number)), `${name} `,
      element("span", { class: "vnis" }, vniWords(vnis.get(name) ?? []))));
  if (numbers.size > MOST_NAMES) rows.push(element("li", { class: "more" }, `and ${numbers.size - MOST_NAMES} more`));
  if (!rows.length) rows.push(element("li", {}, "none is bound"));
  by("legend").replaceChildren(...rows);
}

/** A database in words, and the class of its line. */
function databaseLine({ database, server, unusable }) {
  const words = server ? `connected to ${server}` : `not connected: ${unusable.join(", ") || "no answer yet"}`;
  return { text: `${database}: ${words}`, kind: server ? "" : "fault" };
}

function drawDatabases(databases, status) {
  const rows = databases.map(({ text, kind }) => element("li", { class: kind }, text));
  if (status.more_databases) rows.push(element("li", { class: "more" }, `and ${status.more_databases} more`));
  by("databases").replaceChildren(...rows);
}

function drawFaults(status) {
  const rows = status.faults.map((each) => element("li", { class: "fault" }, each.fault));
  if (status.more_faults) rows.push(element("li", { class: "more" }, `and ${status.more_faults} more`));
  if (!rows.length) rows.push(element("li", {}, "none"));
  by("faults").replaceChildren(...rows);
}

function drawBridges(status, numbers) {
  const sections = status.bridges.map((bridge) => element("section", { class: "bridge" },
    element("h2", {}, bridge.bridge),
    element("p", { class: "facts" },
      `MACs learned: ${bridge.learned_macs} · logical switches: ${bridge.logical_switches} · ` +
      `flows: ${bridge.flows}${bridge.is_settled ? "" : ", being changed"}`),
    element("figure", {}, drawBridge(bridge, numbers, askWhy))));
  if (status.more_bridges) sections.push(element("p", { class: "more" }, `and ${status.more_bridges} more bridges`));
  if (!sections.length) sections.push(element("section", {}, "No switch is managed yet."));
  by("bridges").replaceChildren(...sections);
  highlight(highlighted);
}

function highlight(keys) {
  highlighted = keys;
  for (const each of document.querySelectorAll(".item")) each.classList.toggle("found", keys.has(each.dataset.key));
}

// Answers

function answer(title, ...content) {
  by("asked").textContent = title;
  by("found").replaceChildren(...content);
  by("answer").hidden = false;
}

async function ask(address, title, draw) {
  answer(title, "asking…");
  try {
    const found = await fetchJson(address);
    answer(title, ...(found.answers ? draw(found) : [element("p", {}, found.reason)]));
  } catch (error) {
    answer(title, element("p", {}, `no answer: ${error.message}`));
  }
}

function askWhy(word) {
  return ask(`why.json?word=${encodeURIComponent(word)}`, `why ${word}`, (found) => [element("pre", {}, found.text)]);
}

function askMac(word) {
  return ask(`mac.json?word=${encodeURIComponent(word)}`, `mac/show ${word}`, (found) => {
    const learned = found.learned.slice(0, MOST_ROWS);
    const placed = found.placed_by_nvc.slice(0, MOST_ROWS);
    const more = found.learned.length + found.placed_by_nvc.length - learned.length - placed.length;
    highlight(new Set([
      ...learned.map((each) => `port ${each.bridge} ${each.port}`),
      ...placed.flatMap((each) => tunnelKeys(each.remote_vtep)),
    ]));
    const tables = [...learned, ...placed].map(rowTable);
    if (!tables.length) return [element("p", {}, "No bridge learned it, and no row places it.")];
    if (more) tables.push(element("p", { class: "more" }, `and in ${more} more logical switches`));
    const why = element("button", { type: "button" }, "Why?");
    why.addEventListener("click", () => askWhy(word));
    return [...tables, why];
  });
}

/** The keys of all tunnels to a remote VTEP. */
function tunnelKeys(remote) {
  return [...document.querySelectorAll(".item")].map((each) => each.dataset.key)
    .filter((key) => key.startsWith("tunnel ") && key.endsWith(` ${remote}`));
}

function rowTable(row) {
  const lines = Object.entries(row).filter(([, value]) => value !== null && value !== "").map(([name, value]) =>
    element("tr", {}, element("th", { scope: "row" }, name.replaceAll("_", " ")), element("td", {}, String(value))));
  return element("table", {}, element("tbody", {}, ...lines));
}

by("search").addEventListener("submit", (event) => {
  event.preventDefault();
  const word = by("mac").value.trim();
  if (word) askMac(word);
});
by("close").addEventListener("click", () => {
  by("answer").hidden = true;
  highlight(new Set());
});
refresh();
