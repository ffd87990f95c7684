-- The reference (docs/reference.md) and the types for the Lua language server (types/) say what
-- there is: both are made of the comments at the bindings, and compared here with what the modules
-- really export and their objects really have, in both directions.

package.path = "scripts/lib/?.lua;" .. package.path

local comments = require "comments"
local http = require "rille.http"
local glossary = require "names"
local net = require "rille.net"
local page = require "page"
local rille = require "rille"
local types = require "types"

local sections, hidden = comments.read "."

local function read(path)
  local file <close> = assert(io.open(path, "rb"))
  return file:read "a"
end

local function sorted(set)
  local list = {}
  for name in pairs(set) do table.insert(list, name) end
  table.sort(list)
  return list
end

-- -- what there is -------------------------------------------------------------------------------

-- Functions that are loaded when they are first used are a table in the metatable of rille.
local function late_of(module)
  local meta = debug.getmetatable(module)
  local index = type(meta) == "table" and rawget(meta, "__index")
  local _, late = debug.getupvalue(type(index) == "function" and index or print, 1)
  return type(late) == "table" and late or {}
end

local function functions_of(module)
  local found = {}
  if type(module) ~= "table" or module == rille.context then return found end
  local names = late_of(module)
  for name, value in pairs(module) do names[name] = value end
  for name in pairs(names) do
    if type(module[name]) == "function" then found[name] = true end
  end
  return found
end

local function is_callable(value)
  local meta = debug.getmetatable(value)
  return type(value) == "function" or type(meta) == "table" and meta.__call ~= nil
end

-- What else may be done with an object, as the reference writes it.
local OPERATORS = { __call = "()", __len = "#", __pairs = "pairs" }

-- The methods of an object, of a type written in C or of one of Lua, and its operators.
local function methods_of(object)
  local meta = debug.getmetatable(object)
  local index, found = meta.__index, {}
  for event, shown in pairs(OPERATORS) do
    if meta[event] then found[shown] = true end
  end
  if type(index) == "function" then
    local _, methods = debug.getupvalue(index, 1)
    index = debug.getinfo(index, "S").what == "C" and methods or meta
  end
  for name, value in pairs(type(index) == "table" and index or {}) do
    if type(value) == "function" and not name:find "^__" then found[name] = true end
  end
  return found
end

local SECRET = ("s"):rep(32)

-- What a handler of `app` sees while it answers a request for /x.
local function in_handler(app, see, options)
  local seen
  app:any("/x", function(req, res)
    seen = methods_of(see(req, res))
    return 204
  end)
  options = options or {}
  options.path = "/x"
  assert.equal(204, app:inject(options).status)
  return seen
end

local function in_connection(see)
  local found
  local listener <close> = assert(net.listen("tcp://127.0.0.1:0", function(conn)
    found = see(conn)
  end))
  local conn <close> = assert(net.connect(listener:address()))
  conn:read "all"
  return found
end

local FORM = {
  headers = { ["Content-Type"] = "multipart/form-data; boundary=x" },
  body = '--x\r\nContent-Disposition: form-data; name="a"\r\n\r\nb\r\n--x--\r\n',
}

