// Small things that every view builds its page from.

export type Props = Record<string, unknown>;

/** An element with properties, attributes (those with a dash, and `role`) and children; text stays text. */
export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  props: Props = {},
  ...children: (Node | string | null)[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (name.includes("-") || name === "role" || name === "for") element.setAttribute(name, String(value));
    else (element as unknown as Props)[name] = value;
  }
  element.append(...children.filter((child) => child !== null));
  return element;
}

/** An address below the app's, wherever it is mounted: a worker made from a blob has no base of its own. */
export const absolute = (path: string): string => new URL(path, document.baseURI).href;
