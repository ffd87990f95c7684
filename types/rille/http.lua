---@meta rille.http

-- Made by scripts/reference from the comments at the bindings.

---@class rille.http.app.static_options
---@field index? string|false # "index.html"; false: none
---@field hidden? boolean # false: names that begin with a dot are not there, but for /.well-known below the prefix
---@field links? boolean # true: those that stay inside are followed
---@field compressed? boolean # true: file.br, file.zst and file.gz stand for file where the client likes them better
---@field headers? table<string, string|number|string[]> # a table of further headers: { ["Cache-Control"] = "max-age=3600" }
---@field small? integer # 131072: files up to so many bytes are kept in memory
---@field bytes? integer # 33554432: kept in memory all in all
---@field entries? integer # 1024: files that are remembered
---@field descriptors? integer # 256: files that are kept open
---@field fresh? number # 1: seconds for which a file is believed to be what it was

---@class rille.http.app.listen_options
---@field port? integer|string # 8080; 0 takes a free one
---@field host? string # "127.0.0.1"; also called address
---@field address? string # a whole one in place of both: "tcp://[::1]:8080" or "unix:/run/app.sock"
---@field backlog? integer # 4096: clients that wait to be accepted
---@field shared? boolean # true: several loops that listen there share the clients, and of port 0 the k-th of each loop is the same port
---@field max_line? integer # 8256 bytes of the request line; 414
---@field max_header? integer # 16384 bytes of one header; 431
---@field max_headers? integer # 100 headers; 431
---@field max_head? integer # 65536 bytes of the head; 431
---@field max_body? integer # 1048576 bytes, of req:body(); 413
---@field max_upload? integer # 1073741824 bytes, of req:read(); 413
---@field max_requests? number # none: requests of a connection
---@field max_connections? integer # 16384 connections at once, for each loop; 503
---@field connections_per_address? integer # a quarter of that, for all loops, and none for clients on the machine itself; 503; of IPv6 a /64 is one address
---@field head_timeout? number # 10 seconds for a head; 408
---@field body_timeout? number # 30 seconds for the body, or for 16 KiB further; 408
---@field handler_timeout? number # 60 seconds for the handler; 503
---@field compute_timeout? number # 10 seconds of a handler that runs without waiting; 503
---@field send_timeout? number # 30 seconds for what waits to be taken, or for 16 KiB further
---@field idle_timeout? number # 75 seconds between two requests
---@field trust? string|string[] # none: a list of the addresses whose word about their clients is taken, such as { "127.0.0.1", "10.0.0.0/8" }, and "unix" for whoever comes to a Unix socket
---@field trust_header? "X-Forwarded-For"|"Forwarded" # "X-Forwarded-For", with -Proto and -Host; or "Forwarded": in which words. req.remote, req.scheme and req.host are then what they say; see docs/http.md
---@field cancel? boolean # true: a client that leaves cancels its handler
---@field development? boolean # false: whether errors are shown to the client, and empty answers logged

---@class rille.http.app.inject_options
---@field method? string # "GET", or "POST" with a body
---@field path? string # with its query
---@field headers? table<string, string|number|string[]> # name to value, or to a list
---@field body? string|table|fun(): string? # a string, a table for JSON, or an iterator over pieces, sent as chunks
---@field trailers? table<string, string> # behind chunks
---@field remote? string # what req.remote says: "127.0.0.1", with port 0 if it names none
---@field trust? string|string[] # as of app:listen
---@field trust_header? "X-Forwarded-For"|"Forwarded" # as of app:listen

---@class rille.http.app.sse_options
---@field heartbeat? number # 15: seconds of silence, after which a comment is sent; math.huge: never
---@field retry? number # seconds, as of events:send, sent first

---Routes, and what is around them. It belongs to its domain. Nothing of it suspends but app:inject. What is wrong is an error at the line of the script that made it.
---@class rille.http.app
local app = {}

