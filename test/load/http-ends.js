// A server over HTTP in a process of its own, so that what its clients do to it shows in nobody else's times.
import { serve } from "convoke/node";
import { httpListen } from "../../dist/http/node/listen.js";
import { answering } from "./answering.js";

answering({
  async listen({ bodyTimeoutMs }) {
    const handlers = { echo: (params) => params };
    const server = await serve(httpListen({ port: 0, bodyTimeoutMs }), { handlers, logger: false });
    return server.addresses[0];
  },
});
