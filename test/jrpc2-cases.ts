/** Why a case may differ from jrpc2: the only reasons there are (issue 3). */
export type Jrpc2Reason = "a defect of jrpc2" | "a Go artefact" | "a rule of the engine";

/** One numbered case of jrpc2's behaviour: a record that its server gets, and the record that it answers. */
export interface Jrpc2Case {
  readonly number: number;
  readonly input: string;
  /** `undefined`: nothing is answered. */
  readonly output: string | undefined;
  /** `same`: byte for byte; `same-parsed`: equal after JSON.parse; `different`: we answer `ours`. */
  readonly match: "same" | "same-parsed" | "different";
  /** The original's data is the text of Go's JSON decoder: any text will do. */
  readonly anyData?: true;
  readonly reason?: Jrpc2Reason;
  readonly ours?: string;
  /** The option under which the original's way is ours too. */
  readonly under?: "verbatim" | "strict";
  /** Needs more of the engine than one handler at a time: it is run through a real peer only. */
  readonly engine?: true;
}

const GO: Jrpc2Reason = "a Go artefact";
const RULE: Jrpc2Reason = "a rule of the engine";

/** Cases 1 to 106: single records and batches to a server with the service of `jrpc2-service.ts`. */
// biome-ignore format: one row per case
export const JRPC2_CASES: readonly Jrpc2Case[] = [
  { number: 1, input: '{"jsonrpc":"2.0","id":1.5,"method":"X"}', output: '{"jsonrpc":"2.0","id":1.5,"result":"OK"}', match: "same" },
  { number: 2, input: '{"jsonrpc":"2.0","id":1e3,"method":"X"}', output: '{"jsonrpc":"2.0","id":1e3,"result":"OK"}', match: "same" },
  { number: 3, input: '{"jsonrpc":"2.0","id":12345678901234567890,"method":"X"}', output: '{"jsonrpc":"2.0","id":12345678901234567890,"result":"OK"}', match: "same" },
  { number: 4, input: '{"jsonrpc":"2.0","id":"","method":"X"}', output: '{"jsonrpc":"2.0","id":"","result":"OK"}', match: "same" },
  { number: 5, input: '{"jsonrpc":"2.0","id":"a\\u0041\\n","method":"ID"}', output: '{"jsonrpc":"2.0","id":"a\\u0041\\n","result":["\\"a\\\\u0041\\\\n\\"",false,false,"ID"]}', match: "same" },
  { number: 6, input: '{"jsonrpc":"2.0","id": 1 ,"method":"ID"}', output: '{"jsonrpc":"2.0","id":1,"result":["1",false,false,"ID"]}', match: "same" },
  { number: 7, input: '{"jsonrpc":"2.0","id":null,"method":"X"}', output: undefined, match: "same" },
  { number: 8, input: '{"jsonrpc":"2.0","id":null,"method":"NoSuch"}', output: undefined, match: "same" },
  { number: 9, input: '{"jsonrpc":"2.0","method":"X"}', output: undefined, match: "same" },
  { number: 10, input: '{"jsonrpc":"2.0","method":"NoSuch"}', output: undefined, match: "same" },
  { number: 11, input: '{"jsonrpc":"2.0","method":"Plain"}', output: undefined, match: "same" },
  { number: 12, input: '{"jsonrpc":"2.0","method":"ParseErr"}', output: undefined, match: "same" },
  { number: 13, input: '{"jsonrpc":"2.0","method":"InvReq"}', output: undefined, match: "same" },
  { number: 14, input: '{"jsonrpc":"2.0","id":1,"method":"ParseErr"}', output: '{"jsonrpc":"2.0","id":1,"error":{"code":-32700,"message":"handler parse"}}', match: "same" },
  { number: 15, input: '{"jsonrpc":"2.0","id":1,"method":"NotFound"}', output: '{"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"handler nf"}}', match: "same" },
  { number: 16, input: '{"jsonrpc":"2.0"}', output: '{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"empty method name"}}', match: "same" },
  { number: 17, input: '{}', output: '{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"invalid version marker"}}', match: "same" },
  { number: 18, input: 'null', output: '{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"invalid version marker"}}', match: "same" },
  { number: 19, input: '1', output: '{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"request is not a JSON object"}}', match: "same" },
  { number: 20, input: '"x"', output: '{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"request is not a JSON object"}}', match: "same" },
  { number: 21, input: 'true', output: '{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"request is not a JSON object"}}', match: "same" },
  { number: 22, input: '   ', output: '{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"invalid request value"}}', match: "same" },
  { number: 23, input: '', output: '{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"invalid request value"}}', match: "same" },
  { number: 24, input: '[[]]', output: '[{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"request is not a JSON object"}}]', match: "same" },
  { number: 25, input: '[null]', output: '[{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"invalid version marker"}}]', match: "same" },
  { number: 26, input: '[{}]', output: '[{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"invalid version marker"}}]', match: "same" },
  { number: 27, input: '[1,2]', output: '[{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"request is not a JSON object"}},{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"request is not a JSON object"}}]', match: "same" },
  { number: 28, input: '[[1]]', output: '[{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"request is not a JSON object"}}]', match: "same" },
  { number: 29, input: '[]', output: '{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"empty request batch"}}', match: "same" },
  { number: 30, input: ' [ ] ', output: '{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"empty request batch"}}', match: "same" },
  { number: 31, input: '[{"jsonrpc":"2.0","method":"X"}]', output: undefined, match: "same" },
  { number: 32, input: '{"jsonrpc":"2.0","id":1,"method":""}', output: '{"jsonrpc":"2.0","id":1,"error":{"code":-32600,"message":"empty method name"}}', match: "same" },
  { number: 33, input: '{"jsonrpc":"2.0","method":""}', output: '{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"empty method name"}}', match: "same" },
  { number: 34, input: '{"jsonrpc":"2.0","id":1,"method":null}', output: '{"jsonrpc":"2.0","id":1,"error":{"code":-32600,"message":"empty method name"}}', match: "same" },
  { number: 35, input: '{"jsonrpc":"2.0","id":1,"method":7}', output: '{"jsonrpc":"2.0","id":1,"error":{"code":-32700,"message":"invalid method name"}}', match: "same" },
  { number: 36, input: '{"jsonrpc":2.0,"id":1,"method":"X"}', output: '{"jsonrpc":"2.0","id":1,"error":{"code":-32700,"message":"invalid version key"}}', match: "same" },
  { number: 37, input: '{"jsonrpc":"2","id":1,"method":"X"}', output: '{"jsonrpc":"2.0","id":1,"error":{"code":-32600,"message":"invalid version marker"}}', match: "same" },
  { number: 38, input: '{"jsonrpc":null,"id":1,"method":"X"}', output: '{"jsonrpc":"2.0","id":1,"error":{"code":-32600,"message":"invalid version marker"}}', match: "same" },
  { number: 39, input: '{"id":1,"method":"X"}', output: '{"jsonrpc":"2.0","id":1,"error":{"code":-32600,"message":"invalid version marker"}}', match: "same" },
  { number: 40, input: '{"jsonrpc":"2.0","id":1,"method":"Echo","params":7}', output: '{"jsonrpc":"2.0","id":1,"error":{"code":-32600,"message":"parameters must be array or object"}}', match: "same" },
  { number: 41, input: '{"jsonrpc":"2.0","id":1,"method":"Echo","params":true}', output: '{"jsonrpc":"2.0","id":1,"error":{"code":-32600,"message":"parameters must be array or object"}}', match: "same" },
  { number: 42, input: '{"jsonrpc":"2.0","id":1,"method":"Echo","params":[ 1, {"a" : 2} ]}', output: '{"jsonrpc":"2.0","id":1,"result":[1,{"a":2}]}', match: "same" },
  { number: 43, input: '{"jsonrpc":"2.0","id":1,"method":"Echo","params":{}}', output: '{"jsonrpc":"2.0","id":1,"result":{}}', match: "same" },
  { number: 44, input: '{"jsonrpc":"2.0","id":1,"method":"Echo","params":null}', output: '{"jsonrpc":"2.0","id":1,"error":{"code":-32098,"message":"json: error calling MarshalJSON for type json.RawMessage: unexpected end of JSON input"}}', match: "different", reason: GO, ours: '{"jsonrpc":"2.0","id":1,"result":null}' },
  { number: 45, input: '{"jsonrpc":"2.0","id":1,"method":"Echo"}', output: '{"jsonrpc":"2.0","id":1,"error":{"code":-32098,"message":"json: error calling MarshalJSON for type json.RawMessage: unexpected end of JSON input"}}', match: "different", reason: GO, ours: '{"jsonrpc":"2.0","id":1,"result":null}' },
  { number: 46, input: '{"jsonrpc":"2.0","id":1,"method":"ID","params":[]}', output: '{"jsonrpc":"2.0","id":1,"result":["1",false,true,"ID"]}', match: "same" },
  { number: 47, input: '{"jsonrpc":"2.0","id":1,"method":"X","params":[]}', output: '{"jsonrpc":"2.0","id":1,"error":{"code":-32602,"message":"no parameters accepted"}}', match: "same" },
  { number: 48, input: '{"jsonrpc":"2.0","id":1,"method":"X","params":{}}', output: '{"jsonrpc":"2.0","id":1,"error":{"code":-32602,"message":"no parameters accepted"}}', match: "same" },
  { number: 49, input: '{"jsonrpc":"2.0","id":1,"method":"X","params":[1]}', output: '{"jsonrpc":"2.0","id":1,"error":{"code":-32602,"message":"no parameters accepted"}}', match: "same" },
  { number: 50, input: '{"jsonrpc":"2.0","id":1,"method":"Html"}', output: '{"jsonrpc":"2.0","id":1,"result":"\\u003ca\\u0026b\\u003e\\u2028é"}', match: "same-parsed", reason: GO },
  { number: 51, input: '{"jsonrpc":"2.0","id":1,"method":"Plain"}', output: '{"jsonrpc":"2.0","id":1,"error":{"code":-32098,"message":"plain \\u003cfailure\\u003e \\u0026 co"}}', match: "same-parsed", reason: GO, under: "verbatim" },
  { number: 52, input: '{"jsonrpc":"2.0","id":1,"method":"Err"}', output: '{"jsonrpc":"2.0","id":1,"error":{"code":-32000,"message":"boom 1","data":{"a":1}}}', match: "same" },
  { number: 53, input: '{"jsonrpc":"2.0","id":1,"method":"ErrVal"}', output: '{"jsonrpc":"2.0","id":1,"error":{"code":5,"message":"[5] value"}}', match: "different", reason: GO, ours: '{"jsonrpc":"2.0","id":1,"error":{"code":5,"message":"value"}}' },
  { number: 54, input: '{"jsonrpc":"2.0","id":1,"method":"ErrWrap"}', output: '{"jsonrpc":"2.0","id":1,"error":{"code":7,"message":"wrap: [7] inner"}}', match: "different", reason: GO, under: "verbatim", ours: '{"jsonrpc":"2.0","id":1,"error":{"code":-32098,"message":"wrap: inner"}}' },
  { number: 55, input: '{"jsonrpc":"2.0","id":1,"method":"ErrCode"}', output: '{"jsonrpc":"2.0","id":1,"error":{"code":12345,"message":"error code 12345"}}', match: "same" },
  { number: 56, input: '{"jsonrpc":"2.0","id":1,"method":"ErrNoErr"}', output: '{"jsonrpc":"2.0","id":1,"error":{"code":-32099,"message":"noerr"}}', match: "same" },
  { number: 57, input: '{"jsonrpc":"2.0","id":1,"method":"ErrEmpty"}', output: '{"jsonrpc":"2.0","id":1,"error":{"code":3}}', match: "same" },
  { number: 58, input: '{"jsonrpc":"2.0","id":1,"method":"ErrZero"}', output: '{"jsonrpc":"2.0","id":1,"error":{"code":0}}', match: "same" },
  { number: 59, input: '{"jsonrpc":"2.0","id":1,"method":"ErrStd"}', output: '{"jsonrpc":"2.0","id":1,"error":{"code":-32602,"message":"invalid parameters"}}', match: "same" },
  { number: 60, input: '{"jsonrpc":"2.0","id":1,"method":"Cancel"}', output: '{"jsonrpc":"2.0","id":1,"error":{"code":-32097,"message":"context canceled"}}', match: "same", under: "verbatim" },
  { number: 61, input: '{"jsonrpc":"2.0","id":1,"method":"Deadline"}', output: '{"jsonrpc":"2.0","id":1,"error":{"code":-32096,"message":"w: context deadline exceeded"}}', match: "same", under: "verbatim" },
  { number: 62, input: '{"jsonrpc":"2.0","id":1,"method":"Chan"}', output: '{"jsonrpc":"2.0","id":1,"error":{"code":-32098,"message":"json: unsupported type: chan int"}}', match: "different", reason: GO, under: "verbatim", ours: '{"jsonrpc":"2.0","id":1,"error":{"code":-32098,"message":"A value of type function has no JSON form"}}' },
  { number: 63, input: '{"jsonrpc":"2.0","id":1,"method":"Empty"}', output: '{"jsonrpc":"2.0","id":1,"result":null}', match: "same" },
  { number: 64, input: '{"jsonrpc":"2.0","id":1,"method":"Args","params":{"a":1}}', output: '{"jsonrpc":"2.0","id":1,"error":{"code":-32602,"message":"invalid parameters","data":"json: cannot unmarshal object into Go value of type []int"}}', match: "same-parsed", anyData: true },
  { number: 65, input: '{"jsonrpc":"2.0","id":1,"method":"Args","params":["a"]}', output: '{"jsonrpc":"2.0","id":1,"error":{"code":-32602,"message":"invalid parameters","data":"json: cannot unmarshal string into Go value of type int"}}', match: "same-parsed", anyData: true },
  { number: 66, input: '{"jsonrpc":"2.0","id":1,"method":"Args"}', output: '{"jsonrpc":"2.0","id":1,"result":0}', match: "same" },
  { number: 67, input: '{"jsonrpc":"2.0","id":1,"method":"Struct","params":[3,"q"]}', output: '{"jsonrpc":"2.0","id":1,"result":{"x":3,"y":"q"}}', match: "same" },
  { number: 68, input: '{"jsonrpc":"2.0","id":1,"method":"Struct","params":[3]}', output: '{"jsonrpc":"2.0","id":1,"error":{"code":-32602,"message":"invalid parameters","data":"[-32602] got 1 parameters, want 2"}}', match: "same" },
  { number: 69, input: '{"jsonrpc":"2.0","id":1,"method":"Struct","params":{"x":1,"z":2}}', output: '{"jsonrpc":"2.0","id":1,"result":{"x":1,"y":""}}', match: "same" },
  { number: 70, input: '{"jsonrpc":"2.0","id":1,"method":"Struct","params":{"X":5}}', output: '{"jsonrpc":"2.0","id":1,"result":{"x":5,"y":""}}', match: "different", reason: GO, ours: '{"jsonrpc":"2.0","id":1,"result":{"x":0,"y":""}}' },
  { number: 71, input: '{"jsonrpc":"2.0","id":1,"method":"Struct","params":{"x":"s"}}', output: '{"jsonrpc":"2.0","id":1,"error":{"code":-32602,"message":"invalid parameters","data":"json: cannot unmarshal string into Go struct field xy.x of type int"}}', match: "same-parsed", anyData: true },
  { number: 72, input: '{"jsonrpc":"2.0","id":1,"method":"Struct","params":[null,null]}', output: '{"jsonrpc":"2.0","id":1,"result":{"x":0,"y":""}}', match: "same" },
  { number: 73, input: '{"jsonrpc":"2.0","id":1,"method":"Pos","params":[5,3]}', output: '{"jsonrpc":"2.0","id":1,"result":2}', match: "same" },
  { number: 74, input: '{"jsonrpc":"2.0","id":1,"method":"Pos","params":[5]}', output: '{"jsonrpc":"2.0","id":1,"error":{"code":-32602,"message":"invalid parameters","data":"[-32602] got 1 parameters, want 2"}}', match: "same" },
  { number: 75, input: '{"jsonrpc":"2.0","id":1,"method":"Pos","params":{"first":5}}', output: '{"jsonrpc":"2.0","id":1,"result":5}', match: "same" },
  { number: 76, input: '{"jsonrpc":"2.0","id":1,"method":"Pos","params":{"third":5}}', output: '{"jsonrpc":"2.0","id":1,"error":{"code":-32602,"message":"invalid parameters","data":"json: unknown field \\"third\\""}}', match: "same-parsed", anyData: true },
  { number: 77, input: '{"jsonrpc":"2.0","id":1,"method":"Pos","params":["a","b"]}', output: '{"jsonrpc":"2.0","id":1,"error":{"code":-32602,"message":"invalid parameters","data":"json: cannot unmarshal string into Go struct field .first of type int"}}', match: "same-parsed", anyData: true },
  { number: 78, input: '{"jsonrpc":"2.0","id":1,"method":"Pos","params":[null,4]}', output: '{"jsonrpc":"2.0","id":1,"result":-4}', match: "same" },
  { number: 79, input: '{"jsonrpc":"2.0","id":1,"method":"Pos"}', output: '{"jsonrpc":"2.0","id":1,"result":0}', match: "same" },
  { number: 80, input: '{"jsonrpc":"2.0","id":1,"method":"X","bogus":1,"abc":2}', output: '{"jsonrpc":"2.0","id":1,"error":{"code":-32600,"message":"extra fields in request","data":["bogus","abc"]}}', match: "same", under: "strict" },
  { number: 81, input: '{"jsonrpc":"2.0","method":"X","bogus":1}', output: '{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"extra fields in request","data":["bogus"]}}', match: "same", under: "strict" },
  { number: 82, input: '{"jsonrpc":"2.0","id":1,"method":"X","JSONRPC":"2.0"}', output: '{"jsonrpc":"2.0","id":1,"error":{"code":-32600,"message":"extra fields in request","data":["JSONRPC"]}}', match: "same", under: "strict" },
  { number: 83, input: '{"jsonrpc":"2.0","id":1,"id":2,"method":"X"}', output: '{"jsonrpc":"2.0","id":2,"result":"OK"}', match: "same" },
  { number: 84, input: '{"jsonrpc":"2.0","id":1,"method":"X","result":1}', output: '{"jsonrpc":"2.0","id":1,"error":{"code":-32600,"message":"mixed request and reply fields"}}', match: "same" },
  { number: 85, input: '{"jsonrpc":"2.0","id":1,"method":"X","error":null}', output: '{"jsonrpc":"2.0","id":1,"result":"OK"}', match: "same" },
  { number: 86, input: '{"jsonrpc":"2.0","id":1,"method":"X","result":null}', output: '{"jsonrpc":"2.0","id":1,"error":{"code":-32600,"message":"mixed request and reply fields"}}', match: "same" },
  { number: 87, input: '{"jsonrpc":"2.0","id":1,"method":"X","error":{"code":1}}', output: '{"jsonrpc":"2.0","id":1,"error":{"code":-32600,"message":"mixed request and reply fields"}}', match: "same" },
  { number: 88, input: '{"jsonrpc":"2.0","id":1,"result":5}', output: '{"jsonrpc":"2.0","id":1,"error":{"code":-32600,"message":"empty method name"}}', match: "same", under: "verbatim" },
  { number: 89, input: '{"jsonrpc":"2.0","id":1,"error":{"code":1,"message":"m"}}', output: '{"jsonrpc":"2.0","id":1,"error":{"code":-32600,"message":"empty method name"}}', match: "same", under: "verbatim" },
  { number: 90, input: '{"jsonrpc":"2.0","result":5}', output: '{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"empty method name"}}', match: "same", under: "verbatim" },
  { number: 91, input: '{"jsonrpc":"2.0","id":1,"error":5}', output: '{"jsonrpc":"2.0","id":1,"error":{"code":-32700,"message":"invalid error value"}}', match: "same", under: "verbatim" },
  { number: 92, input: '{"jsonrpc":"2.0","id":[1],"bogus":1,"method":"X"}', output: '{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"invalid request ID"}}', match: "same" },
  { number: 93, input: '{"jsonrpc":"2.0","id":1,"method":"rpc.custom"}', output: '{"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"method not found","data":"rpc.custom"}}', match: "same" },
  { number: 94, input: '{"jsonrpc":"2.0","id":1,"method":"rpc."}', output: '{"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"method not found","data":"rpc."}}', match: "same" },
  { number: 95, input: '{"jsonrpc":"2.0","id":1,"method":"rpc"}', output: '{"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"method not found","data":"rpc"}}', match: "same" },
  { number: 96, input: '{"jsonrpc":"2.0","id":1,"method":"rpc.serverInfo","params":[1]}', output: undefined, match: "different", reason: RULE, engine: true },
  { number: 97, input: '[{"jsonrpc":"2.0","id":1,"method":"Sleep","params":[80]},{"jsonrpc":"2.0","id":2,"method":"X"},1,{"jsonrpc":"2.0","method":"X"},{"jsonrpc":"2.0","id":3,"method":"Nope"},{"jsonrpc":"2.0","method":7}]', output: '[{"jsonrpc":"2.0","id":1,"result":80},{"jsonrpc":"2.0","id":2,"result":"OK"},{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"request is not a JSON object"}},{"jsonrpc":"2.0","id":3,"error":{"code":-32601,"message":"method not found","data":"Nope"}},{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"invalid method name"}}]', match: "same" },
  { number: 98, input: '[{"jsonrpc":"2.0","id":1,"method":"X"},{"jsonrpc":"2.0","id":"1","method":"X"}]', output: '[{"jsonrpc":"2.0","id":1,"result":"OK"},{"jsonrpc":"2.0","id":"1","result":"OK"}]', match: "same" },
  { number: 99, input: '[{"jsonrpc":"2.0","id":"a","method":"X"},{"jsonrpc":"2.0","id":"a","method":"X"},{"jsonrpc":"2.0","id":"a","method":"X"}]', output: '[{"jsonrpc":"2.0","id":"a","error":{"code":-32600,"message":"duplicate request ID","data":"\\"a\\""}},{"jsonrpc":"2.0","id":"a","error":{"code":-32600,"message":"duplicate request ID","data":"\\"a\\""}},{"jsonrpc":"2.0","id":"a","error":{"code":-32600,"message":"duplicate request ID","data":"\\"a\\""}}]', match: "same" },
  { number: 100, input: '[{"jsonrpc":"2.0","id":1,"method":"X"},{"jsonrpc":"2.0","id":1.0,"method":"X"}]', output: '[{"jsonrpc":"2.0","id":1,"result":"OK"},{"jsonrpc":"2.0","id":1.0,"result":"OK"}]', match: "same" },
  { number: 101, input: '{"jsonrpc":"2.0","id":1,"method":"X"} trailing', output: '{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"invalid request value"}}', match: "same" },
  { number: 102, input: '{"jsonrpc":"2.0","id":1,"method":"X"}{"jsonrpc":"2.0","id":2,"method":"X"}', output: '{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"invalid request value"}}', match: "same" },
  { number: 103, input: '{"jsonrpc":"2.0","id":1,"method":"X",}', output: '{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"invalid request value"}}', match: "same" },
  { number: 104, input: '\ufeff{"jsonrpc":"2.0","id":1,"method":"X"}', output: '{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"invalid request value"}}', match: "same" },
  { number: 105, input: '{"jsonrpc":"2.0","id":1,"method":"Notify"}', output: '{"jsonrpc":"2.0","id":1,"error":{"code":-32098,"message":"server push is not enabled"}}', match: "different", reason: RULE, engine: true },
  { number: 106, input: '{"jsonrpc":"2.0","id":1,"method":"CB"}', output: '{"jsonrpc":"2.0","id":1,"error":{"code":-32098,"message":"server push is not enabled"}}', match: "different", reason: RULE, engine: true },
];

