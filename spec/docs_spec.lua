-- The documentation does what it says: every block of Lua in README.md, docs/ and so on is run,
-- with what is asked of it in the console block behind it (see support/document.lua); those that
-- cannot be are compiled, and say why. Of the other languages what can be checked without harm is.

local core = require "rille.http.core"
local document = require "spec.support.document"
local folders = require "spec.support.folder"
local http = require "rille.http"
local json = require "rille.json"
local net = require "rille.net"
local process = require "spec.support.process"
local rille = require "rille"

local release = os.getenv "RILLE_BUILD" == "release"

local PATHS = { "README.md", "CONTRIBUTING.md", "SECURITY.md" }
for path in io.popen "ls docs/*.md":lines() do table.insert(PATHS, path) end

-- -- Lua -----------------------------------------------------------------------------------------

-- What all blocks begin and end with, on lines of their own so that errors name the right ones.
local function program_of(block, path)
  local ends = block.text:find "%f[%w_]return [%w_]+%s*$" and "" or "\nreturn app"
  local text = "local rille, http, json, app = ...;" .. ("\n"):rep(block.line - 1) .. block.text ..
    ends
  return assert(load(text, "@" .. path))
end

-- Puts others in the place of what listens: at ports that are free, and closed again by what is
-- returned.
local function free_ports(seen)
  local App = getmetatable(http.app()).__index
  local app_listen, net_listen, servers = App.listen, net.listen, {}
  App.listen = function(app, options)
    local given = {}
    for name, value in pairs(options) do given[name] = value end
    if not given.address then given.port = 0 end
    seen.trust = given.trust
    local server = app_listen(app, given)
    table.insert(servers, server)
    return server
  end
  net.listen = function(url, ...)
    local listener = assert(net_listen((url:gsub("^(tcp://.*):%d+$", "%1:0")), ...))
    table.insert(servers, listener)
    return listener
  end
  return function()
    App.listen, net.listen = app_listen, net_listen
    for _, server in ipairs(servers) do server:close() end
  end
end

-- Runs it as a program that listens for real, though at other ports; returns its app, and whom it
-- trusts.
local function run(block, path)
  local seen = {}
  local close = free_ports(seen)
  local ok, app = pcall(program_of(block, path), rille, http, json, http.app())
  close()
  if not ok then error(app, 0) end
  return app, seen.trust
end

