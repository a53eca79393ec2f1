// Where a flow's steps stand: layers from top to bottom, one below the last of those that lead to it; steps of a map or of branches
// inside their box. Arrows back (loops) run along the right side. Pure, so that the same flow is always the same picture.
//
//   steps → arrows without loops → layers (longest way) → long arrows get a place in each layer → order by neighbours → x and y
import type { FlowGraph, FlowStep } from "../../api/types";

export interface Box { path: string; id: string; kind: string; title: string; x: number; y: number; width: number; height: number; inside: boolean }
export interface Arrow { from: string; to: string; label: string; back: boolean; d: string; labelX: number; labelY: number }
export interface Lane { path: string; name: string; x: number; y: number; width: number; height: number }
export interface Layout { width: number; height: number; boxes: Box[]; arrows: Arrow[]; lanes: Lane[] }

export const endPath = ">end";
const step = { width: 208, height: 84 }, end = { width: 64, height: 28 }, gapX = 32, gapY = 52, bend = 22, head = 80, pad = 14, sweeps = 4;

interface Node { id: string; step: FlowStep | null; inner: { name: string; path: string; layout: Layout }[]; width: number; height: number; layer: number; x: number; y: number }
interface Edge { from: string; to: string; labels: string[]; back: boolean; via: Node[] }

export function layoutOf(graph: FlowGraph): Layout { return block(graph.steps, "", true); }

function block(steps: readonly FlowStep[], prefix: string, root: boolean): Layout {
  const nodes = new Map<string, Node>();
  for (const one of steps) nodes.set(one.id, nodeOf(one, prefix));
  const edges = edgesOf(steps, nodes, root);
  if (root && edges.some((edge) => edge.to === endPath)) nodes.set(endPath, { id: endPath, step: null, inner: [], ...end, layer: 0, x: 0, y: 0 });
  markLoops(steps, edges);
  const layers = layersOf([...nodes.values()], edges);
  orderLayers(layers, edges);
  return placed(layers, edges, prefix);
}

function nodeOf(one: FlowStep, prefix: string): Node {
  const inner = (one.blocks ?? []).map((lane) => {
    const path = `${prefix}${one.id}${lane.name ? `.${lane.name}` : ""}`;
    return { name: lane.name, path, layout: block(lane.steps, `${path}/`, false) };
  });
  const wide = inner.reduce((sum, lane) => sum + lane.layout.width + 2 * pad, 0) + pad * Math.max(0, inner.length - 1);
  const high = Math.max(0, ...inner.map((lane) => lane.layout.height + 2 * pad + 18));
  return { id: one.id, step: one, inner, width: Math.max(step.width, wide + 2 * pad), height: inner.length > 0 ? head + high + pad : step.height, layer: 0, x: 0, y: 0 };
}

function edgesOf(steps: readonly FlowStep[], nodes: Map<string, Node>, root: boolean): Edge[] {
  const edges = new Map<string, Edge>();
  for (const one of steps) {
    for (const arrow of one.next) {
      const to = arrow.to === "end" ? endPath : arrow.to;
      if (to === endPath ? !root : !nodes.has(to)) continue;
      const key = `${one.id} ${to}`;
      const edge = edges.get(key) ?? { from: one.id, to, labels: [], back: false, via: [] };
      if (arrow.when) edge.labels.push(arrow.when);
      edges.set(key, edge);
    }
  }
  return [...edges.values()];
}

// An arrow to a step that leads here is a way back.
function markLoops(steps: readonly FlowStep[], edges: Edge[]) {
  const open = new Set<string>(), done = new Set<string>();
  const visit = (id: string) => {
    open.add(id);
    for (const edge of edges) {
      if (edge.from !== id) continue;
      if (open.has(edge.to)) edge.back = true;
      else if (!done.has(edge.to)) visit(edge.to);
    }
    open.delete(id);
    done.add(id);
  };
  for (const one of steps) if (!done.has(one.id)) visit(one.id);
}

