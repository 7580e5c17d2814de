/** How long what arrives waits at most for a button to be released: whoever drags for longer sees it move. */
const mostHeld = 1500;
/** A page that is not shown has no frames; it goes on about this often, in milliseconds. */
const unseen = 250;

/**
 * Runs something with the next frame of the page, but not while a button of the mouse or a finger is down: what is
 * pressed must be what is released, else the browser makes no click of it.
 */
export class Frames {
  private pressed = 0;

  constructor(private readonly view: Window) {
    const on = (types: string[], run: () => void) => {
      for (const type of types) view.addEventListener(type, run, { capture: true, passive: true });
    };
    on(["pointerdown"], () => {
      this.pressed = this.now();
    });
    on(["pointerup", "pointercancel", "dragstart", "blur"], () => {
      this.pressed = 0;
    });
  }

  next(run: () => void) {
    const { view } = this;
    let frame = 0;
    let timer = 0;
    const tick = () => {
      view.cancelAnimationFrame(frame);
      view.clearTimeout(timer);
      if (this.pressed && this.now() - this.pressed < mostHeld) wait();
      else run();
    };
    const wait = () => {
      frame = view.requestAnimationFrame(tick);
      timer = view.setTimeout(tick, unseen);
    };
    wait();
  }

  private now = () => this.view.performance.now();
}
