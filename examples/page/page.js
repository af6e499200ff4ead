// The page's end of the link: what it calls, and what it can be called for.
import { connect } from "convoke/web";

/** Lines of a list. */
const SHOWN = 7;
const find = (id) => document.getElementById(id);

/** Adds a line on top of a list, and gives what fills in its answer. */
function line(list, method, params) {
  const began = performance.now();
  const entry = document.createElement("li");
  const add = (className, text, parent = entry) => {
    const element = document.createElement("span");
    element.className = className;
    element.textContent = text;
    parent.append(element);
    return element;
  };
  const call = add("call", "");
  add("method", method, call);
  call.append(params === undefined ? "()" : `(${JSON.stringify(params)})`);
  const time = add("time", new Date().toLocaleTimeString());
  const answer = add("answer", "…");
  find(list).prepend(entry);
  const count = find(`count-${list}`);
  count.textContent = String(Number(count.textContent) + 1);
  while (find(list).children.length > SHOWN) find(list).lastElementChild.remove();
  return (text, state) => {
    answer.textContent = text;
    entry.className = state;
    const ms = performance.now() - began;
    if (state !== "noted") time.textContent = `${ms.toFixed(ms < 10 ? 1 : 0)} ms`;
  };
}

/** Calls the server, and shows the call and what came of it. */
async function call(method, params) {
  const answered = line("made", method, params);
  try {
    const value = await client.call(method, params);
    answered(value === null ? "done" : JSON.stringify(value), "answered");
  } catch (error) {
    answered(`${error.code}: ${error.message}`, "failed");
  }
}

/** Makes a handler of a function: shows the call that came, and what it was answered. */
function shown(method, run) {
  return (params) => {
    const answered = line("got", method, params);
    const value = run(params);
    if (value === undefined) answered("a notification", "noted");
    else answered(JSON.stringify(value), "answered");
    return value;
  };
}

/** What the server can call here. */
const handlers = {
  page: {
    measure: shown("page.measure", ({ pages }) => {
      find("pages").textContent = pages === 1 ? "1 page is here" : `${pages} pages are here`;
      return { width: innerWidth, height: innerHeight, visible: document.visibilityState === "visible" };
    }),
    blink: shown("page.blink", ({ time }) => {
      const section = document.querySelector(".got");
      section.classList.remove("blink");
      // The animation begins anew only if the page was laid out without it.
      void section.offsetWidth;
      section.classList.add("blink");
      return `blinked ${time}`;
    }),
    progress: shown("page.progress", () => undefined),
  },
};

const name = `page-${Math.random().toString(36).slice(2, 6)}`;
find("name").textContent = name;
let links = 0;

/** Says how the link is; a new one is told anew what this page wants. */
function onState(state) {
  const output = find("state");
  output.textContent = state;
  output.dataset.state = state;
  if (state !== "open") return;
  find("links").textContent = String(++links);
  // The first time there is no client yet.
  if (links > 1) void tellWish();
}

const tellWish = () => call("eachSecond", { on: find("each-second").checked });

const client = await connect("/rpc", { name, handlers, onState });
void tellWish();

find("add").addEventListener("submit", (event) => {
  event.preventDefault();
  const { a, b } = Object.fromEntries(new FormData(event.target));
  void call("math.add", { a: Number(a), b: Number(b) });
});
find("each-second").addEventListener("change", () => void tellWish());
for (const [id, method, params] of [
  ["greet", "greet", { name: "Ann" }],
  ["countdown", "countdown", { from: 3 }],
  ["call-me-back", "callMeBack", { times: 3 }],
  ["unknown", "noSuchMethod"],
  ["hang-up", "hangUp"],
]) {
  find(id).addEventListener("click", () => void call(method, params));
}
