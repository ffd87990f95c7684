-- The contestants of `http` that nginx's Lua answers.

local encode = require("cjson").encode

local BODY = "Hello, World!"

local contestants = {}

function contestants.text() ngx.print(BODY) end

function contestants.json()
  ngx.print(encode { message = "hello", n = tonumber(ngx.req.get_uri_args().n) })
end

function contestants.echo()
  ngx.req.read_body()
  ngx.print(ngx.req.get_body_data())
end

return contestants