function layersOf(nodes: Node[], edges: Edge[]): Node[][] {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const forward = edges.filter((edge) => !edge.back);
  for (let round = 0, moved = true; moved && round <= nodes.length; ++round) {
    moved = false;
    for (const edge of forward) {
      const from = byId.get(edge.from)!, to = byId.get(edge.to)!;
      if (to.layer <= from.layer) { to.layer = from.layer + 1; moved = true; }
    }
  }
  const last = Math.max(0, ...nodes.map((node) => node.layer));
  const finish = byId.get(endPath);
  if (finish && nodes.some((node) => node !== finish && node.layer >= finish.layer)) finish.layer = last + 1;
  const layers: Node[][] = Array.from({ length: Math.max(last, finish?.layer ?? 0) + 1 }, () => []);
  for (const node of nodes) layers[node.layer]!.push(node);
  for (const edge of forward) {
    for (let layer = byId.get(edge.from)!.layer + 1; layer < byId.get(edge.to)!.layer; ++layer) {
      const place: Node = { id: `${edge.from} ${edge.to} ${layer}`, step: null, inner: [], width: bend, height: 0, layer, x: 0, y: 0 };
      edge.via.push(place);
      layers[layer]!.push(place);
    }
  }
  return layers;
}

// Pairs of neighbours in adjoining layers, long arrows by their places.
function neighbours(edges: Edge[]): [string, string][] {
  return edges.filter((edge) => !edge.back).flatMap((edge) => {
    const ids = [edge.from, ...edge.via.map((place) => place.id), edge.to];
    return ids.slice(1).map((id, index): [string, string] => [ids[index]!, id]);
  });
}

const mean = (values: number[], otherwise: number) => (values.length === 0 ? otherwise : values.reduce((sum, value) => sum + value, 0) / values.length);

function orderLayers(layers: Node[][], edges: Edge[]) {
  const pairs = neighbours(edges), at = new Map<string, number>();
  const number = (layer: Node[]) => layer.forEach((node, index) => at.set(node.id, index));
  layers.forEach(number);
  for (let sweep = 0; sweep < sweeps; ++sweep) {
    const down = sweep % 2 === 0;
    for (const layer of down ? layers : [...layers].reverse()) {
      const wish = new Map(layer.map((node) => [node.id, mean(pairs.filter((pair) => pair[down ? 1 : 0] === node.id).map((pair) => at.get(pair[down ? 0 : 1]!)!), at.get(node.id)!)]));
      layer.sort((a, b) => wish.get(a.id)! - wish.get(b.id)! || at.get(a.id)! - at.get(b.id)!);
      number(layer);
    }
  }
}

// Each as near to the middle of its neighbours as its fellows leave room.
function placeX(layers: Node[][], edges: Edge[]) {
  const pairs = neighbours(edges), middle = new Map<string, number>();
  const settle = (layer: Node[], wish: (node: Node) => number) => {
    let right = -Infinity, off = 0;
    for (const node of layer) {
      node.x = Math.max(wish(node) - node.width / 2, right === -Infinity ? -Infinity : right + gapX);
      right = node.x + node.width;
      off += wish(node) - (node.x + node.width / 2);
    }
    for (const node of layer) { node.x += off / layer.length; middle.set(node.id, node.x + node.width / 2); }
  };
  for (const layer of layers) settle(layer, () => 0);
  for (let sweep = 0; sweep < sweeps; ++sweep) {
    const down = sweep % 2 === 0;
    for (const layer of down ? layers : [...layers].reverse()) settle(layer, (node) => mean(pairs.filter((pair) => pair[down ? 1 : 0] === node.id).map((pair) => middle.get(pair[down ? 0 : 1]!)!), middle.get(node.id)!));
  }
  const left = Math.min(...layers.flat().map((node) => node.x));
  for (const node of layers.flat()) node.x = Math.round(node.x - left);
}

