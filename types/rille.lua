---@meta rille

-- Made by scripts/reference from the comments at the bindings.

---What the function of rille.scope gets. It lasts until that call returns, in its domain.
---@class rille.scope
local scope = {}

---As rille.spawn, but the scope ends only after this fiber, and fails with it. Does not suspend.
---@param fn fun(scope: rille.scope): ...
---@param ... any
---@return rille.task
function scope:spawn(fn, ...) end

---Values between fibers of any domains; docs/channels.md tells more. It crosses by reference, and lives as long as anybody holds it.
---@class rille.channel
local channel = {}

---As send, but never waits: "full" means that there is neither room nor a receiver that waits.
---@param value any
---@return true|nil
---@return nil|"full"|"closed"
function channel:try_send(value) end

---As receive, but never waits.
---@return any|nil
---@return nil|"empty"|"closed"
function channel:try_receive() end

---Waits until there is room for the value, or, where the capacity is 0, until a receiver takes it; at most that many seconds. The value is copied as an argument of rille.detach would be; nil cannot be sent. If the fiber is cancelled while it waits, the value may have been taken in the same moment. May suspend. Errors: a value that cannot cross, with its path.
---@param value any
---@param seconds? number
---@return true|nil
---@return nil|"closed"|"timeout"
function channel:send(value, seconds) end

---The oldest value; waits for one, at most that many seconds. "closed": the channel was closed and everything that had been sent was received. A value is received once, whatever becomes of other receivers that wait for it. May suspend.
---@param seconds? number
---@return any|nil
---@return nil|"closed"|"timeout"
function channel:receive(seconds) end

---For `for value in channel:values() do`: receives until the channel is closed and empty. Each step may suspend.
---@return fun(): any, any
function channel:values() end

---What rille.select takes for sending the value, any number of times. Does not suspend.
---@param value any
---@return table
function channel:sending(value) end

---Nothing can be sent any more; senders that wait are told "closed", and keep their values. Receivers get what was sent before, then nil. Does not suspend; closing again does nothing. A domain that ends closes nothing: a function for that is what rille.domains.on_stop is for.
function channel:close() end

---A kind of task. It may cross domains, as an argument or captured, and counts as the same job there.
---@class rille.job
---@overload fun(...: any): ...
local job = {}

---As rille.submit. May suspend, if the queue is full and on_full is "wait".
---@param ... any
---@return rille.task
function job:submit(...) end

---The error of a task that was refused or dropped, which tostring puts into words; over HTTP it is answered with 503 and Retry-After. It may cross domains. Nothing of it suspends.
---@class rille.overload
---@field reason string # "overloaded", by the forecast; "full"; "dropped", for a newer one; or "expired"
---@field text string # the reason in words
---@field job string # its name
---@field wait number # seconds that a new task would probably be queued
---@field retry_after number # seconds after which trying again has a chance
---@field deadline number|nil # the job's, in seconds
local overload = {}

---What one fiber has at a time, of all domains; docs/channels.md tells more. It crosses domains by reference, as channels do.
---@class rille.mutex
local mutex = {}

---Waits until no other fiber, of any domain, has it; at most that many seconds. Those who wait get it in the order in which they came. "abandoned": the fiber that had it last has ended without unlocking it, and may have left what it guards halfway. It is unlocked by mutex:unlock(); at the end of the block in `local held <close> = mutex:lock()`; and when the fiber ends, whatever ends it. May suspend. Errors: the fiber has it already; the wait would never end ("deadlock", with all waits and their lines).
---@param seconds? number
---@return rille.mutex|nil
---@return nil|"abandoned"|"timeout"
function mutex:lock(seconds) end

---As mutex:lock, but never waits. Does not suspend. Errors: the fiber has it already.
---@return rille.mutex|nil
---@return nil|"abandoned"|"locked"
function mutex:try_lock() end

---Lets the next fiber have it. Does not suspend. Errors: this fiber has not locked it.
function mutex:unlock() end

---Calls fn while this fiber has the mutex: whatever fn does, it is unlocked when fn returns or raises. Returns what fn does. May suspend. Errors as for mutex:lock.
---@param fn function
---@param ... any
---@return any ...
function mutex:with(fn, ...) end

---Permits that fibers of all domains share. It crosses domains by reference, as channels do.
---@class rille.semaphore
local semaphore = {}

---Waits until so many permits (1) are free and those who came before have theirs. They are the fiber's until it releases them or ends, or until the end of the block in `local held <close> = semaphore:acquire()`. May suspend. Errors as for mutex:lock; more permits than there are.
---@param permits? integer
---@param seconds? number
---@return rille.semaphore|nil
---@return nil|"timeout"
function semaphore:acquire(permits, seconds) end

