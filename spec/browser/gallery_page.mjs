import assert from "node:assert/strict"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { after } from "node:test"
import { example } from "./example.mjs"

const home = await mkdtemp(join(tmpdir(), "gallery-"))
after(() => rm(home, { recursive: true }))

const sizes = (page) => page.$$eval("img", (list) => {
  return list.map((image) => image.complete && [image.naturalWidth, image.naturalHeight])
})

example("gallery", "shows thumbnails, and each picture behind its own", async ({ page, url }) => {
  await page.goto(url, { waitUntil: "load" })
  assert.deepEqual(await sizes(page), Array(6).fill([100, 66]))
  await page.click("img[alt='3.bmp']")
  await page.waitForURL(url + "/pictures/3.bmp")
  assert.deepEqual(await sizes(page), [[300, 200]])
}, [0, join(home, "pictures")])
