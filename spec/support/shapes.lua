--- Shapes: a module with a class, for specs that send its instances and functions across domains.

local shapes = {}

shapes.Square = {}
shapes.Square.__index = shapes.Square

function shapes.square(side)
  return setmetatable({ side = side }, shapes.Square)
end

function shapes.Square:area()
  return self.side * self.side
end

function shapes.Square.__eq(a, b)
  return a.side == b.side
end

--- Says which module value this is, so that two states can compare.
function shapes.is_own(value)
  return value == shapes.is_own
end

return shapes
