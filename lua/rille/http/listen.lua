-- rille.http.listen: the options of app:listen, checked, and where to listen. Not for scripts.

local check = require "rille.http.check"
local core = require "rille.http.core"

local KINDS = { seconds = "number", count = "number", bytes = "number", switch = "boolean" }

local KNOWN = {
  port = "number", host = "string", address = "string", trust = "table string",
  trust_header = "string",
}
for name, kind in pairs(core.options) do KNOWN[name] = KINDS[kind] end

local function fail(name, expected, value)
  local shown = type(value) == "string" and ("%q"):format(value) or tostring(value)
  check.fail("app:listen: option %q: %s expected, got %s", name, expected, shown)
end

-- Also as text, for it may come from the environment.
local function port_of(value)
  local port = math.tointeger(tonumber(value))
  if not port or port < 0 or port > 65535 then
    fail("port", "a whole number from 0 to 65535", value)
  end
  return port
end

local SHOWN = { boolean = "true or false", ["table string"] = "a list of addresses" }

local function check_values(options)
  for name, value in pairs(options) do
    local expected = KNOWN[name]
    if name ~= "port" and not expected:find(type(value), 1, true) then
      fail(name, SHOWN[expected] or "a " .. expected, value)
    elseif expected == "number" and name ~= "port" and (value <= 0 or value ~= value) then
      fail(name, "a number above 0", value)
    end
  end
end

-- A host with a port is none: "localhost:8080".
local function is_url(address)
  return address:find "^%a+:[/%a]" or address:find "^unix:"
end

local function url_of(options)
  local address = options.address
  if address and (options.host or is_url(address) and options.port) then
    check.fail("app:listen: either address or host and port")
  end
  if address and is_url(address) then return address end
  local host = address or options.host or "127.0.0.1"
  if host:find "^[^:]*:%d+$" then
    check.fail("app:listen: %q: the port is an option of its own, or write %q", host,
      "tcp://" .. host)
  end
  if host:find ":" and not host:find "^%[" then host = "[" .. host .. "]" end
  return ("tcp://%s:%d"):format(host, port_of(options.port or 8080))
end

-- They are not mixed: a proxy hands on what a client has put into the other one.
local function check_header(options)
  local header = options.trust_header
  if header and header ~= "X-Forwarded-For" and header ~= "Forwarded" then
    fail("trust_header", '"X-Forwarded-For" or "Forwarded"', header)
  elseif header and not options.trust then
    check.fail("app:listen: option \"trust_header\" means nothing without \"trust\"")
  end
end

--- listen_options(options) -> url, options. Raises at the script's line.
return function(options)
  if options == nil then options = {} end
  if type(options) ~= "table" then
    check.fail("app:listen: a table of options expected, such as { port = 8080 }, got %s",
      type(options))
  end
  check.known(options, KNOWN, "app:listen")
  check_values(options)
  check_header(options)
  return url_of(options), options
end
