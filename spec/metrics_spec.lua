-- rille.metrics from inside: what is counted, from wherever, and what is refused.

local http = require "rille.http"
local metrics = require "rille.metrics"
local process = require "spec.support.process"
local rille = require "rille"

local function failure(fn, ...)
  local ok, err = pcall(fn, ...)
  assert.is_false(ok)
  return err
end

--- The value of a sample, by its name with labels as it stands in the text.
local function value(sample)
  for line in metrics.text():gmatch "[^\n]+" do
    local name, number = line:match "^([^#].*) (%S+)$"
    if name == sample then return tonumber(number) end
  end
end

local last = 0
--- A name that no other metric has.
local function fresh(ending)
  last = last + 1
  return ("spec_%d%s"):format(last, ending or "")
end

describe("a counter", function()
  it("begins at 0, and grows", function()
    local name = fresh "_total"
    local counter = metrics.counter { name = name, help = "Things." }
    assert.equal(0, value(name))
    counter:inc()
    counter:inc(2.5)
    assert.equal(3.5, value(name))
    assert.matches("# HELP " .. name .. " Things.\n# TYPE " .. name .. " counter\n",
      metrics.text(), 1, true)
  end)

  it("has a series for each combination of labels", function()
    local name = fresh "_total"
    local counter = metrics.counter { name = name, help = "x", labels = { "a", "b" } }
    counter:inc(1, { a = "x", b = 1 })
    counter:inc(1, { b = 1, a = "x" })
    counter:inc(5, { a = "x", b = true })
    assert.equal(2, value(name .. '{a="x",b="1"}'))
    assert.equal(5, value(name .. '{a="x",b="true"}'))
  end)

  it("never becomes less", function()
    local counter = metrics.counter { name = fresh "_total", help = "x" }
    for _, n in ipairs { -1, -math.huge, math.huge, 0 / 0 } do
      assert.matches("a counter only grows", failure(counter.inc, counter, n))
    end
    assert.matches("a counter has no dec", failure(counter.dec, counter))
    assert.matches("a counter has no set", failure(counter.set, counter, 1))
    assert.matches("a counter has no observe", failure(counter.observe, counter, 1))
  end)

  it("escapes what labels and help say", function()
    local name = fresh "_total"
    metrics.counter { name = name, help = 'a "b"\\\nc', labels = { "l" } }:inc(1, { l = 'a"\\\n' })
    local text = metrics.text()
    assert.matches("# HELP " .. name .. ' a "b"\\\\\\nc\n', text, 1, true)
    assert.matches(name .. '{l="a\\"\\\\\\n"} 1\n', text, 1, true)
  end)

  it("has one sum over all domains, captured or asked for there", function()
    local name = fresh "_total"
    local counter = metrics.counter { name = name, help = "x", labels = { "where" } }
    rille.domains.set_bounds(0, 3)
    local tasks = {}
    for i = 1, 12 do
      tasks[i] = rille.submit(function()
        local own = require("rille.metrics").counter {
          name = name, help = "x", labels = { "where" },
        }
        for _ = 1, 1000 do
          counter:inc(1, { where = "task" })
          own:inc(1, { where = "task" })
        end
        return counter
      end)
    end
    for _ = 1, 1000 do counter:inc(1, { where = "main" }) end
    for _, task in ipairs(tasks) do task:await():inc(1, { where = "main" }) end
    assert.equal(24000, value(name .. '{where="task"}'))
    assert.equal(1012, value(name .. '{where="main"}'))
  end)
end)

describe("a gauge", function()
  it("goes up and down, and is set", function()
    local name = fresh()
    local gauge = metrics.gauge { name = name, help = "x" }
    gauge:inc(3)
    gauge:dec()
    assert.equal(2, value(name))
    gauge:set(-0.5)
    assert.equal(-0.5, value(name))
    rille.detach(function() gauge:set(7) end)
    gauge:inc()
    assert.equal(8, value(name))
    gauge:set(math.huge)
    assert.matches("\n" .. name .. " %+Inf\n", metrics.text())
  end)
end)

