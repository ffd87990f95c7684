--[[ rille.http: HTTP servers. Any domain may have some: an app belongs to the one that made it.
docs/http.md is the guide.

    local http = require "rille.http"
    local app = http.app()
    app:get("/hello/:name", function(req) return "hello, " .. req.params.name end)
    app:listen { port = 8080 }

A handler is called as handler(req, res) in a fiber of its own, and may wait anywhere. What it
returns is the answer:

    a string           text/plain; charset=utf-8
    a table            JSON
    status, body       the body a string, a table or nothing
    nothing            what was set or written by `res`; 204 if that is nothing either

Anything else is an error, also what stands behind that: headers are set by res.headers; and so is a
table with what JSON cannot say (json.encode), whose place the error names. An error is answered
with 500 and the request's id, and logged with its traceback; an error made by
http.error(status, body) is that answer; one with a number `retry_after`, as that of a task that the
pool refused (rille.job), is 503 with Retry-After. `req` and `res` are dead when the answer is
complete: whoever needs something of them later copies it before. What they have stands at the
types req and res (src/lib/http_request.c, src/lib/http_response.c).

A middleware is called as middleware(req, res, next). next() runs the rest, and returns when that is
over; the answer then stands in `res` but has not been sent, so it may be looked at and changed:
res.status, res.headers, res.body (unless the handler has written it piece by piece: res.sent; or it
is a file, of which res.length alone tells). What
a middleware returns replaces the answer; one that returns nothing leaves it as it is; one that
does not call next() answers by itself. An error of the rest passes through next(). Values for those
further in are set as fields of req: req.user = user.

    local function timing(req, res, next)
      local start = rille.now()
      next()
      res.headers["Server-Timing"] = ("app;dur=%.1f"):format((rille.now() - start) * 1000)
    end

A module with a middleware returns a function that makes it: app:use(cors { origin = "*" }).
Middleware of an app sees also requests that no route takes. Chains are composed when the app begins
to serve, once for each route. ]]

local check = require "rille.http.check"
local core = require "rille.http.core"
local files = require "rille.http.files"
local fill = require "rille.http.fill"
local methods = require "rille.http.methods"
local listen_options = require "rille.http.listen"
local tree = require "rille.http.tree"

local http = {}

local App = {}
App.__index = App
App.__name = "app"

local METHODS = { "get", "post", "put", "patch", "delete", "head", "options", "any" }

-- -- routes ------------------------------------------------------------------------------------

local function check_app(app, name)
  check.method(getmetatable(app) == App, "app", name)
end

local function check_not_serving(app, name)
  check_app(app, name)
  if tree.root(app).site then
    check.fail("app:%s must come before the app begins to serve, by listen or inject", name)
  end
end

-- What apps are put below: "" or "/users".
local function check_prefix(prefix, name)
  check.string(prefix, 1, name)
  if prefix == "" then return prefix end
  local fault = core.fault_of(prefix)
  if not fault and prefix:find "/$" then fault = "it must not end in '/': routes begin with one" end
  if fault then check.fail("app:%s: the prefix %q: %s", name, prefix, fault) end
  return prefix
end

-- As a whole, as far as it is known: the app may be mounted below something else.
local function check_pattern(app, pattern, name)
  check.string(pattern, 1, name)
  local whole = (tree.place(app)) .. pattern
  local fault = whole ~= "" and core.fault_of(whole)
  if fault then check.fail("app:%s: %s", name, fault) end
end

local function check_functions(pattern, name, ...)
  local functions, count = {}, select("#", ...)
  if count == 0 then check.fail("app:%s: there is no handler for %q", name, pattern) end
  for i = 1, count do functions[i] = check.callable((select(i, ...)), i + 1, name) end
  return functions
end

--- The type app of rille.http: routes, and what is around them. It belongs to its domain. Nothing
-- of it suspends but app:inject. What is wrong is an error at the line of the script that made it.