local function same_text(expected, got)
  local start = expected:match "^(.-)%.%.%.\n$"
  if start then
    assert.equal(start, got:sub(1, #start))
    return
  end
  local wanted = json.decode(expected)
  if wanted ~= nil then
    assert.same(wanted, json.decode(got))
  else
    assert.equal(expected, got:sub(-1) == "\n" and got or got .. "\n")
  end
end

-- Takes the status and the headers off the lines, and compares them; whether a body follows.
local function same_head(lines, answer)
  assert.equal(tonumber(lines[1]:match "^HTTP/1%.1 (%d+)"), answer.status)
  table.remove(lines, 1)
  while lines[1] and lines[1] ~= "" do
    local name, value = lines[1]:match "^([^:]+): (.*)$"
    assert.equal(value, answer.headers[name:lower()])
    table.remove(lines, 1)
  end
  return table.remove(lines, 1) == ""
end

local function ask(app, trust, exchange)
  local request, lines = exchange.request, exchange.lines
  local answer = app:inject {
    method = request.method, path = request.path, headers = request.headers, body = request.body,
    trust = trust,
  }
  assert.is_nil(answer.error)
  if request.head and not same_head(lines, answer) then return end
  while lines[#lines] == "" do table.remove(lines) end
  same_text(table.concat(lines, "\n") .. "\n", (answer.body:gsub("\n+$", "\n")))
end

-- -- other languages -----------------------------------------------------------------------------

local function succeeds(command, text)
  local folder <close> = folders.new { block = text }
  local result = process.run {
    "-c", command:format(folder:at "block"), program = "bash", seconds = 20,
  }
  assert.equal(0, result.status, result.stderr)
end

local function has(program)
  return os.execute(("command -v %s >/dev/null"):format(program)) == true
end

local MODULES = "/usr/lib/nginx/modules/"
local LUA_IN_NGINX = ("load_module %sndk_http_module.so;\nload_module %sngx_http_lua_module.so;\n")
  :format(MODULES, MODULES)

-- A configuration of nginx: servers, or what stands in one.
local function check_nginx(text)
  local around = text:find "^upstream" or text:find "^server"
  local inside = around and text or "server {\n" .. text .. "\n}"
  local modules = text:find "by_lua" and LUA_IN_NGINX or ""
  succeeds([[cd $(dirname %s) && mkdir -p logs && nginx -e stderr -p $PWD -t -c block]],
    modules .. "pid nginx.pid;\nevents {}\nhttp {\naccess_log off;\n" .. inside .. "\n}\n")
end

-- What is shown, and is no code, needs more than is at hand, or is tried by another spec: of C that
-- is spec/blackbox/embed_spec.lua.
local SHOWN = {
  text = true, html = true, cmake = true, ini = true, dockerfile = true, [""] = true, c = true,
  cpp = true,
}

local CHECKS = {
  sh = function(text)
    succeeds("bash -n %s", text)
    for path in text:gmatch "%f[%w.]([%w_.-]+/[%w_./-]+%.%l+)%f[%s]" do
      if path:find "^docs/" or path:find "^examples/" or path:find "^scripts/" then
        assert.is_truthy(io.open(path), path)
      end
    end
  end,
  json = function(text) assert.is_not_nil(json.decode(text)) end,
  js = function(text)
    if release and has "node" then succeeds("cp %s block.mjs && node --check block.mjs", text) end
  end,
  nginx = function(text)
    local can = has "nginx" and
      (not text:find "by_lua" or io.open(MODULES .. "ngx_http_lua_module.so"))
    if release and can then check_nginx(text) end
  end,
}

-- -- documents -----------------------------------------------------------------------------------

local function describe_document(path)
  local app, trust
  for _, block in ipairs(document.blocks(path)) do
    local place = ("%s:%d"):format(path, block.line)
    if block.language == "lua" and (block.note or ""):find "compiled only: %S" then
      it(place .. " compiles", function() assert(load(block.text, "@" .. path)) end)
    elseif block.language == "lua" then
      it(place .. " runs", function() app, trust = run(block, path) end)
    elseif block.language == "console" then
      for _, exchange in ipairs(document.exchanges(block)) do
        it(("%s:%d answers"):format(path, exchange.line), function() ask(app, trust, exchange) end)
      end
    elseif not SHOWN[block.language] then
      it(place .. " is right", function()
        local check = CHECKS[block.language]
        assert.is_function(check, "a block in an unknown language: " .. block.language)
        check(block.text)
      end)
    end
  end
  it(path .. " has no link that leads nowhere", function()
    local folder = path:match "^(.*)/[^/]*$" or "."
    for _, link in ipairs(document.links(path)) do
      local place = ("%s:%d: %s"):format(path, link.line, link.target)
      local file, anchor = link.target:match "^([^#]*)#?(.*)$"
      file = file == "" and path or folder .. "/" .. file
      assert.is_truthy(io.open(file), place)
      if anchor ~= "" then assert.is_true(document.anchors(file)[anchor], place) end
    end
  end)
end

describe("the documentation", function()
  for _, path in ipairs(PATHS) do describe_document(path) end
end)

-- Defaults that are no value of an option.
local SAID = { trust = "none", trust_header = "X-Forwarded-For" }

describe("the options of app:listen", function()
  it("are all in docs/http.md, with their defaults", function()
    local listed = {}
    for _, row in ipairs(document.rows("docs/http.md", "option")) do
      local name, default = row[1]:match "^`(.*)`$", row[2]
      listed[name] = true
      local value = core.defaults[name]
      if name:find "^trust" then value = SAID[name] end
      assert.is_not_nil(value, name)
      local shown = value == math.huge and "none" or tostring(value)
      if name ~= "connections_per_address" then assert.equal(shown, default, name) end
    end
    for name in pairs(core.options) do assert.is_true(listed[name], name) end
    for name in pairs(SAID) do assert.is_true(listed[name], name) end
  end)
end)

local function read(path)
  local file <close> = assert(io.open(path, "rb"))
  return file:read "a"
end

describe("docs/security.md", function()
  local rows = document.rows("docs/security.md", "what is enforced")

  it("names specs that are there, by tests that they have", function()
    for _, row in ipairs(rows) do
      local text = read(row[2])
      assert.is_truthy(text:find('"' .. row[3] .. '"', 1, true), row[2] .. ": " .. row[3])
    end
  end)

  it("has all of its tables looked at", function()
    local _, count = read("docs/security.md"):gsub("| spec/", "")
    assert.equal(count, #rows)
    assert.is_true(count > 40)
  end)
end)

-- The project of the tutorial, from its files; in release, since it starts programs.
describe("docs/tutorial.md", function()
  local test = release and it or function(name) pending(name .. " (the release build only)") end
  local folder

  setup(function() folder = folders.new(document.files "docs/tutorial.md") end)
  teardown(function() folder:remove() end)

  test("has a project that passes its tests", function()
    local result = process.run { "test", directory = folder.path }
    assert.equal(0, result.status, result.stdout .. result.stderr)
    assert.matches("2 successes / 0 failures / 0 errors / 0 pending", result.stdout)
  end)

  test("has a project that passes the check", function()
    local result = process.run { "check", directory = folder.path }
    assert.equal(0, result.status, result.stdout .. result.stderr)
  end)

  test("has a server that serves, and logs", function()
    local app <close> = process.start {
      "--grace", "1", "app.lua", directory = folder.path,
      before = "export ADDRESS=unix:" .. folder:at "words.sock" .. ";",
    }
    assert.equal("listening at unix:" .. folder:at "words.sock", app:line())
    local function get(path)
      local conn <close> = assert(net.connect("unix:" .. folder:at "words.sock", { timeout = 10 }))
      conn:write("GET ", path, " HTTP/1.0\r\nX-Forwarded-For: 192.0.2.7\r\n\r\n")
      return (conn:read "all")
    end
    assert.matches("\r\n\r\nok\n$", get "/health")
    assert.matches("Content%-Security%-Policy.*<title>Words</title>", get "/")
    assert.matches("text/javascript.*fetch", get "/words.js")
    app:signal "TERM"
    local result = app:wait()
    assert.equal(0, result.status)
    assert.equal("192.0.2.7:0", json.decode(result.stdout:match "[^\n]+").remote)
  end)
end)

describe("docs/README.md", function()
  it("lists all that is there", function()
    local linked = {}
    for _, link in ipairs(document.links "docs/README.md") do
      linked["docs/" .. link.target] = true
    end
    for _, path in ipairs(PATHS) do
      local itself = path == "docs/README.md" or not path:find "^docs/"
      assert.is_true(itself or linked[path], path)
    end
  end)
end)