---Patterns: "/users/:id", "/users/:id{int}", "/files/*rest". GET answers HEAD as well, OPTIONS is answered by itself. Raises if the pattern is wrong or taken.
---@param pattern string
---@param ... fun(req: rille.http.req, res: rille.http.res, next: fun()): any, any
---@return rille.http.app
function app:get(pattern, ...) end

---Patterns: "/users/:id", "/users/:id{int}", "/files/*rest". GET answers HEAD as well, OPTIONS is answered by itself. Raises if the pattern is wrong or taken.
---@param pattern string
---@param ... fun(req: rille.http.req, res: rille.http.res, next: fun()): any, any
---@return rille.http.app
function app:post(pattern, ...) end

---Patterns: "/users/:id", "/users/:id{int}", "/files/*rest". GET answers HEAD as well, OPTIONS is answered by itself. Raises if the pattern is wrong or taken.
---@param pattern string
---@param ... fun(req: rille.http.req, res: rille.http.res, next: fun()): any, any
---@return rille.http.app
function app:put(pattern, ...) end

---Patterns: "/users/:id", "/users/:id{int}", "/files/*rest". GET answers HEAD as well, OPTIONS is answered by itself. Raises if the pattern is wrong or taken.
---@param pattern string
---@param ... fun(req: rille.http.req, res: rille.http.res, next: fun()): any, any
---@return rille.http.app
function app:patch(pattern, ...) end

---Patterns: "/users/:id", "/users/:id{int}", "/files/*rest". GET answers HEAD as well, OPTIONS is answered by itself. Raises if the pattern is wrong or taken.
---@param pattern string
---@param ... fun(req: rille.http.req, res: rille.http.res, next: fun()): any, any
---@return rille.http.app
function app:delete(pattern, ...) end

---Patterns: "/users/:id", "/users/:id{int}", "/files/*rest". GET answers HEAD as well, OPTIONS is answered by itself. Raises if the pattern is wrong or taken.
---@param pattern string
---@param ... fun(req: rille.http.req, res: rille.http.res, next: fun()): any, any
---@return rille.http.app
function app:head(pattern, ...) end

---Patterns: "/users/:id", "/users/:id{int}", "/files/*rest". GET answers HEAD as well, OPTIONS is answered by itself. Raises if the pattern is wrong or taken.
---@param pattern string
---@param ... fun(req: rille.http.req, res: rille.http.res, next: fun()): any, any
---@return rille.http.app
function app:options(pattern, ...) end

---Patterns: "/users/:id", "/users/:id{int}", "/files/*rest". GET answers HEAD as well, OPTIONS is answered by itself. Raises if the pattern is wrong or taken.
---@param pattern string
---@param ... fun(req: rille.http.req, res: rille.http.res, next: fun()): any, any
---@return rille.http.app
function app:any(pattern, ...) end

---The same for a method in a string, "get".
---@param method string
---@param pattern string
---@param ... fun(req: rille.http.req, res: rille.http.res, next: fun()): any, any
---@return rille.http.app
function app:route(method, pattern, ...) end

---Serves the files of a directory below `prefix`: GET and HEAD, with ranges, conditions and types by extension; "/" after a directory's name means its index. Nothing outside the directory is ever served. Without middleware around it no Lua runs for that. What is not there is answered as other missing routes are. Routes that say more than `prefix` go before it, wherever they were added. Raises if the directory cannot be opened; its name is looked up again when it is replaced.
---
---To middleware such an answer has res.status, res.headers and res.length, and no res.body.
---@param prefix string
---@param directory string
---@param options? rille.http.app.static_options
---@return rille.http.app
function app:static(prefix, directory, options) end

---A route, "/metrics", to all that rille.metrics tells.
---
---Whoever may ask that path may know it all: put it into a group with middleware that says who that is, or listen at an address of its own.
---@param path? string
---@return rille.http.app
function app:metrics(path) end

---Around all routes of the app, wherever they were added.
---@param ... fun(req: rille.http.req, res: rille.http.res, next: fun()): any, any
---@return rille.http.app
function app:use(...) end