local OBJECTS = {
  metric = function() return methods_of(rille.metrics.gauge { name = "reference", help = "x" }) end,
  task = function() return methods_of(rille.spawn(print)) end,
  job = function() return methods_of(rille.job(print)) end,
  scope = function()
    local found
    rille.scope(function(scope) found = methods_of(scope) end)
    return found
  end,
  channel = function() return methods_of(rille.channel()) end,
  mutex = function() return methods_of(rille.mutex()) end,
  semaphore = function() return methods_of(rille.semaphore(1)) end,
  conn = function() return in_connection(methods_of) end,
  listener = function()
    local listener <close> = assert(net.listen("tcp://127.0.0.1:0", print))
    return methods_of(listener)
  end,
  app = function() return methods_of(http.app()) end,
  server = function()
    local server = http.app():listen { port = 0 }
    server:close()
    return methods_of(server)
  end,
  req = function() return in_handler(http.app(), function(req) return req end) end,
  res = function() return in_handler(http.app(), function(_, res) return res end) end,
  view = function() return in_handler(http.app(), function(req) return req.query end) end,
  events = function()
    local found
    local app = http.app()
    app:sse("/x", function(events) found = methods_of(events) end)
    app:inject "/x"
    return found
  end,
  part = function()
    return in_handler(http.app(), function(req)
      local step, form = req:multipart()
      return step(form)
    end, FORM)
  end,
  encoder = function() return methods_of(require "rille.compress".encoder "gzip") end,
  decoder = function() return methods_of(require "rille.compress".decoder "gzip") end,
  digest = function() return methods_of(require "rille.crypto".digest()) end,
  keys = function() return methods_of(require "rille.crypto".keys(SECRET)) end,
  out = function()
    return in_handler(http.app(), function(req, res)
      return require "rille.http.compress".stream(req, res)
    end)
  end,
  jar = function()
    local app = http.app():use(require "rille.http.cookies"())
    return in_handler(app, function(req) return req.jar end)
  end,
  session = function()
    local app = http.app():use(require "rille.http.session" { secret = SECRET })
    return in_handler(app, function(req) return req.session end)
  end,
}

-- Plain tables, whose fields are listed; what need not be there is left out.
local TABLES = {
  cost = function()
    local task = rille.submit(function() end)
    task:await()
    return task:cost()
  end,
  overload = function()
    rille.domains.set_bounds(0, 1)
    local job = rille.job(rille.sleep, { on_full = "fail", deadline = 1e-9 })
    local _, err = pcall(job, 1)
    rille.domains.set_bounds(0, rille.domains.recommended())
    return err
  end,
  stats = function() return rille.domains.stats() end,
  times = function() return rille.domains.stats().wait end,
  figures = function()
    rille.job(print, { name = "figures" }):submit():cancel()
    return rille.domains.stats().jobs.figures
  end,
  answer = function() return http.app():inject "/" end,
}

-- Without the operators.
local function named(set)
  local found = {}
  for name in pairs(set) do
    if name:find "^%a" and name ~= "pairs" then found[name] = true end
  end
  return found
end

-- -- what is said --------------------------------------------------------------------------------

local function said_of(section)
  local said, called = {}, false
  for _, entry in ipairs(section.entries) do
    for _, signature in ipairs(entry.signatures) do
      if signature.name then said[signature.name] = true end
      called = called or signature.called
    end
  end
  return said, called or false
end

-- The same of a type, with its operators.
local function said_of_type(section)
  local said = said_of(section)
  for _, entry in ipairs(section.entries) do
    for _, signature in ipairs(entry.signatures) do
      if signature.called then said["()"] = true end
      if signature.operator then said[signature.whole:match "^#" or "pairs"] = true end
    end
  end
  return said
end

local function rows_of(text, kind)
  local names, optional = {}, {}
  for _, piece in ipairs(comments.pieces(text)) do
    for _, row in ipairs(piece.kind == kind and piece.rows or {}) do
      for _, name in ipairs(row.names) do
        names[name] = true
        optional[name] = row.text:find "^[^:]*|nil: " ~= nil
      end
    end
  end
  return names, optional
end

-- The functions and methods that a file of types declares, by class.
local function declared_in(path)
  local found = {}
  for line in io.lines(path) do
    local class, name = line:match "^function ([%w_]+)[.:]([%w_]+)%(.*%) end$"
    if class then
      found[class] = found[class] or {}
      found[class][name] = true
    end
  end
  return found
end

-- Types that the language server has itself.
local LUALS = {}
for name in ([[any nil true false boolean integer number string table function fun userdata
  lightuserdata]]):gmatch "%a+" do
  LUALS[name] = true
end

-- The names of types in a line of annotations: all names but those of arguments and fields.
local function type_names(line)
  local text = line:match "^%-%-%-@return (.*)$" or line:match "^%-%-%-@param %S+ (.*)$"
    or line:match "^%-%-%-@field %S+ (.*)$" or line:match "^%-%-%-@overload (.*)$"
    or line:match "^%-%-%-@class [%w_.]+: (.*)$" or ""
  local found = {}
  text = text:gsub('"[^"]*"', "true"):gsub("[%w_]+%??: ", "")
  for name in text:gmatch "[%w_.$@]*[%w_$@]+" do table.insert(found, name) end
  return found
