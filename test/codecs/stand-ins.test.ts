import { codecSuite } from "../suites/codec-suite.ts";
import { callOf } from "./ends.ts";
import { FullCodec } from "./full.ts";

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