---fn(err, req, res) gives the answer to an error in a handler, as a handler does; `err` carries its traceback when it is a string. res.status is 500 (or, for what the client did wrong, 400, 408 or 413). If it gives none, or there is no on_error, the error is logged and answered with that status. What http.error makes is an answer already and does not come here.
---@param fn fun(err: any, req: rille.http.req, res: rille.http.res): any, any
---@return rille.http.app
function app:on_error(fn) end

---Answers where there is no route; res.status is 404, or 405 with the header Allow, or 204 for an OPTIONS that nobody handles. Of the outermost app.
---@param handler fun(req: rille.http.req, res: rille.http.res): any, any
---@return rille.http.app
function app:not_found(handler) end

---An app below `prefix`, with middleware and on_error of its own inside those of this one; calls fn(group).
---@param prefix string
---@param fn? fun(group: rille.http.app)
---@return rille.http.app
function app:group(prefix, fn) end

---The same for requests to one host, "api.example.com", or to all below one, "*.example.com". Where several names take a host, the whole name goes first, then the longest; apps without a host take what is left. A host for which there is none is answered with 404.
---@param name string
---@param fn? fun(group: rille.http.app)
---@return rille.http.app
function app:host(name, fn) end

---Puts another app, which does not serve by itself, below `prefix`.
---@param prefix string
---@param other rille.http.app
---@return rille.http.app
function app:mount(prefix, other) end

---Names the route that was added last, for app:url.
---@param name string
---@return rille.http.app
function app:name(name) end

---The path of a named route; with a request a whole URL, with the scheme and the host by which its client addresses this server.
---@param name string
---@param params? table<string, string|number>
---@param req? rille.http.req
---@return string
function app:url(name, params, req) end

---Serves the app, without waiting; the program goes on until it is stopped. Raises if the address cannot be had. Several apps may listen, and an app at several addresses. Of limits and times math.huge is none; what exceeds them is answered with the status that stands there.
---@param options? rille.http.app.listen_options
---@return rille.http.server
function app:listen(options) end

---Sends the app a request without a network, and waits for the answer. Options may be just a path. May suspend.
---@param options string|rille.http.app.inject_options
---@return rille.http.answer
function app:inject(options) end

---A route to a stream of events: handler(events, req) sends them with events:send, and may wait in between; the stream ends when it returns. A client that leaves cancels the handler. The head goes out before the handler begins: whoever is not to get any events is refused by a middleware.
---@param pattern string
---@param ... fun(req: rille.http.req, res: rille.http.res, next: fun()): any, any
---@return rille.http.app
function app:sse(pattern, ...) end

---What app:inject brings back. A plain table, good in any domain; nothing of it suspends.
---@class rille.http.answer
---@field status integer # of the answer
---@field headers table # their names in lower case, repeated ones joined by commas
---@field body string # or what came of it, if it was cut off
---@field trailers table|nil # as headers
---@field error string|nil # set if the answer was cut off
local answer = {}

---One of a form's, to be read before the next one is asked for. It ends with its request, in its domain.
---@class rille.http.part
---@field name string # of the form's field
---@field filename string|nil # of the file: what the client calls it, without directories and control characters. To be shown, never to be used as a path
---@field type string|nil # its Content-Type
---@field headers table # all its headers, in any case
local part = {}

---What has arrived of it, at least one byte; nil at its end. May suspend.
---@return string|nil
function part:read() end

---All of it (or what is left), at most `limit` bytes (max_text). May suspend.
---@param limit? integer
---@return string
function part:body(limit) end

---Writes it (or what is left) to a file, on threads that the loop does not wait for; the message has the place. Without a path to one in `directory` which is removed when the request ends, unless it was moved away; with one it appears there when it is whole, in place of what was. May suspend.
---@param path? string
---@return string|nil
---@return integer|string
function part:save(path) end

---@class rille.http.events.send_options
---@field event? string # its name in the browser, "message" without one
---@field id? string # what the client says with its next connection, see events.last_id
---@field retry? number # seconds until that is tried after a loss

---A stream of events to one client, which lasts until its handler returns, in its domain.
---@class rille.http.events
---@field last_id string|nil # the id of the last event that the client got before it lost its connection
local events = {}

