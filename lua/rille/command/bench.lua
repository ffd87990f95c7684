-- rille.command.bench: `rille bench URL`. Not for scripts. It asks an HTTP server for the same over
-- and over, and tells how many answers came, how fast, and what went wrong.
--
-- Each connection is a fiber that sends a request when it has the answer to the last one. They are
-- spread over compute domains, so that this can be faster than the server that it measures.

local net = require "rille.net"
local options = require "rille.command.options"
local rille = require "rille"

local function positive(what, whole)
  return function(text)
    local number = tonumber(text)
    if whole then number = math.tointeger(number) end
    if number and number > 0 and number < 1e6 then return number end
    return nil, ("%s must be a %s above 0, not '%s'"):format(what, whole and "whole number"
      or "number of seconds", text)
  end
end

local function header(text)
  if text:find "^[%w!#$%%&'*+.^_`|~-]+:[^\r\n]*$" then return text end
  return nil, ("a header is 'Name: value', not '%s'"):format(text)
end

local function parser()
  local it = options.parser("bench", "Asks a server over and over, as fast as it answers.")
  it:argument("url", "http://host[:port][/path]")
  it:option("-c --connections", "How many clients ask at once.", "64")
    :convert(positive("--connections", true))
  it:option("-d --duration", "For how many seconds.", "10"):convert(positive "--duration")
  it:option("-t --threads", "On how many threads; one a core at most.")
    :convert(positive("--threads", true))
  it:option("-m --method", "The method.", "GET")
    :convert(function(text)
      if text:find "^%u+$" then return text end
      return nil, ("a method is in capitals, not '%s'"):format(text)
    end)
  it:option("-H --header", "A header, 'Name: value'."):count "*":convert(header)
  it:option("-b --body", "What is sent along.")
  return it
end

--- target_of(url) -> { address, host, path }
local function target_of(url)
  local scheme, authority, path = url:match "^(%a+)://([^/?#]+)([^#]*)$"
  if scheme == "https" then options.fail("bench", "https is not spoken, only http") end
  if scheme ~= "http" or path:find "[%s%c]" or authority:find "[@%s]" then
    options.fail("bench", "'%s' is no URL such as http://127.0.0.1:8080/", url)
  end
  local host, port = authority:match "^(.-):(%d+)$"
  if not host then host, port = authority, "80" end
  if path:sub(1, 1) ~= "/" then path = "/" .. path end
  return { address = ("tcp://%s:%s"):format(host, port), host = authority, path = path }
end

-- Before anything is measured: a server that is not there is no figure.
local function check_server(target)
  local conn, err = net.connect(target.address, { timeout = 10 })
  if not conn then options.fail("bench", "%s", err) end
  conn:close()
end

local function request_of(target, args)
  local lines = { ("%s %s HTTP/1.1"):format(args.method, target.path), "Host: " .. target.host }
  table.move(args.header, 1, #args.header, #lines + 1, lines)
  if args.body then table.insert(lines, "Content-Length: " .. #args.body) end
  return table.concat(lines, "\r\n") .. "\r\n\r\n" .. (args.body or "")
end

-- "1.23 ms"
local function duration(seconds)
  if seconds < 0.001 then return ("%.0f us"):format(seconds * 1e6) end
  if seconds < 1 then return ("%.2f ms"):format(seconds * 1e3) end
  return ("%.2f s"):format(seconds)
end

local function sorted_keys(counts)
  local keys = {}
  for key in pairs(counts) do table.insert(keys, key) end
  table.sort(keys)
  return keys
end

local function say_counts(title, counts)
  for _, key in ipairs(sorted_keys(counts)) do
    print(("%-12s%8d  %s"):format(title, counts[key], key))
  end
end

local function report(total, seconds)
  print(("%-12s%8d  in %.2f s"):format("answers", total.answers, seconds))
  print(("%-12s%8.0f  a second, %.1f KiB a second"):format("rate", total.answers / seconds,
    total.bytes / seconds / 1024))
  if total.answers > 0 then
    local times = {}
    for _, share in ipairs { 0.5, 0.9, 0.99, 0.999 } do
      table.insert(times, ("%g%% %s"):format(share * 100, duration(total.times:share(share))))
    end
    table.insert(times, "most " .. duration(total.times:share(1)))
    print(("%-12s%s"):format("latency", table.concat(times, ", ")))
  end
  say_counts("status", total.statuses)
  say_counts("error", total.errors)
end

return function(...)
  local client = require "rille.command.bench_client"
  local args = options.parse("bench", parser(), ...)
  local target = target_of(args.url)
  check_server(target)
  local threads = math.min(args.threads or rille.domains.recommended(), args.connections, 256)
  rille.domains.set_bounds(threads, threads)
  local load = {
    address = target.address, request = request_of(target, args), duration = args.duration,
    is_head = args.method == "HEAD",
  }
  local started, tasks = rille.now(), {}
  for i = 1, threads do
    local share = args.connections // threads + (i <= args.connections % threads and 1 or 0)
    tasks[i] = rille.submit(client.run, load, share)
  end
  local total = client.new_result()
  for _, task in ipairs(tasks) do client.add(total, task:await()) end
  report(total, rille.now() - started)
  return next(total.errors) and 1 or 0
end
