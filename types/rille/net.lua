---@meta rille.net

-- Made by scripts/reference from the comments at the bindings.

---A connection. It belongs to its domain; it is closed by the end of the handler that got it, by a to-be-closed variable, or when nobody holds it any more.
---@class rille.net.conn
local conn = {}

---Formats: a number n: n bytes, fewer only if the stream ends before; "line" (the default): the next line without its LF or CRLF, the last one also without either; "some": what has arrived, at least one byte; "all": everything up to the end, "" if there is nothing more. At the end: nil alone. A line longer than `max` bytes (the connection's max_line, 65,536 unless set) is an error, after which nothing more can be read. What has arrived before an error or a timeout is not lost: another read may get at it. May suspend; one fiber reads at a time.
---@param format? integer|"line"|"all"|"some"
---@param max? integer
---@return string|nil
---@return nil|string
function conn:read(format, max) end

---For `for line in conn:lines() do`: each step is a conn:read("line", max), which may suspend. As with io.lines, an error (a reset, a timeout, a line too long) is raised.
---@param max? integer
---@return fun(): any, any
function conn:lines(max) end

---Writes strings and numbers, all as one. Returns as soon as they are on their way: what the kernel does not take is queued, up to 64 KiB; above that the fiber waits until it is written. If such a wait times out or is cancelled, the connection is closed, since half of the data may be out. May suspend.
---@param ... string|number
---@return rille.net.conn|nil
---@return nil|string
function conn:write(...) end

---Tells the peer that nothing more will be written, once what is queued has been; reading goes on. Does not suspend.
---@return rille.net.conn|nil
---@return nil|string
function conn:shutdown() end

---Does not suspend: what is queued is still written in the background, for 5 seconds at most. Whoever waits to read gets nil, "connection is closed". May be called again; also called when the handler of the connection ends, by `local conn <close>`, and by the garbage collector.
function conn:close() end

---The other side's address, "127.0.0.1:51234" or "[::1]:51234", also after the end; "" for Unix sockets. Does not suspend.
---@return string
function conn:peer() end

---Bounds how long each later read or write may wait (not how long all of them take); then they return nil, "timeout". nil: no bound. Does not suspend.
---@param seconds? number
function conn:set_timeout(seconds) end

---What takes connections. It belongs to its domain, and goes on until it is closed, whoever holds it. Nothing of it suspends.
---@class rille.net.listener
local listener = {}

---The URL where it really listens: of port 0 the port that was given, "tcp://127.0.0.1:43817".
---@return string
function listener:address() end

---Nil for a Unix socket.
---@return integer|nil
function listener:port() end

---Stops listening (and removes the file of a Unix socket); running connections go on. May be called again; also called by `local listener <close>`, but not by the garbage collector: a listener that nobody holds goes on.
function listener:close() end

---@class rille.net.listen_options
---@field backlog? integer # connections that may wait to be accepted, 4096
---@field max_line? integer # bytes of a line that a connection reads, 65536
---@field timeout? number # seconds, as of conn:set_timeout; none
---@field shared? boolean # true: with several loops, the ones that listen at the same address share its clients, and the k-th listener at a port 0 is the same port in each; false: the

---@class rille.net.connect_options
---@field timeout? number # seconds, for connecting and as of conn:set_timeout; none
---@field max_line? integer # bytes of a line that it reads, 65536

---TCP and Unix sockets. Any domain may use it; sockets stay in the one that made them.
---
---URLs: "tcp://127.0.0.1:2000", "tcp://[::1]:2000", "tcp://localhost:2000", "unix:/run/app.sock". Errors that a caller is to expect (a reset, a timeout, an address in use) are returned as nil and a message; misuse and cancellation are raised.
---@class rille.net
local net = {}

---Listens at once, without waiting; each connection is a fiber that runs handler(conn) and is closed when that returns or fails (an error is logged with its traceback and touches no other connection). The program does not end while it listens. The host is an address or "localhost" (127.0.0.1); port 0 takes a free one, see listener:port(). A file that a dead server left at a Unix path is replaced.
---
---When descriptors run out, accepting pauses until there are some again; a line in the log says so. Does not suspend.
---
---port is this loop's alone
---@param url string
---@param handler fun(conn: rille.net.conn)
---@param options? rille.net.listen_options
---@return rille.net.listener|nil
---@return nil|string
function net.listen(url, handler, options) end

---Waits until the connection stands; a name is looked up, and its addresses are tried in order. May suspend.
---@param url string
---@param options? rille.net.connect_options
---@return rille.net.conn|nil
---@return nil|string
function net.connect(url, options) end

return net