---Data: text, of as many lines as it likes, or a table, which becomes JSON. Or all by names: a single table of the options, with a field `data` besides. Waits while the client is slow; raises when it has left, or when event or id has a CR, LF or NUL. May suspend.
---@param data string|table
---@param options? rille.http.events.send_options
function events:send(data, options) end

---What app:listen returns. It belongs to its domain, and goes on until it is closed, whoever holds it. Nothing of it suspends.
---@class rille.http.server
local server = {}

---The URL where it really listens.
---@return string
function server:address() end

---Nil for a Unix socket.
---@return integer|nil
function server:port() end

---How many are open.
---@return integer
function server:connections() end

---Stops listening. Connections that wait for a request are closed, others when theirs is answered. May be called again.
function server:close() end

---The client's end of a new connection to it, without a network.
---@return rille.net.conn
function server:connect() end

---@class rille.http.req.multipart_options
---@field max_parts? integer # 1000
---@field max_head? integer # 16384 bytes of one part's headers
---@field max_text? integer # 1 MiB that part:body() gives
---@field max_file? number # bytes of one part, however it is read; no limit
---@field max_total? number # bytes of the body; the server's max_upload in any case
---@field directory? string # for temporary files: TMPDIR, or /tmp

---What a handler gets of its request. It ends with the request, and cannot leave its domain: what is needed later is copied before. Nothing is read from the head before a script asks. Fields that are not listed here may be set, to hand something on to the next middleware: req.user = user.
---@class rille.http.req
---@field method string # as it came, "GET"
---@field path string # as it was sent, in canonical form
---@field target string # path and query, as they were sent
---@field query_string string # what stands behind the "?", undecoded
---@field query rille.http.view # its parameters, decoded
---@field params rille.http.view # what the route has named, decoded; an integer where it says {int}
---@field headers rille.http.view # by name in any case; several are joined by commas
---@field cookies rille.http.view # those that the client sent
---@field trailers rille.http.view # headers behind a chunked body, to be asked when that has been read
---@field host string # of the target or the header Host, with its port
---@field scheme string # "http"; "https" if a trusted proxy says so
---@field version string # of HTTP, "1.1" or "1.0"
---@field remote string # "127.0.0.1:51234"; port 0 if a trusted proxy says none
---@field id string # of this request, as in the log
---@field [string] any
local req = {}

---The whole body, or what req:read() has left of it; "" if there is none; the same however often it is asked for. Waits until it is there. The limit is the server's max_body, or so many bytes. A body over the limit, malformed, cut short or too slow is an error, and the answer's status then says so, unless the handler gives another answer. May suspend.
---@param limit? integer
---@return string
function req:body(limit) end

---What has arrived of the body, at least one byte; nil at its end. While nothing is read the client is held back. The limit is the server's max_upload; errors are as for req:body(). May suspend.
---@return string|nil
function req:read() end

---How long the handler may go on from now; then it is cancelled, and the answer is 503. math.huge: for ever. Does not suspend. Raises once the handler has ended, where a fiber that it has spawned still has `req`.
---@param seconds number
function req:timeout(seconds) end

---The body, as rille.json decodes it. One that is no JSON is answered with 400, which says where. May suspend.
---@return any
function req:json() end

---The fields of an urlencoded body, a table by name. Of a repeated name it has the last value, and form(name) is a list of all, as of boxes that were ticked: form "colour". A body that is said to be something else is answered with 415: a form with files is for req:multipart(). A form of more than 1000 fields is answered with 413: each costs much more than its bytes. May suspend.
---@return table
function req:form() end

---Takes the connection over, if the client has asked for that protocol (in Upgrade, in any case): it is told so, with 101 and the headers that were set, and conn is what rille.net gives, with all that the client has sent behind its request still to be read. conn is closed when the handler is over; times are its own (conn:set_timeout). A client that has not asked for it may get any other answer: 426, or what the path is without an upgrade. May suspend.
---@param protocol string
---@return rille.net.conn|nil
---@return nil|string
function req:upgrade(protocol) end

