---@meta rille.http.access_log

-- Made by scripts/reference from the comments at the bindings.

---@class rille.http.access_log.access_log_options
---@field format? "combined"|"json"|fun(entry: table): string # "combined", as above, or "json": an object with time, id and the fields; or a function(entry) -> line that gets these in a table
---@field write? fun(line: string) # function(line): io.stdout by default. The line has its end
---@field skip? fun(req: rille.http.req): boolean # function(req) -> true for what is not logged, such as health checks

---A line for each request, in the domain that serves it.
---
---local access_log = require "rille.http.access_log"
---app:use(access_log())
---
---It goes to the log, at level info, with the fields remote, method, target, status, bytes, seconds, referer, agent and, after an error that is no answer, error = true; the request's id is there as in every line (rille.log). Or, with one of the first two options, to a place of its own:
---
---127.0.0.1:51234 - - [22/Nov/2026:17:04:05 +0000] "GET / HTTP/1.1" 200 21 "-" "curl" 0.0042 a1-2
---
---The last two are the seconds that it took, and the request's id.
---
---bytes is missing ("-") where the body was written piece by piece, or the answer was raised. A client that left before its answer has the status 499. What clients sent is escaped: a line is always one line. Use it first, so that it sees what the other middleware does.
---@class rille.http.access_log
---@overload fun(options?: rille.http.access_log.access_log_options): fun(req: rille.http.req, res: rille.http.res, next: fun()): any, any
local access_log = {}

return access_log
