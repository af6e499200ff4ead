// Sample services: an object of functions, nested objects become services with dotted names.

/** Waits, or stops waiting when the caller gives up. */
function sleep(ms, signal) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      reject(signal.reason);
    });
  });
}

export const handlers = {
  math: {
    add: ({ a, b }) => a + b,
    divide: ({ a, b }) => {
      if (b === 0) throw new RangeError("division by zero");
      return a / b;
    },
  },
  text: {
    upper: ({ text }) => text.toUpperCase(),
    words: ({ text }) => text.split(/\s+/).filter(Boolean).length,
  },
  greet: ({ name }, { remoteAddress }) => `Hello ${name}, you are ${remoteAddress ?? "next door"}`,
  /** Tells the caller about each second on the way, and answers at the end. */
  countdown: async ({ from }, { peer, signal }) => {
    for (let left = from; left > 0; left--) {
      await peer.notify("tick", { left });
      await sleep(1000, signal);
    }
    return "lift-off";
  },
};
