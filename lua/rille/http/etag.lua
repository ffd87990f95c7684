--[[ rille.http.etag: a client that has the answer already is told so, with 304 and no body.

    local etag = require "rille.http.etag"
    app:use(etag())

For GET and HEAD answered with 200 and a whole body: it saves what would be sent, not the work of
making it. An ETag that the handler set is used as it is; res.headers["ETag"] says it. Use it before
rille.http.compress. It works in the domain that serves.

Options:

    weak       false: W/ says that answers mean the same rather than are the same
    max_size   8388608: a larger body gets no tag ]]

local crypto = require "rille.crypto"
local options = require "rille.http.options"
local tools = require "rille.http.tools"

local RULES = {
  weak = { type = "boolean", default = false },
  max_size = { type = "number", default = 8388608 },
}

local function tag_of(settings, body)
  if #body > settings.max_size then return nil end
  local tag = crypto.base64url(crypto.sha256(body):sub(1, 18))
  return (settings.weak and 'W/"%s"' or '"%s"'):format(tag)
end

--- etag([options]) -> middleware: made once, when the app is built. Does not suspend.
return function(given)
  local settings = options("etag", given, RULES)
  return function(req, res, next)
    next()
    local body = res.body
    if res.sent or not body or (res.status or 200) ~= 200 then return end
    if req.method ~= "GET" and req.method ~= "HEAD" then return end
    local tag = res.headers["ETag"] or tag_of(settings, body)
    if not tag then return end
    res.headers["ETag"] = tag
    local list = req.headers["If-None-Match"]
    if list and tools.lists(list, tag) then
      res.status, res.body = 304, nil
      res.headers["Content-Type"], res.headers["Content-Length"] = nil, nil
    end
  end
end