end

--- The names of Rille's modules, in C and in Lua.
local function all_modules()
  local names = {}
  for name in read("src/lib/modules.h"):gmatch "luaopen_([%w_]+)" do
    names[#names + 1] = name:gsub("_", ".")
  end
  local files <close> = assert(io.popen("cd lua && find rille* -name '*.lua'"))
  for path in files:lines() do
    names[#names + 1] = path:gsub("%.lua$", ""):gsub("/", ".")
  end
  return names
end

describe("the reference", function()
  it("is what scripts/reference writes of the comments", function()
    assert.equal(page.write(sections), read "docs/reference.md")
  end)

  it("has all modules that are not marked as hidden", function()
    local public = {}
    for _, section in ipairs(sections) do
      if section.kind == "module" then public[section.name] = true end
    end
    for _, name in ipairs(all_modules()) do
      assert.is_true((public[name] or hidden[name]) ~= nil, name)
      assert.is_false(public[name] and hidden[name] or false, name)
      assert.equal(":rille:", select(2, package.searchers[1](name)), name)
    end
    for name in pairs(public) do assert.is_truthy(require(name), name) end
  end)

  it("knows the modules that rille loads by itself", function()
    local loaded = {}
    for name in pairs(late_of(rille)) do
      if type(rille[name]) == "table" then loaded["rille." .. name] = true end
    end
    assert.same(sorted(glossary.submodules), sorted(loaded))
  end)

  it("says of all functions whether they suspend, and of all else in which domain it is", function()
    for _, section in ipairs(sections) do
      local text = table.concat(section.text, " ")
      assert.is_truthy(text:find "domain", section.name)
      for _, entry in ipairs(section.entries) do
        local own = table.concat(entry.text, " ")
        local place = ("%s:%d"):format(entry.file, entry.line)
        assert.is_truthy(own:find "suspend" or own:find "never waits" or text:find "suspend", place)
      end
    end
  end)

  for _, section in ipairs(sections) do
    if section.kind == "module" then
      it("has the functions of " .. section.name .. ", and no others", function()
        local module = require(section.name)
        local said, called = said_of(section)
        assert.same(sorted(functions_of(module)), sorted(said))
        assert.equal(is_callable(module), called)
      end)
    elseif section.kind == "type" and TABLES[section.name] then
      it("has the fields of " .. section.name .. ", and no others", function()
        local said, optional = rows_of(section.text, "fields")
        local object = TABLES[section.name]()
        for name in pairs(object) do assert.is_true(said[name], name) end
        for name in pairs(said) do
          assert.is_true(optional[name] or object[name] ~= nil, name)
        end
      end)
    elseif section.kind == "type" then
      it("has the methods of " .. section.name .. ", and no others", function()
        assert.is_truthy(OBJECTS[section.name], "spec/reference_spec.lua has no such object")
        assert.same(sorted(OBJECTS[section.name]()), sorted(said_of_type(section)))
      end)
    else
      it("has functions of Lua's " .. section.name, function()
        for name in pairs((said_of(section))) do
          assert.is_function(_G[section.name][name])
        end
      end)
    end
  end
end)

-- What a function says when it is given an option that there is not.
local function options_in(message)
  local found = {}
  local list = message:match "there are ([%w_, ]+)"
  for name in list:gsub(" and ", ", "):gmatch "[%w_]+" do found[name] = true end
  return found
end

local function refused(fn, ...)
  local ok, message = pcall(fn, ...)
  assert.is_false(ok)
  return options_in(message)
end

local WRONG = { no_such_option = 1 }

describe("the options in the reference", function()
  local function rows_at(name, method)
    for _, section in ipairs(sections) do
      if section.name == name and not method then return (rows_of(section.text, "options")) end
      for _, entry in ipairs(section.name == name and section.entries or {}) do
        if entry.signatures[1].name == method then return (rows_of(entry.text, "options")) end
      end
    end
  end

  for _, section in ipairs(sections) do
    local _, called = said_of(section)
    if section.kind == "module" and called then
      it("are those of " .. section.name, function()
        assert.same(sorted(refused(require(section.name), WRONG)),
          sorted(rows_at(section.name)))
      end)
    end
  end

  it("are those of rille.http.auth", function()
    local auth = require "rille.http.auth"
    local all = refused(auth.basic, WRONG)
    for name in pairs(refused(auth.bearer, WRONG)) do all[name] = true end
    assert.same(sorted(all), sorted(rows_at "rille.http.auth"))
  end)

  it("are those of rille.job", function()
    assert.same(sorted(refused(rille.job, print, WRONG)), sorted(rows_at("rille", "job")))
  end)

  it("are those of app:listen, inject, static and sse", function()
    local app = http.app()
    local cases = {
      listen = function() app:listen(WRONG) end,
      inject = function() app:inject(WRONG) end,
      static = function() app:static("/", ".", WRONG) end,
      sse = function() app:sse("/", print, WRONG) end,
    }
    for method, case in pairs(cases) do
      assert.same(sorted(refused(case)), sorted(rows_at("app", method)))
    end
  end)

  it("are those of res:file, res:stream and req:multipart", function()
    for method, section in pairs { file = "res", stream = "res", multipart = "req" } do
      local found
      in_handler(http.app(), function(req, res)
        local object = section == "res" and res or req
        local source = section == "res" and "a" or nil
        if method == "stream" then source = print end
        local function call()
          if source then return object[method](object, source, WRONG) end
          return object[method](object, WRONG)
        end
        found = refused(call)
        return req
      end, FORM)
      assert.same(sorted(found), sorted(rows_at(section, method)))
    end
  end)
end)

describe("the types", function()
  it("are what scripts/reference writes of the comments, and no other files", function()
    local files = types.write(sections)
    for path, text in pairs(files) do assert.equal(text, read(path)) end
    local listing <close> = io.popen "find types -name '*.lua'"
    for path in listing:lines() do assert.is_string(files[path], path) end
  end)

  it("are Lua that returns something with the functions of each module, and no others", function()
    for _, section in ipairs(sections) do
      if section.kind == "module" then
        local path = ("types/%s.lua"):format((section.name:gsub("%.", "/")))
        local made = dofile(path)
        assert.same(sorted(functions_of(require(section.name))), sorted(functions_of(made)))
      end
    end
  end)

  it("name no type that there is not", function()
    local declared, files = {}, types.write(sections)
    local function each_line(run)
      for path, text in pairs(files) do
        for line in text:gmatch "[^\n]+" do run(line:gsub(" #.*", ""), path) end
      end
    end
    each_line(function(line) declared[line:match "^%-%-%-@class ([%w_.]+)" or ""] = true end)
    local count = 0
    each_line(function(line, path)
      for _, name in ipairs(type_names(line)) do
        count = count + 1
        assert.is_true(declared[name] or LUALS[name], ("%s: %q in %s"):format(path, name, line))
      end
    end)
    assert.is_true(count > 500)
  end)

  it("are as wide as what the functions take and give", function()
    local function has(path, ...)
      local text = read(path)
      for _, lines in ipairs { ... } do assert.is_truthy(text:find(lines, 1, true), lines) end
    end
    has("types/rille.lua", "---@return any\n---@return any ...\nfunction rille.select(",
      "---@param ... function|rille.task|table\n---@return any ...\nfunction rille.all(")
    has("types/rille/http.lua", "---@param options string|rille.http.app.inject_options\n")
    has("types/rille/metrics.lua", "---@param options rille.metrics.counter_options\n\z
      ---@return rille.metrics.metric\nfunction metrics.gauge(",
      "---@class rille.metrics.histogram_options: rille.metrics.counter_options\n")
  end)

  it("have the methods of each type, and no others", function()
    for _, section in ipairs(sections) do
      local object = section.kind == "type" and OBJECTS[section.name]
      if object then
        local path = ("types/%s.lua"):format((section.of:gsub("%.", "/")))
        local declared = declared_in(path)[section.name] or {}
        assert.same(sorted(named(object())), sorted(declared))
      end
    end
  end)
end)
