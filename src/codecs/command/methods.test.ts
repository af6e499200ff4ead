import { expect, expectTypeOf, test } from "vitest";
import type { CallContext } from "../../core/context.ts";
import { type Remote, remoteOf } from "../../core/remote.ts";
import { command } from "../../wires/command.ts";
import { type CommandApi, type CommandHandlers, type CommandListeners, notification, request } from "./methods.ts";

interface Balance {
  readonly balance: number;
}

const wire = command({
  prefix: "tbcapi",
  methods: {
    balanceByAddress: request<{ address: string }, Balance>(),
    feeEstimate: request<{ blocks?: number }, { fee: number }>(),
    loose: request(),
    tx: notification<{ tx_id: string }>(),
  },
});
const open = command({ prefix: "tbcapi" });

test("a wire's table types the methods of the other side", () => {
  expect(wire.methods.tx.kind).toBe("notification");
  const calls: unknown[] = [];
  const caller = { call: (...args: unknown[]) => Promise.resolve(calls.push(args)) };
  const remote = remoteOf<CommandApi<typeof wire>>(caller as never);
  void remote.balanceByAddress({ address: "m1" });
  void remote.feeEstimate();
  expect(calls).toEqual([
    ["balanceByAddress", { address: "m1" }, undefined],
    ["feeEstimate", undefined, undefined],
  ]);
  expectTypeOf(remote.balanceByAddress).returns.resolves.toEqualTypeOf<Balance>();
  expectTypeOf(remote.balanceByAddress).parameter(0).toEqualTypeOf<{ address: string }>();
  expectTypeOf(remote.feeEstimate).parameter(0).toEqualTypeOf<{ blocks?: number } | undefined>();
  expectTypeOf(remote.loose).returns.resolves.toEqualTypeOf<Readonly<Record<string, unknown>>>();
  expectTypeOf<Remote<CommandApi<typeof wire>>>().not.toHaveProperty("tx");
  // @ts-expect-error: the address is a text
  void remote.balanceByAddress({ address: 5 });
  // @ts-expect-error: there is no such method
  expect(() => void remote.nope()).not.toThrow();
});

test("and of the handlers, requests all of them, notifications those that somebody wants", () => {
  const handlers = {
    balanceByAddress: ({ address }, { remoteAddress }) => ({ balance: address.length + (remoteAddress ?? "").length }),
    feeEstimate: async ({ blocks = 6 }) => ({ fee: blocks }),
    loose: (params) => params,
  } satisfies CommandHandlers<typeof wire>;
  expect(handlers.balanceByAddress({ address: "abc" }, {} as CallContext)).toEqual({ balance: 3 });
  const listeners: CommandListeners<typeof wire> = { tx: ({ tx_id }) => tx_id.length };
  expect(listeners.tx?.({ tx_id: "00" }, {} as CallContext)).toBe(2);
  const none: CommandListeners<typeof wire> = {};
  expect(none).toEqual({});
  // @ts-expect-error: two requests have no handler
  const some: CommandHandlers<typeof wire> = { balanceByAddress: () => ({ balance: 1 }) };
  // @ts-expect-error: a balance is a number
  const wrong: CommandHandlers<typeof wire> = { ...handlers, balanceByAddress: () => ({ balance: "1" }) };
  expect([some, wrong]).toHaveLength(2);
});

test("without a table every name is a request", () => {
  expectTypeOf<Remote<CommandApi<typeof open>>>().toHaveProperty("anything");
  expect(open.methods).toEqual({});
});
