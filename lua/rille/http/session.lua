--[[ rille.http.session: what is remembered of a client from one request to the next.

    local session = require "rille.http.session"
    app:use(session { secret = os.getenv "APP_SECRET" or ("only for trying "):rep(3) })
    app:post("/login", function(req)
      req.session:renew()
      req.session.user = 42
      return 204
    end)

req.session is a table of what JSON can hold (whole numbers come back as integers). It is saved when
the handler is over and something changed; not if that raised an error. The client gets a cookie
only once there is something in it.

All of it works in the domain that serves. By default the client itself keeps the session, in a
sealed cookie, which holds some 2,800 bytes and cannot be taken back before its time: one that was
stolen outlives a logout. With a `store` the cookie holds a random name only.

Options:

    secret       at least 32 random bytes, or a list, the newest first. Needed without a store
    store        a table: store:get(id) -> string or nil; store:set(id, string, seconds), where nil
                 in place of the string removes. Both may wait. Ids are not what the client has, so
                 who can read the store cannot take over a session
    max_age      604800 seconds (a week) without a visit
    refresh      how old it may grow before a visit extends it: max_age / 2
    cookie       its name: "__Host-session", or "session" where that is not possible
    path, domain, secure, same_site    as in rille.http.cookies; always http_only ]]

local json = require "rille.json"
local check = require "rille.http.check"
local crypto = require "rille.crypto"
local options = require "rille.http.options"
local secret = require "rille.http.secret"
local tools = require "rille.http.tools"

local RULES = {
  secret = secret.rule,
  store = {
    type = "table",
    check = function(store)
      if not (store.get and store.set) then return "it has no get or no set" end
    end,
  },
  max_age = { type = "number", default = 604800, least = 1 },
  refresh = { type = "number" },
  cookie = { type = "string" },
  path = { type = "string", default = "/" },
  domain = { type = "string" },
  secure = { type = "boolean", default = true },
  same_site = { type = "string", default = "lax", check = check.same_site },
}

local LARGEST = 4096 -- bytes of a cookie's name and value that every browser takes
local PURPOSE, FORMAT = "rille session", ">I6"
local SORTED = { sorted = true } -- so that what has not changed gives the same text

--- The type session of rille.http.session: what is remembered of a client, by any name that is a
-- string. It ends with its request, in its domain.
local Session = {}

-- -- where it is kept --------------------------------------------------------------------------

-- What a store knows a session by.
local function id_of(token)
  return crypto.base64url(crypto.sha256(token))
end

-- A record is the time of its making and the JSON.
local function load_record(settings, token)
  if settings.store then return settings.store:get(id_of(token)) end
  return settings.keys:open(PURPOSE, token)
end

local function save_record(settings, state, record)
  if not settings.store then
    local token = settings.keys:seal(PURPOSE, record, settings.max_age)
    if #token + #settings.cookie <= LARGEST then return token end
    error(("the session takes %d bytes: too many for a cookie, use a store"):format(#record), 0)
  end
  state.token = state.token or crypto.base64url(crypto.random(32))
  settings.store:set(id_of(state.token), record, settings.max_age)
  return state.token
end

local function forget(settings, state)
  if settings.store and state.token then settings.store:set(id_of(state.token), nil, 0) end
  state.token = nil
end

-- -- one session -------------------------------------------------------------------------------

-- A session's own affairs stand beside its table, not in it.
local states = setmetatable({}, { __mode = "k" })

local function send(state, value, max_age)
  local settings = state.settings
  if state.res.sent then
    if settings.store and (value == "" or value == state.given) then return end
    error("the session was changed after the head of the answer was sent: session:save() belongs "
      .. "before the first res:write", 0)
  end
  state.res:add("Set-Cookie", tools.cookie(settings.cookie, value, {
    path = settings.path, domain = settings.domain, secure = settings.secure, http_only = true,
    same_site = settings.same_site, max_age = max_age,
  }))
end

local function remove(state)
  local sent = state.token or state.given
  forget(state.settings, state)
  if sent then send(state, "", 0) end
  state.json, state.given = nil, nil
end

--- session:save()
--
-- Now: before the first res:write, which sends the head and with it the cookie. Only what a store
-- keeps under a name that the client has already may change behind that. May suspend, if the store
-- does.
function Session:save()
  local state = states[self]
  local settings, now = state.settings, os.time()
  if next(self) == nil then
    if state.json or state.destroyed then remove(state) end
    return
  end
  local text = json.encode(setmetatable(self, nil), SORTED)
  setmetatable(self, Session)
  local may_wait = state.res.sent or now - state.made < settings.refresh
  if text == state.json and may_wait then return end
  local token = save_record(settings, state, FORMAT:pack(now) .. text)
  send(state, token, math.ceil(settings.max_age))
  state.json, state.made = text, now
end

--- session:renew(): at every login: a new identity, so that nobody can plant one beforehand. May
-- suspend, if the store does.
function Session:renew()
  local state = states[self]
  forget(state.settings, state)
  state.json = ""
end

--- session:destroy(): forgets everything. Does not suspend.
function Session:destroy()
  for key in pairs(self) do self[key] = nil end
  states[self].destroyed = true
end

Session.__index = Session

function Session.__newindex(session, key, value)
  if Session[key] then error(("a session cannot have a field %q"):format(key), 2) end
  rawset(session, key, value)
end

-- What the client's cookie stands for; an empty session if that is nothing.
local function open(settings, req, res)
  local token = req.cookies[settings.cookie]
  local state = { settings = settings, res = res, given = token, made = 0 }
  local record = token and load_record(settings, token)
  local data = {}
  if record and #record > FORMAT:packsize() then
    local made, from = FORMAT:unpack(record)
    local text = record:sub(from)
    local value = json.decode(text)
    if type(value) == "table" and os.time() - made < settings.max_age then
      data, state.json, state.made, state.token = value, text, made, token
    end
  end
  for name in pairs(Session) do data[name] = nil end
  states[data] = state
  return setmetatable(data, Session)
end

local function complete(settings)
  if not settings.store then
    settings.keys = secret.keys(settings.secret)
    if not settings.keys then
      check.fail 'rille.http.session: option "secret" is missing (or "store")'
    end
  end
  if settings.same_site == "none" and not settings.secure then
    check.fail 'rille.http.session: option "same_site": browsers take "none" only if it is secure'
  end
  settings.secret = nil
  settings.refresh = settings.refresh or settings.max_age / 2
  local strict = settings.secure and settings.path == "/" and not settings.domain
  settings.cookie = settings.cookie or (strict and "__Host-session" or "session")
  return settings
end

--- session(options) -> middleware: made once, when the app is built. Does not suspend.
return function(given)
  local settings = complete(options("session", given, RULES))
  return function(req, res, next)
    local session = open(settings, req, res)
    req.session = session
    next()
    session:save()
  end
end
