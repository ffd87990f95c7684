--- Scale: how much of a stress spec's full amount to do. Sanitizers make the program 5 to 20 times
-- slower and its memory several times larger; under them what is tested stays the same and only the
-- counts shrink, to the percentage that RILLE_SPEC_SCALE sets or to what suits the build.

local of_build = { debug = 50, asan = 10, tsan = 5 }

local percent = tonumber(os.getenv "RILLE_SPEC_SCALE" or of_build[os.getenv "RILLE_BUILD"] or 100)
assert(percent and percent >= 1 and percent <= 100, "RILLE_SPEC_SCALE must be from 1 to 100")

--- The part of `count` to do, at least `least` (1).
return function(count, least)
  return math.max(least or 1, count * percent // 100 | 0)
end