---The parts of a form, one after the other:
---
---app:post("/form", function(req)
---  local fields = {}
---  for part in req:multipart() do
---    if part.filename then
---      local path, size = assert(part:save())     -- until the request ends
---      fields[part.name] = { path, size }
---    else
---      fields[part.name] = part:body()
---    end
---  end
---  return fields
---end)
---
---Nothing is kept but the piece that is being read; the client is held back meanwhile. What is left of a part when the next one is asked for is passed over. What a client gets wrong is raised as its answer: 415 for another Content-Type, 400 for a malformed body, 413 over a limit. Each step may suspend.
---@param options? rille.http.req.multipart_options
---@return fun(): any, any
function req:multipart(options) end

---@class rille.http.res.file_options
---@field root? string # a directory
---@field hidden? boolean # false: whether names that begin with a dot are found beneath it
---@field type? string # the Content-Type
---@field name? string # under which a browser saves it rather than showing it

---@class rille.http.res.stream_options
---@field type? string # of the content; "application/octet-stream" unless a header says it
---@field length? integer # in bytes: a promise; without it the answer is chunked, and res.trailers follow it

---The answer as it will be, until it is sent. It ends with the request, and cannot leave its domain.
---@class rille.http.res
---@field status integer|nil # from 200 to 599
---@field headers table # res.headers["X-Name"] = value, a list for several, nil to remove; any case; checked: CR, LF, NUL or another control character is an error
---@field body string|nil # nil while there is none, when it is a file, or when it was written piece by piece
---@field length integer|nil # of the body in bytes, also of a file; nil when it was written piece by piece
---@field sent boolean # whether the head is out
---@field trailers table # res.trailers["Name"] = value, fields behind the body of a chunked answer, until the handler is over. A client of HTTP/1.0, and one that gets a body of known length or none, gets no trailers: what it must know belongs into the head
local res = {}

---A further header of that name, as for Set-Cookie. Does not suspend.
---@param name string
---@param value string|number
function res:add(name, value) end

---Sets the answer to what a handler would return: text, table, status and body. It is sent when the handler is over; until then it may be set again. Does not suspend.
---@param ... integer|string|table
function res:send(...) end

---Sends strings and numbers at once, after the head if that is not out yet; the answer is then of unknown length, unless res.headers["Content-Length"] promised one. Waits while the client takes nothing. May suspend.
---@param ... string|number
function res:write(...) end

---Makes a file the answer, to be sent when the handler is over: with its type by its extension, ETag and Last-Modified; ranges and conditions of the request are heeded, unless res.status was set before to anything but 200. Headers that are set afterwards stay; a body that is set replaces the file. Of what is written into the file meanwhile the client may see something.
---
---The path may be any that the process can read, relative to its working directory. With `root` it lies beneath that directory, whatever it is: not by "..", a link or an absolute path does it lead out. So what a client has said goes with a root.
---
---There being no such file is an error like http.error(404) (403 if it may not be read), so that `return res:file(path)` is a whole handler; pcall gets it as a table with `status` and `body`. Another failure, such as a want of descriptors, is a plain error, logged and answered with 500.
---
---Raises besides: an unknown or wrong option; a name or type with control characters; the head being sent already. Does not suspend. Opening waits for the disk where the system has not cached the name; sending never does.
---@param path string
---@param options? rille.http.res.file_options
function res:file(path, options) end

---Set the body and its type; sent when the handler is over. Do not suspend, nor send anything yet.
---@param text string
function res:text(text) end

---Set the body and its type; sent when the handler is over. Do not suspend, nor send anything yet.
---@param text string
function res:html(text) end

---Set the body and its type; sent when the handler is over. Do not suspend, nor send anything yet.
---@param value any
function res:json(value) end

---302 unless said otherwise. Spaces and what is not ASCII are escaped; a control character is an error. Where the URL comes from a client it may lead anywhere. Does not suspend.
---@param url string
---@param status? integer
function res:redirect(url, status) end

