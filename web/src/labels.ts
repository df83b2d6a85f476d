// Where the words of the graph go. Lines are straight, so words must give way: a connection's label slides along its line,
// a collector's stands below or above it, wherever the fewest lines and other words are. It depends on the places of
// collectors alone, not on what the words say this second: nothing moves while rates change.
export interface Point {
  x: number;
  y: number;
}

/** Box is a rectangle by its middle. */
export interface Box extends Point {
  w: number;
  h: number;
}

export interface Line {
  id: string;
  a: Point;
  b: Point;
}

/** Wire is a line with a label so wide. */
export interface Wire extends Line {
  w: number;
}

export interface Stop {
  id: string;
  at: Point;
  w: number;
}

export interface Places {
  wires: Map<string, Box>;
  stops: Map<string, Box>;
}

export const radius = 30;
export const wordsHeight = 34;
const captionAway = radius + 9 + wordsHeight / 2;
const along = [0.5, 0.42, 0.58, 0.34, 0.66, 0.27, 0.73];

/** readable is how many lines a reader can follow. */
export const readable = 30;

/** arrange finds places for the labels among all lines. One that would cover a collector or other words has none, nor, in a
 * crowd, one that a line would run through: the table has them all. */
export function arrange(lines: Line[], wires: Wire[], stops: Stop[]): Places {
  const places: Places = { wires: new Map(), stops: new Map() };
  const taken = stops.map((s): Box => ({ ...s.at, w: 2 * radius + 12, h: 2 * radius + 12 }));
  const crossed = (box: Box, own?: Wire) => lines.filter((l) => l.id !== own?.id && crosses(l.a, l.b, box)).length;
  const covered = (box: Box) => taken.filter((t) => overlap(t, box)).length;
  const fits = (box: Box, own?: Wire) => covered(box) === 0 && (lines.length <= readable || crossed(box, own) === 0);
  for (const s of stops) {
    const box = best([1, -1].map((side) => ({ x: s.at.x, y: s.at.y + side * captionAway, w: s.w, h: wordsHeight })), (b) => crossed(b) + 2 * covered(b));
    if (!fits(box)) continue;
    places.stops.set(s.id, box);
    taken.push(box);
  }
  for (const w of wires) {
    const spots = along.map((t) => ({ x: w.a.x + t * (w.b.x - w.a.x), y: w.a.y + t * (w.b.y - w.a.y), w: w.w, h: wordsHeight }));
    const box = best(spots, (b) => crossed(b, w) + 2 * covered(b));
    if (!fits(box, w)) continue;
    places.wires.set(w.id, box);
    taken.push(box);
  }
  return places;
}

/** best is the first box of the least cost. */
function best(boxes: Box[], cost: (b: Box) => number): Box {
  let found = boxes[0], least = Infinity;
  for (const box of boxes) {
    const c = cost(box);
    if (c < least) [found, least] = [box, c];
    if (least === 0) break;
  }
  return found;
}

function overlap(a: Box, b: Box): boolean {
  return Math.abs(a.x - b.x) * 2 < a.w + b.w && Math.abs(a.y - b.y) * 2 < a.h + b.h;
}

/** crosses cuts a line by the four sides of a box (Liang and Barsky): what is left of it is inside. */
function crosses(a: Point, b: Point, box: Box): boolean {
  let from = 0, to = 1;
  const dx = b.x - a.x, dy = b.y - a.y;
  const sides = [[-dx, a.x - (box.x - box.w / 2)], [dx, box.x + box.w / 2 - a.x], [-dy, a.y - (box.y - box.h / 2)], [dy, box.y + box.h / 2 - a.y]];
  for (const [step, room] of sides) {
    if (step === 0 && room < 0) return false;
    if (step < 0) from = Math.max(from, room / step);
    if (step > 0) to = Math.min(to, room / step);
  }
  return from < to;
}

let pen: CanvasRenderingContext2D | null | undefined;
const widths = new Map<string, number>(); // measuring is what costs; most words are those of a second ago

/** widthOf is how wide words of the graph are drawn. */
export function widthOf(text: string): number {
  const known = widths.get(text);
  if (known !== undefined) return known;
  if (pen === undefined) {
    pen = document.createElement("canvas").getContext("2d");
    if (pen) pen.font = "600 12.5px " + getComputedStyle(document.body).fontFamily;
  }
  const width = pen?.measureText(text).width ?? 7 * text.length;
  if (widths.size > 1000) widths.clear();
  widths.set(text, width);
  return width;
}
