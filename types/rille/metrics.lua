---@meta rille.metrics

-- Made by scripts/reference from the comments at the bindings.

---It crosses to other domains by reference. None of its methods suspends.
---@class rille.metrics.metric
local metric = {}

---Adds n, 1 unless it is given, to the series of a counter or gauge with these labels. Raises if a label is missing or unknown; n is negative, of a counter.
---@param n? number
---@param labels? string[]|table<string, string|number|boolean>
function metric:inc(n, labels) end

---Subtracts it from a gauge.
---@param n? number
---@param labels? string[]|table<string, string|number|boolean>
function metric:dec(n, labels) end

---Gives a gauge its value.
---@param n number
---@param labels? string[]|table<string, string|number|boolean>
function metric:set(n, labels) end

---Counts it in its bucket of a histogram, and in the sum.
---@param n number
---@param labels? string[]|table<string, string|number|boolean>
function metric:observe(n, labels) end

---@class rille.metrics.counter_options
---@field name? string # string: ends in _total
---@field help? string # string: what it counts
---@field labels? string[] # a list of names; each inc gives a value to all of them
---@field limit? integer # 1000: the most series, that is combinations of values; what is beyond counts as "_other"

---@class rille.metrics.histogram_options: rille.metrics.counter_options
---@field buckets? number[] # their upper bounds, growing; initially from 0.0005 to 10, for seconds

---Numbers that a program counts, for Prometheus. None of its functions suspends; all may be called on any domain, and there is one sum over all.
---
---local visits = rille.metrics.counter { name = "shop_visits_total", help = "Visits" }
---visits:inc()
---
---Loading this module has the runtime count its own, too; metrics.text tells all. See docs/metrics.md.
---@class rille.metrics
local metrics = {}

---What only grows. Raises if a name is not as Prometheus wants it, or there is a metric of that name that is not the same; the same one may be asked for again, on any domain.
---@param options rille.metrics.counter_options
---@return rille.metrics.metric
function metrics.counter(options) end

---What goes up and down. Options are those of metrics.counter, but the name does not end in _total.
---@param options rille.metrics.counter_options
---@return rille.metrics.metric
function metrics.gauge(options) end

---How often which values were observed. Options are those of metrics.counter, but the name does not end in _total, and:
---@param options rille.metrics.histogram_options
---@return rille.metrics.metric
function metrics.histogram(options) end

---All metrics, the program's and the runtime's own, in the text format of Prometheus (version 0.0.4). app:metrics(path) serves it.
---@return string
function metrics.text() end

return metrics
