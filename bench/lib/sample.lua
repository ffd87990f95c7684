--- Sample: what becomes of measured values. Runs in Lua 5.4 and in LuaJIT, for the contestants too.

local sample = {}

--- The least value that `share` of all values do not exceed.
function sample.quantile(values, share)
  local sorted = {}
  for i = 1, #values do sorted[i] = values[i] end
  table.sort(sorted)
  return sorted[math.max(1, math.ceil(share * #sorted))]
end

function sample.median(values) return sample.quantile(values, 0.5) end

function sample.mean(values)
  local sum = 0
  for i = 1, #values do sum = sum + values[i] end
  return sum / #values
end

--- What a contestant of `detach` prints: `trips` are seconds, `rate` is tasks a second.
function sample.detach(trips, rate)
  local line = "mean_us %.3f\np50_us %.3f\np99_us %.3f\nper_second %.0f\n"
  return line:format(sample.mean(trips) * 1e6, sample.median(trips) * 1e6,
    sample.quantile(trips, 0.99) * 1e6, rate)
end

return sample
