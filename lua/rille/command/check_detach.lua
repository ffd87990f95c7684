-- rille.command.check_detach: what of a source would not get to another domain. Not for scripts.
--
-- It looks at each call that takes a function to other domains (rille.detach, and so on), if that
-- function can be seen in the same source: at what it captures, through all functions and tables
-- that are captured along, and at the globals that it reads. What it cannot see it does not blame.

local Source = require "rille.command.check_source"

local SHIPS = { -- by the place of the function among the arguments, always the first
  ["rille.detach"] = "detached", ["rille.submit"] = "submitted", ["rille.job"] = "made a job",
  ["rille.domains.broadcast"] = "broadcast", ["rille.domains.on_start"] = "kept for new domains",
  ["rille.domains.on_stop"] = "kept for the end of domains",
  ["rille.run_in_main"] = "run in the main domain",
}

local TO_MAIN = { ["rille.run_in_main"] = true }

local MADE = { -- what a call returns that cannot leave its domain
  ["io.open"] = "a file", ["io.popen"] = "a file", ["io.tmpfile"] = "a file",
  ["io.lines"] = "an iterator of C",
  ["coroutine.create"] = "a coroutine", ["coroutine.running"] = "a coroutine",
  ["coroutine.wrap"] = "a function of C",
  ["rille.spawn"] = "a task", ["rille.submit"] = "a task",
  ["rille.net.connect"] = "a connection", ["rille.net.listen"] = "a listener",
  ["rille.crypto.keys"] = "a set of keys", ["rille.crypto.digest"] = "a digest",
  ["rille.compress.encoder"] = "an encoder", ["rille.compress.decoder"] = "a decoder",
}

local ROUTES = {
  get = true, post = true, put = true, patch = true, delete = true, head = true, options = true,
  any = true,
}

local Check = {}
Check.__index = Check

local function quote(name) return "'" .. name .. "'" end

function Check:say(node, format, ...)
  local message = format:format(...)
  local key = ("%d:%d %s"):format(node.line, node.offset, message)
  if self.said[key] then return end
  self.said[key] = true
  table.insert(self.findings, {
    path = self.source.path, line = node.line, column = self.source:column(node),
    message = message,
  })
end

-- -- handlers' parameters --------------------------------------------------------------------

local function mark(self, fn, ...)
  if not fn then return end
  for i, kind in ipairs { ... } do
    local parameter = fn[1][i]
    if parameter and parameter.var then self.kinds[parameter.var] = kind end
  end
end

-- What handlers and middleware get belongs to their request.
local function mark_handlers(self)
  Source.walk(self.source.ast, function(node)
    if node.tag == "Invoke" and ROUTES[node[2][1]] and node[3] and node[3].tag == "String"
        and node[3][1]:find "^/" then
      for i = 4, #node do
        mark(self, self.source:function_of(node[i]), "a request", "a response")
      end
    elseif node.tag == "Call" and self.source:path_of(node[1]) == "rille.net.listen" then
      mark(self, self.source:function_of(node[3]), "a connection")
    end
  end)
end

-- -- values ----------------------------------------------------------------------------------

-- What an expression is, if it is something that cannot leave its domain.
local function kind_of(self, node)
  if node.tag == "Id" then
    if node.var and self.kinds[node.var] then return self.kinds[node.var] end
    local value = self.source:value_of(node)
    return value and value.tag ~= "Id" and kind_of(self, value) or nil
  elseif node.tag == "Call" then
    local path = self.source:path_of(node[1])
    if path == "assert" and node[2] then return kind_of(self, node[2]) end
    return MADE[path]
  elseif node.tag == "Invoke" and node[2][1] == "listen" then
    return "a server"
  end
end

-- The variables that a function declares itself, with the functions in it.
local function variables_in(fn)
  local inside = {}
  Source.walk(fn, function(node)
    if node.tag == "Id" and node.var and node.var.node == node then inside[node.var] = true end
  end)
  return inside
end

local check_function

-- Of a captured variable: it crosses with all that is in it.
local function check_captured(self, id, trip)
  local kind = kind_of(self, id)
  if kind then
    self:say(id, "%s is %s and cannot leave its domain; it is captured by the function that is "
      .. "%s on line %d: pass what is needed of it as an argument", quote(id[1]), kind, trip.how,
      trip.line)
    return
  end
  local value = self.source:value_of(id)
  if not value or trip.seen[id.var] then return end
  trip.seen[id.var] = true
  if value.tag == "Function" then
    check_function(self, value, trip)
  elseif value.tag == "Table" then
    for _, item in ipairs(value) do
      local field = item.tag == "Pair" and item[2] or item
      if field.tag == "Function" then
        check_function(self, field, trip)
      elseif field.tag == "Id" and field.var then
        check_captured(self, field, trip)
      end
    end
  end
