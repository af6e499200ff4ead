// A web page that calls a server and is called by it: `node examples/page.js [port]`, then open the address that it prints.
// One port has the files and the wire. Nothing comes from anywhere else.
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { Fleet } from "convoke";
import { serve, wsListen } from "convoke/node";

const PORT = Number(process.argv[2] ?? 7080);
const page = new URL("page/", import.meta.url);
/** The library as it was built: the page's import map says that `convoke/` is here. */
const library = new URL(".", import.meta.resolve("convoke"));

const TYPES = {
  html: "text/html; charset=utf-8",
  js: "text/javascript; charset=utf-8",
  css: "text/css; charset=utf-8",
};

/** Which file a path means. Names have letters, digits and "-" only, so that none leads out of its folder. */
function fileOf(path) {
  if (path === "/") return new URL("index.html", page);
  const [, inLibrary, name] = /^\/(convoke\/)?((?:[a-z0-9-]+\/)*[a-z0-9-]+\.(?:js|css))$/.exec(path) ?? [];
  return name === undefined ? undefined : new URL(name, inLibrary === undefined ? page : library);
}

const web = createServer(async (request, response) => {
  const file = fileOf(new URL(request.url, "http://page").pathname);
  try {
    const body = await readFile(file);
    const type = TYPES[file.pathname.replace(/.*\./, "")];
    response.writeHead(200, { "content-type": type, "cache-control": "no-cache" }).end(body);
  } catch {
    response.writeHead(404, { "content-type": "text/plain" }).end("There is no such file\n");
  }
});

/** Waits, or stops waiting when the caller gives up or goes away. */
function sleep(ms, signal) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      reject(signal.reason);
    });
  });
}

/** Pages that want to be called each second. */
const listeners = new Set();

/** What a page can call. `peer` calls that page back before its call is answered; `connection` is the link it came over. */
const handlers = {
  math: { add: ({ a, b }) => a + b },
  greet: ({ name }, { connection }) => `Hello ${name}, you are ${connection.hello?.name}`,
  countdown: async ({ from }, { peer, signal }) => {
    for (let left = from; left > 0; left--) {
      await peer.notify("page.progress", { left });
      await sleep(700, signal);
    }
    return "lift-off";
  },
  callMeBack: async ({ times }, { peer }) => {
    const answers = [];
    for (let time = 1; time <= times; time++) answers.push(await peer.call("page.blink", { time }));
    return answers;
  },
  eachSecond: ({ on }, { connection }) => {
    if (on) listeners.add(connection);
    else listeners.delete(connection);
  },
  hangUp: (_, { connection }) => {
    setTimeout(() => connection.close({ graceMs: 0 }), 100);
    return "in 100 ms";
  },
};

/** Who is here. A page that says a name is told from others, and keeps its link alive by the wire's own pings. */
const fleet = new Fleet();

const server = await serve(wsListen({ server: web, path: "/rpc" }), {
  handlers,
  fleet,
  onDisconnect: (connection) => listeners.delete(connection),
});

let second = 0;
const timer = setInterval(() => {
  second++;
  for (const connection of listeners) {
    connection.call("page.measure", { second, pages: fleet.list().length }, { timeoutMs: 5000 }).catch((error) => {
      console.log(`${connection.hello?.name} did not answer: ${error.message}`);
    });
  }
}, 1000);

const stop = async () => {
  process.once("SIGINT", () => process.exit(1));
  clearInterval(timer);
  await server.close();
  web.close();
};
process.once("SIGINT", stop);
process.once("SIGTERM", stop);

web.once("error", () => web.listen(0, "127.0.0.1"));
web.once("listening", () => console.log(`Open http://127.0.0.1:${web.address().port}/ in a browser; Ctrl-C ends`));
web.listen(PORT, "127.0.0.1");
