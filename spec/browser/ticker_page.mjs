import assert from "node:assert/strict"
import { example } from "./example.mjs"

const fast = [0, 0.05]

// What is in the list: its numbers and its prices, the first one first.
async function read(page, count) {
  await page.locator("#list li").nth(count - 1).waitFor()
  const items = await page.locator("#list li").evaluateAll((list) => {
    return list.map((item) => ({ number: item.value, price: item.textContent }))
  })
  return items.reverse()
}

example("ticker", "shows each price once, in order", async ({ page, url }) => {
  await page.goto(url)
  assert.equal(await page.title(), "Ticker")
  const items = await read(page, 20)
  for (const [i, { number, price }] of items.entries()) {
    assert.equal(number, items[0].number + i)
    assert.match(price, /^\d+\.\d\d$/)
  }
  assert.match(await page.innerText("#price"), /^\d+\.\d\d$/)
}, fast)

example("ticker", "tells all who watch the same", async ({ page, url }) => {
  const other = await page.context().newPage()
  await Promise.all([page.goto(url), other.goto(url)])
  const prices = new Map((await read(page, 20)).map(({ number, price }) => [number, price]))
  const both = (await read(other, 20)).filter(({ number }) => prices.has(number))
  assert.ok(both.length > 0)
  for (const { number, price } of both) assert.equal(price, prices.get(number))
}, fast)

example("ticker", "goes on where a page that was cut off has stopped", async ({ page, url }) => {
  await page.goto(url)
  const before = (await read(page, 5)).at(-1).number
  const missed = await page.evaluate(async ([last]) => {
    const answer = await fetch("/ticks", { headers: { "Last-Event-ID": String(last - 3) } })
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader()
    let text = ""
    while ((text.match(/^id: /gm) ?? []).length < 5) text += (await reader.read()).value
    await reader.cancel()
    return [...text.matchAll(/^id: (\d+)$/gm)].map(([, id]) => Number(id)).slice(0, 5)
  }, [before])
  assert.deepEqual(missed, [-2, -1, 0, 1, 2].map((i) => before + i))
}, fast)
