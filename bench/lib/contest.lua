--- Contest: runs contestants in turn and reports. The speed of a machine drifts while a benchmark
-- runs, so every round runs each contestant once, every second round in reversed order, and only
-- figures of one contest are compared.

local uv = require "luv"
local process = require "process"
local sample = require "sample"

local contest = {}

--- The share of the machine's time that went to anything during half a second of waiting.
local function busy_share()
  local function read_times()
    local idle, total = 0, 0
    local column = 0
    for value in io.lines("/proc/stat")():gmatch("%d+") do
      column = column + 1
      if column == 4 then idle = tonumber(value) end
      total = total + tonumber(value)
    end
    return idle, total
  end
  local idle, total = read_times()
  uv.sleep(500)
  local idle_then, total_then = read_times()
  return 1 - (idle_then - idle) / math.max(1, total_then - total)
end

--- "name value" lines as a table.
function contest.values(text)
  local values = {}
  for name, value in text:gmatch("([%w_.]+) ([-+%d.e]+)\n") do values[name] = tonumber(value) end
  return values
end

--- Runs a contestant and notes its values under the round.
local function take_part(contestant, round, result)
  local values = contestant.run and contestant.run()
    or contest.values(process.run(contestant.argv, contestant.seconds or 60))
  for key, value in pairs(values) do
    result[key] = result[key] or {}
    result[key][round] = value
  end
end

--- Runs every contestant once a round. A contestant: { name = ..., a command that prints
-- "key value" lines as argv, or a function `run` that returns such a table }, bounded by `seconds`;
-- with `rounds` it takes part in as many only. Returns results[name][key] = the values of all
-- rounds in order.
function contest.rounds(count, contestants)
  local busy = busy_share()
  if busy > 0.1 then
    print(("note: the machine is busy with other work (%.0f %%)"):format(100 * busy))
  end
  local results = {}
  for _, contestant in ipairs(contestants) do results[contestant.name] = {} end
  for round = 1, count do
    for i = 1, #contestants do
      local contestant = contestants[round % 2 == 1 and i or #contestants + 1 - i]
      if round <= (contestant.rounds or count) then
        io.stderr:write(("round %d of %d: %s\n"):format(round, count, contestant.name))
        take_part(contestant, round, results[contestant.name])
      end
    end
  end
  return results
end

--- The median over the rounds of one contestant's value by another's, each pair from one round.
function contest.ratio(over, under)
  local ratios = {}
  for round, value in ipairs(over) do ratios[round] = value / under[round] end
  return sample.median(ratios)
end

--- "median (least..greatest)" of a list, or "-" where there is none.
function contest.cell(values, format)
  if not values or #values == 0 then return "-" end
  local text = format .. " (" .. format .. ".." .. format .. ")"
  return text:format(sample.median(values), sample.quantile(values, 0),
    sample.quantile(values, 1))
end

--- Prints rows of cells under their heads: the first column to the left, the others to the right.
function contest.print(title, heads, rows)
  local widths = {}
  for _, row in ipairs { heads, table.unpack(rows) } do
    for i, cell in ipairs(row) do widths[i] = math.max(widths[i] or 0, #tostring(cell)) end
  end
  print("\n" .. title)
  for _, row in ipairs { heads, table.unpack(rows) } do
    local line = {}
    for i, cell in ipairs(row) do
      line[i] = ("%" .. (i == 1 and "-" or "") .. widths[i] .. "s"):format(tostring(cell))
    end
    print(table.concat(line, "  "))
  end
end

--- The line that machines read.
function contest.figure(name, value) print(("figure %s %.4g"):format(name, value)) end

return contest
