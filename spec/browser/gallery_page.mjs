import assert from "node:assert/strict"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { after } from "node:test"
import { example } from "./example.mjs"

const directory = mkdtempSync(tmpdir() + "/rille-gallery-")
after(() => rmSync(directory, { recursive: true }))
const painted = [0, directory + "/pictures"] // which the server paints, at its first start

// The sizes of a page's images once all are there.
const sizes = (page) => page.evaluate(async () => {
  await Promise.all([...document.images].map((image) => image.decode()))
  return [...document.images].map((image) => [image.naturalWidth, image.naturalHeight])
})

example("gallery", "shows thumbnails of all pictures", async ({ page, url }) => {
  await page.goto(url)
  assert.deepEqual(await sizes(page), Array(6).fill([100, 66]))
  const names = await page.locator("img").evaluateAll((list) => list.map((image) => image.alt))
  assert.deepEqual(names, [1, 2, 3, 4, 5, 6].map((i) => `${i}.bmp`))
}, painted)

// The mean of an image's pixels: red, green and blue.
const mean = (page, place) => page.evaluate(async (at) => {
  const image = document.images[at]
  await image.decode()
  const canvas = document.createElement("canvas")
  canvas.width = image.naturalWidth
  canvas.height = image.naturalHeight
  const context = canvas.getContext("2d")
  context.drawImage(image, 0, 0)
  const { data } = context.getImageData(0, 0, canvas.width, canvas.height)
  const sum = [0, 0, 0]
  for (let i = 0; i < data.length; i++) if (i % 4 < 3) sum[i % 4] += data[i]
  return sum.map((value) => (value * 4) / data.length)
}, place)

example("gallery", "leads to the picture, of which the thumbnail is the mean",
  async ({ page, url }) => {
    await page.goto(url)
    const small = await mean(page, 1)
    await Promise.all([page.waitForNavigation(), page.getByAltText("2.bmp").click()])
    assert.equal(page.url(), url + "/pictures/2.bmp")
    assert.deepEqual(await sizes(page), [[300, 200]])
    const large = await mean(page, 0)
    small.forEach((value, i) => assert.ok(Math.abs(value - large[i]) < 2, `${small}, ${large}`))
  }, painted)
