// The key of the presentation, where Streamlit does not hear it: on its own and the views' sliders, switches and buttons.
const DEAF = ["range", "checkbox", "radio", "color"]; // kinds of input in which nobody writes a letter

/** Listen for it on the page. */
export function listen(): void {
  document.addEventListener("keydown", (event) => {
    const at = event.composedPath()[0];
    if (!(at instanceof HTMLInputElement) || !DEAF.includes(at.type) || event.key.toLowerCase() !== "p") return;
    if (event.repeat || event.ctrlKey || event.metaKey || event.altKey) return;
    document.querySelector<HTMLElement>(".st-key-present button")?.click();
  });
}
