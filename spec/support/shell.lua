--- Shell: what specs say to it.

local shell = {}

--- A word of a command that stands for this text, whatever is in it.
function shell.quoted(text)
  return "'" .. tostring(text):gsub("'", "'\\''") .. "'"
end

return shell
