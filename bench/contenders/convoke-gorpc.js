// Convoke on the wire of Go's gorpc, with the types and the dispatcher's functions of go/gorpc/main.go.
import * as gob from "convoke/gob";
import { gorpc } from "convoke/gorpc";
import { connect, serve } from "convoke/node";
import { order } from "../workloads.js";

export const label = "Convoke, gorpc's wire";
/** What is sent has a type in main.go, which the mixed values have not. */
export const workloads = ["small", "order"];

const Pair = gob.struct("main.Pair", { A: gob.int, B: gob.int }, { pointer: true });
const Address = gob.struct("main.Address", {
  Street: gob.string,
  City: gob.string,
  Zip: gob.string,
  Country: gob.string,
});
const Customer = gob.struct("main.Customer", { ID: gob.int, Name: gob.string, Email: gob.string, Address });
const Line = gob.struct("main.Line", {
  Sku: gob.string,
  Title: gob.string,
  Count: gob.int,
  Price: gob.float64,
  Tags: gob.slice(gob.string),
});
const Order = gob.struct(
  "main.Order",
  {
    ID: gob.int,
    Placed: gob.string,
    Customer,
    Lines: gob.slice(Line),
    Total: gob.float64,
    Currency: gob.string,
    Paid: gob.bool,
  },
  { pointer: true },
);
const wire = () => gorpc({ types: [Pair, Order] });

export async function listen() {
  const handlers = { Add: ({ A, B }) => A + B, Echo: (placed) => placed };
  const server = await serve("tcp://127.0.0.1:0", { wire: wire(), handlers });
  return server.addresses[0];
}

export async function dial(address) {
  const client = await connect(address, { wire: wire() });
  const placed = Order.of(withGoNames(order));
  return {
    add: (A, B) => client.call("Add", Pair.of({ A, B })),
    echo: () => client.call("Echo", placed).then(({ ID }) => ({ id: ID })),
  };
}

/** The same value with the names that its fields have in main.go. */
function withGoNames(value) {
  if (Array.isArray(value)) return value.map(withGoNames);
  if (typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([name, field]) => [goName(name), withGoNames(field)]));
}

const goName = (name) => (name === "id" ? "ID" : name[0].toUpperCase() + name.slice(1));
