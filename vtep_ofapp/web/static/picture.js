// The picture of a bridge: its ports on the left, its tunnels on the right, its routers below.

const SVG = "http://www.w3.org/2000/svg";
const WIDTH = 960;
const BRIDGE = { x: 385, width: 150 };
const FEW = 14; // that many are drawn one below the other, with words; more in a grid
const COLOURS = 8;
const GAP = 8;
const CHARACTER = 7; // about the width of one, in the units of the picture

/** Make an element of SVG. Text is only ever put in as text. */
function make(name, attributes = {}, ...children) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

/** Shorten a text to a width in the units of the picture. */
export function shorten(text, width) {
  const most = Math.max(2, Math.floor(width / CHARACTER));
  return text.length <= most ? text : `${text.slice(0, most - 1)}…`;
}

const byName = new Intl.Collator("en", { numeric: true }).compare;

/** Number the logical switches of all bridges, by their names. */
export function numberLogicalSwitches(bridges) {
  const names = new Set();
  for (const bridge of bridges) {
    for (const port of bridge.ports)
      for (const binding of port.bindings) names.add(binding.logical_switch);
    for (const router of bridge.routers)
      for (const joined of router.interfaces) names.add(joined.logical_switch);
  }
  return new Map([...names].sort(byName).map((name, index) => [name, index + 1]));
}

/** The VNIs of each logical switch, by its name: of all bridges that bind it. */
export function vnisOf(bridges) {
  const vnis = new Map();
  for (const bridge of bridges)
    for (const port of bridge.ports)
      for (const { logical_switch: name, vnis: own } of port.bindings)
        vnis.set(name, [...new Set([...(vnis.get(name) ?? []), ...own])].sort((one, other) => one - other));
  return vnis;
}

export function colourOf(number) {
  return `c${(number - 1) % COLOURS}`;
}

/** The state of a tunnel in words, and the class that has its colour. */
export function tunnelState(tunnel) {
  const words = tunnel.bfd ? `BFD ${tunnel.bfd}` : tunnel.state;
  if (tunnel.forwards) return { words, kind: "good" };
  if (tunnel.state === "creating") return { words: "creating", kind: "wait" };
  return { words: tunnel.state === "up" ? words : tunnel.state, kind: "bad" };
}

/** Draw a bridge. `ask(word)` is called when somebody clicks on a port, a tunnel or a router. */
export function drawBridge(bridge, numbers, ask) {
  const ports = layOut(bridge.ports, bridge.more_ports, "port", 0, BRIDGE.x - 40, (port, box) =>
    drawPort(bridge.bridge, port, box, numbers, ask));
  const right = BRIDGE.x + BRIDGE.width + 60;
  const tunnels = layOut(bridge.tunnels, bridge.more_tunnels, "tunnel", right, WIDTH - right - 2,
    (tunnel, box) => drawTunnel(bridge.bridge, tunnel, box, ask));
  const height = Math.max(ports.height, tunnels.height, 96);
  const routers = drawRouters(bridge, height + 3 * GAP, numbers, ask);
  const svg = make("svg", {
    viewBox: `0 0 ${WIDTH} ${height + 4 + routers.height}`,
    role: "group",
    "aria-label": `Bridge ${bridge.bridge}: ${bridge.ports.length + bridge.more_ports} ports, ` +
      `${bridge.tunnels.length + bridge.more_tunnels} tunnels, ` +
      `${bridge.routers.length + bridge.more_routers} routers`,
  });
  for (const { y, end } of ports.ends)
    svg.append(make("path", { class: "wire", d: `M${end} ${y}H${BRIDGE.x}` }));
  for (const { y, start, kind } of tunnels.ends)
    svg.append(make("path", { class: `wire ${kind}`, d: `M${BRIDGE.x + BRIDGE.width} ${y}H${start}` }));
  svg.append(drawMiddle(bridge, height), ...ports.drawn, ...tunnels.drawn, ...routers.drawn);
  return svg;
}

