// A contact sheet: one button a picture, all of them pieces of one sprite sheet. Arrow keys move, Enter chooses.

const TARGET = 64; // CSS pixels: about how wide a picture is

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".sheet");
  const { sprite, columns, width, height, rows, labels, chosen, label, wide } = data;
  const grow = Math.floor(TARGET / width) || TARGET / width;
  const [w, h] = [width * grow, height * grow];
  root.setAttribute("aria-label", label);
  root.classList.toggle("wide", wide);
  root.style.gridTemplateColumns = `repeat(auto-fill, ${w}px)`;
  const focused = parentElement.activeElement?.dataset?.row;
  root.replaceChildren(
    ...rows.map((row, i) => {
      const button = document.createElement("button");
      const current = row === chosen;
      button.type = "button";
      button.dataset.row = row;
      button.title = labels[i];
      button.tabIndex = (rows.includes(chosen) ? current : i === 0) ? 0 : -1;
      button.setAttribute("aria-label", labels[i]);
      button.setAttribute("aria-pressed", current);
      Object.assign(button.style, {
        width: `${w}px`,
        height: `${h}px`,
        backgroundImage: `url(${sprite})`,
        backgroundSize: `${columns * w}px auto`,
        backgroundPosition: `${-(i % columns) * w}px ${-Math.floor(i / columns) * h}px`,
        imageRendering: grow >= 1 ? "pixelated" : "auto",
      });
      button.onclick = () => setTriggerValue("picked", row);
      return button;
    }),
  );
  root.onkeydown = (event) => move(root, event);
  if (focused) [...root.children].find((button) => button.dataset.row === focused)?.focus();
}

function move(root, event) {
  const buttons = [...root.children];
  const at = buttons.indexOf(event.target);
  const across = buttons.filter((button) => button.offsetTop === buttons[0].offsetTop).length;
  const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -across, ArrowDown: across }[event.key];
  const next = buttons[at + step];
  if (at < 0 || !next) return;
  event.preventDefault();
  buttons[at].tabIndex = -1;
  next.tabIndex = 0;
  next.focus();
}
