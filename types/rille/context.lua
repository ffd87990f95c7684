---@meta rille.context

-- Made by scripts/reference from the comments at the bindings.

---Strings that travel with the work of a fiber, from domain to domain. A table: its fields are looked up, set and gone over. None of these operations suspends.
---@class rille.context
---@field [string] string?
local context = {}

return context