--- app:get(pattern [, middleware...], handler) -> app
-- app:post(pattern [, middleware...], handler) -> app
-- app:put(pattern [, middleware...], handler) -> app
-- app:patch(pattern [, middleware...], handler) -> app
-- app:delete(pattern [, middleware...], handler) -> app
-- app:head(pattern [, middleware...], handler) -> app
-- app:options(pattern [, middleware...], handler) -> app
-- app:any(pattern [, middleware...], handler) -> app
--
-- Patterns: "/users/:id", "/users/:id{int}", "/files/*rest". GET answers HEAD as well, OPTIONS is
-- answered by itself. Raises if the pattern is wrong or taken.

--- app:route(method, pattern [, middleware...], handler) -> app: the same for a method in a string,
-- "get".
function App:route(method, pattern, ...)
  check_app(self, method)
  check_pattern(self, pattern, method)
  local middleware = check_functions(pattern, method, ...)
  local handler = table.remove(middleware)
  return tree.put(self, {
    method = method:upper(), pattern = pattern, handler = handler, middleware = middleware,
    place = check.place(),
  })
end

for _, method in ipairs(METHODS) do
  App[method] = function(self, pattern, ...) return App.route(self, method, pattern, ...) end
end

--- app:static(prefix, directory [, options]) -> app
--
-- Serves the files of a directory below `prefix`: GET and HEAD, with ranges, conditions and types
-- by extension; "/" after a directory's name means its index. Nothing outside the directory is
-- ever served. Without middleware around it no Lua runs for that. What is not there is answered as
-- other missing routes are. Routes that say more than `prefix` go before it, wherever they were
-- added. Raises if the directory cannot be opened; its name is looked up again when it is replaced.
--
-- To middleware such an answer has res.status, res.headers and res.length, and no res.body.
--
-- Options:
--
--     index         "index.html"; false: none
--     hidden        false: names that begin with a dot are not there, but for /.well-known below
--                   the prefix
--     links         true: those that stay inside are followed
--     compressed    true: file.br, file.zst and file.gz stand for file where the client likes them
--                   better
--     headers       a table of further headers: { ["Cache-Control"] = "max-age=3600" }
--     small         131072: files up to so many bytes are kept in memory
--     bytes         33554432: kept in memory all in all
--     entries       1024: files that are remembered
--     descriptors   256: files that are kept open
--     fresh         1: seconds for which a file is believed to be what it was
function App:static(prefix, directory, options)
  check_app(self, "static")
  local bare = check.string(prefix, 1, "static"):gsub("/$", "")
  check_pattern(self, bare .. "/*rest", "static")
  check.string(directory, 2, "static")
  local opened = files.open(directory, options)
  return tree.put(self, {
    method = "GET", pattern = bare .. "/*rest", bare = bare, middleware = {}, files = opened,
    place = check.place(),
    handler = files.handler(opened, function() return tree.root(self).missing_handler end),
  })
end

-- A route to server-sent events: see rille/http/sse.lua.
function App:sse(pattern, ...)
  check_app(self, "sse")
  check_pattern(self, pattern, "sse")
  return require "rille.http.sse" (self, pattern, ...)
end

--- app:metrics([path]) -> app: a route, "/metrics", to all that rille.metrics tells.
--
-- Whoever may ask that path may know it all: put it into a group with middleware that says who that
-- is, or listen at an address of its own.
function App:metrics(path)
  check_app(self, "metrics")
  local metrics = require "rille.metrics"
  return App.route(self, "get", path or "/metrics", function(_, res)
    res.headers["Content-Type"] = "text/plain; version=0.0.4; charset=utf-8"
    return metrics.text()
  end)
end

--- app:use(middleware...) -> app: around all routes of the app, wherever they were added.
function App:use(...)
  check_not_serving(self, "use")
  local count = select("#", ...)
  if count == 0 then check.fail "app:use: there is no middleware" end
  if type((...)) == "string" then
    check.fail("app:use takes functions only: middleware of a part is used by app:group(%q)", (...))
  end
  for i = 1, count do
    table.insert(self.middleware, check.callable((select(i, ...)), i, "use"))
  end
  return self
end

