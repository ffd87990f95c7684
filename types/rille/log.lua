---@meta rille.log

-- Made by scripts/reference from the comments at the bindings.

---What a program has to tell those who run it. None of its functions suspends, or waits for a disk; all may be called on any domain, and what is set holds for all.
---
---rille.log.info("served", { route = "/x", ms = 3 })
---
---A line has the time (UTC), the level, the message, the domain; then what rille.context carries, the request's id among it; then the fields, by name. On a terminal it is text, else a JSON object. See docs/logging.md.
---@class rille.log
local log = {}

---A line, unless the level of the log is above that. `fields` is a table: names, and strings, numbers or booleans; of other values what tostring makes. A name that every line has already (time, level, message, domain, trace, cut) becomes "fields.time" and so on, so that no line has a name twice. When lines come faster than they can be written, some are lost: the log tells how many as soon as it can. Errors: fields that are no table, names that are no strings, over 64.
---@param message string
---@param fields? table<string, any>
function log.debug(message, fields) end

---A line, unless the level of the log is above that. `fields` is a table: names, and strings, numbers or booleans; of other values what tostring makes. A name that every line has already (time, level, message, domain, trace, cut) becomes "fields.time" and so on, so that no line has a name twice. When lines come faster than they can be written, some are lost: the log tells how many as soon as it can. Errors: fields that are no table, names that are no strings, over 64.
---@param message string
---@param fields? table<string, any>
function log.info(message, fields) end

---A line, unless the level of the log is above that. `fields` is a table: names, and strings, numbers or booleans; of other values what tostring makes. A name that every line has already (time, level, message, domain, trace, cut) becomes "fields.time" and so on, so that no line has a name twice. When lines come faster than they can be written, some are lost: the log tells how many as soon as it can. Errors: fields that are no table, names that are no strings, over 64.
---@param message string
---@param fields? table<string, any>
function log.warn(message, fields) end

---A line, unless the level of the log is above that. `fields` is a table: names, and strings, numbers or booleans; of other values what tostring makes. A name that every line has already (time, level, message, domain, trace, cut) becomes "fields.time" and so on, so that no line has a name twice. When lines come faster than they can be written, some are lost: the log tells how many as soon as it can. Errors: fields that are no table, names that are no strings, over 64.
---@param message string
---@param fields? table<string, any>
function log.error(message, fields) end

---What is below the level is not logged, on any domain: "debug", "info" (as initially), "warn" or "error". Returns what holds from now on.
---@param level? "debug"|"info"|"warn"|"error"
---@return "debug"|"info"|"warn"|"error"
function log.level(level) end

---How lines look: "text", "json", or "auto", as initially: text on a terminal, JSON otherwise; or "plain", the message alone, as the runtime's own lines look before this module is loaded. Returns what holds from now on, never "auto".
---@param form? "auto"|"plain"|"text"|"json"
---@return "auto"|"plain"|"text"|"json"
function log.form(form) end

---From now on lines are appended to the file, which is made if it is missing, and not to standard error. Where the embedding program takes the log there is no file to open.
---@param path string
---@return true|nil
---@return nil|string
function log.open(path) end

---The file of the log is opened anew, by its name, after it was renamed; the signal USR1 does the same. If that fails, the log says so, and goes on in the old file.
function log.reopen() end

---Lines that have been lost so far.
---@return integer
function log.lost() end

return log
