import { expect, test } from "vitest";
import { bytesOf } from "../../core/text.ts";
import { mayAnswer, repliesIn } from "./replies.ts";

const read = (status: number, body: string) => {
  const answer = repliesIn(status, bytesOf(body), 8);
  return answer === undefined ? "none" : [[...answer.ids], answer.failure?.message];
};

test.each([
  ["the error of a call", '{"id":1,"jsonrpc":"2.0","error":{"code":1,"message":"no"}}', [["1"], undefined]],
  ["a result, for that matter", '{"id":"a","jsonrpc":"2.0","result":1}', [['"a"'], undefined]],
  ["an error without its id", '{"id":null,"jsonrpc":"2.0","error":{"code":-32600,"message":"bad"}}', [[], "bad"]],
  ["a list", '[{"id":2,"jsonrpc":"2.0","error":{}},1,{"jsonrpc":"2.0","error":{"message":"bad"}}]', [["2"], "bad"]],
  ["no JSON", "{", "none"],
  ["text", '"error"', "none"],
  ["an error of another kind", '{"error":{"message":"no"}}', "none"],
  ["an error that is none", '{"id":null,"jsonrpc":"2.0","error":7}', "none"],
  ["what is nested too deep", `{"id":1,"jsonrpc":"2.0","error":${"[".repeat(9)}${"]".repeat(9)}}`, "none"],
])("%s is read as what it is", (_, body, expected) => {
  expect(read(400, body)).toEqual(expected);
});

test("what is not UTF-8 is none", () => {
  expect(repliesIn(400, Uint8Array.of(0x7b, 0xff, 0x7d), 8)).toBeUndefined();
});

test("an error without its id counts beside those statuses alone that are about a request", () => {
  const body = '{"id":null,"jsonrpc":"2.0","error":{"code":-32005,"message":"slow down"}}';
  expect([200, 400, 404, 500].map((status) => read(status, body))).toEqual(Array(4).fill([[], "slow down"]));
  expect([401, 429, 503].map((status) => read(status, body))).toEqual(Array(3).fill("none"));
});

test.each([
  ["application/json", 400, true],
  ["application/json-rpc; charset=utf-8", 500, true],
  ["application/problem+json", 404, true],
  ["application/json", 302, false],
  ["application/jsonp", 400, false],
  ["text/html", 400, false],
  [undefined, 400, false],
])("with the type %s and the status %i it may have a message: %s", (type, status, expected) => {
  const reply = { status, statusText: "", header: () => type, read: unused, chunks: unused, drop: unused };
  expect(mayAnswer(reply)).toBe(expected);
});

function unused(): never {
  throw new Error("Nobody reads it");
}
