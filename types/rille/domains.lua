---@meta rille.domains

-- Made by scripts/reference from the comments at the bindings.

---What the pool does and has done. A plain table, a copy; nothing of it suspends. It is the same for all domains.
---@class rille.domains.stats
---@field domains integer # domains now
---@field busy integer # how many of them work or not
---@field idle integer # how many of them work or not
---@field queued integer # tasks in the queue
---@field held integer # callers that wait for room in it
---@field waiting integer # begun tasks that are suspended in a wait
---@field submitted integer # tasks since the start
---@field finished integer # what became of them
---@field failed integer # what became of them
---@field cancelled integer # what became of them
---@field dropped integer # of these, those thrown out of the queue
---@field refused integer # those never let into it
---@field wait rille.domains.times # the time in the queue
---@field run rille.domains.times # the time from the beginning to the end
---@field jobs table # for each name of a job its figures
local stats = {}

---How long something took, in seconds, over all domains. A plain table; nothing of it suspends.
---@class rille.domains.times
---@field count integer # how many
---@field mean number # on average
---@field p50 number # at these percentiles, to within some per cent
---@field p90 number # at these percentiles, to within some per cent
---@field p99 number # at these percentiles, to within some per cent
---@field max number # at most
local times = {}

---What tasks of one job's name have come to, in all domains. A plain table; nothing of it suspends.
---@class rille.domains.figures
---@field count integer # tasks
---@field finished integer # what became of them
---@field failed integer # what became of them
---@field cancelled integer # what became of them
---@field dropped integer # what became of them
---@field refused integer # what became of them
---@field begun integer # those that have run, and ended
---@field wait number # their mean seconds in the queue
---@field run number # on a domain, without their own waits
---@field cpu number # of these with a processor; see task:cost
---@field expected number # seconds that the next one will probably run
---@field peak_bytes integer # of the task that held most
---@field instructions integer # in total
---@field bytes_in integer # in total
---@field bytes_out integer # in total
local figures = {}

---The pool of compute domains, read and tuned live. None of these functions but domains.broadcast suspends; all may be called on any domain.
---@class rille.domains
local domains = {}

---min domains are kept started; up to max start on demand; domains above min end after their idle time. Raising max starts queued work at once; lowering it retires domains as they become free. With max 0 tasks run as fibers of the main domain. Errors: min < 0, max < min, not integers.
---@param min integer
---@param max integer
function domains.set_bounds(min, max) end

---Initially 0 and domains.recommended().
---@return integer
---@return integer
function domains.get_bounds() end

---At most n >= 1 tasks are queued (1000 initially); whoever detaches or submits more waits, in order, until there is room. Tasks that are queued stay so when n is lowered.
---@param n integer
function domains.set_queue_limit(n) end

---1000 initially.
---@return integer
function domains.get_queue_limit() end

---How long a domain above min stays without work before it ends: 5 s initially.
---@param seconds number
function domains.set_idle_time(seconds) end

---How long a task may run while others wait for its domain: 10 ms initially. Then it goes on after the others have had as much, or at once where all take equally long. A task is not interrupted inside a C function, nor where one is in the way (the comparison of a table.sort); tasks that one domain runs in turns share its globals and modules. math.huge: a task runs until it waits or ends.
---@param seconds number
function domains.set_slice(seconds) end

---How long a cancelled task, or a fiber, may go on: 1 s initially. In that time its to-be-closed variables run, or what it does after it caught the error of a cancelled wait; then it is ended at the next instruction, wherever it is. Every finalizer (`__gc`) may run for as long.
---@param seconds number
function domains.set_cleanup_time(seconds) end

---Code of a main domain that runs for more than `report` seconds (0.1 initially) without waiting, while something else waits for the loop, is logged with its traceback, at most once a second. After `stop` seconds (initially never) it is ended with an error. math.huge or nil: never.
---@param report number
---@param stop? number
function domains.set_loop_guard(report, stop) end

---How much Lua memory each domain may have, this one and other loops included: at least 4 MiB, or nil for any amount, as initially. A task that would need more, after garbage was collected, is ended with an error; code of a main domain gets an error, which it may catch. Counts for what begins from now on. Memory outside Lua (packed values, buffers of connections) does not count.
---@param bytes integer?
function domains.set_memory_limit(bytes) end

---The cores that this process may use (affinity, cgroup quota).
---@return integer
function domains.recommended() end

---@return rille.domains.stats
function domains.stats() end

---Runs fn(...) on every compute domain, each with a copy of fn, of what it captures and of the arguments, and waits until all have; then each domain that starts later runs it, before its first task, after what was broadcast before. So what fn sets up there (globals, loaded modules, configuration) is in every domain at any time. fn runs between two tasks, or between the slices of one, in a fiber, and may wait. While the maximum of domains is 0, fn is called here, if this is a main domain.
---
---An error in a domain is raised here, with the domain's number and its traceback, when all have run it: fn is then kept for later domains, unless it failed in all. Of a domain that starts it is logged, and the domain serves without. May suspend; a cancellation ends only the waiting. Errors: what cannot be copied; more than 10000 functions; a call from a function that is itself broadcast.
---@param fn function
---@param ... any
function domains.broadcast(fn, ...) end

---Each compute domain that starts from now on runs fn(...), as with broadcast; those that are there do not. Does not suspend.
---@param fn function
---@param ... any
function domains.on_start(fn, ...) end

---Each compute domain runs fn(...) when it ends, be it idle for too long or with the program: the function given last goes first. They cannot wait, nor start fibers or tasks; each has as long as domains.set_cleanup_time says. Errors are logged. A domain that is stuck in a C function may end without. Does not suspend.
---@param fn function
---@param ... any
function domains.on_stop(fn, ...) end

return domains
