import http from "node:http";
import { basicQuery, typedQuery } from "convoke/http";
import { jsonrpc } from "convoke/jsonrpc";
import { type NodeServeOptions, serve } from "convoke/node";
import { describe, expect, test } from "vitest";
import { jrpc2Service } from "../test/jrpc2-service.ts";
import { goPartner } from "./partners/go-partner.ts";

const RECORDS = Number(process.env["CONVOKE_JRPC2_RECORDS"] ?? 200_000) / 40;
const SEED = Number(process.env["CONVOKE_JRPC2_SEED"] ?? 1);

const go = await goPartner("jrpc2");

/** Serves the same as Go's program `bridge` until the test ends. */
async function ourServer(options: NodeServeOptions = {}): Promise<string> {
  const handlers = (): object => jrpc2Service((ms) => new Promise((resolve) => setTimeout(resolve, ms)));
  const wire = jsonrpc({ strict: true, errors: "verbatim" });
  const server = await serve("http://127.0.0.1:0/rpc", { wire, handlers, logger: false, ...options });
  go.afterTest(() => server.close({ graceMs: 0 }));
  return server.addresses[0] ?? "";
}

async function theirServer(place: string): Promise<string> {
  return `http://${await go.serve("bridge", [])}/${place}`;
}

/** An HTTP request, as it is. */
interface Asked {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

interface Answered {
  readonly status: number | undefined;
  readonly type: string | undefined;
  readonly acceptPost: string | undefined;
  readonly body: string;
}

/** Asks the same of both. */
async function ask(bases: readonly string[], asked: Asked): Promise<readonly [theirs: Answered, ours: Answered]> {
  const [theirs, ours] = await Promise.all(bases.map((base) => answerOf(base, asked)));
  if (theirs === undefined || ours === undefined) throw new TypeError("Two are to be asked");
  return [theirs, ours];
}

function answerOf(base: string, { method = "POST", path = "", headers, body }: Asked): Promise<Answered> {
  const { hostname, port, pathname } = new URL(base);
  const given = headers ?? (method === "POST" ? { "content-type": "application/json" } : {});
  const length = body === undefined ? {} : { "content-length": String(Buffer.byteLength(body)) };
  return new Promise((resolve, reject) => {
    const options = { hostname, port, path: pathname + path, method, headers: { ...given, ...length } };
    const request = http.request(options, (response) => {
      const { statusCode: status, headers: heads } = response;
      const acceptPost = heads["accept-post"];
      let text = "";
      response.setEncoding("utf8").on("data", (chunk: string) => {
        text += chunk;
      });
      response.on("error", reject).on("end", () => {
        resolve({ status, type: heads["content-type"], acceptPost: acceptPost?.toString(), body: text });
      });
    });
    request.on("error", reject);
    request.end(body);
  });
}

const call = (id: string, method: string, params?: string): string =>
  `{"jsonrpc":"2.0","id":${id},"method":"${method}"${params === undefined ? "" : `,"params":${params}`}}`;
const X = call("1", "X");
const NOTE = '{"jsonrpc":"2.0","method":"X"}';
const typed = (type: string): Asked => ({ headers: { "content-type": type }, body: X });

/** By the numbers of jrpc2's cases. */
const SAME: readonly (readonly [what: string, asked: Asked])[] = [
  ["189: a call", { body: X }],
  ["190: charset utf-8", typed("application/json; charset=utf-8")],
  ["190: charset utf8", typed('application/json;charset="utf8"')],
  ["190: charset UTF-8", typed("application/json; charset=UTF-8")],
  ["190: charset latin1", typed("application/json; charset=latin1")],
  ["190: two charsets", typed("application/json; charset=utf-8; charset=utf8")],
  ["190: other parameters", typed("application/json; q=1; version=2")],
  ["190: a parameter that is none", typed("application/json; charset")],
  ["190: capitals", typed("APPLICATION/JSON")],
  ["191: another type", typed("text/plain")],
  ["191: a type like it", typed("application/json-rpc")],
  ["191: no type", { headers: {}, body: X }],
  ["192: GET", { method: "GET" }],
  ["192: PUT", { method: "PUT", body: X }],
  ["192: OPTIONS", { method: "OPTIONS" }],
  ["192: HEAD", { method: "HEAD" }],
  ["192: DELETE", { method: "DELETE" }],
  ["193: a notification", { body: NOTE }],
  ["193: an unknown notification", { body: '{"jsonrpc":"2.0","method":"nope"}' }],
  ["193: a batch of notifications", { body: `[${NOTE},${NOTE}]` }],
  ["193: an empty batch", { body: "[]" }],
  ["194: a batch of one", { body: `[${X}]` }],
  ["194: invalid members come first", { body: `[${X},1,${NOTE},${call("2", "nope")},{"id":3}]` }],
  ["195: ids twice in a batch", { body: `[${call('"a"', "X")},${call('"a"', "Echo", "[1]")},${call("1.0", "X")}]` }],
  ["196: no body", {}],
  ["196: no JSON", { body: "x" }],
  ["196: two values", { body: `${X}${X}` }],
  ["196: a batch that is cut", { body: `[${X}` }],
  ["196: a byte order mark", { body: `\ufeff${X}` }],
  ["197: an unknown method", { body: call("1", "nope") }],
  ["197: an error with data", { body: call("1", "Err") }],
  ["197: an empty object", { body: "{}" }],
  ["197: a bad id", { body: call("[1]", "X") }],
  ["197: bad params", { body: call("1", "X", "7") }],
  ["197: no object", { body: "7" }],
];

/** What a GET asks for; `/both` has the typed rules, `/get` the basic ones. */
const GETS: readonly string[] = [
  "/both/X /both//X/ /get/%58 /both/a/b/ /both/a%2Fb /both/ /both /get/ /get/nope /both/Err /get/Empty /get/X /both/Echo",
  "/get/Echo?x=1&y=b&x=2 /get/Echo?x /get/Echo?a=%C3%A9 /get/Echo?x%2 /get/Echo?a;b /get/Echo?a=%zz /get/Echo?+a+=+b+",
  "/get/Echo?=1 /get/Echo?&&a=1&",
].flatMap((targets) => targets.split(" "));

/** Values of one param under the typed rules. */
const VALUES: readonly string[] = [
  '"%C3%A9\\n" "%5Cx" " b" "" 007 -0 %2B3 +3 1.5 .5 5. 1e3 1_000 0x1p4 inf -Infinity NaN 0x10 1e400',
  "9223372036854775807 9223372036854775808 true True false null nil 'aGk' 'aGk=' '_-' ' a' '' it's a&a=2 a=b",
].flatMap((values) => values.split(" "));

/** Numbers that are the same for a seed: what differs can be asked again. */
function numbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
    return (state >>> 8) % below;
  };
}

