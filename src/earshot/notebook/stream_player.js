// A sound with its spectrogram, a cursor, and what a network heard at every step.
// Works as an anywidget and, with a model that only has get(), in a page of its own.

const SPECTROGRAM_HEIGHT = 180, RIBBON_HEIGHT = 22, AXIS_HEIGHT = 18;
const SHORTEST_VIEW_S = 0.2;
const KEYS = "space: play, pause · ← →: 1 s · shift ← →: 10 s · + −: zoom · 0: all · click: go there";

function element(parent, tag, name, text = "") {
  const made = document.createElement(tag);
  if (name) made.className = name;
  made.textContent = text;
  parent.append(made);
  return made;
}

const bytes = (view) => new Uint8Array(view.buffer, view.byteOffset, view.byteLength);

function clock(seconds, digits) {
  const minutes = Math.floor(seconds / 60);
  const rest = (seconds - 60 * minutes).toFixed(digits).padStart(digits ? digits + 3 : 2, "0");
  return `${minutes}:${rest}`;
}

// Distance of the time marks: the roundest that leaves room for their text.
function markStep(view_s, width) {
  const least = (70 * view_s) / width;
  return [0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600]
    .find((step) => step >= least) ?? 7200;
}

async function render({ model, el }) {
  const about = model.get("about");
  const labels = bytes(model.get("labels")), certainty = bytes(model.get("certainty"));
  const { duration_s, steps_per_s, class_names, colours, columns_per_s } = about;

  const root = element(el, "div", "earshot-player");
  root.tabIndex = 0;
  root.dataset.lmSuppressShortcuts = "true";
  element(root, "div", "title", about.title);
  const row = element(root, "div", "row");
  const button = element(row, "button", "play", "Play");
  const square = element(row, "div", "square");
  const word = element(square, "b"), sure = element(square, "span");
  const time = element(row, "div", "time");
  const closer = element(row, "button", "closer", "+"), wider = element(row, "button", "wider", "−");
  closer.title = "zoom in";
  wider.title = "zoom out";
  button.title = "play, pause";
  const view = element(root, "div", "view");
  const canvas = element(view, "canvas"), cursor = element(view, "div", "cursor");
  element(root, "div", "keys", KEYS);
  const problem = element(root, "div", "problem");

  const urls = [];
  const url = (data, type) => {
    urls.push(URL.createObjectURL(new Blob([data], { type })));
    return urls[urls.length - 1];
  };
  const audio = new Audio(url(bytes(model.get("sound")), about.sound_type));
  audio.preload = "auto";
  audio.onerror = () => { problem.textContent = "This browser cannot play the sound."; };

  // The spectrogram comes as PNG tiles, one after the other in one block of bytes.
  const all = bytes(model.get("tiles"));
  let at = 0;
  const tiles = await Promise.all(about.tile_sizes.map((size) => {
    const data = all.slice(at, at + size);
    at += size;
    return createImageBitmap(new Blob([data], { type: "image/png" }));
  }));

  let from_s = 0, view_s = duration_s;

  function paintView() {
    const width = Math.max(view.clientWidth, 50), ratio = window.devicePixelRatio || 1;
    const height = SPECTROGRAM_HEIGHT + RIBBON_HEIGHT + AXIS_HEIGHT;
    canvas.style.height = `${height}px`;
    canvas.width = width * ratio;
    canvas.height = height * ratio;
    const paint = canvas.getContext("2d");
    paint.scale(ratio, ratio);
    paint.fillStyle = "#000";
    paint.fillRect(0, 0, width, SPECTROGRAM_HEIGHT);
    const per_s = width / view_s;
    let column = 0;
    for (const tile of tiles) {
      const left = (column / columns_per_s - from_s) * per_s;
      const wide = (tile.width / columns_per_s) * per_s;
      column += tile.width;
      if (left < width && left + wide > 0) {
        // Only the visible part: browsers are slow with images far wider than the screen.
        const first = Math.max(Math.floor((-left / wide) * tile.width), 0);
        const last = Math.min(Math.ceil(((width - left) / wide) * tile.width), tile.width);
        const scale = wide / tile.width;
        paint.drawImage(tile, first, 0, last - first, tile.height,
          left + first * scale, 0, (last - first) * scale, SPECTROGRAM_HEIGHT);
      }
    }
    ribbon(paint, width, per_s);
    axis(paint, width, per_s);
  }

  function ribbon(paint, width, per_s) {
    paint.save();
    paint.translate(0, SPECTROGRAM_HEIGHT);
    const per_pixel = steps_per_s / per_s;
    for (let x = 0; x < width; x++) {
      // Of many steps in one pixel, one of a word is shown, so that no word gets lost.
      const first = Math.round(from_s * steps_per_s + x * per_pixel);
      let step = Math.min(first, labels.length - 1);
      for (let k = first + 1; k < Math.min(first + per_pixel, labels.length); k++) {
        if (labels[k] && (!labels[step] || certainty[k] > certainty[step])) step = k;
      }
      paint.globalAlpha = 0.25 + (0.75 * certainty[step]) / 255;
      paint.fillStyle = colours[labels[step]];
      paint.fillRect(x, 2, 1, RIBBON_HEIGHT - 4);
    }
    paint.globalAlpha = 1;
    paint.fillStyle = "#fff";
    paint.font = "12px sans-serif";
    paint.textAlign = "center";
    paint.textBaseline = "middle";
    for (const [start_s, end_s, label] of about.segments) {
      const wide = (end_s - start_s) * per_s;
      if (end_s < from_s || start_s > from_s + view_s || wide < 14) continue;
      if (paint.measureText(class_names[label]).width + 4 < wide) {
        paint.fillText(class_names[label], ((start_s + end_s) / 2 - from_s) * per_s, RIBBON_HEIGHT / 2);
      }
    }
    paint.restore();
  }

  function axis(paint, width, per_s) {
    const step_s = markStep(view_s, width), digits = step_s < 0.1 ? 2 : step_s < 1 ? 1 : 0;
    const top = SPECTROGRAM_HEIGHT + RIBBON_HEIGHT;
    paint.fillStyle = "#888";
    paint.font = "11px sans-serif";
    paint.textBaseline = "top";
    for (let mark = Math.ceil(from_s / step_s); mark * step_s <= from_s + view_s; mark++) {
      const x = (mark * step_s - from_s) * per_s;
      paint.fillRect(x, top, 1, 4);
      const text = clock(mark * step_s, digits), half = paint.measureText(text).width / 2;
      paint.textAlign = "center";
      paint.fillText(text, Math.min(Math.max(x, half), width - half), top + 5);
    }
  }

  // Cursor, square and clock: all that changes while the sound plays.
  function follow() {
    const now_s = Math.min(audio.currentTime, duration_s);
    if (!audio.paused && (now_s > from_s + view_s || now_s < from_s)) turnTo(now_s, view_s);
    cursor.style.transform = `translateX(${((now_s - from_s) / view_s) * view.clientWidth}px)`;
    const step = Math.min(Math.round(now_s * steps_per_s), labels.length - 1);
    square.style.background = colours[labels[step]];
    square.dataset.word = class_names[labels[step]];
    word.textContent = class_names[labels[step]] || "-";
    sure.textContent = `${Math.round(certainty[step] / 2.55)} %`;
    time.textContent = `${clock(now_s, 2)} / ${clock(duration_s, 2)}`;
    root.dataset.timeS = now_s.toFixed(3);
  }

  function turnTo(new_from_s, new_view_s) {
    view_s = Math.min(Math.max(new_view_s, Math.min(SHORTEST_VIEW_S, duration_s)), duration_s);
    from_s = Math.min(Math.max(new_from_s, 0), duration_s - view_s);
    paintView();
  }

  function show(new_from_s, new_view_s) {
    turnTo(new_from_s, new_view_s);
    follow();
  }

  function draw() {
    paintView();
    follow();
  }

  function zoom(factor, around_s = audio.currentTime) {
    const kept = Math.min(Math.max((around_s - from_s) / view_s, 0), 1);
    const next_s = Math.min(Math.max(view_s * factor, SHORTEST_VIEW_S), duration_s);
    show(around_s - kept * next_s, next_s);
  }

  function seek(to_s) {
    audio.currentTime = Math.min(Math.max(to_s, 0), duration_s);
    if (audio.currentTime < from_s || audio.currentTime > from_s + view_s) {
      show(audio.currentTime - view_s / 10, view_s);
    }
    follow();
  }

  let frame = 0;
  function tick() {
    frame = audio.paused ? 0 : requestAnimationFrame(tick);
    follow();
  }
  const toggle = () => {
    if (audio.ended) audio.currentTime = 0;
    audio.paused ? audio.play().catch((error) => { problem.textContent = `${error.message}`; })
      : audio.pause();
  };
  audio.onplay = () => { button.textContent = "Pause"; frame ||= requestAnimationFrame(tick); };
  audio.onpause = () => { button.textContent = "Play"; follow(); };
  audio.onseeked = follow;

  button.onclick = () => { toggle(); root.focus(); };
  closer.onclick = () => zoom(0.5);
  wider.onclick = () => zoom(2);
  const time_at = (event) => {
    const box = view.getBoundingClientRect();
    return from_s + ((event.clientX - box.left) / box.width) * view_s;
  };
  view.onclick = (event) => { root.focus(); seek(time_at(event)); };
  view.addEventListener("wheel", (event) => {
    if (!event.ctrlKey && Math.abs(event.deltaX) <= Math.abs(event.deltaY)) return;
    event.preventDefault();
    if (event.ctrlKey) zoom(event.deltaY > 0 ? 1.2 : 1 / 1.2, time_at(event));
    else show(from_s + (event.deltaX / view.clientWidth) * view_s, view_s);
  }, { passive: false });
  root.onkeydown = (event) => {
    const jump_s = event.shiftKey ? 10 : 1;
    const answer = {
      " ": toggle,
      ArrowLeft: () => seek(audio.currentTime - jump_s),
      ArrowRight: () => seek(audio.currentTime + jump_s),
      Home: () => seek(0),
      End: () => seek(duration_s),
      "+": () => zoom(0.5),
      "=": () => zoom(0.5),
      "-": () => zoom(2),
      0: () => show(0, duration_s),
    }[event.key];
    if (!answer || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    event.stopPropagation();
    answer();
  };

  const resized = new ResizeObserver(draw);
  resized.observe(view);
  draw();
  root.dataset.state = "ready";
  return () => {
    audio.pause();
    cancelAnimationFrame(frame);
    resized.disconnect();
    urls.forEach((made) => URL.revokeObjectURL(made));
  };
}

export default { render };
