-- rille.http.vary: vary(res, name): the answer depends on this header of the request. Not for
-- scripts.

return function(res, name)
  local said = res.headers["Vary"]
  if not said then
    res.headers["Vary"] = name
    return
  end
  for one in said:gmatch "[^%s,]+" do
    if one == "*" or one:lower() == name:lower() then return end
  end
  res.headers["Vary"] = said .. ", " .. name
end
