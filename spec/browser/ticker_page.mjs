import assert from "node:assert/strict"
import { example } from "./example.mjs"

example("ticker", "shows every price as it comes", async ({ page, url }) => {
  await page.goto(url)
  await page.waitForFunction(() => document.querySelectorAll("#list li").length >= 3)
  const values = await page.$$eval("#list li", items => items.map(item => item.value))
  for (let i = 1; i < values.length; i++) assert.equal(values[i], values[i - 1] - 1)
  assert.match(await page.innerText("#price"), /^\d+\.\d\d$/)
})
