import * as fc from "fast-check";
import { codecSuite, JSON_PARAMS, JSON_VALUES } from "../suites/codec-suite.ts";
import { CommandCodec } from "./command.ts";
import { CoordinatorCodec, JSON_TYPE } from "./coordinator.ts";
import { callOf } from "./ends.ts";
import { FullCodec } from "./full.ts";

const objects = fc
  .dictionary(
    fc.string().filter((key) => key !== "error"),
    JSON_VALUES,
    { maxKeys: 4 },
  )
  .map((value): unknown => JSON.parse(JSON.stringify(value)));

const opening = [
  { hello: "never", welcome: false },
  { hello: "never", welcome: true },
  { hello: "may", welcome: true },
  { hello: "must", welcome: true },
] as const;
for (const options of opening) {
  codecSuite(`full, hello ${options.hello}, welcome ${options.welcome}`, (link) => new FullCodec(link, options), [
    {
      says: "a call says everything about itself",
      from: "client",
      messages: [callOf("a", [1])],
      frames: ['{"kind":"call","id":1,"method":"a","params":[1],"timeoutMs":20000}'],
    },
  ]);
}

const types = new Map([["Collect", { request: JSON_TYPE, response: JSON_TYPE }]]);
codecSuite(
  "coordinator",
  (link) => new CoordinatorCodec(types, link),
  [
    {
      says: "hello says who it is and which id comes next",
      from: "client",
      messages: [{ kind: "hello", hello: { name: "agent-7", nextId: 3 } }],
      frames: ['{"hello":{"name":"agent-7","nextId":3}}'],
    },
    {
      says: "a call has the time that is left",
      from: "server",
      messages: [callOf("Collect", { since: 5 }, 3)],
      frames: [
        '{"request":{"id":3,"timeoutMs":20000,"payload":{"typeUrl":"types/Collect","value":"{\\"since\\":5}"}}}',
      ],
    },
  ],
  { method: "Collect", callers: ["server"], notifiers: [], cancellers: ["server"], params: JSON_PARAMS },
);

codecSuite(
  "command",
  (link) => new CommandCodec({ prefix: "bfg", methods: ["add"], notifications: ["log"] }, link),
  [
    {
      says: "the accepter's first ping is its welcome",
      from: "server",
      messages: [{ kind: "welcome", hello: {} }],
      frames: ['{"header":{"command":"bfg-ping-request","id":"0"},"payload":{"timestamp":0}}'],
    },
    {
      says: "a call's name has prefix and suffix",
      from: "client",
      messages: [callOf("add", { a: 1 }, 1)],
      frames: ['{"header":{"command":"bfg-add-request","id":"1"},"payload":{"a":1}}'],
    },
  ],
  {
    method: "add",
    ids: [1, 2, 1000, 2 ** 31, 999_999_999_999_999],
    params: objects,
    values: objects,
    codeOf: () => "invalid_argument",
    cancellers: [],
  },
);
