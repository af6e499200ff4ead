/** Spans for calls, through `@opentelemetry/api`, which whoever imports this entry has installed. */
export type { TracingOptions } from "./otel/tracing.ts";
export { tracing } from "./otel/tracing.ts";
