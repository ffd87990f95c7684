-- Header injection: row 39 of the list of bad inputs. What a client sends reaches every place of
-- an answer's head that a script can set, with everything in it that could end a line there. The
-- answer is a 500, and nothing of the text is in its head.

local raw_http = require "spec.support.raw_http"
local server = require "spec.support.server"

local site = [[
  local http, cookies = require "rille.http", require "rille.http.cookies"
  local session = require "rille.http.session"
  local app = http.app()
  local secret = ("s"):rep(32)
  local ways = {}

  function ways.value(text, _, res) res.headers["X-Value"] = text end
  function ways.name(text, _, res) res.headers[text] = "value" end
  function ways.list(text, _, res) res.headers["X-Value"] = { "one", text } end
  function ways.add(text, _, res) res:add("X-Value", text) end
  function ways.add_name(text, _, res) res:add(text, "value") end
  function ways.object(text, _, res)
    res.headers["X-Value"] = setmetatable({}, { __tostring = function() return text end, __len =
      function() return 1 end, __index = function() return text end })
  end
  function ways.redirect(text, _, res) res:redirect("/" .. text) end
  function ways.content_type(text, _, res) res.headers["Content-Type"] = "text/" .. text end
  function ways.file_name(text, _, res)
    res.headers["Content-Disposition"] = ('attachment; filename="%s"'):format(text)
  end
  function ways.download_name(text, _, res)
    return res:file("server.lua", { name = "a" .. text .. ".txt" })
  end
  function ways.download_type(text, _, res)
    return res:file("server.lua", { type = "text/" .. text })
  end
  function ways.trailer(text, _, res)
    res.trailers["X-Value"] = text
    res:write "body"
  end
  function ways.trailer_name(text, _, res)
    res.trailers[text] = "value"
    res:write "body"
  end
  function ways.cookie_value(text, req) req.jar:set("name", text) end
  function ways.cookie_name(text, req) req.jar:set(text, "value") end
  function ways.cookie_path(text, req) req.jar:set("name", "value", { path = "/" .. text }) end
  function ways.cookie_domain(text, req) req.jar:set("name", "value", { domain = text }) end
  function ways.cookie_site(text, req) req.jar:set("name", "value", { same_site = text }) end
  function ways.removed_cookie(text, req) req.jar:remove(text) end
  function ways.streamed_type(text, _, res)
    res:stream(function(write) write "body" end, { type = "text/" .. text })
  end
  function ways.transfer_encoding(text, _, res) res.headers["Transfer-Encoding"] = text end
  function ways.connection(text, _, res) res.headers["connection"] = text end
  function ways.keep_alive(text, _, res) res:add("Keep-Alive", text) end
  function ways.added_coding(text, _, res) res:add("transfer-encoding", text) end
  function ways.content_length(text, _, res) res.headers["Content-Length"] = "5" .. text end
  function ways.added_length(text, _, res) res:add("content-length", "5" .. text) end
  function ways.status(text) return 200 + #text / 3, "body" end
  function ways.low_status() return 99, "body" end
  function ways.high_status() return 1000, "body" end
  function ways.text_status(text, _, res) res.status = "200 OK" .. text end

  app:use(cookies { secret = secret }, session { secret = secret })
  app:get("/next", function() return "next" end)
  app:get("/ways", function()
    local names = {}
    for name in pairs(ways) do table.insert(names, name) end
    table.sort(names)
    return table.concat(names, "\n")
  end)
  app:get("/way/:way", function(req, res)
    return ways[req.params.way](req.query.text, req, res) or "done"
  end)
  app:get("/frame/:way/:name/:value", function(req, res)
    local name, value = req.params.name, req.params.value
    if req.params.way == "add" then res:add(name, value) else res.headers[name] = value end
    return "abcdefgh"
  end)
  app:sse("/events/:field", function(events, req)
    events:send { data = "first" }
    events:send { data = "second", [req.params.field] = req.query.text }
  end)
  app:get("/session", function(req) req.session.text = req.query.text return "done" end)
  app:get("/error", function(req) error(req.query.text, 0) end)
  print(app:listen { port = 0 }:address())
  io.stdout:flush()
]]

