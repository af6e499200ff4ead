import { expect, test } from "vitest";
import { Misfit } from "./misfit.ts";

test("a misfit has the place that the containers around it say, from the inside out", () => {
  const misfit = new Misfit();
  expect(misfit.text).toBeUndefined();
  expect(misfit.open).toBe(false);
  misfit.note("too large");
  expect(misfit.open).toBe(true);
  misfit.within("2");
  misfit.within("key");
  misfit.place("main.S", "Items");
  expect(misfit.open).toBe(false);
  expect(misfit.text).toBe("main.S.Items[key][2]: too large");
});

test("outside of structs it is in the value", () => {
  const misfit = new Misfit();
  misfit.note("too large");
  expect(misfit.text).toBe("value: too large");
  misfit.within("0");
  expect(misfit.text).toBe("value[0]: too large");
});

test("the first of several is told, and none of another value", () => {
  const misfit = new Misfit();
  misfit.note("first");
  misfit.place("main.S", "A");
  misfit.note("second");
  expect(misfit.open).toBe(false);
  expect(misfit.text).toBe("main.S.A: first");
  misfit.clear();
  expect(misfit.text).toBeUndefined();
  misfit.note("third");
  expect(misfit.text).toBe("value: third");
});
