import { expect, test } from "vitest";
import { Unfit } from "./unfit.ts";

test("an unfit value is told with the steps that lead to it, from the outside in", () => {
  const unfit = new Unfit("too large").under(".Name").under("[3]").under(".Items");
  expect(unfit.at("Order")).toBeInstanceOf(TypeError);
  expect(unfit.at("Order").message).toBe("Order.Items[3].Name: too large");
  expect(unfit.at("Order").stack).toContain("TypeError: Order.Items[3].Name: too large");
});

test("it is told again by the name of a value further inside", () => {
  const unfit = new Unfit("too large").under(".Name").under("[3]").under(".Items").at("Order");
  expect(unfit.at("items", 1).message).toBe("items[3].Name: too large");
  expect(unfit.at("name", 3).message).toBe("name: too large");
  expect(unfit.at("name", 4).message).toBe("name: too large");
});

test("a long path is cut behind the beginning of what is told", () => {
  const unfit = new Unfit("nested too deep").under(".End");
  for (let n = 0; n < 300; n++) unfit.under(".N");
  expect(unfit.at("value").message).toBe(`value${".N".repeat(100)}…: nested too deep`);
  expect(unfit.at("value", 298).message).toBe("value.N.N.End: nested too deep");
});

test("it keeps its cause, and has none where there is none", () => {
  const cause = new Error("of a coder");
  expect(new Unfit("why", { cause }).at("value").cause).toBe(cause);
  expect("cause" in new Unfit("why").at("value")).toBe(false);
});