---As semaphore:acquire, but never waits. Does not suspend.
---@param permits? integer
---@return rille.semaphore|nil
---@return nil|"busy"
function semaphore:try_acquire(permits) end

---Gives back so many (1), those acquired last first. Does not suspend. Errors: this fiber has fewer.
---@param permits? integer
function semaphore:release(permits) end

---The same with one permit. May suspend.
---@param fn function
---@param ... any
---@return any ...
function semaphore:with(fn, ...) end

---What rille.submit and rille.spawn return. It belongs to the domain that made it, and cannot leave that. Nobody need keep it: what was begun goes on.
---@class rille.task
local task = {}

---Asks the task to end: queued, it never runs; waiting, it sees the reason as an error at its wait; running in a compute domain, it is interrupted. True if it had not ended. Does not suspend.
---@param reason? any
---@return boolean
function task:cancel(reason) end

---Queued: submitted, not begun; running: begun, or about to be, or suspended. Does not suspend.
---@return "queued"|"running"|"done"|"failed"|"cancelled"
function task:status() end

---What the task has cost, a table of its own; nil if it has not ended, or was not submitted. Does not suspend.
---@return rille.cost|nil
function task:cost() end

---Waits for the end of the task and returns its results, any number of times; or raises its error, with its traceback followed by "awaited at" and the caller's; or, if it was cancelled, the reason. May suspend.
---@return any ...
function task:await() end

---What a task has cost. A plain table, good in any domain; nothing of it suspends.
---@class rille.cost
---@field wait number # seconds in the queue
---@field run number # seconds on its domain, its own waits excluded
---@field cpu number # seconds of these in which the domain's thread had a processor; what it runs before the runtime first looks at it, after each wait some 5 ms at most, counts in full
---@field bytes_in integer # arguments as they were packed; long strings are lent and do not count
---@field bytes_out integer # the same of results
---@field peak_bytes integer # of Lua memory that it held at most, garbage included: exact for a job with the option memory, else to within 64 KiB and without the fibers that it spawned
---@field instructions integer|nil # only for a job with that option
---@field domain integer|string|nil # its number, "main", or nil if it never began
local cost = {}

---@class rille.job_options
---@field name? string # what figures and errors call it; if not given, where fn is defined, or the name of a function in C
---@field priority? "high"|"normal"|"low" # "high", "normal" (as without a job) or "low": strictly in this order, but a task that has waited a second longer counts as one of the next level
---@field key? string # a string, such as a tenant: keys of one level take turns, task by task; all tasks without one count as one key
---@field deadline? number # seconds from the call to the end. Within a key the earliest goes first; a task without one counts as due after a second. A task that would be late, by the forecast, is refused at once; a queued one is dropped when it is too late to begin
---@field timeout? number # seconds that a task may run, neither queue nor waits included
---@field memory? integer # bytes of Lua memory that a task may hold, with the fibers that it spawns, and what it has sent into channels, while that waits there. Before it is ended for more, garbage is collected; for a moment, inside one C function, it may hold twice as much. Allocating takes about half as long again
---@field instructions? integer # how many of Lua's a task may execute. They are counted in steps of 100 for each of its coroutines, by a debug hook, with which code runs at about a third of its speed. What a C function does counts as the call. debug.sethook is an error then
---@field max_running? integer # tasks of this job that may have begun and not ended; others wait in the queue
---@field on_full? "wait"|"fail"|"drop_oldest" # when the queue is full: "wait" for room; "fail" at once; "drop_oldest": the oldest queued task of this job is dropped, and if there is none it fails

---Detaching, fibers, time.
---
---All of it may be called on any domain, unless it says otherwise; what a call returns belongs to the caller. rille.domains, rille.context, rille.http, rille.net, rille.log and rille.metrics are loaded when they are first used; a script need not require them.
---@class rille
---@field domains rille.domains
---@field context rille.context
---@field net rille.net
---@field http rille.http
---@field log rille.log
---@field metrics rille.metrics
local rille = {}

---A channel that holds up to `capacity` values for receivers to come: 0, the default, makes each send wait until its value is received; math.huge never does. Channels cross domains by reference: as arguments and results, captured, in tables, through channels. Does not suspend.
---@param capacity? number
---@return rille.channel
function rille.channel(capacity) end

