// How much of the window a view has: from its top, as the page stands before anybody scrolls, to the lower edge.

const MARGIN = 0.75; // rem that stay free at the lower edge

/** CSS pixels from the top of an element to the window's lower edge, and a margin less. */
export function roomBelow(element: Element): number {
  let { top } = element.getBoundingClientRect();
  for (let at: Node | null = element; at; at = at instanceof ShadowRoot ? at.host : at.parentNode) {
    if (at instanceof Element) top += at.scrollTop;
  }
  return window.innerHeight - top - rems(MARGIN);
}

/** So many CSS pixels are as many `rem`: type is larger in a presentation. */
export function rems(count: number): number {
  return count * (parseFloat(getComputedStyle(document.documentElement).fontSize) || 16);
}
