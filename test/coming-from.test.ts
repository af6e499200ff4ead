/*
 * Each page of docs/coming-from has a row for every exported name of its library, and its column "here" says nothing
 * that does not exist here.
 */
import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { COMMAND_CASES } from "./command-cases.ts";
import { COORDINATOR_CASES } from "./coordinator-cases.ts";
import { GORPC_CASES } from "./gorpc-cases.ts";
import { JRPC2_CASES, JRPC2_RULES } from "./jrpc2-cases.ts";

const read = (path: string): string => readFileSync(new URL(`../${path}`, import.meta.url), "utf8");

/** A behaviour of the library, by its number in its table of cases. */
interface Numbered {
  readonly number: number;
}

/** A library that people come from. */
interface Origin {
  readonly library: string;
  /** Its exported names, as the tables on its page are headed. */
  readonly names: Readonly<Record<string, string>>;
  /** What behaves differently here. */
  readonly differing: readonly Numbered[];
  readonly cases: readonly Numbered[];
}

/** github.com/creachadair/jrpc2 1.3.5. */
const JRPC2: Readonly<Record<string, string>> = {
  jrpc2: `
    Version Assigner Assigner.Assign Namer Namer.Names Handler
    Request Request.ID Request.IsNotification Request.Method Request.HasParams Request.ParamString Request.UnmarshalParams
    StrictFields InboundRequest ServerFromContext ClientFromContext
    ParseRequests ParsedRequest ParsedRequest.ID ParsedRequest.Method ParsedRequest.Params ParsedRequest.Batch
    ParsedRequest.Error ParsedRequest.ToRequest
    Error Error.Code Error.Message Error.Data Error.Error Error.ErrCode Error.WithData ErrCoder Errorf Code Code.String
    Code.Err ErrorCode ParseError InvalidRequest MethodNotFound InvalidParams InternalError NoError SystemError Cancelled
    DeadlineExceeded
    Server NewServer Server.Start Server.Stop Server.Wait Server.WaitStatus Server.ServerInfo Server.Notify
    Server.Callback Server.CancelRequest ServerInfo ServerStatus ServerStatus.Err ServerStatus.Stopped
    ServerStatus.Closed ServerStatus.Success ServerMetrics ErrPushUnsupported ErrConnClosed
    ServerOptions ServerOptions.Logger ServerOptions.RPCLog ServerOptions.AllowPush ServerOptions.DisableBuiltin
    ServerOptions.Concurrency ServerOptions.NewContext ServerOptions.StartTime
    Logger Logger.Printf StdLogger RPCLogger RPCLogger.LogRequest RPCLogger.LogResponse
    Client NewClient Client.Call Client.CallResult Client.Notify Client.Batch Client.Close Client.IsStopped
    Spec Spec.Method Spec.Params Spec.Notify
    Response Response.ID Response.SetID Response.Error Response.UnmarshalResult Response.ResultString
    Response.MarshalJSON
    ClientOptions ClientOptions.Logger ClientOptions.OnNotify ClientOptions.OnCallback ClientOptions.OnCancel
    ClientOptions.OnStop
    Network`,
  channel: `
    Channel Channel.Send Channel.Recv Channel.Close Framing Line Split RawJSON Header StrictHeader LSP
    ContentTypeMismatchError ContentTypeMismatchError.Got ContentTypeMismatchError.Want Direct ErrClosed IsErrClosing`,
  handler: `
    Map Map.Assign Map.Names ServiceMap ServiceMap.Assign ServiceMap.Names Func New Check
    FuncInfo FuncInfo.Type FuncInfo.Argument FuncInfo.Result FuncInfo.ReportsError FuncInfo.SetStrict
    FuncInfo.AllowArray FuncInfo.Wrap NewPos Positional
    Args Args.UnmarshalJSON Args.MarshalJSON Obj Obj.UnmarshalJSON`,
  server: `
    NewLocal Local Local.Server Local.Client Local.Close LocalOptions LocalOptions.Server LocalOptions.Client
    Service Service.Assigner Service.Finish Static Accepter Accepter.Accept NetAccepter Loop
    LoopOptions LoopOptions.ServerOptions`,
  jhttp: `
    Bridge NewBridge Bridge.ServeHTTP Bridge.Close BridgeOptions BridgeOptions.Client BridgeOptions.Server
    BridgeOptions.ParseRequest BridgeOptions.ParseGETRequest
    Getter NewGetter Getter.ServeHTTP Getter.Close GetterOptions GetterOptions.Client GetterOptions.Server
    GetterOptions.ParseRequest ParseBasic ParseQuery
    Channel NewChannel Channel.Send Channel.Recv Channel.Close HTTPClient ChannelOptions ChannelOptions.Client`,
  jcall: "-dial -timeout -notify -f -batch -e -i -m -T -W -v",
};