/** The routers below the rest; each has the colours of the logical switches that it joins. */
function drawRouters(bridge, y, numbers, ask) {
  if (!bridge.routers.length) return { drawn: [], height: 0 };
  const placed = layOut(bridge.routers, bridge.more_routers, "router", 0, WIDTH - 2, (router, box) =>
    drawRouter(bridge.bridge, router, box, numbers, ask));
  const wire = make("path", { class: "wire", d: `M${BRIDGE.x + BRIDGE.width / 2} ${y - 3 * GAP}V${y + 2}` });
  const group = make("g", { transform: `translate(0 ${y})` }, ...placed.drawn);
  return { drawn: [wire, group], height: placed.height + 3 * GAP };
}

function drawRouter(bridge, router, box, numbers, ask) {
  const joined = router.interfaces.map((each) => `${each.addresses.join(", ")} in ${each.logical_switch}`);
  const label = [
    `router ${router.router} of ${bridge}`, ...joined,
    router.more_interfaces ? `and ${router.more_interfaces} more interfaces` : "", router.problem ?? "",
  ].filter(Boolean).join("; ");
  const group = item(`router ${bridge} ${router.router}`, label, router.problem ? "problem" : "",
    () => ask(`router=${router.router}`));
  const chips = drawChips(router.interfaces, router.more_interfaces, box, numbers,
    (each) => `${each.logical_switch}: ${each.addresses.join(", ")}`);
  const height = 26 + chips.height;
  group.append(
    make("rect", { class: "box", x: box.x, y: box.y, width: box.width, height, rx: 6 }),
    make("text", { class: "name", x: box.x + 8, y: box.y + 18 },
      shorten(`${box.compact && router.problem ? "! " : ""}${router.router}`, box.width / 2)));
  if (!box.compact)
    group.append(make("text", {
      class: router.problem ? "word bad" : "quiet", x: box.x + box.width - 8, y: box.y + 18, "text-anchor": "end",
    }, router.problem ? "! problem" : router.mac));
  group.append(...chips.drawn);
  return { element: group, height };
}

function drawMiddle(bridge, height) {
  const centre = BRIDGE.x + BRIDGE.width / 2;
  const lines = [
    ["name", bridge.bridge],
    ["quiet", bridge.connected_from ? `role: ${bridge.role}` : "not connected"],
    ["quiet", bridge.tunnel_ips.join(", ") || "no tunnel IP"],
  ];
  const group = make("g", {}, make("rect", {
    class: "middle", x: BRIDGE.x, y: 2, width: BRIDGE.width, height: height - 2, rx: 10 }));
  lines.forEach(([kind, text], index) => group.append(make("text", {
    class: kind, x: centre, y: Math.min(height / 2, 200) - 14 + 20 * index, "text-anchor": "middle",
  }, shorten(text, BRIDGE.width - 8))));
  return group;
}

/** Place items one below the other, or many of them in a grid; say how many are left out. */
function layOut(items, more, noun, x, width, draw) {
  const columns = items.length + more <= FEW ? 1 : 3;
  const cell = (width - GAP * (columns - 1)) / columns;
  const drawn = [];
  const ends = [];
  let y = 2;
  for (let start = 0; start < items.length; start += columns) {
    let tallest = 0;
    items.slice(start, start + columns).forEach((item, column) => {
      const box = { x: x + 2 + column * (cell + GAP), y, width: cell - 2, compact: columns > 1 };
      const { element, height, kind = "" } = draw(item, box);
      drawn.push(element);
      tallest = Math.max(tallest, height);
      if (columns === 1) ends.push({ y: y + height / 2, start: box.x, end: box.x + box.width, kind });
    });
    y += tallest + GAP;
  }
  if (more || !items.length) {
    const words = more ? `and ${more} more ${noun}s, which are not shown` : `no ${noun}s`;
    drawn.push(make("text", { class: "quiet hidden-count", x: x + 4, y: y + 14 }, words));
    y += 24;
  }
  if (columns > 1) ends.push({ y: y / 2, start: x, end: x + width, kind: "" });
  return { drawn, ends, height: y - GAP };
}

/** A group that can be clicked, and reached with the keyboard. */
function item(key, label, classes, activate) {
  const group = make("g", {
    class: `item ${classes}`, tabindex: "0", role: "button", "aria-label": label, "data-key": key });
  group.append(make("title", {}, label));
  group.addEventListener("click", activate);
  group.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    activate();
  });
  return group;
}

function macs(port) {
  return port.learned_macs === 1 ? "1 MAC" : `${port.learned_macs} MACs`;
}

