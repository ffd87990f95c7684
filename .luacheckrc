std = "lua54"
max_line_length = 100
files["spec"] = { std = "+busted" }

-- nginx's Lua has more than luacheck knows of.
files["bench/contestants/*_nginx.lua"] = { globals = { ngx = { other_fields = true } } }
