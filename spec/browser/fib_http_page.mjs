import assert from "node:assert/strict"
import { example } from "./example.mjs"

example("fib_http", "answers a page's many questions at once", async ({ page, url }) => {
  await page.goto(url + "/fib/20")
  assert.deepEqual(JSON.parse(await page.innerText("body")), { n: 20, fib: 6765 })
  const answers = await page.evaluate(() => {
    const ask = async (n) => (await (await fetch("/fib/" + n)).json()).fib
    return Promise.all([24, 1, 23, 2, 22, 3, 21, 4].map(ask))
  })
  assert.deepEqual(answers, [46368, 1, 28657, 1, 17711, 2, 10946, 3])
})