/** github.com/valyala/gorpc at 908281b. */
const GORPC: Readonly<Record<string, string>> = {
  gorpc: `
    Client NewTCPClient NewUnixClient NewTLSClient Client.Addr Client.Conns Client.PendingRequests Client.FlushDelay
    Client.RequestTimeout Client.DisableCompression Client.SendBufferSize Client.RecvBufferSize Client.OnConnect
    Client.Dial Client.LogError Client.Stats Client.Start Client.Stop Client.PendingRequestsCount Client.Call
    Client.CallTimeout Client.Send Client.CallAsync Client.NewBatch
    AsyncResult AsyncResult.Response AsyncResult.Error AsyncResult.Done AsyncResult.Cancel
    Batch Batch.Add Batch.AddSkipResponse Batch.Call Batch.CallTimeout
    BatchResult BatchResult.Response BatchResult.Error BatchResult.Done
    ClientError ClientError.Timeout ClientError.Connection ClientError.Server ClientError.Overflow ClientError.Canceled
    ClientError.Error ErrCanceled
    Server NewTCPServer NewUnixServer NewTLSServer Server.Addr Server.Handler HandlerFunc Server.Concurrency
    Server.FlushDelay Server.PendingResponses Server.SendBufferSize Server.RecvBufferSize Server.OnConnect
    Server.Listener Server.LogError Server.Stats Server.Start Server.Stop Server.Serve
    Listener Listener.Init Listener.Accept Listener.Close Listener.ListenAddr OnConnectFunc DialFunc
    Dispatcher NewDispatcher Dispatcher.AddFunc Dispatcher.AddService Dispatcher.NewHandlerFunc
    Dispatcher.NewFuncClient Dispatcher.NewServiceClient
    DispatcherClient DispatcherClient.Call DispatcherClient.CallTimeout DispatcherClient.Send
    DispatcherClient.CallAsync DispatcherClient.NewBatch
    DispatcherBatch DispatcherBatch.Add DispatcherBatch.AddSkipResponse DispatcherBatch.Call DispatcherBatch.CallTimeout
    RegisterType SetErrorLogger NilErrorLogger LoggerFunc
    ConnStats ConnStats.RPCCalls ConnStats.RPCTime ConnStats.BytesWritten ConnStats.BytesRead ConnStats.ReadCalls
    ConnStats.ReadErrors ConnStats.WriteCalls ConnStats.WriteErrors ConnStats.DialCalls ConnStats.DialErrors
    ConnStats.AcceptCalls ConnStats.AcceptErrors ConnStats.Snapshot ConnStats.Reset ConnStats.AvgRPCTime
    ConnStats.AvgRPCBytes ConnStats.AvgRPCCalls
    DefaultConcurrency DefaultRequestTimeout DefaultPendingMessages DefaultFlushDelay DefaultBufferSize`,
};

