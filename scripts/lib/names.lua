--[[ Names: what arguments, results and options are by their names, as LuaLS writes types; $name is
one of Rille's. A row may have a third word, which the reference explains. "owner.name" is that of
one function, module or type only. ]]

local NAMES = {
  { "bytes", "string", "a string of any bytes" },
  { "capacity", "number", "a whole number, or `math.huge`" },
  { "channel", "$channel" },
  { "coding", '"gzip"|"br"|"zstd"', "the name of a compression" },
  { "cost", "$cost" },
  { "count", "integer", "a number of things, from 0" },
  { "fn", "function", "what is called; where it runs on another domain, it is copied" },
  { "format", 'integer|"line"|"all"|"some"', "a number of bytes, or how much" },
  { "handler", "fun(req: $req, res: $res): any, any", "a function that answers, see rille.http" },
  { "iterator", "fun(): any, any", "for the generic `for`" },
  { "level", "integer", "of compression, from fast to small" },
  { "limit", "integer", "a number of bytes" },
  { "max", "integer", "a number of bytes" },
  { "message", "string", "what went wrong, in words" },
  { "middleware", "fun(req: $req, res: $res, next: fun()): any, any",
    "a function around handlers, see rille.http" },
  { "number", "integer" },
  { "options", "table", "a table of settings by name; an unknown name is an error" },
  { "pattern", "string", 'of a route: `"/users/:id"`' },
  { "permits", "integer", "a whole number from 1" },
  { "prefix", "string", 'the beginning of paths: `"/users"`, or `""`' },
  { "reason", "any", "the error that is seen" },
  { "results", "...", "any number of values" },
  { "seconds", "number", "a duration, with fractions; where it is left out, there is no bound" },
  { "sending", "table" },
  { "size", "integer", "a number of bytes" },
  { "status", "integer", "of HTTP, from 200 to 599" },
  { "text", "string", "a string" },
  { "url", "string", "an address" },
  { "value", "any", "any value that fits" },

  { "a", "string" }, { "b", "string" }, { "key", "string" }, { "min", "integer" },
  { "n", "integer" }, { "name", "string" }, { "path", "string" }, { "close", "boolean" },
  { "code", "boolean|integer" },

  { "rille.cases", "table<any, $channel|$task|number|table>" },
  { "select.key", "any" }, { "rille.number", "integer" },

  { "rille.job.name", "string" },
  { "priority", '"high"|"normal"|"low"' }, { "deadline", "number" }, { "timeout", "number" },
  { "memory", "integer" }, { "instructions", "integer" }, { "max_running", "integer" },
  { "on_full", '"wait"|"fail"|"drop_oldest"' },

  { "set_bounds.max", "integer" }, { "get_bounds.max", "integer" },
  { "report", "number" }, { "stop", "number" }, { "bytes_limit", "integer" },
  { "set_memory_limit.bytes", "integer?" }, { "set_slice.seconds", "number" },

  { "help", "string" }, { "counter.labels", "string[]" },
  { "labels", "string[]|table<string, string|number|boolean>" },
  { "buckets", "number[]" }, { "inc.n", "number" }, { "dec.n", "number" }, { "set.n", "number" },
  { "observe.n", "number" }, { "metric", "$metric" },
  { "fields", "table<string, any>" }, { "log.level", '"debug"|"info"|"warn"|"error"' },
  { "log.form", '"auto"|"plain"|"text"|"json"' },

  { "listen.handler", "fun(conn: $conn)" }, { "backlog", "integer" }, { "max_line", "integer" },
  { "shared", "boolean" },

  { "indent", "integer" }, { "sorted", "boolean" }, { "depth", "integer" },
  { "flush", "boolean" }, { "nonce", "string" }, { "sealed", "string" }, { "context", "string" },
  { "secret", "string" }, { "purpose", "string" }, { "token", "string" },
  { "keys....", "string" },

  { "method", "string" }, { "directory", "string" }, { "other", "$app" },
  { "source", "function|table|userdata" },
  { "on_error.fn", "fun(err: any, req: $req, res: $res): any, any" },
  { "group.fn", "fun(group: $app)" }, { "host.fn", "fun(group: $app)" },
  { "params", "table<string, string|number>" }, { "protocol", "string" }, { "error", "table" },
  { "error.body", "string|table" }, { "data", "string|table" },
  { "send....", "integer|string|table" }, { "write....", "string|number" },
  { "sse.handler", "fun(events: $events, req: $req)" },
  { "add.value", "string|number" }, { "overrides", "table" },
  { "all....", "function|$task|table" }, { "race....", "function|$task|table" },
  { "scope.fn", "fun(scope: $scope): ..." },

  { "index", "string|false" }, { "hidden", "boolean" }, { "links", "boolean" },
  { "compressed", "boolean" }, { "headers", "table<string, string|number|string[]>" },
  { "small", "integer" }, { "static.bytes", "integer" }, { "entries", "integer" },
  { "descriptors", "integer" }, { "fresh", "number" },
  { "port", "integer|string" }, { "host", "string" }, { "address", "string" },
  { "max_header", "integer" }, { "max_headers", "integer" }, { "max_head", "integer" },
  { "max_body", "integer" }, { "max_upload", "integer" }, { "max_requests", "number" },
  { "max_connections", "integer" }, { "connections_per_address", "integer" },
  { "head_timeout", "number" }, { "body_timeout", "number" }, { "handler_timeout", "number" },
  { "compute_timeout", "number" }, { "send_timeout", "number" }, { "idle_timeout", "number" },
  { "trust", "string|string[]" }, { "trust_header", '"X-Forwarded-For"|"Forwarded"' },
  { "cancel", "boolean" }, { "development", "boolean" },
  { "inject.options", "string|rille.http.app.inject_options" },
  { "inject.body", "string|table|fun(): string?" }, { "trailers", "table<string, string>" },
  { "remote", "string" }, { "app", "$app" }, { "loops", 'integer|"auto"' },
  { "root", "string" }, { "type", "string" }, { "length", "integer" },
  { "event", "string" }, { "id", "string" }, { "retry", "number" }, { "heartbeat", "number" },
  { "max_parts", "integer" }, { "max_text", "integer" }, { "max_file", "number" },
  { "max_total", "number" },

  { "access_log.write", "fun(line: string)" },
  { "access_log.format", '"combined"|"json"|fun(entry: table): string' },
  { "skip", "fun(req: $req): boolean" },
  { "check", "function" }, { "users", "table<string, string>" }, { "tokens", "table<string, any>" },
  { "realm", "string" },
  { "codings", "string[]" }, { "levels", "table<string, integer>" }, { "min_size", "integer" },
  { "detach_size", "number" }, { "types", "fun(type: string): boolean" },
  { "cookies.secret", "string|string[]" }, { "session.secret", "string|string[]" },
  { "csrf.secret", "string|string[]" },
  { "domain", "string" }, { "secure", "boolean" }, { "http_only", "boolean" },
  { "same_site", '"lax"|"strict"|"none"' }, { "max_age", "number" },
  { "origin", "string|string[]|fun(origin: string, req: $req): boolean" },
  { "methods", "string[]" },
  { "cors.headers", "string[]" }, { "expose", "string[]" }, { "credentials", "boolean" },
  { "trusted", "string[]" }, { "cookie", "string" }, { "max_size", "integer" },
  { "weak", "boolean" }, { "rate", "number" }, { "burst", "number" },
  { "rate_limit.key", "fun(req: $req): string?" }, { "max_keys", "integer" },
  { "csp", "string|false" }, { "hsts", "string|false" }, { "nosniff", "string|false" },
  { "frame", "string|false" }, { "referrer", "string|false" }, { "opener", "string|false" },
  { "resource", "string|false" }, { "permissions", "string|false" },
  { "store", "table" }, { "refresh", "number" },
}

local names = { of = {}, explained = {} }

for _, row in ipairs(NAMES) do
  names.of[row[1]] = row[2]
  if row[3] then table.insert(names.explained, { row[1], (row[2]:gsub("%$", "")), row[3] }) end
end

--- names.find(section, owner, name) -> type, or nil: of a name in a function or type `owner`.
function names.find(section, owner, name)
  return names.of[owner .. "." .. name] or names.of[section .. "." .. name] or names.of[name]
end

--- Modules that are fields of the one that they are named after.
names.submodules = {
  ["rille.domains"] = true, ["rille.http"] = true, ["rille.net"] = true, ["rille.context"] = true,
  ["rille.log"] = true, ["rille.metrics"] = true,
}

--- What may be looked up by any name, in these modules and types.
names.indexed = {
  ["rille.context"] = "string?", ["rille.http.view"] = "any", ["rille.http.req"] = "any",
  ["rille.http.session.session"] = "any",
}

return names
