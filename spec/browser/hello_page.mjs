import assert from "node:assert/strict"
import { example } from "./example.mjs"

example("hello", "greets", async ({ page, url }) => {
  await page.goto(url)
  assert.equal(await page.innerText("body"), "hello, world\n")
})

example("hello", "greets by name, in any script", async ({ page, url }) => {
  await page.goto(url + "/hello/Zoë Łukasz 山田")
  assert.equal(await page.innerText("body"), '{"message":"hello, Zoë Łukasz 山田"}')
})
