-- rille.http.secret: the option `secret`, at least 32 random bytes, or a list of such, the newest
-- first. Not for scripts.

local crypto = require "rille.crypto"

local secret = {}

local function list_of(value)
  return type(value) == "table" and value or { value }
end

local function check(value)
  local ok, err = pcall(crypto.keys, table.unpack(list_of(value)))
  if not ok then return (err:gsub("^.-%(", ""):gsub("%)$", "")) end
end

--- secret.rule: for rille.http.options
secret.rule = { type = "string table", check = check }

--- secret.keys(value) -> keys, or nil if there is no secret
function secret.keys(value)
  return value and crypto.keys(table.unpack(list_of(value)))
end

return secret
