// Example servers and their pages in headless Chromium, for the tests in this folder.
//
//     example("hello", "greets", async ({ page, url, server }) => { ... })
//
// is a test. Its server gets a port of its own and must end well when it is told to; whatever the
// page logs as an error, throws or fails to load fails the test. All of it is bounded in time.

import assert from "node:assert/strict"
import { spawn } from "node:child_process"
import { once } from "node:events"
import { createRequire } from "node:module"
import { createInterface } from "node:readline"
import test, { after } from "node:test"

const { RILLE_DRIVER, RILLE_PROGRAM } = process.env
const { chromium } = createRequire(RILLE_DRIVER + "/")("playwright-core")
const root = new URL("../..", import.meta.url).pathname

const PATIENCE = 20 // seconds, for what a test waits for
const SECONDS = 60 // for a test

const browser = await chromium.launch({ executablePath: "/usr/bin/chromium" })
after(() => browser.close())

async function serve(name, args) {
  const command = [RILLE_PROGRAM, `examples/${name}.lua`, ...args].map(String)
  const bounds = ["--foreground", "--signal=KILL", String(SECONDS)]
  const child = spawn("timeout", [...bounds, ...command], { cwd: root })
  const errors = []
  child.stderr.on("data", (bytes) => errors.push(bytes))
  const end = once(child, "close").then(([status]) => {
    return { status, errors: Buffer.concat(errors).toString() }
  })
  const line = once(createInterface({ input: child.stdout }), "line")
  const [first] = await Promise.race([line, end.then((how) => [JSON.stringify(how)])])
  const port = /^listening on .*:(\d+)/.exec(first)?.[1]
  assert.ok(port, `examples/${name}.lua does not say where it listens: ${first}`)
  return { url: `http://127.0.0.1:${port}`, pid: child.pid, stop: () => child.kill("SIGTERM"), end }
}

// What goes wrong in a page, as it comes. Browsers look for an icon that no page speaks of.
function troubles(page) {
  const list = []
  const note = (url, text) => url.endsWith("/favicon.ico") || list.push(`${url}: ${text}`)
  page.on("console", (m) => m.type() === "error" && note(m.location().url, m.text()))
  page.on("pageerror", (error) => note(page.url(), error.stack))
  page.on("requestfailed", (request) => note(request.url(), request.failure().errorText))
  return list
}

export function example(name, title, body, args = [0]) {
  test(`${name} ${title}`, { timeout: SECONDS * 1000 }, async () => {
    const server = await serve(name, args)
    const context = await browser.newContext()
    try {
      const page = await context.newPage()
      page.setDefaultTimeout(PATIENCE * 1000)
      const wrong = troubles(page)
      await body({ page, url: server.url, server })
      assert.deepEqual(wrong, [])
    } finally {
      await context.close()
      server.stop()
      await server.end
    }
    assert.deepEqual(await server.end, { status: 0, errors: "" })
  })
}
