--- Failure: calls `fn`, which must fail, and returns its error as text.
return function(fn, ...)
  local ok, problem = pcall(fn, ...)
  if ok then error("it did not fail", 2) end
  return tostring(problem)
end
