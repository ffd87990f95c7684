--- Raw HTTP: requests as bytes, and answers as they come from a socket, for specs that judge both.

local net = require "rille.net"

local raw_http = {}

--- The bytes of a request without a body; `fields` are whole lines.
function raw_http.get(path, fields)
  return ("GET %s HTTP/1.1\r\nHost: x\r\n%s\r\n"):format(path, fields or "")
end

--- The bytes of a request with a body.
function raw_http.post(path, body, fields)
  return ("POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n%s\r\n%s")
    :format(path, #body, fields or "", body)
end

--- The bytes of a request with a body in those chunks, which are bytes too.
function raw_http.chunked(path, chunks, fields)
  return ("POST %s HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n%s\r\n%s")
    :format(path, fields or "", chunks)
end

--- Sends the bytes on a connection of their own; everything that comes back until its end, and how
-- the connection ended: nil, or the error.
function raw_http.exchange(address, bytes)
  local conn <close> = assert(net.connect(address, { timeout = 20 }))
  conn:write(bytes)
  local text, err = conn:read "all"
  return text or "", err
end

local function read_chunks(conn)
  local parts = {}
  while true do
    local size = tonumber((conn:read() or ""):match "^%x+$", 16)
    if not size then return table.concat(parts), false end
    if size > 0 then table.insert(parts, conn:read(size)) end
    if conn:read() ~= "" or size == 0 then return table.concat(parts), size == 0 end
  end
end

--- Reads the head of an answer: { status, headers (by lower-case name) }; nil at the end of the
-- connection.
function raw_http.read_head(conn)
  local line = conn:read()
  if not line then return nil end
  local answer = { status = tonumber(line:match "^HTTP/1%.1 (%d%d%d)"), headers = {} }
  for field in conn:lines() do
    if field == "" then break end
    local name, value = field:match "^([^:]+): (.*)$"
    assert(name, "a malformed header: " .. field)
    answer.headers[name:lower()] = value
  end
  return answer
end

--- Reads a whole answer: the same with `body`, and `whole`, which says whether the body ended as it
-- should. `bodyless`: the request was a HEAD.
function raw_http.read_answer(conn, bodyless)
  local answer = raw_http.read_head(conn)
  if not answer or bodyless then return answer end
  local headers, status = answer.headers, answer.status
  if status < 200 or status == 204 or status == 304 then return answer end
  if headers["transfer-encoding"] then
    answer.body, answer.whole = read_chunks(conn)
  elseif headers["content-length"] then
    answer.body = conn:read(tonumber(headers["content-length"])) or ""
    answer.whole = #answer.body == tonumber(headers["content-length"])
  else
    answer.body = conn:read "all"
  end
  return answer
end

--- The status of the first answer in `text`.
function raw_http.status_of(text)
  return tonumber((text or ""):match "^HTTP/1%.1 (%d%d%d)")
end

--- How often the pattern occurs.
function raw_http.occurrences(text, pattern)
  return select(2, text:gsub(pattern, ""))
end

return raw_http
