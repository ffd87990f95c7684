-- rille.http.inject: requests without a network, for app:inject: over a pair of sockets in this
-- process, so that what is tried is what clients get. Not for scripts.

local check = require "rille.http.check"
local core = require "rille.http.core"
local json = require "rille.json"
local rille = require "rille"
require "rille.net" -- the type of the client's end

-- A body up to this size is written before the answer is read; with a larger one, client and server
-- could each wait for the other to read.
local SMALL = 65536

local OPTIONS = { -- and their types
  method = "string", path = "string", headers = "table", body = "string table function",
  trailers = "table", remote = "string", trust = "table string", trust_header = "string",
}

local function check_options(options)
  check.known(options, OPTIONS, "app:inject")
  for name, value in pairs(options) do
    if not OPTIONS[name]:find(type(value), 1, true) then
      check.fail("app:inject: option %q: %s expected, got %s", name,
        (OPTIONS[name]:gsub(" ", " or ")), type(value))
    end
  end
end

-- Adds the lines of some fields; returns the set of their names.
local function add_fields(lines, fields)
  local seen = {}
  for name, value in pairs(fields or {}) do
    seen[name:lower()] = true
    for _, one in ipairs(type(value) == "table" and value or { value }) do
      table.insert(lines, name .. ": " .. tostring(one))
    end
  end
  return seen
end

local function head_of(options, body)
  local lines = {
    ("%s %s HTTP/1.1"):format(options.method or (body and "POST" or "GET"), options.path or "/"),
  }
  local seen = add_fields(lines, options.headers)
  if type(options.body) == "table" and not seen["content-type"] then
    table.insert(lines, "Content-Type: application/json")
  end
  if not seen.host then table.insert(lines, "Host: localhost") end
  if type(body) == "function" then
    table.insert(lines, "Transfer-Encoding: chunked")
  elseif body and not seen["content-length"] then
    table.insert(lines, "Content-Length: " .. #body)
  end
  if not seen.connection then table.insert(lines, "Connection: close") end
  return table.concat(lines, "\r\n") .. "\r\n\r\n"
end

local function send_chunks(conn, pieces, trailers)
  for piece in pieces do
    if piece ~= "" then conn:write(("%x\r\n"):format(#piece), piece, "\r\n") end
  end
  local lines = { "0" }
  add_fields(lines, trailers)
  conn:write(table.concat(lines, "\r\n"), "\r\n\r\n")
end

-- Returns the task that still sends, if one does.
local function send(conn, options)
  local body = options.body
  if type(body) == "table" then body = json.encode(body) end
  conn:write(head_of(options, body))
  if type(body) == "function" then
    return rille.spawn(send_chunks, conn, body, options.trailers)
  elseif body and #body > SMALL then
    return rille.spawn(conn.write, conn, body)
  end
  if body then conn:write(body) end
end

local function read_fields(conn)
  local fields = {}
  for field in conn:lines() do
    if field == "" then break end
    local name, value = field:match "^([^:]+): ?(.*)$"
    name = name:lower()
    fields[name] = fields[name] and fields[name] .. ", " .. value or value
  end
  return fields
end

local function read_head(conn)
  local line = assert(conn:read "line")
  local status = math.tointeger(line:match "^HTTP/1%.1 (%d%d%d)")
  local headers = read_fields(conn)
  if status < 200 and status ~= 101 then return read_head(conn) end
  return status, headers
end

local function read_chunks(conn)
  local pieces = {}
  for line in conn:lines() do
    local size = tonumber(line, 16)
    if size == 0 then return table.concat(pieces), read_fields(conn) end
    table.insert(pieces, conn:read(size))
    conn:read "line"
  end
  return table.concat(pieces), nil, "the answer was cut off"
end

local function read_body(conn, answer, method)
  if answer.headers["transfer-encoding"] then return read_chunks(conn) end
  local body = conn:read "all"
  local length = tonumber(answer.headers["content-length"])
  if length and method ~= "HEAD" and body and #body < length then
    return body, nil, "the answer was cut off"
  end
  return body
end

local function inject(server, options)
  local conn <close> = server:connect()
  local sending = send(conn, options)
  local answer = {}
  answer.status, answer.headers = read_head(conn)
  answer.body, answer.trailers, answer.error = read_body(conn, answer, options.method)
  if sending then sending:cancel "the answer has come" end
  return answer
end

-- The URL of a client: "10.0.0.7", "10.0.0.7:5000", "2001:db8::1", "[2001:db8::1]:5000".
local function url_of(remote)
  if remote:find ":.*:" and not remote:find "^%[" then remote = "[" .. remote .. "]" end
  if not remote:find ":%d+$" or remote:find "%]$" then remote = remote .. ":0" end
  return "tcp://" .. remote
end

local function new_server(site, remote, options)
  local ok, server = pcall(core.unlisted, site, url_of(remote), options)
  if not ok then check.fail("app:inject: %s", server) end
  if server then return server end
  check.fail('app:inject: option "remote": an IP address, perhaps with a port, expected, got "%s"',
    remote)
end

-- What tells servers apart.
local function key_of(remote, options)
  local trust = options.trust or ""
  if type(trust) == "table" then trust = table.concat(trust, " ") end
  return ("%s, %s, %s"):format(remote, trust, options.trust_header)
end

--- inject(site) -> function(options) -> { status, headers, body, trailers, error }; see app:inject.
return function(site)
  local servers = setmetatable({}, { __mode = "v" }) -- by where their requests seem to come from
  return function(options)
    check_options(options)
    local remote = options.remote or "127.0.0.1"
    local key = key_of(remote, options)
    local server = servers[key] or new_server(site, remote, options)
    servers[key] = server
    return inject(server, options)
  end
end