/** A behaviour of jrpc2 that is no single record: where its test stands. `engine` rows run in jrpc2-engine.test.ts. */
export interface Jrpc2Rule {
  readonly number: number;
  readonly what: string;
  readonly match: Jrpc2Case["match"];
  readonly reason?: Jrpc2Reason;
  readonly run: "engine" | "codec" | "interop" | "framing" | "handlers" | "none";
}

const DEFECT: Jrpc2Reason = "a defect of jrpc2";

/** Cases 107 to 188 and 216 to 233. `none`: no test of this table runs it yet. */
// biome-ignore format: one row per case
export const JRPC2_RULES: readonly Jrpc2Rule[] = [
  { number: 107, what: "an id is echoed as written; null or absent is a notification", match: "same", run: "interop" },
  { number: 108, what: "ids are compared by their text", match: "same", run: "codec" },
  { number: 109, what: "members in a fixed order, no blanks", match: "same", run: "codec" },
  { number: 110, what: "text is escaped for HTML", match: "same-parsed", reason: GO, run: "interop" },
  { number: 111, what: "an invalid notification is answered with id null", match: "same", run: "interop" },
  { number: 112, what: "a notification whose handler fails is not answered", match: "same", run: "interop" },
  { number: 113, what: "the order of validation", match: "same-parsed", run: "interop" },
  { number: 114, what: "of members with the same name the last counts", match: "same", run: "interop" },
  { number: 115, what: "a record null is an empty object, and an empty record under raw framing", match: "same", run: "none" },
  { number: 116, what: "params are an object, an array or null", match: "same", run: "interop" },
  { number: 117, what: "a reply to nothing is answered, under verbatim", match: "same", run: "interop" },
  { number: 118, what: "a wrapped error keeps its code and loses its data", match: "different", reason: GO, run: "none" },
  { number: 119, what: "an error with the code NoError is sent as it is", match: "same", run: "interop" },
  { number: 120, what: "an empty batch is -32600", match: "same", run: "codec" },
  { number: 121, what: "a batch of one is answered with an array", match: "same", run: "engine" },
  { number: 122, what: "replies in the order of the requests, invalid members in place", match: "same", run: "interop" },
  { number: 123, what: "a batch of notifications is not answered", match: "same", run: "interop" },
  { number: 124, what: "an empty or broken batch is answered with one error", match: "same", run: "interop" },
  { number: 125, what: "twins in a batch are both refused", match: "same", run: "interop" },
  { number: 126, what: "a batch is answered when its slowest member is done", match: "same", run: "engine" },
  { number: 127, what: "members of a batch run together", match: "same", run: "engine" },
  { number: 128, what: "calls may be answered out of order", match: "same", run: "engine" },
  { number: 129, what: "nothing starts before earlier notifications have ended", match: "same", run: "engine" },
  { number: 130, what: "with one place, calls run one after another", match: "same", run: "engine" },
  { number: 131, what: "notifications take places too", match: "same", run: "none" },
  { number: 132, what: "the id of a running call is refused", match: "same", run: "engine" },
  { number: 133, what: "an id stays taken after method not found", match: "different", reason: DEFECT, run: "engine" },
  { number: 134, what: "a call is cancelled by its id", match: "same-parsed", run: "engine" },
  { number: 135, what: "stopping cancels the running calls and answers none", match: "same", run: "engine" },
  { number: 136, what: "a peer that half-closes gets no answer", match: "different", reason: DEFECT, run: "none" },
  { number: 137, what: "a failed link is told with its error", match: "same-parsed", run: "none" },
  { number: 138, what: "waiting for a stopped server", match: "different", reason: DEFECT, run: "none" },
  { number: 139, what: "a server is started again on a new channel", match: "different", reason: RULE, run: "none" },
  { number: 140, what: "a panic ends the process", match: "different", reason: DEFECT, run: "none" },
  { number: 141, what: "the context of a handler carries its request", match: "same", run: "none" },
  { number: 142, what: "cancellation is told by a method of choice", match: "same", run: "interop" },
  ...[143, 144, 145, 146, 147, 148, 149].map((number): Jrpc2Rule => ({ number, what: "names and built-ins", match: "same", run: "handlers" })),
  { number: 150, what: "server info", match: "different", reason: RULE, run: "handlers" },
  { number: 151, what: "a pushed notification", match: "same", run: "engine" },
  { number: 152, what: "a callback has ids of its own, from 1", match: "same", run: "engine" },
  { number: 153, what: "a reply completes a callback", match: "same", run: "engine" },
  { number: 154, what: "a second reply to a callback is answered, under verbatim", match: "same", run: "engine" },
  { number: 155, what: "a reply in an array with a call completes the callback", match: "same", run: "engine" },
  { number: 156, what: "the version of a callback's reply is not checked", match: "same", run: "engine" },
  { number: 157, what: "a callback out of time gives up its id", match: "same", run: "none" },
  { number: 158, what: "scalar params may be pushed, under verbatim", match: "same", run: "codec" },
  { number: 159, what: "replies to callbacks pass the barrier", match: "same", run: "engine" },
  { number: 160, what: "push is refused unless allowed", match: "different", reason: RULE, run: "none" },
  { number: 161, what: "ids are numbers from 1; no params, no member", match: "same", run: "codec" },
  { number: 162, what: "scalar params are refused before they are sent", match: "same", run: "codec" },
  { number: 163, what: "a batch of one is sent as an object", match: "same", run: "codec" },
  { number: 164, what: "replies in any order, matched by the id's text", match: "same", run: "codec" },
  { number: 165, what: "what is checked of a reply", match: "same", run: "codec" },
  { number: 166, what: "a reply to nothing is ignored by the client", match: "same", run: "codec" },
  { number: 167, what: "pushed calls without a handler are not answered", match: "different", reason: RULE, run: "none" },
  { number: 168, what: "what a callback's handler gives is answered", match: "same", run: "interop" },
  { number: 169, what: "pushed messages are not validated, under verbatim", match: "same", run: "codec" },
  { number: 170, what: "cancelled and deadline_exceeded by their numbers", match: "same-parsed", run: "interop" },
  ...[171, 173, 174].map((number): Jrpc2Rule => ({ number, what: "how calls end with their context or link", match: "different", reason: RULE, run: "none" })),
  { number: 172, what: "closing ends the pending calls", match: "same-parsed", run: "none" },
  { number: 175, what: "hooks on cancel and stop", match: "same-parsed", run: "interop" },
  { number: 176, what: "callbacks run together and may call", match: "same", run: "none" },
  ...[177, 179, 180, 181, 182, 183, 185, 186, 187, 188].map((number): Jrpc2Rule => ({ number, what: "framings", match: "same-parsed", run: "framing" })),
  { number: 178, what: "a last line without its end", match: "different", reason: DEFECT, run: "framing" },
  { number: 184, what: "two lengths in one block", match: "different", reason: RULE, run: "framing" },
  ...[216, 217, 218, 223].map((number): Jrpc2Rule => ({ number, what: "adaptation of handlers", match: "same-parsed", run: "handlers" })),
  ...[219, 220, 221, 222].map((number): Jrpc2Rule => ({ number, what: "adaptation of handlers", match: "different", reason: GO, run: "handlers" })),
  ...[224, 225, 226].map((number): Jrpc2Rule => ({ number, what: "a server and its connections", match: "same-parsed", run: "none" })),
  ...[227, 228, 229, 230, 231].map((number): Jrpc2Rule => ({ number, what: "errors as values", match: "same-parsed", run: "codec" })),
  ...[232, 233].map((number): Jrpc2Rule => ({ number, what: "an address without a scheme", match: "same-parsed", run: "none" })),
];