---Sends the head, then what the source gives, and returns when that is over. The source is a function, called as source(write), whose write(...) is res:write: it waits while the client is slow; or something with a read: the request itself, a part, a socket. To HEAD, and with 204 and 304, only the head is sent, and the source is not asked.
---
---An error in the middle cuts the connection, so that the client does not take a part for the whole. May suspend.
---@param source function|table|userdata
---@param options? rille.http.res.stream_options
function res:stream(source, options) end

---What a client sent, by name: req.query, params, headers, cookies, trailers. It ends with its request, in its domain. What is looked up is found in the head each time; no table is built that nobody reads. Nothing of it suspends.
---
---req.query.name is the first value of that name, or nil. The same goes for params, headers and cookies; headers.name joins several values with a comma, as HTTP means it, and takes the name in any case. params.name is an integer where the route says {int}.
---
---req.trailers is the same for what a client sends behind a chunked body: to be asked when that has been read to its end, an error before. What means something in a head never stands among them.
---@class rille.http.view
---@field [string] any
---@overload fun(name: string): table
local view = {}

---@class rille.http.serve_options: rille.http.app.listen_options
---@field app? rille.http.app # the app to serve
---@field loops? integer|"auto" # how many main domains are to run this script, each on a thread of its own, sharing the port and the compute domains: a number, or "auto" for one a core. Missing: no more than there are

---HTTP servers. Any domain may have some: an app belongs to the one that made it. docs/http.md is the guide.
---
---local http = require "rille.http"
---local app = http.app()
---app:get("/hello/:name", function(req) return "hello, " .. req.params.name end)
---app:listen { port = 8080 }
---
---A handler is called as handler(req, res) in a fiber of its own, and may wait anywhere. What it returns is the answer:
---
---a string           text/plain; charset=utf-8
---a table            JSON
---status, body       the body a string, a table or nothing
---nothing            what was set or written by `res`; 204 if that is nothing either
---
---Anything else is an error, also what stands behind that: headers are set by res.headers; and so is a table with what JSON cannot say (json.encode), whose place the error names. An error is answered with 500 and the request's id, and logged with its traceback; an error made by http.error(status, body) is that answer; one with a number `retry_after`, as that of a task that the pool refused (rille.job), is 503 with Retry-After. `req` and `res` are dead when the answer is complete: whoever needs something of them later copies it before. What they have stands at the types req and res (src/lib/http_request.c, src/lib/http_response.c).
---
---A middleware is called as middleware(req, res, next). next() runs the rest, and returns when that is over; the answer then stands in `res` but has not been sent, so it may be looked at and changed: res.status, res.headers, res.body (unless the handler has written it piece by piece: res.sent; or it is a file, of which res.length alone tells). What a middleware returns replaces the answer; one that returns nothing leaves it as it is; one that does not call next() answers by itself. An error of the rest passes through next(). Values for those further in are set as fields of req: req.user = user.
---
---local function timing(req, res, next)
---  local start = rille.now()
---  next()
---  res.headers["Server-Timing"] = ("app;dur=%.1f"):format((rille.now() - start) * 1000)
---end
---
---A module with a middleware returns a function that makes it: app:use(cors { origin = "*" }). Middleware of an app sees also requests that no route takes. Chains are composed when the app begins to serve, once for each route.
---@class rille.http
local http = {}

---A new one, without routes. Does not suspend.
---@return rille.http.app
function http.app() end

---An answer for error(http.error(404)), which ends the handler; or to be returned. Any domain. Does not suspend.
---@param status integer
---@param body? string|table
---@return table
function http.error(status, body) end

---Of a form: "a%20b+c" is "a b c". Does not suspend.
---@param text string
---@return string
function http.unescape(text) end

---Serves an app on several cores: `http.serve { app = app, port = 8080, loops = 4 }`. The call starts what is lacking; in a loop that was started by it (or by `rille --loops`) it only listens. Each runs the script from its beginning, so it is the last thing that a script does, and what only one of them is to do asks `if rille.loop() == 1`. Returns the server of this loop, as app:listen does. Main domains only. Does not suspend.
---
---Options, and those of app:listen:
---@param options rille.http.serve_options
---@return rille.http.server
function http.serve(options) end

return http
