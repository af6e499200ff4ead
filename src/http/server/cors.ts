import type { CorsRules } from "../options.ts";
import type { Answer, Asked } from "./exchange.ts";

/** Lets a page read the answer where the rules say so. Its origin was allowed, or the request would not have come so far. */
export function withCors(answer: Answer, cors: CorsRules | undefined, asked: Asked): Answer {
  if (cors === undefined) return answer;
  return { ...answer, headers: { ...answer.headers, ...corsHeaders(cors, asked.header("origin")) } };
}

/** The headers that let a page read an answer. */
function corsHeaders({ credentials }: CorsRules, origin: string | undefined): Readonly<Record<string, string>> {
  if (origin === undefined) return { vary: "origin" };
  return {
    vary: "origin",
    "access-control-allow-origin": origin,
    ...(credentials && { "access-control-allow-credentials": "true" }),
  };
}

/** Answers a browser that asks what a page may send; nothing for any other request. */
export function preflight(cors: CorsRules | undefined, asked: Asked): Answer | undefined {
  if (cors === undefined || asked.method !== "OPTIONS") return undefined;
  if (asked.header("origin") === undefined || asked.header("access-control-request-method") === undefined)
    return undefined;
  return {
    status: 204,
    headers: {
      "access-control-allow-methods": "POST, GET",
      "access-control-allow-headers": ["content-type", ...cors.headers].join(", "),
      "access-control-max-age": String(cors.maxAgeSeconds),
    },
  };
}