/** What a value in a query is made of. */
const PIECES =
  "0 1 7 9 12 . - %2B + e E _ 0x p x inf nan true null \" ' aGk = == / %5C n u0041 %22 %27 %C3%A9 %FF %2 % ; &b= %0A *".split(
    " ",
  );

/** What is left of an answer to compare. Go's texts about JSON and base64 are its own, and so is which fault of two it names. */
function comparable({ status, type, body }: Answered): readonly unknown[] {
  // 208: Go answers with the fields of its own error where a number has no JSON form, we with an error object.
  if (/^\{"Value":\{\},"Str":"(?:[+-]Inf|NaN)"\}$|The number \S+ has no JSON form"/.test(body))
    return [status, type, "no number"];
  const known = body
    .replace(/(decoding (?:string|bytes) \\"\w*\\": )(?!missing).*"/, '$1…"')
    .replace(/"invalid (?:URL escape|semicolon separator) .*"/, '"…"');
  // Through text: there is no minus zero in what we write.
  return [status, type, type === "application/json" ? JSON.stringify(sorted(JSON.parse(known))) : known];
}

function sorted(value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

describe.skipIf(!go.found)("Go's bridge and our server, asked the same,", () => {
  test("answer a POST with the same status, type and body", async () => {
    const bases = [await theirServer("rpc"), await ourServer()];
    for (const [what, asked] of SAME) {
      const [theirs, ours] = await ask(bases, asked);
      expect([what, ours]).toEqual([what, theirs]);
    }
  });

  test("answer a GET with the same status, type and value", async () => {
    const base = await theirServer("");
    const getters = [
      { place: "/both", url: await ourServer({ http: { parseGet: typedQuery } }) },
      { place: "/get", url: await ourServer({ http: { parseGet: basicQuery } }) },
    ];
    const both = async (target: string): Promise<void> => {
      const { place = "", url = "" } = getters.find((each) => target.startsWith(each.place)) ?? {};
      const [theirs, ours] = await ask([base + place.slice(1), url], {
        method: "GET",
        path: target.slice(place.length),
      });
      expect([target, ...comparable(ours)]).toEqual([target, ...comparable(theirs)]);
      expect([ours.acceptPost, theirs.acceptPost]).toEqual([undefined, undefined]);
    };
    for (const target of [...GETS, "/both/Echo?a=", ...VALUES.map((value) => `/both/Echo?a=${value}`)])
      await both(target);
    const number = numbers(SEED);
    for (let each = 0; each < RECORDS / 5; each++) {
      const text = Array.from({ length: 1 + number(5) }, () => PIECES[number(PIECES.length)]).join("");
      await both(`/${number(4) === 0 ? "get" : "both"}/Echo?a=${text}`);
    }
    // 200: other methods than GET as without it.
    const bases = [`${base}both`, getters[0]?.url ?? ""];
    for (const method of ["POST", "HEAD", "PUT"]) {
      const [theirs, ours] = await ask(bases, { method, ...(method === "POST" && { body: X }) });
      expect([method, ours]).toEqual([method, theirs]);
    }
  });

  test(`answer ${RECORDS} random records the same`, { timeout: 120_000 }, async () => {
    const [theirs, ours] = [await theirServer("rpc"), await ourServer()];
    const flags = ["-theirs", theirs, "-ours", ours, "-count", String(RECORDS), "-seed", String(SEED)];
    const report = (await go.run("compare", flags)) as { differences: unknown[]; replies: number };
    expect(report.differences).toEqual([]);
    expect(report.replies).toBeGreaterThan(RECORDS / 2);
  });

  test("differ where ours is made to differ", async () => {
    const bases = [await theirServer("rpc"), await ourServer({ http: { maxBodyBytes: 1000, parseGet: basicQuery } })];
    const told = async (asked: Asked): Promise<readonly string[]> =>
      (await ask(bases, asked)).map(({ status, body }) => `${status} ${body}`.trim());
    const json = { "content-type": "application/json" };
    const ok = '200 {"jsonrpc":"2.0","id":1,"result":"OK"}';
    // 195: handlers see the caller's own id.
    const [seen, ids] = await told({ body: call('"mine"', "ID") });
    expect(JSON.parse(seen?.slice(4) ?? "")).toMatchObject({ id: "mine", result: ["1", false, false, "ID"] });
    expect(JSON.parse(ids?.slice(4) ?? "")).toMatchObject({ id: "mine", result: ['"mine"', false, false, "ID"] });
    // 189: only who is meant is answered, and not every page of a browser.
    expect(await told({ headers: { ...json, host: "example.org" }, body: X })).toEqual([
      ok,
      '403 The host "example.org" is not allowed here: list it in the option hosts',
    ]);
    expect(await told({ headers: { ...json, origin: "https://example.org" }, body: X })).toEqual([
      ok,
      '403 The origin "https://example.org" is not allowed here: list it in the option origins',
    ]);
    // 191: what is packed is refused by its header, and not found to be no JSON.
    expect(await told({ headers: { ...json, "content-encoding": "gzip" }, body: "\x1f\x8b" })).toEqual([
      "500 [-32700] invalid request value",
      "415 content-encoding must be identity",
    ]);
    // 189: a body has a largest size.
    const [large, refused] = await told({ body: call("1", "Echo", `["${"x".repeat(1000)}"]`) });
    expect(large).toContain("200 ");
    expect(refused).toBe("413 The body is above the limit of 1000 bytes");
    // 204: a form is no way to call: any page could send it.
    const form = { path: "?x=1", headers: { "content-type": "application/x-www-form-urlencoded" }, body: "x=2" };
    expect((await told(form))[1]).toBe("415 content-type must be application/json");
    // 192: GET may also mean events.
    const events = { method: "GET", headers: { accept: "text/event-stream, application/json" } };
    const [, stream] = bases;
    const opened = await fetch(stream ?? "", events);
    expect([opened.status, opened.headers.get("content-type")]).toEqual([200, "text/event-stream"]);
    await opened.body?.cancel();
    expect((await answerOf(bases[0] ?? "", events)).status).toBe(405);
  });
});
