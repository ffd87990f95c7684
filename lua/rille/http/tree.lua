-- rille.http.tree: apps within apps, with their routes, and the site that serves them all. Not for
-- scripts.
--
-- An app is a table: `parent`, or nil of the outermost; `prefix` and `host_name`, below which it
-- stands in its parent; `middleware` and `routes`, in the order in which they were added;
-- `children`; `names`, of routes, by name; `error_handler`. The outermost one may have a
-- `missing_handler`, and has a `site` from its first use on.

local chain = require "rille.http.chain"
local check = require "rille.http.check"
local core = require "rille.http.core"

local tree = {}

--- tree.new(class, parent, prefix, host) -> app: the last child of its parent, if it has one.
function tree.new(class, parent, prefix, host)
  local app = setmetatable({
    parent = parent, prefix = prefix, host_name = host, middleware = {}, routes = {},
    children = {}, names = parent and parent.names or {},
  }, class)
  if parent then table.insert(parent.children, app) end
  return app
end

--- tree.root(app) -> app: the outermost.
function tree.root(app)
  while app.parent do app = app.parent end
  return app
end

--- tree.place(app) -> prefix, host: all prefixes from the outermost to its own, and the host or "".
function tree.place(app)
  local prefix, host = "", nil
  while app do
    prefix, host = app.prefix .. prefix, host or app.host_name
    app = app.parent
  end
  return prefix, host or ""
end

--- tree.named(app, name) -> what app:name has noted, of the app or one below it; or nil.
function tree.named(app, name)
  if app.names[name] then return app.names[name] end
  for _, child in ipairs(app.children) do
    local found = tree.named(child, name)
    if found then return found end
  end
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
  local prefix, host = tree.place(app)
  local fn, arguments = route.files, 0
  if not fn or has_middleware(app) then
    fn = chain.compose(app, route.handler, route.middleware)
    arguments = chain.arguments_of(fn)
  end
  pattern = prefix .. (pattern or route.pattern)
  local ok, fault = pcall(site.add, site, host, route.method, pattern, fn, arguments)
  if not ok then check.fail("%s; it was added at %s", fault, route.place) end
end

-- The prefix of files without its slash leads to the one with it, unless there is such a route.
local function add_bare(site, app, route)
  if route.bare and (tree.place(app)) .. route.bare ~= "" then
    pcall(add_route, site, app, route, route.bare)
  end
end

local function add_all(site, app, add)
  for _, route in ipairs(app.routes) do add(site, app, route) end
  for _, child in ipairs(app.children) do add_all(site, child, add) end
end

local function default_missing() end

--- tree.site(app) -> site of the whole tree: made at its first use, and added to afterwards.
function tree.site(app)
  local root = tree.root(app)
  if root.site then return root.site end
  local site = core.site()
  add_all(site, root, add_route)
  add_all(site, root, add_bare)
  if root.missing_handler or root.error_handler or #root.middleware > 0 then
    site:catch(chain.compose(root, root.missing_handler or default_missing, {}))
  end
  root.site = site
  return site
end

--- tree.put(app, route) -> app: adds the route, to the site as well if there is one.
function tree.put(app, route)
  local site = tree.root(app).site
  if site then
    add_route(site, app, route)
    add_bare(site, app, route)
  end
  table.insert(app.routes, route)
  return app
end

return tree