local TEXTS = {
  "%0d%0aX-Injected:%20yes", "%0aX-Injected:%20yes", "%0dX-Injected:%20yes",
  "%0d%0a%0d%0aX-Injected:%20yes", "%00X-Injected", "%01X-Injected", "%7fX-Injected",
}

local function heads_of(text)
  return text:match "^(.-)\r\n\r\n", raw_http.occurrences(text, "HTTP/1%.1 %d")
end

describe("header injection", function()
  local self <const>, address = server.start { script = site }
  local descriptors

  local function ask(path)
    return (raw_http.exchange(address, raw_http.get(path, "Connection: close\r\n")))
  end

  setup(function()
    descriptors = server.descriptors(self)
  end)

  teardown(function()
    server.await_descriptors(self, descriptors)
    assert.equal(0, server.stop(self).status)
  end)

  for way in ask("/ways"):match("\r\n\r\n(.*)$"):gmatch "[%w_]+" do
    it("row 39: by " .. way:gsub("_", " ") .. " is an error of the script", function()
      for _, text in ipairs(TEXTS) do
        local answer = ask(("/way/%s?text=%s"):format(way, text))
        local head, count = heads_of(answer)
        assert.equal(500, raw_http.status_of(answer))
        assert.equal(1, count)
        assert.is_nil(head:find("Injected", 1, true))
        assert.is_nil(head:find "[%z\1-\9\11\12\14-\31\127]")
        assert.is_nil(head:gsub("\r\n", ""):find "[\r\n]")
      end
      assert.matches("next$", ask "/next")
    end)
  end

  it("row 39: by fields that frame the answer is an error of the script", function()
    for _, field in ipairs {
      "Transfer-Encoding/chunked", "transfer-encoding/gzip", "Connection/keep-alive",
      "Keep-Alive/timeout=5", "Content-Length/7", "Content-Length/9", "content-length/-1",
      "Content-Length/x",
    } do
      for _, way in ipairs { "set", "add" } do
        local answer = ask(("/frame/%s/%s"):format(way, field))
        assert.equal(500, raw_http.status_of(answer))
        assert.equal(1, raw_http.occurrences(answer, "Content%-Length"))
        assert.is_nil(answer:find("Transfer-Encoding", 1, true))
      end
    end
    assert.matches("abcdefgh$", ask "/frame/set/Content-Length/8")
  end)

  it("row 39: by fields of events ends the stream before them", function()
    for _, field in ipairs { "event", "id" } do
      for _, text in ipairs { "%0d%0adata:%20Injected", "%0aid:%20Injected", "%0d%0dInjected",
        "%00Injected" } do
        local answer = ask(("/events/%s?text=%s"):format(field, text))
        assert.equal(200, raw_http.status_of(answer))
        assert.matches("\r\n\r\n%x+\r\ndata: first\n\n\r\n$", answer)
      end
    end
  end)

  it("row 39: by the data of events stays data", function()
    for _, text in ipairs { "x%0d%0a%0d%0aid:%20Injected", "x%0aid:%20Injected",
      "x%0did:%20Injected", "x%0a%0aid:%20Injected" } do
      local answer = ask("/events/data?text=" .. text)
      assert.matches("\ndata: id: Injected\n", answer)
      assert.is_nil(answer:find("\nid: ", 1, true))
      assert.matches("\r\n0\r\n\r\n$", answer)
    end
  end)

  it("row 39: by a session's values does not reach the head", function()
    for _, text in ipairs(TEXTS) do
      local answer = ask("/session?text=" .. text)
      assert.equal(200, raw_http.status_of(answer))
      assert.is_nil(answer:find("Injected", 1, true))
    end
  end)

  it("row 9: by the target stays encoded in the answer to what is not found", function()
    for _, text in ipairs(TEXTS) do
      local answer = ask("/" .. text)
      assert.equal(404, raw_http.status_of(answer))
      assert.is_nil(answer:find("Injected", 1, true))
    end
  end)

  it("is no way into the answer by the text of an error", function()
    for _, text in ipairs(TEXTS) do
      local answer = ask("/error?text=" .. text)
      assert.equal(500, raw_http.status_of(answer))
      assert.is_nil(answer:find("Injected", 1, true))
    end
  end)
end)
