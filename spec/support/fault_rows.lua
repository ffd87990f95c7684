--- Fault rows: a table of bytes that a client sends, and of what it must get, each a test whose
-- name says both. A row is { number, bytes, answer [, body] }. Its answer is
--
--     "400c"   one answer of that status with `Connection: close`; then an orderly end, without a
--              reset; what is sent behind it is not taken for a request
--     "200"    an answer of that status, and the connection goes on: the next request is answered
--
-- and `body`, if given, is a pattern for the body. After each row the next client is served.
--
--     local site = fault_rows.serve(function() return server.start { path = ... } end)
--     fault_rows.check(site, { { 1, "GET / HTTP/1.1\r\n\r\n", "400c" }, ... })

local assert = require "luassert"
local net = require "rille.net"
local raw_http = require "spec.support.raw_http"
local server = require "spec.support.server"

local fault_rows = {}

local NEXT = "GET /next HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"

local ESCAPES = { ["\r"] = "\\r", ["\n"] = "\\n", ["\t"] = "\\t", ["\\"] = "\\\\" }

local function printable(bytes)
  local text = bytes:sub(1, 90):gsub("[\\%c\128-\255]", function(byte)
    return ESCAPES[byte] or ("\\x%02x"):format(byte:byte())
  end)
  return #bytes > 90 and ("%s... (%d bytes)"):format(text, #bytes) or text
end

local function read_answers(conn)
  local answers = {}
  repeat
    local answer = raw_http.read_answer(conn)
    table.insert(answers, answer)
  until not answer
  return answers, (select(2, conn:read "some"))
end

local function is_next(answer)
  return answer and answer.status == 200 and answer.body == "next"
end

local function check(address, bytes, expected, body)
  local conn <close> = assert(net.connect(address, { timeout = 20 }))
  local status, closes = expected:match "^(%d+)(c?)$"
  conn:write(bytes, NEXT)
  local answers, err = read_answers(conn)
  assert.is_nil(err)
  assert.equal(tonumber(status), answers[1] and answers[1].status)
  if body then assert.matches(body, answers[1].body) end
  if closes == "c" then
    assert.equal("close", answers[1].headers.connection)
    assert.equal(1, #answers)
  else
    assert.is_true(is_next(answers[2]))
  end
end

local function check_next_client(address)
  local conn <close> = assert(net.connect(address, { timeout = 20 }))
  conn:write(NEXT)
  assert.is_true(is_next(raw_http.read_answer(conn)))
end

--- A server for the block of tests that this is called in. After them it has its descriptors back,
-- ends with status 0 and has logged nothing, or what `log`, a pattern, says. `start()` gives the
-- process and its address; `warm`: requests after which its descriptors are counted. The result has
-- `process` and `address` while the tests run.
function fault_rows.serve(start, options)
  local site, count, log = {}, nil, options and options.log or "^$"

  setup(function()
    site.process, site.address = start()
    for _, bytes in ipairs(options and options.warm or { NEXT }) do
      raw_http.exchange(site.address, bytes)
    end
    count = server.descriptors(site.process)
  end)

  teardown(function()
    server.await_descriptors(site.process, count)
    local result = server.stop(site.process)
    assert.equal(0, result.status)
    assert.matches(log, result.stderr)
  end)

  return site
end

--- Makes a test of each row, for a site that has a route "/next" with the answer "next".
function fault_rows.check(site, rows)
  for _, row in ipairs(rows) do
    local number, bytes, expected, body = table.unpack(row)
    it(("row %s: %s -> %s"):format(number, printable(bytes), expected), function()
      check(site.address, bytes, expected, body)
      check_next_client(site.address)
    end)
  end
end

return fault_rows
