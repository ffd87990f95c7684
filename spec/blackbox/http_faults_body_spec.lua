-- Faults in how the body of a request is framed: rows 20 to 31 of the list of bad inputs.

local fault_rows = require "spec.support.fault_rows"
local raw_http = require "spec.support.raw_http"
local server = require "spec.support.server"

--- A request to "/echo" with those fields, and `body` behind its head.
local function post(fields, body)
  return "POST /echo HTTP/1.1\r\nHost: x\r\n" .. fields .. "\r\n" .. (body or "")
end

--- A body in chunks: `bytes` stand where the first chunk does, and nothing behind them.
local function chunks(bytes)
  return raw_http.chunked("/echo", bytes)
end

--- A whole one: before the last chunk stand `bytes`.
local function chunked(bytes)
  return chunks(bytes .. "0\r\n\r\n")
end

--- One with those trailers, to what tells the body, the host and some fields.
local function trailers(fields)
  return raw_http.chunked("/fields", "5\r\nabcde\r\n0\r\n" .. fields .. "\r\n")
end

local FIVE, CHUNKED = "Content-Length: 5\r\n", "Transfer-Encoding: chunked\r\n"
local mebibyte = 1024 * 1024

describe("a fault in the body of a request", function()
  local site = fault_rows.serve(function()
    return server.start { path = "spec/blackbox/http_site.lua" }
  end)

  fault_rows.check(site, {
    -- the length
    { 20, post(FIVE .. CHUNKED, "5\r\nabcde\r\n0\r\n\r\n"), "400c" },
    { 20, post(CHUNKED .. FIVE, "5\r\nabcde\r\n0\r\n\r\n"), "400c" },
    { 20, post("content-length: 5\r\nTRANSFER-ENCODING: Chunked\r\n", "0\r\n\r\n"), "400c" },
    { 20, post("Content-Length: 0\r\nTransfer-Encoding: identity\r\n"), "400c" },
    { 21, post(FIVE .. "Content-Length: 6\r\n", "abcde"), "400c" },
    { 21, post(FIVE .. FIVE, "abcde"), "400c" },
    { 21, post("Content-Length: 5, 10\r\n", "abcde"), "400c" },
    { 21, post("Content-Length: 5, 5\r\n", "abcde"), "400c" },
    { 22, post "Content-Length: -1\r\n", "400c" },
    { 22, post("Content-Length: +5\r\n", "abcde"), "400c" },
    { 22, post("Content-Length: 0x5\r\n", "abcde"), "400c" },
    { 22, post("Content-Length: 5 5\r\n", "abcde"), "400c" },
    { 22, post "Content-Length: 1_0\r\n", "400c" },
    { 22, post("Content-Length: 5.0\r\n", "abcde"), "400c" },
    { 22, post "Content-Length:\r\n", "400c" },
    { 22, post "Content-Length: 9223372036854775808\r\n", "400c" },
    { 22, post("Content-Length: 18446744073709551621\r\n", "abcde"), "400c" },
    { 22, post("Content-Length: 00005\r\n", "abcde"), "200", "^abcde$" },
    { 23, post "Content-Length: 1048577\r\n", "413c" },
    { 23, post "Content-Length: 9223372036854775807\r\n", "413c" },
    { 23, raw_http.post("/echo", ("x"):rep(64 * mebibyte)), "413c" },

    { "411", post "Expect: 100-continue\r\n", "411c" },
    { "411", "POST /echo HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", "411c" },
    { "411", post "", "200", "^$" },

    -- the coding
    { 24, post("Transfer-Encoding: xchunked\r\n", "0\r\n\r\n"), "501c" },
    { 24, post "Transfer-Encoding: identity\r\n", "501c" },
    { 24, post "Transfer-Encoding: gzip\r\n", "501c" },
    { 24, post("Transfer-Encoding: gzip, chunked\r\n", "0\r\n\r\n"), "501c" },
    { 24, post("Transfer-Encoding: chunked, gzip\r\n", "0\r\n\r\n"), "400c" },
    { 24, post("Transfer-Encoding: chunked, chunked\r\n", "0\r\n\r\n"), "400c" },
    { 24, post(CHUNKED .. CHUNKED, "0\r\n\r\n"), "400c" },
    { 24, post("Transfer-Encoding:\r\n", "0\r\n\r\n"), "400c" },
    { 24, post("Transfer-Encoding: \vchunked\r\n", "0\r\n\r\n"), "400c" },
    { 24, post("Transfer-Encoding: chunked\f\r\n", "0\r\n\r\n"), "400c" },
    { 24, post("Transfer-Encoding: chunked\0\r\n", "0\r\n\r\n"), "400c" },
    { 24, post("Transfer-Encoding: \"chunked\"\r\n", "0\r\n\r\n"), "400c" },
    { 24, post("Transfer-Encoding:\tCHUNKED \r\n", "5\r\nabcde\r\n0\r\n\r\n"), "200", "^abcde$" },
    { 25, "POST /echo HTTP/1.0\r\nHost: x\r\n" .. CHUNKED .. "\r\n0\r\n\r\n", "400c" },

    -- chunks
    { 26, chunked "0x5\r\nabcde\r\n", "400c" },
    { 26, chunked "+5\r\nabcde\r\n", "400c" },
    { 26, chunked "-1\r\nabcde\r\n", "400c" },
    { 26, chunked "5_\r\nabcde\r\n", "400c" },
    { 26, chunked " 5\r\nabcde\r\n", "400c" },
    { 26, chunked "5 \r\nabcde\r\n", "400c" },
    { 26, chunked "\r\nabcde\r\n", "400c" },
    { 26, chunked "00000000000000005\r\nabcde\r\n", "400c" },
    { 26, chunked "ffffffffffffffff\r\nabcde\r\n", "413c" },
    { 26, chunked "g\r\nabcde\r\n", "400c" },
    { 26, chunked "0000000000000005\r\nabcde\r\n", "200", "^abcde$" },
    { 27, chunked "5\r\nabcde", "400c" },
    { 27, chunked "5\r\nabcdef\r\n", "400c" },
    { 27, chunked "5\nabcde\r\n", "400c" },
    { 27, chunked "5\rabcde\r\n", "400c" },
    { 27, chunked "5\r\nabcde\n", "400c" },
    { 27, chunked "5\r\nabcde\r", "400c" },
    { 27, chunks "5\r\nabcde\r\n0\r\n\n", "400c" },
    { 27, chunks "5\r\nabcde\r\n0\n\n", "400c" },
    { 28, chunked "5;\r\nabcde\r\n", "400c" },
    { 28, chunked "5;a=\r\nabcde\r\n", "400c" },
    { 28, chunked "5;=b\r\nabcde\r\n", "400c" },
    { 28, chunked "5;a\1\r\nabcde\r\n", "400c" },
    { 28, chunked "5;a=\"\1\"\r\nabcde\r\n", "400c" },
    { 28, chunked "5;a\rb\r\nabcde\r\n", "400c" },
    { 28, chunked "5;a\nb\r\nabcde\r\n", "400c" },
    { 28, chunked("5;a=" .. ("x"):rep(64 * 1024) .. "\r\nabcde\r\n"), "400c" },
    { 28, chunked(("1;" .. ("x"):rep(1000) .. "\r\na\r\n"):rep(64)), "400c" },
    { 28, chunked "5;a;b=c;d=\"e\\\"f\"\r\nabcde\r\n", "200", "^abcde$" },
    { 29, trailers "Host: y\r\n", "200", "^abcde, x, nil$" },
    { 29, trailers "Content-Length: 9\r\n", "200", "^abcde, x, nil$" },
    { 29, trailers "Transfer-Encoding: gzip\r\n", "200", "^abcde, x, nil$" },
    { 29, trailers "Authorization: Basic eA==\r\n", "200", "^abcde, x, nil$" },
    { 29, trailers "X: y\r\n", "200", "^abcde, x, nil$" },
    { 29, chunks "5\r\nabcde\r\n0\r\nX : y\r\n\r\n", "400c" },
    { 29, chunks "5\r\nabcde\r\n0\r\nX: a\rb\r\n\r\n", "400c" },
    { 29, chunks("5\r\nabcde\r\n0\r\nX: " .. ("y"):rep(9000) .. "\r\n\r\n"), "431c" },
    { 29, chunks("5\r\nabcde\r\n0\r\n" .. ("X: y\r\n"):rep(2000) .. "\r\n"), "431c" },
    { 30, chunked(("10000\r\n" .. ("x"):rep(65536) .. "\r\n"):rep(17)), "413c" },
    { 30, chunked(("%x\r\n%s\r\n"):format(mebibyte, ("x"):rep(mebibyte))), "200" },
    { 30, chunks(("%x\r\n"):format(mebibyte + 1)), "413c" },
    { 31, chunked(("1\r\nx\r\n"):rep(mebibyte)), "200", "^x+$" },
    { 31, chunked(("1\r\nx\r\n"):rep(mebibyte + 1)), "413c" },
  })
end)