function placed(layers: Node[][], edges: Edge[], prefix: string): Layout {
  placeX(layers, edges);
  let y = 0;
  for (const layer of layers) {
    const high = Math.max(0, ...layer.map((node) => node.height));
    for (const node of layer) { node.y = y; if (isPlace(node)) node.height = high; }
    y += high + gapY;
  }
  const nodes = layers.flat().filter((node) => !isPlace(node)), byId = new Map(nodes.map((node) => [node.id, node]));
  const backs = edges.filter((edge) => edge.back).length;
  const wide = Math.max(0, ...layers.flat().map((node) => node.x + node.width)), out: Layout = { width: wide + backs * bend, height: Math.max(0, y - gapY), boxes: [], arrows: [], lanes: [] };
  for (const node of nodes) addNode(out, node, prefix);
  let back = 0;
  for (const edge of edges) out.arrows.push(edge.back ? arrowBack(edge, byId, prefix, wide + ++back * bend - 6) : arrowDown(edge, byId, prefix));
  return out;
}

// Of a long arrow, in a layer that it passes.
const isPlace = (node: Node) => node.step === null && node.id !== endPath;
const pathOf = (id: string, prefix: string) => (id === endPath ? endPath : prefix + id);

function addNode(out: Layout, node: Node, prefix: string) {
  out.boxes.push({ path: pathOf(node.id, prefix), id: node.id, kind: node.step?.kind ?? "end", title: node.step?.title ?? "", x: node.x, y: node.y, width: node.width, height: node.height, inside: node.inner.length > 0 });
  let x = node.x + pad;
  for (const lane of node.inner) {
    const width = lane.layout.width + 2 * pad, top = node.y + head;
    out.lanes.push({ path: lane.path, name: lane.name, x, y: top, width, height: node.height - head - pad });
    const dx = x + pad, dy = top + pad + 18;
    out.boxes.push(...lane.layout.boxes.map((box) => ({ ...box, x: box.x + dx, y: box.y + dy })));
    out.lanes.push(...lane.layout.lanes.map((inner) => ({ ...inner, x: inner.x + dx, y: inner.y + dy })));
    out.arrows.push(...lane.layout.arrows.map((arrow) => ({ ...arrow, d: moved(arrow.d, dx, dy), labelX: arrow.labelX + dx, labelY: arrow.labelY + dy })));
    x += width + pad;
  }
}

// A path's numbers come in pairs: x, y.
export function moved(d: string, dx: number, dy: number): string {
  let x = false;
  return d.replace(/-?\d+(\.\d+)?/g, (number) => { x = !x; return String(Number(number) + (x ? dx : dy)); });
}

function arrowDown(edge: Edge, byId: Map<string, Node>, prefix: string): Arrow {
  const from = byId.get(edge.from)!, to = byId.get(edge.to)!;
  const x0 = from.x + from.width / 2, y0 = from.y + from.height;
  let x = x0, y = y0, d = `M ${x} ${y}`;
  const bendTo = (toX: number, toY: number) => { const half = Math.round((y + toY) / 2); d += ` C ${x} ${half} ${toX} ${half} ${toX} ${toY}`; [x, y] = [toX, toY]; };
  // Straight down beside the steps of each layer that it passes.
  for (const place of edge.via) { bendTo(place.x + place.width / 2, place.y); y += place.height; d += ` L ${x} ${y}`; }
  bendTo(to.x + to.width / 2, to.y);
  const first = edge.via[0];
  // Arrows that part at one step have their words apart from each other: each above where its own leads.
  const labelX = first ? first.x + first.width / 2 : x, labelY = Math.min(y0 + gapY, first?.y ?? y) - 18;
  return { from: pathOf(edge.from, prefix), to: pathOf(edge.to, prefix), label: edge.labels.join(" | "), back: false, d, labelX, labelY };
}

function arrowBack(edge: Edge, byId: Map<string, Node>, prefix: string, x: number): Arrow {
  const from = byId.get(edge.from)!, to = byId.get(edge.to)!;
  const y0 = from.y + from.height / 2, y1 = to.y + to.height / 2 + (from === to ? -12 : 0);
  return { from: pathOf(edge.from, prefix), to: pathOf(edge.to, prefix), label: edge.labels.join(" | "), back: true, d: `M ${from.x + from.width} ${y0} C ${x} ${y0} ${x} ${y1} ${to.x + to.width} ${y1}`, labelX: x - 10, labelY: (y0 + y1) / 2 };
}
