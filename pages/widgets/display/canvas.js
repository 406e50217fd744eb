// A grid of pictures in one <img>, enlarged by whole numbers of device pixels; a press on a picture tells its place.

const MAX_SCALE = 32;
const MIN_LABEL = 36; // CSS pixels: rows lower than this have room for the first line of their name alone
const observers = new WeakMap(); // Streamlit calls the default export again with every change of data or theme

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".canvas");
  const image = root.querySelector("img");
  const mark = root.querySelector(".mark");
  const lines = Math.ceil(data.count / data.columns);
  const across = data.columns * (data.width + data.gutter) + data.gutter;
  const down = lines * (data.height + data.gutter) + data.gutter;

  label(root.querySelector(".rows"), data.rows, lines);
  label(root.querySelector(".below"), data.below, data.columns);
  image.alt = data.alt;
  if (image.src !== data.src) image.src = data.src;
  root.classList.toggle("pickable", data.pickable);

  mark.hidden = data.chosen < 0 || data.chosen >= data.count;
  const left = (data.chosen % data.columns) * (data.width + data.gutter) + data.gutter;
  const top = Math.floor(data.chosen / data.columns) * (data.height + data.gutter) + data.gutter;
  Object.assign(mark.style, {
    left: `${(100 * left) / across}%`,
    top: `${(100 * top) / down}%`,
    width: `${(100 * data.width) / across}%`,
    height: `${(100 * data.height) / down}%`,
  });

  image.onclick = ({ offsetX, offsetY }) => {
    const column = Math.floor(((offsetX / image.clientWidth) * across - data.gutter / 2) / (data.width + data.gutter));
    const row = Math.floor(((offsetY / image.clientHeight) * down - data.gutter / 2) / (data.height + data.gutter));
    const place = row * data.columns + Math.min(data.columns - 1, Math.max(0, column));
    if (data.pickable && place >= 0 && place < data.count) setTriggerValue("picked", place);
  };

  // Where not even the picture itself fits (a phone), it shrinks to the column.
  const widest = () => {
    const ratio = window.devicePixelRatio || 1;
    const room = root.clientWidth - root.querySelector(".rows").offsetWidth - 2;
    const best = Math.floor(Math.min(room / across, (window.innerHeight * data.share) / down) * ratio);
    return best < ratio ? Math.min(across, room) : (across * Math.min(best, MAX_SCALE * ratio)) / ratio;
  };
  const fit = () => {
    root.classList.remove("compact");
    let width = widest();
    if ((width * down) / across / lines < MIN_LABEL) {
      root.classList.add("compact");
      width = widest();
    }
    image.style.width = `${width}px`;
    image.style.height = `${(width * down) / across}px`;
    root.querySelector(".below").style.width = image.style.width;
  };
  observers.get(root)?.disconnect();
  const observer = new ResizeObserver(fit);
  observers.set(root, observer);
  observer.observe(root);
  fit();
  return () => observer.disconnect();
}

function label(box, texts, places) {
  box.classList.toggle("axis", texts.length !== places);
  box.replaceChildren(
    ...texts.map((text) => {
      const span = document.createElement("span");
      const [first, ...rest] = text.split("\n");
      const more = document.createElement("small");
      more.textContent = rest.join(" ");
      span.append(first, more);
      span.title = text;
      return span;
    }),
  );
}
