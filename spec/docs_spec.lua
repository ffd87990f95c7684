-- The documentation does what it says: every block of Lua in docs/ is run, with what is asked of it
-- in the console block behind it (see support/document.lua).

local core = require "rille.http.core"
local document = require "spec.support.document"
local http = require "rille.http"
local json = require "rille.json"
local rille = require "rille"

-- What all blocks begin and end with, on lines of their own so that errors name the right ones.
local function program_of(block, path)
  local text = "local rille, http, json, app = ...;" .. ("\n"):rep(block.line - 1) .. block.text ..
    "\nreturn app"
  return assert(load(text, "@" .. path))
end

-- Runs it as a program that listens for real, though at another port; returns its app, and whom it
-- trusts.
local function run(block, path)
  local App = getmetatable(http.app()).__index
  local listen, servers, trust = App.listen, {}, nil
  App.listen = function(app, options)
    local given = {}
    for name, value in pairs(options) do given[name] = value end
    if not given.address then given.port = 0 end
    trust = given.trust
    local server = listen(app, given)
    table.insert(servers, server)
    return server
  end
  local ok, app = pcall(program_of(block, path), rille, http, json, http.app())
  App.listen = listen
  for _, server in ipairs(servers) do server:close() end
  if not ok then error(app, 0) end
  return app, trust
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

local function describe_document(path)
  local app, trust
  for _, block in ipairs(document.blocks(path)) do
    if block.language == "lua" then
      it(("%s:%d runs"):format(path, block.line), function()
        app, trust = run(block, path)
      end)
    elseif block.language == "console" then
      for _, exchange in ipairs(document.exchanges(block)) do
        it(("%s:%d answers"):format(path, exchange.line), function()
          ask(app, trust, exchange)
        end)
      end
    end
  end
end

describe("the documentation", function()
  local listing = io.popen "ls docs/*.md"
  for path in listing:lines() do describe_document(path) end
  listing:close()
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