/** github.com/fluxninja/aperture/v2/pkg/rpc before October 2023. */
const APERTURE: Readonly<Record<string, string>> = {
  "rpc: controller": `
    Clients NewClients Clients.Join Clients.List Clients.Call Clients.CallAll Call CallAll
    Result Result.Client Result.Success Result.Err RawResult ExactMessage
    StreamServer NewStreamServer StreamServer.Connect RegisterStreamServer ServerModule`,
  "rpc: agent": `
    HandlerRegistry NewHandlerRegistry HandlerRegistry.StartDispatcher RegisterFunction
    Dispatcher Dispatcher.ProcessCommand Dispatcher.Chan Dispatcher.Stop
    StreamClient NewStreamClient StreamClient.Start StreamClient.Stop RegisterStreamClient ClientModule`,
};

/** github.com/hemilabs/heminetwork/v2, and what it was called at v0.2. */
const HEMI: Readonly<Record<string, string>> = {
  "protocol: client": `
    Conn NewConn ConnOptions ConnOptions.ReadLimit ConnOptions.Authenticator ConnOptions.Headers Conn.Connect
    Conn.IsOnline Conn.ConnectCount Conn.Close Conn.CloseStatus Conn.Call Conn.Read Conn.Write Conn.ReadJSON
    Conn.WriteJSON WSConnectTimeout WSHandshakeTimeout StatusHandshakeErr ErrPublicKeyAuth PublicKeyAuthError
    HandshakeError HandshakeError.Error HandshakeError.Is`,
  "protocol: frames": `
    API API.Commands Command Message Message.Header Message.Payload Header Header.Command Header.ID Read Write
    ErrInvalidCommand APIConn APIConn.ReadJSON APIConn.WriteJSON WSConn NewWSConn WSConn.ReadJSON WSConn.WriteJSON
    WSConn.Close WSConn.CloseStatus Authenticator Authenticator.HandshakeClient Authenticator.HandshakeServer
    PingRequest PingRequest.Timestamp PingResponse PingResponse.OriginTimestamp PingResponse.Timestamp`,
  "protocol: errors": `
    Error Error.Message Error.Trace Error.Timestamp Error.Error Error.String RequestError RequestErrorf NotFoundError
    Errorf InternalError InternalError.ProtocolError InternalError.Error InternalError.Unwrap NewInternalError
    NewInternalErrorf`,
  auth: `
    Secp256k1Auth NewSecp256k1AuthClient NewSecp256k1AuthServer Secp256k1Auth.RemotePublicKey
    Secp256k1Auth.RemoteUserAgent Secp256k1Auth.HandshakeClient Secp256k1Auth.HandshakeServer Secp256k1Auth.Commands
    CmdSecp256k1Error CmdSecp256k1Hello CmdSecp256k1HelloChallenge CmdSecp256k1HelloChallengeAccepted
    Secp256k1Hello Secp256k1Hello.UserAgent Secp256k1Hello.PublicKey Secp256k1HelloChallenge
    Secp256k1HelloChallenge.Message Secp256k1HelloChallengeAccepted Secp256k1HelloChallengeAccepted.Signature
    AuthenticateMessage AuthenticateMessage.Nonce AuthenticateMessage.Message AuthenticateMessage.Serialize
    AuthenticateMessage.Hash NewAuthenticateMessage MustNewAuthenticateMessage NewAuthenticateFromBytes`,
};

const ORIGINS: readonly Origin[] = [
  {
    library: "jrpc2",
    names: JRPC2,
    differing: [
      ...JRPC2_CASES.filter(({ match, under }) => match === "different" || under !== undefined),
      ...JRPC2_RULES.filter(({ match }) => match === "different"),
    ],
    cases: [...JRPC2_CASES, ...JRPC2_RULES],
  },
  {
    library: "gorpc",
    names: GORPC,
    differing: GORPC_CASES.filter(({ match }) => match === "different"),
    cases: GORPC_CASES,
  },
  {
    library: "aperture",
    names: APERTURE,
    differing: COORDINATOR_CASES.filter(({ match }) => match === "different"),
    cases: COORDINATOR_CASES,
  },
  {
    library: "hemi",
    names: HEMI,
    differing: COMMAND_CASES.filter(({ match }) => match === "different"),
    cases: COMMAND_CASES,
  },
];

