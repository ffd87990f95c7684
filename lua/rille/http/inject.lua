-- Requests without a network, for app:inject: over a pair of sockets in this process, so that what
-- is tried is what clients get.

local core = require "rille.http.core"
require "rille.net" -- the type of the client's end

local function request_text(options)
  local body = options.body
  local lines = {
    ("%s %s HTTP/1.1"):format(options.method or (body and "POST" or "GET"), options.path or "/"),
  }
  local seen = {}
  for name, value in pairs(options.headers or {}) do
    seen[name:lower()] = true
    for _, one in ipairs(type(value) == "table" and value or { value }) do
      table.insert(lines, name .. ": " .. tostring(one))
    end
  end
  if type(body) == "table" then
    body = core.encode(body)
    if not seen["content-type"] then table.insert(lines, "Content-Type: application/json") end
  end
  if not seen.host then table.insert(lines, "Host: localhost") end
  if body and not seen["content-length"] then
    table.insert(lines, "Content-Length: " .. #body)
  end
  table.insert(lines, "Connection: close\r\n\r\n")
  return table.concat(lines, "\r\n") .. (body or "")
end

local function read_head(conn)
  local line = assert(conn:read "line")
  local status, headers = math.tointeger(line:match "^HTTP/1%.1 (%d%d%d)"), {}
  for field in conn:lines() do
    if field == "" then break end
    local name, value = field:match "^([^:]+): ?(.*)$"
    name = name:lower()
    headers[name] = headers[name] and headers[name] .. ", " .. value or value
  end
  if status < 200 then return read_head(conn) end
  return status, headers
end

local function read_chunks(conn)
  local pieces = {}
  for line in conn:lines() do
    local size = tonumber(line, 16)
    if size == 0 then return table.concat(pieces) end
    table.insert(pieces, conn:read(size))
    conn:read "line"
  end
  return nil, "the answer was cut off"
end

--- inject(server, options) -> { status, headers, body, error }; see app:inject.
return function(server, options)
  local conn <close> = server:connect()
  conn:write(request_text(options))
  local answer = {}
  answer.status, answer.headers = read_head(conn)
  if answer.headers["transfer-encoding"] then
    answer.body, answer.error = read_chunks(conn)
  else
    answer.body = conn:read "all"
  end
  return answer
end
