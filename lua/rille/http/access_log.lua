--[[ rille.http.access_log: a line for each request, in the domain that serves it.

    local access_log = require "rille.http.access_log"
    app:use(access_log())

It goes to the log, at level info, with the fields remote, method, target, status, bytes, seconds,
referer, agent and, after an error that is no answer, error = true; the request's id is there as in
every line (rille.log). Or, with one of the first two options, to a place of its own:

    127.0.0.1:51234 - - [22/Nov/2026:17:04:05 +0000] "GET / HTTP/1.1" 200 21 "-" "curl" 0.0042 a1-2

The last two are the seconds that it took, and the request's id.

bytes is missing ("-") where the body was written piece by piece, or the answer was raised. A client
that left before its answer has the status 499. What clients sent is escaped: a line is always one
line. Use it first, so that it sees what the other middleware does.

Options:

    format   "combined", as above, or "json": an object with time, id and the fields; or a
             function(entry) -> line that gets these in a table
    write    function(line): io.stdout by default. The line has its end
    skip     function(req) -> true for what is not logged, such as health checks ]]

local core = require "rille.http.core"
local fibers = require "rille.core"
local json = require "rille.json"
local options = require "rille.http.options"
local rille = require "rille"

local function escaped(text)
  return (text:gsub('[%c"\\\x7f-\xff]', function(byte) return ("\\x%02x"):format(byte:byte()) end))
end

local FORMATS = {}

function FORMATS.combined(entry)
  return ('%s - - [%s] "%s %s HTTP/%s" %d %s "%s" "%s" %.4f %s\n'):format(
    escaped(entry.remote), os.date("!%d/%b/%Y:%H:%M:%S +0000", entry.time), escaped(entry.method),
    escaped(entry.target), entry.version, entry.status, entry.bytes or "-",
    escaped(entry.referer or "-"), escaped(entry.agent or "-"), entry.seconds, entry.id)
end

function FORMATS.json(entry)
  local safe = {}
  for key, value in pairs(entry) do
    safe[key] = type(value) == "string" and value:gsub("[\x80-\xff]", "?") or value
  end
  return json.encode(safe) .. "\n"
end

local function print_line(line) io.stdout:write(line) end

local RULES = {
  write = { type = "function" },
  format = {
    type = "string function",
    check = function(value)
      if type(value) == "string" and not FORMATS[value] then return '"combined" or "json"' end
    end,
  },
  skip = { type = "function" },
}

local LEFT = 499 -- as nginx has it

-- The answer to an error, and whether that is one of those that are raised to be the answer.
local function status_of(err, res)
  local raised = type(err) == "table" and err or {}
  local status, later = rawget(raised, "status"), rawget(raised, "retry_after")
  if math.type(status) == "integer" then return status, true end
  if type(later) == "number" then return 503, true end
  status = core.failure(res)
  return status == 500 and fibers.is_cancelled() and LEFT or status, false
end

local function entry_of(req, res, start, ok, err)
  local status, answers = res.status or (res.body and 200 or 204), true
  if not ok then status, answers = status_of(err, res) end
  return {
    time = os.time(), remote = req.remote ~= "" and req.remote or "-",
    method = req.method, target = req.target, version = req.version,
    status = status, id = tostring(req.id),
    bytes = ok and res.length or nil, seconds = rille.now() - start,
    referer = req.headers["Referer"], agent = req.headers["User-Agent"],
    error = not answers or nil,
  }
end

-- What takes an entry.
local function writer_of(settings)
  if not settings.format and not settings.write then
    local log = rille.log
    return function(entry)
      entry.time, entry.id, entry.version = nil, nil, nil -- the line has those it needs
      log.info("request", entry)
    end
  end
  local format = settings.format or "combined"
  local make, write = FORMATS[format] or format, settings.write or print_line
  return function(entry) write(make(entry)) end
end

--- access_log([options]) -> middleware: made once, when the app is built. Does not suspend.
return function(given)
  local settings = options("access_log", given, RULES)
  local note = writer_of(settings)
  return function(req, res, next)
    if settings.skip and settings.skip(req) then return next() end
    local start = rille.now()
    local ok, err = pcall(next)
    note(entry_of(req, res, start, ok, err))
    if not ok then error(err, 0) end
  end
end
