"use strict";
// The explorer. All pictures were decoded beforehand; here one is selected from a sprite and drawn.
(() => {
  const root = document.querySelector(".explorer");
  if (!root) return;
  const { models, classColours } = JSON.parse(root.dataset.explorer);
  const find = (selector) => root.querySelector(selector);
  const [digit, map, strip] = [".digit", ".map", ".strip"].map(find);
  const narrow = window.matchMedia("(max-width: 52rem)");
  const INK = "#1f2937", MUTED = "#6b7280", CIRCLE = "#c4c9d2";
  const GAP = 2; // pixels of the strip between two images

  let model = models[0];
  let cell = null; // position on a plane: [column, row]; kept when the model changes
  let start = 0; // of traversals: index of the starting image
  let moved = null; // the dimension that was moved: { place, step }; null for none

  // --- words and numbers ------------------------------------------------------------------------

  const number = (value) => value.toFixed(2).replace(/^-0\.00$/, "0.00").replace("-", "−");
  const plain = (value) => String(value).replace("-", "−");
  const clamp = (value, low, high) => Math.min(high, Math.max(low, value));
  const nearest = (axis, value) =>
    axis.reduce((best, each, place) =>
      Math.abs(each - value) < Math.abs(axis[best] - value) ? place : best, 0);

  function element(tag, properties = {}, ...children) {
    const made = Object.assign(document.createElement(tag), properties);
    made.append(...children);
    return made;
  }

  function say(...lines) {
    find(".readout").replaceChildren(
      ...lines.map((line) => element("span", { textContent: line })));
    digit.setAttribute("aria-label", `Decoded image. ${lines.join(". ")}`);
  }

  // --- pictures ---------------------------------------------------------------------------------

  function spriteOf(shown) {
    if (!shown.image) {
      shown.image = new Image();
      shown.image.addEventListener("load", () => { if (shown === model) draw(); });
      shown.image.src = shown.sprite;
    }
    return shown.image;
  }

  /** Draw the sprite's image at (column, row) onto a canvas, pixel by pixel. */
  function copy(context, column, row, left, top) {
    const { width, height } = model;
    context.imageSmoothingEnabled = false;
    context.drawImage(
      spriteOf(model), column * width, row * height, width, height, left, top, width, height);
  }

  function drawDigit(column, row) {
    const { width, height } = model;
    const scale = Math.max(1, Math.floor((narrow.matches ? 148 : 280) / Math.max(width, height)));
    digit.width = width;
    digit.height = height;
    digit.style.width = `${width * scale}px`;
    digit.style.height = `${height * scale}px`;
    digit.dataset.shown = `${column},${row}`;
    if (spriteOf(model).complete) copy(digit.getContext("2d"), column, row, 0, 0);
  }

  // --- the plane of two dimensions ----------------------------------------------------------------

  const reachOf = ({ axis }) => Math.max(2.2, 1.5 * axis[axis.length - 1]);
  const halfCell = ({ axis }) => (axis[axis.length - 1] - axis[0]) / (axis.length - 1) / 2;

  function judged(z1, z2) {
    if (!model.judged) return null;
    const cells = model.judged.classes.length, ends = [model.axis[0], model.axis.at(-1)];
    const place = (z) =>
      clamp(Math.round((z - ends[0]) / (ends[1] - ends[0]) * (cells - 1)), 0, cells - 1);
    const [row, column] = [place(z2), place(z1)];
    const name = new Map(model.classes).get(model.judged.classes[row][column]);
    return { name, confidence: (model.judged.confidence[row][column] / 10).toFixed(1) };
  }

  function drawPlane() {
    const [column, row] = cell;
    const [z1, z2] = [model.axis[column], model.axis[row]];
    const verdict = judged(z1, z2);
    drawDigit(column, row);
    say(`z1 = ${number(z1)}, z2 = ${number(z2)}`,
      ...(verdict ? [`Judge: class ${verdict.name}, confidence ${verdict.confidence}\u00a0%`] : []));
    drawMap(z1, z2);
  }

  function drawMap(z1, z2) {
    const side = map.clientWidth, density = window.devicePixelRatio || 1;
    map.width = map.height = Math.round(side * density);
    const pen = map.getContext("2d"), reach = reachOf(model), half = halfCell(model);
    pen.scale(density, density);
    const x = (z) => (z + reach) / (2 * reach) * side, y = (z) => side - x(z);
    const length = (span) => span / (2 * reach) * side;
    const low = model.axis[0] - half, high = model.axis.at(-1) + half;
    const colourOf = (kind) => classColours[kind % classColours.length];
    if (model.judged) {
      const cells = model.judged.classes.length, size = (high - low) / cells;
      pen.globalAlpha = 0.16;
      model.judged.classes.forEach((line, row) => line.forEach((kind, column) => {
        pen.fillStyle = colourOf(kind);
        // Whole pixels: otherwise seams between cells would look like a mesh.
        const [left, top] = [x(low + column * size), y(low + (row + 1) * size)].map(Math.round);
        const [right, foot] = [x(low + (column + 1) * size), y(low + row * size)].map(Math.round);
        pen.fillRect(left, top, right - left, foot - top);
      }));
    }
    pen.globalAlpha = 0.75;
    model.means.forEach(([first, second], place) => {
      pen.fillStyle = colourOf(model.labels[place]);
      pen.beginPath();
      pen.arc(x(first), y(second), side > 400 ? 2.6 : 2, 0, 2 * Math.PI);
      pen.fill();
    });
    pen.globalAlpha = 1;
    pen.strokeStyle = CIRCLE;
    for (const radius of [1, 2]) {
      pen.beginPath();
      pen.arc(x(0), y(0), length(radius), 0, 2 * Math.PI);
      pen.stroke();
    }
    pen.strokeStyle = MUTED;
    pen.setLineDash([4, 3]);
    pen.strokeRect(x(low), y(high), length(high - low), length(high - low));
    pen.setLineDash([]);
    nameClasses(pen, x, y);
    nameAxes(pen, x, y, low, high);
    crossHair(pen, x, y, z1, z2, low, high);
  }

  function write(pen, text, left, middle, { size = 12, bold = false, align = "center" } = {}) {
    pen.font = `${bold ? "bold " : ""}${size}px system-ui, sans-serif`;
    pen.textAlign = align;
    pen.textBaseline = "middle";
    pen.lineJoin = "round";
    pen.lineWidth = 3.5;
    pen.strokeStyle = "#fff";
    pen.strokeText(text, left, middle);
    pen.fillStyle = bold ? INK : MUTED;
    pen.fillText(text, left, middle);
    pen.lineWidth = 1;
  }

  const median = (values) => values.sort((a, b) => a - b)[values.length >> 1];

  function nameClasses(pen, x, y) {
    const reach = reachOf(model), names = [];
    for (const [kind, name] of model.classes) {
      const own = model.means.filter((mean, place) => model.labels[place] === kind);
      if (!own.length) continue;
      const [first, second] = [0, 1].map((axis) => median(own.map((mean) => mean[axis])));
      if (Math.max(Math.abs(first), Math.abs(second)) < reach) {
        names.push({ name, left: x(first), top: y(second) });
      }
    }
    spread(names, 17);
    for (const { name, left, top } of names) {
      write(pen, name, left, top, { size: name.length < 3 ? 15 : 11, bold: true });
    }
  }

  /** Push names apart that are closer than a gap in pixels. */
  function spread(names, gap) {
    for (let round = 0; round < 50; round += 1) {
      names.forEach((one, place) => names.slice(place + 1).forEach((other) => {
        const [right, down] = [other.left - one.left, other.top - one.top];
        const distance = Math.hypot(right, down);
        if (distance >= gap) return;
        const push = (gap - distance) / 2;
        const [dx, dy] = distance ? [right / distance * push, down / distance * push] : [push, 0];
        one.left -= dx;
        one.top -= dy;
        other.left += dx;
        other.top += dy;
      }));
    }
  }

  function nameAxes(pen, x, y, low, high) {
    const ends = [model.axis[0], 0, model.axis.at(-1)];
    for (const tick of ends) {
      const text = plain(tick);
      write(pen, text, x(tick), y(low) + 10, { size: 11 });
      write(pen, text, x(low) - 5, y(tick), { size: 11, align: "right" });
    }
    write(pen, "z1", x(high) + 12, y(low) + 10, { size: 12, align: "left" });
    write(pen, "z2", x(low) - 5, y(high) - 9, { size: 12, align: "right" });
  }

  function crossHair(pen, x, y, z1, z2, low, high) {
    for (const [colour, width] of [["#fff", 3.5], [INK, 1.5]]) {
      pen.strokeStyle = colour;
      pen.lineWidth = width;
      pen.beginPath();
      for (const [from, to] of [[low, z1 - 0.09], [z1 + 0.09, high]]) {
        pen.moveTo(x(from), y(z2));
        pen.lineTo(x(to), y(z2));
      }
      for (const [from, to] of [[low, z2 - 0.09], [z2 + 0.09, high]]) {
        pen.moveTo(x(z1), y(from));
        pen.lineTo(x(z1), y(to));
      }
      pen.moveTo(x(z1 + 0.09), y(z2));
      pen.arc(x(z1), y(z2), x(0.09) - x(0), 0, 2 * Math.PI);
      pen.stroke();
    }
  }

  function setPlane() {
    const last = model.axis.length - 1, origin = nearest(model.axis, 0);
    cell = (cell || [origin, origin]).map((place) => Math.min(place, last));
    const reach = reachOf(model);
    const outside = model.means.filter((mean) => Math.max(...mean.map(Math.abs)) > reach).length;
    const shown = model.means.length;
    find(".outside").textContent = [
      shown < model.images ? `${shown} of ${model.images} images are shown.` : "",
      outside ? `${outside} of the ${shown} dots are outside the map.` : "",
    ].join(" ");
    map.setAttribute("aria-label", `Latent plane of ${model.label}, a grid of ${last + 1} by ${last + 1} points`);
    find(".classes").replaceChildren(...model.classes.map(([kind, name]) => {
      const dot = element("i");
      dot.style.background = classColours[kind % classColours.length];
      return element("li", {}, dot, name);
    }));
  }

  function point(event) {
    const box = map.getBoundingClientRect(), reach = reachOf(model);
    const z1 = ((event.clientX - box.left) / box.width * 2 - 1) * reach;
    const z2 = (1 - (event.clientY - box.top) / box.height * 2) * reach;
    moveTo(nearest(model.axis, z1), nearest(model.axis, z2));
  }

  function moveTo(column, row) {
    const last = model.axis.length - 1;
    cell = [clamp(column, 0, last), clamp(row, 0, last)];
    drawPlane();
  }

  const STEPS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowDown: [0, -1], ArrowUp: [0, 1] };

  map.addEventListener("pointermove", point);
  map.addEventListener("pointerdown", (event) => {
    map.setPointerCapture(event.pointerId);
    point(event);
  });
  map.addEventListener("keydown", (event) => {
    const step = STEPS[event.key];
    if (event.altKey || event.ctrlKey || event.metaKey || !(step || event.key === "Home")) return;
    event.preventDefault();
    if (step) moveTo(cell[0] + step[0], cell[1] + step[1]);
    else toStart();
  });

  // --- traversals of more dimensions --------------------------------------------------------------

  const codeOf = (place) => model.codes[start][place];
  const restOf = (place) => nearest(model.axis, codeOf(place));

  /** The dimension with the step closest to the start's code, which shows the start best. */
  function atRest() {
    const distance = (place) => Math.abs(model.axis[restOf(place)] - codeOf(place));
    return model.dims.reduce(
      (best, _, place) => (distance(place) < distance(best) ? place : best), 0);
  }

  function drawTraversal() {
    const place = moved ? moved.place : atRest();
    const step = moved ? moved.step : restOf(place);
    const name = model.dims[place].number;
    const row = start * model.dims.length + place;
    drawDigit(step, row);
    const from = `Start: image of class ${model.starts[start]}`;
    if (moved) say(`z${name} = ${number(model.axis[step])}`, `${from}, other dimensions unchanged`);
    else say("At the start", `${from}, all dimensions unchanged`);
    sliders().forEach((input, each) => {
      const own = moved && moved.place === each;
      input.value = own ? step : restOf(each);
      const value = number(own ? model.axis[step] : codeOf(each));
      input.setAttribute("aria-valuetext", own ? value : `${value}, as at the start`);
      input.parentElement.classList.toggle("moved", Boolean(own));
      input.parentElement.querySelector("output").textContent = value;
    });
    drawStrip(place, step, row);
    find(".steps p").textContent =
      `z${name} from ${plain(model.axis[0])} to ${plain(model.axis.at(-1))}, in standard deviations ` +
      "of the prior. Click an image to select its step.";
    strip.setAttribute("aria-label",
      `${model.axis.length} images of z${name}; image ${step + 1} is shown large`);
  }

  const sliders = () => [...root.querySelectorAll(".sliders input")];

  /** Layout of the strip's images: rows of equal length, in whole screen pixels. */
  function layout() {
    const { width, axis } = model, room = find(".steps").clientWidth || root.clientWidth;
    const fits = (columns) => Math.floor(room / (columns * (width + GAP)));
    let columns = axis.length;
    while (columns > 3 && fits(columns) < (narrow.matches ? 2 : 1)) {
      columns = Math.ceil(axis.length / (Math.ceil(axis.length / columns) + 1));
    }
    return { columns, scale: clamp(fits(columns), 1, 4) };
  }

  function drawStrip(place, step, row) {
    const { width, height, axis } = model, { columns, scale } = layout();
    strip.width = columns * (width + GAP);
    strip.height = Math.ceil(axis.length / columns) * (height + GAP);
    strip.style.width = `${strip.width * scale}px`;
    strip.style.height = `${strip.height * scale}px`;
    if (!spriteOf(model).complete) return;
    const pen = strip.getContext("2d");
    axis.forEach((_, each) => {
      const left = each % columns * (width + GAP), top = Math.floor(each / columns) * (height + GAP);
      if (each === step) {
        pen.fillStyle = getComputedStyle(root).getPropertyValue("--accent");
        pen.fillRect(left, top, width + GAP, height + GAP);
      }
      copy(pen, each, row, left + GAP / 2, top + GAP / 2);
    });
  }

  function setTraversals() {
    start = Math.min(start, model.starts.length - 1);
    moved = null;
    find(".starts div").replaceChildren(...model.starts.map((name, place) => {
      const input = element("input", {
        type: "radio", name: "explorer-start", value: String(place), checked: place === start });
      input.addEventListener("change", () => { start = place; moved = null; draw(); });
      return element("label", {}, input, element("span", { textContent: name }));
    }));
    find(".sliders").replaceChildren(...model.dims.map((dim, place) => {
      const input = element("input", {
        type: "range", min: "0", max: String(model.axis.length - 1), step: "1" });
      input.addEventListener("input", () => move(place, Number(input.value)));
      const facts = `KL ${number(dim.kl)} nats, variance ${number(dim.variance)}`;
      return element("label", {}, element("b", { textContent: `z${dim.number}` }), input,
        element("output"), element("small", { textContent: facts }));
    }));
  }

  function move(place, step) {
    moved = { place, step };
    draw();
  }

  strip.addEventListener("pointerdown", (event) => {
    const { columns } = layout(), box = strip.getBoundingClientRect();
    const column = Math.floor((event.clientX - box.left) / box.width * columns);
    const rows = Math.ceil(model.axis.length / columns);
    const step = Math.floor((event.clientY - box.top) / box.height * rows) * columns + column;
    if (step < model.axis.length) move(moved ? moved.place : atRest(), step);
  });

  // --- all together -------------------------------------------------------------------------------

  function draw() {
    if (model.kind === "plane") drawPlane();
    else drawTraversal();
  }

  function toStart() {
    cell = null;
    moved = null;
    if (model.kind === "plane") setPlane();
    draw();
  }

  function choose(chosen) {
    model = chosen;
    const plane = model.kind === "plane";
    find(".stage").dataset.kind = model.kind;
    find(".plane").hidden = find(".key").hidden = !plane;
    find(".dimensions").hidden = find(".steps").hidden = plane;
    find(".reset").textContent = plane ? "Back to the origin" : "Back to the start";
    if (plane) setPlane();
    else setTraversals();
    draw();
  }

  find(".reset").addEventListener("click", toStart);
  for (const input of root.querySelectorAll("input[name=explorer-model]")) {
    input.addEventListener("change", () => choose(models[Number(input.value)]));
  }
  window.addEventListener("resize", draw);
  root.hidden = false;
  document.documentElement.classList.add("explored"); // the fallback text is then only for print
  // A browser may remember the selection across reloads.
  choose(models[Number(find("input[name=explorer-model]:checked").value)]);
})();
