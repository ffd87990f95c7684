---@meta rille.json

-- Made by scripts/reference from the comments at the bindings.

---@class rille.json.encode_options
---@field indent? integer # spaces a level, each member and element on its own line (0: all on one line)
---@field sorted? boolean # members in the order of their names, so that equal values give equal texts
---@field depth? integer # how deep tables may be nested (128, at most 1000)

---@class rille.json.decode_options
---@field depth? integer # how deep arrays and objects may be nested (128, at most 1000)

---JSON (RFC 8259). None of its functions suspends; all may be called on any domain.
---
---objects     tables with strings as keys; integers become strings when they are encoded
---arrays      tables with the keys 1 to n. An empty table is an object, unless json.array has
---            marked it; decode marks an empty array, so that it stays one.
---numbers     what is written as an integer and fits 64 bits is one, all else a float; no digit
---            of either is lost. A whole float is encoded without a point.
---null        json.null, in objects too, and also when it is all there is. It is true in a
---            condition: compare with json.null.
---strings     UTF-8, which is checked both ways
---
---A metatable with a string __jsontype, "array" or "object", says the same as json.array does; metamethods are not called.
---@class rille.json
---@field null lightuserdata # what stands for JSON's null
---@field array_mt table # the metatable of what json.array has marked
local json = {}

---What JSON cannot say is an error that tells where it is: a function, a coroutine, a userdata, NaN, an infinite number, a string that is not UTF-8 (`crypto.base64` makes text of bytes), a key that is neither a string nor an integer, a table in itself.
---@param value any
---@param options? rille.json.encode_options
---@return string
function json.encode(value, options) end

---The message has the line and the column. Strict: nothing but one value and blanks around it; no comments, no comma at an end, no NaN; a name twice in an object, half a surrogate pair, and a number beyond any float are refused too.
---@param text string
---@param options? rille.json.decode_options
---@return any|nil
---@return nil|string
function json.decode(text, options) end

---The table, or a new one, which is encoded as an array, also while it is empty. It then has the metatable json.array_mt, and must have none before.
---@param table? table
---@return table
function json.array(table) end

return json
