// What the contenders are asked to do. Node's worker reads it, and main, which sends the order to Go.

/** A nested order of about 1 KiB as JSON; contenders/echo.proto and go/gorpc/main.go have its types. */
export const order = {
  id: 48213,
  placed: "2026-03-14T09:26:53.589Z",
  customer: {
    id: 7719,
    name: "Ann Example",
    email: "ann.example@example.org",
    address: { street: "12 Long Lane", city: "Springfield", zip: "01109", country: "US" },
  },
  lines: [
    { sku: "BK-20911", title: "A field guide to birds, 2nd edition", count: 1, price: 24.9, tags: ["book", "nature"] },
    { sku: "KT-00417", title: 'Kettle, 1.7 l, "silent boil"', count: 1, price: 49.95, tags: ["kitchen"] },
    { sku: "ST-77120", title: "Pencils, HB, box of twelve", count: 3, price: 5.25, tags: ["office", "school"] },
    { sku: "LT-10033", title: "Desk lamp, warm white, dimmable", count: 2, price: 37.5, tags: ["home", "office"] },
    { sku: "GD-58002", title: "Tomato seeds, early variety", count: 4, price: 2.2, tags: ["garden"] },
    { sku: "EL-33914", title: "USB cable, braided, 2 m", count: 2, price: 8.99, tags: ["electronics"] },
    { sku: "BK-31877", title: "Bread at home, paperback", count: 1, price: 17.4, tags: ["book", "kitchen"] },
  ],
  total: 210.78,
  currency: "USD",
  paid: true,
};

/** Small values without a field in common; the first field of each tells the reply apart. */
const shapes = [
  { x: 3, y: 4 },
  { name: "ann", age: 41 },
  { ok: true, code: 200 },
  { path: "/etc/hosts", size: 1024, mode: 420 },
  { lat: 52.52, lon: 13.405, alt: 34 },
  { user: { id: 9, roles: ["admin"] } },
  { items: 3, cursor: "c2Vjb25k", more: false },
  { level: "info", text: "listening", at: 1710400000 },
  { from: "a", to: "b", weight: 0.5 },
  { total: 12, values: [1, 2, 3, 4] },
  { key: "theme", value: null },
  { width: 640, height: 480, depth: 24, alpha: true },
  { token: "8f14e45fceea167a", ttl: 3600 },
  { min: -1, max: 1, mean: 0.02, count: 64 },
  { first: { second: { third: "deep" } } },
  { tags: ["red", "green"], open: true },
].map((value) => ({ value, key: Object.keys(value)[0] }));

/** By name: how to make the call number `n`, and whether what came back is its result. A fan-out is one call to all agents. */
export const workloads = {
  small: {
    call: (client, n) => client.add(n, 1),
    holds: (sum, n) => sum === n + 1,
  },
  order: {
    call: (client) => client.echo(order),
    holds: (reply) => reply.id === order.id,
  },
  mixed: {
    call: (client, n) => client.echo(shapes[n & 15].value),
    holds: (reply, n) => reply[shapes[n & 15].key] !== undefined,
  },
  "fan-out": {
    call: (controller, n) => controller.collectAll({ since: n, kinds: ["cpu", "memory", "disk"], limit: 20 }),
    holds: (results, n, { agents }) => results.length === agents && results.every((result) => result?.since === n),
  },
};

/** What is measured: a workload with so many calls in flight; those of a fan-out are to so many agents each. */
export const CASES = [
  { key: "small@1", workload: "small", inFlight: 1 },
  { key: "small@64", workload: "small", inFlight: 64 },
  { key: "small@1000", workload: "small", inFlight: 1000 },
  { key: "order@64", workload: "order", inFlight: 64 },
  { key: "mixed@64", workload: "mixed", inFlight: 64 },
  { key: "fan-out@1", workload: "fan-out", inFlight: 1, agents: 1 },
  { key: "fan-out@100", workload: "fan-out", inFlight: 1, agents: 100 },
  { key: "fan-out@1000", workload: "fan-out", inFlight: 1, agents: 1000 },
  { key: "fan-out@1000x16", workload: "fan-out", inFlight: 16, agents: 1000 },
  { key: "fan-out@10000", workload: "fan-out", inFlight: 1, agents: 10_000 },
];