end

local function check_global(self, id, trip)
  local name = id[1]
  if trip.to_main or self.globals[name] then return end
  local set = self.source.values[name]
  self:say(id, "%s is %s that compute domains do not have; the function that is %s on line %d "
    .. "reads it: %s", quote(name), set and "a global of this script" or "a global", trip.how,
    trip.line, set and "make it local" or "require the module that has it")
end

-- A local that is assigned to: what the function that captured it has is a copy.
local function check_assigned(self, id, trip)
  self:say(id, "%s is assigned in the function that is %s on line %d, which has a copy of it: the "
    .. "value is lost, so return it", quote(id[1]), trip.how, trip.line)
end

local function targets_of(node)
  if node.tag == "Set" then return node[1] end
  return node.tag == "OpSet" and node[2] or {}
end

-- A name in a function that ships.
local function check_name(self, id, inside, trip)
  if not id.var and id[1] ~= "_ENV" then
    check_global(self, id, trip)
  elseif id.var and not inside[id.var] then
    check_captured(self, id, trip)
  end
end

function check_function(self, fn, trip)
  if trip.seen[fn] then return end
  trip.seen[fn] = true
  local inside, passed = variables_in(fn), {}
  Source.walk(fn, function(node)
    for _, target in ipairs(targets_of(node)) do
      if target.tag == "Id" then
        passed[target] = true
        if target.var and not inside[target.var] and trip.fn == fn then
          check_assigned(self, target, trip)
        end
      end
    end
    if node.tag == "Call" and node[2] and SHIPS[self.source:path_of(node[1])] then
      passed[node[2]] = true -- a trip of its own
    end
    if passed[node] then return true end
    if node.tag == "Id" then check_name(self, node, inside, trip) end
  end)
end

-- -- calls -----------------------------------------------------------------------------------

local function check_arguments(self, call, first, how)
  for i = first, #call do
    local kind = kind_of(self, call[i])
    if kind then
      self:say(call[i], "%s is %s and cannot leave its domain, as an argument of what is %s: pass "
        .. "what is needed of it", call[i].tag == "Id" and quote(call[i][1]) or "this", kind, how)
    end
  end
end

local function check_call(self, call)
  local path = self.source:path_of(call[1])
  local how = SHIPS[path]
  if how and call[2] then
    local fn = self.source:function_of(call[2])
    if fn then
      local trip = { how = how, line = call.line, to_main = TO_MAIN[path], fn = fn, seen = {} }
      check_function(self, fn, trip)
    end
    if path ~= "rille.job" then check_arguments(self, call, 3, how) end
  elseif call[1].tag == "Id" then
    local job = self.source:value_of(call[1])
    if job and job.tag == "Call" and self.source:path_of(job[1]) == "rille.job" then
      check_arguments(self, call, 2, "detached")
    end
  end
end

--- set_globals(source, globals): adds the globals that it gives to all compute domains, by
-- functions that run in each.
local function set_globals(source, globals)
  Source.walk(source.ast, function(call)
    local path = call.tag == "Call" and source:path_of(call[1])
    if path == "rille.domains.broadcast" or path == "rille.domains.on_start" then
      local fn = call[2] and source:function_of(call[2])
      Source.walk(fn or {}, function(node)
        for _, target in ipairs(targets_of(node)) do
          if target.tag == "Id" and not target.var then globals[target[1]] = true end
        end
      end)
    end
  end)
end

--- check(source, globals) -> findings: { path, line, column, message }, in order. `globals` are
-- those that a compute domain has, as a set.
local function check(source, globals)
  local self = setmetatable({ source = source, globals = globals, kinds = {}, findings = {},
    said = {} }, Check)
  mark_handlers(self)
  Source.walk(source.ast, function(node)
    if node.tag == "Call" then check_call(self, node) end
  end)
  table.sort(self.findings, function(a, b)
    return a.line < b.line or a.line == b.line and a.column < b.column
  end)
  return self.findings
end

return { check = check, set_globals = set_globals }