/** What the column "here" may say beside the names in api.txt. */
const BESIDE_THE_API = new Set(
  [
    // The language and its host, and what is no member in api.txt: static methods, inherited ones, JSON-RPC's own.
    "console debug error false new true from message serve discover rpc serverInfo Infinity",
    // What the page calls its variables, and the methods of its examples.
    "a b byte client connection context fn names params reason record server sink table thrown",
    "add greet math members",
  ].flatMap((words) => words.split(" ")),
);

const api = read("api.txt");
const apiWords = new Set(api.match(/\w+/g));
/** The members of each class and interface. */
const apiMembers = new Map(
  [...api.matchAll(/(?:class|interface) (\w+) \{ (.*) \}/g)].map(([, name = "", members = ""]) => [
    name,
    members.split(", "),
  ]),
);
const flags = new Set(
  readdirSync(new URL("../src/cli", import.meta.url)).flatMap(
    (file) => read(`src/cli/${file}`).match(/--[a-z-]+/g) ?? [],
  ),
);

interface Row {
  /** The name of the first column: the package, or the command. */
  readonly table: string;
  readonly cells: readonly string[];
}

/** The rows of every table, without heads. */
function rowsOf(text: string): Row[] {
  const rows: Row[] = [];
  let table: string | undefined;
  for (const line of text.split("\n")) {
    if (!line.startsWith("|")) table = undefined;
    else if (!line.startsWith("|--")) {
      const cells = line
        .split("|")
        .slice(1, -1)
        .map((cell) => cell.trim());
      if (table === undefined) table = cells[0] ?? "";
      else rows.push({ table, cells });
    }
  }
  return rows;
}

const quoted = (cell = ""): string[] => [...cell.matchAll(/`([^`]+)`/g)].map(([, text = ""]) => text);

describe.each(ORIGINS)("coming from $library", ({ library, names, differing, cases }) => {
  const rows = rowsOf(read(`docs/coming-from/${library}.md`));

  describe.each(Object.entries(names))("the package %s", (name, exported) => {
    const own = rows.filter(({ table }) => table === name);
    test("every exported name has a row, and no row is about a name that there is not", () => {
      const listed = own.flatMap(({ cells }) => quoted(cells[0]));
      expect(listed.sort()).toEqual(exported.trim().split(/\s+/).sort());
    });

    test("every row says what to write here", () => {
      for (const { cells } of own) expect(cells[1], cells.join(" | ")).toMatch(/`|^(not here|not yet|no name)$/);
    });
  });

  test("what the column here names exists", () => {
    const here = rows.filter(({ table }) => table in names).flatMap(({ cells }) => quoted(cells[1]));
    for (const code of here) {
      if (code.startsWith("--")) {
        expect(flags).toContain(code);
        continue;
      }
      for (const word of code.replace(/"[^"]*"/g, "").match(/[a-z_]\w*/gi) ?? []) {
        expect(apiWords.has(word) || BESIDE_THE_API.has(word), `${word} in ${code}`).toBe(true);
      }
      const [, name = "", member] = /^([A-Z]\w+)\.(\w+)/.exec(code) ?? [];
      if (member !== undefined && name !== "RpcError") expect(apiMembers.get(name), code).toContain(member);
    }
  });

  test("every code is one that an error can have", () => {
    const numbers = read("src/codecs/jsonrpc/errors.ts");
    const codes = rows.flatMap(({ cells }) => quoted(cells[1])).filter((code) => /^"\w+"$/.test(code));
    expect(codes.length).toBeGreaterThan(3);
    for (const code of codes) expect(numbers).toContain(`  ${code.slice(1, -1)}: -32`);
  });

  test("every case that differs here, or only under an option, is in the table of differences", () => {
    const named = rows
      .filter(({ table }) => table === "what")
      .flatMap(({ cells }) => cells[2]?.split(", ").map(Number));
    expect(named).toEqual(expect.arrayContaining(differing.map(({ number }) => number)));
    const known = new Set(cases.map(({ number }) => number));
    for (const number of named) expect(known).toContain(number);
  });
});
