/**
 * The text and what it was: every change, by hand or by a slider, is one that undo takes back.
 *
 * @typedef {{text: string, start: number, end: number, kind: string, at: number}} State
 */

const MOST_STATES = 400;
const MOST_KEPT = 8e6;
const TOGETHER = 700;

class History {
  constructor() {
    /** @type {State[]} */
    this.states = [{ text: "", start: 0, end: 0, kind: "", at: 0 }];
    this.index = 0;
    /** @type {(() => void)[]} */
    this.listeners = [];
  }

  get now() { return this.states[this.index]; }
  get text() { return this.now.text; }
  get canUndo() { return this.index > 0; }
  get canRedo() { return this.index < this.states.length - 1; }

  /** Begins anew with a text. */
  reset(/** @type {string} */ text) {
    this.states = [{ text, start: 0, end: 0, kind: "", at: 0 }];
    this.index = 0;
    this.tell();
  }

  /** Takes a changed text; changes of one kind in quick succession are one. */
  push(/** @type {string} */ text, /** @type {number} */ start, /** @type {number} */ end, kind = "") {
    const now = Date.now();
    if (text === this.text) return Object.assign(this.now, { start, end });
    const goesOn = kind && kind === this.now.kind && now - this.now.at < TOGETHER && this.index === this.states.length - 1;
    this.states.length = this.index + (goesOn && this.index ? 0 : 1);
    this.states.push({ text, start, end, kind, at: now });
    let kept = this.states.reduce((sum, state) => sum + state.text.length, 0);
    while (this.states.length > 2 && (this.states.length > MOST_STATES || kept > MOST_KEPT)) kept -= /** @type {State} */ (this.states.shift()).text.length;
    this.index = this.states.length - 1;
    this.tell();
    return this.now;
  }

  /** Where the cursor is, so that undo finds the place again. */
  select(/** @type {number} */ start, /** @type {number} */ end) {
    Object.assign(this.now, { start, end });
  }

  move(/** @type {number} */ by) {
    const index = this.index + by;
    if (index < 0 || index >= this.states.length) return;
    this.now.kind = "";
    this.index = index;
    this.now.kind = "";
    this.tell();
  }

  onchange(/** @type {() => void} */ f) { this.listeners.push(f); }
  tell() { for (const f of this.listeners) f(); }
}