---A kind of task: job(...) detaches fn(...) as rille.detach does, job:submit(...) submits it as rille.submit does. What is refused or dropped gets an error that is a table, an overload. Does not suspend. Errors: unknown options, values out of range.
---@param fn function
---@param options? rille.job_options
---@return rille.job
function rille.job(fn, options) end

---Which one fiber has at a time, of all domains. It crosses domains by reference, as channels do. Does not suspend.
---@return rille.mutex
function rille.mutex() end

---The same for so many at a time. Does not suspend.
---@param permits integer
---@return rille.semaphore
function rille.semaphore(permits) end

---A float that only grows, from an arbitrary beginning; the same in all domains. Does not suspend.
---@return number
function rille.now() end

---Suspends the fiber for that long, never for less; for up to a millisecond more where the loop sleeps meanwhile. 0 lets other fibers and sockets have their turn. May suspend. Errors: seconds below 0; a place where Lua cannot yield, which is named.
---@param seconds number
function rille.sleep(seconds) end

---Calls fn in this fiber; if it has not returned after `seconds`, the wait in which it is fails with an error "timed out after N s", and so does every further wait until fn is left. Where fn computes then, the error is raised at its next instruction, and no pcall inside fn catches it; where it is inside a C function, as soon as that returns. Returns what fn does. May suspend.
---@param seconds number
---@param fn function
---@param ... any
---@return any ...
function rille.timeout(seconds, fn, ...) end

---Runs fn(...) in a new fiber of this domain, which begins when the caller waits or ends. The program does not end before it. An error that nobody awaits is logged. What a task has spawned is cancelled with it, and bounded by its limits. Does not suspend.
---@param fn function
---@param ... any
---@return rille.task
function rille.spawn(fn, ...) end

---Of the compute domain that the caller runs on. Does not suspend.
---@return "main"|integer
function rille.domain() end

---Which of the main domains this is, from 1, and how many of them there are: rille --loops. In a task: which one it belongs to. What only one of them is to do is done `if rille.loop() == 1`. Does not suspend.
---@return integer
---@return integer
function rille.loop() end

---How long running handlers may go on after SIGINT, SIGTERM or a failed script before they are cancelled: 10 s initially; the same for all loops. Main domains only. Does not suspend.
---@param seconds number
function rille.set_grace(seconds) end

---Runs fn on a compute domain while this fiber waits, and returns what it does. fn, its captured values and the arguments are copied (docs/detaching.md says what can cross); an error of fn is raised here, its traceback followed by "detached at" and the caller's. Waits also while the queue is full. If the fiber is cancelled, so is the task. May suspend. Errors: what cannot be copied, with its path.
---@param fn function
---@param ... any
---@return any ...
function rille.detach(fn, ...) end

---The same without waiting for the results: task:await() gives them. An error that nobody awaits is logged. May suspend, while the queue is full.
---@param fn function
---@param ... any
---@return rille.task
function rille.submit(fn, ...) end

---Runs fn as a fiber of the main domain, the one that has detached this task, and waits for its results; fn and the values cross as those of rille.detach do. There, it simply calls fn. May suspend.
---@param fn function
---@param ... any
---@return any ...
function rille.run_in_main(fn, ...) end

---Waits for the first of several things and returns its key in the table, followed by what it has come to:
---
---a channel               receives from it: the value; or nil, "closed"
---channel:sending(value)  sends to it: true; or nil, "closed"
---a task                  its end: as task:await(), so that its error is raised
---a number                seconds that it waits at most: nothing
---
---Nothing has happened to the others. If several can go on at once, a task is chosen before a channel; otherwise, in a list, the first one. May suspend. Errors: other cases, or none.
---@param cases table<any, rille.channel|rille.task|number|table>
---@return any
---@return any ...
function rille.select(cases) end

---Calls fn with a scope whose method scope:spawn(fn, ...) starts fibers, and returns what fn does. Ends when fn has returned and all these fibers have ended. The first error, of fn or of a fiber, cancels the rest and is raised with its traceback. May suspend.
---@param fn fun(scope: rille.scope): ...
---@return any ...
function rille.scope(fn) end

---The first result of each, in order. Each argument is a function, which is called in a fiber of its own, or a task; one table with a list of these is accepted too, and then a list of results is returned. The first error cancels the rest and is raised. May suspend.
---@param ... function|rille.task|table
---@return any ...
function rille.all(...) end

---All results of the first that ends. Arguments as for rille.all. The others are cancelled; if the first to end failed, its error is raised. May suspend.
---@param ... function|rille.task|table
---@return any ...
function rille.race(...) end

return rille