/** A sign in the place of words, where there is no room for them. */
function mark(port) {
  if (port.problem) return "! ";
  return port.link === "up" ? "" : "↓ ";
}

function drawPort(bridge, port, box, numbers, ask) {
  const bound = port.bindings.map((each) =>
    `${each.vlan ? `VLAN ${each.vlan}` : "untagged"} in ${each.logical_switch}`);
  const label = [
    `port ${port.port} of ${bridge}`, `link ${port.link ?? "unknown"}`, ...bound,
    port.more_bindings ? `and ${port.more_bindings} more bindings` : "",
    macs(port), port.problem ?? "",
  ].filter(Boolean).join("; ");
  const group = item(`port ${bridge} ${port.port}`, label, port.problem ? "problem" : "",
    () => ask(port.port));
  const chips = drawChips(port.bindings, port.more_bindings, box, numbers,
    (each) => `${each.vlan ? `${each.vlan}: ` : ""}${each.logical_switch}`);
  const height = 26 + chips.height;
  const facts = port.problem ? "! problem" : port.link === "up" ? macs(port) :
    `link ${port.link ?? "unknown"}`;
  group.append(
    make("rect", { class: "box", x: box.x, y: box.y, width: box.width, height, rx: 6 }),
    make("text", { class: "name", x: box.x + 8, y: box.y + 18 },
      shorten(`${box.compact ? mark(port) : ""}${port.port}`, box.width - (box.compact ? 14 : 90))));
  if (!box.compact)
    group.append(make("text", {
      class: port.problem ? "word bad" : "quiet", x: box.x + box.width - 8, y: box.y + 18, "text-anchor": "end",
    }, facts));
  group.append(...chips.drawn);
  return { element: group, height };
}

/** Bindings of a port, or interfaces of a router: words, or in a grid the numbers of the legend. */
function drawChips(items, more, box, numbers, words) {
  const chips = items.map((each) => {
    const number = numbers.get(each.logical_switch);
    return {
      text: box.compact ? `${number}` : shorten(words(each), box.width - 24),
      classes: `chip ${colourOf(number)}${each.is_used ? "" : " unused"}`,
    };
  });
  if (more) chips.push({ text: `+${more}`, classes: "box" });
  const drawn = [];
  let [x, y] = [box.x + 8, box.y + 26];
  for (const chip of chips) {
    const width = chip.text.length * CHARACTER + 10;
    if (x > box.x + 8 && x + width > box.x + box.width - 4) [x, y] = [box.x + 8, y + 24];
    drawn.push(
      make("rect", { class: chip.classes, x, y, width, height: 19, rx: 4 }),
      make("text", { class: "chip-text", x: x + 5, y: y + 14 }, chip.text));
    x += width + 5;
  }
  return { drawn, height: chips.length ? y - box.y - 26 + 26 : 2 };
}

function drawTunnel(bridge, tunnel, box, ask) {
  const { words, kind } = tunnelState(tunnel);
  const label = [
    `tunnel from ${bridge} to ${tunnel.remote_vtep}`, words, `for ${tunnel.logical_switches} logical switches`,
    tunnel.problem ?? "",
  ].filter(Boolean).join("; ");
  const group = item(`tunnel ${bridge} ${tunnel.remote_vtep}`, label, "", () => ask(tunnel.remote_vtep));
  const height = 44;
  group.append(
    make("rect", { class: "box", x: box.x, y: box.y, width: box.width, height, rx: 6 }),
    make("text", { class: "name", x: box.x + 8, y: box.y + 18 }, tunnel.remote_vtep),
    make("text", { class: `word ${kind}`, x: box.x + 8, y: box.y + 35 }, shorten(words, box.width - 10)));
  if (!box.compact) {
    const count = tunnel.logical_switches;
    group.append(make("text", { class: "quiet", x: box.x + box.width - 8, y: box.y + 18, "text-anchor": "end" },
      `${count} logical ${count === 1 ? "switch" : "switches"}`));
    if (tunnel.problem)
      group.append(make("text", { class: "quiet", x: box.x + 8 + (words.length + 2) * CHARACTER, y: box.y + 35 },
        shorten(tunnel.problem, box.width - 24 - (words.length + 2) * CHARACTER)));
  }
  return { element: group, height, kind };
}
