--[[ rille.http: HTTP servers.

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

An error is answered with 500 and the request's id, and logged with its traceback; an error made by
http.error(status, body) is that answer. `req` and `res` are dead when the answer is complete:
whoever needs something of them later copies it before.

    req   method, path, target, query_string, host, version, remote, id; query, params, headers,
          cookies, trailers; req:body(), req:read(), req:json(), req:form(),
          req:multipart([options]), req:timeout(seconds)               (src/lib/http_request.c)
    res   status, headers, trailers, body, sent; res:send(...), res:text(s), res:html(s),
          res:json(v), res:redirect(url [, status]), res:add(name, value), res:write(...),
          res:stream(source [, options])                       (lua/rille/http/stream.lua)
                                                                       (src/lib/http_response.c)

A middleware is called as middleware(req, res, next). next() runs the rest, and returns when that is
over; the answer then stands in `res` but has not been sent, so it may be looked at and changed:
res.status, res.headers, res.body (unless the handler has written it piece by piece: res.sent). What
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

local core = require "rille.http.core"
local fibers = require "rille.core"
local files = require "rille.http.files"
local json = require "rille.json"

local http = {}

local App = {}
App.__index = App
App.__name = "app"

local METHODS = { "get", "post", "put", "patch", "delete", "head", "options", "any" }

-- -- composing ---------------------------------------------------------------------------------

-- A handler whose middleware is around it. An answer that the rest returns is kept in res.
local function around(middleware, rest)
  return function(req, res)
    return middleware(req, res, function() res:send(rest(req, res)) end)
  end
end

local function caught(on_error, req, res, ok, ...)
  if ok then return ... end
  if res.sent or fibers.is_cancelled() then error((...), 0) end
  return on_error((...), req, res)
end

local function guarded(on_error, fn)
  return function(req, res)
    return caught(on_error, req, res, xpcall(fn, core.traceback, req, res))
  end
end

-- How many of req and res it takes: what it does not is not made.
local function arguments_of(fn)
  local info = debug.getinfo(fn, "u")
  return info.isvararg and 2 or math.min(info.nparams, 2)
end

-- The handler inside the chain of its route, then of its app and of the apps around that.
local function compose(app, handler, chain)
  local fn = handler
  for i = #chain, 1, -1 do fn = around(chain[i], fn) end
  while app do
    for i = #app.middleware, 1, -1 do fn = around(app.middleware[i], fn) end
    if app.error_handler then fn = guarded(app.error_handler, fn) end
    app = app.parent
  end
  return fn
end

-- -- routes ------------------------------------------------------------------------------------

local function check_callable(value, name, place)
  if type(value) == "function" then return value end
  local meta = getmetatable(value)
  if type(meta) == "table" and meta.__call then
    return function(...) return value(...) end
  end
  local text = "bad argument #%d to '%s' (function expected, got %s)"
  error(text:format(place, name, type(value)), 3)
end

local function check_string(value, name, place)
  if type(value) == "string" then return value end
  error(("bad argument #%d to '%s' (string expected, got %s)"):format(place, name, type(value)), 3)
end

local function new_app(parent, prefix, host)
  return setmetatable({
    parent = parent, prefix = prefix, host_name = host, middleware = {}, routes = {},
    children = {}, names = parent and parent.names or {},
  }, App)
end

local function root_of(app)
  while app.parent do app = app.parent end
  return app
end

-- The prefix of all apps around, and the host.
local function place_of(app)
  local prefix, host = "", nil
  while app do
    prefix, host = app.prefix .. prefix, host or app.host_name
    app = app.parent
  end
  return prefix, host or ""
end

-- Whether middleware is around all handlers of the app.
local function has_middleware(app)
  while app do
    if #app.middleware > 0 then return true end
    app = app.parent
  end
  return false
end

local function add_route(site, app, route, pattern)
  local prefix, host = place_of(app)
  pattern = prefix .. (pattern or route.pattern)
  if route.files and not has_middleware(app) then
    site:add(host, route.method, pattern, route.files, 0)
  else
    local fn = compose(app, route.handler, route.chain)
    site:add(host, route.method, pattern, fn, arguments_of(fn))
  end
end

-- The prefix of files without its slash leads to the one with it, unless there is such a route.
local function add_bare(site, app, route)
  if route.bare and (place_of(app)) .. route.bare ~= "" then
    pcall(add_route, site, app, route, route.bare)
  end
end

local function add_all(site, app, add)
  for _, route in ipairs(app.routes) do add(site, app, route) end
  for _, child in ipairs(app.children) do add_all(site, child, add) end
end

local function default_missing() end

-- The site of the whole app: made at its first use, and added to afterwards.
local function site_of(app)
  local root = root_of(app)
  if root.site then return root.site end
  local site = core.site()
  add_all(site, root, add_route)
  add_all(site, root, add_bare)
  if root.missing_handler or root.error_handler or #root.middleware > 0 then
    site:catch(compose(root, root.missing_handler or default_missing, {}))
  end
  root.site = site
  return site
end

local function check_not_serving(app, name)
  if root_of(app).site then
    error(("app:%s must come before the app begins to serve"):format(name), 3)
  end
end

local function put_route(app, route)
  local site = root_of(app).site
  if site then
    add_route(site, app, route)
    add_bare(site, app, route)
  end
  table.insert(app.routes, route)
  return app
end

--- app:get(pattern [, middleware...], handler) -> app; likewise post, put, patch, delete, head,
-- options, any
--
-- Patterns: "/users/:id", "/users/:id{int}", "/files/*rest". GET answers HEAD as well, OPTIONS is
-- answered by itself. Raises if the pattern is wrong or taken.
function App:route(method, pattern, ...)
  check_string(pattern, method, 1)
  local chain = { ... }
  if #chain == 0 then error(("app:%s: no handler"):format(method), 3) end
  for i, fn in ipairs(chain) do chain[i] = check_callable(fn, method, i + 1) end
  local handler = table.remove(chain)
  return put_route(self, {
    method = method:upper(), pattern = pattern, handler = handler, chain = chain,
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
-- Options: index ("index.html"; false: none); hidden (false: names that begin with a dot are not
-- there, but for /.well-known below the prefix); links (true: those that stay inside are followed);
-- compressed (true: file.br, file.zst and file.gz stand for file where the client likes them
-- better); headers (a table of further headers: { ["Cache-Control"] = "max-age=3600" }).
--
-- Of the cache: small (131072: files up to so many bytes are kept in memory), bytes (33554432: all
-- in all), entries (1024), descriptors (256 kept open), fresh (1: seconds for which a file is
-- believed to be what it was).
--
-- To middleware such an answer has res.status, res.headers and res.length, and no res.body.
function App:static(prefix, directory, options)
  check_string(prefix, "static", 1)
  check_string(directory, "static", 2)
  local opened = files.open(directory, options)
  local bare = prefix:gsub("/$", "")
  return put_route(self, {
    method = "GET", pattern = bare .. "/*rest", bare = bare, chain = {}, files = opened,
    handler = files.handler(opened, function() return root_of(self).missing_handler end),
  })
end

--- app:use(middleware...) -> app: around all routes of the app, wherever they were added.
function App:use(...)
  check_not_serving(self, "use")
  for i = 1, select("#", ...) do
    table.insert(self.middleware, check_callable((select(i, ...)), "use", i))
  end
  return self
end

--- app:on_error(fn) -> app
-- fn(err, req, res) gives the answer to an error in a handler, as a handler does; `err` carries its
-- traceback when it is a string. Without one the error is logged and answered with 500.
function App:on_error(fn)
  check_not_serving(self, "on_error")
  self.error_handler = check_callable(fn, "on_error", 1)
  return self
end

--- app:not_found(handler) -> app
-- Answers where there is no route; res.status is 404, or 405 with the header Allow, or 204 for an
-- OPTIONS that nobody handles. Of the outermost app.
function App:not_found(handler)
  check_not_serving(self, "not_found")
  root_of(self).missing_handler = check_callable(handler, "not_found", 1)
  return self
end

local function add_child(app, prefix, host, fn)
  local child = new_app(app, prefix, host)
  table.insert(app.children, child)
  if fn then fn(child) end
  return child
end

--- app:group(prefix [, fn]) -> group
-- An app below `prefix`, with middleware and on_error of its own inside those of this one; calls
-- fn(group).
function App:group(prefix, fn)
  return add_child(self, check_string(prefix, "group", 1), nil, fn)
end

--- app:host(name [, fn]) -> group
-- The same for requests to one host: "api.example.com", "*.example.com".
function App:host(name, fn)
  return add_child(self, "", check_string(name, "host", 1), fn)
end

--- app:mount(prefix, other) -> app: puts another app, which does not serve by itself, below
-- `prefix`.
function App:mount(prefix, other)
  check_string(prefix, "mount", 1)
  check_not_serving(self, "mount")
  if getmetatable(other) ~= App then error("bad argument #2 to 'mount' (app expected)", 2) end
  if other.parent or other.site then error("app:mount: the app is in use already", 2) end
  other.parent, other.prefix = self, prefix .. other.prefix
  table.insert(self.children, other)
  return self
end

-- -- named routes ------------------------------------------------------------------------------

local function escaped(text, keep)
  return (tostring(text):gsub("[^%w%-%._~" .. keep .. "]", function(byte)
    return ("%%%02X"):format(byte:byte())
  end))
end

local function filled(name, params)
  local function value(key)
    local given = params and params[key]
    if given == nil then error(("app:url: route %q needs %q"):format(name, key), 4) end
    return given
  end
  return function(kind, key)
    local text = escaped(value(key), kind == "*" and "/" or "")
    if text == "." or text == ".." then
      error(("app:url: %q cannot be %q in a path"):format(key, text), 3)
    end
    return text
  end
end

--- app:name(name) -> app: names the route that was added last, for app:url.
function App:name(name)
  local route = self.routes[#self.routes]
  if not route then error("app:name: there is no route yet", 2) end
  self.names[check_string(name, "name", 1)] = { app = self, pattern = route.pattern }
  return self
end

local function name_of(app, name)
  if app.names[name] then return app.names[name] end
  for _, child in ipairs(app.children) do
    local found = name_of(child, name)
    if found then return found end
  end
end

--- app:url(name [, params]) -> string: the path of a named route.
function App:url(name, params)
  local route = name_of(root_of(self), name)
  if not route then error(("app:url: no route is called %q"):format(tostring(name)), 2) end
  local pattern = (place_of(route.app)) .. route.pattern
  return (pattern:gsub("([:*])([%a_][%w_]*)%f[^%w_]", filled(name, params)):gsub("{int}", ""))
end

-- -- serving -----------------------------------------------------------------------------------

local PLACES = { port = true, host = true, address = true }

local function url_of(options)
  local address = options.address
  if address and address:find "^%a+:[/%a]" then return address end
  local host = address or options.host or "127.0.0.1"
  if host:find ":" and not host:find "^%[" then host = "[" .. host .. "]" end
  return ("tcp://%s:%d"):format(host, options.port or 8080)
end

local function check_options(options, name)
  if type(options) ~= "table" then
    error(("app:%s: a table of options expected"):format(name), 3)
  end
  for key in pairs(options) do
    if not PLACES[key] and not core.options[key] then
      error(("app:%s: unknown option %q"):format(name, tostring(key)), 3)
    end
  end
end

--- app:listen(options) -> server
--
-- Serves the app, without waiting; the program goes on until it is stopped. Raises if the address
-- cannot be had. Several apps may listen, and an app at several addresses.
--
-- Where: port (8080; 0 takes a free one) and host ("127.0.0.1"; also called address); or a whole
-- address, "tcp://[::1]:8080" or "unix:/run/app.sock"; backlog (4096).
--
-- Limits: max_line (8256 bytes; more is answered with 414), max_header (16 KiB; 431), max_headers
-- (100; 431), max_head (64 KiB; 431), max_body (1 MiB, of req:body(); 413), max_upload (1 GiB, of
-- req:read(); 413), max_requests of a connection (none), max_connections (16384; 503).
--
-- Times in seconds: head_timeout (10; 408), body_timeout (30, or 16 KiB further; 408),
-- handler_timeout (60; 503), send_timeout (30 without the client taking anything), idle_timeout
-- (75). math.huge is none.
--
-- cancel (true): a client that leaves cancels its handler. development (false): errors are shown to
-- the client.
--
-- server: address(), port(), connections(), close().
function App:listen(options)
  options = options or {}
  check_options(options, "listen")
  local server, message = core.listen(site_of(self), url_of(options), options)
  if not server then error(message, 2) end
  return server
end

-- -- trying without a network --------------------------------------------------------------------

--- app:inject(options) -> { status, headers, body, trailers, error }
--
-- Sends the app a request without a network, and waits for the answer. Options: method, path (with
-- its query), headers, body (a string, a table for JSON, or an iterator over pieces, which are sent
-- as chunks) and trailers behind that; or just a path. The names of the answer's headers and
-- trailers are in lower case, repeated ones joined by commas. `error` is set if the answer was cut
-- off; `body` is then what came of it.
function App:inject(options)
  if type(options) == "string" then options = { path = options } end
  local root = root_of(self)
  root.injected = root.injected or core.listen(site_of(root), nil, {})
  return require "rille.http.inject" (root.injected, options)
end

-- -- what is easier in Lua -----------------------------------------------------------------------

--- req:json() -> value: the body, as rille.json decodes it. One that is no JSON is answered with
-- 400, which says where.
function core.request:json()
  local value, message = json.decode(self:body())
  if message then
    error(http.error(400, { error = "the body is not valid JSON", detail = message }), 0)
  end
  return value
end

--- req:form() -> table: the fields of an urlencoded body; the last of a repeated name.
function core.request:form()
  local form = {}
  for pair in self:body():gmatch "[^&]+" do
    local name, value = pair:match "^([^=]*)=?(.*)$"
    form[http.unescape(name)] = http.unescape(value)
  end
  return form
end

--- req:multipart([options]) -> iterator over parts: see rille.http.multipart.
function core.request:multipart(given)
  return require "rille.http.multipart" (self, given)
end

--- res:text(s), res:html(s), res:json(value): set the body and its type; sent when the handler is
-- over.
function core.response:text(text)
  self.headers["Content-Type"] = "text/plain; charset=utf-8"
  self.body = text
end

function core.response:html(text)
  self.headers["Content-Type"] = "text/html; charset=utf-8"
  self.body = text
end

function core.response:json(value)
  self.headers["Content-Type"] = "application/json"
  self.body = json.encode(value)
end

core.response.stream = require "rille.http.stream"

--- res:redirect(url [, status]): 302 unless said otherwise.
function core.response:redirect(url, status)
  self.headers["Location"] = url
  self.status = status or 302
end

--- http.error(status [, body]) -> error value
-- For error(http.error(404)): the answer is that status and body.
function http.error(status, body)
  return { status = status, body = body }
end

--- http.unescape(text) -> string: of a form: "a%20b+c" is "a b c".
function http.unescape(text)
  return (text:gsub("+", " "):gsub("%%(%x%x)", function(hex)
    return string.char(tonumber(hex, 16))
  end))
end

--- http.app() -> app
function http.app()
  return new_app(nil, "", nil)
end

return http