--- app:on_error(fn) -> app
--
-- fn(err, req, res) gives the answer to an error in a handler, as a handler does; `err` carries its
-- traceback when it is a string. res.status is 500 (or, for what the client did wrong, 400, 408 or
-- 413). If it gives none, or there is no on_error, the error is logged and answered with that
-- status. What http.error makes is an answer already and does not come here.
function App:on_error(fn)
  check_not_serving(self, "on_error")
  self.error_handler = check.callable(fn, 1, "on_error")
  return self
end

--- app:not_found(handler) -> app
--
-- Answers where there is no route; res.status is 404, or 405 with the header Allow, or 204 for an
-- OPTIONS that nobody handles. Of the outermost app.
function App:not_found(handler)
  check_not_serving(self, "not_found")
  tree.root(self).missing_handler = check.callable(handler, 1, "not_found")
  return self
end

local function add_child(app, prefix, host, fn, name)
  if fn ~= nil then fn = check.callable(fn, 2, name) end
  local child = tree.new(App, app, prefix, host)
  if fn then fn(child) end
  return child
end

--- app:group(prefix [, fn]) -> app
--
-- An app below `prefix`, with middleware and on_error of its own inside those of this one; calls
-- fn(group).
function App:group(prefix, fn)
  check_app(self, "group")
  return add_child(self, check_prefix(prefix, "group"), nil, fn, "group")
end

--- app:host(name [, fn]) -> app
--
-- The same for requests to one host, "api.example.com", or to all below one, "*.example.com". Where
-- several names take a host, the whole name goes first, then the longest; apps without a host take
-- what is left. A host for which there is none is answered with 404.
function App:host(name, fn)
  check_app(self, "host")
  check.string(name, 1, "host")
  if not (name:gsub("^%*%.", ""):find "^[%w._-]+$" or name:find "^%[[%x:.]+%]$") then
    check.fail('app:host: %q: a name without scheme and port expected, as "api.example.com" or '
      .. '"*.example.com"', name)
  end
  return add_child(self, "", name, fn, "host")
end

--- app:mount(prefix, other) -> app
--
-- Puts another app, which does not serve by itself, below `prefix`.
function App:mount(prefix, other)
  check_not_serving(self, "mount")
  check_prefix(prefix, "mount")
  check.argument(getmetatable(other) == App, 2, "mount", "app", other)
  if other == tree.root(self) then check.fail "app:mount: an app cannot be below itself" end
  if other.parent then check.fail "app:mount: the app is mounted elsewhere already" end
  if other.site then check.fail "app:mount: the app serves by itself already" end
  other.parent, other.prefix = self, prefix .. other.prefix
  table.insert(self.children, other)
  return self
end

-- -- named routes ------------------------------------------------------------------------------

