// Shows an exploration: controls, a picture, a line of words. Python draws every picture (widget.py).
//
// A setting is a list with one entry a control: the position of the chosen option. The page sends {ask: [settings]},
// the kernel answers {settings, frames}. One question is open at a time and the newest setting is asked first, so
// dragging never piles up a queue; when nothing is open, the neighbours of the present setting are asked ahead.

const PATIENCE = 4000; // ms until the page says that the kernel does not answer
const PACE = 700; // ms between two steps of "Play"

function element(tag, properties = {}, ...children) {
  const node = Object.assign(document.createElement(tag), properties);
  node.append(...children);
  return node;
}

// JupyterLab would otherwise take the arrow keys away from a control.
function own(node) {
  node.setAttribute("data-lm-suppress-shortcuts", "true");
  return node;
}

function render({ model, el }) {
  const controls = model.get("controls");
  const setting = controls.map((c) => c.start);
  const key = JSON.stringify;
  const frames = new Map([[key(setting), model.get("first")]]);
  const refreshers = [];
  let open = false;
  let touched = null; // the control in use: its other options are asked ahead first
  let patience = null;

  const picture = element("div", { className: "lm-picture" });
  const words = element("p", { className: "lm-words" });
  words.setAttribute("role", "status");
  words.setAttribute("aria-live", "polite");

  function paint() {
    const frame = frames.get(key(setting));
    if (!frame) return;
    picture.innerHTML = frame.svg;
    const svg = picture.firstElementChild;
    // The line of words says what changes; the label says what kind of picture it is.
    svg?.setAttribute("role", "img");
    svg?.setAttribute("aria-label", model.get("alt"));
    const look = Number(svg?.dataset.look ?? 0);
    picture.scrollLeft = look * picture.scrollWidth - picture.clientWidth / 2;
    words.textContent = frame.words;
  }

  // All options of the control in use, nearest first, then the neighbours on the other controls.
  function ahead() {
    if (touched === null) return [];
    const wanted = [touched, ...controls.keys()].flatMap((k, turn) => {
      if (controls[k].kind === "presses") {
        return controls[k].options.map((_, i) => setting.with(k, [...setting[k], i].slice(0, controls[k].most)));
      }
      const far = (i) => Math.abs(i - setting[k]);
      const near = controls[k].options.map((_, i) => i).filter((i) => turn === 0 || far(i) === 1);
      return near.sort((a, b) => far(a) - far(b)).map((i) => setting.with(k, i));
    });
    return wanted.filter((s) => !frames.has(key(s))).slice(0, 12);
  }

  function ask() {
    if (open) return;
    const wanted = frames.has(key(setting)) ? ahead() : [setting];
    if (!wanted.length) return;
    open = true;
    patience = setTimeout(() => {
      words.textContent = "The kernel does not answer: wait until it is idle, or run this cell again.";
    }, PATIENCE);
    model.send({ ask: wanted });
  }

  function change(k, choice) {
    setting[k] = choice;
    touched = k;
    refreshers[k]();
    paint();
    ask();
  }

  function receive(message) {
    if (!message.frames) return;
    clearTimeout(patience);
    open = false;
    if (frames.size > 3000) frames.clear();
    const shown = frames.has(key(setting));
    message.settings.forEach((s, i) => frames.set(key(s), message.frames[i]));
    if (!shown) paint();
    ask();
  }

  const makers = {
    slider(c, k) {
      const input = own(element("input", { type: "range", min: 0, max: c.options.length - 1, step: 1 }));
      const shown = element("output");
      refreshers[k] = () => {
        input.value = setting[k];
        input.setAttribute("aria-valuetext", c.options[setting[k]]);
        shown.value = c.options[setting[k]];
      };
      input.addEventListener("input", () => change(k, Number(input.value)));
      const label = element("label", {}, element("span", { textContent: c.label }), input, shown);
      return c.play ? [label, ...player(c, k)] : [label];
    },
    menu(c, k) {
      const select = own(element("select", {}, ...c.options.map((o) => element("option", { textContent: o }))));
      refreshers[k] = () => (select.selectedIndex = setting[k]);
      select.addEventListener("change", () => change(k, select.selectedIndex));
      return [element("label", {}, element("span", { textContent: c.label }), select)];
    },
    box(c, k) {
      const input = own(element("input", { type: "checkbox" }));
      refreshers[k] = () => (input.checked = setting[k] === 1);
      input.addEventListener("change", () => change(k, Number(input.checked)));
      return [element("label", {}, input, element("span", { textContent: c.label }))];
    },
    presses(c, k) {
      const press = (text, choice) => {
        const node = own(element("button", { type: "button", textContent: text }));
        node.addEventListener("click", () => {
          const before = setting[k].length;
          change(k, choice());
          if (before === setting[k].length && before === c.most) {
            words.textContent = `No more than ${c.most} at a time: press Undo or Start again.`;
          }
        });
        return node;
      };
      const buttons = c.options.map((text, i) => press(text, () => [...setting[k], i].slice(0, c.most)));
      const back = press("Undo", () => setting[k].slice(0, -1));
      const again = press("Start again", () => []);
      refreshers[k] = () => {
        for (const b of buttons) b.setAttribute("aria-disabled", setting[k].length >= c.most);
        for (const b of [back, again]) b.setAttribute("aria-disabled", !setting[k].length);
      };
      const group = element("div", { className: "lm-group" }, element("span", { textContent: c.label }), ...buttons);
      group.append(back, again);
      group.setAttribute("role", "group");
      group.setAttribute("aria-label", c.label);
      return [group];
    },
  };

  // Buttons that move a slider: one back, one forth, and on to the end by itself.
  function player(c, k) {
    let timer = null;
    const last = c.options.length - 1;
    const step = (by) => change(k, Math.min(last, Math.max(0, setting[k] + by)));
    const play = own(element("button", { type: "button", textContent: "Play" }));
    const stop = () => {
      clearInterval(timer);
      timer = null;
      play.textContent = "Play";
    };
    play.addEventListener("click", () => {
      if (timer) return stop();
      if (setting[k] === last) change(k, 0);
      play.textContent = "Stop";
      timer = setInterval(() => {
        step(1);
        if (setting[k] === last || !el.isConnected) stop();
      }, PACE);
    });
    const moves = [["Back", -1], ["Forth", 1]].map(([text, by]) => {
      const node = own(element("button", { type: "button", textContent: text }));
      node.addEventListener("click", () => step(by));
      return node;
    });
    return [...moves, play];
  }

  const bar = element("div", { className: "lm-controls" });
  controls.forEach((c, k) => {
    const group = element("div", { className: "lm-control" }, ...makers[c.kind](c, k));
    // Before the first move: ask ahead as soon as the reader reaches for a control.
    for (const event of ["focusin", "pointerenter"]) {
      group.addEventListener(event, () => {
        touched = k;
        ask();
      });
    }
    bar.append(group);
    refreshers[k]();
  });
  el.classList.add("lm-exploration");
  el.append(bar, picture, words);
  model.on("msg:custom", receive);
  paint();
  return () => model.off("msg:custom", receive);
}

export default { render };
