// A hand that holds something: with the main button or one finger, from where it goes down to where it lets go.

/** Follow the hand from going down on; `letGo` hears when it releases. */
export function drag(element: HTMLElement, follow: (event: PointerEvent) => void, letGo: () => void): void {
  element.onpointerdown = (event) => {
    if (event.button !== 0) return;
    element.setPointerCapture(event.pointerId);
    follow(event);
  };
  element.onpointermove = (event) => {
    if (element.hasPointerCapture(event.pointerId)) follow(event);
  };
  element.onlostpointercapture = letGo;
}