--- app:name(name) -> app: names the route that was added last, for app:url.
function App:name(name)
  check_app(self, "name")
  check.string(name, 1, "name")
  local route, taken = self.routes[#self.routes], self.names[name]
  if not route then check.fail("app:name: there is no route to name %q yet", name) end
  if taken then check.fail("app:name: %q is the name of %q already", name, taken.pattern) end
  self.names[name] = { app = self, pattern = route.pattern }
  return self
end

--- app:url(name [, params [, req]]) -> url
--
-- The path of a named route; with a request a whole URL, with the scheme and the host by which its
-- client addresses this server.
function App:url(name, params, req)
  check_app(self, "url")
  check.string(name, 1, "url")
  check.argument(params == nil or type(params) == "table", 2, "url", "table", params)
  local route = tree.named(tree.root(self), name)
  if not route then check.fail("app:url: no route is called %q", name) end
  local path = fill(name, (tree.place(route.app)) .. route.pattern, params or {})
  if req == nil then return path end
  check.argument(getmetatable(req) == "request", 3, "url", "request", req)
  return req.host == "" and path or req.scheme .. "://" .. req.host .. path
end

-- -- serving -----------------------------------------------------------------------------------

--- app:listen([options]) -> server
--
-- Serves the app, without waiting; the program goes on until it is stopped. Raises if the address
-- cannot be had. Several apps may listen, and an app at several addresses. Of limits and times
-- math.huge is none; what exceeds them is answered with the status that stands there.
--
-- Options:
--
--     port              8080; 0 takes a free one
--     host              "127.0.0.1"; also called address
--     address           a whole one in place of both: "tcp://[::1]:8080" or "unix:/run/app.sock"
--     backlog           4096: clients that wait to be accepted
--     shared            true: several loops that listen there share the clients, and of port 0 the
--                       k-th of each loop is the same port
--     max_line          8256 bytes of the request line; 414
--     max_header        16384 bytes of one header; 431
--     max_headers       100 headers; 431
--     max_head          65536 bytes of the head; 431
--     max_body          1048576 bytes, of req:body(); 413
--     max_upload        1073741824 bytes, of req:read(); 413
--     max_requests      none: requests of a connection
--     max_connections   16384 connections at once, for each loop; 503
--     connections_per_address   a quarter of that, for all loops, and none for clients on the
--                               machine
--                       itself; 503; of IPv6 a /64 is one address
--     head_timeout      10 seconds for a head; 408
--     body_timeout      30 seconds for the body, or for 16 KiB further; 408
--     handler_timeout   60 seconds for the handler; 503
--     compute_timeout   10 seconds of a handler that runs without waiting; 503
--     send_timeout      30 seconds for what waits to be taken, or for 16 KiB further
--     idle_timeout      75 seconds between two requests
--     trust             none: a list of the addresses whose word about their clients is taken, such
--                       as { "127.0.0.1", "10.0.0.0/8" }, and "unix" for whoever comes to a Unix
--                       socket
--     trust_header      "X-Forwarded-For", with -Proto and -Host; or "Forwarded": in which words.
--                       req.remote, req.scheme and req.host are then what they say; see
--                       docs/http.md
--     cancel            true: a client that leaves cancels its handler
--     development       false: whether errors are shown to the client, and empty answers logged
function App:listen(options)
  check_app(self, "listen")
  local url, given = listen_options(options)
  local site = tree.site(self)
  local ok, server, message = pcall(core.listen, site, url, given)
  if not (ok and server) then check.fail("app:listen: %s", message or server) end
  return server
end

-- -- trying without a network --------------------------------------------------------------------

--- The type answer of rille.http: what app:inject brings back. A plain table, good in any domain;
-- nothing of it suspends.
--
-- Fields:
--
--     status     integer: of the answer
--     headers    table: their names in lower case, repeated ones joined by commas
--     body       string: or what came of it, if it was cut off
--     trailers   table|nil: as headers
--     error      string|nil: set if the answer was cut off

--- app:inject(options) -> answer
--
-- Sends the app a request without a network, and waits for the answer. Options may be just a path.
-- May suspend.
--
-- Options:
--
--     method         "GET", or "POST" with a body
--     path           with its query
--     headers        name to value, or to a list
--     body           a string, a table for JSON, or an iterator over pieces, sent as chunks
--     trailers       behind chunks
--     remote         what req.remote says: "127.0.0.1", with port 0 if it names none
--     trust          as of app:listen
--     trust_header   as of app:listen
function App:inject(options)
  check_app(self, "inject")
  if type(options) == "string" then options = { path = options } end
  check.argument(type(options) == "table", 1, "inject", "path or table of options", options)
  local root = tree.root(self)
  root.injected = root.injected or require "rille.http.inject" (tree.site(root))
  return root.injected(options)
end

-- -- the module -----------------------------------------------------------------------------------

http.error, http.unescape = methods.error, methods.unescape

-- See rille/http/serve.lua.
function http.serve(options)
  return require "rille.http.serve" (options)
end

--- http.app() -> app: a new one, without routes. Does not suspend.
function http.app(...)
  if ... == http then check.fail "http.app is called with a dot: http.app()" end
  if ... ~= nil then check.fail "http.app takes nothing: options belong to app:listen" end
  return tree.new(App, nil, "", nil)
end

return http
