-- Faults in the head of a request: rows 1 to 18 of the list of bad inputs, and the answers to them.

local fault_rows = require "spec.support.fault_rows"
local raw_http = require "spec.support.raw_http"
local server = require "spec.support.server"

local get = raw_http.get

--- A head with that request line.
local function line(text, fields)
  return text .. "\r\nHost: x\r\n" .. (fields or "") .. "\r\n"
end

--- A good request line with those fields, and no Host.
local function fields(text)
  return "GET /next HTTP/1.1\r\n" .. text .. "\r\n"
end

local long = ("x"):rep(100000)

describe("a fault in the head of a request", function()
  local site = fault_rows.serve(function()
    return server.start { path = "spec/blackbox/http_site.lua" }
  end)

  fault_rows.check(site, {
    -- the host
    { 1, fields "", "400c" },
    { 1, fields "Host: x\r\nHost: x\r\n", "400c" },
    { 1, fields "Host: a, b\r\n", "400c" },
    { 1, fields "Host: u@h\r\n", "400c" },
    { 1, fields "Host: h/p\r\n", "400c" },
    { 1, fields "Host:\r\n", "400c" },
    { 1, fields "Host:  \t \r\n", "400c" },
    { 1, fields "Host: h:99999\r\n", "400c" },
    { 1, fields "Host: [::1]:80\r\n", "200" },
    { 2, "GET http://a.example:81/host HTTP/1.1\r\nHost: b\r\n\r\n", "200", "^a%.example:81$" },
    { 2, "GET http://u@a/host HTTP/1.1\r\nHost: b\r\n\r\n", "400c" },
    { 2, "GET http:///host HTTP/1.1\r\nHost: b\r\n\r\n", "400c" },
    { 2, "GET http://a.example/host HTTP/1.1\r\n\r\n", "400c" },

    -- the request line
    { 3, line "GET  /next HTTP/1.1", "400c" },
    { 3, line "GET /next  HTTP/1.1", "400c" },
    { 3, line "GET\t/next HTTP/1.1", "400c" },
    { 3, line "GET /next\tHTTP/1.1", "400c" },
    { 3, line "GET /a b HTTP/1.1", "400c" },
    { 3, line "GET HTTP/1.1", "400c" },
    { 3, line "GET  HTTP/1.1", "400c" },
    { 3, line "GET", "400c" },
    { 3, line " GET /next HTTP/1.1", "400c" },
    { 3, line "GET /next HTTP/1.1 ", "400c" },
    { 4, line "GET /", "400c" },
    { 4, line "GET /next http/1.1", "400c" },
    { 4, line "GET /next HTTP/1", "400c" },
    { 4, line "GET /next HTTP/01.1", "400c" },
    { 4, line "GET /next HTTP/1.1.1", "400c" },
    { 4, line "GET /next HTTP/1.10", "400c" },
    { 4, line "GET /next HTP/1.1", "400c" },
    { 5, line "GET /next HTTP/9.9", "505c" },
    { 5, line "GET /next HTTP/2.0", "505c" },
    { 5, line "GET /next HTTP/0.9", "505c" },
    { 5, line "GET /next HTTP/1.2", "200", "^next$" },
    { 6, line "BREW /next HTTP/1.1", "501c" },
    { 6, line "get /next HTTP/1.1", "501c" },
    { 6, line "POST /next HTTP/1.1", "405" },
    { 6, line "GET /echo HTTP/1.1", "405" },
    { 7, line "CONNECT x:80 HTTP/1.1", "501c" },
    { 7, line "TRACE /next HTTP/1.1", "501c" },
    { 8, line(long .. " / HTTP/1.1"), "501c" },
    { 8, line("GET /" .. long .. " HTTP/1.1"), "414c" },
    { 8, line("GET /" .. ("x"):rep(7999) .. " HTTP/1.1"), "404" },
    { 9, line "GET /\0 HTTP/1.1", "400c" },
    { 9, line "GET /\1 HTTP/1.1", "400c" },
    { 9, line "GET /\127 HTTP/1.1", "400c" },
    { 9, line "GET /\xc3\xa9 HTTP/1.1", "400c" },
    { 9, line "GET /a#b HTTP/1.1", "400c" },
    { 9, line "GET /n/a%00b HTTP/1.1", "200", "^a%zb$" },
    { 9, line "GET /n/a%0d%0aX:y HTTP/1.1", "200", "^a\r\nX:y$" },
    { 11, line "GET * HTTP/1.1", "400c" },
    { 11, line "OPTIONS * HTTP/1.1", "204" },
    { 11, line "GET x:80 HTTP/1.1", "400c" },
    { 11, line "GET next HTTP/1.1", "400c" },

    -- lines
    { 12, "\r\n" .. get "/next", "200", "^next$" },
    { 12, ("\r\n"):rep(2) .. get "/next", "400c" },
    { 12, ("\r\n"):rep(10000), "400c" },
    { 12, "\n" .. get "/next", "400c" },
    { 13, "GET /next HTTP/1.1\r\n Host: x\r\n\r\n", "400c" },
    { 13, get("/next", "A: b\r\n c: d\r\n"), "400c" },
    { 13, get("/next", "A: b\r\n\tc\r\n"), "400c" },
    { 14, get("/next", "A: b\rc\r\n"), "400c" },
    { 14, get("/next", "A: b\r\r\n"), "400c" },
    { 14, "GET /next\r HTTP/1.1\r\nHost: x\r\n\r\n", "400c" },
    { 14, "GET /next HTTP/1.1\rHost: x\r\n\r\n", "400c" },
    { 14, "GET /next HTTP/1.1\nHost: x\n\n", "400c" },
    { 14, "GET /next HTTP/1.1\r\nHost: x\n\r\n", "400c" },
    { 14, "GET /next HTTP/1.1\r\nHost: x\r\n\n", "400c" },
    { 15, get("/next", "Name : v\r\n"), "400c" },
    { 15, get("/next", ": v\r\n"), "400c" },
    { 15, get("/next", "Name\r\n"), "400c" },
    { 15, get("/next", "N(a): v\r\n"), "400c" },
    { 15, get("/next", "N\xe9: v\r\n"), "400c" },
    { 15, get("/next", "N\0: v\r\n"), "400c" },
    { 16, get("/next", "A: b\0c\r\n"), "400c" },
    { 16, get("/next", "A: b\1c\r\n"), "400c" },
    { 16, get("/next", "A: b\127c\r\n"), "400c" },
    { 16, get("/next", "A: b\tc\xe9\r\n"), "200", "^next$" },
    { 17, get("/next", "A: " .. ("x"):rep(16 * 1024) .. "\r\n"), "431c" },
    { 17, get("/next", "A: " .. long .. "\r\n"), "431c" },
    { 17, get("/next", ("A: b\r\n"):rep(100)), "431c" },
    { 17, get("/next", ("A: b\r\n"):rep(99)), "200", "^next$" },
    { 17, get("/next", ("A: " .. ("x"):rep(1000) .. "\r\n"):rep(66)), "431c" },

    -- other protocols
    { 18, "\22\3\1\2\0\1\0\1\252\3\3" .. ("\0"):rep(200), "400c" },
    { 18, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "400c" },
    { 18, "\0\xff\xfe\1" .. ("\xaa"):rep(5000), "400c" },
    { 18, "SSH-2.0-client\r\n", "400c" },
    { 18, "\4\1\0\80\127\0\0\1\0", "400c" },
  })
end)