describe("a histogram", function()
  it("counts what falls below each bound", function()
    local name = fresh()
    local histogram = metrics.histogram { name = name, help = "x", buckets = { 1, 2.5 } }
    for _, seen in ipairs { 0, 1, 1.1, 2.5, 3, math.huge } do histogram:observe(seen) end
    assert.equal(2, value(name .. '_bucket{le="1"}'))
    assert.equal(4, value(name .. '_bucket{le="2.5"}'))
    assert.equal(6, value(name .. '_bucket{le="+Inf"}'))
    assert.equal(6, value(name .. "_count"))
    assert.matches(name .. "_sum %+Inf\n", metrics.text())
    assert.matches("not a number", failure(histogram.observe, histogram, 0 / 0))
  end)

  it("has buckets for seconds unless it says otherwise", function()
    local name = fresh()
    metrics.histogram { name = name, help = "x", labels = { "l" } }:observe(0.2, { l = "v" })
    assert.equal(0, value(name .. '_bucket{l="v",le="0.1"}'))
    assert.equal(1, value(name .. '_bucket{l="v",le="0.25"}'))
    assert.equal(0.2, value(name .. '_sum{l="v"}'))
  end)
end)

describe("a metric", function()
  local function refused(kind, options, why)
    options.help = options.help or "x"
    assert.matches(why, failure(metrics[kind], options), 1, true)
  end

  it("has a name as Prometheus wants it", function()
    refused("counter", { name = "9_total" }, '"9_total" is no name')
    refused("counter", { name = "a-b_total" }, "is no name")
    refused("gauge", { name = "" }, "is no name")
    refused("gauge", { name = "a\0b" }, "zero byte")
    refused("gauge", {}, "name must be a string, got a nil")
    refused("counter", { name = "hits" }, 'a counter\'s name ends in _total: "hits_total"')
    refused("gauge", { name = "hits_total" }, "only a counter's name ends in _total")
    refused("gauge", { name = "x_count" }, "_count at the end is a histogram's own")
    refused("gauge", { name = "rille_x" }, "the runtime's own")
    refused("gauge", { name = "process_x" }, "the runtime's own")
  end)

  it("has labels as Prometheus wants them", function()
    refused("gauge", { name = "x", labels = { "a-b" } }, '"a-b" is no name')
    refused("gauge", { name = "x", labels = { "__a" } }, '"__a" is no name')
    refused("gauge", { name = "x", labels = { "a:b" } }, '"a:b" is no name')
    refused("gauge", { name = "x", labels = { 1 } }, '"1" is no name')
    refused("gauge", { name = "x", labels = { "a", "a" } }, '"a" is there twice')
    refused("gauge", { name = "x", labels = "a" }, "a list of names")
    refused("histogram", { name = "x", labels = { "le" } }, "le is a histogram's own")
    local many = {}
    for i = 1, 17 do many[i] = "l" .. i end
    refused("gauge", { name = "x", labels = many }, "up to 16 labels")
  end)

  it("has options that there are", function()
    refused("gauge", { name = "x", lables = {} }, "there is no option lables")
    refused("gauge", { name = "x", buckets = { 1 } }, "to a histogram")
    refused("gauge", { name = "x", limit = 0 }, "limit must be an integer")
    refused("histogram", { name = "x", buckets = { 2, 1 } }, "each greater than the one before")
    refused("histogram", { name = "x", buckets = { 0 / 0 } }, "each greater than the one before")
    assert.matches("options are given in a table", failure(metrics.counter, "x"))
  end)

  it("is the same when it is asked for again, and no other one", function()
    local name = fresh "_total"
    metrics.counter { name = name, help = "x", labels = { "a" } }:inc(1, { a = 1 })
    metrics.counter { name = name, help = "x", labels = { "a" } }:inc(1, { a = 1 })
    assert.equal(2, value(name .. '{a="1"}'))
    refused("counter", { name = name, labels = { "b" } }, "differs in kind, help, labels")
    refused("counter", { name = name, labels = { "a" }, help = "y" }, "differs")
  end)

  it("wants all of its labels, and no others", function()
    local counter = metrics.counter { name = fresh "_total", help = "x", labels = { "a", "b" } }
    local function inc(labels) return failure(counter.inc, counter, 1, labels) end
    assert.matches("its labels are given in a table", inc())
    assert.matches("the label b is missing", inc { a = 1 })
    assert.matches("there is no label c", inc { a = 1, b = 1, c = 1 })
    assert.matches("the label b must be a string, a number or a boolean, got a table",
      inc { a = 1, b = {} })
    local bare = metrics.counter { name = fresh "_total", help = "x" }
    assert.matches("there is no label a", failure(bare.inc, bare, 1, { a = 1 }))
    assert.matches("it has no labels", failure(bare.inc, bare, 1, "a"))
  end)

  it("has a bounded number of series: what is beyond counts as one", function()
    local name = fresh "_total"
    local counter = metrics.counter { name = name, help = "x", labels = { "id" }, limit = 3 }
    for i = 1, 100 do counter:inc(1, { id = i }) end
    counter:inc(1, { id = 2 })
    assert.equal(2, value(name .. '{id="2"}'))
    assert.is_nil(value(name .. '{id="4"}'))
    assert.equal(97, value(name .. '{id="_other"}'))
  end)

  it("takes what is no text, or far too long, for one of those", function()
    local name = fresh "_total"
    local counter = metrics.counter { name = name, help = "x", labels = { "id" } }
    for _, id in ipairs { "\xff", "a\0b", ("x"):rep(257) } do counter:inc(1, { id = id }) end
    counter:inc(1, { id = ("x"):rep(256) })
    assert.equal(3, value(name .. '{id="_other"}'))
    assert.equal(1, value(name .. '{id="' .. ("x"):rep(256) .. '"}'))
  end)
end)

describe("the runtime's own metrics", function()
  it("tell of requests by route and status", function()
    local app = http.app()
    app:get("/spec/:id", function(req) return req.params.id == "no" and 404 or 200, "x" end)
    app:metrics()
    for _, id in ipairs { "a", "b", "no" } do app:inject("/spec/" .. id) end
    app:inject "/nowhere"
    local answer = app:inject "/metrics"
    assert.equal("text/plain; version=0.0.4; charset=utf-8", answer.headers["content-type"])
    local route = 'route="/spec/:id"'
    local requests = "rille_http_requests_total{" .. route
    assert.equal(2, value(requests .. ',status="200"}'))
    assert.equal(1, value(requests .. ',status="404"}'))
    assert.equal(1, value 'rille_http_requests_total{route="none",status="404"}')
    assert.equal(3, value("rille_http_request_duration_seconds_count{" .. route .. "}"))
    assert.is_true(value "rille_http_received_bytes_total" > 5 * 20)
    assert.is_true(value "rille_http_sent_bytes_total" > #answer.body)
  end)

  it("tell of jobs, by name", function()
    local job = rille.job(function(fails) if fails then error "no" end end, { name = "spec job" })
    job(false)
    assert.is_false((pcall(job, true)))
    assert.equal(2, value 'rille_job_submitted_total{job="spec job"}')
    assert.equal(1, value 'rille_job_finished_total{job="spec job"}')
    assert.equal(1, value 'rille_job_failed_total{job="spec job"}')
    assert.is_true(value "rille_task_submitted_total" >= 2)
    assert.is_true(value 'rille_job_run_seconds_total{job="spec job"}' > 0)
  end)

  it("tell of domains, their memory and collections", function()
    rille.sleep(0.001) -- the loop has to come round once
    assert.is_true(value 'rille_lua_memory_bytes{domain="main"}' > 10000)
    local before = value 'rille_lua_collections_total{domain="main"}'
    for _ = 1, 3 do collectgarbage() end
    assert.is_true(value 'rille_lua_collections_total{domain="main"}' >= before + 2)
    assert.is_true(value 'rille_fibers{domain="main"}' >= 1)
    assert.is_true(value 'rille_loop_lag_seconds_count{domain="main"}' > 0)
    assert.equal(rille.domains.get_queue_limit(), value "rille_queue_limit")
  end)

  it("tell of the process", function()
    assert.is_true(value "process_resident_memory_bytes" > 1e6)
    assert.is_true(value "process_cpu_seconds_total" > 0)
    local before = value "process_open_fds"
    local file <close> = assert(io.open "/dev/null")
    assert.equal(before + 1, value "process_open_fds")
    assert.is_truthy(file)
  end)

  it("are as promtool wants them", function()
    if not os.execute "command -v promtool >/dev/null" then
      pending "there is no promtool: scripts/setup metrics installs it"
      return
    end
    local name = fresh()
    metrics.histogram { name = name .. "_seconds", help = "x", labels = { "l" } }
      :observe(1, { l = '"\\\n' })
    rille.job(function() end, { name = 'job "x"' })()
    local result = process.run {
      "check", "metrics", program = "promtool", input = metrics.text(),
    }
    assert.same({ "", "", 0 }, { result.stdout, result.stderr, result.status })
  end)
end)
